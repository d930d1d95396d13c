"""Calls: what is called, and who follows it."""

import ast
from abc import abstractmethod

from jupyter_mlplat.compiler import (
    callbacks,
    classes,
    ends,
    following,
    in_place,
    knowledge,
    library,
    process,
)
from jupyter_mlplat.compiler.attributes import CLOSED, Attributes
from jupyter_mlplat.compiler.binding import Args, with_self
from jupyter_mlplat.compiler.callbacks import ROUTED
from jupyter_mlplat.compiler.following import is_lazy
from jupyter_mlplat.compiler.heap import IMMUTABLE, NOTHING, Obj, Value
from jupyter_mlplat.compiler.library import MUTATORS


class Calls(Attributes):
    """Follows calls."""

    @abstractmethod
    def run_body(self, body: list[ast.stmt]) -> None:
        """Follow statements (see `Statements`)."""

    @abstractmethod
    def evaluate(self, node: ast.expr) -> Value:
        """Return what an expression may be (see `Expressions`)."""

    @abstractmethod
    def call_special(self, path: str, args: Args, node: ast.AST) -> Value | None:
        """Follow the calls that need more than a table entry (see `Special`)."""

    def call(self, callee: Value, args: Args, node: ast.AST) -> Value:
        found: set[Obj] = set()
        for obj in callee:
            found |= self._call_one(obj, args, node)
        return frozenset(found) or self.plain

    def _call_one(self, obj: Obj, args: Args, node: ast.AST) -> Value:
        match obj.kind:
            case "function":
                return self.call_function(obj, args, node)
            case "class":
                return following.instantiate(self, obj, args, node)
            case "bound":
                (receiver,) = obj.inner
                return self.call_method(receiver, obj.path, args, node)
            case "external":
                return library.call_path(self, obj.path, args, node)
            case "instance":
                found = self.call_dunder(obj, "__call__", args.positional, node)
                if classes.has_unknown_base(obj.bases):
                    found |= callbacks.call_unknown(self, args, node, obj, "calls an object")
                return found
            case "callable" if obj.path in ROUTED:
                return callbacks.call_routed(self, obj, args, node)
            case "callable" if obj.inner:
                extra = Args([], {}, args.all | frozenset(obj.inner))
                functions = frozenset(item for item in obj.inner if classes.is_callable(item))
                return self.call(functions, extra, node) if functions else self.plain
            case "record":
                made = self.fresh("tuple", node, {*args.all, obj})
                return made
            case "unbound":
                return NOTHING
            case "datum":
                return self.plain
        if obj.kind in IMMUTABLE:
            return self.plain
        return callbacks.call_unknown(self, args, node, obj, "calls an unknown object")

    def call_method(self, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
        """Follow `obj.name(...)`."""
        match obj.kind:
            case "module" | "external" if obj.scope is None:
                return library.call_path(self, f"{obj.path}.{name}", args, node)
            case "module":
                return self.call(self.module_attribute(obj, name, node), args, node)
            case "instance":
                return self._call_instance(obj, name, args, node)
            case "class":
                return self._call_on_class(obj, name, args, node)
            case "unbound":
                return NOTHING
            case "function" | "bound" | "callable":
                if obj.open and name == "cache_clear":
                    self.change([obj], "empties the cache of a function")
                held = frozenset(obj.attrs.get(name, ()))
                return self.call(held, args, node) if held else self.plain
            case "namespace" if name in obj.attrs:
                return self.call(frozenset(obj.attrs[name]), args, node)
            case "none":
                return NOTHING
        process.draw_frame(self, obj, name)
        if obj.kind == "ndarray" and name in OF_ELEMENTS:
            self.change_deep([obj], f"calls .{name}()", assumed=True)  # of an element, then
        known = knowledge.method(obj.kind, name)
        if known is not None:
            written = in_place.write_positionally(self, f"{obj.kind}.{name}", args)
            return library.apply(self, known, obj, args, node, f".{name}()") | written
        if obj.kind == "frame" and not args.all:
            return callbacks.call_unknown(self, args, node, obj, f"calls .{name}()")
        if obj.kind in CLOSED:
            return self._closed_method(obj, name, args)
        if obj.kind == "datum":
            if name in MUTATORS:
                self.change_deep([obj], f"calls .{name}()", assumed=True)
            return frozenset({obj}) | self.plain
        if obj.kind == "setting":
            self.trace.settings = True
            return self.plain
        if obj.kind == "logger":
            return process.call_logger(self, name, args)
        return callbacks.call_unknown(self, args, node, obj, f"calls .{name}()")

    def _closed_method(self, obj: Obj, name: str, args: Args) -> Value:
        """Follow a dunder of a builtin; another name does not exist and would be an error."""
        if name in ("__setitem__", "__delitem__", "__iadd__", "__ior__", "__imul__"):
            self.store(obj, args.all, f"calls .{name}()")
        if name.startswith("__"):
            return frozenset({obj, *obj.inner}) | self.plain
        return NOTHING

    def _call_instance(self, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
        found: set[Obj] = set()
        known = False
        self.use_instance(obj)
        for item in classes.lookup(obj.bases, name):
            known = True
            if item.kind == "function" and item.path == "":
                found |= self.call_function(item, with_self(obj, args), node, receiver=obj)
            elif item.kind == "function" and item.path == "classmethod":
                for cls in obj.bases:
                    found |= self.call_function(item, with_self(cls, args), node, receiver=cls)
            elif item.kind == "function" and item.path == "property":
                value = self.call_function(item, Args([frozenset({obj})]), node)
                found |= self.call(value, args, node)
            else:
                found |= self.call(frozenset({item}), args, node)
        held = frozenset(obj.attrs.get(name, ()))
        if held:
            known = True
            found |= self.call(held, args, node)
        if not known:
            value = self.load_attribute(frozenset({obj}), name, node)
            functions = frozenset(
                item for item in value if classes.is_callable(item) and item != obj
            )
            found |= self.call(functions, args, node) if functions else NOTHING
            found |= callbacks.call_unknown(self, args, node, obj, f"calls .{name}()")
        return frozenset(found)

    def _call_on_class(self, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
        found: set[Obj] = set()
        items = classes.lookup((obj,), name)
        if not items and name == "register":  # an abstract class keeps a registry
            self.heap.hold(obj, args.all)
            self.change([obj], "registers a class with it")
            return args.at(0)
        for item in items:
            if item.kind == "function" and item.path == "classmethod":
                found |= self.call_function(item, with_self(obj, args), node, receiver=obj)
            else:
                found |= self.call(frozenset({item}), args, node)
        if not items:
            found |= callbacks.call_unknown(self, args, node, obj, f"calls .{name}()")
        return frozenset(found)

    statement: ast.stmt | None = None

    def bind_user(self, name: str, value: Value) -> None:
        if ends.that_end(self, self.user.names.get(name, NOTHING)):
            self.read_user(name)  # or it would not be here to end
        super().bind_user(name, value)

    def call_function(
        self, function: Obj, args: Args, node: ast.AST, receiver: Obj | None = None
    ) -> Value:
        code = function.node
        if not isinstance(code, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return callbacks.call_unknown(self, args, node, function, "calls an unknown function")
        if is_lazy(code):
            kind = "coroutine" if isinstance(code, ast.AsyncFunctionDef) else "generator"
            made = self.heap.make(kind, self.key(node, function.bit), {function, *args.all})
            made.defaults.update({f"{n}": v for n, v in enumerate(args.positional)})
            made.defaults.update(args.keywords)
            made.defaults["*"] = args.spread
            made.module = function
            return frozenset({made})
        return following.enter(self, function, code, args, node)


OF_ELEMENTS = MUTATORS - {"sort"}
"""An array has no such methods."""
