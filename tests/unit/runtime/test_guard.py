"""A change that the plan did not foresee is noticed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlplat.runtime.guard import Guard, UnforeseenChange


class Box:
    def __init__(self, items: list[int]) -> None:
        self.items = items


@pytest.mark.parametrize(
    ("value", "change"),
    [
        pytest.param([1, [2]], lambda value: value[1].append(3), id="nested list"),
        pytest.param({"a": {1}}, lambda value: value["a"].add(2), id="set in a dict"),
        pytest.param(np.zeros(3), lambda value: value.put(0, 1), id="array"),
        pytest.param(pd.DataFrame({"a": [1]}), lambda value: value.insert(0, "b", 2), id="frame"),
    ],
)
def test_changed_value_that_is_relied_on_is_refused(value: Any, change: Any) -> None:
    guard = Guard({"x": value}, ["x"], {})

    change(value)

    with pytest.raises(UnforeseenChange) as refused:
        guard.check()
    assert (refused.value.name, refused.value.stale) == ("x", "x")


def test_change_through_a_sharing_name_names_what_became_stale() -> None:
    shared = [1]
    guard = Guard({"view": shared}, ["owner"], {"view": ["owner"]})

    shared.append(2)

    with pytest.raises(UnforeseenChange) as refused:
        guard.check()
    assert (refused.value.name, refused.value.stale) == ("view", "owner")


def test_change_that_nobody_relies_on_is_the_steps_own() -> None:
    own = [1]
    guard = Guard({"own": own}, ["other"], {})

    own.append(2)

    assert guard.check() is None


def test_reading_and_rebinding_are_no_changes() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    namespace = {"frame": frame}
    guard = Guard(dict(namespace), ["frame"], {})

    namespace["frame"] = frame.assign(b=frame.a.mean())
    repr(frame), frame.describe(), frame.groupby("a").size()

    assert guard.check() is None


def test_drawing_random_numbers_is_noticed_where_the_state_is_relied_on() -> None:
    guard = Guard({}, ["@rng"], {})

    np.random.rand()

    with pytest.raises(UnforeseenChange):
        guard.check()
