"""Control flow: branches, loops, contexts, handlers, patterns."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import callbacks, classes, following, naming, paths
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import Obj, Value
from jupyter_mlplat.compiler.paths import State
from jupyter_mlplat.compiler.results import ROWS
from jupyter_mlplat.compiler.scope import Scope

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.statements import Statements

_LOOP_PASSES = 3


def run_if(machine: Statements, node: ast.If) -> None:
    fixed = fixed_test(machine, node.test)
    callbacks.touch(machine, machine.evaluate(node.test), node)
    if fixed is not None:
        machine.run_body(node.body if fixed else node.orelse)
        return
    before = paths.scope_state(machine)
    with machine.uncertain():
        machine.run_body(node.body)
        after = paths.scope_state(machine)
        changed = machine.tick != before[0]
        if changed:
            paths.restore(machine, before)
        machine.run_body(node.orelse)
        if changed:
            paths.join(machine, after)
        else:
            paths.join(machine, before)


def fixed_test(machine: Statements, test: ast.expr) -> bool | None:
    """Tell the outcome of tests every notebook passes, such as the `__main__` guard."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Compare(
            left=ast.Name(id="__name__"),
            ops=[ast.Eq()],
            comparators=[ast.Constant(value="__main__")],
        ) if "__name__" not in machine.user.names and root_scope(machine) is machine.user:
            return True
    return None


def root_scope(machine: Statements) -> Scope:
    scope = machine.scope
    while scope.parent is not None and not scope.is_global:
        scope = scope.parent
    return scope


def loop(
    machine: Statements, body: list[ast.stmt], before_body: list[ast.expr] | None = None
) -> None:
    for _ in range(_LOOP_PASSES):
        state = paths.scope_state(machine)
        epoch = machine.heap.epoch
        with machine.uncertain():
            for test in before_body or []:
                callbacks.touch(machine, machine.evaluate(test), test)
            machine.run_body(body)
        paths.join(machine, state)
        if machine.heap.epoch == epoch and state[0] == machine.tick:
            break


def run_while(machine: Statements, node: ast.While) -> None:
    callbacks.touch(machine, machine.evaluate(node.test), node)
    if isinstance(node.test, ast.Constant) and node.test.value:
        run_once_surely(machine, node.body)
    loop(machine, node.body, [node.test])
    run_maybe(machine, node.orelse)


def run_once_surely(machine: Statements, body: list[ast.stmt]) -> None:
    """Follow a loop's first round, which certainly begins; a jump may still cut it short."""
    if _has_jump(body):
        return
    machine.run_body(body)


def run_maybe(machine: Statements, body: list[ast.stmt]) -> None:
    if not body:
        return
    state = paths.scope_state(machine)
    with machine.uncertain():
        machine.run_body(body)
    paths.join(machine, state)


def run_for(machine: Statements, node: ast.For | ast.AsyncFor) -> None:
    source = machine.evaluate(node.iter)
    callbacks.consume(machine, source, node)
    callbacks.touch(machine, source, node)
    items = items_of(machine, source, node)
    if _runs_at_least_once(node.iter):
        machine.assign(node.target, items)
        run_once_surely(machine, node.body)
    state = paths.scope_state(machine)
    for _ in range(_LOOP_PASSES):
        inner = paths.scope_state(machine)
        epoch = machine.heap.epoch
        with machine.uncertain():
            machine.assign(node.target, items)
            machine.run_body(node.body)
        paths.join(machine, inner)
        if machine.heap.epoch == epoch:
            break
    paths.join(machine, state)
    run_maybe(machine, node.orelse)


def items_of(machine: Statements, source: Value, node: ast.AST) -> Value:
    found: set[Obj] = set()
    for obj in source:
        if obj.kind == "instance":
            held = machine.call_dunder(obj, "__iter__", [], node)
            found |= machine.elements(held - {obj}, node) if held - {obj} else frozenset(obj.inner)
            found |= machine.call_dunder(obj, "__next__", [], node)
        elif ROWS in obj.attrs:
            found |= obj.attrs[ROWS]
        elif obj.kind == "dictview":
            inner = frozenset(item for owner in obj.inner for item in owner.inner | {owner})
            found |= machine.fresh("tuple", node, inner, "item") | inner
        elif obj.kind == "iterator":
            inner = frozenset(
                item for held in obj.inner for item in machine.elements(frozenset({held}), node)
            )
            made = machine.fresh("tuple", node, inner, "zipped")
            found |= made | inner | frozenset(obj.inner)
        elif obj.kind in ("external", "class"):
            found |= {obj, *obj.inner}
        else:
            found |= machine.elements(frozenset({obj}), node)
    return frozenset(found) or machine.unknown(node, source, "items")


def run_with(machine: Statements, node: ast.With | ast.AsyncWith) -> None:
    for item in node.items:
        value = machine.evaluate(item.context_expr)
        entered = enter_context(machine, value, node)
        if item.optional_vars is not None:
            machine.assign(item.optional_vars, entered)
    machine.run_body(node.body)


def enter_context(machine: Statements, value: Value, node: ast.AST) -> Value:
    found: set[Obj] = set()
    for obj in value:
        if obj.kind == "instance":
            entered = machine.call_dunder(obj, "__enter__", [], node)
            found |= entered
            nothing = [machine.plain, machine.plain, machine.plain]
            machine.call_dunder(obj, "__exit__", nothing, node)
            for name in ("__aenter__", "__aexit__"):
                if classes.lookup(obj.bases, name):
                    found |= machine.call_dunder(obj, name, nothing[: 3 * ("exit" in name)], node)
        elif obj.kind == "generator":
            found |= following.resume(machine, obj, node)
            machine.change([obj], "enters it")
        elif obj.kind == "unknown":
            found |= callbacks.call_unknown(machine, Args(), node, obj, "enters a context")
            found.add(obj)
        else:
            found |= {obj, *obj.inner}
    return frozenset(found)


def run_try(machine: Statements, node: ast.Try) -> None:
    catches = any(_catches_name_errors(handler) for handler in node.handlers)
    before = paths.scope_state(machine)
    machine.guarded += catches
    states = [before]
    for statement in node.body:
        if node.handlers:
            with machine.uncertain():
                machine.run_statement(statement)
        else:
            machine.run_statement(statement)
        states.append(paths.scope_state(machine))
    machine.guarded -= catches
    with machine.uncertain():
        machine.run_body(node.orelse)
    finished = paths.scope_state(machine)
    for handler in node.handlers:
        run_handler(machine, handler, states)
        after = paths.scope_state(machine)
        paths.restore(machine, finished)
        if not _always_leaves(handler.body):
            machine.tick += 1
            paths.join(machine, after)
        finished = paths.scope_state(machine)
    machine.run_body(node.finalbody)


def run_handler(machine: Statements, handler: ast.ExceptHandler, states: list[State]) -> None:
    paths.restore(machine, states[0])
    for state in states[1:]:
        machine.tick += 1
        paths.join(machine, state)
    with machine.uncertain():
        if handler.type is not None:
            machine.evaluate(handler.type)
        if handler.name:
            naming.assign_name(machine, handler.name, machine.unknown(handler))
        machine.run_body(handler.body)
        if handler.name:
            naming.assign_name(machine, handler.name, frozenset({machine.heap.unbound}))


def run_match(machine: Statements, node: ast.Match) -> None:
    subject = machine.evaluate(node.subject)
    callbacks.touch(machine, subject, node)
    before = paths.scope_state(machine)
    outcomes = [before]
    surely = False
    with machine.uncertain():
        for case in node.cases:
            bind_pattern(machine, case.pattern, subject)
            if case.guard is not None:
                callbacks.touch(machine, machine.evaluate(case.guard), node)
            bound = paths.scope_state(machine)
            machine.run_body(case.body)
            outcomes.append(paths.scope_state(machine))
            paths.restore(machine, bound)  # a failed guard leaves the pattern's names bound
            machine.tick += 1
            paths.join(machine, before)
            if isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                surely = surely or case.guard is None
    first = 1 if surely and len(outcomes) > 1 else 0
    paths.restore(machine, outcomes[first])
    for outcome in outcomes[first + 1 :]:
        machine.tick += 1
        paths.join(machine, outcome)


def bind_pattern(machine: Statements, pattern: ast.pattern, subject: Value) -> None:
    parts = subject | frozenset(item for obj in machine.heap.within(subject) for item in obj.inner)
    for item in ast.walk(pattern):
        match item:
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                naming.assign_name(machine, name, parts)
            case ast.MatchMapping(rest=str(name)):
                naming.assign_name(machine, name, parts)
            case ast.MatchValue(value=value):
                machine.evaluate(value)
            case ast.MatchClass(cls=cls):
                machine.evaluate(cls)


def _runs_at_least_once(node: ast.expr) -> bool:
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return any(not isinstance(item, ast.Starred) for item in items)
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))]):
            return count > 0
        case ast.Call(
            func=ast.Name(id="range"), args=[ast.Constant(value=int(a)), ast.Constant(value=int(b))]
        ):
            return b > a
        case ast.Call(func=ast.Name(id="enumerate" | "reversed" | "sorted"), args=[inner, *_]):
            return _runs_at_least_once(inner)
    return False


def _has_jump(body: list[ast.stmt]) -> bool:
    """Tell whether a loop's body may be left early."""
    return any(
        isinstance(item, ast.Break | ast.Continue | ast.Return | ast.Raise)
        for statement in body
        for item in ast.walk(statement)
    )


def _always_leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break)


def _catches_name_errors(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {item.id for item in ast.walk(handler.type) if isinstance(item, ast.Name)}
    return bool(names & {"NameError", "Exception", "BaseException", "UnboundLocalError"})
