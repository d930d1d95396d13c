"""Curves as a screen needs them: as many points as it has columns, peaks and all.

A curve of a hundred thousand points is read once and grown by what was logged since; what is
answered is the first and last point and, of each stretch between, the lowest and the highest.
"""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from math import isfinite
from operator import itemgetter

from jupyter_mlplat.kit.clock import from_unix
from jupyter_mlplat.ports.metadata import MetadataStore, PointRow
from jupyter_mlplat.resources.run import Metric

_KEPT_POINTS = 2_000_000  # 48 MB: then the runs nobody has looked at for longest are let go
_NO_POSITION = -(2**63)


@dataclass(slots=True)
class Curve:
    """The values of one name that one step has logged, in their order."""

    values: "array[float]" = field(default_factory=lambda: array("d"))
    times: "array[float]" = field(default_factory=lambda: array("d"))
    positions: "array[int]" = field(default_factory=lambda: array("q"))

    def extend(self, rows: Sequence[PointRow]) -> None:
        """Take in points as the store has them; those that cannot be drawn are left out."""
        drawn = [row for row in rows if row[3] is not None and isfinite(row[3])]
        self.values.extend([row[3] or 0.0 for row in drawn])
        self.positions.extend([_NO_POSITION if row[4] is None else row[4] for row in drawn])
        self.times.extend([row[5] for row in drawn])

    def sample(self, points: int) -> list[int]:
        """Return which points to draw, at most so many: the ends, and each stretch's extremes."""
        count = len(self.values)
        if count <= points:
            return list(range(count))
        return [0, *self._extremes(1, count - 1, (points - 2) // 2), count - 1]

    def _extremes(self, first: int, end: int, stretches: int) -> Iterator[int]:
        values = self.values
        bounds = [first + (end - first) * number // stretches for number in range(stretches + 1)]
        for start, stop in pairwise(bounds):
            stretch = values[start:stop]
            low, high = stretch.index(min(stretch)), stretch.index(max(stretch))
            yield start + min(low, high)
            if low != high:
                yield start + max(low, high)


@dataclass(slots=True)
class _RunCurves:
    """All curves of a run, as far as they have been read."""

    last: int = 0  # key of the newest point
    count: int = 0  # points read, those that cannot be drawn as well
    curves: dict[tuple[str, str], Curve] = field(default_factory=dict)


class Curves:
    """Answers with curves, from any thread.

    Args:
        store: Where all points are.
    """

    def __init__(self, store: MetadataStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, _RunCurves] = OrderedDict()

    def of(self, run: str, name: str | None, points: int) -> tuple[Sequence[Metric], int]:
        """Return the curves of a run, each of at most so many points; and how many there are.

        Args:
            run: Its id.
            name: Only the metric of this name.
            points: At least 4.
        """
        with self._lock:
            known = self._current(run)
            wanted = {
                (step, label): curve
                for (step, label), curve in known.curves.items()
                if name is None or label == name
            }
            total = sum(len(curve.values) for curve in wanted.values())
            return [
                _metric(step, label, curve, index)
                for (step, label), curve in wanted.items()
                for index in curve.sample(points)
            ], total

    def _current(self, run: str) -> _RunCurves:
        known = self._runs.pop(run, None) or _RunCurves()
        count, rows = self._store.points_after(run, known.last)
        if count != known.count + len(rows):  # a step has begun anew
            known = _RunCurves()
            count, rows = self._store.points_after(run, 0)
        for named, points in groupby(rows, itemgetter(1, 2)):  # nearly always long stretches
            known.curves.setdefault(named, Curve()).extend(list(points))
        known.last = rows[-1][0] if rows else known.last
        known.count = count
        self._runs[run] = known
        while len(self._runs) > 1 and sum(it.count for it in self._runs.values()) > _KEPT_POINTS:
            self._runs.popitem(last=False)
        return known


def _metric(step: str, name: str, curve: Curve, index: int) -> Metric:
    position = curve.positions[index]
    return Metric.model_construct(
        name=name,
        value=curve.values[index],
        step=step,
        position=None if position == _NO_POSITION else position,
        logged_at=from_unix(curve.times[index]),
    )
