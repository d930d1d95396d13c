"""The order steps run in, and whether it may differ from the order of the cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlplat.compiler.facts import CellFacts
from jupyter_mlplat.compiler.plan import may_be_same
from jupyter_mlplat.compiler.steps import Draft


@dataclass(frozen=True, slots=True)
class Clash:
    """Two cells whose steps run in the other order than the cells, although one needs the other.

    Attributes:
        first, second: The cells, as the notebook orders them.
        names: What they have in common.
        is_cycle: The steps need each other; otherwise one would see the other's later value.
    """

    first: CellFacts
    second: CellFacts
    names: tuple[str, ...]
    is_cycle: bool


def order_steps(drafts: Sequence[Draft]) -> tuple[list[Draft], list[str]]:
    """Sort steps so that each comes after those it names; otherwise by first cell.

    Returns:
        The steps, and the names of those that wait for each other in a circle.
    """
    known = {draft.name for draft in drafts}
    waits = {draft.name: set(draft.after) & known - {draft.name} for draft in drafts}
    left = list(drafts)
    done: list[Draft] = []
    while left:
        ready = next((d for d in left if not waits[d.name] - {item.name for item in done}), None)
        if ready is None:
            return [*done, *left], [draft.name for draft in left]
        done.append(ready)
        left.remove(ready)
    return done, []


def find_clashes(sequence: Sequence[int], facts: Mapping[int, CellFacts]) -> list[Clash]:
    """Return the cells that cannot change places although the steps' order makes them.

    Args:
        sequence: Cell indices in the order of the steps.
        facts: What the cells do when run in notebook order.
    """
    position = {index: place for place, index in enumerate(sequence)}
    ordered = sorted(sequence)
    clashes = []
    for number, early in enumerate(ordered):
        for late in ordered[number + 1 :]:
            if position[late] < position[early]:
                clash = _clash(facts[early], facts[late], facts)
                if clash is not None:
                    clashes.append(clash)
    return clashes


def _clash(first: CellFacts, second: CellFacts, facts: Mapping[int, CellFacts]) -> Clash | None:
    before = _reach_before(second, facts)
    made = set(first.binds) - first.replay_bound
    needed = {name for name in second.reads if name in made}
    needed |= {name for name in second.reads if before.get(name, 0) & first.mutated}
    if needed:
        return Clash(first, second, tuple(sorted(needed)), is_cycle=True)
    rebound = set(second.binds) - second.replay_bound
    spoilt = {name for name in first.reads if name in rebound}
    spoilt |= {name for name in first.reads if first.reach.get(name, 0) & second.mutated}
    spoilt |= made & rebound
    if first.mutated & second.mutated:
        spoilt |= {name for name, mask in before.items() if mask & first.mutated & second.mutated}
    if spoilt:
        return Clash(first, second, tuple(sorted(spoilt)), is_cycle=False)
    for one in first.files:
        for other in second.files:
            if (one.writes or other.writes) and may_be_same(one, other):
                return Clash(first, second, ("@files",), is_cycle=True)
    return None


def _reach_before(cell: CellFacts, facts: Mapping[int, CellFacts]) -> Mapping[str, int]:
    earlier = [index for index in facts if index < cell.index]
    return facts[max(earlier)].reach if earlier else {}
