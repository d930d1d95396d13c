"""A train or tuning job in a terminal: what becomes of it, drawn in place while it goes."""

import sys
from typing import TYPE_CHECKING

from jupyter_mlplat.cli import progress
from jupyter_mlplat.cli.terminal import Terminal, is_terminal
from jupyter_mlplat.errors import PlatformError

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.run import Run

_TICK_S = 0.25
_MOST_TRIALS = 10_000


def follow(client: "EngineClient", run: "Run", terminal: Terminal, wait: bool) -> int:
    """Show a job until it ends, and say how it ended; or only name it."""
    from jupyter_mlplat.resources.run import RunState

    if not wait:
        terminal.answer({"run": run.to_wire()})
        terminal.say(run.id)
        return 0
    try:
        ended = watch(client, run, terminal)
    except KeyboardInterrupt:
        print(
            f"\nJob {run.pipeline!r} (run {run.number}) goes on. Look at it: jupyter mlplat get "
            f"{'trainjobs' if run.kind == 'train' else 'experiments'} {run.pipeline}. "
            f"Stop it: jupyter mlplat cancel {run.number}",
            file=sys.stderr,
        )
        raise
    terminal.answer(progress.describe(client, client.get_result(ended.id)))
    return 0 if ended.state is RunState.SUCCEEDED else 1


def watch(client: "EngineClient", run: "Run", terminal: Terminal) -> "Run":
    """Show a job until it ends; return it as it ended."""
    stream = sys.stderr if terminal.is_json else sys.stdout
    if is_terminal(stream):
        _draw(client, run, progress.LiveLines(stream))
    elif terminal.is_json:
        client.wait_for_run(run.id)
    else:
        _tell(client, run)
    ended = client.get_run(run.id)
    if not terminal.is_json:
        _report(client, ended, terminal)
    return ended


def _draw(client: "EngineClient", run: "Run", lines: "progress.LiveLines") -> None:
    from jupyter_mlplat.client.progress import watch_run

    try:
        for picture in watch_run(client, run, _TICK_S):
            lines.draw(picture, lines_of(client, picture))
    finally:
        lines.clear()


def lines_of(client: "EngineClient", run: "Run") -> list[str]:
    """Say in a few lines how a job is doing."""
    try:
        if run.kind == "tune":
            return _tuning_lines(client, run)
        return _training_lines(client, run) if run.kind == "train" else []
    except PlatformError:
        return []  # it has only just been made, or has gone


def _tuning_lines(client: "EngineClient", run: "Run") -> list[str]:
    status = client.get_tuning(run.id)
    counts = ", ".join(f"{count} {state.lower()}" for state, count in status.counts.items())
    most = f" of {status.spec.trials}" if status.spec.trials else ""
    lines = [f"{sum(status.counts.values())}{most} trials: {counts or 'none yet'}"]
    if (best := status.best) is not None and best.value is not None:
        given = "  ".join(f"{name}={_short(value)}" for name, value in best.parameters.items())
        metric = status.spec.objective.metric
        lines.append(f"best: {metric}={best.value:.6g}  trial {best.number}  {given}")
    return lines


def _training_lines(client: "EngineClient", run: "Run") -> list[str]:
    task = run.tasks[0] if run.tasks else None
    lines = []
    if task is not None and (progressed := task.progress) is not None:
        done = "" if progressed.fraction is None else f"{progressed.fraction:.0%} done"
        left = "" if progressed.remaining_s is None else f"{progressed.remaining_s:.0f} s left"
        at = "" if progressed.position is None else f"step {progressed.position}"
        said = (at, done, left, progressed.message)
        lines.append("  ".join(part for part in said if part))
    latest = {metric.name: metric.value for metric in client.list_metrics(run.id)}
    if latest:
        lines.append("  ".join(f"{name}={value:.6g}" for name, value in latest.items()))
    return lines


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _tell(client: "EngineClient", run: "Run") -> None:
    """Print a line when a trial ends, so that a log file says what went when."""
    from jupyter_mlplat.client.progress import watch_run

    print(f"Job {run.pipeline} is run {run.number} ({run.id})", flush=True)
    told: set[int] = set()
    for picture in watch_run(client, run):
        if picture.kind != "tune":
            continue
        try:
            trials = client.list_trials(run.id, limit=_MOST_TRIALS).trials
        except PlatformError:
            continue
        for trial in trials:
            if trial.state.is_final and trial.number not in told:
                told.add(trial.number)
                value = "" if trial.value is None else f" {trial.value:.6g}"
                given = " ".join(f"{n}={_short(v)}" for n, v in trial.parameters.items())
                print(f"  trial {trial.number} {trial.state}{value}  {given}", flush=True)


def _report(client: "EngineClient", run: "Run", terminal: Terminal) -> None:
    from jupyter_mlplat.client.views import nouns
    from jupyter_mlplat.client.views.text import clean_line, clean_log, strip_colours

    result = client.get_result(run.id)
    terminal.show(nouns.view_run(run, result.metrics))
    for line in lines_of(client, run):
        terminal.say(clean_line(line))
    clean = clean_log if is_terminal(sys.stderr) else strip_colours
    for task in run.tasks:
        if task.failure and task.failure.traceback:
            print(clean("\n".join(task.failure.traceback)), file=sys.stderr)
    for message in nouns.failure_messages(run):
        terminal.complain(message)
