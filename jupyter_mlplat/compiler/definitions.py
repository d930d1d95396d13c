"""Definitions: functions, classes, what decorates them and what classes call when they are made."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import classes, naming
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import Obj, Value
from jupyter_mlplat.compiler.scope import Scope, arguments, declarations

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.statements import Statements

_MARKED = {
    "builtins.property": "property",
    "builtins.staticmethod": "staticmethod",
    "builtins.classmethod": "classmethod",
    "functools.cached_property": "property",
}
TRANSPARENT = frozenset(
    {"dataclasses.dataclass", "functools.lru_cache", "functools.cache", "functools.wraps"}
    | {"functools.total_ordering", "enum.unique", "abc.abstractmethod", "typing.overload"}
    | {"contextlib.contextmanager", "contextlib.asynccontextmanager", "typing.final"}
    | {"typing.runtime_checkable", "numba.jit", "numba.njit", "typing.no_type_check"}
)


def run_functiondef(machine: Statements, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    decorators = [machine.evaluate(item) for item in node.decorator_list]
    function = machine.make_function(node)
    evaluate_annotations(machine, node)
    value: Value = frozenset({function})
    for item, decorator in zip(node.decorator_list, decorators, strict=True):
        value = decorate(machine, decorator, item, value, node)
    naming.assign_name(machine, node.name, value)


def evaluate_annotations(machine: Statements, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if machine.has_late_annotations:
        return
    for argument in arguments(node.args):
        if argument.annotation is not None:
            machine.evaluate(argument.annotation)
    if node.returns is not None:
        machine.evaluate(node.returns)


def decorate(
    machine: Statements, decorator: Value, source: ast.expr, value: Value, node: ast.AST
) -> Value:
    path = _path_of(decorator, source, machine)
    if path in _MARKED:
        for obj in value:
            if obj.kind == "function":
                obj.path = _MARKED[path]
                obj.open = path == "functools.cached_property"
        return value
    if path.endswith((".setter", ".getter", ".deleter")) or (
        isinstance(source, ast.Attribute) and source.attr in ("setter", "getter", "deleter")
    ):
        for obj in value:
            obj.path = "property"
        return value | frozenset(obj for obj in decorator if obj.kind == "function")
    if path in TRANSPARENT:
        for obj in value:
            obj.open = obj.open or path in ("functools.lru_cache", "functools.cache")
        return value
    return machine.call(decorator, Args([value]), source)


def run_classdef(machine: Statements, node: ast.ClassDef) -> None:
    decorators = [machine.evaluate(item) for item in node.decorator_list]
    cls = machine.heap.make("class", machine.key(node))
    cls.node = node
    bases: list[Obj] = []
    for base in node.bases:
        bases.extend(machine.evaluate(base))
    for keyword in node.keywords:
        value = machine.evaluate(keyword.value)
        if keyword.arg == "metaclass":
            cls.attrs["metaclass"] = set(value)
            machine.heap.hold(cls, value)
    cls.bases = tuple(dict.fromkeys((*cls.bases, *bases)))
    run_class_body(machine, node, cls)
    machine.heap.epoch += 1
    value = frozenset({cls})
    run_class_hooks(machine, cls, node)
    for item, decorator in zip(node.decorator_list, decorators, strict=True):
        value = decorate_class(machine, decorator, item, value)
    naming.assign_name(machine, node.name, value)


def run_class_body(machine: Statements, node: ast.ClassDef, cls: Obj) -> None:
    local, global_names, nonlocal_names = declarations(node)
    outer = machine.scope
    machine.scope = Scope(
        parent=outer,
        is_class=True,
        local=local,
        declared_global=global_names,
        declared_nonlocal=nonlocal_names,
    )
    try:
        machine.run_body(node.body)
        for name, value in machine.scope.names.items():
            value -= {machine.heap.unbound}
            machine.heap.set_attribute(cls, name, value)
            for item in value:
                if item.kind == "function":
                    item.module = item.module or cls
    finally:
        machine.scope = outer
    for name, held in list(cls.attrs.items()):
        for item in held:
            if item.kind == "instance" and classes.lookup(item.bases, "__set_name__"):
                given = [frozenset({cls}), machine.heap.constant(name)]
                machine.call_dunder(item, "__set_name__", given, node)


def run_class_hooks(machine: Statements, cls: Obj, node: ast.AST) -> None:
    """Follow `__init_subclass__` of the bases: registries are filled here."""
    if machine.asks_subclasses:
        for base in cls.bases:
            if base.kind == "class":
                machine.heap.hold(base, [cls])
                machine.change([base], "derives a class from it")
                base.is_tied = cls.is_tied = True  # copies do not know of each other
    for function in classes.lookup(cls.bases, "__init_subclass__"):
        if function.kind == "function":
            machine.call_function(function, Args([frozenset({cls})]), node)
            cls.is_tied = True  # rebuilding the class elsewhere would run the hook again
    for meta in classes.lookup((cls,), "metaclass"):
        cls.is_tied = cls.is_tied or meta.kind == "class"
        for name in ("__new__", "__init__"):
            for function in classes.lookup((meta,), name):
                if function.kind == "function":
                    args = Args([frozenset({cls})], {}, frozenset({cls}))
                    machine.call_function(function, args, node)


def decorate_class(machine: Statements, decorator: Value, source: ast.expr, value: Value) -> Value:
    path = _path_of(decorator, source, machine)
    if path in TRANSPARENT:
        return value
    if not any(obj.kind == "function" for obj in decorator):
        for obj in value:
            obj.open = True
    return machine.call(decorator, Args([value]), source) | value


def _path_of(decorator: Value, source: ast.expr, machine: Statements) -> str:
    """Return the dotted name of a library decorator, called (`@wraps(f)`) or plain."""
    if isinstance(source, ast.Call):
        decorator = machine.evaluate(source.func)
    if len(decorator) == 1:
        (obj,) = decorator
        if obj.kind == "external":
            return obj.path
    return ""
