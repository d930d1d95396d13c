"""The names of a table's columns are recorded, bounded, and without running code of the user."""

import numpy as np
import pandas as pd
import pytest

from jupyter_mlplat.runtime.kinds import COLUMNS, columns


class Hostile:
    def __repr__(self) -> str:
        raise SystemExit

    __str__ = __repr__


class Text(str):
    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (pd.DataFrame({"age": [1], 3: [2]}), ["age", "3"]),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", 1)])), ["a, 1"]),
        (pd.Series([1], name="age"), ["age"]),
        (np.zeros(1, dtype=[("x", int), ("y", float)]), ["x", "y"]),
        (pd.DataFrame([[1, 2]], columns=[Hostile(), Text("t")]), ["Hostile", "t"]),
        (pd.DataFrame([[1]], columns=["n" * 1000]), ["n" * 99 + "…"]),
        (pd.DataFrame(), None),
        (pd.Series([1]), None),
        (np.zeros(3), None),
        ({"age": 1}, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_columns_are_named(value: object, named: list[str] | None) -> None:
    assert columns(value) == named


def test_no_more_than_one_looks_through_are_recorded() -> None:
    found = columns(pd.DataFrame(np.zeros((1, 5000))))

    assert found is not None
    assert len(found) == COLUMNS
