"""Lets what a kernel saw settle what the source of a cell leaves open.

Only what is uncertain gives way. What the source proves stays; what code that cannot be seen may
*read* stays assumed, so that all names are there when it runs, and a run in which it does something
else than it was seen to do is noticed and refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from jupyter_mlplat.compiler.facts import CellFacts
from jupyter_mlplat.compiler.heap import NOTHING, Value
from jupyter_mlplat.compiler.observations import Observation
from jupyter_mlplat.compiler.recorder import Recorder
from jupyter_mlplat.compiler.unseen import UNSEEN


@dataclass(frozen=True, slots=True)
class Before:
    """What the interpreter knew when a cell began."""

    names: Mapping[str, Value]
    replayed: frozenset[str]
    was_opaque: bool


def settle(recorder: Recorder, facts: CellFacts, seen: Observation, before: Before) -> None:
    """Correct a cell's facts and the names after it by what was seen."""
    facts.seen_bound = seen.binds
    _settle_changes(recorder, facts, seen, before)
    if facts.is_opaque:
        _settle_names(recorder, facts, seen, before)
    _settle_sharing(recorder, seen)
    for name in seen.unshippable:
        for obj in recorder.user.names.get(name, NOTHING):
            obj.is_tied = obj.is_tied or bool(obj.bit)


def _settle_changes(
    recorder: Recorder, facts: CellFacts, seen: Observation, before: Before
) -> None:
    """Drop assumed changes of what was seen unchanged; note those that were seen."""

    def reach(names: Iterable[str]) -> int:
        mask = 0
        for name in names:
            mask |= recorder.heap.reach(before.names.get(name, NOTHING))
        return mask

    # One abstract object may stand for several: only what no other name reaches is cleared.
    unchanged = reach(seen.unchanged) & ~reach(before.names.keys() - seen.unchanged)
    changed = reach(seen.mutated)
    for bit, change in list(facts.changes.items()):
        if not change.is_assumed:
            continue
        if bit & unchanged:
            facts.mutated &= ~bit
            del facts.changes[bit]
        elif bit & changed:
            facts.changes[bit] = replace(change, is_assumed=False, is_observed=True)


def _settle_names(recorder: Recorder, facts: CellFacts, seen: Observation, before: Before) -> None:
    """Let code that cannot be seen have bound what it was seen to bind, and nothing else."""
    names = recorder.user.names
    for name in facts.guessed - seen.binds - seen.deletes - recorder.hints.found_changed:
        del facts.binds[name]
        names[name] = before.names[name]
        recorder.replayed |= before.replayed & {name}
    for name in seen.binds:
        facts.binds.setdefault(name, False)
        names.setdefault(name, recorder.opaque_value())
    facts.guessed.clear()
    facts.unknown[:] = [entry for entry in facts.unknown if entry[2] != UNSEEN]
    recorder.was_opaque = before.was_opaque


def _settle_sharing(recorder: Recorder, seen: Observation) -> None:
    """Part names that might share objects, and were seen not to."""
    names, heap = recorder.user.names, recorder.heap
    vague = [
        name
        for name in sorted(seen.binds & seen.data)
        if any(obj.kind == "unknown" for obj in names.get(name, NOTHING))
    ]
    parted = {name: heap.make("unknown", (heap.cell, "seen", name)) for name in vague}
    for number, group in enumerate(seen.groups):
        members = group & parted.keys()
        if not members:
            continue
        common = (
            {heap.make("unknown", (heap.cell, "shared", number))} if len(members) > 1 else set()
        )
        for name in group - members:
            common |= names.get(name, NOTHING) - {heap.unbound}
        for name in members:
            heap.hold(parted[name], common)
    for name, obj in parted.items():
        names[name] = frozenset({obj}) | (names[name] & {heap.unbound})
