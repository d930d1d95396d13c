"""CMA-ES: a normal distribution that moves and turns towards the better half of each generation.

Source:
    Hansen, "The CMA Evolution Strategy: A Tutorial" (arXiv:1604.00772); the package `cmaes`, which
    Optuna's sampler has underneath as well.
"""

from typing import Any

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import Answer, Suggestion, chance, draw
from jupyter_mlplat.services.tuning.spaces import Numeric, Parameters
from jupyter_mlplat.services.tuning.table import Row, Table

Vector = NDArray[np.float64]


class CovarianceAdaptation:
    """Searches along the numeric parameters; the others are drawn at random.

    A trial's label says its `generation`; that of the first of a generation also with which trials
    the one before was closed (`closed_with`), so that the same can be told again from the table.
    """

    def __init__(self, problem: Problem, table: Table) -> None:
        self._problem, self._table = problem, table
        self._moved = [one for one in problem.space if isinstance(one, Numeric) and one.count != 1]
        self._has_restarts = problem.settings["restart_strategy"] == "ipop"
        self._generation = 0
        self._members: list[Row] = []
        self._asked = 0
        self._optimizer = self._begun(problem.settings["popsize"], None)

    def begin(self, earlier: list[Row]) -> None:
        """Start from the best point of earlier jobs, if there is one."""
        points = [(row.loss, at) for row in earlier if row.is_complete if (at := self._point(row))]
        if points:
            mean = np.array(min(points, key=lambda pair: pair[0] or 0.0)[1])
            self._optimizer = self._begun(self._problem.settings["popsize"], mean)

    def add(self, row: Row) -> None:
        if row.label.get("generation", 0) > self._generation:
            self._close([self._table.get(number) for number in row.label["closed_with"]])
        if row.number != self._asked:  # made before a restart: chance moves on as it did then
            self._optimizer.ask()
        self._members.append(row)

    def end(self, row: Row) -> None:
        """A row knows itself how it ended."""

    def ask(self, number: int) -> Answer:
        label: dict[str, Any] = {"generation": self._generation}
        ended = [row for row in self._members if row.is_complete and self._point(row)]
        size = self._optimizer.population_size
        if len(ended) >= size:
            self._close(ended[:size])
            label = {
                "generation": self._generation,
                "closed_with": [row.number for row in ended[:size]],
            }
        self._asked = number
        return Suggestion(self._parameters(self._optimizer.ask(), number), label)

    def _close(self, rows: list[Row]) -> None:
        """Tell the optimizer a generation's outcome, and begin the next."""
        self._optimizer.tell([(np.array(self._point(row)), float(row.loss or 0.0)) for row in rows])
        self._generation += 1
        self._members = []
        if self._has_restarts and self._optimizer.should_stop():
            random = chance(self._problem, -self._generation).random
            mean = np.array([random() for _ in self._moved])
            self._optimizer = self._begun(self._optimizer.population_size * 2, mean)

    def _begun(self, size: int | None, mean: Vector | None) -> CMA:
        sigma = self._problem.settings["sigma"] or 1 / 6
        return CMA(
            mean=np.full(len(self._moved), 0.5) if mean is None else mean,
            sigma=sigma,
            bounds=np.array([[0.0, 1.0]] * len(self._moved)),
            seed=(self._problem.seed + self._generation) % 2**32,
            population_size=size,
        )

    def _point(self, row: Row) -> list[float] | None:
        coordinates = self._problem.space.coordinates(row.parameters)
        if coordinates is None:
            return None
        at = dict(zip(self._problem.space.names, coordinates, strict=True))
        return [(at[one.name] - one.start) / (one.end - one.start) for one in self._moved]

    def _parameters(self, point: Vector, number: int) -> Parameters:
        drawn = draw(self._problem, number)
        for one, share in zip(self._moved, point.tolist(), strict=True):
            drawn[one.name] = one.value_of(one.start + share * (one.end - one.start))
        return drawn
