"""A run in a terminal: steps drawn in place while they go, plain lines where nobody watches."""

import itertools
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from jupyter_mlplat.cli.terminal import Terminal, is_terminal, paint_for

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.run import Run, RunResult, Task

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TICK_S = 0.15


def follow(client: "EngineClient", run: "Run", terminal: Terminal, wait: bool) -> int:
    """Show a submitted run until it ends, and say how it ended; or only name it."""
    from jupyter_mlplat.resources.run import RunState

    if not wait:
        terminal.answer({"run": run.to_wire()})
        terminal.say(run.id)
        return 0
    try:
        _watch(client, run, terminal)
    except KeyboardInterrupt:
        print(
            f"\nRun {run.number} goes on. Look at it: jupyter mlplat runs show {run.number}. "
            f"Stop it: jupyter mlplat cancel {run.number}",
            file=sys.stderr,
        )
        raise
    result = client.get_result(run.id)
    _report(client, result, terminal)
    return 0 if result.run.state is RunState.SUCCEEDED else 1


def describe(client: "EngineClient", result: "RunResult") -> dict[str, Any]:
    """Write a result for scripts; small plain values are there in full."""
    from jupyter_mlplat.client import values

    document: dict[str, Any] = result.to_wire()
    for name, output in result.outputs.items():
        is_plain, value = values.load_plain(client, output)
        if is_plain:
            document["outputs"][name]["value"] = value
    if result.run.results is not None:
        document["results"] = result.run.results.to_wire()
    return document


def _watch(client: "EngineClient", run: "Run", terminal: Terminal) -> None:
    from jupyter_mlplat.client.progress import watch_run

    stream = sys.stderr if terminal.is_json else sys.stdout
    if is_terminal(stream):
        live = LiveLines(stream)
        try:
            for picture in watch_run(client, run, _TICK_S):
                live.draw(picture)
        finally:
            live.clear()
    elif terminal.is_json:
        client.wait_for_run(run.id)
    else:
        _watch_plainly(client, run)


def _watch_plainly(client: "EngineClient", run: "Run") -> None:
    """Print one line when a step ends, so that a log file says what went when."""
    from jupyter_mlplat.client.progress import watch_run
    from jupyter_mlplat.client.views import nouns

    print(f"Run {run.number} ({run.id})", flush=True)
    told: set[tuple[str, int]] = set()
    for picture in watch_run(client, run):
        for task in picture.steps:
            if task.state.is_final and (task.name, task.attempt) not in told:
                told.add((task.name, task.attempt))
                note = " (cached)" if task.cached else ""
                took = f" in {nouns.format_duration(task.duration_s)}" if task.duration_s else ""
                print(f"  {nouns.state_cell(task.state).text} {task.name}{note}{took}", flush=True)


def _report(client: "EngineClient", result: "RunResult", terminal: Terminal) -> None:
    from jupyter_mlplat.client.views import nouns
    from jupyter_mlplat.client.views.text import clean_log, strip_colours
    from jupyter_mlplat.client.views.view import Mood

    if terminal.is_json:
        terminal.answer(describe(client, result))
    else:
        view = nouns.view_run(result.run, result.metrics)
        view = replace(view, notes=tuple(n for n in view.notes if n.mood is not Mood.BAD))
        # Without a screen every step has had its line already.
        terminal.show(view if terminal.is_live else replace(view, tables=(), empty=""))
    clean = clean_log if is_terminal(sys.stderr) else strip_colours
    for task in result.run.tasks:
        if task.failure and task.failure.traceback:
            print(clean("\n".join(task.failure.traceback)), file=sys.stderr)
    for message in nouns.failure_messages(result.run):
        terminal.complain(message)


class LiveLines:
    """Lines at the end of a terminal that are drawn over."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._paint = paint_for(stream)
        self._frames = itertools.cycle(_SPINNER)
        self._height = 0

    def draw(self, run: "Run", more: Sequence[str] = ()) -> None:
        """Draw a run as it is, with lines below it that say more."""
        from jupyter_mlplat.client.views.text import clean_line, clip

        size = shutil.get_terminal_size()
        lines = self._lines(run, size.columns, max(3, size.lines - 2 - len(more)))
        lines += [clip(clean_line(f"    {line}"), size.columns - 1) for line in more]
        self._write("".join(line + "\x1b[K\n" for line in lines))
        self._height = len(lines)

    def clear(self) -> None:
        """Take away what was drawn."""
        self._write("")
        self._height = 0

    def _write(self, text: str) -> None:
        # Up to the first of our lines, erase from there on, draw anew: one write, so no flicker.
        up = f"\x1b[{self._height}A\r\x1b[J" if self._height else ""
        self._stream.write(up + text)
        self._stream.flush()

    def _lines(self, run: "Run", columns: int, height: int) -> list[str]:
        from jupyter_mlplat.client.views.text import clip

        frame = next(self._frames)
        done = sum(task.state.is_final for task in run.steps)
        head = f"{frame} Run {run.number} of {run.pipeline}  {done}/{len(run.steps)} steps"
        tasks = list(run.steps)
        if len(tasks) >= height:
            # The screen is too small for all of them: those that move come first.
            tasks = [t for t in tasks if t.state == "RUNNING" or t.failure][: height - 1]
        names = max((len(task.name) for task in tasks), default=0)
        rows = [self._task_line(task, frame, names, columns) for task in tasks]
        return [self._paint(clip(head, columns - 1), "busy"), *rows]

    def _task_line(self, task: "Task", frame: str, names: int, columns: int) -> str:
        from jupyter_mlplat.client.views import nouns
        from jupyter_mlplat.client.views.text import clean_line, clip

        cell = nouns.state_cell(task.state)
        mark = frame if task.state == "RUNNING" else cell.text[0]
        seconds = task.duration_s
        if task.state == "RUNNING" and task.started_at:
            seconds = (datetime.now(UTC) - task.started_at).total_seconds()
        note = "cached" if task.cached else ""
        if task.waiting_for:
            note = f"waits for {task.waiting_for}"
        text = f" {task.name:<{names}}  {nouns.format_duration(seconds):>10}  {note}"
        return "  " + self._paint(mark, cell.mood) + clip(clean_line(text), columns - 4)
