"""Code that cannot be seen: it may read, bind and change anything."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.heap import NOTHING, Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.recorder import Recorder

UNSEEN = "It may read, rebind and change any name: all of them pass through it."
"""What follows from code that cannot be seen, unless a kernel saw it run."""


def run_unknown(machine: Recorder, what: str, node: ast.AST) -> Value:
    """Follow code that cannot be seen: it may read, bind and change anything."""
    if machine.hints.reads is not None and machine.hints.writes is not None:
        run_declared(machine)
        return machine.unknown(node, machine.opaque_value())
    machine.facts.is_opaque = machine.hints.writes is None
    machine.ask(what, UNSEEN)
    become_opaque(machine)
    return machine.unknown(node, machine.opaque_value())


def run_declared(machine: Recorder) -> None:
    """Trust `# mlplat: in=… out=…`: it reads and changes these names and no others."""
    made = machine.opaque_value()
    for name in (*(machine.hints.reads or ()), *(machine.hints.writes or ())):
        if name in machine.user.names:
            machine.heap.hold(next(iter(made)), machine.read_user(name) or NOTHING)
    for name in machine.hints.writes or ():
        value = machine.user.names.get(name, NOTHING)
        machine.change_deep(value, "is declared to change it")
        machine.bind_user(name, value | made)


def become_opaque(machine: Recorder) -> None:
    """Let every name be read, perhaps rebound, and changed."""
    names = [name for name in machine.user.names if not name.startswith("@")]
    everything = frozenset().union(*(machine.user.names[name] for name in names))
    made = machine.opaque_value()
    for obj in made:
        machine.heap.hold(obj, everything - {machine.heap.unbound})
    for name in names:
        guess_read(machine, name)
        if name not in machine.facts.binds:
            machine.facts.binds[name] = False
            machine.facts.guessed.add(name)
        machine.user.names[name] = machine.user.names[name] | made | {machine.heap.unbound}
        machine.user.sure.discard(name)
        machine.replayed.discard(name)
    machine.change_deep(everything, "runs code that cannot be seen", assumed=True)
    machine.change(
        (o for o in everything if o.kind in ("class", "function")), "unseen code", assumed=True
    )
    machine.tick += 1
    machine.heap.epoch += 1
    machine.was_opaque = True
    machine.trace.other = True
    for channel in ("@env", "@cwd"):
        machine.use_channel(channel, "runs code that cannot be seen", assumed=True)
    machine.use_rng_maybe()
    machine.use_files(writes=True)


def guess_read(machine: Recorder, name: str) -> None:
    is_new = name not in machine.facts.reads
    machine.read_user(name)
    if is_new and name in machine.facts.reads:
        machine.facts.reads[name] = replace(machine.facts.reads[name], is_assumed=True)
