"""Calls: the notebook's own functions are followed, library calls looked up, others feared."""

import ast
from functools import lru_cache

from jupyter_mlplat.compiler import knowledge
from jupyter_mlplat.compiler.attributes import CLOSED, Attributes
from jupyter_mlplat.compiler.effects import Effect
from jupyter_mlplat.compiler.facts import Frame
from jupyter_mlplat.compiler.heap import IMMUTABLE, NOTHING, Obj, Value
from jupyter_mlplat.compiler.recorder import Args
from jupyter_mlplat.compiler.scope import Scope, arguments, declarations

FRESH_EACH_CALL = frozenset({"__init__", "__new__", "__del__", "__init_subclass__"})
PASSES = 4
"""A recursive function is followed until nothing new is learnt, at most this many times."""


class Calls(Attributes):
    """Follows calls."""

    def run_body(self, body: list[ast.stmt]) -> None:
        """Follow statements (see `Statements`)."""
        raise NotImplementedError

    def evaluate(self, node: ast.expr) -> Value:
        """Return what an expression may be (see `Expressions`)."""
        raise NotImplementedError

    def call_special(self, path: str, args: Args, node: ast.AST) -> Value | None:
        """Follow the calls that need more than a table entry (see `Special`)."""
        raise NotImplementedError

    # -- dispatch ------------------------------------------------------------------------------

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
                return self.instantiate(obj, args, node)
            case "bound":
                (receiver,) = obj.inner
                return self.call_method(receiver, obj.path, args, node)
            case "external":
                return self.call_path(obj.path, args, node)
            case "instance":
                found = self.call_dunder(obj, "__call__", args.positional, node)
                if self.has_unknown_base(obj.bases):
                    found |= self.call_unknown(args, node, obj, "calls an object")
                return found
            case "callable" if obj.inner:
                extra = Args([], {}, args.all | frozenset(obj.inner))
                functions = frozenset(item for item in obj.inner if self.is_callable(item))
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
        return self.call_unknown(args, node, obj, "calls an unknown object")

    def is_callable(self, obj: Obj) -> bool:
        return obj.kind in ("function", "class", "bound", "external", "callable", "instance")

    def call_method(self, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
        """Follow `obj.name(...)`."""
        match obj.kind:
            case "module" | "external" if obj.scope is None:
                return self.call_path(f"{obj.path}.{name}", args, node)
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
        known = knowledge.method(obj.kind, name)
        if known is not None:
            return self.apply(known, obj, args, node, f".{name}()")
        if obj.kind == "frame" and not args.all:
            return self.call_unknown(args, node, obj, f"calls .{name}()")
        if obj.kind in CLOSED:
            return self._closed_method(obj, name, args)
        if obj.kind == "datum":
            if name in MUTATORS:
                self.change_deep([obj], f"calls .{name}()", assumed=True)
            return frozenset({obj}) | self.plain
        if obj.kind == "setting":
            self.trace.patches = True
            return self.plain
        if obj.kind == "logger":
            self.trace.patches = True
            return self.plain
        return self.call_unknown(args, node, obj, f"calls .{name}()")

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
        for item in self.class_lookup(obj.bases, name):
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
            functions = frozenset(item for item in value if self.is_callable(item) and item != obj)
            found |= self.call(functions, args, node) if functions else NOTHING
            found |= self.call_unknown(args, node, obj, f"calls .{name}()")
        return frozenset(found)

    def _call_on_class(self, obj: Obj, name: str, args: Args, node: ast.AST) -> Value:
        found: set[Obj] = set()
        items = self.class_lookup((obj,), name)
        for item in items:
            if item.kind == "function" and item.path == "classmethod":
                found |= self.call_function(item, with_self(obj, args), node, receiver=obj)
            else:
                found |= self.call(frozenset({item}), args, node)
        if not items:
            found |= self.call_unknown(args, node, obj, f"calls .{name}()")
        return frozenset(found)

    # -- library calls -------------------------------------------------------------------------

    def call_path(self, path: str, args: Args, node: ast.AST) -> Value:
        """Follow a call of an imported or builtin function."""
        self.use_library(path)
        special = self.call_special(path, args, node)
        if special is not None:
            return special
        known = knowledge.function(path)
        if known is not None and known.settings:
            # Other settings than these can be replayed, but not passed on.
            self.trace.patches |= path.partition(".")[0] not in SHIPPED_SETTINGS
        if known is None:
            return self._call_unlisted(path, args, node)
        receiver: Obj | None = None
        if known.changes:
            for obj in args.at(known.argument):
                self.apply(known, obj, args, node, f"{short(path)}()")
        return self.apply(known, receiver, args, node, f"{short(path)}()")

    def _call_unlisted(self, path: str, args: Args, node: ast.AST) -> Value:
        name = path.rpartition(".")[2]
        if path.startswith("builtins."):
            self.touch(args.all, node)
            return self.unknown(node, args.all)
        sets = name.startswith(SETTING_VERBS) or is_setting_name(name)
        if sets and self.is_discarded(node) and self._reads_only_literals(args):
            self.trace.patches = True
            return self.none
        if self.is_discarded(node):
            # A call made for its effect alone: whatever state the library keeps may change.
            self.trace.libraries.add(path.partition(".")[0])
            self.trace.other = True
        return self.call_unknown(args, node, None, f"calls {short(path)}()")

    def is_discarded(self, node: ast.AST) -> bool:
        return isinstance(self.statement, ast.Expr) and self.statement.value is node

    statement: ast.stmt | None = None

    def _reads_only_literals(self, args: Args) -> bool:
        return all(obj.kind in IMMUTABLE for obj in args.all)

    def apply(
        self, known: Effect, receiver: Obj | None, args: Args, node: ast.AST, what: str
    ) -> Value:
        """Do what a table entry says."""
        own: Value = frozenset({receiver}) if receiver is not None else NOTHING
        everything = own | args.all
        what = f"calls {what}"
        if known.consumes:
            self.consume(args.all, node)
        if known.calls:
            self.call_back(everything, self._callback_args(receiver, args, node), node)
        if known.rng and not self._has_own_randomness(own, args):
            self.use_rng()
        if known.seeds:
            self.seed_rng()
        self._use_channels(known, receiver, args)
        if receiver is not None:
            self._change_receiver(known, receiver, args, what)
        elif known.changes == "deep" and not args.positional:
            self.change_deep(args.all, what)
        extra = self._in_place_keywords(everything, own, args, what)
        if known.identity:
            self.facts.identity |= sum_bits(args.all)
        return self._result(known, receiver, args, node) | extra

    def _use_channels(self, known: Effect, receiver: Obj | None, args: Args) -> None:
        path = None
        if receiver is None or receiver.kind != "path":  # else the path is the receiver's
            path = next((str(obj.const) for obj in args.all if isinstance(obj.const, str)), None)
        if known.reads_files:
            self.use_files(writes=False, path=path)
        if known.writes_files:
            self.use_files(writes=True, path=path)
        if known.settings:
            self.trace.settings = True
        if known.env:
            self.trace.env = True
        if known.cwd:
            self.trace.cwd = True

    def _change_receiver(self, known: Effect, receiver: Obj, args: Args, what: str) -> None:
        if known.changes == "own":  # said before it keeps its arguments, which it only reads
            self.change_deep([receiver], what, sparing=DATA | args.all)
        if known.stores:
            stored = args.all
            if known.consumes:
                stored = frozenset(
                    item
                    for obj in args.all
                    for item in (obj.inner if obj.kind in ITERABLE else {obj})
                )
            self.heap.hold(receiver, stored - {receiver})
            receiver.open = receiver.open or receiver.kind == "dict"
        if known.changes == "self":
            self.change([receiver], what)
        elif known.changes == "deep":
            self.change_deep([receiver], what)

    def _has_own_randomness(self, own: Value, args: Args) -> bool:
        """Tell whether a random state was given, so that the global one is left alone."""
        for name in ("random_state", "seed", "rng"):
            state = args.keywords.get(name)
            if state is None:
                continue
            if any(obj.kind in ("rng", "random") for obj in state):
                self.change(state, "draws random numbers")
                return True
            return all(obj.kind == "int" for obj in state)
        holders = [obj for obj in own if obj.kind == "estimator"]
        return bool(holders) and all(obj.attrs.get("seeded") for obj in holders)

    def _in_place_keywords(self, everything: Value, own: Value, args: Args, what: str) -> Value:
        """Follow `inplace=`, `out=`, `copy=False`, `overwrite_a=` wherever they appear."""
        for name, value in args.keywords.items():
            chosen = self.literal(value)
            if name == "inplace" and chosen is not False:
                self.change_deep(own or everything, f"{what} in place")
            elif (name == "out" and chosen is not None) or (name == "out" and not chosen):
                if any(obj.is_mutable for obj in value):
                    self.change_deep(value, f"{what} with out=")
                    return frozenset(obj for obj in value if obj.is_mutable)
            elif (name == "copy" and chosen is False) or (
                name.startswith("overwrite") and chosen is not False
            ):
                self.change_deep(everything, f"{what} with {name}=")
                return frozenset(obj for obj in everything if obj.is_mutable)
        return NOTHING

    def _callback_args(self, receiver: Obj | None, args: Args, node: ast.AST) -> Value:
        """Return what a library may pass to the functions it is given."""
        if receiver is not None and receiver.kind in ("frame", "group"):
            return self.fresh("series", node, receiver.inner, "row") | (
                self.fresh("frame", node, receiver.inner, "rows")
                if receiver.kind == "group"
                else NOTHING
            )
        if receiver is not None and receiver.kind == "series":
            return self.elements(frozenset({receiver}), node)
        if receiver is not None and receiver.kind in ("list", "dict", "set", "deque"):
            return self.elements(frozenset({receiver}), node)
        found: set[Obj] = set()
        for obj in args.all:
            if not self.is_callable(obj):
                found |= self.elements(frozenset({obj}), node)
        return frozenset(found) or self.plain

    def _result(self, known: Effect, receiver: Obj | None, args: Args, node: ast.AST) -> Value:
        own: Value = frozenset({receiver}) if receiver is not None else NOTHING
        source = own or args.at(0)
        keyed = receiver.bit if receiver is not None else 0
        match known.result:
            case "none":
                return self.none
            case "self" | "alias":
                return source or self.plain
            case "elem":
                return self.elements(source, node) | frozenset().union(
                    *(args.positional[1:] if receiver is None else args.positional)
                )
            case "like":
                kind = known.kind if known.kind != "imm" else next(iter(source)).kind
                inner = {item for obj in source for item in obj.inner}
                inner |= {item for obj in args.all for item in (obj.inner or {obj})}
                return self.fresh(kind, node, inner, keyed)
            case "view":
                inner = {item for obj in source for item in {obj, *obj.inner}}
                if known.kind in ("frame", "series", "group"):
                    inner = {item for obj in source for item in obj.inner}
                return self.fresh(known.kind, node, inner, keyed)
            case "hold":
                return self._hold(known.kind, own | args.all, args, node)
            case "many":
                return self._many(known.kind, args, node)
            case "any":
                return self.unknown(node, own | args.all)
        return self._fresh_result(known.kind, own, args, node)

    def _fresh_result(self, kind: str, own: Value, args: Args, node: ast.AST) -> Value:
        kind, _, detail = kind.partition(":")
        if kind in IMMUTABLE:
            return self.heap.plain(kind)
        match kind:
            case "elems":
                inner = self.elements(args.at(0), node) if args.positional else NOTHING
                if detail == "dict":  # made of pairs, or of another dict
                    inner |= frozenset(item for pair in inner for item in pair.inner)
                return self.fresh(
                    detail, node, {*inner, *frozenset().union(*args.keywords.values())}
                )
            case "deepcopy":
                return self.deep_copy(args.at(0), node)
            case "shallow":
                return frozenset().union(
                    *(
                        self.fresh(obj.kind, node, obj.inner, obj.bit) if obj.is_mutable else {obj}
                        for obj in args.at(0)
                    )
                )
            case "argument1":
                return args.at(1)
            case "json":
                made = self.fresh("dict", node) | self.fresh("list", node)
                for obj in made:
                    self.heap.hold(obj, made | self.plain)
                return made
            case "pair":
                return self.figure_pair(node)
            case "items":
                return self._rows("dictview", [self._keys(own), self._values(own)], node)
            case "enumerate" if args.positional and not args.spread:
                rows = [self.heap.plain("int"), self.elements(args.at(0), node)]
                return self._rows("iterator", rows, node, args.at(0))
            case "zip" if not args.spread:
                rows = [self.elements(value, node) for value in args.positional]
                return self._rows("iterator", rows, node, args.all)
            case "zip" | "enumerate":
                return self.fresh("iterator", node, args.all)
        return self.fresh(kind, node, (), *(sorted(obj.bit for obj in own)))

    def _rows(
        self, kind: str, columns: list[Value], node: ast.AST, source: Value = NOTHING
    ) -> Value:
        """Return what gives tuples with these columns, and advances iterators among its source."""
        row = self.fresh("tuple", node, frozenset().union(*columns), "row")
        for obj in row:
            obj.attrs |= {
                f"[{n}]": {*obj.attrs.get(f"[{n}]", ()), *c} for n, c in enumerate(columns)
            }
        made = self.fresh(kind, node, row, "rows")
        for obj in made:
            self.heap.set_attribute(obj, ROWS, row)
            moved = frozenset(item for item in source if item.kind in ADVANCED)
            if moved:
                obj.defaults["source"] = moved
        return made

    def _keys(self, dicts: Value) -> Value:
        """Return what may be a key; what was put there under a known one is none."""
        named = {item for obj in dicts for held in obj.attrs.values() for item in held}
        inner = {item for obj in dicts for item in obj.inner}
        return self.plain | {item for item in inner - named if item.kind not in UNHASHABLE}

    def _values(self, dicts: Value) -> Value:
        return frozenset(item for obj in dicts for item in obj.inner) or self.plain

    def _hold(self, kind: str, inner: Value, args: Args, node: ast.AST) -> Value:
        made = self.fresh(kind, node, inner)
        if kind == "estimator":
            for obj in made:
                state = args.keywords.get("random_state")
                if state is not None and all(item.kind == "int" for item in state):
                    obj.attrs["seeded"] = set(self.plain)
        return made

    def figure_pair(self, node: ast.AST) -> Value:
        """Return the figure and axes of `plt.subplots()`: each leads to the other."""
        figure, axes = self.fresh("figure", node), self.fresh("axes", node)
        self.heap.hold(next(iter(figure)), axes)
        self.heap.hold(next(iter(axes)), figure | axes)
        pair = self.fresh("tuple", node, figure | axes, "pair")
        for obj in pair:
            obj.attrs |= {"[0]": set(figure), "[1]": set(axes)}
        return pair

    def _many(self, kind: str, args: Args, node: ast.AST) -> Value:
        """Return a tuple of objects that share nothing with each other."""
        made = self.fresh("tuple", node, (), "many")
        sources = args.positional or [NOTHING]
        for obj in made:
            for position in range(max(2 * len(sources), 4)):
                source = sources[min(position // 2, len(sources) - 1)]
                if kind == "sample":
                    kinds = {"frame": "frame", "series": "series", "list": "list"}
                    names = {kinds.get(item.kind, "ndarray") for item in source} or {"ndarray"}
                    item = frozenset().union(
                        *(self.fresh(name, node, (), "many", position) for name in sorted(names))
                    )
                else:
                    item = self.fresh(kind, node, (), "many", position)
                self.heap.set_attribute(obj, f"[{position}]", item)
        return made

    def deep_copy(self, value: Value, node: ast.AST) -> Value:
        """Copy all that a value reaches, code aside."""
        copies: dict[Obj, Obj] = {}
        for obj in self.heap.within(value):
            if (obj.is_mutable and obj.kind not in ("class", "function")) or obj.kind == "tuple":
                copies[obj] = self.heap.make(obj.kind, self.key(node, "copy", obj.bit))
        for obj, made in copies.items():
            made.bases, made.path = obj.bases, obj.path
            self.heap.hold(made, (copies.get(item, item) for item in obj.inner))
            for name, items in obj.attrs.items():
                held = frozenset(copies.get(item, item) for item in items)
                self.heap.set_attribute(made, name, held)
        return frozenset(copies.get(obj, obj) for obj in value)

    # -- calls nothing is known of -------------------------------------------------------------

    def call_unknown(self, args: Args, node: ast.AST, receiver: Obj | None, what: str) -> Value:
        """Assume the worst: arguments change, are kept, are called and come back."""
        own: Value = frozenset({receiver}) if receiver is not None else NOTHING
        everything = own | args.all
        reached = self.heap.within(everything)
        self.fuel -= len(reached) // 4
        made = self._blob(reached, everything, node)
        self.consume(everything, node)
        self.call_back(everything, made, node, all_methods=True)
        self.change_deep(everything, what, assumed=True)
        self.change(
            (obj for obj in args.all if obj.kind in ("class", "function")), what, assumed=True
        )
        for obj in reached:
            if obj.kind in TAKES_ANYTHING:
                self.heap.hold(obj, made - {obj})
                obj.open = True
        self.use_rng_maybe()
        self.use_all_libraries()
        path = next((str(o.const) for o in args.all if isinstance(o.const, str)), None)
        if path is not None or any(obj.kind in ("path", "str", "unknown") for obj in args.all):
            self.use_files(writes=True, path=None)
        return made

    def _blob(self, reached: set[Obj], everything: Value, node: ast.AST) -> Value:
        """Return what stands for anything an unknown call may make of its arguments.

        It holds all of them and they all may hold it, so an unknown object among them serves as
        well as a new one: both would reach the same.
        """
        known = min((o for o in reached if o.kind == "unknown"), key=_bit, default=None)
        if known is None:
            return self.unknown(node, everything)
        self.heap.hold(known, everything - {known})
        return frozenset({known})

    def use_rng_maybe(self) -> None:
        if self.is_seeded:
            self.use_channel("@rng", "may draw random numbers")

    def consume(self, value: Value, node: ast.AST) -> None:
        """Advance iterators and run generators."""
        for obj in value:
            if obj.kind in ("iterator", "generator", "coroutine", "file", "buffer"):
                self.change_deep([obj], "consumes it")
                self.run_generators(obj, node)
            elif obj.kind == "instance":
                for name in ("__iter__", "__next__", "__len__", "__getitem__"):
                    if self.class_lookup(obj.bases, name):
                        self.call_dunder(obj, name, [self.plain], node)

    def run_generators(self, obj: Obj, node: ast.AST) -> None:
        for item in self.heap.within([obj]):
            if item.kind in ("generator", "coroutine"):
                self.resume(item, node)

    def touch(self, value: Value, node: ast.AST) -> None:
        """Follow the operators an instance of one of the notebook's classes may define."""
        for obj in value:
            if obj.kind == "instance":
                self._call_methods(obj, self.plain, node, dunder_only=True)

    def call_back(
        self, value: Value, passed: Value, node: ast.AST, *, all_methods: bool = False
    ) -> None:
        """Follow the functions a library may call back."""
        for obj in self.heap.within(value):
            if obj.kind not in CALLABLE_BACK:
                continue
            with self.uncertain():
                match obj.kind:
                    case "function" if obj in value or all_methods or obj.path == "":
                        if self._is_method(obj):
                            continue
                        self.call_function(obj, Args([], {}, passed), node)
                    case "instance":
                        self._call_methods(obj, passed, node, dunder_only=not all_methods)
                    case "class" if obj in value:
                        self.instantiate(obj, Args([], {}, passed), node)
                    case "generator" | "coroutine":
                        self.resume(obj, node)
                    case "external" if obj in value and passed:
                        known = knowledge.function(obj.path)
                        if known is not None and known.changes:
                            self.change_deep(passed, f"calls {short(obj.path)}()")

    def _is_method(self, function: Obj) -> bool:
        return function.module is not None and function.module.kind == "class"

    def _call_methods(self, obj: Obj, passed: Value, node: ast.AST, *, dunder_only: bool) -> None:
        for name, functions in self.methods(obj.bases).items():
            if name in FRESH_EACH_CALL or (dunder_only and not name.startswith(PROTOCOLS)):
                continue
            for function in functions:
                self.call_function(
                    function, Args([frozenset({obj})], {}, passed), node, receiver=obj
                )

    # -- the notebook's own functions and classes ----------------------------------------------

    def call_function(
        self, function: Obj, args: Args, node: ast.AST, receiver: Obj | None = None
    ) -> Value:
        code = function.node
        if not isinstance(code, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return self.call_unknown(args, node, function, "calls an unknown function")
        if is_lazy(code):
            kind = "coroutine" if isinstance(code, ast.AsyncFunctionDef) else "generator"
            made = self.heap.make(kind, self.key(node, function.bit), {function, *args.all})
            made.defaults.update({f"{n}": v for n, v in enumerate(args.positional)})
            made.defaults.update(args.keywords)
            made.defaults["*"] = args.spread
            made.module = function
            return frozenset({made})
        return self.enter(function, code, args, node)

    def resume(self, obj: Obj, node: ast.AST) -> Value:
        """Run the body of a generator or coroutine with the arguments it was made with."""
        function = obj.module
        if function is None or function.node is None:
            return frozenset(obj.inner)
        positional = [
            obj.defaults[str(n)] for n in range(len(obj.defaults)) if str(n) in obj.defaults
        ]
        keywords = {
            name: value
            for name, value in obj.defaults.items()
            if not name.isdigit() and name != "*"
        }
        args = Args(positional, keywords, obj.defaults.get("*", NOTHING))
        value = self.enter(function, function.node, args, node)
        self.heap.hold(obj, value)
        return value

    def enter(self, function: Obj, code: ast.AST, args: Args, node: ast.AST) -> Value:
        """Follow a call into its body."""
        self.spend(node)
        mark = (function, bool(args.spread))
        self.entered[mark] = self.entered.get(mark, 0) + 1
        if self.entered[mark] > (CALLBACKS_FOLLOWED if args.spread else CALLS_FOLLOWED):
            return self._summarise_call(function, code, args, node)
        if function.open:
            self.change([function], "fills the cache of a function")
        active = next((frame for frame in self.frames if frame.node is code), None)
        params = self.parameters_of(function, code, args, node)
        if active is not None:
            return self._recurse(active, params, node)
        frame = Frame(code, function.path or getattr(code, "name", "<lambda>"), params=params)
        outer, context, statement = self.scope, self.context, self.statement
        self.frames.append(frame)
        self.context = (*context, id(node), function.bit)
        try:
            with self.uncertain():
                for _ in range(PASSES):
                    frame.changed = False
                    self.scope = self._new_scope(function, code, frame.params)
                    body = code.body if isinstance(code.body, list) else None  # type: ignore[attr-defined]
                    if body is None:
                        frame.returns |= self.evaluate(code.body)  # type: ignore[attr-defined]
                    else:
                        self.run_body(body)
                    if not frame.changed:
                        break
        finally:
            self.frames.pop()
            self.scope, self.context, self.statement = outer, context, statement
        if is_lazy(code) and not isinstance(code, ast.AsyncFunctionDef):
            return frozenset(frame.yields) or self.plain
        return frozenset(frame.returns | frame.yields) or self.none

    def _summarise_call(self, function: Obj, code: ast.AST, args: Args, node: ast.AST) -> Value:
        """Stand in for a call of a function that was followed often enough in this cell.

        Which of the notebook's names it uses is known by now; anything they, its arguments or its
        captured variables reach may have changed, and may be connected.
        """
        touched: set[Obj] = {function, *args.all}
        for name in self.globals_of.get(code, ()):
            touched |= (self.read_user(name) or NOTHING) - {self.heap.unbound}
        made = self.unknown(code, touched, "summary")
        self.change_deep(touched, "calls functions of the notebook many times", assumed=True)
        for obj in touched:
            if not self.leaves_out(obj):
                self.heap.hold(obj, made)
        for name in self.globals_of.get(code, ()):
            if name in self.facts.binds and not name.startswith("@"):
                self.bind_user(name, self.user.names.get(name, NOTHING) | made)
        return made

    def _recurse(self, frame: Frame, params: dict[str, Value], node: ast.AST) -> Value:
        for name, value in params.items():
            if not value <= frame.params.get(name, NOTHING):
                frame.params[name] = frame.params.get(name, NOTHING) | value
                frame.changed = True
        if not frame.returns:
            frame.changed = True
        passed = frozenset().union(*params.values())
        made = self.unknown(node, passed, "recursion")
        return frozenset(frame.returns) | made

    def _new_scope(self, function: Obj, code: ast.AST, params: dict[str, Value]) -> Scope:
        local, global_names, nonlocal_names = declarations(code)
        return Scope(
            parent=function.scope,
            names=dict(params),
            local=local,
            declared_global=global_names,
            declared_nonlocal=nonlocal_names,
        )

    def parameters_of(
        self, function: Obj, code: ast.AST, args: Args, node: ast.AST
    ) -> dict[str, Value]:
        """Bind arguments to parameters, as far as that is known."""
        spec: ast.arguments = code.args  # type: ignore[attr-defined]
        params: dict[str, Value] = {}
        plain = [*spec.posonlyargs, *spec.args]
        for position, argument in enumerate(plain):
            name = argument.arg
            given = NOTHING
            if position < len(args.positional):
                given = args.positional[position]
            given |= args.keywords.get(name, NOTHING) | args.spread
            if not given or args.spread:
                given |= function.defaults.get(name, NOTHING)
            params[name] = given or self.plain
        for argument in spec.kwonlyargs:
            given = args.keywords.get(argument.arg, NOTHING) | args.spread
            if not given or args.spread:
                given |= function.defaults.get(argument.arg, NOTHING)
            params[argument.arg] = given or self.plain
        known = {argument.arg for argument in arguments(spec)}
        if spec.vararg:
            rest = frozenset().union(*args.positional[len(plain) :], args.spread)
            params[spec.vararg.arg] = self.fresh("tuple", node, rest, "varargs")
        if spec.kwarg:
            rest = frozenset().union(
                *(value for name, value in args.keywords.items() if name not in known), args.spread
            )
            params[spec.kwarg.arg] = self.fresh("dict", node, rest, "kwargs")
        return params

    def instantiate(self, cls: Obj, args: Args, node: ast.AST) -> Value:
        """Follow `Class(...)`."""
        kind = "instance"
        if any(base.kind == "external" and base.path in EXCEPTIONS for base in cls.bases):
            kind = "instance"
        obj = self.heap.make(kind, self.key(node, cls.bit))
        obj.bases = (cls,)
        made: Value = frozenset({obj})
        found = made
        for name in ("__new__", "__init__", "__post_init__"):
            for function in self.class_lookup((cls,), name):
                if function.kind != "function":
                    continue
                own = cls if name == "__new__" else obj
                passed = (
                    Args([frozenset({own})]) if name == "__post_init__" else with_self(own, args)
                )
                result = self.call_function(function, passed, node, receiver=obj)
                if name == "__new__":
                    found |= frozenset(item for item in result if item.kind != "none")
        if not self.class_lookup((cls,), "__init__") or self.has_unknown_base((cls,)):
            self.heap.hold(obj, args.all)
            self._set_fields(obj, cls, args)
        for meta in cls.attrs.get("metaclass", ()):
            for function in self.class_lookup((meta,), "__call__"):
                if function.kind == "function":
                    found |= self.call_function(function, with_self(cls, args), node)
        if self.has_unknown_base((cls,)):
            obj.open = True
        return found

    def _set_fields(self, obj: Obj, cls: Obj, args: Args) -> None:
        for name, value in args.keywords.items():
            self.heap.set_attribute(obj, name, value)
        for name in cls.attrs:
            if not name.startswith("__"):
                self.heap.set_attribute(obj, name, frozenset(cls.attrs[name]) | args.all)


SHIPPED_SETTINGS = frozenset(
    {"IPython", "matplotlib", "matplotlib_inline", "numpy", "pandas", "seaborn", "warnings"}
)
"""Libraries whose settings a step passes on to the next."""
CALLS_FOLLOWED = 30
"""A function is followed into at most this many times per cell, then summarised."""
CALLBACKS_FOLLOWED = 2
CALLABLE_BACK = frozenset({"class", "coroutine", "external", "function", "generator", "instance"})
DATA: frozenset[Obj | str] = frozenset(
    {"data", "datum", "frame", "group", "index", "ndarray", "series", "tensor"}
)
"""Kinds that models are fitted to and plots are drawn from: neither changes them."""
ROWS = "<rows>"
"""Under this name an iterator keeps the tuples it gives."""
ADVANCED = frozenset({"buffer", "coroutine", "file", "generator", "instance", "iterator"})
"""Kinds that something which iterates over them later will advance."""
UNHASHABLE = frozenset(
    {"bytearray", "deque", "dict", "estimator", "frame", "list", "ndarray", "series", "set"}
)
TAKES_ANYTHING = frozenset({"dict", "instance", "list", "set", "unknown"})
"""Kinds that an unknown library may make hold other objects."""
ITERABLE = frozenset({"list", "tuple", "set", "dict", "frozenset", "deque", "iterator", "dictview"})
MUTATORS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove"}
    | {"reverse", "setdefault", "sort", "update"}
)
PROTOCOLS = ("__", "_repr_", "_ipython_")
"""How methods begin that operators, printing and displaying call."""
EXCEPTIONS = frozenset({"builtins.Exception", "builtins.ValueError"})
SETTING_VERBS = (
    "set",
    "use",
    "config",
    "enable",
    "disable",
    "init_",
    "register",
    "filter",
    "reset",
    "pandas",
    "seed",
)


def is_setting_name(name: str) -> bool:
    return name.endswith(("_theme", "_style", "_options", "_backend"))


def _bit(obj: Obj) -> int:
    return obj.bit


def with_self(obj: Obj, args: Args) -> Args:
    return Args([frozenset({obj}), *args.positional], args.keywords, args.spread)


def short(path: str) -> str:
    return path.removeprefix("builtins.")


def sum_bits(value: Value) -> int:
    mask = 0
    for obj in value:
        mask |= obj.bit
    return mask


def is_lazy(code: ast.AST) -> bool:
    """Tell whether calling a function only makes a generator or coroutine."""
    if isinstance(code, ast.AsyncFunctionDef):
        return True
    if isinstance(code, ast.Lambda):
        return False
    return has_yield(code)


@lru_cache(maxsize=4096)
def has_yield(code: ast.AST) -> bool:
    todo: list[ast.AST] = list(getattr(code, "body", []))
    while todo:
        item = todo.pop()
        if isinstance(item, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(item))
    return False
