"""The shell's object: what `get_ipython()` gives."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import dynamic, magics, shell, unseen
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import Value
from jupyter_mlplat.compiler.normalise import OWN_SCOPE, Normalised, normalise

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.special import Special

SHELL_READERS = ("display_pub", "displayhook", "execution_count", "find", "has_", "history_manager")
"""What can be had from the shell without changing it."""


def call_get_ipython(machine: Special, args: Args, node: ast.AST) -> Value:
    return machine.external("ipython")


def call_shell(machine: Special, name: str, args: Args, node: ast.AST) -> Value:
    text = machine.literal(args.at(0))
    match name:
        case "run_line_magic" | "magic":
            if name == "magic":
                word, _, rest = str(text or "").partition(" ")
                return magics.run_magic(machine, word, rest, node)
            line = machine.literal(args.at(1))
            return magics.run_magic(
                machine, str(text), line if isinstance(line, str) else None, node
            )
        case "system" | "getoutput" | "system_raw" | "system_piped":
            shell.run_shell(machine, text if isinstance(text, str) else None)
            machine.bind_user("_exit_code", machine.plain)
            return machine.fresh("list", node, machine.heap.plain("str"))
        case "run_cell_magic":
            line, body = machine.literal(args.at(1)), machine.literal(args.at(2))
            return run_text(machine, f"%%{text} {line or ''}\n{body or ''}", args, node)
        case "run_cell" | "ex":
            return run_text(machine, text, args, node)
        case "set_next_input":
            return machine.none
    if name in ("user_ns", "user_global_ns"):
        return machine.globals_object()
    if name == "push" and (pushed := names_pushed(node)) is not None:
        for key, value in pushed.items():
            machine.bind_user(key, machine.evaluate(value))
        return machine.none
    if name == "ev" or name.startswith(("user_ns", "push", "reset")):
        return unseen.run_unknown(machine, f"`get_ipython().{name}`", node)
    machine.trace.patches |= not name.startswith(SHELL_READERS)
    return machine.plain


def names_pushed(node: ast.AST) -> dict[str, ast.expr] | None:
    """Return what `push({"name": value})` binds, where its dict is spelled out."""
    given = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if not isinstance(given, ast.Dict):
        return None
    keys = [key.value for key in given.keys if isinstance(key, ast.Constant)]
    names = [key for key in keys if isinstance(key, str)]
    return dict(zip(names, given.values, strict=True)) if len(names) == len(given.keys) else None


def run_text(machine: Special, text: object, args: Args, node: ast.AST) -> Value:
    """Follow a cell given as text: it runs in the notebook's names, wherever it is run from."""
    normal = normalise(text) if isinstance(text, str) else None
    literals = all(obj.const is not None for obj in args.all)
    if normal is None or normal.error is not None or not literals:
        return unseen.run_unknown(machine, "a cell that is given as text", node)
    outer, machine.scope = machine.scope, machine.user
    try:
        run_normal(machine, normal, node)
    finally:
        machine.scope = outer
    return machine.plain


def run_normal(machine: Special, normal: Normalised, node: ast.AST) -> None:
    for magic in normal.magics:
        magics.run_cell_magic(machine, magic.name, magic.line, normal.body, node)
    if normal.tree is None:
        return
    machine.keep(normal.tree)
    if any(magic.name in OWN_SCOPE for magic in normal.magics):
        dynamic.run_own_scope(machine, normal.tree, node)
    else:
        machine.run_body(normal.tree.body)
