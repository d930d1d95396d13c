"""Names: the scope that one is looked up in, and the scope that it is bound in."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.scope import Scope

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.expressions import Expressions

BUILTINS = frozenset(dir(builtins))
IPYTHON_NAMES = frozenset({"get_ipython", "display", "exit", "quit"})
MODULE_NAMES = frozenset(
    {"__name__", "__doc__", "__builtins__", "__builtin__", "__file__", "__spec__", "__loader__"}
    | {
        "__package__",
        "__annotations__",
        "__debug__",
        "__import__",
        "__session__",
        "__vsc_ipynb_file__",
    }
)


def load_name(machine: Expressions, name: str, node: ast.AST) -> Value:
    scope: Scope | None = machine.scope
    while scope is not None and not scope.is_global:
        if name in scope.declared_global:
            break
        if (not scope.is_class or scope is machine.scope) and (
            name in scope.names or (name in scope.local and not scope.is_class)
        ):
            value = scope.names.get(name, NOTHING) - {machine.heap.unbound}
            return value or machine.unknown(node, (), "unbound")
        scope = scope.parent
    while scope is not None and not scope.is_global:
        scope = scope.parent
    if scope is not None and scope is not machine.user:
        return load_module_name(machine, scope, name, node)
    return load_user_name(machine, name, node)


def load_module_name(machine: Expressions, scope: Scope, name: str, node: ast.AST) -> Value:
    value = scope.names.get(name)
    if value is not None:
        return value - {machine.heap.unbound} or machine.unknown(node)
    if name in BUILTINS:
        return machine.external(f"builtins.{name}")
    return machine.unknown(node)


def load_user_name(machine: Expressions, name: str, node: ast.AST) -> Value:
    known = machine.user.names.get(name)
    if known is None and name in BUILTINS | IPYTHON_NAMES | MODULE_NAMES:
        if (
            machine.has_star or machine.was_opaque
        ) and name != "get_ipython":  # which all magics use
            machine.read_user(name)
            return machine.external(f"builtins.{name}") | machine.unknown(node)
        if name in MODULE_NAMES and name != "__builtins__":
            return machine.heap.constant("__main__") if name == "__name__" else machine.plain
        return machine.external(f"builtins.{name}")
    if known is None and is_display_history(name):
        use_display_history(machine, name)
        return machine.unknown(node)
    value = machine.read_user(name)
    if value is None:
        if name in BUILTINS and known is not None:
            return machine.external(f"builtins.{name}")
        machine.undefined(name)
        return machine.unknown(node, (), "undefined")
    found = value - {machine.heap.unbound}
    if machine.heap.unbound in value and name in BUILTINS:
        found |= machine.external(f"builtins.{name}")
    return found


def is_display_history(name: str) -> bool:
    stem = name.lstrip("_").removeprefix("i").lstrip("hi")
    if name in ("In", "Out", "_", "__", "___", "_i", "_ii", "_iii", "_oh", "_ih", "_dh"):
        return True
    return name.startswith("_") and (stem.isdigit())


def use_display_history(machine: Expressions, name: str) -> None:
    if name in ("_", "__", "___"):
        machine.facts.needs_display = True
    else:
        machine.facts.from_start = True


def assign_name(machine: Expressions, name: str, value: Value) -> None:
    scope = machine.scope
    if scope.is_global or name in scope.declared_global:
        while not scope.is_global and scope.parent is not None:
            scope = scope.parent
        if scope is machine.user:
            machine.bind_user(name, value)
        else:
            assign_module_name(machine, scope, name, value)
        return
    machine.heap.epoch += 1
    machine.tick += 1
    if name in scope.declared_nonlocal:
        outer = scope.parent
        while outer is not None and not outer.is_global:
            if name in outer.names or name in outer.local:
                outer.names[name] = outer.names.get(name, NOTHING) | value
                change_closures(machine, outer, name)
                return
            outer = outer.parent
    scope.names[name] = value


def change_closures(machine: Expressions, scope: Scope, name: str) -> None:
    """A captured variable is rebound: every function that shares it changes."""
    sharing = [
        obj for obj in machine.heap.objects if obj.kind == "function" and _captures(obj, scope)
    ]
    machine.change(sharing, f"rebinds the captured {name}")
    if len(sharing) > 1:
        for obj in sharing:
            obj.is_tied = True  # copies of functions do not share their variables any more


def assign_module_name(machine: Expressions, scope: Scope, name: str, value: Value) -> None:
    owner = next((m for m in machine.modules.values() if m.scope is scope), None)
    loading = owner is not None and owner.path in machine.loading
    if loading and not machine.frames:
        scope.names[name] = value
    else:
        scope.names[name] = scope.names.get(name, NOTHING) | value
    if owner is not None:
        machine.heap.hold(owner, value)
        machine.heap.epoch += 1
        if not loading:
            machine.patch(owner)


def _captures(function: Obj, scope: Scope) -> bool:
    current = function.scope
    while current is not None:
        if current is scope:
            return True
        current = current.parent
    return False
