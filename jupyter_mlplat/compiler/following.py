"""Calls of the notebook's own functions and classes, followed into their bodies."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import binding, classes
from jupyter_mlplat.compiler.binding import Args, with_self
from jupyter_mlplat.compiler.facts import Frame
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.scope import Scope, declarations

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.calls import Calls

PASSES = 4
"""A recursive function is followed until nothing new is learnt, at most this many times."""
CALLS_FOLLOWED = 30
"""A function is followed into at most this many times per cell, then summarised."""
CALLBACKS_FOLLOWED = 2


def resume(machine: Calls, obj: Obj, node: ast.AST) -> Value:
    """Run the body of a generator or coroutine with the arguments it was made with."""
    function = obj.module
    if function is None or function.node is None:
        return frozenset(obj.inner)
    positional = [obj.defaults[str(n)] for n in range(len(obj.defaults)) if str(n) in obj.defaults]
    keywords = {
        name: value for name, value in obj.defaults.items() if not name.isdigit() and name != "*"
    }
    args = Args(positional, keywords, obj.defaults.get("*", NOTHING))
    value = enter(machine, function, function.node, args, node)
    machine.heap.hold(obj, value)
    return value


def enter(machine: Calls, function: Obj, code: ast.AST, args: Args, node: ast.AST) -> Value:
    """Follow a call into its body."""
    machine.spend(node)
    mark = (function, bool(args.spread))
    machine.entered[mark] = machine.entered.get(mark, 0) + 1
    if machine.entered[mark] > (CALLBACKS_FOLLOWED if args.spread else CALLS_FOLLOWED):
        return summarise_call(machine, function, code, args, node)
    if function.open:
        machine.change([function], "fills the cache of a function")
    active = next((frame for frame in machine.frames if frame.node is code), None)
    params = binding.parameters_of(machine, function, code, args, node)
    if active is not None:
        return recurse(machine, active, params, node)
    frame = Frame(code, function.path or getattr(code, "name", "<lambda>"), params=params)
    outer, context, statement = machine.scope, machine.context, machine.statement
    machine.frames.append(frame)
    machine.context = (*context, id(node), function.bit)
    try:
        with machine.uncertain():
            for _ in range(PASSES):
                frame.changed = False
                machine.scope = new_scope(function, code, frame.params)
                body = code.body if isinstance(code.body, list) else None  # type: ignore[attr-defined]
                if body is None:
                    frame.returns |= machine.evaluate(code.body)  # type: ignore[attr-defined]
                else:
                    machine.run_body(body)
                if not frame.changed:
                    break
    finally:
        machine.frames.pop()
        machine.scope, machine.context, machine.statement = outer, context, statement
    if function.open:  # the cache keeps what it has given
        machine.heap.hold(function, frozenset(frame.returns))
    if is_lazy(code) and not isinstance(code, ast.AsyncFunctionDef):
        return frozenset(frame.yields) or machine.plain
    return frozenset(frame.returns | frame.yields) or machine.none


def summarise_call(
    machine: Calls, function: Obj, code: ast.AST, args: Args, node: ast.AST
) -> Value:
    """Stand in for a call of a function that was followed often enough in this cell.

    Which of the notebook's names it uses is known by now; anything they, its arguments or its
    captured variables reach may have changed, and may be connected.
    """
    touched: set[Obj] = {function, *args.all}
    for name in machine.globals_of.get(code, ()):
        touched |= (machine.read_user(name) or NOTHING) - {machine.heap.unbound}
    made = machine.unknown(code, touched, "summary")
    machine.change_deep(touched, "calls functions of the notebook many times", assumed=True)
    for obj in touched:
        if not machine.leaves_out(obj):
            machine.heap.hold(obj, made)
    for name in machine.globals_of.get(code, ()):
        if name in machine.facts.binds and not name.startswith("@"):
            machine.bind_user(name, machine.user.names.get(name, NOTHING) | made)
    return made


def recurse(machine: Calls, frame: Frame, params: dict[str, Value], node: ast.AST) -> Value:
    for name, value in params.items():
        if not value <= frame.params.get(name, NOTHING):
            frame.params[name] = frame.params.get(name, NOTHING) | value
            frame.changed = True
    if not frame.returns:
        frame.changed = True
    passed = frozenset().union(*params.values())
    made = machine.unknown(node, passed, "recursion")
    return frozenset(frame.returns) | made


def new_scope(function: Obj, code: ast.AST, params: dict[str, Value]) -> Scope:
    local, global_names, nonlocal_names = declarations(code)
    return Scope(
        parent=function.scope,
        names=dict(params),
        local=local,
        declared_global=global_names,
        declared_nonlocal=nonlocal_names,
    )


def instantiate(machine: Calls, cls: Obj, args: Args, node: ast.AST) -> Value:
    """Follow `Class(...)`."""
    obj = machine.heap.make("instance", machine.key(node, cls.bit))
    obj.bases = (cls,)
    machine.use_instance(obj)
    if classes.lookup((cls,), "__del__"):
        obj.is_tied = True  # a copy of it would end again
        machine.finalised.setdefault(obj, [])
    obj.is_tied = obj.is_tied or classes.is_tied_class(cls)
    made: Value = frozenset({obj})
    found = made
    for name in ("__new__", "__init__", "__post_init__"):
        for function in classes.lookup((cls,), name):
            if function.kind != "function":
                continue
            own = cls if name == "__new__" else obj
            passed = Args([frozenset({own})]) if name == "__post_init__" else with_self(own, args)
            result = machine.call_function(function, passed, node, receiver=obj)
            if name == "__new__":
                found |= frozenset(item for item in result if item.kind != "none")
    if not classes.lookup((cls,), "__init__") or classes.has_unknown_base((cls,)):
        machine.heap.hold(obj, args.all)
        set_fields(machine, obj, cls, args)
    for meta in cls.attrs.get("metaclass", ()):
        for function in classes.lookup((meta,), "__call__"):
            if function.kind == "function":
                found |= machine.call_function(function, with_self(cls, args), node)
    if classes.has_unknown_base((cls,)):
        obj.open = True
    return found


def set_fields(machine: Calls, obj: Obj, cls: Obj, args: Args) -> None:
    for name, value in args.keywords.items():
        machine.heap.set_attribute(obj, name, value)
    for name in cls.attrs:
        if not name.startswith("__"):
            machine.heap.set_attribute(obj, name, frozenset(cls.attrs[name]) | args.all)


def is_lazy(code: ast.AST) -> bool:
    """Tell whether calling a function only makes a generator or coroutine."""
    if isinstance(code, ast.AsyncFunctionDef):
        return True
    if isinstance(code, ast.Lambda):
        return False
    return has_yield(code)


@lru_cache(maxsize=4096)
def has_yield(code: ast.AST) -> bool:
    todo: list[ast.AST] = list(getattr(code, "body", []))
    while todo:
        item = todo.pop()
        if isinstance(item, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(item))
    return False
