"""Bayesian optimisation with scikit-learn's models, by the settings of Katib (scikit-optimize).

A model of the loss over the space says where the next trial may gain most. `gp_hedge` draws one of
the three gains anew for each trial; scikit-optimize weighs them by how they did.
"""

import math
import warnings
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from jupyter_mlplat.services.tuning.normal import Floats
from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.sampling import Answer, Suggestion, draw
from jupyter_mlplat.services.tuning.spaces import Numeric, Parameters, Space
from jupyter_mlplat.services.tuning.table import Row, Table

_SCATTERED = 2000  # candidates over the whole space
_NEAR = 100  # around each of the best few trials
_KEPT = 50  # of those that promise most
_CLIMBED = 3  # candidates that L-BFGS improves
_MOST_TRIALS = 400  # a Gaussian process takes time with their cube: the best half, the newest half
_SLOPE = 1e-6
_XI = 0.01
_KAPPA = 1.96


class Bayesian:
    """Suggests where the model expects most; trials that run count as if they had the best loss."""

    def __init__(self, problem: Problem, table: Table) -> None:
        self._problem = problem
        self._startup: int = problem.settings["n_initial_points"]
        self._rows: list[Row] = []

    def begin(self, earlier: list[Row]) -> None:
        self._rows = list(earlier)

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def end(self, row: Row) -> None:
        """A row knows itself how it ended."""

    def ask(self, number: int) -> Answer:
        problem = self._problem
        points, losses = self._seen()
        if len(losses) < max(self._startup, 2) or len(set(losses)) == 1:
            return Suggestion(draw(problem, number))
        running = [
            self._point(row) for row in self._rows if row.is_open and self._point(row) is not None
        ]
        x = np.array(points + running)
        y = np.array(losses + [min(losses)] * len(running))
        scale = y.std() or 1.0
        y = (y - y.mean()) / scale
        random = np.random.Generator(np.random.PCG64((problem.seed, number)))
        model = _Model(problem.settings["base_estimator"], int(random.integers(2**31)))
        model.fit(x, y)
        gain = _Gain(model, problem.settings["acq_func"], float(y.min()), random)
        candidates = self._candidates(x[np.argsort(y)[:5]], random)
        candidates = candidates[np.argsort(-gain(candidates))[:_KEPT]]
        if problem.settings["acq_optimizer"] != "sampling" and model.is_smooth:
            climbed = [_climb(gain, one) for one in candidates[:_CLIMBED]]
            candidates = np.vstack([climbed, candidates])
        # A point is judged where the space has values: on its steps and categories.
        rounded = np.array([_encode(problem.space, self._decode(one)) for one in candidates])
        tried = {tuple(one) for one in np.round(x, 9).tolist()}
        order = np.argsort(-gain(rounded), kind="stable")
        fresh = [at for at in order if tuple(np.round(rounded[at], 9).tolist()) not in tried]
        return Suggestion(self._decode(candidates[fresh[0] if fresh else order[0]]))

    def _seen(self) -> tuple[list[list[float]], list[float]]:
        rows = [row for row in self._rows if row.is_complete]
        if len(rows) > _MOST_TRIALS:
            half = _MOST_TRIALS // 2
            best = sorted(rows[:-half], key=lambda row: row.loss or 0.0)[:half]
            rows = best + rows[-half:]
        points, losses = [], []
        for row in rows:
            point = self._point(row)
            if point is not None:
                points.append(point)
                losses.append(float(row.loss or 0.0))
        return points, losses

    def _point(self, row: Row) -> list[float] | None:
        if self._problem.space.coordinates(row.parameters) is None:
            return None
        return _encode(self._problem.space, row.parameters)

    def _candidates(self, best: Floats, random: np.random.Generator) -> Floats:
        width = best.shape[1]
        near = np.repeat(best, _NEAR, axis=0)
        near = np.clip(near + random.normal(0, 0.1, near.shape), 0, 1)
        found: Floats = np.vstack([random.random((_SCATTERED, width)), near])
        return found

    def _decode(self, point: Floats) -> Parameters:
        parameters, at = {}, 0
        for one in self._problem.space:
            if isinstance(one, Numeric):
                coordinate = one.start + float(point[at]) * (one.end - one.start)
                parameters[one.name] = one.value_of(coordinate)
                at += 1
            else:
                parameters[one.name] = one.value_at(int(np.argmax(point[at : at + one.count])))
                at += one.count
        return parameters


class _Model:
    """The loss over the unit cube: a mean and a deviation."""

    def __init__(self, kind: str, seed: int) -> None:
        self._kind = kind
        self.is_smooth = kind == "GP"
        self._seed = seed
        self._fitted: Any = None

    def fit(self, x: Floats, y: Floats) -> None:
        if self._kind == "GP":
            kernel = ConstantKernel(1.0, (1e-2, 1e3)) * Matern(
                np.full(x.shape[1], 0.5), (1e-2, 1e2), nu=2.5
            ) + WhiteKernel(1e-3, (1e-8, 1e0))
            self._fitted = GaussianProcessRegressor(
                kernel, n_restarts_optimizer=1, random_state=self._seed
            )
        elif self._kind == "GBRT":
            self._fitted = [
                GradientBoostingRegressor(
                    loss="quantile", alpha=alpha, n_estimators=30, random_state=self._seed
                ).fit(x, y)
                for alpha in (0.16, 0.5, 0.84)
            ]
            return
        else:
            forest = RandomForestRegressor if self._kind == "RF" else ExtraTreesRegressor
            self._fitted = forest(100, min_samples_leaf=3, random_state=self._seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._fitted.fit(x, y)

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        if self._kind == "GP":
            mean, deviation = self._fitted.predict(x, return_std=True)
        elif self._kind == "GBRT":
            low, mean, high = (one.predict(x) for one in self._fitted)
            deviation = (high - low) / 2
        else:
            each = np.array([tree.predict(x) for tree in self._fitted.estimators_])
            mean, deviation = each.mean(axis=0), each.std(axis=0)
        return mean, np.maximum(deviation, 1e-9)


class _Gain:
    """What is made large: the expected gain over the best, or its like."""

    def __init__(self, model: _Model, kind: str, best: float, random: np.random.Generator) -> None:
        self._model, self._best = model, best
        self._kind = str(random.choice(["EI", "LCB", "PI"])) if kind == "gp_hedge" else kind

    def __call__(self, x: Floats) -> Floats:
        mean, deviation = self._model.predict(x)
        if self._kind == "LCB":
            return _KAPPA * deviation - mean
        better = self._best - _XI - mean
        z = better / deviation
        if self._kind == "PI":
            found: Floats = ndtr(z)
            return found
        density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
        gain: Floats = better * ndtr(z) + deviation * density
        return gain


def _climb(gain: _Gain, start: Floats) -> Floats:
    steps = np.vstack([np.zeros(len(start)), _SLOPE * np.eye(len(start))])

    def cost(x: Floats) -> tuple[float, Floats]:
        inside = np.where(x + _SLOPE > 1, -1.0, 1.0)  # no slope is taken across a bound
        values = -gain(x + steps * inside)
        return float(values[0]), (values[1:] - values[0]) / (_SLOPE * inside)

    found = minimize(
        cost,
        start,
        method="L-BFGS-B",
        jac=True,
        bounds=[(0, 1)] * len(start),
        options={"maxiter": 15},
    )
    climbed: Floats = found.x if found.fun <= cost(start)[0] else start
    return climbed


def _encode(space: Space, parameters: Parameters) -> list[float]:
    """Return a point of the unit cube; a category is a corner of its own."""
    point: list[float] = []
    for one in space:
        if isinstance(one, Numeric):
            coordinate = one.coordinate_of(parameters[one.name])
            point.append((coordinate - one.start) / (one.end - one.start))
        else:
            seen = one.index_of(parameters[one.name])
            point += [float(index == seen) for index in range(one.count)]
    return point
