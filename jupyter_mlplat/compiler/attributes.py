"""Attributes and items: what reading one may give, what writing one changes."""

import ast
from abc import ABC, abstractmethod

from jupyter_mlplat.compiler import boxes, classes, knowledge, patching, reading
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.heap import IMMUTABLE, NOTHING, Obj, Value
from jupyter_mlplat.compiler.patching import is_setting
from jupyter_mlplat.compiler.recorder import Recorder

DEEPEST = 6
"""Names of libraries are not deeper; longer paths come from values that are followed in circles."""
DEFAULT = "<default>"
"""Under this name a `defaultdict` keeps what makes its missing values."""
IN_CELLS: frozenset[Obj | str] = frozenset({"index"})
"""What setting values of a frame leaves alone: an index is replaced, not changed."""
CLOSED = frozenset(
    {"bool", "bytes", "dict", "deque", "float", "frozenset", "int", "list", "none", "range"}
    | {"set", "str", "tuple", "bytearray"}
)
"""Kinds of which all methods are known: another name is an error at run time."""


class Attributes(Recorder, ABC):
    """Follows `value.name` and `value[key]`."""

    @abstractmethod
    def call_function(
        self, function: Obj, args: Args, node: ast.AST, receiver: Obj | None = None
    ) -> Value:
        """Follow a call of one of the notebook's functions (see `Calls`)."""

    @abstractmethod
    def call(self, callee: Value, args: Args, node: ast.AST) -> Value:
        """Follow a call of anything (see `Calls`)."""

    @abstractmethod
    def load_module(self, name: str, node: ast.AST) -> Obj:
        """Return a module by its dotted name (see `Imports`)."""

    # -- reading -------------------------------------------------------------------------------

    def load_attribute(self, value: Value, name: str, node: ast.AST) -> Value:
        found: set[Obj] = set()
        for obj in value:
            found |= self._attribute_of(obj, name, node)
        return frozenset(found) or self.unknown(node, value, "attribute")

    def _attribute_of(self, obj: Obj, name: str, node: ast.AST) -> Value:
        match obj.kind:
            case "module" if obj.scope is not None:
                return self.module_attribute(obj, name, node)
            case "module" | "external":
                if f"{obj.path}.{name}" == "logging.root":
                    return frozenset({self.heap.make("logger", "root")})
                return self.external(f"{obj.path}.{name}")
            case "instance":
                return self._instance_attribute(obj, name, node)
            case "class":
                return self._class_attribute(obj, name, node)
            case "function":
                return frozenset(obj.attrs.get(name, ())) or self.plain
            case "unknown":
                return frozenset({obj})  # it stands for all its parts
            case "namespace" | "channel":
                return frozenset(obj.attrs.get(name, ())) | {obj} | frozenset(obj.inner)
            case "frame":
                return self._column(obj, name, node)
            case "unbound":
                return NOTHING
        if obj.kind in IMMUTABLE:
            return self.plain
        known = knowledge.ATTRIBUTES.get(f"{obj.kind}.{name}")
        if known is not None:
            if known.result in ("alias", "self"):
                return frozenset({obj})
            if known.result == "view":
                return self.fresh(known.kind, node, {obj, *obj.inner}, obj.bit)
            return self.fresh(known.kind, node, (), obj.bit)
        if obj.kind in CLOSED or f"{obj.kind}.{name}" in knowledge.METHODS:
            return self.bound(obj, name)
        return frozenset({obj, *obj.inner})

    def _column(self, obj: Obj, name: str, node: ast.AST) -> Value:
        known = knowledge.ATTRIBUTES.get(f"frame.{name}")
        if known is not None:
            if known.result == "alias":
                return frozenset({obj})
            inner = {obj, *obj.inner} if known.result == "view" else set()
            return self.fresh(known.kind, node, inner, obj.bit)
        if f"frame.{name}" in knowledge.METHODS:
            return self.bound(obj, name)
        return self.fresh("series", node, obj.inner, obj.bit)

    def bound(self, obj: Obj, name: str) -> Value:
        """Return a method taken off its object, to be called later."""
        made = self.heap.make("bound", (obj.bit, obj.path, name), [obj])
        made.path = name
        return frozenset({made})

    def _instance_attribute(self, obj: Obj, name: str, node: ast.AST) -> Value:
        found: set[Obj] = set(obj.attrs.get(name, ()))
        self.use_instance(obj)
        for item in classes.lookup(obj.bases, name):
            if item.kind == "function" and item.path == "property":
                if item.open:
                    self.change([obj], f"keeps .{name}")
                found |= self.call_function(item, Args([frozenset({obj})]), node)
            elif item.kind == "function":
                found |= self.bound(obj, name)
            elif item.kind == "instance" and classes.lookup(item.bases, "__get__"):
                found |= self.call_dunder(
                    item, "__get__", [frozenset({obj}), frozenset(obj.bases)], node
                )
            else:
                found.add(item)
        for hook in ("__getattr__", "__getattribute__"):
            for function in classes.lookup(obj.bases, hook):
                if function.kind == "function":
                    found |= self.call_function(
                        function, Args([frozenset({obj}), self.heap.constant(name)]), node
                    )
        if name == "__class__":
            return frozenset(obj.bases)
        if name == "__dict__":
            return self.attributes_dict(obj) | frozenset(obj.attrs.get(name, ()))
        if "__dict__" in obj.defaults:
            found |= obj.inner
        if obj.open or (not found and classes.has_unknown_base(obj.bases)):
            found |= {obj, *obj.inner}
        return frozenset(found) or frozenset(obj.inner)

    def attributes_dict(self, obj: Obj) -> Value:
        """Return the dict of an object's attributes: what one holds, the other holds."""
        made = self.heap.make("dict", (obj.bit, "__dict__"))
        if made not in self.attribute_dicts:
            self.attribute_dicts.add(made)
            made.inner, made.open = obj.inner, True
            made.defaults["owner"] = frozenset({obj})
            obj.defaults["__dict__"] = frozenset({made})
            self.heap.epoch += 1
        return frozenset({made})

    def _class_attribute(self, obj: Obj, name: str, node: ast.AST) -> Value:
        found = classes.lookup((obj,), name)
        if any(item.kind == "function" and item.path == "classmethod" for item in found):
            found |= self.bound(obj, name)
        if not found or classes.has_unknown_base((obj,)):
            # An enumeration's member, a field made by a decorator: the class may give itself away.
            return frozenset(found) | {obj, *obj.inner}
        return frozenset(found)

    def use_instance(self, obj: Obj) -> None:
        """Let a library's base class call any method of a class of the notebook."""
        if obj not in self.looked_into and classes.has_unknown_base(obj.bases):
            reading.read_mentioned(self, [obj])

    def module_attribute(self, module: Obj, name: str, node: ast.AST) -> Value:
        """Read a name of a local module whose source is known."""
        scope = module.scope
        value = scope.names.get(name) if scope is not None else None
        if value is None:
            child = f"{module.path}.{name}"
            if child in self.sources:
                return frozenset({self.load_module(child, node)})
            return frozenset(module.attrs.get(name, ())) or self.unknown(node, [module])
        return value - {self.heap.unbound} or self.unknown(node, [module])

    def external(self, path: str) -> Value:
        """Return what an installed library has under a dotted name."""
        self.use_library(path)
        if path.count(".") > DEEPEST:
            path = ".".join(path.split(".")[:DEEPEST])
        found = self.heap.plain(("external", path))  # type: ignore[arg-type]
        for obj in found:
            obj.kind, obj.path = "external", path
        return found

    def load_item(self, value: Value, key: Value, node: ast.AST) -> Value:
        """Return what `value[key]` may be."""
        found: set[Obj] = set()
        name = self.literal(key)
        for obj in value:
            match obj.kind:
                case "frame":
                    found |= self._frame_item(obj, key, name, node)
                case "group" | "axes":
                    found.add(obj)
                case "series":
                    series = self.fresh("series", node, obj.inner, obj.bit)
                    boxes.fill(self.heap, series, boxes.of([obj]))
                    found |= series | self.elements(frozenset({obj}), node)
                case "str" | "bytes":
                    found |= self.heap.plain(obj.kind)
                case "tuple" | "dict" if f"[{name!r}]" in obj.attrs and not obj.open:
                    found |= obj.attrs[f"[{name!r}]"]
                case "dict" if DEFAULT in obj.attrs:
                    found |= self._item_or_default(obj, node)
                case "tuple" | "list" if isinstance(node, ast.Subscript) and isinstance(
                    node.slice, ast.Slice
                ):
                    found |= self.fresh(obj.kind, node, obj.inner, obj.bit)
                case "instance":
                    self.use_instance(obj)
                    found |= self.call_dunder(obj, "__getitem__", [key], node)
                case "external" if obj.path.startswith("os.environ"):
                    found |= self.heap.plain("str")
                case "external" | "module":
                    found.add(obj)
                case "class":
                    found |= {obj, *obj.inner}
                case _:
                    found |= self.elements(frozenset({obj}), node)
        return frozenset(found) or self.unknown(node, value, "item")

    def _item_or_default(self, obj: Obj, node: ast.AST) -> Value:
        """Read an item of a `defaultdict`: one that is not there is made and put there."""
        self.change([obj], "may fill it by reading")
        with self.uncertain():
            made = self.call(frozenset(obj.attrs[DEFAULT]), Args(), node)
        obj.open = True
        self.heap.hold(obj, made)
        return made | frozenset(obj.inner - obj.attrs[DEFAULT])

    def _frame_item(self, obj: Obj, key: Value, name: object, node: ast.AST) -> Value:
        if isinstance(name, str):
            return self.fresh("series", node, obj.inner, obj.bit)
        kinds = {item.kind for item in key}
        if kinds <= {"list", "series", "ndarray"}:
            return self.fresh("frame", node, (), obj.bit)  # a list or mask selects a copy
        parts = self.fresh("series", node, obj.inner, obj.bit, 1) | self.fresh(
            "frame", node, obj.inner, obj.bit, 2
        )
        boxes.fill(self.heap, parts, boxes.of([obj]))
        datum = self.heap.make("datum", (obj.bit, "datum"), obj.inner)
        return parts | {datum} if boxes.of([obj]) or obj.inner - {obj} else parts

    def call_dunder(self, obj: Obj, name: str, args: list[Value], node: ast.AST) -> Value:
        """Follow an operator or protocol on an instance of one of the notebook's classes."""
        found: set[Obj] = set()
        functions = classes.lookup(obj.bases, name)
        missing = classes.lookup(obj.bases, "__missing__") if name == "__getitem__" else set()
        for function in functions | missing:
            if function.kind == "function":
                found |= self.call_function(
                    function, Args([frozenset({obj}), *args]), node, receiver=obj
                )
        if name == "__getitem__" and classes.is_a(obj.bases, "collections.defaultdict"):
            self.change([obj], "may fill it by reading")
        if not functions or classes.has_unknown_base(obj.bases):
            found |= {obj, *obj.inner}
        return frozenset(found) or self.plain

    # -- writing -------------------------------------------------------------------------------

    def store_attribute(self, target: Value, name: str, value: Value, node: ast.AST) -> None:
        what = f"sets .{name}"
        for obj in target:
            match obj.kind:
                case "external" | "module":
                    patching.store_on_import(self, obj, name, value, what)
                case "instance" | "class" | "function" | "namespace":
                    for setter in classes.lookup(obj.bases, "__setattr__"):
                        if setter.kind == "function" and obj.kind == "instance":
                            args = Args([frozenset({obj}), self.heap.constant(name), value])
                            self.call_function(setter, args, node, receiver=obj)
                    for item in classes.lookup(obj.bases, name):
                        if item.path == "property":
                            self.call_setters(obj, value, node)
                        elif item.kind == "instance" and classes.lookup(item.bases, "__set__"):
                            self.call_dunder(item, "__set__", [frozenset({obj}), value], node)
                    if name == "__dict__":
                        self._share_attributes(obj, value)
                    self.heap.set_attribute(obj, name, value)
                    self.change([obj], what)
                case "setting" | "logger":
                    self.trace.settings = True
                case "frame":
                    self.store(obj, value, what)
                    self.change_deep([obj], what)
                case _:
                    self.store(obj, value, what)
                    self.change_deep([obj], what)

    def _share_attributes(self, obj: Obj, dicts: Value) -> None:
        """Let an object have these dicts as its attributes."""
        for held in dicts:
            self.heap.hold(obj, held.inner)
            held.is_tied = bool(held.bit)  # two owners of one dict do not travel
        self.attributes_dict(obj)

    def call_setters(self, obj: Obj, value: Value, node: ast.AST) -> None:
        for functions in classes.methods_of(obj.bases).values():
            for function in functions:
                if function.path == "property":
                    args = Args([frozenset({obj}), value])
                    self.call_function(function, args, node, receiver=obj)

    def store_item(self, target: Value, key: Value, value: Value, node: ast.AST) -> None:
        name = self.literal(key)
        for obj in target:
            match obj.kind:
                case "external" | "module":
                    if obj.path.startswith("os.environ"):
                        self.trace.env = True
                    elif obj.path.startswith("sys.path"):
                        self.trace.cwd = True
                    elif is_setting(obj.path):
                        self.trace.settings = True
                    else:
                        self.patch(obj)
                case "dict":
                    self._store_in_dict(obj, name, value)
                    self.heap.hold(obj, key | value)
                    self.change([obj], "sets an item")
                case "list" | "bytearray" | "deque":
                    self.store(obj, value, "sets an item")
                case "frame" if isinstance(name, str) and isinstance(node, ast.Subscript):
                    boxes.store(self.heap, obj, value)
                    if _is_indexer(node.value):
                        self.change_deep([obj], "sets values in place")
                    self.change([obj], "sets a column")
                case "frame" | "series" | "ndarray":
                    self.change_deep([obj], "sets values in place", sparing=IN_CELLS)
                    boxes.store(self.heap, obj, value)
                case "instance":
                    self.use_instance(obj)
                    self.call_dunder(obj, "__setitem__", [key, value], node)
                    if classes.has_unknown_base(obj.bases):
                        self.store(obj, key | value, "sets an item")
                        self.change_deep([obj], "sets an item", assumed=True)
                case _:
                    self.store(obj, key | value, "sets an item")
                    self.change_deep([obj], "sets an item")

    def _store_in_dict(self, obj: Obj, name: object, value: Value) -> None:
        if name is None:
            obj.open = True  # an unknown key: what is under a known one may be replaced
        else:
            self.heap.set_attribute(obj, f"[{name!r}]", value)


def _is_indexer(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("loc", "iloc", "at", "iat")
