"""Statements: the plain ones, and who follows the others."""

import ast
from collections.abc import Callable
from typing import Any

from jupyter_mlplat.compiler import (
    assigning,
    branches,
    callbacks,
    definitions,
    naming,
)
from jupyter_mlplat.compiler.heap import NOTHING, Value
from jupyter_mlplat.compiler.imports import Imports


class Statements(Imports):
    """Executes statements abstractly."""

    def run_body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.run_statement(statement)

    def run_statement(self, node: ast.stmt) -> None:
        self.spend(node)
        outer, self.statement = self.statement, node
        run = RUNS.get(type(node))
        if run is not None:
            run(self, node)
        self.statement = outer

    def _run_expr(self, node: ast.Expr) -> None:
        self._last_value = self.evaluate(node.value)

    _last_value: Value = NOTHING

    def assign(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                naming.assign_name(self, name, value)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                callbacks.consume(self, value, target)
                assigning.unpack(self, items, value, target)
            case ast.Starred(value=inner):
                self.assign(inner, value)
            case ast.Attribute(value=owner, attr=name):
                self.store_attribute(self.evaluate(owner), name, value, target)
            case ast.Subscript(value=owner, slice=key):
                self.store_item(self.evaluate(owner), self.evaluate(key), value, target)

    def _run_return(self, node: ast.Return) -> None:
        value = self.evaluate(node.value) if node.value is not None else self.none
        if self.frames:
            frame = self.frames[-1]
            if not value <= frame.returns:
                frame.returns |= value

    def _run_raise(self, node: ast.Raise) -> None:
        for part in (node.exc, node.cause):
            if part is not None:
                self.evaluate(part)

    def _run_assert(self, node: ast.Assert) -> None:
        callbacks.touch(self, self.evaluate(node.test), node)
        if node.msg is not None:
            with self.uncertain():
                self.evaluate(node.msg)


RUNS: dict[type[ast.stmt], Callable[[Statements, Any], None]] = {
    ast.AnnAssign: assigning.run_annassign,
    ast.Assert: Statements._run_assert,
    ast.Assign: assigning.run_assign,
    ast.AsyncFor: branches.run_for,
    ast.AsyncFunctionDef: definitions.run_functiondef,
    ast.AsyncWith: branches.run_with,
    ast.AugAssign: assigning.run_augassign,
    ast.ClassDef: definitions.run_classdef,
    ast.Delete: assigning.run_delete,
    ast.Expr: Statements._run_expr,
    ast.For: branches.run_for,
    ast.FunctionDef: definitions.run_functiondef,
    ast.If: branches.run_if,
    ast.Import: Statements.run_import,
    ast.ImportFrom: Statements.run_import_from,
    ast.Match: branches.run_match,
    ast.Raise: Statements._run_raise,
    ast.Return: Statements._run_return,
    ast.Try: branches.run_try,
    ast.TryStar: branches.run_try,
    ast.While: branches.run_while,
    ast.With: branches.run_with,
}
