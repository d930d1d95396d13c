"""Imports: installed libraries are names to look up, local modules are read and followed."""

import ast
import sys
from collections.abc import Mapping
from pathlib import PurePosixPath

from jupyter_mlplat.compiler import knowledge, naming, process
from jupyter_mlplat.compiler.heap import Obj, Value
from jupyter_mlplat.compiler.scope import Scope
from jupyter_mlplat.compiler.special import Special


class Imports(Special):
    """Follows import statements."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        super().__init__(sources)
        self._said_exports: dict[str, frozenset[str] | None] = {}  # `__all__` of local modules

    def run_import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.facts.imports.add(alias.name)
            self._await_file(top)
            module = self.load_module(alias.name, node)
            if module.scope is not None:
                process.use_module_state(self, module)
            if alias.asname:
                naming.assign_name(self, alias.asname, frozenset({module}))
            else:
                naming.assign_name(self, top, frozenset({self.load_module(top, node)}))

    def run_import_from(self, node: ast.ImportFrom) -> None:
        if node.level:
            for alias in node.names:
                if alias.name != "*":
                    naming.assign_name(self, alias.asname or alias.name, self.unknown(node))
            return
        name = node.module or ""
        self.facts.imports.add(name)
        self._await_file(name.partition(".")[0])
        if "." not in name:  # a package's member may be a module of its own: pyplot, stats
            self.facts.imports.update(
                f"{name}.{alias.name}" for alias in node.names if alias.name.islower()
            )
        if name == "__future__":
            late = any(alias.name == "annotations" for alias in node.names)
            self.has_late_annotations = self.has_late_annotations or late
            return
        module = self.load_module(name, node)
        if name == "__main__":
            self._import_own(node)
            return
        if module.scope is not None:
            process.use_module_state(self, module)
        for alias in node.names:
            if alias.name == "*":
                self._import_star(module, node)
            else:
                naming.assign_name(
                    self, alias.asname or alias.name, self._member(module, alias.name, node)
                )

    def _import_own(self, node: ast.ImportFrom) -> None:
        """Follow `from __main__ import name`: no replay could find the name."""
        self.trace.other = True
        for alias in node.names:
            if alias.name != "*":
                value = self.load_name_global(alias.name, node)
                naming.assign_name(self, alias.asname or alias.name, value)

    def _await_file(self, top: str) -> None:
        """Keep an import behind the cell that may have written the module."""
        for path in self.written:
            if path is None:
                may_be = top not in INSTALLED
            else:
                may_be = top in PurePosixPath(path).with_suffix("").parts
            if may_be:
                self.written_modules.add(top)
                self.use_files(writes=False, path=path)
                self.trace.other = True

    def _member(self, module: Obj, name: str, node: ast.AST) -> Value:
        if module.scope is None:
            path = f"{module.path}.{name}"
            return self.external(path)
        return self.module_attribute(module, name, node)

    def _import_star(self, module: Obj, node: ast.AST) -> None:
        if module.scope is not None:
            names, said = module.scope.names, self._said_exports.get(module.path)
            for name, value in list(names.items()):
                if name in said if said is not None else not name.startswith("_"):
                    naming.assign_name(self, name, value - {self.heap.unbound})
            return
        exported = STAR_EXPORTS.get(module.path)
        if exported is not None:
            for name in exported.split():
                naming.assign_name(self, name, self.external(f"{module.path}.{name}"))
            return
        self.has_star = True
        self._maybe_rebind_all(node)

    def _maybe_rebind_all(self, node: ast.AST) -> None:
        """A star import may hide names bound before it; which ones cannot be known."""
        if self.scope is not self.user:
            return
        for name, value in list(self.user.names.items()):
            if name.startswith(("@", "_")) or all(
                obj.kind in ("module", "external") for obj in value
            ):
                continue
            self.read_user(name)
            self.facts.binds.setdefault(name, False)
            self.user.names[name] = value | self.unknown(node, (), name)
        self.tick += 1

    def load_module(self, name: str, node: ast.AST) -> Obj:
        known = self.modules.get(name)
        if known is not None:
            if known.scope is not None:
                self.facts.local_modules.add(name)
            return known
        if name not in self.sources:
            (obj,) = self.heap.plain(("module", name))  # type: ignore[arg-type]
            obj.kind, obj.path = "module", name
            self.modules[name] = obj
            return obj
        return self._read_local(name, node)

    def _read_local(self, name: str, node: ast.AST) -> Obj:
        """Follow the source of a local module, once, as importing it does."""
        self.facts.local_modules.add(name)
        obj = self.heap.make("module", ("local", name))
        obj.path = name
        obj.scope = Scope(is_global=True)
        self.modules[name] = obj
        parent, _, leaf = name.rpartition(".")
        if parent:
            owner = self.load_module(parent, node)
            self.heap.set_attribute(owner, leaf, frozenset({obj}))
        try:
            tree = ast.parse(self.sources[name])
        except (SyntaxError, ValueError, RecursionError):
            return obj
        self.keep(tree)
        self._said_exports[name] = _exports(tree)
        outer, frames, context = self.scope, self.frames, self.context
        mutated, changes = self.facts.mutated, dict(self.facts.changes)
        trace, self.trace = self.trace, type(self.trace)()
        self.loading.append(name)
        self.scope, self.frames, self.context = obj.scope, [], (id(tree),)
        try:
            self.run_body(tree.body)
        finally:
            self.loading.pop()
            self.scope, self.frames, self.context = outer, frames, context
            # What importing does to the module's own objects, every import of it does again.
            self.facts.mutated, self.facts.changes = mutated, changes
            self.trace = trace
        for value in obj.scope.names.values():
            self.heap.hold(obj, value)
        for item in self.heap.objects:
            if item.kind in ("function", "class") and item.scope is obj.scope:
                item.module = item.module or obj
        self.heap.epoch += 1
        return obj


def _exports(tree: ast.Module) -> frozenset[str] | None:
    """Read the `__all__` of a module, None where it has none that can be told from its source."""
    for statement in reversed(tree.body):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                return frozenset(ast.literal_eval(statement.value))  # type: ignore[attr-defined]
            except (ValueError, TypeError):
                return None
    return None


INSTALLED = sys.stdlib_module_names | knowledge.LIBRARIES
"""Top-level modules that no notebook writes."""

STAR_EXPORTS = {
    "math": "acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist "
    "e erf erfc exp exp2 expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose "
    "isfinite isinf isnan isqrt lcm ldexp lgamma log log10 log1p log2 modf nan nextafter perm pi "
    "pow prod radians remainder sin sinh sqrt tan tanh tau trunc ulp",
    "typing": "Any Callable ClassVar Dict Final Generic Iterable Iterator List Literal Mapping "
    "NamedTuple Optional Protocol Sequence Set Tuple Type TypeVar TypedDict Union cast overload",
    "collections": "ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque "
    "namedtuple",
    "itertools": "accumulate batched chain combinations combinations_with_replacement compress "
    "count cycle dropwhile filterfalse groupby islice pairwise permutations product repeat starmap "
    "takewhile tee zip_longest",
    "functools": "cache cached_property cmp_to_key lru_cache partial partialmethod reduce "
    "singledispatch singledispatchmethod total_ordering update_wrapper wraps",
    "dataclasses": "asdict astuple dataclass field fields is_dataclass make_dataclass replace",
}
"""What a star import of some modules binds; of others it is not known."""
