"""Tree-structured Parzen estimators, as Optuna has them, for each parameter or for all at once.

Of the trials, the best few make one density, the others a second; candidates are drawn from the
first, and the one wins at which the first is largest beside the second. Trials that run count among
the others, so that parallel trials keep apart (the constant liar).

Source:
    Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (2011); Watanabe,
    "Tree-Structured Parzen Estimator" (arXiv:2304.11127). Split and weights are those of
    `optuna/samplers/_tpe/sampler.py` 5.0; the tests compare the densities.
"""

import math
from bisect import insort

import numpy as np

from jupyter_mlplat.services.tuning.kernels import Axes, Integers, Kernels, Shares
from jupyter_mlplat.services.tuning.normal import Floats
from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import Answer, Suggestion, draw
from jupyter_mlplat.services.tuning.spaces import Choice, Numeric, Parameters, Space
from jupyter_mlplat.services.tuning.table import Row, Table

_IGNORED, _OPEN, _ENDED = 0, 1, 2
_FULL_WEIGHT = 25  # of the newest trials; the weight of older ones rises from 1/n to 1
_MOST_BELOW = 25


class Layout:
    """Which rows of an array of points are numeric, which are categories."""

    def __init__(self, space: Space) -> None:
        self.numeric = [at for at, one in enumerate(space) if isinstance(one, Numeric)]
        self.axes = Axes([one for one in space if isinstance(one, Numeric)])
        self.choices = [(at, one) for at, one in enumerate(space) if isinstance(one, Choice)]
        self.width = len(space)


class Mixture:
    """The density that a group of trials makes: points of shape (parameters, trials), by age."""

    def __init__(self, layout: Layout, points: Floats, prior_weight: float) -> None:
        size = points.shape[1]
        self._layout = layout
        self.weights = np.ones(size + 1)
        if size > _FULL_WEIGHT:
            ramp = size - _FULL_WEIGHT
            self.weights[:ramp] = np.linspace(1 / size, 1, ramp)
        self.weights[-1] = prior_weight
        self.weights /= self.weights.sum()
        self._kernels: Kernels | None = None
        if layout.numeric:
            self._kernels = layout.axes.kernels(points[layout.numeric])
        self._shares = [Shares.around(one, points[at], prior_weight) for at, one in layout.choices]

    def sample(self, random: np.random.Generator, count: int, is_joint: bool) -> Floats:
        """Draw points; jointly: all coordinates of one from the kernels of one trial."""
        layout = self._layout
        units = random.random((2, layout.width, count))
        picks = np.searchsorted(np.cumsum(self.weights), units[0], side="right")
        picked: Integers = np.minimum(picks, len(self.weights) - 1)
        if is_joint:
            picked = np.broadcast_to(picked[0], picked.shape)
        drawn = np.empty((layout.width, count))
        if self._kernels:
            rows = layout.numeric
            drawn[rows] = self._kernels.sample(picked[rows], units[1, rows])
        for (at, _), shares in zip(layout.choices, self._shares, strict=True):
            drawn[at] = shares.sample(picked[at], units[1, at])
        return drawn

    def densities(self, points: Floats) -> Floats:
        """Return the density of each parameter by itself, in the shape of the points."""
        found = np.empty_like(points)
        for row, at in enumerate(self._layout.numeric):
            assert self._kernels is not None  # noqa: S101 (there are numeric rows)
            found[at] = self._kernels.density(row, points[at], self.weights)
        for (at, _), shares in zip(self._layout.choices, self._shares, strict=True):
            found[at] = shares.density(points[at], self.weights)
        return found

    def log_density(self, points: Floats) -> Floats:
        """Return the log density of each point as a whole."""
        logs = np.empty((points.shape[1], len(self.weights)))
        logs[:] = np.log(self.weights)
        for row, at in enumerate(self._layout.numeric):
            assert self._kernels is not None  # noqa: S101 (there are numeric rows)
            self._kernels.add_logs(row, points[at], logs)
        for (at, _), shares in zip(self._layout.choices, self._shares, strict=True):
            shares.add_logs(points[at], logs)
        most = logs.max(axis=1)
        logs -= most[:, None]
        found: Floats = np.log(np.exp(logs, out=logs).sum(axis=1)) + most
        return found


class TreeParzen:
    """Suggests by Parzen estimators once enough trials have ended, at random before."""

    def __init__(self, problem: Problem, table: Table) -> None:
        settings = problem.settings
        self._problem = problem
        self._layout = Layout(problem.space)
        self._is_joint = problem.algorithm == "multivariate-tpe"
        self._startup: int = max(settings["n_startup_trials"], 1)
        self._candidates: int = settings["n_ei_candidates"]
        self._gamma: float | None = settings["gamma"]
        self._prior_weight: float = settings["prior_weight"]
        self._is_liar: bool = settings["constant_liar"]
        self._points = np.empty((len(problem.space), 64))
        self._states = np.zeros(64, dtype=np.int8)
        self._size = 0
        self._columns: dict[int, int] = {}
        self._complete: list[tuple[float, int]] = []
        self._stopped: list[tuple[int, float, int]] = []

    def begin(self, earlier: list[Row]) -> None:
        for row in earlier:
            self._take(row)

    def add(self, row: Row) -> None:
        at = self._take(row)
        if at is not None:
            self._columns[row.number] = at

    def end(self, row: Row) -> None:
        at = self._columns.get(row.number)
        if at is not None:
            self._settle(at, row)

    def ask(self, number: int) -> Answer:
        if len(self._complete) + len(self._stopped) < self._startup:
            return Suggestion(draw(self._problem, number))
        best, others = (
            Mixture(self._layout, points, self._prior_weight) for points in self.split()
        )
        random = np.random.Generator(np.random.PCG64((self._problem.seed, number)))
        drawn = best.sample(random, self._candidates, self._is_joint)
        if self._is_joint:
            winner = np.argmax(best.log_density(drawn) - others.log_density(drawn))
            return Suggestion(self._parameters(drawn[:, winner]))
        winners = np.argmax(best.densities(drawn) / others.densities(drawn), axis=1)
        return Suggestion(self._parameters(drawn[np.arange(len(drawn)), winners]))

    def split(self) -> tuple[Floats, Floats]:
        """Return the points of the best and of the other trials, the oldest first."""
        ended = len(self._complete) + len(self._stopped)
        share = 0.1 if self._gamma is None else self._gamma
        size = min(math.ceil(share * ended), _MOST_BELOW)
        best = [at for _, at in self._complete[:size]]
        best += [at for _, _, at in self._stopped[: size - len(best)]]
        best.sort()
        is_other = self._states[: self._size] != _IGNORED
        is_other[best] = False
        points = self._points[:, : self._size]
        return points[:, best], points[:, is_other]

    def _take(self, row: Row) -> int | None:
        coordinates = self._problem.space.coordinates(row.parameters)
        if coordinates is None:  # of an earlier job with another space
            return None
        at, self._size = self._size, self._size + 1
        if at == len(self._states):
            self._points = np.concatenate([self._points, np.empty_like(self._points)], axis=1)
            self._states = np.concatenate([self._states, np.zeros_like(self._states)])
        self._points[:, at] = coordinates
        self._states[at] = _OPEN if self._is_liar else _IGNORED
        if not row.is_open:
            self._settle(at, row)
        return at

    def _settle(self, at: int, row: Row) -> None:
        self._states[at] = _ENDED
        if row.is_complete and row.loss is not None:
            insort(self._complete, (row.loss, at))
        elif row.is_stopped_early:
            position, loss = max(row.reports.items(), default=(-1, 0.0))
            insort(self._stopped, (-position, loss, at))
        else:
            self._states[at] = _IGNORED

    def _parameters(self, point: Floats) -> Parameters:
        return {
            one.name: one.value_of(coordinate)
            if isinstance(one, Numeric)
            else one.value_at(int(coordinate))
            for one, coordinate in zip(self._problem.space, point.tolist(), strict=True)
        }
