"""Reads of code that runs without a call to be seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.heap import Obj, Value
from jupyter_mlplat.compiler.mentions import mentions
from jupyter_mlplat.compiler.scope import Scope

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.recorder import Recorder


def read_code(machine: Recorder) -> Value:
    """Read the classes and functions of the notebook, for those who find them by name."""
    found: set[Obj] = set()
    for name, value in list(machine.user.names.items()):
        if any(obj.kind in ("callable", "class", "function") for obj in value):
            with machine.uncertain():
                machine.read_user(name)
            read_mentioned(machine, value)
            found |= value - {machine.heap.unbound}
    return frozenset(found)


def read_mentioned(machine: Recorder, value: Iterable[Obj]) -> None:
    """Read what the code of functions, classes and instances mentions, and that in turn.

    For code that runs without a call to be seen: it finds its names, and the guard at run time
    sees what it changes.
    """
    frames, machine.frames = machine.frames, []  # no function that is followed reads these itself
    todo = list(value)
    while todo:
        obj = todo.pop()
        if obj in machine.looked_into:
            continue
        machine.looked_into.add(obj)
        if obj.kind in ("class", "instance"):
            todo += obj.bases
            todo += [item for held in obj.attrs.values() for item in held if item.node]
        if obj.node is None or not is_of_notebook(obj, machine.user):
            continue
        for name in mentions(obj.node):
            if name in machine.user.names:
                with machine.uncertain():
                    todo += machine.read_user(name) or ()
    machine.frames = frames


def is_of_notebook(obj: Obj, user: Scope) -> bool:
    """Tell whether a function looks its names up in the notebook, not in a local module."""
    scope = obj.scope
    while scope is not None and not scope.is_global:
        scope = scope.parent
    if scope is None:
        return obj.module is None or obj.module.kind != "module"
    return scope is user
