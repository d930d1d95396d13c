"""Search spaces: what is refused, and that every value drawn is one of the space's."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.tuning.spaces import Choice, Numeric, read_space
from tests.unit.tuning.spaces import lies_in, parameters

LR = {"name": "lr", "type": "double", "minimum": 0.1, "maximum": 0.9}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ([], "no parameters"),
        ([LR, LR], "'lr' is there twice"),
        ([{**LR, "minimum": 1}], "minimum 1 is above its maximum 0.9"),
        ([{**LR, "minimum": None}], "needs a minimum"),
        ([{**LR, "maximum": math.nan}], "its maximum is nan; a finite number"),
        ([{**LR, "maximum": math.inf}], "its maximum is inf; a finite number"),
        ([{**LR, "step": 0}], "its step is 0; above 0"),
        ([{**LR, "step": -0.1}], "its step is -0.1; above 0"),
        ([{**LR, "minimum": 0, "distribution": "log-uniform"}], "minimum above 0"),
        ([{**LR, "distribution": "cauchy"}], "its distribution is 'cauchy'"),
        ([{**LR, "type": "float"}], "its type is 'float'"),
        ([{**LR, "type": "int"}], "the minimum of an int is 0.1"),
        ([{**LR, "values": [1]}], "Use discrete"),
        ([{"name": "c", "type": "categorical"}], "needs values"),
        ([{"name": "c", "type": "categorical", "values": ["a", "a"]}], "'a' is there twice"),
        ([{"name": "c", "type": "discrete", "values": [1, "two"]}], "a value is 'two'"),
        ([{"type": "int"}], "has no name"),
    ],
)
def test_space_that_makes_no_sense_is_refused_by_name(
    parameters: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(InvalidInput, match="Cannot") as caught:
        read_space(parameters)

    assert words in caught.value.message


def test_values_lie_on_steps_without_the_noise_of_floating_point() -> None:
    (one,) = read_space([{**LR, "step": 0.1}])

    values = [one.value_at(index) for index in range(one.count)]

    assert values == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_step_that_does_not_divide_the_range_ends_before_the_maximum() -> None:
    (one,) = read_space([{"name": "n", "type": "int", "minimum": 1, "maximum": 10, "step": 4}])

    assert [one.value_at(index) for index in range(one.count)] == [1, 5, 9]
    assert one.from_unit(0.999999) == 9


def test_discrete_values_keep_their_spelling_and_get_an_order() -> None:
    (one,) = read_space([{"name": "n", "type": "discrete", "values": ["0.3", "0.1", "0.2"]}])

    assert [one.value_at(index) for index in range(one.count)] == ["0.1", "0.2", "0.3"]
    assert isinstance(one, Numeric)
    assert one.coordinate_of("0.2") == 1.0


def test_value_outside_a_space_has_no_coordinates() -> None:
    space = read_space([LR, {"name": "c", "type": "categorical", "values": ["a", 1, True]}])

    assert space.coordinates({"lr": 0.5, "c": True}) == [0.5, 2.0]
    assert space.coordinates({"lr": 0.5, "c": "1"}) == [0.5, 1.0]
    assert space.coordinates({"lr": 0.95, "c": "a"}) is None
    assert space.coordinates({"lr": 0.5, "c": "b"}) is None
    assert space.coordinates({"lr": 0.5}) is None
    assert space.coordinates({"lr": None, "c": "a"}) is None


@settings(deadline=None)
@given(parameters(), st.floats(0, 1, exclude_max=True))
def test_every_value_drawn_lies_in_the_space_and_on_its_step(
    parameter: dict[str, Any], unit: float
) -> None:
    space = read_space([parameter])

    value = space.from_units([unit])["p"]

    assert lies_in(parameter, value)
    coordinates = space.coordinates({"p": value})
    assert coordinates is not None
    (one,) = space
    again = (
        one.value_at(int(coordinates[0]))
        if isinstance(one, Choice)
        else one.value_of(coordinates[0])
    )
    assert again == pytest.approx(value) if isinstance(value, float) else again == value
