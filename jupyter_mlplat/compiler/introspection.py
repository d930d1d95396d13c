"""Builtins that ask an object about itself, or change it by name: `getattr`, `type`, `super`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import callbacks, classes, reading
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.special import Special


def call_getattr(machine: Special, args: Args, node: ast.AST) -> Value:
    name = machine.literal(args.at(1))
    default = args.positional[2] if len(args.positional) > 2 else NOTHING
    if isinstance(name, str):
        return machine.load_attribute(args.at(0), name, node) | default
    found: set[Obj] = set(default)
    for obj in args.at(0):
        found |= {obj, *obj.inner}
        for cls in obj.bases if obj.kind == "instance" else ():
            for item_name in classes.methods_of((cls,)):
                found |= machine.bound(obj, item_name)
    return frozenset(found) or machine.unknown(node, args.all)


def call_hasattr(machine: Special, args: Args, node: ast.AST) -> Value:
    return machine.heap.plain("bool")


def call_setattr(machine: Special, args: Args, node: ast.AST) -> Value:
    name = machine.literal(args.at(1))
    value = args.at(2) or machine.plain
    machine.store_attribute(args.at(0), name if isinstance(name, str) else "*", value, node)
    if not isinstance(name, str):
        for obj in args.at(0):
            obj.open = True
    return machine.none


def call_id(machine: Special, args: Args, node: ast.AST) -> Value:
    """Return a number that means something in this process only."""
    for obj in args.all:
        machine.facts.identity |= obj.bit
    return machine.fresh("address", node)


def call_finalize(machine: Special, args: Args, node: ast.AST) -> Value:
    """Note what is called when an object ends."""
    rest = Args(args.positional[2:], args.keywords, args.spread)
    for obj in args.at(0):
        obj.is_tied = bool(obj.bit)  # a copy of it would end again
        machine.finalised.setdefault(obj, []).append((args.at(1), rest))
    return machine.fresh("connection", node, args.all)


def call_unpickle(machine: Special, args: Args, node: ast.AST) -> Value:
    """Return what was in a pickle: functions and classes in it are the notebook's own."""
    return machine.unknown(node, args.all | reading.read_code(machine))


def call_print(machine: Special, args: Args, node: ast.AST) -> Value | None:
    """Follow `print(…, file=f)`; what it prints is followed as the table says."""
    machine.change_deep(args.keywords.get("file", NOTHING), "prints to it")
    return None


def call_isinstance(machine: Special, args: Args, node: ast.AST) -> Value:
    return machine.heap.plain("bool")


def call_type(machine: Special, args: Args, node: ast.AST) -> Value:
    if len(args.positional) == 1:
        found: set[Obj] = set()
        for obj in args.positional[0]:
            found |= set(obj.bases) if obj.kind == "instance" else machine.plain
        return frozenset(found)
    made = machine.heap.make("class", machine.key(node), args.all)
    made.open = True
    made.bases = tuple(args.at(1) and machine.elements(args.at(1), node))
    return frozenset({made})


def call_super(machine: Special, args: Args, node: ast.AST) -> Value:
    for frame in reversed(machine.frames):
        code = frame.node
        if isinstance(code, ast.FunctionDef | ast.AsyncFunctionDef) and code.args.args:
            own = frame.params.get(code.args.args[0].arg, NOTHING)
            return parent_view(machine, own, node)
    return machine.unknown(node, args.all)


def parent_view(machine: Special, own: Value, node: ast.AST) -> Value:
    """Return the object itself, methods looked up from the bases of its class on."""
    found: set[Obj] = set()
    for obj in own:
        if obj.kind == "instance":
            bases = tuple(base for cls in obj.bases for base in cls.bases)
            proxy = machine.heap.make("super", (obj.bit,), [obj])
            proxy.bases = bases
            found.add(proxy)
        else:
            found.add(obj)
    return frozenset(found) or machine.unknown(node, own)


def call_super_method(machine: Special, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
    (own,) = obj.inner
    found: set[Obj] = set()
    for item in classes.lookup(obj.bases, name):
        if item.kind == "function":
            passed = Args([frozenset({own}), *args.positional], args.keywords, args.spread)
            found |= machine.call_function(item, passed, node, receiver=own)
    if classes.has_unknown_base(obj.bases):
        if name in ("__init__", "__new__", "__post_init__"):
            machine.heap.hold(own, args.all)
            machine.change([own], "initialises it")
        else:
            found |= callbacks.call_unknown(machine, args, node, own, f"calls .{name}()")
    if name == "__setattr__":
        key = machine.literal(args.at(0))
        machine.heap.set_attribute(own, str(key), args.at(1))
        machine.change([own], "sets an attribute")
    if name == "__new__":
        found.add(own)
    return frozenset(found) or machine.plain
