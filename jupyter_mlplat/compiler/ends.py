"""What ends with its last name: `__del__` and finalisers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.calls import Calls


def that_end(machine: Calls, value: Value) -> list[Obj]:
    """Return the objects of a value that have a `__del__` or a finaliser."""
    if not machine.finalised or not value:
        return []
    return [obj for obj in machine.heap.within(value) if obj in machine.finalised]


def follow_ends(machine: Calls, node: ast.AST) -> None:
    """Follow the `__del__` of whatever the cell has to do with: it may end in it."""
    used = machine.facts.reads.keys() | machine.facts.binds.keys()
    values = frozenset().union(*(machine.user.names.get(name, NOTHING) for name in used))
    made = frozenset(obj for obj in machine.finalised if obj.cell == machine.heap.cell)
    for obj in that_end(machine, values | made):
        with machine.uncertain():
            machine.call_dunder(obj, "__del__", [], node)
            for callback, args in machine.finalised[obj]:
                machine.call(callback, args, node)
