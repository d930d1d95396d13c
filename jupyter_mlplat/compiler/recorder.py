"""The interpreter's ground floor: its state, and how reads, binds and changes are written down."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from jupyter_mlplat.compiler import boxes, process
from jupyter_mlplat.compiler.binding import Args
from jupyter_mlplat.compiler.facts import CellFacts, Change, FileUse, Frame, Use
from jupyter_mlplat.compiler.heap import (
    IMMUTABLE,
    LEAF,
    UNSHIPPABLE,
    Heap,
    Obj,
    Value,
    data_of,
)
from jupyter_mlplat.compiler.hints import Hints, Trace
from jupyter_mlplat.compiler.scope import Scope

WORK = 150_000
"""Objects looked at per cell when following what reaches what, a tenth of a second."""
ALL_WORK = 800_000
"""The same for a whole notebook."""
FUEL = 20_000
"""Expressions and statements looked at per cell before the analysis gives up on it; a cell of 100
lines that calls ten functions takes about 3,000."""


class GaveUp(Exception):
    """A cell needs more work than it is worth: it is treated as code that may do anything."""


class Recorder:
    """State shared by all parts of the interpreter."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.heap = Heap()
        self.user = Scope(is_global=True)
        self.scope = self.user
        self.facts = CellFacts(0, "")
        self.hints = Hints()
        self.trace = Trace()
        self.frames: list[Frame] = []
        self.context: tuple[int, ...] = ()
        self.branch = 0
        self.guarded = 0
        self.line = 0
        self.fuel = FUEL
        self.work_limit = WORK
        self.tick = 0
        self.is_seeded = False
        self.written: set[str | None] = set()
        self.written_modules: set[str] = (
            set()
        )  # imported modules whose file a cell may have written
        self.replayed: set[str] = set()
        self.ever_replayed: set[str] = set()
        self.has_star = False
        self.has_late_annotations = False
        self.keeps_figures = False
        self.added_builtins: set[str] = set()
        self.aliases: set[str] = set()
        self.log_files: dict[str | None, None] = {}
        self.changed_before = 0
        """Mask of all that cells before this one may have changed."""
        self.was_opaque = False
        self.sources = sources
        self.modules: dict[str, Obj] = {}
        self.loading: list[str] = []
        self.entered: dict[tuple[Obj, bool], int] = {}
        self.looked_into: set[Obj] = set()
        self.finalised: dict[Obj, list[tuple[Value, Args]]] = {}
        self.attribute_dicts: set[Obj] = set()
        self.asks_subclasses = False
        self.globals_of: dict[ast.AST, set[str]] = {}
        self._kept: list[ast.AST] = []
        self.channels = {
            name: self.heap.make("channel", name)
            for name in ("@rng", "@env", "@cwd", "@modules", "@patch")
        }
        self.channels["@patch"].kind = "patch"
        for name, obj in self.channels.items():
            self.user.names[name] = frozenset({obj})

    def keep(self, tree: ast.AST) -> None:
        """Keep a syntax tree alive: objects are keyed by the identity of its nodes."""
        self._kept.append(tree)

    # -- what every part needs -----------------------------------------------------------------

    def spend(self, node: ast.AST) -> None:
        self.fuel -= 1
        if self.fuel < 0 or self.heap.work > self.work_limit:
            raise GaveUp("the cell calls its functions in too many ways to follow")
        line = getattr(node, "lineno", None)
        if line is not None and not self.frames and not self.loading:
            self.line = line

    def key(self, node: ast.AST, *more: object) -> tuple[object, ...]:
        return (self.heap.cell, self.context, id(node), *more)

    def fresh(self, kind: str, node: ast.AST, inner: Iterable[Obj] = (), *more: object) -> Value:
        """Return the object made at this place, as a value; frames bring their data with them."""
        obj = self.heap.make(kind, self.key(node, *more), inner)
        if kind in ("frame", "series", "group") and not obj.inner:
            self.heap.hold(obj, [self.heap.make("data", self.key(node, "data", *more))])
        return frozenset({obj})

    def opaque_value(self) -> Value:
        """Return what this cell's code that cannot be seen may have bound to a name."""
        return frozenset({self.heap.make("unknown", ("opaque", self.heap.cell))})

    def unknown(self, node: ast.AST, inner: Iterable[Obj] = (), *more: object) -> Value:
        return self.fresh("unknown", node, inner, *more)

    @property
    def plain(self) -> Value:
        return self.heap.plain("imm")

    @property
    def none(self) -> Value:
        return self.heap.constant(None)

    def literal(self, value: Value) -> object:
        """Return the literal a value certainly is, or None."""
        if len(value) == 1:
            (obj,) = value
            return obj.const
        return None

    @contextmanager
    def uncertain(self) -> Iterator[None]:
        """Mark what runs inside as not certain to run."""
        self.branch += 1
        try:
            yield
        finally:
            self.branch -= 1

    # -- names ---------------------------------------------------------------------------------

    def read_user(self, name: str) -> Value | None:
        """Read a name of the notebook, or return None if nothing bound it so far."""
        value = self.user.names.get(name)
        self.trace.reads.add(name)
        for frame in self.frames:
            self.globals_of.setdefault(frame.node, set()).add(name)
        known = self.facts.reads.get(name)
        if name not in self.user.sure and (known is None or known.is_assumed):
            through = self.frames[-1].name if self.frames else ""
            certain = not self.branch and not self.frames
            self.facts.reads[name] = Use(self.line, certain, through=through)
        if value is None or value == frozenset({self.heap.unbound}):
            return None
        return value

    def bind_user(self, name: str, value: Value) -> None:
        self.tick += 1
        self.trace.binds.add(name)
        if any(obj.kind == "setting" for obj in value):
            self.trace.patches = True  # the name shows what later cells do to it
        for frame in self.frames:
            self.globals_of.setdefault(frame.node, set()).add(name)
        self.replayed.discard(name)
        self.facts.binds.setdefault(name, False)
        self.facts.guessed.discard(name)
        old = self.user.names.get(name)
        if self.frames:
            # Whether a call gets as far as this line is not followed: it may.
            self.user.names[name] = value | (old or frozenset({self.heap.unbound}))
            return
        self.user.names[name] = value
        self.user.sure.add(name)

    def undefined(self, name: str) -> None:
        if self.has_star or self.was_opaque or name in self.added_builtins:
            return
        if name in self.aliases:  # a line of its own: a command of the system's
            self.use_files(writes=True)
            return
        certain = not self.branch and not self.frames and not self.guarded
        self.facts.undefined.setdefault(name, Use(self.line, certain))

    def read_everything(self, why: str) -> None:
        """Read all names bound so far."""
        self.ask(why, "It depends on all names bound so far.")
        for name in list(self.user.names):
            if not name.startswith("@"):
                with self.uncertain():
                    self.read_user(name)

    def is_main(self, value: Iterable[Obj]) -> bool:
        return any(obj.kind == "module" and obj.path == "__main__" for obj in value)

    # -- changes -------------------------------------------------------------------------------

    def change(self, objects: Iterable[Obj], what: str, *, assumed: bool = False) -> None:
        """Write down that objects may be changed."""
        mask = self.facts.mutated
        for obj in objects:
            if obj.kind in ("module", "external"):
                self.patch(obj)
            if not obj.is_mutable:
                continue
            self.trace.other = self.trace.other or obj.kind != "channel"
            if not mask & obj.bit:
                mask |= obj.bit
                self.facts.changes[obj.bit] = Change(self.line, what, assumed)
        self.facts.mutated = mask

    def change_deep(
        self,
        value: Iterable[Obj],
        what: str,
        *,
        assumed: bool = False,
        sparing: frozenset[Obj | str] = frozenset(),
    ) -> None:
        """Write down that anything reachable may be changed, but code and some objects or kinds."""
        self.change(
            (
                obj
                for obj in self.heap.of_mask(self.heap.reach(value))
                if obj.kind not in ("class", "function", "module", "channel", "patch")
                and obj not in sparing
                and obj.kind not in sparing
            ),
            what,
            assumed=assumed,
        )

    def patch(self, obj: Obj) -> None:
        """Write down that an imported module or class is changed."""
        if obj.kind == "module" and obj.scope is not None:
            self.facts.mutated |= obj.bit
            self.facts.changes.setdefault(obj.bit, Change(self.line, "sets an attribute", False))
            self.trace.other = True
            return
        if obj.kind == "module" or obj.path.partition(".")[0] != "builtins":
            self.trace.patches = True

    def store(self, obj: Obj, value: Iterable[Obj], what: str) -> None:
        """Let an object of the notebook hold further values: it changes."""
        self.heap.hold(obj, value)
        obj.open = obj.open or obj.kind == "dict"
        self.change([obj], what)

    # -- channels ------------------------------------------------------------------------------

    def use_channel(
        self, name: str, what: str, *, changes: bool = True, assumed: bool = False
    ) -> None:
        self.read_user(name)
        if changes:
            self.change([self.channels[name]], what, assumed=assumed)

    def use_library(self, path: str) -> None:
        """Note a use of a library whose own state an earlier cell may have changed."""
        name = f"@lib:{path.partition('.')[0]}"
        if name in self.channels:
            self.use_channel(name, "", changes=False)

    def use_all_libraries(self) -> None:
        for name in self.channels:
            if name.startswith("@lib:"):
                self.use_channel(name, "", changes=False)

    def change_library(self, top: str) -> None:
        name = f"@lib:{top}"
        if name not in self.channels:
            made = self.heap.make("patch", name)
            self.channels[name] = made
            self.user.names[name] = frozenset({made})
        self.use_channel(name, f"calls {top} for its effect")

    def use_rng(self) -> None:
        self.trace.other = True
        if self.is_seeded:
            self.use_channel("@rng", "draws random numbers")

    def use_rng_maybe(self) -> None:
        if self.is_seeded:
            self.use_channel("@rng", "may draw random numbers", assumed=True)

    def seed_rng(self) -> None:
        self.trace.other = True
        self.is_seeded = True
        self.use_channel("@rng", "seeds the random numbers")

    def use_files(self, *, writes: bool, path: str | None = None) -> None:
        self.trace.other = self.trace.other or writes
        if writes:
            self.written.add(path)
            process.rewrite_module(self, path)
        use = FileUse(path, writes, self.line)
        if use not in self.facts.files:
            self.facts.files.append(use)

    def ask(self, what: str, consequence: str) -> None:
        """Report something that cannot be known."""
        entry = (self.line, what, consequence)
        if entry not in self.facts.unknown:
            self.facts.unknown.append(entry)

    # -- kinds ---------------------------------------------------------------------------------

    def elements(self, value: Value, node: ast.AST) -> Value:
        """Return what iterating over a value or indexing it may give."""
        found: set[Obj] = set()
        for obj in value:
            kind = obj.kind
            if kind in ("str", "frame", "index"):
                found |= self.heap.plain("str")
            elif kind in ("series", "group"):
                found.add(self.heap.make("datum", (obj.bit, "datum"), data_of(obj)))
            elif kind == "ndarray":
                found |= {obj, *boxes.of([obj])} | self.plain
            elif kind == "archive":
                found |= self.fresh("ndarray", node, (), "member")
            elif kind in IMMUTABLE:
                found |= self.plain
            elif kind == "file":
                found |= self.heap.plain("str")
            elif kind in ("axes", "figure", "grid"):
                found.add(obj)  # an array of axes stands for each of them
            elif kind == "unknown":
                found.add(obj)
            elif obj.inner:
                found |= obj.inner
            elif kind in ("unbound", "external", "module", "function", "class"):
                continue
            elif kind in UNSHIPPABLE:
                found.add(obj)
        return frozenset(found) or self.unknown(node, value, "element")

    def leaves_out(self, obj: Obj) -> bool:
        """Tell whether an unknown library cannot make this object hold another one."""
        return obj.kind in LEAF or obj.kind in ("data", "datum") or not obj.is_mutable
