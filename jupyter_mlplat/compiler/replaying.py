"""Statements that later steps can run again, instead of being given what they made."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler.facts import Replay
from jupyter_mlplat.compiler.heap import IMMUTABLE, NOTHING
from jupyter_mlplat.compiler.hints import Trace

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.machine import Machine


def is_replayable(machine: Machine, node: ast.stmt, trace: Trace) -> bool:
    imports = has_import(node)
    if trace.cwd or trace.env:
        return False  # what it does depends on what was set before: the state itself travels
    if trace.settings and machine.changed_before & machine.channels["@modules"].bit:
        return False  # the state that travels is older, and would be put in place later
    touches = trace.settings or trace.patches
    deletes = isinstance(node, ast.Delete) and trace.binds <= machine.ever_replayed
    if not (imports or touches or deletes):
        return False
    for name in trace.reads - trace.binds:
        if not name.startswith("@") and name not in machine.replayed:
            return False
    if deletes:
        return machine.replayed_before >= trace.binds
    if not trace.binds:
        return True
    if touches and not imports:
        return False
    return (
        imports
        and all(
            obj.kind in IMMUTABLE or obj.kind in ("external", "module", "unbound", "function")
            for name in trace.binds
            for obj in machine.user.names.get(name, NOTHING)
        )
        and not any(
            isinstance(item, ast.FunctionDef | ast.ClassDef | ast.Lambda) for item in ast.walk(node)
        )
    )


def replay(machine: Machine, node: ast.stmt, trace: Trace) -> None:
    modules = {
        alias.name.partition(".")[0]
        for item in ast.walk(node)
        if isinstance(item, ast.Import)
        for alias in item.names
    } | {
        (item.module or "").partition(".")[0]
        for item in ast.walk(node)
        if isinstance(item, ast.ImportFrom) and not item.level
    }
    star = any(
        isinstance(item, ast.ImportFrom) and any(alias.name == "*" for alias in item.names)
        for item in ast.walk(node)
    )
    machine.facts.replays.append(
        Replay(
            ast.unparse(node),
            frozenset(trace.binds),
            frozenset(name for name in trace.reads if not name.startswith("@")),
            frozenset(modules) - {"__future__"},
            star,
        )
    )
    machine.replayed |= trace.binds
    machine.ever_replayed |= trace.binds


def settle(machine: Machine, trace: Trace) -> None:
    """Turn state that cannot be replayed into state that is passed on."""
    machine.facts.has_effects = True
    if machine.hints.is_job:
        return  # its processes keep such state, and end
    if trace.patches:
        machine.use_channel("@patch", "changes an imported module")
    for top in sorted(trace.libraries):
        machine.change_library(top)
    if trace.settings:
        machine.use_channel("@modules", "changes settings kept in modules")
    if trace.env:
        machine.use_channel("@env", "changes the environment")
    if trace.cwd:
        machine.use_channel("@cwd", "changes the working directory or the module path")


def is_definition(node: ast.stmt) -> bool:
    """Tell whether a statement only imports, defines a function or binds a literal."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return True
        case ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(value=value):
            return isinstance(value, ast.Constant)
    return has_import(node) or _is_docstring(node)


def has_import(node: ast.stmt) -> bool:
    """Tell whether a statement imports, itself or in a branch."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if not isinstance(node, ast.Try | ast.If | ast.With):
        return False
    return any(isinstance(item, ast.Import | ast.ImportFrom) for item in ast.walk(node))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
