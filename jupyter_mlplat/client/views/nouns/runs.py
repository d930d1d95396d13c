"""Runs, their steps and what they saved."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from jupyter_mlplat.client.views.nouns.formats import (
    format_age,
    format_count,
    format_duration,
    format_metrics,
    state_cell,
)
from jupyter_mlplat.client.views.text import join_names
from jupyter_mlplat.client.views.view import Cell, Mood, Series, Table, View
from jupyter_mlplat.kit.quantities import format_bytes
from jupyter_mlplat.resources.run import Metric, OutputValue, Run, RunSummary, Task

if TYPE_CHECKING:
    from jupyter_mlplat.client.restoring import Restored


def view_run(
    run: Run, metrics: dict[str, float] | None = None, series: tuple[Series, ...] = ()
) -> View:
    """Show a run with its steps; light enough to be drawn again at every change."""
    done = sum(task.state.is_final for task in run.steps)
    facts = []
    if run.parameters:
        shown = ", ".join(f"{name}={value!r}" for name, value in run.parameters.items())
        facts.append(("parameters", Cell(shown)))
    if run.duration_s is not None:
        facts.append(("took", Cell(format_duration(run.duration_s))))
    if metrics:
        facts.append(("metrics", Cell(format_metrics(metrics))))
    if run.results is not None and run.results.parameters:
        made = (f"{name}={value!r}" for name, value in run.results.parameters.items())
        facts.append(("results", Cell(", ".join(made))))
    return View(
        title=f"Run {run.number} of {run.pipeline}" + (f": {run.title}" if run.title else ""),
        state=state_cell(run.state),
        facts=tuple(facts),
        progress=None if run.state.is_final else done / max(1, len(run.steps)),
        tables=(
            Table(
                ("step", "state", "time", "note"),
                tuple(_task_row(task, depth) for task, depth in _outlined(run.tasks)),
                right=frozenset({"time"}),
            ),
        ),
        notes=(
            *(Cell(message, Mood.BAD) for message in failure_messages(run)),
            *(Cell(message, Mood.WARNING) for message in _not_kept(run)),
            *(Cell(message, Mood.QUIET) for message in (*run.notes, *_task_notes(run))),
        ),
        empty="No steps yet.",
        link=f"run/{run.id}",
        series=series,
    )


def metric_series(
    metrics: Iterable[Metric], names: int = 6, points: int = 60
) -> tuple[Series, ...]:
    """Return the first few metrics over time, each with its last points."""
    logged: dict[str, list[float]] = {}
    for metric in metrics:
        logged.setdefault(metric.name, []).append(metric.value)
    return tuple(Series(name, tuple(logged[name][-points:])) for name in list(logged)[:names])


def failure_messages(run: Run) -> list[str]:
    """Say why a run did not succeed, each reason once."""
    messages = [
        _with_step(task.name, task.failure.message)
        for task in run.tasks
        if task.failure and task.state.is_final
    ]
    if run.failure and not any(run.failure.message in message for message in messages):
        messages.append(run.failure.message)
    return messages


def _not_kept(run: Run) -> list[str]:
    return [
        f"{name!r} of step {task.name!r} was not kept: {why}. No step needs it."
        for task in run.tasks
        for name, why in task.not_kept.items()
    ]


def _task_notes(run: Run) -> list[str]:
    """Say what tasks asked for and did not get here, each once."""
    found: dict[str, list[str]] = {}
    for task in run.tasks:
        for note in task.notes:
            found.setdefault(note, []).append(task.name)
    return [f"{join_names(names)}: {note}." for note, names in found.items()]


def _outlined(tasks: Sequence[Task]) -> Iterator[tuple[Task, int]]:
    """Yield tasks, each followed by those that lie in it, with how deep they lie."""
    inside: dict[str | None, list[Task]] = {}
    for task in tasks:
        inside.setdefault(task.parent, []).append(task)
    stack = [(task, 0) for task in reversed(inside.get(None, []))]
    while stack:
        task, depth = stack.pop()
        yield task, depth
        stack += [(inner, depth + 1) for inner in reversed(inside.get(task.name, []))]


def _with_step(name: str, message: str) -> str:
    """Put the step's name before a message that does not begin with it."""
    step = f"Step {name!r}"
    if message.startswith((step, "Task ", "Cannot run task ")):
        return message
    return f"{step}{',' if message.startswith('cell ') else ':'} {message}"


def view_runs(runs: Sequence[RunSummary]) -> View:
    """Show runs as rows."""
    rows = tuple(
        (
            Cell(str(run.number), link=f"run/{run.id}"),
            Cell(run.title or run.pipeline),
            state_cell(run.state),
            Cell(f"{run.tasks_done}/{run.tasks_total}" + _cached_note(run)),
            Cell(format_duration(run.duration_s)),
            Cell(format_age(run.created_at)),
            Cell(_metrics_note(run)),
        )
        for run in runs
    )
    headers = ("run", "pipeline", "state", "steps", "took", "created", "metrics")
    return View(
        title="Runs",
        tables=(Table(headers, rows, right=frozenset({"run", "took"})),),
        empty="No runs yet. Start one with: jupyter mlplat run NOTEBOOK",
    )


def view_outputs(outputs: Iterable[OutputValue]) -> View:
    """Show what steps saved."""
    rows = tuple(
        (
            Cell(output.name),
            Cell(output.type),
            Cell(format_bytes(output.size_bytes)),
            Cell(output.step),
            Cell(output.preview),
        )
        for output in outputs
    )
    headers = ("name", "type", "size", "step", "preview")
    return View(
        title="Outputs",
        tables=(Table(headers, rows, right=frozenset({"size"})),),
        empty="Nothing was saved.",
    )


def view_restored(restored: "Restored") -> View:
    """Show what a namespace was given, and what has not run."""
    run, step = restored.run, restored.step
    facts = [("folder", Cell(restored.folder))]
    if step.prelude:
        facts.append(("imports", Cell(join_names(line.splitlines()[0] for line in step.prelude))))
    if restored.parameters:
        shown = ", ".join(f"{name}={value!r}" for name, value in restored.parameters.items())
        facts.append(("parameters", Cell(shown)))
    rows = tuple(
        (Cell(value.name), Cell(value.type), Cell(value.step), Cell(value.preview))
        for value in restored.values
    )
    return View(
        title=f"State before step {step.name} of run {run.number}",
        state=Cell("✓ restored", Mood.GOOD),
        facts=tuple(facts),
        tables=(Table(("name", "type", "made by", "preview"), rows),),
        notes=tuple(_restored_notes(restored)),
        empty="The step was given no values.",
    )


def _restored_notes(restored: "Restored") -> Iterator[Cell]:
    if restored.unbound:
        yield Cell(f"Not bound in the run either: {', '.join(restored.unbound)}.", Mood.QUIET)
    if restored.replaced:
        yield Cell(f"Replaced here: {', '.join(restored.replaced)}.", Mood.WARNING)
    task = next((task for task in restored.run.tasks if task.name == restored.step.name), None)
    failure = task.failure if task else None
    cells = [cell.id for cell in restored.step.cells]
    earlier = cells.index(failure.cell) if failure and failure.cell in cells else 0
    if earlier:
        yield Cell(
            f"None of the step's cells has run here: the first {format_count(earlier, 'cell')} of "
            "it ran before the one that failed.",
            Mood.QUIET,
        )
    else:
        yield Cell("None of the step's cells has run here.", Mood.QUIET)


def _task_row(task: Task, depth: int = 0) -> tuple[Cell, ...]:
    note = ""
    if task.cache and (task.cache.hit or task.cache.changed):
        note = f"cached: {task.cache.reason}" if task.cache.hit else task.cache.reason
    elif task.cache and task.cache.reason.startswith("not cached:"):
        note = task.cache.reason
    if task.waiting_for and not task.state.is_final:
        note = f"waits for {task.waiting_for}"
    elif task.attempt > 1:
        note = f"attempt {task.attempt}"
    elif task.cached and not note:
        note = "cached"
    if task.failure and task.failure.cell_index is not None:
        note = f"cell {task.failure.cell_index + 1}"
    return (
        Cell("  " * depth + (task.path[-1] if depth else task.name)),
        state_cell(task.state),
        Cell(format_duration(task.duration_s)),
        Cell(note, Mood.QUIET),
    )


def _cached_note(run: RunSummary) -> str:
    return f" ({run.tasks_cached} cached)" if run.tasks_cached else ""


def _metrics_note(run: RunSummary) -> str:
    if run.failed_step:
        return f"failed in {run.failed_step}"
    return format_metrics(run.metrics, limit=3)
