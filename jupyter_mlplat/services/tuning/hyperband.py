"""Hyperband: many trials with little of a resource, and more of it for the best of each rung.

Source:
    Li et al., "Hyperband" (2018); the settings and sizes of Katib's `hyperband`.
"""

import math
from collections import defaultdict

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import Answer, Exhausted, Suggestion, Waiting, draw
from jupyter_mlplat.services.tuning.spaces import Numeric
from jupyter_mlplat.services.tuning.table import Row, Table


class Hyperband:
    """Brackets, one after the other, each of rungs; the next bracket begins while a rung ends.

    A trial's label says its `bracket`, `rung`, `resource`, and from which trial it was promoted:
    its `parent`, from whose checkpoint it may go on.
    """

    def __init__(self, problem: Problem, table: Table) -> None:
        settings = problem.settings
        self._problem = problem
        self._most: float = settings["r_l"]
        self._eta: float = settings["eta"]
        self._resource: str = settings["resource_name"]
        self._last = int(math.log(self._most) / math.log(self._eta) + 1e-9)
        self._rungs: dict[tuple[int, int], list[Row]] = defaultdict(list)

    def begin(self, earlier: list[Row]) -> None:
        """Trials of other jobs had other resources; they are not compared with ours."""

    def add(self, row: Row) -> None:
        if "bracket" in row.label:
            self._rungs[row.label["bracket"], row.label["rung"]].append(row)

    def end(self, row: Row) -> None:
        """A row knows itself how it ended."""

    def ask(self, number: int) -> Answer:
        is_waiting = False
        for bracket in range(self._last, -1, -1):
            answer = self._ask(bracket, number)
            if isinstance(answer, Suggestion):
                return answer
            is_waiting = is_waiting or isinstance(answer, Waiting)
        if is_waiting:
            return Waiting()
        return Exhausted(f"Hyperband has run all its {self._last + 1} brackets.")

    def _ask(self, bracket: int, number: int) -> Answer | None:
        """Return the next trial of a bracket, None if it is done."""
        size = math.ceil((self._last + 1) * self._eta**bracket / (bracket + 1))
        rung = self._rung(bracket, 0)
        if len(rung) < size:
            return self._suggestion(draw(self._problem, number), bracket, 0)
        for level in range(1, bracket + 1):
            if any(row.is_open for row in rung):
                return Waiting()
            best = sorted(
                (row for row in rung if row.is_complete), key=lambda row: (row.loss, row.number)
            )[: math.ceil(len(rung) / self._eta)]
            rung = self._rung(bracket, level)
            promoted = {row.label.get("parent") for row in rung}
            for parent in best:
                if parent.number not in promoted:
                    return self._suggestion(dict(parent.parameters), bracket, level, parent.number)
        return Waiting() if any(row.is_open for row in rung) else None

    def _rung(self, bracket: int, level: int) -> list[Row]:
        return [row for row in self._rungs[bracket, level] if not row.is_killed]

    def _suggestion(
        self, parameters: dict[str, object], bracket: int, level: int, parent: int | None = None
    ) -> Suggestion:
        amount = self._most * self._eta ** (level - bracket)
        dimension = next(one for one in self._problem.space if one.name == self._resource)
        is_whole = not isinstance(dimension, Numeric) or dimension.is_int
        if isinstance(dimension, Numeric) and dimension.table:  # an int whose bounds are one
            is_whole = all(isinstance(value, int) for value in dimension.table)
        resource = max(1, int(amount + 1e-9)) if is_whole else amount
        label: dict[str, object] = {"bracket": bracket, "rung": level, "resource": resource}
        if parent is not None:
            label["parent"] = parent
        return Suggestion({**parameters, self._resource: resource}, label)
