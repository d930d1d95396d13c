"""Abstract objects: what the names of a notebook may refer to, and what holds what.

One abstract object stands for every value made at one place of the source (in one call context).
Its contents only ever grow, so "may reach" and "may share" never miss anything; names, in
contrast, are followed in order and rebound exactly (see `scope`). Numbers, strings and other
values nobody can change are not tracked at all: for them sharing cannot be observed.
"""

import ast
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlplat.compiler.scope import Scope

Value = frozenset["Obj"]
"""Everything an expression may evaluate to."""

NOTHING: Value = frozenset()

IMMUTABLE = frozenset(
    {"bool", "bytes", "ellipsis", "float", "imm", "int", "none", "path", "range", "str"}
)
"""Kinds that are never tracked: equal values cannot be told apart."""

FROZEN = frozenset({"address", "bound", "external", "frozenset", "module", "tuple", "unbound"})
"""Tracked kinds that hold others but cannot themselves be changed."""

LEAF = frozenset({"frame", "index", "ndarray", "rng", "series", "tensor"})
"""Kinds that hold data, not references to other objects of the notebook."""

UNSHIPPABLE = frozenset(
    {
        "address",
        "archive",
        "connection",
        "coroutine",
        "dictview",
        "display",
        "file",
        "generator",
        "handler",
        "iterator",
        "lock",
        "patch",
        "patcher",
        "setting",
        "thread",
    }
)
"""Kinds tied to the process that made them."""

BARE = IMMUTABLE | {"data", "external", "ndarray", "index", "rng"}
"""Kinds that lead to nothing but their contents."""


class Obj:
    """One abstract object; hashed by its number, so that sets are walked in the same order always.

    Attributes:
        kind: What is known of its type; `unknown` where nothing is.
        bit: Its place in the masks that stand for sets of objects; 0 if it is not tracked.
        inner: What it may hold, by whatever path.
        attrs: The part of `inner` whose attribute name is known.
        path: Dotted name of what an import brought in.
        is_tied: It cannot leave the process that made it, although its kind could.
        const: The value itself where it is a literal.
    """

    __slots__ = (
        "attrs",
        "bases",
        "bit",
        "cell",
        "const",
        "defaults",
        "inner",
        "is_tied",
        "kind",
        "module",
        "node",
        "open",
        "path",
        "scope",
        "serial",
    )

    def __init__(self, kind: str, bit: int, cell: int, serial: int) -> None:
        self.serial = serial
        self.kind = kind
        self.bit = bit
        self.cell = cell
        self.inner: set[Obj] = set()
        self.attrs: dict[str, set[Obj]] = {}
        self.path = ""
        self.const: object = None
        self.node: ast.AST | None = None
        self.scope: Scope | None = None
        self.defaults: dict[str, Value] = {}
        self.bases: tuple[Obj, ...] = ()
        self.module: Obj | None = None
        self.open = False
        self.is_tied = False

    def __hash__(self) -> int:
        return self.serial

    def __repr__(self) -> str:
        return f"<{self.kind} {self.path or self.bit.bit_length()}>"

    @property
    def is_mutable(self) -> bool:
        return self.bit != 0 and self.kind not in FROZEN


class Heap:
    """All abstract objects of one notebook."""

    def __init__(self) -> None:
        self.objects: list[Obj] = []
        self.cell = 0
        self.epoch = 0
        self._by_key: dict[Hashable, Obj] = {}
        self._plain: dict[Hashable, Value] = {}
        self._reach: dict[Value, int] = {}
        self._reach_epoch = 0
        self._allocated = 0
        self.work = 0
        self.unbound = self._allocate("unbound", tracked=False)

    def _allocate(self, kind: str, *, tracked: bool) -> Obj:
        bit = 0
        if tracked:
            bit = 1 << len(self.objects)
        self._allocated += 1
        obj = Obj(kind, bit, self.cell, self._allocated)
        if tracked:
            self.objects.append(obj)
        return obj

    def plain(self, kind: str) -> Value:
        """Return the one object that stands for all immutable values of a kind."""
        found = self._plain.get(kind)
        if found is None:
            found = self._plain[kind] = frozenset({self._allocate(kind, tracked=False)})
        return found

    def constant(self, value: object) -> Value:
        """Return a literal, its value kept: paths, column names and code are read from it."""
        key = (type(value).__name__, repr(value)) if not isinstance(value, str) else ("str", value)
        found = self._plain.get(key)
        if found is None:
            kinds = {"NoneType": "none", "complex": "float"}
            kind = kinds.get(type(value).__name__, type(value).__name__)
            obj = self._allocate(kind if kind in IMMUTABLE else "imm", tracked=False)
            obj.const = value
            found = self._plain[key] = frozenset({obj})
        return found

    def make(self, kind: str, key: Hashable, inner: Iterable[Obj] = ()) -> Obj:
        """Return the object made at a place, new or met before (a loop, a second pass)."""
        full = (kind, key)
        obj = self._by_key.get(full)
        if obj is None:
            obj = self._by_key[full] = self._allocate(kind, tracked=kind not in IMMUTABLE)
        self.hold(obj, inner)
        return obj

    def hold(self, obj: Obj, inner: Iterable[Obj]) -> bool:
        """Let an object hold others; tell whether that is new."""
        before = len(obj.inner)
        if obj.kind == "unknown":
            obj.inner.update(item for item in inner if item.bit)  # it may be anything plain anyway
        else:
            obj.inner.update(item for item in inner if item is not self.unbound)
        if len(obj.inner) == before:
            return False
        self.epoch += 1
        return True

    def set_attribute(self, obj: Obj, name: str, value: Value) -> None:
        known = obj.attrs.setdefault(name, set())
        if not value <= known:
            known |= value
            self.epoch += 1
        self.hold(obj, value)

    def reach(self, value: Iterable[Obj]) -> int:
        """Return the mask of all tracked objects that can be got at from a value."""
        roots = value if isinstance(value, frozenset) else frozenset(value)
        if self._reach_epoch != self.epoch:
            self._reach_epoch = self.epoch
            self._reach.clear()
        known = self._reach.get(roots)
        if known is not None:
            return known
        mask, seen, todo = 0, set(roots), list(roots)
        while todo:
            item = todo.pop()
            mask |= item.bit
            for child in links(item):
                if child not in seen:
                    seen.add(child)
                    if child.inner or child.kind not in BARE:
                        todo.append(child)
                    else:
                        mask |= child.bit
        self.work += len(seen)
        self._reach[roots] = mask
        return mask

    def reach_each(self, values: Iterable[Value]) -> dict[Value, int]:
        """Return `reach` of many values at once, looking at each object once.

        Objects that reach each other share one mask (Tarjan's strongly connected components).
        """
        masks: dict[Obj, int] = {}
        found: dict[Value, int] = {}
        for value in values:
            mask = 0
            for obj in value:
                if obj not in masks:
                    self._condense(obj, masks)
                mask |= masks[obj]
            found[value] = mask
        return found

    @staticmethod
    def _condense(root: Obj, masks: dict[Obj, int]) -> None:
        number: dict[Obj, int] = {root: 0}
        low: dict[Obj, int] = {root: 0}
        mask: dict[Obj, int] = {root: root.bit}
        path = [root]
        todo = [(root, iter(links(root)))]
        while todo:
            obj, children = todo[-1]
            for child in children:
                if child in masks:
                    mask[obj] |= masks[child]
                elif child in number:
                    low[obj] = min(low[obj], number[child])
                else:
                    number[child] = low[child] = len(number)
                    mask[child] = child.bit
                    path.append(child)
                    todo.append((child, iter(links(child))))
                    break
            else:
                todo.pop()
                if low[obj] == number[obj]:
                    members: list[Obj] = []
                    while not members or members[-1] is not obj:
                        members.append(path.pop())
                    whole = 0
                    for member in members:
                        whole |= mask[member]
                    masks.update(dict.fromkeys(members, whole))
                if todo:
                    parent = todo[-1][0]
                    low[parent] = min(low[parent], low[obj])
                    mask[parent] |= mask[obj]

    def within(self, value: Iterable[Obj]) -> set[Obj]:
        """Return all objects that can be got at from a value, itself included."""
        return set(self.of_mask(self.reach(value))) | set(value)

    def of_mask(self, mask: int) -> list[Obj]:
        found = []
        while mask:
            low = mask & -mask
            found.append(self.objects[low.bit_length() - 1])
            mask ^= low
        self.work += len(found)
        return found


def data_of(obj: Obj) -> set[Obj]:
    """Return what a part of a frame shares with it: of a group, not the frame that it looks at."""
    if obj.kind != "group":
        return obj.inner
    kinds = ("frame", "group", "series")
    return {
        item for held in obj.inner for item in (data_of(held) if held.kind in kinds else {held})
    }


def links(obj: Obj) -> list[Obj]:
    """List what an object holds: contents, defaults, captured variables, class and bases."""
    held = list(obj.inner)
    for default in obj.defaults.values():
        held.extend(default)
    held.extend(obj.bases)
    if obj.module is not None:
        held.append(obj.module)
    scope = obj.scope
    while scope is not None and not scope.is_global:
        for captured in scope.names.values():
            held.extend(captured)
        scope = scope.parent
    return held
