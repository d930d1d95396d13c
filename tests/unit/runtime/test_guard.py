"""A change that the plan did not foresee is noticed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlplat.runtime.guard import Guard, UnforeseenChange


def guard_of(values: dict[str, Any], *relied: str, **more: Any) -> Guard:
    order = {"relied": relied, "last": more.get("last", ()), "unseen": more.get("unseen", False)}
    return Guard(values, more.get("beside", {}), more.get("kin", {}), order)


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
    guard = guard_of({"x": value}, "x")

    change(value)

    with pytest.raises(UnforeseenChange) as refused:
        guard.check({"x": value})
    assert (refused.value.name, refused.value.stale) == ("x", "x")


def test_change_of_a_shared_part_names_what_became_stale() -> None:
    shared = [1]
    beside = {"view": {"view": shared, "owner": {"items": shared}}}
    guard = guard_of({"view": shared}, "owner", beside=beside)

    shared.append(2)

    with pytest.raises(UnforeseenChange) as refused:
        guard.check({})
    assert (refused.value.name, refused.value.stale) == ("view", "owner")


def test_change_of_a_part_that_is_not_shared_is_the_steps_own() -> None:
    shared: list[int] = [1]
    box = {"shared": shared, "own": 1}
    guard = guard_of({"box": box}, "shared", beside={"box": {"box": box, "shared": shared}})

    box["own"] = 2

    assert guard.check({"box": box}) == []


def test_sharing_known_from_an_earlier_bundle_still_counts() -> None:
    value = [1]
    guard = guard_of({"view": value}, "owner", kin={"view": ["owner"]})

    value.append(2)

    with pytest.raises(UnforeseenChange):
        guard.check({})


def test_sharing_is_passed_on_with_a_value_that_is_saved_as_it_came() -> None:
    value = [1]
    guard = guard_of({"view": value}, beside={"view": {"view": value, "owner": [value]}})

    assert guard.kin_after({"view": value}, ["view"]) == {"view": ["owner"]}
    assert guard.kin_after({"view": [2]}, ["view"]) == {}


def test_reading_and_rebinding_are_no_changes() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    namespace = {"frame": frame}
    guard = guard_of(dict(namespace), "frame")

    namespace["frame"] = frame.assign(b=frame.a.mean())
    repr(frame), frame.describe(), frame.groupby("a").size()

    assert guard.check(namespace) == []


@pytest.mark.parametrize("after", [{"x": 2}, {}], ids=["bound", "deleted"])
def test_unseen_code_must_not_bind_what_is_relied_on(after: dict[str, Any]) -> None:
    guard = guard_of({"x": 1}, "x", unseen=True)

    assert guard.check({"x": 1}) == []
    with pytest.raises(UnforeseenChange):
        guard.check(after)


def test_drawing_random_numbers_is_noticed_where_the_state_is_relied_on() -> None:
    guard = guard_of({}, "@rng")

    np.random.rand()

    with pytest.raises(UnforeseenChange):
        guard.check({})


def test_newest_version_that_nobody_relies_on_is_this_steps_to_save() -> None:
    history: list[float] = []
    guard = guard_of({"history": history, "settings": {}}, last=["history", "settings"])

    history.append(0.5)

    assert guard.check({}) == ["history"]


def test_a_change_names_all_that_has_to_stay_with_what_changed() -> None:
    rows = [{"n": 1}, {"n": 2}]
    values = {"rows": rows, "first": rows[0]}
    guard = guard_of(values, "rows", beside={"rows": {**values, "second": rows[1], "f": guard_of}})
    rows[0]["n"] = 5

    with pytest.raises(UnforeseenChange) as caught:
        guard.check(values)

    assert (caught.value.names, caught.value.tied) == (("first", "rows", "second"), ())


def test_a_change_of_what_came_in_another_bundle_names_nothing_to_plan_with() -> None:
    shared = [1]
    values = {"a": shared}
    guard = guard_of(values, "b", kin={"a": ["b"]})
    shared.append(2)

    with pytest.raises(UnforeseenChange) as caught:
        guard.check(values)

    assert (caught.value.names, caught.value.tied) == ((), ("a", "b"))
