"""The cell tagged `parameters`: its literal assignments are the run's parameters."""

import ast
import io
import tokenize
from collections.abc import Sequence
from typing import Any, Literal

from jupyter_mlplat.resources.base import JsonValue
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
_FORM = "@param"


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
    comment = comments.get(node.end_lineno or node.lineno, "")
    choices = _literals(annotation) or _form_choices(comment)
    return Parameter(
        name=name,
        type=_kind(default, annotation),
        default=default,
        expression=ast.unparse(value),
        help="" if comment.startswith(_FORM) else comment,
        # A default that is none of them shows that they are not meant so.
        choices=choices if default in choices else (),
    )


def _literals(annotation: ast.expr | None) -> tuple[JsonValue, ...]:
    """Return the values of `Literal["a", "b"]`."""
    match annotation:
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal")):
            named = annotation.slice
            return _values(named.elts if isinstance(named, ast.Tuple) else [named])
    return ()


def _form_choices(comment: str) -> tuple[JsonValue, ...]:
    """Return the values of `# @param ["a", "b"]`, as Colab's forms have them."""
    if not comment.startswith(_FORM):
        return ()
    try:
        named = ast.parse(comment.removeprefix(_FORM).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return _values(named.elts) if isinstance(named, ast.List) else ()


def _values(nodes: Sequence[ast.expr]) -> tuple[JsonValue, ...]:
    if not all(isinstance(node, ast.Constant) and _is_json(node.value) for node in nodes):
        return ()
    return tuple(ast.literal_eval(node) for node in nodes)


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
