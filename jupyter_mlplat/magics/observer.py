"""Watches a live kernel: what each cell bound, changed and shares.

What the source leaves open, a run settles. The notes have the form that the compiler reads
(`compiler/observations.py`) and lapse when a cell's source changes. Watching must never be noticed:
each look has a few milliseconds, runs no code of the user, and what it cannot look at in that time
is simply not said to be known.
"""

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mlplat.kit.digests import digest_text

if TYPE_CHECKING:
    from jupyter_mlplat.magics.looking import Look

VERSION = 1
BUDGET_S = 0.003
"""For each look at the namespace: before a cell, after it, and at what its names share.

Of this thread's processor time, so that a busy machine sees no less than an idle one.
"""

_log = logging.getLogger(__name__)
_ATTRIBUTE = "_mlplat_observer"


class _Cell(NamedTuple):
    """A cell that is running."""

    info: Any
    before: "Look"


class Observer:
    """Takes notes of the cells that a shell runs."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._running: _Cell | None = None
        self._notes: dict[str, dict[str, Any]] = {}
        self._runs = 0
        # A cell that runs again may bind a name to the very object it is bound to already.
        self._ever_bound: dict[tuple[str, str], set[str]] = {}
        history = shell.history_manager.input_hist_raw
        self._earlier = sorted(
            {digest_text(source.rstrip("\n")) for source in history if source.strip()}
        )

    def to_metadata(self) -> dict[str, Any]:
        """Return the notes as `metadata.mlplat.observed` holds them."""
        return {"version": VERSION, "earlier": self._earlier, "cells": dict(self._notes)}

    def before_cell(self, info: Any) -> None:
        """Look at the namespace; IPython's `pre_run_cell`."""
        if getattr(info, "cell_id", None) is None:
            return  # a console's line, or a cell that runs another one
        from jupyter_mlplat.magics.looking import look

        self._running = None
        try:
            self._running = _Cell(info, look(self._values(), _deadline()))
        except Exception:  # another thread is changing the namespace, a library's type misbehaves
            _log.debug("A cell was not observed.", exc_info=True)

    def after_cell(self, result: Any) -> None:
        """Look again and compare; IPython's `post_run_cell`."""
        cell = getattr(result.info, "cell_id", None)
        if cell is None:
            return
        running, self._running = self._running, None
        source = digest_text(result.info.raw_cell)
        self._runs += 1
        note = self._notes[cell] = {"source": source, "run": self._runs}
        # A cell that failed tells nothing for certain.
        if running is None or running.info is not result.info or not result.success:
            return
        try:
            note |= self._compare(running.before, (cell, source))
        except Exception:  # as in before_cell
            _log.debug("A cell was not observed.", exc_info=True)

    def _compare(self, before: "Look", key: tuple[str, str]) -> dict[str, Any]:
        from jupyter_mlplat.magics.looking import compare, look

        values = self._values()
        after = look(values, _deadline())
        bound = self._ever_bound.setdefault(key, set())
        bound |= after.bound_since(before)
        return compare(before, after, bound, values, _deadline())

    def _values(self) -> Mapping[str, Any]:
        from jupyter_mlplat.magics.looking import is_ipythons

        hidden = self._shell.user_ns_hidden
        return {
            name: value
            for name, value in list(self._shell.user_ns.items())
            if not is_ipythons(name) and hidden.get(name, self) is not value
        }


class Notes:
    """The notes as a value that a front end can ask for: a user expression answers as JSON."""

    def __init__(self, notes: Mapping[str, Any]) -> None:
        self._notes = notes

    def _repr_json_(self) -> Mapping[str, Any]:
        return self._notes


def start(shell: Any) -> Observer:
    """Observe a shell's cells from now on; once started, goes on with what is known."""
    observer = find(shell)
    if observer is None:
        observer = Observer(shell)
        setattr(shell, _ATTRIBUTE, observer)
        shell.events.register("pre_run_cell", observer.before_cell)
        shell.events.register("post_run_cell", observer.after_cell)
    return observer


def find(shell: Any) -> Observer | None:
    """Return the observer of a shell, if it has one."""
    found: Observer | None = getattr(shell, _ATTRIBUTE, None)
    return found


def notes(shell: Any) -> Notes:
    """Return what was observed in a shell, for a front end."""
    observer = find(shell)
    return Notes(observer.to_metadata() if observer is not None else {})


def stop(shell: Any) -> None:
    """Observe no more, and forget."""
    observer = find(shell)
    if observer is not None:
        delattr(shell, _ATTRIBUTE)
        shell.events.unregister("pre_run_cell", observer.before_cell)
        shell.events.unregister("post_run_cell", observer.after_cell)


def _deadline() -> float:
    return time.thread_time() + BUDGET_S
