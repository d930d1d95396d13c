"""Population based training: generations that go on from the checkpoints of the one before.

Source:
    Jaderberg et al., "Population Based Training of Neural Networks" (2017); Katib's `pbt`, whose
    settings these are. There a loser takes a winner's parameters, but goes on from its own
    checkpoint; here, as in the paper, it takes both.
"""

from collections import defaultdict
from random import Random
from typing import Any

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import (
    Answer,
    Exhausted,
    Suggestion,
    Waiting,
    chance,
    draw,
)
from jupyter_mlplat.services.tuning.spaces import Choice, Dimension
from jupyter_mlplat.services.tuning.table import Row, Table

_FACTORS = (0.8, 1.2)


class Population:
    """Each generation has a trial for each member of the one before.

    A trial's label says its `generation`, its `member`, and from which trial's checkpoint it goes
    on: its `parent`. Losers take over a winner's parameters and checkpoint; the others go on from
    their own, with parameters a little changed.
    """

    def __init__(self, problem: Problem, table: Table) -> None:
        settings = problem.settings
        self._problem = problem
        self._size: int = settings["n_population"]
        self._threshold: float = settings["truncation_threshold"]
        self._resample: float | None = settings["resample_probability"]
        self._generations: dict[int, list[Row]] = defaultdict(list)

    def begin(self, earlier: list[Row]) -> None:
        """Checkpoints of other jobs are not ours to go on from."""

    def add(self, row: Row) -> None:
        if "generation" in row.label:
            self._generations[row.label["generation"]].append(row)

    def end(self, row: Row) -> None:
        """A row knows itself how it ended."""

    def ask(self, number: int) -> Answer:
        generation = max(self._generations, default=0)
        members = self._members(generation)
        for member in range(self._size):
            if member not in members:
                return self._member(generation, member, number)
        if any(row.is_open for row in members.values()):
            return Waiting()
        return self._member(generation + 1, 0, number)

    def _members(self, generation: int) -> dict[int, Row]:
        rows = self._generations[generation]
        return {row.label["member"]: row for row in rows if not row.is_killed}

    def _member(self, generation: int, member: int, number: int) -> Answer:
        if generation == 0:
            return Suggestion(draw(self._problem, number), {"generation": 0, "member": member})
        before = self._members(generation - 1)
        ranked = sorted(
            (row for row in before.values() if row.is_complete),
            key=lambda row: (row.loss, row.number),
        )
        if not ranked:
            return Exhausted(f"No trial of generation {generation - 1} succeeded.")
        cut = int(self._threshold * len(ranked))
        winners = ranked[: max(cut, 1)]
        survivors = {row.number for row in ranked[: len(ranked) - cut]}
        survivors.update(row.number for row in winners)
        own, random = before[member], chance(self._problem, number)
        label: dict[str, Any] = {"generation": generation, "member": member}
        if own.number not in survivors:
            parent = random.choice(winners)
            return Suggestion(dict(parent.parameters), {**label, "parent": parent.number})
        parameters = {
            one.name: self._explore(one, own.parameters[one.name], random)
            for one in self._problem.space
        }
        return Suggestion(parameters, {**label, "parent": own.number})

    def _explore(self, dimension: Dimension, value: Any, random: Random) -> Any:
        if self._resample is not None:
            is_drawn = random.random() < self._resample
            return dimension.from_unit(random.random()) if is_drawn else value
        return _perturbed(dimension, value, random)


def _perturbed(dimension: Dimension, value: Any, random: Random) -> Any:
    """Return a value a fifth away, or the next one; within the bounds."""
    is_up = random.random() < 0.5
    if isinstance(dimension, Choice):
        return dimension.value_at(
            (dimension.index_of(value) + (1 if is_up else -1)) % dimension.count
        )
    if dimension.step is None:
        moved = float(value) * _FACTORS[is_up]
        return min(max(moved, dimension.low), dimension.high)
    at = dimension.index_of(value)
    moved = (dimension.low + at * dimension.step) * _FACTORS[is_up]
    there = at if dimension.table else round((moved - dimension.low) / dimension.step)
    if there == at:
        there += 1 if is_up else -1
    return dimension.value_at(min(max(there, 0), dimension.count - 1))
