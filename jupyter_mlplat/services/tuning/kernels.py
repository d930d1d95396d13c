"""Mixtures of kernels over parameters: what Parzen estimators draw from and compare.

A mixture has one kernel for each observation, cut off at the bounds, and a last one, the prior's.

Source:
    Bandwidths and their clip are those of `optuna/samplers/_tpe/parzen_estimator.py` 5.0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jupyter_mlplat.services.tuning.normal import REACH, Floats, cdf, quantile
from jupyter_mlplat.services.tuning.spaces import Choice, Numeric

Integers = NDArray[np.intp]
_TINY = 1e-300
_FARTHEST = 700.0  # exp is slow where it underflows; the prior is far larger there
_SQRT_HALF = math.sqrt(0.5)


class Axes:
    """The numeric parameters, side by side: arrays here have a row for each."""

    def __init__(self, dimensions: Sequence[Numeric]) -> None:
        self.dimensions = tuple(dimensions)
        self.start = np.array([[one.start] for one in dimensions])
        self.end = np.array([[one.end] for one in dimensions])
        self.mean = np.array([[one.mean] for one in dimensions])
        self.deviation = np.array([[one.deviation] for one in dimensions])

    def kernels(self, at: Floats) -> "Kernels":
        """Put a kernel on each observation: as wide as the larger gap to its neighbours."""
        rows, size = at.shape
        order = np.argsort(at, axis=1)
        edged = np.empty((rows, size + 2))
        edged[:, :1], edged[:, -1:] = self.start, self.end
        edged[:, 1:-1] = at[np.arange(rows)[:, None], order]
        gaps = edged[:, 1:] - edged[:, :-1]
        widths = np.maximum(gaps[:, :-1], gaps[:, 1:])
        if size >= 2:  # the bounds are no neighbours
            widths[:, 0], widths[:, -1] = gaps[:, 1], gaps[:, -2]
        span = self.end - self.start
        np.maximum(widths, span / min(100.0, size + 2.0), out=widths)
        np.minimum(widths, span, out=widths)
        mean, deviation = np.empty((rows, size + 1)), np.empty((rows, size + 1))
        mean[:, :-1], mean[:, -1:] = at, self.mean
        deviation[np.arange(rows)[:, None], order] = widths
        deviation[:, -1:] = self.deviation
        return Kernels(self, mean, deviation, self._mass(mean, deviation), order)

    def _mass(self, mean: Floats, deviation: Floats) -> Floats:
        """Return how much of each kernel lies within the bounds; all, of those far from them."""
        low, high = (self.start - mean) / deviation, (self.end - mean) / deviation
        mass = np.ones_like(mean)
        near = (low > -REACH) | (high < REACH)
        mass[near] = cdf(high[near]) - cdf(low[near])
        return mass


@dataclass(frozen=True, slots=True)
class Kernels:
    """The kernels of all numeric parameters; `order` sorts each row, but for the prior."""

    axes: Axes
    mean: Floats
    deviation: Floats
    mass: Floats
    order: Integers

    def sample(self, picked: Integers, units: Floats) -> Floats:
        """Draw one coordinate from each picked kernel, on the nearest value there is."""
        axes, rows = self.axes, np.arange(len(self.mean))[:, None]
        mean, deviation = self.mean[rows, picked], self.deviation[rows, picked]
        below = cdf((axes.start - mean) / deviation)
        drawn = mean + deviation * quantile(below + units * self.mass[rows, picked])
        np.maximum(drawn, axes.start, out=drawn)
        np.minimum(drawn, axes.end, out=drawn)
        for row, one in zip(drawn, axes.dimensions, strict=True):
            if one.step is not None:
                values = np.exp(row) if one.is_log else row
                index = np.rint((values - one.low) / one.step)
                values = one.low + np.minimum(np.maximum(index, 0), one.count - 1) * one.step
                row[:] = np.log(values) if one.is_log else values
        return drawn

    def density(self, row: int, at: Floats, weights: Floats) -> Floats:
        """Return one parameter's density (of one with steps: probability) at coordinates.

        But for a factor that is the same for all mixtures.
        """
        shares = weights / self.mass[row]
        if self.axes.dimensions[row].step is None:
            inverse = 1 / self.deviation[row]
            shares *= inverse
            found: Floats = np.exp(self._exponents(row, at, inverse)) @ shares
            return found
        kernels, groups = self._distinct(row)
        points, back = np.unique(at, return_inverse=True)
        totals = np.bincount(groups, weights=shares, minlength=len(kernels))
        steps: Floats = (self._cells(row, points, kernels) @ totals)[back]
        return steps

    def add_logs(self, row: int, at: Floats, logs: Floats) -> None:
        """Add the log density of each kernel at each coordinate, shape (coordinates, kernels)."""
        if self.axes.dimensions[row].step is None:
            logs += self._exponents(row, at, 1 / self.deviation[row])
            logs -= np.log(self.deviation[row] * self.mass[row])
            return
        kernels, groups = self._distinct(row)
        points, back = np.unique(at, return_inverse=True)
        shares = self._cells(row, points, kernels) / self.mass[row, kernels]
        logs += np.log(np.maximum(shares, _TINY)).take(groups, axis=1)[back]

    def _exponents(self, row: int, at: Floats, inverse: Floats) -> Floats:
        z: Floats = at[:, None] - self.mean[row]
        z *= inverse * _SQRT_HALF
        np.multiply(z, z, out=z)
        np.minimum(z, _FARTHEST, out=z)
        np.negative(z, out=z)
        return z

    def _distinct(self, row: int) -> tuple[Integers, Integers]:
        """Return one kernel of each kind, and of which kind each is; equal ones are neighbours."""
        order = np.append(self.order[row], self.order.shape[1])
        mean, deviation = self.mean[row, order], self.deviation[row, order]
        is_new = np.empty(len(order), dtype=bool)
        is_new[0] = True
        is_new[1:] = (mean[1:] != mean[:-1]) | (deviation[1:] != deviation[:-1])
        groups = np.empty(len(order), dtype=np.intp)
        groups[order] = np.cumsum(is_new) - 1
        return order[is_new], groups

    def _cells(self, row: int, points: Floats, kernels: Integers) -> Floats:
        """Return how much of each kernel lies in the cell around each point."""
        one = self.axes.dimensions[row]
        half = (one.step or 0.0) / 2
        if one.is_log:
            values = np.exp(points)
            edges = np.log(np.maximum([values - half, values + half], math.exp(one.start)))
        else:
            edges = np.array([points - half, points + half])
        z = (edges[:, :, None] - self.mean[row, kernels]) / self.deviation[row, kernels]
        low, high = cdf(z)
        cells: Floats = high - low
        return cells


@dataclass(frozen=True, slots=True)
class Shares:
    """The kernels of one categorical parameter: nearly all of each on what was seen."""

    count: int
    seen: Integers
    prior: float

    @classmethod
    def around(cls, dimension: Choice, at: Floats, prior_weight: float) -> "Shares":
        """Put a kernel on each observation; the prior has the same share of each category."""
        return cls(dimension.count, at.astype(np.intp), prior_weight / (len(at) + 1))

    @property
    def _total(self) -> float:
        return 1 + self.count * self.prior

    def sample(self, picked: Integers, units: Floats) -> Floats:
        """Draw one category from each picked kernel."""
        any_of_all = np.minimum((units * self.count).astype(np.intp), self.count - 1)
        if not len(self.seen):
            return any_of_all.astype(np.float64)
        # The lowest part of the unit draws from all categories alike, the rest is what was seen.
        spread = self.count * self.prior / self._total
        rest = np.minimum((units / spread * self.count).astype(np.intp), self.count - 1)
        own = self.seen[np.minimum(picked, len(self.seen) - 1)]
        drawn = np.where(picked == len(self.seen), any_of_all, np.where(units < spread, rest, own))
        return drawn.astype(np.float64)

    def density(self, at: Floats, weights: Floats) -> Floats:
        """Return the mixture's probability of each category."""
        mixed = np.bincount(self.seen, weights=weights[:-1], minlength=self.count) / self._total
        mixed += weights[:-1].sum() * self.prior / self._total + weights[-1] / self.count
        found: Floats = mixed[at.astype(np.intp)]
        return found

    def add_logs(self, at: Floats, logs: Floats) -> None:
        """Add the log probability of each kernel for each category, shape (categories, kernels)."""
        table = np.full((self.count, len(self.seen) + 1), math.log(self.prior / self._total))
        table[self.seen, np.arange(len(self.seen))] = math.log((1 + self.prior) / self._total)
        table[:, -1] = -math.log(self.count)
        logs += table[at.astype(np.intp)]
