"""The dict of the notebook's names: `globals()`, `locals()`, `vars()`, `dir()`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import unseen
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.special import Special


def call_globals(machine: Special, args: Args, node: ast.AST) -> Value:
    if args.positional:
        objects = args.positional[0]
        if not machine.is_main(objects):
            return machine.load_attribute(objects, "__dict__", node)
    elif machine.frames and not machine.scope.is_global and is_locals(node):
        held: set[Obj] = set()
        for value in machine.scope.names.values():
            held |= value
        return machine.fresh("dict", node, held - {machine.heap.unbound})
    return machine.globals_object()


def is_locals(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("locals", "vars")


def call_dir(machine: Special, args: Args, node: ast.AST) -> Value:
    if not args.positional:
        machine.read_everything("lists all names")
    return machine.fresh("list", node, machine.heap.plain("str"))


def call_on_globals(machine: Special, name: str, args: Args, node: ast.AST) -> Value:
    key = machine.literal(args.at(0))
    match name:
        case "get" | "__getitem__" if isinstance(key, str):
            with machine.uncertain():
                value = machine.read_user(key)
            return (value or NOTHING) - {machine.heap.unbound} | args.at(1) or machine.none
        case "pop" if isinstance(key, str):
            value = machine.load_name_global(key, node) if key in machine.user.names else NOTHING
            machine.bind_user(key, frozenset({machine.heap.unbound}))
            return value | args.at(1) or machine.none
        case "setdefault" | "__setitem__" if isinstance(key, str):
            machine.bind_user(key, args.at(1))
            return machine.none
        case "update" if not args.positional and not args.spread:
            for item, value in args.keywords.items():
                machine.bind_user(item, value)
            return machine.none
        case "keys" | "items" | "values" | "copy" | "__contains__":
            machine.read_everything(f"`globals().{name}()`")
            return machine.unknown(node, machine.everything())
    return unseen.run_unknown(machine, f"`globals().{name}()`", node)
