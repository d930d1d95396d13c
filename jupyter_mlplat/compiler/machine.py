"""The interpreter: runs a notebook's cells abstractly, in order, and reports on each."""

import ast

from jupyter_mlplat.compiler import callbacks, dynamic, ends, magics, replaying, unseen
from jupyter_mlplat.compiler.facts import CellFacts, Change, Use
from jupyter_mlplat.compiler.heap import NOTHING
from jupyter_mlplat.compiler.hints import Hints, Trace
from jupyter_mlplat.compiler.normalise import (
    OWN_SCOPE,
    CellMagic,
    Normalised,
    normalise,
)
from jupyter_mlplat.compiler.recorder import ALL_WORK, FUEL, WORK, GaveUp
from jupyter_mlplat.compiler.replaying import _is_docstring
from jupyter_mlplat.compiler.settling import Before, settle
from jupyter_mlplat.compiler.statements import Statements


class Machine(Statements):
    """Interprets cells; one machine per notebook.

    Args:
        sources: Source text of the local modules, by dotted name.
    """

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
        self.looked_into = set()
        state = self.user.snapshot()
        self._before = Before(state[0], frozenset(self.replayed), self.was_opaque)
        try:
            self._read_found()
            self._run(normal)
            self._change_found()
            self._tie_found()
        except (GaveUp, RecursionError) as error:
            self.user.restore(state)
            self.frames, self.context, self.scope, self.loading = [], (), self.user, []
            reason = str(error) if isinstance(error, GaveUp) else "its code is nested too deeply"
            self._give_up(reason)
        self._close(facts)
        return facts

    def _read_found(self) -> None:
        """Let the cell read what runs have shown it to read: what it changes, too."""
        for name in sorted(self.hints.found_read | self.hints.found_changed):
            if name in self.user.names and not name.startswith("@"):
                self.read_user(name)

    def _change_found(self) -> None:
        """Make a new version of what runs have shown it to change, whatever it is taken for."""
        for name in sorted(self.hints.found_changed):
            value = self._before.names.get(name, NOTHING) - {self.heap.unbound}
            if not value:
                continue
            if not name.startswith("@"):
                made = self.opaque_value()
                self.heap.hold(next(iter(made)), value)
                self.user.names[name] = self.user.names.get(name, NOTHING) | made
                value |= made
            else:
                self.read_user(name)
            for obj in self.heap.of_mask(self.heap.reach(value)):
                if not self.facts.mutated & obj.bit:
                    self.facts.mutated |= obj.bit
                    self.facts.changes[obj.bit] = Change(0, "", False, is_observed=True)

    def _tie_found(self) -> None:
        """Tie to their process what runs have shown to be tied, whatever it is taken for."""
        for name in sorted(self.hints.found_tied & self.user.names.keys()):
            for obj in self._before.names.get(name, NOTHING):
                obj.is_tied = obj.is_tied or bool(obj.bit)
            made = self.heap.make("tied", (self.heap.cell, name))
            made.is_tied = True
            self.user.names[name] |= frozenset({made})
            self.facts.mutated |= made.bit

    def _give_up(self, reason: str) -> None:
        for name in declared_names(self._tree):
            self.bind_user(name, self.opaque_value())
            self.user.names[name] |= frozenset({self.heap.unbound})
        unseen.run_unknown(self, f"a cell that is too complex to follow ({reason})", ast.Pass())

    _before = Before({}, frozenset(), was_opaque=False)
    _tree: ast.Module | None = None
    replayed_before: frozenset[str] = frozenset()

    def _tie_attributes(self) -> None:
        """Keep a dict of attributes with its owner, unless both have names of their own."""
        named = frozenset().union(*self.user.names.values())
        for made in self.attribute_dicts:
            owner = next(iter(made.defaults["owner"]))
            holders = (obj for obj in self.heap.objects if made in obj.inner)
            is_kept = any(obj.kind in HOLDERS for obj in holders)
            made.is_tied |= is_kept or (made in named and owner not in named)

    def _close(self, facts: CellFacts) -> None:
        unbound = self.heap.unbound
        if self.attribute_dicts:
            self._tie_attributes()
        if self.hints.may_fail:
            self.user.sure = set()
            self.user.join((dict(self._before.names), set()), frozenset({unbound}))
        if self.hints.observed is not None:
            settle(self, facts, self.hints.observed, self._before)
        for name in facts.binds:
            facts.binds[name] = name in self.user.sure
        for name in ("@env", "@cwd", "@modules", "@patch"):
            if self.changed_before & self.channels[name].bit:
                facts.reads.setdefault(name, Use(0))
        self.changed_before |= facts.mutated
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
            dynamic.run_own_scope(self, normal.tree, normal.tree)
            return
        for statement in normal.tree.body:
            self._run_top(statement, is_last=statement is normal.tree.body[-1])
        if self.finalised:
            ends.follow_ends(self, normal.tree)
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
        for obj in sorted(self.heap.within(self._last_value), key=lambda item: item.bit):
            if obj.kind == "instance":
                self.use_instance(obj)
                callbacks.call_methods(self, obj, self.plain, node, dunder_only=True)
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
        if self.hints.is_shared or (is_pure and replaying.is_replayable(self, node, trace)):
            replaying.replay(self, node, trace)
        else:
            replaying.settle(self, trace)

    def _run_magic_around(self, magic: CellMagic, normal: Normalised) -> None:
        self.facts.has_effects = True
        magics.run_cell_magic(self, magic.name, magic.line, normal.body, ast.Pass())


HOLDERS = frozenset({"deque", "dict", "instance", "list", "namespace", "set", "tuple"})


def declared_names(tree: ast.Module | None) -> set[str]:
    """Return the names a cell's statements may bind, without following them."""
    from jupyter_mlplat.compiler.scope import bound_by, walk_scope

    if tree is None:
        return set()
    return {
        name for statement in tree.body for item in walk_scope(statement) for name in bound_by(item)
    }


__all__ = ["Change", "Machine", "normalise"]
