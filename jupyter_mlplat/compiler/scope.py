"""Names and what they may refer to, in one scope, at one point of the execution."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from jupyter_mlplat.compiler.heap import Value

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(eq=False, slots=True)
class Scope:
    """A namespace: the notebook's, a local module's, a function call's or a class body's.

    Attributes:
        names: What each name may refer to; a value that holds `Heap.unbound` may be unbound.
        sure: Names certainly bound since the cell began, on every path to this point.
        local: Names that belong to this scope although they may not be bound yet.
    """

    is_global: bool = False
    parent: "Scope | None" = None
    is_class: bool = False
    names: dict[str, Value] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)
    local: frozenset[str] = frozenset()
    declared_global: frozenset[str] = frozenset()
    declared_nonlocal: frozenset[str] = frozenset()

    def snapshot(self) -> tuple[dict[str, Value], set[str]]:
        return dict(self.names), set(self.sure)

    def restore(self, state: tuple[dict[str, Value], set[str]]) -> None:
        # In place: functions defined here captured this very object.
        self.names.clear()
        self.names.update(state[0])
        self.sure.clear()
        self.sure.update(state[1])

    def join(self, state: tuple[dict[str, Value], set[str]], unbound: Value) -> None:
        """Merge another path's outcome into this one."""
        names, sure = state
        for name in names.keys() | self.names.keys():
            self.names[name] = self.names.get(name, unbound) | names.get(name, unbound)
        self.sure &= sure


@lru_cache(maxsize=4096)
def declarations(node: ast.AST) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the names a function or class body binds, declares global and declares nonlocal."""
    bound: set[str] = set()
    global_names: set[str] = set()
    nonlocal_names: set[str] = set()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        bound.update(argument.arg for argument in arguments(node.args))
    body = getattr(node, "body", [])
    for statement in body if isinstance(body, list) else [body]:
        for item in walk_scope(statement):
            if isinstance(item, ast.Global):
                global_names.update(item.names)
            elif isinstance(item, ast.Nonlocal):
                nonlocal_names.update(item.names)
            else:
                bound.update(bound_by(item))
    bound -= global_names | nonlocal_names
    return frozenset(bound), frozenset(global_names), frozenset(nonlocal_names)


def arguments(args: ast.arguments) -> Iterator[ast.arg]:
    yield from args.posonlyargs
    yield from args.args
    if args.vararg:
        yield args.vararg
    yield from args.kwonlyargs
    if args.kwarg:
        yield args.kwarg


def bound_by(node: ast.AST) -> Iterator[str]:
    """Yield the names a single node binds or deletes in the scope it stands in."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=aliases):
            yield from (alias.asname or alias.name.split(".")[0] for alias in aliases)
        case ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases if alias.name != "*")
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name


def walk_scope(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a statement without entering the scopes it opens; a walrus in a comprehension leaks."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return
    if isinstance(node, Comprehension):
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                yield inner.target
        return
    for child in ast.iter_child_nodes(node):
        yield from walk_scope(child)
