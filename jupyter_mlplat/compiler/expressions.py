"""Expressions: what each may be, and what evaluating it does on the way."""

from __future__ import annotations

import ast
from abc import abstractmethod

from jupyter_mlplat.compiler import binding, callbacks, classes, following, naming, paths
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.calls import Calls
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.scope import Scope

_IN_PLACE = frozenset(
    {"list", "set", "dict", "deque", "ndarray", "series", "frame", "bytearray", "tensor"}
)


class Expressions(Calls):
    """Evaluates expressions abstractly."""

    def evaluate(self, node: ast.expr) -> Value:
        self.spend(node)
        method = getattr(self, f"_eval_{type(node).__name__.lower()}", None)
        if method is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.evaluate(child)
            return self.plain
        value: Value = method(node)
        return value or self.unknown(node)

    # -- names ---------------------------------------------------------------------------------

    def _eval_name(self, node: ast.Name) -> Value:
        return naming.load_name(self, node.id, node)

    # -- literals ------------------------------------------------------------------------------

    def _eval_constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, str) and len(node.value) > 2000:
            return self.heap.plain("str")
        return self.heap.constant(node.value)

    def _eval_joinedstr(self, node: ast.JoinedStr) -> Value:
        parts = frozenset().union(*map(self.evaluate, node.values))
        return self.heap.plain("str") | frozenset(o for o in parts if o.kind == "address")

    def _eval_formattedvalue(self, node: ast.FormattedValue) -> Value:
        value = self.evaluate(node.value)
        callbacks.touch(self, value, node)
        if node.format_spec is not None:
            self.evaluate(node.format_spec)
        text = self.heap.plain("str") | frozenset(o for o in value if o.kind == "address")
        return text | self.fresh("address", node) if classes.shows_address(value) else text

    def _eval_tuple(self, node: ast.Tuple) -> Value:
        return self._sequence("tuple", node.elts, node)

    def _eval_list(self, node: ast.List) -> Value:
        return self._sequence("list", node.elts, node)

    def _eval_set(self, node: ast.Set) -> Value:
        return self._sequence("set", node.elts, node)

    def _sequence(self, kind: str, items: list[ast.expr], node: ast.AST) -> Value:
        values: list[Value] = []
        starred = False
        for item in items:
            if isinstance(item, ast.Starred):
                starred = True
                inner = self.evaluate(item.value)
                callbacks.consume(self, inner, node)
                values.append(self.elements(inner, node))
            else:
                values.append(self.evaluate(item))
        made = self.fresh(kind, node, frozenset().union(*values))
        if kind == "set":
            callbacks.touch(self, frozenset().union(*values), node)
        if kind == "tuple" and not starred:
            for obj in made:
                for position, value in enumerate(values):
                    self.heap.set_attribute(obj, f"[{position}]", value)
        return made

    def _eval_dict(self, node: ast.Dict) -> Value:
        made = self.fresh("dict", node)
        (obj,) = made
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.evaluate(item)
            if key is None:
                self.heap.hold(obj, self.elements(value, node))
                obj.open = True
                continue
            keys = self.evaluate(key)
            callbacks.touch(self, keys, node)
            name = self.literal(keys)
            if name is None:
                obj.open = True
            else:
                self.heap.set_attribute(obj, f"[{name!r}]", value)
            self.heap.hold(obj, keys | value)
        return made

    # -- operators -----------------------------------------------------------------------------

    def _eval_binop(self, node: ast.BinOp) -> Value:
        return self.operate(self.evaluate(node.left), self.evaluate(node.right), node)

    def operate(self, left: Value, right: Value, node: ast.AST) -> Value:
        """Return what an arithmetic operator may give; instances may define it themselves."""
        both = left | right
        callbacks.touch(self, both, node)
        kinds = {obj.kind for obj in both}
        for kind in ("frame", "series", "ndarray", "tensor"):
            if kind in kinds and not kinds & {"unknown", "instance"}:
                return self.fresh(kind, node)
        tracked = frozenset(obj for obj in both if obj.bit)
        if not tracked:
            if kinds <= {"str"}:
                return self.heap.plain("str")
            return self.heap.plain("path") if "path" in kinds else self.plain
        if kinds <= {"str", "imm", "datum", "int", "float", "bool"}:
            return self.plain
        found: set[Obj] = set()
        for kind in ("list", "tuple", "set", "dict", "deque"):
            if kind in kinds:
                inner = {item for obj in both for item in obj.inner if obj.bit}
                found |= self.fresh(kind, node, inner)
        if kinds & {"unknown", "instance", "external", "class", "callable"} or not found:
            found |= self.unknown(node, tracked)
        return frozenset(found)

    def _eval_unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            callbacks.touch(self, value, node)
            return self.heap.plain("bool")
        constant = self.literal(value)
        if isinstance(node.op, ast.USub) and isinstance(constant, int | float):
            return self.heap.constant(-constant)
        return self.operate(value, NOTHING, node)

    def _eval_boolop(self, node: ast.BoolOp) -> Value:
        found = self.evaluate(node.values[0])
        callbacks.touch(self, found, node)
        for item in node.values[1:]:
            state = paths.scope_state(self)
            with self.uncertain():
                found |= self.evaluate(item)
            paths.join(self, state)
        return found

    def _eval_compare(self, node: ast.Compare) -> Value:
        operands = [node.left, *node.comparators]
        values = [self.evaluate(item) for item in operands]
        if any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            pairs = zip(operands, values, strict=True)
            kept = [value for item, value in pairs if not isinstance(item, ast.Constant)]
            if len(kept) > 1:
                for value in kept:
                    for obj in value:
                        parts = self.heap.reach([obj]) if obj.kind == "unknown" else obj.bit
                        self.facts.identity |= parts
        both = frozenset().union(*values)
        callbacks.touch(self, both, node)
        if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            if any(obj.kind == "globals" for obj in both):
                binding.look_up_global(self, self.literal(values[0]))
                return self.heap.plain("bool")
            callbacks.consume(self, frozenset().union(*values[1:]), node)
        kinds = {obj.kind for obj in both}
        for kind in ("frame", "series", "ndarray", "tensor"):
            if kind in kinds:
                return self.fresh(kind, node)
        if "unknown" in kinds:
            return self.unknown(node)
        return self.heap.plain("bool")

    def _eval_ifexp(self, node: ast.IfExp) -> Value:
        callbacks.touch(self, self.evaluate(node.test), node)
        state = paths.scope_state(self)
        with self.uncertain():
            found = self.evaluate(node.body)
            paths.join(self, state)
            state = paths.scope_state(self)
            found |= self.evaluate(node.orelse)
            paths.join(self, state)
        return found

    def _eval_namedexpr(self, node: ast.NamedExpr) -> Value:
        value = self.evaluate(node.value)
        scope = self.scope
        while scope.parent is not None and "<comprehension>" in scope.local:
            scope = scope.parent
        inner, self.scope = self.scope, scope
        naming.assign_name(self, node.target.id, value)
        self.scope = inner
        return value

    def _eval_await(self, node: ast.Await) -> Value:
        value = self.evaluate(node.value)
        found: set[Obj] = set()
        for obj in value:
            if obj.kind == "coroutine" and obj.module is not None:
                self.change([obj], "awaits it")
                found |= following.resume(self, obj, node)
            elif obj.kind in ("coroutine", "thread"):
                callbacks.call_back(self, frozenset({obj}), frozenset(), node)
                self.change_deep([obj], "awaits it", assumed=True)
                found |= {obj, *obj.inner} - {obj} or self.unknown(node)
            else:
                found |= callbacks.call_unknown(self, Args(), node, obj, "awaits an object")
        return frozenset(found)

    def _eval_yield(self, node: ast.Yield) -> Value:
        value = self.evaluate(node.value) if node.value is not None else self.none
        if self.frames:
            self.frames[-1].yields |= value
        return self.unknown(node, (), "sent")

    def _eval_yieldfrom(self, node: ast.YieldFrom) -> Value:
        value = self.evaluate(node.value)
        callbacks.consume(self, value, node)
        if self.frames:
            self.frames[-1].yields |= self.elements(value, node)
        return self.unknown(node, value, "returned")

    # -- access --------------------------------------------------------------------------------

    def _eval_attribute(self, node: ast.Attribute) -> Value:
        return self.load_attribute(self.evaluate(node.value), node.attr, node)

    def _eval_subscript(self, node: ast.Subscript) -> Value:
        value = self.evaluate(node.value)
        key = self.evaluate(node.slice)
        return self.load_item(value, key, node)

    def _eval_slice(self, node: ast.Slice) -> Value:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.evaluate(part)
        return self.plain

    def _eval_starred(self, node: ast.Starred) -> Value:
        value = self.evaluate(node.value)
        callbacks.consume(self, value, node)
        return self.elements(value, node)

    def _eval_call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Attribute):
            receiver = self.evaluate(node.func.value)
            args = binding.arguments_of(self, node)
            found: set[Obj] = set()
            for obj in receiver:
                found |= self.call_method(obj, node.func.attr, args, node)
            return frozenset(found) or self.unknown(node, receiver | args.all)
        callee = self.evaluate(node.func)
        return self.call(callee, binding.arguments_of(self, node), node)

    # -- scopes --------------------------------------------------------------------------------

    def _eval_lambda(self, node: ast.Lambda) -> Value:
        return frozenset({self.make_function(node)})

    def make_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Obj:
        """Evaluate defaults now; the body waits for its calls."""
        obj = self.heap.make("function", self.key(node))
        obj.node = node
        scope: Scope | None = self.scope
        while scope is not None and scope.is_class:
            scope = scope.parent
        if obj.scope is not None and obj.scope is not scope:
            for captured in obj.scope.names.values() if not obj.scope.is_global else ():
                self.heap.hold(obj, captured)
        obj.scope = scope
        spec = node.args
        plain = [*spec.posonlyargs, *spec.args]
        for argument, default in zip(
            plain[len(plain) - len(spec.defaults) :], spec.defaults, strict=True
        ):
            obj.defaults[argument.arg] = self.evaluate(default)
        for argument, given in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            if given is not None:
                obj.defaults[argument.arg] = self.evaluate(given)
        return obj

    def _eval_listcomp(self, node: ast.ListComp) -> Value:
        return self._comprehend("list", node, [node.elt])

    def _eval_setcomp(self, node: ast.SetComp) -> Value:
        return self._comprehend("set", node, [node.elt])

    def _eval_dictcomp(self, node: ast.DictComp) -> Value:
        return self._comprehend("dict", node, [node.key, node.value])

    def _eval_generatorexp(self, node: ast.GeneratorExp) -> Value:
        # The body runs when it is consumed, by then with the names of that moment; what it reads
        # now it reads then as well, and a generator is never shipped.
        return self._comprehend("generator", node, [node.elt])

    def _comprehend(
        self,
        kind: str,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        results: list[ast.expr],
    ) -> Value:
        outer = self.scope
        first = self.evaluate(node.generators[0].iter)
        scope = Scope(parent=outer, local=frozenset({"<comprehension>"}))
        if outer.is_class:
            scope.parent = outer.parent
        found: Value = NOTHING
        try:
            self.scope = scope
            for position, part in enumerate(node.generators):
                source = first if position == 0 else self.evaluate(part.iter)
                callbacks.consume(self, source, node)
                self.assign(part.target, self.elements(source, node))
                for test in part.ifs:
                    callbacks.touch(self, self.evaluate(test), node)
            state = paths.scope_state(self)
            with self.uncertain():
                for item in results:
                    found |= self.evaluate(item)
            paths.join(self, state)
        finally:
            self.scope = outer
        return self.fresh(kind, node, found)

    @abstractmethod
    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind or store to a target (see `Statements`)."""
