"""Train and tuning jobs, their ranks and trials."""

import math
from collections.abc import Iterable, Mapping, Sequence

from jupyter_mlplat.client.views.nouns.formats import (
    format_age,
    format_duration,
    format_metrics,
    format_number,
    state_cell,
)
from jupyter_mlplat.client.views.nouns.runs import failure_messages
from jupyter_mlplat.client.views.view import Cell, Chart, Line, Mood, Table, View
from jupyter_mlplat.kit.quantities import format_bytes
from jupyter_mlplat.resources.run import Metric, Run, RunSummary, Task, TaskState
from jupyter_mlplat.resources.training import Progress, RankStatus, TrainJobStatus
from jupyter_mlplat.resources.tuning import Trial, TrialState, TuningStatus

_MOST_CHARTS = 4
_MOST_TRIALS = 10
_MOST_RANKS = 16


def view_train_job(
    run: Run, task: Task, status: TrainJobStatus | None, metrics: Sequence[Metric], tail: str
) -> View:
    """Show a train job: how far it is, its curves, its processes, the end of its log."""
    progress = task.progress or (status.progress if status else None)
    facts = [*_setting_of(status), *_progress_facts(task, progress)]
    latest = {metric.name: metric.value for metric in metrics}
    if latest:
        facts.append(("metrics", Cell(format_metrics(latest))))
    if status is not None and status.checkpoints:
        last = status.checkpoints[-1]
        size = f", {format_bytes(last.size_bytes)}" if last.size_bytes else ""
        facts.append(("checkpoint", Cell(f"{last.name}{size}")))
    if status is not None and status.restarts:
        facts.append(("restarts", Cell(str(status.restarts), Mood.WARNING)))
    ranks = status.ranks if status is not None else ()
    return View(
        title=_title("Train job", run, task),
        state=_state_of(run, task),
        facts=tuple(facts),
        progress=None if task.state.is_final else (progress.fraction if progress else None) or 0.0,
        charts=metric_charts(metrics),
        tables=(_ranks_table(ranks),) if len(ranks) > 1 else (),
        notes=_notes(run, task),
        block="" if task.state is TaskState.SUCCEEDED else tail,
        link=_link(run.kind, run.id),
    )


def view_tuning_job(
    run: Run, task: Task, tuning: TuningStatus | None, trials: Sequence[Trial], tail: str
) -> View:
    """Show a tuning job: the best so far, how it was come to, its trials."""
    title, state = _title("Tuning job", run, task), _state_of(run, task)
    if tuning is None:
        return View(title=title, state=state, link=_link(run.kind, run.id))
    spec, best = tuning.spec, tuning.best
    ended = sum(n for name, n in tuning.counts.items() if TrialState(name).is_final)
    facts = [("trials", Cell(_count_trials(tuning, ended)))]
    if best is not None:
        named = f"{spec.objective.metric} {_value(best.value)} in trial {best.number}"
        facts.append(("best so far" if not task.state.is_final else "best", Cell(named, Mood.GOOD)))
        facts.append(("parameters", Cell(_parameters(best.parameters))))
    if len(tuning.importance) > 1:
        shares = sorted(tuning.importance.items(), key=lambda item: -item[1])
        facts.append(("importance", Cell(", ".join(f"{n} {share:.0%}" for n, share in shares))))
    if task.state.is_final and task.duration_s is not None:
        facts.append(("took", Cell(format_duration(task.duration_s))))
    share = ended / spec.trials if spec.trials else 0.0
    notes = list(_notes(run, task))
    if tuning.over and task.state.is_final:
        notes.append(Cell(tuning.over, Mood.QUIET))
    return View(
        title=title,
        state=state,
        facts=tuple(facts),
        progress=None if task.state.is_final else share,
        charts=tuning_charts(tuning, trials),
        tables=(_trials_table(_chosen(trials, best), spec.objective.metric, best),),
        notes=tuple(notes),
        block=tail if task.state is TaskState.FAILED else "",
        empty="No trials yet.",
        link=_link(run.kind, run.id),
    )


def view_trials(title: str, trials: Sequence[Trial], metric: str) -> View:
    """Show trials as rows."""
    return View(title=title, tables=(_trials_table(trials, metric, None),), empty="No trials yet.")


def view_jobs(jobs: Sequence[RunSummary]) -> View:
    """Show jobs as rows."""
    rows = tuple(
        (
            Cell(str(job.number), link=_link(job.kind, job.id)),
            Cell("tuning" if job.kind == "tune" else job.kind),
            Cell(job.title or job.pipeline),
            state_cell(job.state),
            Cell(format_duration(job.duration_s)),
            Cell(format_age(job.created_at)),
            Cell(format_metrics(job.metrics, limit=3)),
        )
        for job in jobs
    )
    headers = ("job", "kind", "name", "state", "took", "created", "metrics")
    return View(
        title="Jobs",
        tables=(Table(headers, rows, right=frozenset({"job", "took"})),),
        empty="No jobs yet. Start one with: %%mlplat train or %%mlplat tune",
    )


def metric_charts(metrics: Iterable[Metric]) -> tuple[Chart, ...]:
    """Draw metrics over the steps they were logged at, those of one kind in one chart.

    `loss` and `val_loss`, `train/loss` and `test/loss` are of one kind.
    """
    logged: dict[str, list[Metric]] = {}
    for metric in metrics:
        logged.setdefault(metric.name, []).append(metric)
    kinds: dict[str, list[str]] = {}
    for name, rows in logged.items():
        if len(rows) > 1:
            kinds.setdefault(_kind_of(name), []).append(name)
    charts = []
    for kind, names in list(kinds.items())[:_MOST_CHARTS]:
        lines = tuple(_line(name, logged[name]) for name in names[:6])
        charts.append(Chart(names[0] if len(names) == 1 else kind, lines, "step"))
    return tuple(charts)


_SIDES = frozenset({"train", "training", "val", "valid", "validation", "test", "eval"})


def _kind_of(name: str) -> str:
    words = [word for word in name.replace("/", "_").replace(".", "_").split("_") if word]
    return "_".join(word for word in words if word not in _SIDES) or name


def _line(name: str, rows: Sequence[Metric]) -> Line:
    has_steps = all(row.position is not None for row in rows)
    points = [
        (float(row.position if has_steps and row.position is not None else index), row.value)
        for index, row in enumerate(rows, 1)
    ]
    # What a restart trains again replaces what the attempt before had told.
    return Line(name, tuple(sorted(dict(points).items())))


def tuning_charts(tuning: TuningStatus, trials: Sequence[Trial]) -> tuple[Chart, ...]:
    """Draw every trial and the best so far, and what the most important parameter did."""
    objective = tuning.spec.objective
    ended = [trial for trial in trials if trial.value is not None]
    if not ended:
        return ()
    values = [(float(trial.number), _finite(trial.value)) for trial in ended]
    better = max if objective.direction == "maximize" else min
    best, so_far = math.nan, []
    for number, value in values:
        if math.isfinite(value):
            best = value if math.isnan(best) else better(best, value)
        so_far.append((number, best))
    history = Chart(
        objective.metric,
        (Line("trials", tuple(values), "dots"), Line("best so far", tuple(so_far), "step")),
        "trial",
    )
    return history, *_slice(tuning, ended)


def _slice(tuning: TuningStatus, trials: Sequence[Trial]) -> tuple[Chart, ...]:
    """Draw the objective over the parameter that matters most, if it is a number."""
    numbers = [p for p in tuning.spec.space if p.type != "categorical"]
    if not numbers:
        return ()
    chosen = max(numbers, key=lambda p: tuning.importance.get(p.name, 0.0))
    is_log = chosen.distribution.startswith("log")
    points = []
    for trial in trials:
        at = trial.parameters.get(chosen.name)
        if isinstance(at, int | float) and (at > 0 or not is_log):
            points.append((math.log10(at) if is_log else float(at), _finite(trial.value)))
    name = f"log₁₀ {chosen.name}" if is_log else chosen.name
    line = Line(name, tuple(points), "dots")
    return (Chart(f"{tuning.spec.objective.metric} by {name}", (line,), ""),)


def _link(kind: str, run: str) -> str:
    """Name what shows a job best: its own page, or the run that has it as a step."""
    pages = {"train": "training", "tune": "tuning"}
    return f"{pages.get(kind, 'run')}/{run}"


def _title(what: str, run: Run, task: Task) -> str:
    if run.kind == "pipeline":
        return f"{what}: step {task.name} of run {run.number}"
    return f"{what} {run.number}: {run.title or run.pipeline}"


def _state_of(run: Run, task: Task) -> Cell:
    return state_cell(task.state if run.kind == "pipeline" else run.state)


def _setting_of(status: TrainJobStatus | None) -> list[tuple[str, Cell]]:
    if status is None:
        return []
    spec = status.spec
    processes = spec.processes or 1
    shape = "1 process" if processes == 1 else f"{processes} processes"
    if spec.nodes > 1:
        shape = f"{spec.nodes} nodes × {processes}"
    return [("runs as", Cell(f"{shape}, {spec.runtime}"))]


def _progress_facts(task: Task, progress: Progress | None) -> list[tuple[str, Cell]]:
    facts = []
    if task.state.is_final:
        if task.duration_s is not None:
            facts.append(("took", Cell(format_duration(task.duration_s))))
    elif progress is not None:
        said = [] if progress.fraction is None else [f"{progress.fraction:.0%}"]
        if progress.position is not None:
            said.append(f"step {progress.position}")
        if progress.remaining_s is not None:
            said.append(f"{format_duration(progress.remaining_s)} left")
        if progress.message:
            said.append(progress.message)
        if said:
            facts.append(("progress", Cell(", ".join(said))))
    return facts


def _notes(run: Run, task: Task) -> tuple[Cell, ...]:
    notes = [Cell(message, Mood.BAD) for message in failure_messages(run)]
    if task.waiting_for and not task.state.is_final:
        notes.append(Cell(f"Waits for {task.waiting_for}.", Mood.WARNING))
    notes += [Cell(f"{note}.", Mood.QUIET) for note in task.notes]
    return tuple(notes)


_RANK_STATES = {
    "pending": "PENDING",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "stopped": "STOPPED",
}


def _ranks_table(ranks: Sequence[RankStatus]) -> Table:
    has_gpus = any(rank.gpus for rank in ranks)
    rows = []
    for rank in ranks[:_MOST_RANKS]:
        note = Cell(rank.exit or "", Mood.BAD if rank.state == "failed" else Mood.QUIET)
        row = [Cell(str(rank.rank)), Cell(str(rank.node)), state_cell(_RANK_STATES[rank.state])]
        if has_gpus:
            row.append(Cell(", ".join(rank.gpus)))
        rows.append((*row, note))
    headers = ("rank", "node", "state", *(("gpu",) if has_gpus else ()), "note")
    return Table(headers, tuple(rows), right=frozenset({"rank", "node"}))


_TRIAL_STATES = {
    TrialState.PENDING: "PENDING",
    TrialState.RUNNING: "RUNNING",
    TrialState.SUCCEEDED: "SUCCEEDED",
    TrialState.FAILED: "FAILED",
    TrialState.KILLED: "CANCELED",
    TrialState.EARLY_STOPPED: "STOPPED",
    TrialState.METRICS_UNAVAILABLE: "FAILED",
}
_TRIAL_WORDS = {
    TrialState.EARLY_STOPPED: "stopped early",
    TrialState.METRICS_UNAVAILABLE: "no metric",
    TrialState.KILLED: "killed",
}


def _trials_table(trials: Sequence[Trial], metric: str, best: Trial | None) -> Table:
    names = list(dict.fromkeys(name for trial in trials for name in trial.parameters))
    rows = tuple(_trial_row(trial, names, best) for trial in trials)
    headers = ("trial", "state", metric, *names, "time", "note")
    numbers = [n for n in names if all(_is_number(trial.parameters.get(n)) for trial in trials)]
    return Table(headers, rows, right=frozenset({"trial", metric, *numbers, "time"}))


def _trial_row(trial: Trial, names: Sequence[str], best: Trial | None) -> tuple[Cell, ...]:
    is_best = best is not None and trial.number == best.number
    shown = state_cell(_TRIAL_STATES[trial.state])
    if trial.state in _TRIAL_WORDS:
        shown = Cell(f"{shown.text.partition(' ')[0]} {_TRIAL_WORDS[trial.state]}", shown.mood)
    value = "" if trial.value is None else format_number(trial.value)
    note = (trial.failure or "").strip().splitlines()
    return (
        Cell(str(trial.number)),
        shown,
        Cell(value, Mood.GOOD if is_best else Mood.PLAIN),
        *(Cell(_value(trial.parameters.get(name))) for name in names),
        Cell(format_duration(trial.duration_s)),
        Cell("best" if is_best else note[-1][:120] if note else "", Mood.QUIET),
    )


def _chosen(trials: Sequence[Trial], best: Trial | None) -> tuple[Trial, ...]:
    """Choose what a card has room for: the best, and the newest of the rest, newest first."""
    newest = sorted(trials, key=lambda trial: -trial.number)[:_MOST_TRIALS]
    if best is None or any(trial.number == best.number for trial in newest):
        return tuple(newest)
    found = next((trial for trial in trials if trial.number == best.number), best)
    return found, *newest[:-1]


def _count_trials(tuning: TuningStatus, ended: int) -> str:
    counts = {TrialState(name): number for name, number in tuning.counts.items() if number}
    said = f"{ended} of {tuning.spec.trials}" if tuning.spec.trials else str(ended)
    words = {state: _TRIAL_WORDS.get(state, state.value.lower()) for state in counts}
    rest = [
        f"{number} {words[state]}"
        for state, number in counts.items()
        if state is not TrialState.SUCCEEDED
    ]
    return said + (f" ({', '.join(rest)})" if rest else "")


def _parameters(parameters: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in parameters.items())


def _value(value: object) -> str:
    if isinstance(value, float):
        return format_number(value)
    return "" if value is None else str(value)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _finite(value: float | None) -> float:
    return math.nan if value is None or not math.isfinite(value) else value
