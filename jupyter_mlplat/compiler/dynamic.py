"""Code and names given as text: `eval`, `exec`, imports by name, expressions over a frame."""

from __future__ import annotations

import ast
from textwrap import dedent
from typing import TYPE_CHECKING

from jupyter_mlplat.compiler import callbacks, following, naming, unseen
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import Value

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.calls import Calls
    from jupyter_mlplat.compiler.special import Special


def call_eval(machine: Special, args: Args, node: ast.AST) -> Value:
    tree = code_of(machine, args, "eval")
    if isinstance(tree, ast.Expression) and len(args.positional) == 1:
        machine.keep(tree)
        return machine.evaluate(tree.body)
    if len(args.positional) > 1 and not may_be_namespace(args):
        callbacks.call_unknown(machine, args, node, None, "evaluates an expression")
        return machine.unknown(node, args.all)
    return unseen.run_unknown(machine, "`eval` of a computed expression", node)


def call_exec(machine: Special, args: Args, node: ast.AST) -> Value:
    tree = code_of(machine, args, "exec")
    if isinstance(tree, ast.Module) and len(args.positional) == 1 and machine.scope.is_global:
        machine.keep(tree)
        machine.run_body(tree.body)
        return machine.none
    if len(args.positional) > 1 and not may_be_namespace(args):
        return callbacks.call_unknown(machine, args, node, None, "executes code")
    return unseen.run_unknown(machine, "`exec` of computed code", node)


def code_of(machine: Special, args: Args, mode: str) -> ast.AST | None:
    text = machine.literal(args.at(0, "source"))
    if not isinstance(text, str):
        return None
    try:
        return ast.parse(dedent(text).strip(), mode=mode)
    except (SyntaxError, ValueError, RecursionError):
        return None


def may_be_namespace(args: Args) -> bool:
    """Tell whether explicit namespaces may be the notebook's own."""
    return any(obj.kind not in ("dict", "none") for obj in args.at(1) | args.at(2))


def call_compile(machine: Special, args: Args, node: ast.AST) -> Value:
    return machine.unknown(node, args.all)


def call_import(machine: Special, args: Args, node: ast.AST) -> Value:
    name = machine.literal(args.at(0))
    if isinstance(name, str) and name and not name.startswith("."):
        return frozenset({machine.load_module(name, node)})
    return machine.unknown(node)


def call_reload(machine: Special, args: Args, node: ast.AST) -> Value:
    for obj in args.at(0):
        machine.patch(obj)
    machine.use_files(writes=False)
    return args.at(0)


def call_frame_eval(machine: Special, args: Args, node: ast.AST) -> Value:
    tree = code_of(machine, args, "eval")
    if isinstance(tree, ast.Expression):
        read_query_names(machine, args)
        machine.keep(tree)
        return machine.evaluate(tree.body) | machine.fresh("series", node)
    machine.read_everything("`pd.eval` of a computed expression")
    return machine.unknown(node, args.all)


def read_query_names(machine: Special, args: Args) -> None:
    """Read the `@name` of a query string."""
    text = machine.literal(args.at(0, "expr"))
    if not isinstance(text, str):
        machine.read_everything("a query string that is computed")
        return
    for part in text.split("@")[1:]:
        name = ""
        for letter in part:
            if not (letter.isalnum() or letter == "_"):
                break
            name += letter
        if name.isidentifier():
            naming.load_name(machine, name, ast.Name(id=name))


def run_own_scope(machine: Calls, tree: ast.Module, node: ast.AST) -> Value:
    """Follow code whose own names vanish when it ends (`%timeit`)."""
    body = tree.body or [ast.Pass()]
    code = ast.FunctionDef(
        name="<timeit>",
        args=ast.arguments([], [], None, [], [], None, []),
        body=body,
        decorator_list=[],
    )
    machine.keep(code)
    function = machine.heap.make("function", machine.key(node, "timeit"))
    function.node = code
    function.scope = machine.user
    following.enter(machine, function, code, Args(), node)
    return machine.plain
