"""The cell tagged `parameters`: its literal assignments are the run's parameters."""

import ast
import io
import tokenize
from typing import Any, Literal

from jupyter_mlplat.resources.pipeline import Parameter

Kind = Literal["int", "float", "str", "bool", "list", "dict", "none", "any"]
_KINDS: dict[type, Kind] = {
    int: "int",
    float: "float",
    str: "str",
    bool: "bool",
    list: "list",
    dict: "dict",
    type(None): "none",
}


def read_parameters(source: str, tree: ast.Module) -> tuple[list[Parameter], list[ast.stmt]]:
    """Return the parameters of a cell and the statements that are none."""
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    rest: list[ast.stmt] = []
    for node in tree.body:
        parameter = _parameter(node, comments)
        if parameter is not None:
            found[parameter.name] = parameter
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            rest.append(node)
    return list(found.values()), rest


def _parameter(node: ast.stmt, comments: dict[int, str]) -> Parameter | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            annotation = None
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            annotation = node.annotation
        case _:
            return None
    try:
        default = ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, RecursionError):
        return None
    if not _is_json(default):
        return None
    return Parameter(
        name=name,
        type=_kind(default, annotation),
        default=default,
        expression=ast.unparse(value),
        help=comments.get(node.end_lineno or node.lineno, ""),
    )


def _kind(default: Any, annotation: ast.expr | None) -> Kind:
    if default is None and isinstance(annotation, ast.expr):
        for kind in ("int", "float", "str", "bool", "list", "dict"):
            if kind in ast.unparse(annotation):
                return "any"
    if isinstance(default, int) and annotation is not None and ast.unparse(annotation) == "float":
        return "float"
    return _KINDS.get(type(default), "any")


def _is_json(value: Any) -> bool:
    if isinstance(value, float):
        return value == value and value not in (float("inf"), float("-inf"))
    if isinstance(value, bool | int | str | type(None)):
        return True
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return False


def _comments(source: str) -> dict[int, str]:
    """Return the trailing comment of each line."""
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string.lstrip("# ").strip()
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return found
    return found
