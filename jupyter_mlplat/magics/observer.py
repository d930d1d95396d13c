"""Watches a live kernel: what each cell bound, changed and shares.

What the source leaves open, a run settles. The facts go into the notebook's metadata
(`compiler/observations.py` has their form) and lapse when the cell's source changes. Watching is
kept cheap: a cell whose names cannot be looked through in a few milliseconds is not observed.
"""

import re
import time
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from jupyter_mlplat.kit.digests import digest_text

BUDGET_S = 0.004
"""For all names of a namespace, before and after a cell each."""

VERSION = 1
_ATTRIBUTE = "_mlplat_observer"
_IPYTHON = re.compile(r"_(i\d*|ii|iii|\d+|_|__|ih|oh|dh|exit_code)?$|__\w+__$")
_PLAIN = (int, float, complex, bool, str, bytes, type(None), ModuleType, type, range)
_UNSHIPPABLE = frozenset(
    {"generator", "coroutine", "async_generator", "_io.TextIOWrapper", "_io.BufferedReader"}
    | {"_io.BufferedWriter", "_thread.lock", "_thread.RLock", "socket.socket", "frame"}
    | {"sqlite3.Connection", "sqlite3.Cursor", "threading.Thread", "subprocess.Popen"}
)


class OutOfTime(Exception):
    """The namespace is too large to be looked through between two cells."""


class Observer:
    """Takes notes of the cells that a shell runs."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._before: dict[str, tuple[int, bytes]] | None = None
        self._cells: dict[str, dict[str, Any]] = {}

    def to_metadata(self) -> dict[str, Any]:
        """Return the notes as `metadata.mlplat.observed` holds them."""
        return {"version": VERSION, "cells": dict(self._cells)}

    def before_cell(self, info: Any) -> None:
        """Look at the namespace; IPython's `pre_run_cell`."""
        try:
            self._before = self._look()
        except OutOfTime:
            self._before = None

    def after_cell(self, result: Any) -> None:
        """Compare; IPython's `post_run_cell`. A cell that failed tells nothing for certain."""
        before, self._before = self._before, None
        cell = getattr(result.info, "cell_id", None)
        if cell is None:
            return
        self._cells.pop(cell, None)
        if before is None or not result.success:
            return
        try:
            after = self._look()
            groups = self._groups(after)
        except OutOfTime:
            return
        kept = [name for name in after if name in before and after[name][0] == before[name][0]]
        values = self._values()
        self._cells[cell] = {
            "source": digest_text(result.info.raw_cell),
            "binds": sorted(after.keys() - set(kept)),
            "deletes": sorted(before.keys() - after.keys()),
            "mutated": sorted(name for name in kept if after[name] != before[name]),
            "unchanged": sorted(name for name in kept if after[name] == before[name]),
            "groups": groups,
            "unshippable": {
                name: kind for name in after if (kind := _kind(values[name])) in _UNSHIPPABLE
            },
        }

    def _values(self) -> Mapping[str, Any]:
        hidden = self._shell.user_ns_hidden
        return {
            name: value
            for name, value in self._shell.user_ns.items()
            if not _IPYTHON.match(name) and hidden.get(name, self) is not value
        }

    def _look(self) -> dict[str, tuple[int, bytes]]:
        """Return identity and content of every name."""
        from jupyter_mlplat.runtime.snapshot import Describer

        describe, deadline = Describer(), time.perf_counter() + BUDGET_S
        found = {}
        for name, value in self._values().items():
            if time.perf_counter() > deadline or _is_large(value):
                raise OutOfTime
            found[name] = (id(value), describe(value))
        return found

    def _groups(self, names: Mapping[str, Any]) -> list[list[str]]:
        """Return names that reach a common mutable object."""
        deadline = time.perf_counter() + BUDGET_S
        values = self._values()
        owners: dict[int, set[str]] = {}
        for name in names:
            for reached in _reach(values[name], deadline):
                owners.setdefault(reached, set()).add(name)
        groups: list[set[str]] = []
        for shared in owners.values():
            if len(shared) > 1:
                joined = shared.union(*(group for group in groups if group & shared))
                groups = [group for group in groups if not group & shared] + [joined]
        return sorted(sorted(group) for group in groups)


def _reach(value: Any, deadline: float) -> Iterator[int]:
    """Yield the ids of the mutable objects that a value reaches."""
    seen: set[int] = set()
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, _PLAIN) or id(item) in seen:
            continue
        if time.perf_counter() > deadline:
            raise OutOfTime
        seen.add(id(item))
        if not isinstance(item, (tuple, frozenset, FunctionType)):
            yield id(item)
        todo.extend(_parts(item))


def _parts(item: Any) -> Iterator[Any]:
    if isinstance(item, Mapping):
        yield from item.values()
    elif isinstance(item, (list, tuple, set, frozenset)):
        yield from item
    elif isinstance(item, FunctionType):
        yield from item.__defaults__ or ()
        yield from (cell.cell_contents for cell in item.__closure__ or () if cell != _EMPTY)
    base = getattr(item, "base", None)
    if type(item).__module__ == "numpy" and base is not None:
        yield base
    owner = getattr(item, "__self__", None)
    if owner is not None:
        yield owner
    attributes = getattr(item, "__dict__", None)
    if isinstance(attributes, dict):
        yield from attributes.values()


_EMPTY = type((lambda x: lambda: x)(0).__closure__[0])()  # type: ignore[index]


def _is_large(value: Any, limit: int = 2_000_000) -> bool:
    size = getattr(value, "nbytes", 0)
    return (isinstance(size, int) and size > limit) or (
        isinstance(value, (list, dict, set, tuple)) and len(value) > 20_000
    )


def _kind(value: Any) -> str:
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def start(shell: Any) -> Observer:
    """Observe a shell's cells from now on; once started, goes on with what is known."""
    observer: Observer | None = getattr(shell, _ATTRIBUTE, None)
    if observer is None:
        observer = Observer(shell)
        setattr(shell, _ATTRIBUTE, observer)
        shell.events.register("pre_run_cell", observer.before_cell)
        shell.events.register("post_run_cell", observer.after_cell)
    return observer


def stop(shell: Any) -> None:
    """Observe no more, and forget."""
    observer: Observer | None = getattr(shell, _ATTRIBUTE, None)
    if observer is not None:
        delattr(shell, _ATTRIBUTE)
        shell.events.unregister("pre_run_cell", observer.before_cell)
        shell.events.unregister("post_run_cell", observer.after_cell)
