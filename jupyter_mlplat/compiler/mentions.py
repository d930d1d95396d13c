"""Which names of the notebook a piece of code mentions, whether or not it ever runs."""

import ast
from functools import lru_cache

from jupyter_mlplat.compiler.scope import arguments, declarations


@lru_cache(maxsize=4096)
def mentions(code: ast.AST) -> frozenset[str]:
    """Return the names that a function, or the functions of a class, may look up globally.

    Names in annotations that are written as strings count too: something may evaluate them.
    """
    if isinstance(code, ast.ClassDef):
        return frozenset().union(*map(_of_member, code.body))
    if not isinstance(code, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return frozenset()
    local, declared, _ = declarations(code)
    body = code.body if isinstance(code.body, list) else [code.body]
    found = {item.id for part in body for item in ast.walk(part) if isinstance(item, ast.Name)}
    annotations = [argument.annotation for argument in arguments(code.args)]
    annotations.append(getattr(code, "returns", None))
    return frozenset((found - local) | declared).union(*map(_of_annotation, annotations))


def _of_member(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, ast.AnnAssign):
        return _of_annotation(node.annotation)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    codes = [item for item in ast.walk(node) if isinstance(item, kinds)]
    return frozenset().union(*map(mentions, codes))


def _of_annotation(node: ast.AST | None) -> frozenset[str]:
    if node is None:
        return frozenset()
    found: set[str] = set()
    for item in ast.walk(node):
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            try:
                tree = ast.parse(item.value, mode="eval")
            except (SyntaxError, ValueError, RecursionError):
                continue
            found |= {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)}
    return frozenset(found)
