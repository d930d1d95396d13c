"""From what cells do to what steps need: inputs, outputs, preludes, order.

A name's version is the last step that rebinds it or may change anything it reaches. Steps are
planned from the last to the first: what a step reads is asked of the steps that hold the versions
meant, and names that share an object which matters are asked of one and the same step, which then
has to carry all of them; this may give it inputs of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from posixpath import isabs, normpath

from jupyter_mlplat.compiler.facts import CellFacts, FileUse, Use
from jupyter_mlplat.compiler.heap import UNSHIPPABLE, Heap

PARAMETER = -1
"""Stands for the step number of values that the run itself brings along."""
REPLAYED = -2
"""Stands for the step number of names that a step's prelude binds."""

SHOWN = frozenset({"axes", "buffer", "figure", "grid", "logger"})
"""Kinds that are passed on where they are read, but not kept just for being looked at."""


@dataclass(slots=True)
class StepPlan:
    """One step as planned so far.

    Attributes:
        inputs: Name to the number of the step that holds the version meant.
        optional: Inputs that may be unbound there.
        reads: What its cells read from before the step, with the cell that does.
        outputs: Names that later steps load.
        kept: Names whose final values are kept if that can be done.
        order: Earlier steps that must end first although no value passes, and the channel.
    """

    cells: list[CellFacts]
    reads: dict[str, tuple[CellFacts, Use]] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    mutated: int = 0
    identity: int = 0
    inputs: dict[str, int] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    order: dict[int, tuple[CellFacts, CellFacts, str]] = field(default_factory=dict)
    carried: set[str] = field(default_factory=set)
    is_opaque: bool = False

    @property
    def reach(self) -> dict[str, int]:
        return self.cells[-1].reach


@dataclass(frozen=True, slots=True)
class Fusion:
    """Steps that must be one because a value between them cannot be shipped."""

    first: int
    last: int
    name: str
    kind: str
    made_in: str
    read_in: str


def plan(
    groups: Sequence[Sequence[CellFacts]], heap: Heap, parameters: frozenset[str]
) -> tuple[list[StepPlan], list[Fusion]]:
    """Plan steps made of these cells, in this order.

    Returns:
        The plan, and the fusions it needs first; where there are any, the plan is of no use.
    """
    return Planner(groups, heap, parameters).run()


def widest(fusions: Sequence[Fusion]) -> list[Fusion]:
    """Return fusions that do not overlap, last first; the rest shows when planning again."""
    found: list[Fusion] = []
    for fusion in sorted(fusions, key=lambda item: (-item.last, item.first)):
        if not found or fusion.last < found[-1].first:
            found.append(fusion)
    return found


class Planner:
    """Plans one grouping of cells."""

    def __init__(
        self, groups: Sequence[Sequence[CellFacts]], heap: Heap, parameters: frozenset[str]
    ) -> None:
        self.heap = heap
        self.parameters = parameters
        self.steps = [_summarise(list(cells)) for cells in groups]
        self.versions: list[dict[str, int]] = []
        """For each step, the version of each name as it begins."""
        self.final: dict[str, int] = {}
        self.fusions: list[Fusion] = []
        self.unshippable = self._unshippable()
        self.shown = _mask(obj.bit for obj in heap.objects if obj.kind in SHOWN)
        self.by_identity = _mask(
            obj.bit for obj in heap.objects if obj.kind in ("instance", "unknown")
        )

    def run(self) -> tuple[list[StepPlan], list[Fusion]]:
        self._number_versions()
        self._fuse_history()
        demanded: list[set[str]] = [set() for _ in self.steps]
        soft: list[set[str]] = [set() for _ in self.steps]
        self._demand_final_values(soft)
        matters = 0
        for number in range(len(self.steps) - 1, -1, -1):
            step = self.steps[number]
            matters |= step.mutated | step.identity
            needed = self._needs(number, demanded[number], soft[number])
            for name in needed.hard | needed.soft:
                self._ask(number, name, needed)
            for cluster in self._clusters(number, needed.hard | needed.soft, matters):
                self._provide(number, cluster, needed, demanded, soft)
        self._order_files()
        return self.steps, self.fusions

    # -- versions ------------------------------------------------------------------------------

    def _number_versions(self) -> None:
        current: dict[str, int] = dict.fromkeys(self.parameters, PARAMETER)
        opaque: int | None = None
        for number, step in enumerate(self.steps):
            if opaque is not None:
                for name in step.reads:
                    if name not in current and not name.startswith("@"):
                        current[name] = opaque
            self.versions.append(dict(current))
            for cell in step.cells:
                for name in cell.binds:
                    current[name] = REPLAYED if name in cell.replay_bound else number
            for name, mask in step.reach.items():
                if mask & step.mutated:
                    current[name] = number
            if step.is_opaque:
                opaque = number
        self.final = current

    def _demand_final_values(self, soft: list[set[str]]) -> None:
        """What the notebook's names hold in the end is kept, as far as it can be."""
        reach = self.steps[-1].reach if self.steps else {}
        for name, number in self.final.items():
            if number < 0 or name.startswith(("@", "_")) or name not in reach:
                continue
            if not reach[name] & self.unshippable:
                soft[number].add(name)
                if not reach[name] & self.shown:
                    self.steps[number].kept.add(name)

    # -- demands -------------------------------------------------------------------------------

    def _needs(self, number: int, demanded: set[str], soft: set[str]) -> "_Needs":
        step = self.steps[number]
        hard = set(step.reads)
        hard |= {name for name in demanded if name not in step.sure}
        softly = {name for name in soft if name not in step.sure | step.maybe} - hard
        return _Needs(hard, softly)

    def _ask(self, number: int, name: str, needed: "_Needs") -> None:
        step = self.steps[number]
        if name not in step.reads:
            step.carried.add(name)

    def _clusters(self, number: int, names: set[str], matters: int) -> list[set[str]]:
        """Group names that may share an object whose sharing can be noticed from here on."""
        before = self.steps[number - 1].reach if number else {}
        relevant = matters | self.by_identity
        groups: list[tuple[int, set[str]]] = []
        for name in sorted(names):
            if self.versions[number].get(name, PARAMETER) < 0:
                continue
            mask = before.get(name, 0) & relevant
            members = {name}
            rest = []
            for other, found in groups:
                if other & mask:
                    mask |= other
                    members |= found
                else:
                    rest.append((other, found))
            groups = [*rest, (mask, members)]
        alone = [{name} for name in names if self.versions[number].get(name) == PARAMETER]
        return [members for _, members in groups] + alone

    def _provide(
        self,
        number: int,
        cluster: set[str],
        needed: "_Needs",
        demanded: list[set[str]],
        soft: list[set[str]],
    ) -> None:
        step = self.steps[number]
        known = {name: self.versions[number].get(name) for name in cluster}
        found = [version for version in known.values() if version not in (None, REPLAYED)]
        if not found:
            return
        provider = max(version for version in found if version is not None)
        if provider == PARAMETER:
            step.parameters |= {name for name in cluster if known[name] == PARAMETER}
            return
        for name in sorted(cluster):
            if known[name] in (None, REPLAYED):
                continue
            if self._must_fuse(number, provider, name, name in needed.hard):
                continue
            step.inputs[name] = provider
            self.steps[provider].outputs.add(name)
            (demanded if name in needed.hard else soft)[provider].add(name)
            if self._may_be_unbound(number, name):
                step.optional.add(name)

    def _may_be_unbound(self, number: int, name: str) -> bool:
        if name.startswith("@"):
            return True
        env = self.steps[number - 1].cells[-1].env if number else {}
        value = env.get(name)
        return value is None or self.heap.unbound in value

    # -- values that cannot be shipped ---------------------------------------------------------

    def _unshippable(self) -> int:
        mutated = 0
        for step in self.steps:
            mutated |= step.mutated
        mask = 0
        for obj in self.heap.objects:
            if obj.kind in UNSHIPPABLE or obj.is_tied:
                mask |= obj.bit
            elif obj.kind == "module" and obj.bit:
                mask |= self.heap.reach([obj]) & mutated
        return mask

    def _must_fuse(self, number: int, provider: int, name: str, hard: bool) -> bool:
        mask = self.steps[number - 1].reach.get(name, 0) & self.unshippable if number else 0
        if not mask:
            return False
        if hard:
            kind = self.heap.of_mask(mask & -mask)[0].kind
            source = self.steps[provider].cells[-1]
            for cell in self.steps[provider].cells:
                if name in cell.binds or cell.mutated & mask:
                    source = cell
            reader = self.steps[number].reads.get(name, (self.steps[number].cells[0], None))[0]
            self.fusions.append(Fusion(provider, number, name, kind, source.id, reader.id))
        return True

    def _fuse_history(self) -> None:
        for number, step in enumerate(self.steps):
            for cell in step.cells:
                if (cell.from_start or cell.needs_display) and number:
                    first = self.steps[0].cells[0].id
                    self.fusions.append(Fusion(0, number, "Out", "history", first, cell.id))

    # -- order without values ------------------------------------------------------------------

    def _order_files(self) -> None:
        for number, step in enumerate(self.steps):
            for earlier in range(number - 1, -1, -1):
                if earlier in step.inputs.values():
                    continue
                pair = _conflict(self.steps[earlier], step)
                if pair is not None:
                    step.order[earlier] = (*pair, "@files")


@dataclass(slots=True)
class _Needs:
    hard: set[str]
    soft: set[str]


def _summarise(cells: list[CellFacts]) -> StepPlan:
    step = StepPlan(cells)
    for cell in cells:
        for name, use in cell.reads.items():
            if name not in step.sure and name not in step.reads:
                step.reads[name] = (cell, use)
        for name, certain in cell.binds.items():
            if certain:
                step.sure.add(name)
                step.maybe.discard(name)
            elif name not in step.sure:
                step.maybe.add(name)
        step.mutated |= cell.mutated
        step.identity |= cell.identity
        step.is_opaque = step.is_opaque or cell.is_opaque
    return step


def _conflict(first: StepPlan, second: StepPlan) -> tuple[CellFacts, CellFacts] | None:
    for a in first.cells:
        for b in second.cells:
            for one in a.files:
                for other in b.files:
                    if (one.writes or other.writes) and may_be_same(one, other):
                        return a, b
    return None


def may_be_same(one: FileUse, other: FileUse) -> bool:
    """Tell whether two uses may concern the same file, or one a folder of the other."""
    if one.path is None or other.path is None:
        return True
    first, second = normpath(one.path), normpath(other.path)
    if isabs(first) != isabs(second) or any(letter in first + second for letter in "*?[~$"):
        return True
    return (
        first == second or first.startswith(second + "/") or second.startswith(first + "/")
    ) or "." in (first, second)


def _mask(bits: Iterable[int]) -> int:
    mask = 0
    for bit in bits:
        mask |= bit
    return mask
