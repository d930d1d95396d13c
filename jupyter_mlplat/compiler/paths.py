"""Paths of control: the names as they are on one, and what they may be where paths meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.heap import Value
from jupyter_mlplat.compiler.scope import Scope

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.recorder import Recorder

State = tuple[int, list[tuple[Scope, tuple[dict[str, Value], set[str]]]]]


def scope_state(machine: Recorder) -> State:
    """Copy the names of every scope that code here may bind in."""
    states = []
    scope: Scope | None = machine.scope
    while scope is not None:
        states.append((scope, scope.snapshot()))
        scope = scope.parent
    if not any(item is machine.user for item, _ in states):
        states.append((machine.user, machine.user.snapshot()))
    return machine.tick, states


def join(machine: Recorder, state: State) -> None:
    """Merge the names as they were (another path) into those of now."""
    tick, states = state
    if tick == machine.tick:
        return
    unbound = frozenset({machine.heap.unbound})
    for scope, names in states:
        scope.join(names, unbound)
    machine.heap.epoch += 1
    machine.tick += 1


def restore(machine: Recorder, state: State) -> None:
    """Go back to the names as they were, to follow another path."""
    for scope, names in state[1]:
        scope.restore(names)
    machine.heap.epoch += 1
    machine.tick += 1
