"""Statements: control flow, assignment, definitions."""

import ast

from jupyter_mlplat.compiler.calls import ROWS
from jupyter_mlplat.compiler.expressions import State
from jupyter_mlplat.compiler.heap import NOTHING, Obj, Value
from jupyter_mlplat.compiler.imports import Imports
from jupyter_mlplat.compiler.recorder import Args
from jupyter_mlplat.compiler.scope import Scope, arguments, declarations

_IN_PLACE = frozenset(
    {"bytearray", "deque", "dict", "frame", "list", "ndarray", "series", "set", "tensor"}
)
_LOOP_PASSES = 3
_MARKED = {
    "builtins.property": "property",
    "builtins.staticmethod": "staticmethod",
    "builtins.classmethod": "classmethod",
    "functools.cached_property": "property",
}


class Statements(Imports):
    """Executes statements abstractly."""

    def run_body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.run_statement(statement)

    def run_statement(self, node: ast.stmt) -> None:
        self.spend(node)
        outer, self.statement = self.statement, node
        method = getattr(self, f"_run_{type(node).__name__.lower()}", None)
        if method is not None:
            method(node)
        self.statement = outer

    # -- simple statements ---------------------------------------------------------------------

    def _run_expr(self, node: ast.Expr) -> None:
        self._last_value = self.evaluate(node.value)

    _last_value: Value = NOTHING

    def _run_assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if self._assign_pairwise(target, node.value):
                return
        value = self.evaluate(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _assign_pairwise(self, target: ast.expr, source: ast.expr) -> bool:
        """Assign `a, b = x, y` item by item, so that each keeps its own value."""
        if not (
            isinstance(target, ast.Tuple | ast.List)
            and isinstance(source, ast.Tuple | ast.List)
            and len(target.elts) == len(source.elts)
            and not any(isinstance(item, ast.Starred) for item in (*target.elts, *source.elts))
        ):
            return False
        values = [self.evaluate(item) for item in source.elts]
        for item, value in zip(target.elts, values, strict=True):
            self.assign(item, value)
        return True

    def _run_annassign(self, node: ast.AnnAssign) -> None:
        in_function = bool(self.frames) and not self.scope.is_class
        if not in_function and not self.has_late_annotations:
            self.evaluate(node.annotation)
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value))

    def assign(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self.assign_name(name, value)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                self.consume(value, target)
                self._unpack(items, value, target)
            case ast.Starred(value=inner):
                self.assign(inner, value)
            case ast.Attribute(value=owner, attr=name):
                self.store_attribute(self.evaluate(owner), name, value, target)
            case ast.Subscript(value=owner, slice=key):
                self.store_item(self.evaluate(owner), self.evaluate(key), value, target)

    def _unpack(self, items: list[ast.expr], value: Value, node: ast.AST) -> None:
        starred = any(isinstance(item, ast.Starred) for item in items)
        exact = not starred and all(
            obj.kind == "tuple" and all(f"[{n}]" in obj.attrs for n in range(len(items)))
            for obj in value
        )
        rest = NOTHING if exact else self.elements(value, node)
        for position, item in enumerate(items):
            if exact:
                part = frozenset().union(*(obj.attrs[f"[{position}]"] for obj in value))
            elif isinstance(item, ast.Starred):
                part = self.fresh("list", item, rest)
            else:
                part = rest
            self.assign(item, part)

    def _run_augassign(self, node: ast.AugAssign) -> None:
        added = self.evaluate(node.value)
        target = node.target
        if isinstance(target, ast.Name):
            old = self.load_name(target.id, target)
            self.assign_name(target.id, self._augment(old, added, node))
            return
        owner = self.evaluate(target.value)
        if isinstance(target, ast.Attribute):
            old = self.load_attribute(owner, target.attr, target)
            self.store_attribute(owner, target.attr, self._augment(old, added, node), target)
            return
        key = self.evaluate(target.slice)
        old = self.load_item(owner, key, target)
        self.store_item(owner, key, self._augment(old, added, node), target)

    def _augment(self, old: Value, added: Value, node: ast.AugAssign) -> Value:
        """Return what `old op= added` leaves: mutable values change in place."""
        found: set[Obj] = set()
        for obj in old:
            if obj.kind in _IN_PLACE:
                inner = frozenset(item for o in added for item in (o.inner or {o}))
                self.consume(added, node)
                self.heap.hold(obj, inner if obj.kind not in ("ndarray", "series") else NOTHING)
                obj.open = True
                self.change_deep([obj], "changes it in place")
                found.add(obj)
            elif obj.kind == "instance":
                found |= {obj}
                for name in self.methods(obj.bases):
                    if name.startswith("__"):
                        found |= self.call_dunder(obj, name, [added], node)
            elif obj.is_mutable and obj.kind not in ("datum",):
                self.store(obj, added, "may change it in place")
                self.change_deep([obj], "may change it in place", assumed=True)
                found.add(obj)
        if not found or any(not obj.is_mutable for obj in old):
            found |= self.operate(old, added, node)
        return frozenset(found)

    def _run_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete(target)

    def _delete(self, target: ast.expr) -> None:
        match target:
            case ast.Name(id=name):
                self.load_name(name, target)
                self.assign_name(name, frozenset({self.heap.unbound}))
            case ast.Tuple(elts=items) | ast.List(elts=items):
                for item in items:
                    self._delete(item)
            case ast.Attribute(value=owner, attr=name):
                self.store_attribute(self.evaluate(owner), name, self.none, target)
            case ast.Subscript(value=owner, slice=key):
                self.store_item(self.evaluate(owner), self.evaluate(key), self.none, target)

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
        self.touch(self.evaluate(node.test), node)
        if node.msg is not None:
            with self.uncertain():
                self.evaluate(node.msg)

    def _run_import(self, node: ast.Import) -> None:
        self.run_import(node)

    def _run_importfrom(self, node: ast.ImportFrom) -> None:
        self.run_import_from(node)

    # -- branches ------------------------------------------------------------------------------

    def _run_if(self, node: ast.If) -> None:
        fixed = self._fixed_test(node.test)
        self.touch(self.evaluate(node.test), node)
        if fixed is not None:
            self.run_body(node.body if fixed else node.orelse)
            return
        before = self.scope_state()
        with self.uncertain():
            self.run_body(node.body)
            after = self.scope_state()
            changed = self.tick != before[0]
            if changed:
                self.restore(before)
            self.run_body(node.orelse)
            if changed:
                self.join(after)
            else:
                self.join(before)

    def _fixed_test(self, test: ast.expr) -> bool | None:
        """Tell the outcome of tests every notebook passes, such as the `__main__` guard."""
        match test:
            case ast.Constant(value=value):
                return bool(value)
            case ast.Compare(
                left=ast.Name(id="__name__"),
                ops=[ast.Eq()],
                comparators=[ast.Constant(value="__main__")],
            ) if "__name__" not in self.user.names and self.root_scope() is self.user:
                return True
        return None

    def root_scope(self) -> Scope:
        scope = self.scope
        while scope.parent is not None and not scope.is_global:
            scope = scope.parent
        return scope

    def _loop(self, body: list[ast.stmt], before_body: "list[ast.expr] | None" = None) -> None:
        for _ in range(_LOOP_PASSES):
            state = self.scope_state()
            epoch = self.heap.epoch
            with self.uncertain():
                for test in before_body or []:
                    self.touch(self.evaluate(test), test)
                self.run_body(body)
            self.join(state)
            if self.heap.epoch == epoch and state[0] == self.tick:
                break

    def _run_while(self, node: ast.While) -> None:
        self.touch(self.evaluate(node.test), node)
        if isinstance(node.test, ast.Constant) and node.test.value:
            self.run_once_surely(node.body)
        self._loop(node.body, [node.test])
        self.run_maybe(node.orelse)

    def run_once_surely(self, body: list[ast.stmt]) -> None:
        """Follow a loop's first round, which certainly begins; a jump may still cut it short."""
        if _has_jump(body):
            return
        self.run_body(body)

    def run_maybe(self, body: list[ast.stmt]) -> None:
        if not body:
            return
        state = self.scope_state()
        with self.uncertain():
            self.run_body(body)
        self.join(state)

    def _run_for(self, node: ast.For | ast.AsyncFor) -> None:
        source = self.evaluate(node.iter)
        self.consume(source, node)
        self.touch(source, node)
        items = self._items_of(source, node)
        if _runs_at_least_once(node.iter):
            self.assign(node.target, items)
            self.run_once_surely(node.body)
        state = self.scope_state()
        for _ in range(_LOOP_PASSES):
            inner = self.scope_state()
            epoch = self.heap.epoch
            with self.uncertain():
                self.assign(node.target, items)
                self.run_body(node.body)
            self.join(inner)
            if self.heap.epoch == epoch:
                break
        self.join(state)
        self.run_maybe(node.orelse)

    _run_asyncfor = _run_for

    def _items_of(self, source: Value, node: ast.AST) -> Value:
        found: set[Obj] = set()
        for obj in source:
            if obj.kind == "instance":
                held = self.call_dunder(obj, "__iter__", [], node)
                found |= self.elements(held - {obj}, node) if held - {obj} else frozenset(obj.inner)
                found |= self.call_dunder(obj, "__next__", [], node)
            elif ROWS in obj.attrs:
                found |= obj.attrs[ROWS]
            elif obj.kind == "dictview":
                inner = frozenset(item for owner in obj.inner for item in owner.inner | {owner})
                found |= self.fresh("tuple", node, inner, "item") | inner
            elif obj.kind == "iterator":
                inner = frozenset(
                    item for held in obj.inner for item in self.elements(frozenset({held}), node)
                )
                made = self.fresh("tuple", node, inner, "zipped")
                found |= made | inner | frozenset(obj.inner)
            elif obj.kind in ("external", "class"):
                found |= {obj, *obj.inner}
            else:
                found |= self.elements(frozenset({obj}), node)
        return frozenset(found) or self.unknown(node, source, "items")

    def _run_with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self.evaluate(item.context_expr)
            entered = self._enter_context(value, node)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, entered)
        self.run_body(node.body)

    _run_asyncwith = _run_with

    def _enter_context(self, value: Value, node: ast.AST) -> Value:
        found: set[Obj] = set()
        for obj in value:
            if obj.kind == "instance":
                entered = self.call_dunder(obj, "__enter__", [], node)
                found |= entered
                nothing = [self.plain, self.plain, self.plain]
                self.call_dunder(obj, "__exit__", nothing, node)
                for name in ("__aenter__", "__aexit__"):
                    if self.class_lookup(obj.bases, name):
                        found |= self.call_dunder(obj, name, nothing[: 3 * ("exit" in name)], node)
            elif obj.kind == "generator":
                found |= self.resume(obj, node)
                self.change([obj], "enters it")
            elif obj.kind == "unknown":
                found |= self.call_unknown(Args(), node, obj, "enters a context")
                found.add(obj)
            else:
                found |= {obj, *obj.inner}
        return frozenset(found)

    def _run_try(self, node: ast.Try) -> None:
        catches = any(_catches_name_errors(handler) for handler in node.handlers)
        before = self.scope_state()
        self.guarded += catches
        states = [before]
        for statement in node.body:
            if node.handlers:
                with self.uncertain():
                    self.run_statement(statement)
            else:
                self.run_statement(statement)
            states.append(self.scope_state())
        self.guarded -= catches
        with self.uncertain():
            self.run_body(node.orelse)
        finished = self.scope_state()
        for handler in node.handlers:
            self._run_handler(handler, states)
            after = self.scope_state()
            self.restore(finished)
            if not _always_leaves(handler.body):
                self.tick += 1
                self.join(after)
            finished = self.scope_state()
        self.run_body(node.finalbody)

    _run_trystar = _run_try

    def _run_handler(self, handler: ast.ExceptHandler, states: list[State]) -> None:
        self.restore(states[0])
        for state in states[1:]:
            self.tick += 1
            self.join(state)
        with self.uncertain():
            if handler.type is not None:
                self.evaluate(handler.type)
            if handler.name:
                self.assign_name(handler.name, self.unknown(handler))
            self.run_body(handler.body)
            if handler.name:
                self.assign_name(handler.name, frozenset({self.heap.unbound}))

    def _run_match(self, node: ast.Match) -> None:
        subject = self.evaluate(node.subject)
        self.touch(subject, node)
        before = self.scope_state()
        outcomes = [before]
        surely = False
        with self.uncertain():
            for case in node.cases:
                self._bind_pattern(case.pattern, subject)
                if case.guard is not None:
                    self.touch(self.evaluate(case.guard), node)
                bound = self.scope_state()
                self.run_body(case.body)
                outcomes.append(self.scope_state())
                self.restore(bound)  # a failed guard leaves the pattern's names bound
                self.tick += 1
                self.join(before)
                if isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                    surely = surely or case.guard is None
        first = 1 if surely and len(outcomes) > 1 else 0
        self.restore(outcomes[first])
        for outcome in outcomes[first + 1 :]:
            self.tick += 1
            self.join(outcome)

    def _bind_pattern(self, pattern: ast.pattern, subject: Value) -> None:
        parts = subject | frozenset(item for obj in self.heap.within(subject) for item in obj.inner)
        for item in ast.walk(pattern):
            match item:
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                    self.assign_name(name, parts)
                case ast.MatchMapping(rest=str(name)):
                    self.assign_name(name, parts)
                case ast.MatchValue(value=value):
                    self.evaluate(value)
                case ast.MatchClass(cls=cls):
                    self.evaluate(cls)

    # -- definitions ---------------------------------------------------------------------------

    def _run_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = [self.evaluate(item) for item in node.decorator_list]
        function = self.make_function(node)
        self._evaluate_annotations(node)
        value: Value = frozenset({function})
        for item, decorator in zip(node.decorator_list, decorators, strict=True):
            value = self._decorate(decorator, item, value, node)
        self.assign_name(node.name, value)

    _run_asyncfunctiondef = _run_functiondef

    def _evaluate_annotations(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if self.has_late_annotations:
            return
        for argument in arguments(node.args):
            if argument.annotation is not None:
                self.evaluate(argument.annotation)
        if node.returns is not None:
            self.evaluate(node.returns)

    def _decorate(self, decorator: Value, source: ast.expr, value: Value, node: ast.AST) -> Value:
        path = _path_of(decorator, source, self)
        if path in _MARKED:
            for obj in value:
                if obj.kind == "function":
                    obj.path = _MARKED[path]
                    obj.open = path == "functools.cached_property"
            return value
        if path.endswith((".setter", ".getter", ".deleter")) or (
            isinstance(source, ast.Attribute) and source.attr in ("setter", "getter", "deleter")
        ):
            for obj in value:
                obj.path = "property"
            return value | frozenset(obj for obj in decorator if obj.kind == "function")
        if path in TRANSPARENT:
            for obj in value:
                obj.open = obj.open or path in ("functools.lru_cache", "functools.cache")
            return value
        return self.call(decorator, Args([value]), source)

    def _run_classdef(self, node: ast.ClassDef) -> None:
        decorators = [self.evaluate(item) for item in node.decorator_list]
        cls = self.heap.make("class", self.key(node))
        cls.node = node
        bases: list[Obj] = []
        for base in node.bases:
            bases.extend(self.evaluate(base))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg == "metaclass":
                cls.attrs["metaclass"] = set(value)
                self.heap.hold(cls, value)
        cls.bases = tuple(dict.fromkeys((*cls.bases, *bases)))
        self._run_class_body(node, cls)
        self.heap.epoch += 1
        value = frozenset({cls})
        self._run_class_hooks(cls, node)
        for item, decorator in zip(node.decorator_list, decorators, strict=True):
            value = self._decorate_class(decorator, item, value)
        self.assign_name(node.name, value)

    def _run_class_body(self, node: ast.ClassDef, cls: Obj) -> None:
        local, global_names, nonlocal_names = declarations(node)
        outer = self.scope
        self.scope = Scope(
            parent=outer,
            is_class=True,
            local=local,
            declared_global=global_names,
            declared_nonlocal=nonlocal_names,
        )
        try:
            self.run_body(node.body)
            for name, value in self.scope.names.items():
                value -= {self.heap.unbound}
                self.heap.set_attribute(cls, name, value)
                for item in value:
                    if item.kind == "function":
                        item.module = item.module or cls
        finally:
            self.scope = outer

    def _run_class_hooks(self, cls: Obj, node: ast.AST) -> None:
        """Follow `__init_subclass__` of the bases: registries are filled here."""
        for function in self.class_lookup(cls.bases, "__init_subclass__"):
            if function.kind == "function":
                self.call_function(function, Args([frozenset({cls})]), node)
                cls.is_tied = True  # rebuilding the class elsewhere would run the hook again
        for meta in self.class_lookup((cls,), "metaclass"):
            cls.is_tied = cls.is_tied or meta.kind == "class"
            for name in ("__new__", "__init__"):
                for function in self.class_lookup((meta,), name):
                    if function.kind == "function":
                        args = Args([frozenset({cls})], {}, frozenset({cls}))
                        self.call_function(function, args, node)

    def _decorate_class(self, decorator: Value, source: ast.expr, value: Value) -> Value:
        path = _path_of(decorator, source, self)
        if path in TRANSPARENT:
            return value
        if not any(obj.kind == "function" for obj in decorator):
            for obj in value:
                obj.open = True
        return self.call(decorator, Args([value]), source) | value


TRANSPARENT = frozenset(
    {"dataclasses.dataclass", "functools.lru_cache", "functools.cache", "functools.wraps"}
    | {"functools.total_ordering", "enum.unique", "abc.abstractmethod", "typing.overload"}
    | {"contextlib.contextmanager", "contextlib.asynccontextmanager", "typing.final"}
    | {"typing.runtime_checkable", "numba.jit", "numba.njit", "typing.no_type_check"}
)


def _path_of(decorator: Value, source: ast.expr, machine: Statements) -> str:
    """Return the dotted name of a library decorator, called (`@wraps(f)`) or plain."""
    if isinstance(source, ast.Call):
        decorator = machine.evaluate(source.func)
    if len(decorator) == 1:
        (obj,) = decorator
        if obj.kind == "external":
            return obj.path
    return ""


def _runs_at_least_once(node: ast.expr) -> bool:
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return any(not isinstance(item, ast.Starred) for item in items)
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))]):
            return count > 0
        case ast.Call(
            func=ast.Name(id="range"), args=[ast.Constant(value=int(a)), ast.Constant(value=int(b))]
        ):
            return b > a
        case ast.Call(func=ast.Name(id="enumerate" | "reversed" | "sorted"), args=[inner, *_]):
            return _runs_at_least_once(inner)
    return False


def _has_jump(body: list[ast.stmt]) -> bool:
    """Tell whether a loop's body may be left early."""
    return any(
        isinstance(item, ast.Break | ast.Continue | ast.Return | ast.Raise)
        for statement in body
        for item in ast.walk(statement)
    )


def _always_leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Raise | ast.Return | ast.Continue | ast.Break)


def _catches_name_errors(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {item.id for item in ast.walk(handler.type) if isinstance(item, ast.Name)}
    return bool(names & {"NameError", "Exception", "BaseException", "UnboundLocalError"})
