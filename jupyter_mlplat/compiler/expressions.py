"""Expressions: what each may be, and what evaluating it does on the way."""

from __future__ import annotations

import ast

from jupyter_mlplat.compiler.calls import Calls
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.recorder import BUILTINS, IPYTHON_NAMES, MODULE_NAMES, Args
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
        return self.load_name(node.id, node)

    def load_name(self, name: str, node: ast.AST) -> Value:
        scope: Scope | None = self.scope
        while scope is not None and not scope.is_global:
            if name in scope.declared_global:
                break
            if (not scope.is_class or scope is self.scope) and (
                name in scope.names or (name in scope.local and not scope.is_class)
            ):
                value = scope.names.get(name, NOTHING) - {self.heap.unbound}
                return value or self.unknown(node, (), "unbound")
            scope = scope.parent
        while scope is not None and not scope.is_global:
            scope = scope.parent
        if scope is not None and scope is not self.user:
            return self._load_module_name(scope, name, node)
        return self._load_user_name(name, node)

    def _load_module_name(self, scope: Scope, name: str, node: ast.AST) -> Value:
        value = scope.names.get(name)
        if value is not None:
            return value - {self.heap.unbound} or self.unknown(node)
        if name in BUILTINS:
            return self.external(f"builtins.{name}")
        return self.unknown(node)

    def _load_user_name(self, name: str, node: ast.AST) -> Value:
        known = self.user.names.get(name)
        if known is None and name in BUILTINS | IPYTHON_NAMES | MODULE_NAMES:
            if self.has_star or self.was_opaque:
                self.read_user(name)
                return self.external(f"builtins.{name}") | self.unknown(node)
            if name in MODULE_NAMES and name != "__builtins__":
                return self.heap.constant("__main__") if name == "__name__" else self.plain
            return self.external(f"builtins.{name}")
        if known is None and self.is_display_history(name):
            self.use_display_history(name)
            return self.unknown(node)
        value = self.read_user(name)
        if value is None:
            if name in BUILTINS and known is not None:
                return self.external(f"builtins.{name}")
            self.undefined(name)
            return self.unknown(node, (), "undefined")
        found = value - {self.heap.unbound}
        if self.heap.unbound in value and name in BUILTINS:
            found |= self.external(f"builtins.{name}")
        return found

    def is_display_history(self, name: str) -> bool:
        stem = name.lstrip("_").removeprefix("i").lstrip("hi")
        if name in ("In", "Out", "_", "__", "___", "_i", "_ii", "_iii", "_oh", "_ih", "_dh"):
            return True
        return name.startswith("_") and (stem.isdigit())

    def use_display_history(self, name: str) -> None:
        if name in ("_", "__", "___"):
            self.facts.needs_display = True
        else:
            self.facts.from_start = True

    def assign_name(self, name: str, value: Value) -> None:
        scope = self.scope
        if scope.is_global or name in scope.declared_global:
            while not scope.is_global and scope.parent is not None:
                scope = scope.parent
            if scope is self.user:
                self.bind_user(name, value)
            else:
                self._assign_module_name(scope, name, value)
            return
        self.heap.epoch += 1
        self.tick += 1
        if name in scope.declared_nonlocal:
            outer = scope.parent
            while outer is not None and not outer.is_global:
                if name in outer.names or name in outer.local:
                    outer.names[name] = outer.names.get(name, NOTHING) | value
                    self._change_closures(outer, name)
                    return
                outer = outer.parent
        scope.names[name] = value

    def _change_closures(self, scope: Scope, name: str) -> None:
        """A captured variable is rebound: every function that shares it changes."""
        sharing = [
            obj for obj in self.heap.objects if obj.kind == "function" and _captures(obj, scope)
        ]
        self.change(sharing, f"rebinds the captured {name}")
        if len(sharing) > 1:
            for obj in sharing:
                obj.is_tied = True  # copies of functions do not share their variables any more

    def _assign_module_name(self, scope: Scope, name: str, value: Value) -> None:
        owner = next((m for m in self.modules.values() if m.scope is scope), None)
        loading = owner is not None and owner.path in self.loading
        if loading and not self.frames:
            scope.names[name] = value
        else:
            scope.names[name] = scope.names.get(name, NOTHING) | value
        if owner is not None:
            self.heap.hold(owner, value)
            self.heap.epoch += 1
            if not loading:
                self.patch(owner)

    # -- literals ------------------------------------------------------------------------------

    def _eval_constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, str) and len(node.value) > 2000:
            return self.heap.plain("str")
        return self.heap.constant(node.value)

    def _eval_joinedstr(self, node: ast.JoinedStr) -> Value:
        for part in node.values:
            self.evaluate(part)
        return self.heap.plain("str")

    def _eval_formattedvalue(self, node: ast.FormattedValue) -> Value:
        self.touch(self.evaluate(node.value), node)
        if node.format_spec is not None:
            self.evaluate(node.format_spec)
        return self.heap.plain("str")

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
                self.consume(inner, node)
                values.append(self.elements(inner, node))
            else:
                values.append(self.evaluate(item))
        made = self.fresh(kind, node, frozenset().union(*values))
        if kind == "set":
            self.touch(frozenset().union(*values), node)
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
            self.touch(keys, node)
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
        self.touch(both, node)
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
            self.touch(value, node)
            return self.heap.plain("bool")
        constant = self.literal(value)
        if isinstance(node.op, ast.USub) and isinstance(constant, int | float):
            return self.heap.constant(-constant)
        return self.operate(value, NOTHING, node)

    def _eval_boolop(self, node: ast.BoolOp) -> Value:
        found = self.evaluate(node.values[0])
        self.touch(found, node)
        for item in node.values[1:]:
            state = self.scope_state()
            with self.uncertain():
                found |= self.evaluate(item)
            self.join(state)
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
        self.touch(both, node)
        if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            if any(obj.kind == "globals" for obj in both):
                self.look_up_global(self.literal(values[0]))
                return self.heap.plain("bool")
            self.consume(frozenset().union(*values[1:]), node)
        kinds = {obj.kind for obj in both}
        for kind in ("frame", "series", "ndarray", "tensor"):
            if kind in kinds:
                return self.fresh(kind, node)
        if "unknown" in kinds:
            return self.unknown(node)
        return self.heap.plain("bool")

    def _eval_ifexp(self, node: ast.IfExp) -> Value:
        self.touch(self.evaluate(node.test), node)
        state = self.scope_state()
        with self.uncertain():
            found = self.evaluate(node.body)
            self.join(state)
            state = self.scope_state()
            found |= self.evaluate(node.orelse)
            self.join(state)
        return found

    def _eval_namedexpr(self, node: ast.NamedExpr) -> Value:
        value = self.evaluate(node.value)
        scope = self.scope
        while scope.parent is not None and "<comprehension>" in scope.local:
            scope = scope.parent
        inner, self.scope = self.scope, scope
        self.assign_name(node.target.id, value)
        self.scope = inner
        return value

    def _eval_await(self, node: ast.Await) -> Value:
        value = self.evaluate(node.value)
        found: set[Obj] = set()
        for obj in value:
            if obj.kind == "coroutine" and obj.module is not None:
                self.change([obj], "awaits it")
                found |= self.resume(obj, node)
            elif obj.kind in ("coroutine", "thread"):
                self.call_back(frozenset({obj}), frozenset(), node)
                self.change_deep([obj], "awaits it", assumed=True)
                found |= {obj, *obj.inner} - {obj} or self.unknown(node)
            else:
                found |= self.call_unknown(Args(), node, obj, "awaits an object")
        return frozenset(found)

    def _eval_yield(self, node: ast.Yield) -> Value:
        value = self.evaluate(node.value) if node.value is not None else self.none
        if self.frames:
            self.frames[-1].yields |= value
        return self.unknown(node, (), "sent")

    def _eval_yieldfrom(self, node: ast.YieldFrom) -> Value:
        value = self.evaluate(node.value)
        self.consume(value, node)
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
        self.consume(value, node)
        return self.elements(value, node)

    def _eval_call(self, node: ast.Call) -> Value:
        if isinstance(node.func, ast.Attribute):
            receiver = self.evaluate(node.func.value)
            args = self.arguments_of(node)
            found: set[Obj] = set()
            for obj in receiver:
                found |= self.call_method(obj, node.func.attr, args, node)
            return frozenset(found) or self.unknown(node, receiver | args.all)
        callee = self.evaluate(node.func)
        return self.call(callee, self.arguments_of(node), node)

    def arguments_of(self, node: ast.Call) -> Args:
        args = Args()
        spread: Value = NOTHING
        for item in node.args:
            if isinstance(item, ast.Starred):
                value = self.evaluate(item.value)
                self.consume(value, node)
                spread |= self.elements(value, node)
            elif spread:
                spread |= self.evaluate(item)
            else:
                args.positional.append(self.evaluate(item))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is None:
                if any(obj.kind == "globals" for obj in value):
                    self.look_up_global(None)
                spread |= self.elements(value, node)
            else:
                args.keywords[keyword.arg] = value
        args.spread = spread
        if any(obj.kind == "globals" for obj in args.all):
            self.look_up_global(None)
        return args

    def look_up_global(self, name: object) -> None:
        """Read a name of the notebook by its text, all of them if it is computed."""
        if isinstance(name, str):
            with self.uncertain():
                self.read_user(name)
            return
        for known in list(self.user.names):
            if not known.startswith("@"):
                with self.uncertain():
                    self.read_user(known)
        self.ask("a use of all names at once", "It depends on all names bound so far.")

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
                self.consume(source, node)
                self.assign(part.target, self.elements(source, node))
                for test in part.ifs:
                    self.touch(self.evaluate(test), node)
            state = self.scope_state()
            with self.uncertain():
                for item in results:
                    found |= self.evaluate(item)
            self.join(state)
        finally:
            self.scope = outer
        return self.fresh(kind, node, found)

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind or store to a target (see `Statements`)."""
        raise NotImplementedError

    # -- control-flow state of the scope being executed ----------------------------------------

    def scope_state(self) -> State:
        """Copy the names of every scope that code here may bind in."""
        states = []
        scope: Scope | None = self.scope
        while scope is not None:
            states.append((scope, scope.snapshot()))
            scope = scope.parent
        if not any(item is self.user for item, _ in states):
            states.append((self.user, self.user.snapshot()))
        return self.tick, states

    def join(self, state: State) -> None:
        """Merge the names as they were (another path) into those of now."""
        tick, states = state
        if tick == self.tick:
            return
        unbound = frozenset({self.heap.unbound})
        for scope, names in states:
            scope.join(names, unbound)
        self.heap.epoch += 1
        self.tick += 1

    def restore(self, state: State) -> None:
        """Go back to the names as they were, to follow another path."""
        for scope, names in state[1]:
            scope.restore(names)
        self.heap.epoch += 1
        self.tick += 1


State = tuple[int, list[tuple[Scope, tuple[dict[str, Value], set[str]]]]]


def _captures(function: Obj, scope: Scope) -> bool:
    current = function.scope
    while current is not None:
        if current is scope:
            return True
        current = current.parent
    return False
