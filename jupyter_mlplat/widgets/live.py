"""A run, drawn again while it goes on: a card in a notebook, one line at a prompt."""

import math
import sys
import time
from typing import Any

from IPython.display import display

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.job_finding import as_job
from jupyter_mlplat.client.job_handles import TrainJob
from jupyter_mlplat.client.progress import watch_run
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.client.tuning_handles import TuningJob
from jupyter_mlplat.client.views import text
from jupyter_mlplat.resources import run as documents
from jupyter_mlplat.widgets import draw_twin, find_view

_INTERVAL_S = 1.0


class Watched(Run):
    """A run that was on display until its end, so that the cell's value need not show it again."""

    _is_on_display = True

    def _ipython_display_(self) -> None:
        if self._is_on_display:
            self._is_on_display = False
            return
        bundle = {**draw_twin(self), **self._repr_mimebundle_()}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]


class WatchedRun(Watched):
    """A run like any other."""


class WatchedTrainJob(Watched, TrainJob):
    """A train job."""


class WatchedTuningJob(Watched, TuningJob):
    """A tuning job."""


_WATCHED = {"train": WatchedTrainJob, "tune": WatchedTuningJob}


def show_live(client: EngineClient, run: documents.Run, shell: Any) -> Run:
    """Show a run until it is final, or until the user interrupts; it goes on in any case."""
    screen = _Card() if hasattr(shell, "kernel") else _Line()
    picture = run
    try:
        for picture in watch_run(client, run):
            screen.draw(client, picture)
    except KeyboardInterrupt:
        screen.leave()
        print(f"Run {run.number} goes on. Stop it with: %mlplat cancel {run.number}")
    return screen.end(client, picture)


def describe_in_one_line(run: documents.Run) -> str:
    """Say how far a run is."""
    done = sum(task.state.is_final for task in run.tasks)
    going = text.join_names((t.name for t in run.tasks if t.state == "RUNNING"), limit=3)
    state = f" ({run.state.value.lower()})" if run.state.is_final else ""
    return f"Run {run.number} of {run.pipeline}: {done}/{len(run.tasks)} steps{state}" + (
        f", {going}" if going else ""
    )


class _Card:
    """A card in a notebook: a live view where a front end draws it, else the twin drawn over.

    What is saved with the notebook is the twin's last state.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._view: Any = None
        self._shown: Any = None
        self._measured_at = self._put_at = -math.inf

    def draw(self, client: EngineClient, run: documents.Run) -> None:
        now = time.monotonic()
        is_due = now > self._measured_at + _INTERVAL_S
        if is_due or self._shown is None:
            self._shown, self._measured_at = as_job(client, run).measure(), now
        elif run.state == self._shown.state and run.kind in _WATCHED:
            return  # what moves in a job is what is measured
        else:
            self._shown = as_job(client, run, self._shown.series)
            if run.kind in _WATCHED:
                self._shown.measure()
        shown = self._shown
        if self._handle is None:
            self._view = find_view(shown)
            self._put(shown)
            return
        if self._view is not None:
            self._view.show(shown)
        if self._view is None or (not self._view.is_seen and now > self._put_at + _INTERVAL_S):
            self._put(shown)

    def leave(self) -> None:
        """Let the view go on by itself."""
        if self._view is not None:
            self._view.follow()

    def end(self, client: EngineClient, run: documents.Run) -> Run:
        watched = _WATCHED.get(run.kind, WatchedRun)(client, run)
        if run.kind in _WATCHED:
            watched.measure()
        if self._view is not None:
            self._view.show(watched)
        self._put(watched)
        return watched

    def _put(self, shown: Run) -> None:
        self._put_at = time.monotonic()
        bundle = {**draw_twin(shown), **(self._view.bundle() if self._view else {})}
        if self._handle is None:
            self._handle = display(  # type: ignore[no-untyped-call]
                bundle, raw=True, display_id=True
            )
        else:
            self._handle.update(bundle, raw=True)


class _Line:
    """One line at a terminal's prompt, drawn over; only the last where nobody watches."""

    def __init__(self) -> None:
        self._width = 0

    def leave(self) -> None:
        """Let the line stand."""

    def draw(self, client: EngineClient, run: documents.Run) -> None:
        if sys.stdout.isatty():
            self._write(text.clip(text.clean_line(describe_in_one_line(run)), 78))

    def end(self, client: EngineClient, run: documents.Run) -> Run:
        self._write(text.clean_line(describe_in_one_line(run)))
        print()
        ended: Run = as_job(client, run)
        return ended.measure() if run.kind in _WATCHED else ended

    def _write(self, line: str) -> None:
        lead = "\r" if self._width else ""
        sys.stdout.write(lead + line.ljust(self._width))
        sys.stdout.flush()
        self._width = text.width(line)
