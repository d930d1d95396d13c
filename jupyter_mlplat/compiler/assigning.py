"""Assignment and deletion: of names, in parts, in place."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import callbacks, classes, naming
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.statements import Statements

_IN_PLACE = frozenset(
    {"bytearray", "deque", "dict", "frame", "list", "ndarray", "series", "set", "tensor"}
)


def run_assign(machine: Statements, node: ast.Assign) -> None:
    for target in node.targets:
        if assign_pairwise(machine, target, node.value):
            return
    value = machine.evaluate(node.value)
    for target in node.targets:
        machine.assign(target, value)


def assign_pairwise(machine: Statements, target: ast.expr, source: ast.expr) -> bool:
    """Assign `a, b = x, y` item by item, so that each keeps its own value."""
    if not (
        isinstance(target, ast.Tuple | ast.List)
        and isinstance(source, ast.Tuple | ast.List)
        and len(target.elts) == len(source.elts)
        and not any(isinstance(item, ast.Starred) for item in (*target.elts, *source.elts))
    ):
        return False
    values = [machine.evaluate(item) for item in source.elts]
    for item, value in zip(target.elts, values, strict=True):
        machine.assign(item, value)
    return True


def run_annassign(machine: Statements, node: ast.AnnAssign) -> None:
    in_function = bool(machine.frames) and not machine.scope.is_class
    if not in_function and not machine.has_late_annotations:
        described = machine.evaluate(node.annotation)
    else:
        described = NOTHING
    if machine.scope is machine.user and not machine.frames and isinstance(node.target, ast.Name):
        annotate(machine, described)
    if node.value is not None:
        machine.assign(node.target, machine.evaluate(node.value))


def annotate(machine: Statements, described: Value) -> None:
    """Note an entry in the notebook's `__annotations__`, which the first one makes."""
    made = machine.heap.make("dict", "annotations", described)
    if "__annotations__" in machine.user.names:
        machine.change([made], "annotates a name")
    else:
        machine.bind_user("__annotations__", frozenset({made}))


def unpack(machine: Statements, items: list[ast.expr], value: Value, node: ast.AST) -> None:
    starred = any(isinstance(item, ast.Starred) for item in items)
    exact = not starred and all(
        obj.kind == "tuple" and all(f"[{n}]" in obj.attrs for n in range(len(items)))
        for obj in value
    )
    rest = NOTHING if exact else machine.elements(value, node)
    for position, item in enumerate(items):
        if exact:
            part = frozenset().union(*(obj.attrs[f"[{position}]"] for obj in value))
        elif isinstance(item, ast.Starred):
            part = machine.fresh("list", item, rest)
        else:
            part = rest
        machine.assign(item, part)


def run_augassign(machine: Statements, node: ast.AugAssign) -> None:
    added = machine.evaluate(node.value)
    target = node.target
    if isinstance(target, ast.Name):
        old = naming.load_name(machine, target.id, target)
        naming.assign_name(machine, target.id, augment(machine, old, added, node))
        return
    owner = machine.evaluate(target.value)
    if isinstance(target, ast.Attribute):
        old = machine.load_attribute(owner, target.attr, target)
        machine.store_attribute(owner, target.attr, augment(machine, old, added, node), target)
        return
    key = machine.evaluate(target.slice)
    old = machine.load_item(owner, key, target)
    machine.store_item(owner, key, augment(machine, old, added, node), target)


def augment(machine: Statements, old: Value, added: Value, node: ast.AugAssign) -> Value:
    """Return what `old op= added` leaves: mutable values change in place."""
    found: set[Obj] = set()
    for obj in old:
        if obj.kind in _IN_PLACE:
            inner = frozenset(item for o in added for item in (o.inner or {o}))
            callbacks.consume(machine, added, node)
            machine.heap.hold(obj, inner if obj.kind not in ("ndarray", "series") else NOTHING)
            obj.open = True
            machine.change_deep([obj], "changes it in place")
            found.add(obj)
        elif obj.kind == "instance":
            found |= {obj}
            for name in classes.methods_of(obj.bases):
                if name.startswith("__"):
                    found |= machine.call_dunder(obj, name, [added], node)
        elif obj.is_mutable and obj.kind not in ("datum",):
            machine.store(obj, added, "may change it in place")
            machine.change_deep([obj], "may change it in place", assumed=True)
            found.add(obj)
    if not found or any(not obj.is_mutable for obj in old):
        found |= machine.operate(old, added, node)
    return frozenset(found)


def run_delete(machine: Statements, node: ast.Delete) -> None:
    for target in node.targets:
        delete_target(machine, target)


def delete_target(machine: Statements, target: ast.expr) -> None:
    match target:
        case ast.Name(id=name):
            naming.load_name(machine, name, target)
            naming.assign_name(machine, name, frozenset({machine.heap.unbound}))
        case ast.Tuple(elts=items) | ast.List(elts=items):
            for item in items:
                delete_target(machine, item)
        case ast.Attribute(value=owner, attr=name):
            value = machine.evaluate(owner)
            gone = frozenset({machine.heap.unbound}) if machine.is_main(value) else machine.none
            machine.store_attribute(value, name, gone, target)
        case ast.Subscript(value=owner, slice=key):
            delete_item(machine, machine.evaluate(owner), machine.evaluate(key), target)


def delete_item(machine: Statements, owner: Value, key: Value, target: ast.expr) -> None:
    name = machine.literal(key)
    if isinstance(name, str) and any(obj.kind == "globals" for obj in owner):
        machine.load_name_global(name, target)
        machine.bind_user(name, frozenset({machine.heap.unbound}))
        return
    machine.store_item(owner, key, machine.none, target)
