"""Curves as a screen needs them."""

import math
from typing import Any, cast

from jupyter_mlplat.ports.metadata import MetadataStore, PointRow
from jupyter_mlplat.services.tracking.curves import Curve, Curves


class _Points:
    """The part of a store that curves are read from."""

    def __init__(self) -> None:
        self.rows: list[PointRow] = []
        self.asked: list[int] = []

    def log(self, value: float | None, name: str = "loss") -> None:
        key = len(self.rows) + 1 if not self.rows else self.rows[-1][0] + 1
        self.rows.append((key, "train", name, value, key, float(key)))

    def points_after(self, run_id: str, after: int) -> tuple[int, list[PointRow]]:
        self.asked.append(after)
        return len(self.rows), [row for row in self.rows if row[0] > after]


def _curves(points: _Points) -> Curves:
    return Curves(cast(MetadataStore, cast(Any, points)))


def test_a_sample_has_the_ends_and_the_peaks() -> None:
    curve = Curve()
    curve.extend([(0, "", "", math.sin(number / 500), number, 0.0) for number in range(10_000)])
    curve.values[4321] = 99.0
    curve.values[6789] = -99.0

    chosen = curve.sample(100)

    assert len(chosen) <= 100
    assert chosen == sorted(set(chosen))
    assert {0, 9999, 4321, 6789} <= set(chosen)


def test_a_short_curve_is_whole() -> None:
    curve = Curve()
    curve.extend([(0, "", "", 1.0, number, 0.0) for number in range(50)])

    assert curve.sample(50) == list(range(50))


def test_curves_are_grown_by_what_was_logged_since() -> None:
    points = _Points()
    for number in range(20):
        points.log(float(number))
    curves = _curves(points)

    first, _ = curves.of("run-1", None, 100)
    points.log(20.0)
    second, total = curves.of("run-1", None, 100)

    assert [metric.value for metric in second] == [*[metric.value for metric in first], 20.0]
    assert (total, points.asked) == (21, [0, 20])


def test_a_step_that_begins_anew_has_a_curve_of_its_own() -> None:
    points = _Points()
    for number in range(20):
        points.log(float(number))
    curves = _curves(points)
    curves.of("run-1", None, 100)

    points.rows = [(30, "train", "loss", 7.0, 1, 30.0)]

    assert [metric.value for metric in curves.of("run-1", None, 100)[0]] == [7.0]


def test_what_is_no_number_is_left_out_and_names_are_chosen() -> None:
    points = _Points()
    for value in (1.0, None, math.inf, 2.0):
        points.log(value)
    points.log(5.0, "auc")

    curves = _curves(points)

    assert [metric.value for metric in curves.of("run-1", "loss", 10)[0]] == [1.0, 2.0]
    assert [metric.name for metric in curves.of("run-1", "auc", 10)[0]] == ["auc"]
