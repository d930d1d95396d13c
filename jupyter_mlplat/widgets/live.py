"""A run, drawn again while it goes on: a card in a notebook, one line at a prompt."""

import sys
from typing import Any

from IPython.display import display

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.progress import watch_run
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.client.views import html, nouns, text
from jupyter_mlplat.resources import run as documents


class WatchedRun(Run):
    """A run that was on display until its end, so that the cell's value need not show it again."""

    _is_on_display = True

    def _ipython_display_(self) -> None:
        if self._is_on_display:
            self._is_on_display = False
            return
        display(self.bundle(), raw=True)  # type: ignore[no-untyped-call]

    def bundle(self) -> dict[str, str]:
        """Return the card and its twin as text."""
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}


def show_live(client: EngineClient, run: documents.Run, shell: Any) -> Run:
    """Show a run until it is final, or until the user interrupts; it goes on in any case."""
    screen = _Card() if hasattr(shell, "kernel") else _Line()
    picture = run
    try:
        for picture in watch_run(client, run):
            screen.draw(picture)
    except KeyboardInterrupt:
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
    """A card in a notebook, drawn over; what is saved with the notebook is its last state."""

    def __init__(self) -> None:
        self._handle: Any = None

    def draw(self, run: documents.Run) -> None:
        self._put(
            {
                "text/html": html.draw(nouns.view_run(run)),
                "text/plain": describe_in_one_line(run),
            }
        )

    def end(self, client: EngineClient, run: documents.Run) -> Run:
        watched = WatchedRun(client, run)
        self._put(watched.bundle())
        return watched

    def _put(self, bundle: dict[str, str]) -> None:
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

    def draw(self, run: documents.Run) -> None:
        if sys.stdout.isatty():
            self._write(text.clip(text.clean_line(describe_in_one_line(run)), 78))

    def end(self, client: EngineClient, run: documents.Run) -> Run:
        self._write(text.clean_line(describe_in_one_line(run)))
        print()
        return Run(client, run)

    def _write(self, line: str) -> None:
        lead = "\r" if self._width else ""
        sys.stdout.write(lead + line.ljust(self._width))
        sys.stdout.flush()
        self._width = text.width(line)
