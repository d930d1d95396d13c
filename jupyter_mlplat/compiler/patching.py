"""Patching: attributes and items that are set on what an import brought in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.attributes import Attributes


def store_on_import(machine: Attributes, obj: Obj, name: str, value: Value, what: str) -> None:
    if obj.kind == "module" and obj.scope is not None:
        obj.scope.names[name] = obj.scope.names.get(name, NOTHING) | value
        machine.heap.hold(obj, value)
        machine.heap.epoch += 1
    path = f"{obj.path}.{name}"
    if obj.path == "builtins":
        machine.added_builtins.add(name)
    if is_setting(path):
        machine.trace.settings = True
    elif obj.path.startswith("os.environ"):
        machine.trace.env = True
    elif path.startswith("sys.path"):
        machine.trace.cwd = True
    else:
        machine.patch(obj)
        # Whoever kept what was there before cannot find it where it is replayed.
        kept = machine.external(path)
        machine.trace.other |= any(kept & held for held in machine.user.names.values())


def is_setting(path: str) -> bool:
    """Tell whether a dotted name is one of the settings that libraries keep in their modules."""
    return any(
        part in path.split(".")
        for part in ("rcParams", "options", "set_option", "printoptions", "rcParamsDefault")
    )
