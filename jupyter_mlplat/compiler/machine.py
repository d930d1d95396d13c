"""The interpreter: runs a notebook's cells abstractly, in order, and reports on each."""

import ast
import re
from collections.abc import Mapping

from jupyter_mlplat.compiler.facts import CellFacts, Change, Replay, Use
from jupyter_mlplat.compiler.heap import IMMUTABLE, NOTHING, Value
from jupyter_mlplat.compiler.normalise import (
    OWN_SCOPE,
    SHELL,
    SHOWS,
    WRITES_FILE,
    CellMagic,
    Normalised,
    normalise,
)
from jupyter_mlplat.compiler.recorder import ALL_WORK, FUEL, WORK, GaveUp, Hints, Trace
from jupyter_mlplat.compiler.statements import Statements


class Machine(Statements):
    """Interprets cells; one machine per notebook.

    Args:
        sources: Source text of the local modules, by dotted name.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        super().__init__(sources)
        self.changed_channels = 0
        self._kept = []

    def run_cell(
        self, index: int, cell_id: str, normal: Normalised, hints: Hints | None = None
    ) -> CellFacts:
        """Interpret one cell and return what it does. Never raises for the sake of user code."""
        self.hints = hints or Hints()
        facts = self.facts = CellFacts(index, cell_id)
        self.heap.cell = index
        self.user.sure = set()
        self.fuel = FUEL
        self.work_limit = min(self.heap.work + WORK, ALL_WORK)
        self.branch = self.guarded = 0
        self.frames, self.context, self.scope = [], (), self.user
        self.statement = None
        self.entered = {}
        state = self.user.snapshot()
        self._before = state[0]
        try:
            self._run(normal)
        except (GaveUp, RecursionError) as error:
            self.user.restore(state)
            self.frames, self.context, self.scope, self.loading = [], (), self.user, []
            reason = str(error) if isinstance(error, GaveUp) else "its code is nested too deeply"
            self._give_up(reason)
        self._close(facts)
        return facts

    def _give_up(self, reason: str) -> None:
        for name in declared_names(self._tree):
            self.bind_user(name, self.opaque_value())
            self.user.names[name] |= frozenset({self.heap.unbound})
        self.run_unknown(f"a cell that is too complex to follow ({reason})", ast.Pass())

    def _use_observation(self, facts: CellFacts) -> None:
        """Let what a kernel saw settle what is only assumed."""
        seen = self.hints.observed
        if seen is None:
            return
        unchanged = 0
        for name in seen.unchanged:
            unchanged |= self.heap.reach(self.user.names.get(name, NOTHING))
        for bit, change in list(facts.changes.items()):
            if change.is_assumed and bit & unchanged:
                facts.mutated &= ~bit
                del facts.changes[bit]
        for name in seen.unshippable:
            for obj in self.user.names.get(name, NOTHING):
                obj.is_tied = obj.is_tied or bool(obj.bit)
        if facts.is_opaque:
            for name in list(facts.binds):
                if name not in seen.binds | seen.deletes:
                    del facts.binds[name]
            for name in seen.binds:
                facts.binds.setdefault(name, False)
                self.user.names.setdefault(name, self.opaque_value())

    _before: dict[str, Value] = {}  # noqa: RUF012  (replaced per cell)
    _tree: ast.Module | None = None
    replayed_before: frozenset[str] = frozenset()

    def _close(self, facts: CellFacts) -> None:
        unbound = self.heap.unbound
        if self.hints.may_fail:
            self.user.sure = set()
            self.user.join((self._before, set()), frozenset({unbound}))
        self._use_observation(facts)
        for name in facts.binds:
            facts.binds[name] = name in self.user.sure
        for name in ("@env", "@cwd", "@modules", "@patch"):
            if self.changed_channels & self.channels[name].bit:
                facts.reads.setdefault(name, Use(0))
        self.changed_channels |= facts.mutated
        facts.replay_bound = self.replayed & facts.binds.keys()
        facts.env = dict(self.user.names)
        masks = self.heap.reach_each(facts.env.values())
        facts.reach = {
            name: masks[value] for name, value in facts.env.items() if value != frozenset({unbound})
        }

    # -- cells ---------------------------------------------------------------------------------

    def _run(self, normal: Normalised) -> None:
        self._tree = normal.tree
        if normal.error is not None:
            return
        scoped = any(magic.name in OWN_SCOPE for magic in normal.magics)
        for magic in normal.magics:
            self._run_magic_around(magic, normal)
        if normal.tree is None:
            return
        if scoped:
            self.facts.has_effects = True
            self.run_own_scope(normal.tree, normal.tree)
            return
        for statement in normal.tree.body:
            self._run_top(statement, is_last=statement is normal.tree.body[-1])
        self._classify(normal)

    def _classify(self, normal: Normalised) -> None:
        body = normal.tree.body if normal.tree is not None else []
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        self.facts.defines_only = bool(body) and all(
            isinstance(item, kinds) or _is_docstring(item) for item in body
        )
        last = body[-1] if body else None
        self.facts.displays = isinstance(last, ast.Expr) and not isinstance(
            last.value, ast.Constant
        )
        self.facts.replays_only = (
            bool(body) and not normal.magics and len(self.facts.replays) == len(body)
        )

    def show(self, node: ast.Expr) -> None:
        """Follow what displaying a cell's last value calls."""
        statement, self.statement = self.statement, None
        fuel = self.fuel
        for obj in self._last_value:
            if obj.kind == "instance":
                self._call_methods(obj, self.plain, node, dunder_only=True)
        self.fuel, self.statement = fuel, statement

    def _run_top(self, node: ast.stmt, *, is_last: bool) -> None:
        """Interpret one statement of a cell, and see whether others can replay it."""
        self.trace = Trace()
        self.replayed_before = frozenset(self.replayed)
        before = (self.facts.mutated, len(self.facts.files), len(self.facts.unknown))
        self.run_statement(node)
        if is_last and isinstance(node, ast.Expr):
            self.show(node)
        trace = self.trace
        after = (self.facts.mutated, len(self.facts.files), len(self.facts.unknown))
        is_pure = before == after and not trace.other
        if self.hints.is_shared or (is_pure and self._is_replayable(node, trace)):
            self._replay(node, trace)
        else:
            self._settle(trace)

    def _is_replayable(self, node: ast.stmt, trace: Trace) -> bool:
        imports = has_import(node)
        if trace.cwd or trace.env:
            return False  # what it does depends on what was set before: the state itself travels
        touches = trace.settings or trace.patches
        deletes = isinstance(node, ast.Delete) and trace.binds <= self.ever_replayed
        if not (imports or touches or deletes):
            return False
        for name in trace.reads - trace.binds:
            if not name.startswith("@") and name not in self.replayed:
                return False
        if deletes:
            return self.replayed_before >= trace.binds
        if not trace.binds:
            return True
        if touches and not imports:
            return False
        return (
            imports
            and all(
                obj.kind in IMMUTABLE or obj.kind in ("external", "module", "unbound", "function")
                for name in trace.binds
                for obj in self.user.names.get(name, NOTHING)
            )
            and not any(
                isinstance(item, ast.FunctionDef | ast.ClassDef | ast.Lambda)
                for item in ast.walk(node)
            )
        )

    def _replay(self, node: ast.stmt, trace: Trace) -> None:
        modules = {
            alias.name.partition(".")[0]
            for item in ast.walk(node)
            if isinstance(item, ast.Import)
            for alias in item.names
        } | {
            (item.module or "").partition(".")[0]
            for item in ast.walk(node)
            if isinstance(item, ast.ImportFrom) and not item.level
        }
        star = any(
            isinstance(item, ast.ImportFrom) and any(alias.name == "*" for alias in item.names)
            for item in ast.walk(node)
        )
        self.facts.replays.append(
            Replay(
                ast.unparse(node),
                frozenset(trace.binds),
                frozenset(name for name in trace.reads if not name.startswith("@")),
                frozenset(modules) - {"__future__"},
                star,
            )
        )
        self.replayed |= trace.binds
        self.ever_replayed |= trace.binds

    def _settle(self, trace: Trace) -> None:
        """Turn state that cannot be replayed into state that is passed on."""
        self.facts.has_effects = True
        if trace.patches:
            self.use_channel("@patch", "changes an imported module")
        for top in sorted(trace.libraries):
            self.change_library(top)
        if trace.settings:
            self.use_channel("@modules", "changes settings kept in modules")
        if trace.env:
            self.use_channel("@env", "changes the environment")
        if trace.cwd:
            self.use_channel("@cwd", "changes the working directory or the module path")

    # -- cell magics ---------------------------------------------------------------------------

    def _run_magic_around(self, magic: CellMagic, normal: Normalised) -> None:
        self.facts.has_effects = True
        self.run_cell_magic(magic.name, magic.line, normal.body, ast.Pass())

    def run_cell_magic(self, name: str, line: str, body: str, node: ast.AST) -> Value:
        self.line = self.line or 1
        self.expand(line)
        match name:
            case "capture":
                for word in line.split():
                    if not word.startswith("-"):
                        made = self.heap.make("unknown", (self.heap.cell, "capture"))
                        self.bind_user(word, frozenset({made}))
            case "time" | "prun" | "memit" | "debug" | "timeit":
                if name == "timeit" and line.strip():
                    self.run_magic("timeit", line, node)
            case _ if name in WRITES_FILE:
                words = [word for word in line.split() if not word.startswith("-")]
                plain = words and not re.search(r"[{$]", words[-1])
                self.use_files(writes=True, path=words[-1] if plain else None)
            case _ if name in SHELL or name == "!":
                self._run_shell_body(name, line, body)
            case _ if name in SHOWS:
                return self.none
            case _:
                return self.run_unknown(f"the cell magic %%{name}", node)
        return self.none

    def _run_shell_body(self, name: str, line: str, body: str) -> None:
        self.run_shell("")
        self.use_channel("@env", "runs a script", changes=False)
        for option in re.findall(r"--(?:out|err|proc)[ =](\w+)", line):
            self.bind_user(option, self.heap.plain("str"))
        if name in ("!", "sx", "system"):
            self.expand(body)


def declared_names(tree: ast.Module | None) -> set[str]:
    """Return the names a cell's statements may bind, without following them."""
    from jupyter_mlplat.compiler.scope import bound_by, walk_scope

    if tree is None:
        return set()
    return {
        name for statement in tree.body for item in walk_scope(statement) for name in bound_by(item)
    }


def is_definition(node: ast.stmt) -> bool:
    """Tell whether a statement only imports, defines a function or binds a literal."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return True
        case ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(value=value):
            return isinstance(value, ast.Constant)
    return has_import(node) or _is_docstring(node)


def has_import(node: ast.stmt) -> bool:
    """Tell whether a statement imports, itself or in a branch."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if not isinstance(node, ast.Try | ast.If | ast.With):
        return False
    return any(isinstance(item, ast.Import | ast.ImportFrom) for item in ast.walk(node))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


__all__ = ["Change", "Machine", "normalise"]
