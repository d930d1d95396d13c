"""What people type, as values."""

import pytest

from jupyter_mlplat.client.references import parse_pairs, parse_parameters, parse_wanted_tags
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Parameter

KNOWN = [
    Parameter(name="n", type="int", default=1, expression="1"),
    Parameter(name="who", type="str", default="x", expression="'x'"),
    Parameter(name="rows", type="list", default=[], expression="[]"),
    Parameter(name="fast", type="bool", default=False, expression="False"),
    Parameter(name="free", type="any", expression="f()"),
]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n=3", {"n": 3}),
        ("n=-1.5e3", {"n": -1500.0}),
        ("n=abc", {"n": "abc"}),
        ("who=3", {"who": "3"}),
        ("who=", {"who": ""}),
        ("who=a=b", {"who": "a=b"}),
        ('rows=[1, "a"]', {"rows": [1, "a"]}),
        ("fast=true", {"fast": True}),
        ("fast=False", {"fast": False}),
        ("free=None", {"free": None}),
        ("free={}", {"free": {}}),
        ("stranger=7", {"stranger": 7}),
    ],
)
def test_value_is_read_as_its_parameters_type(text: str, value: dict[str, object]) -> None:
    assert parse_parameters([text], KNOWN) == value


@pytest.mark.parametrize("text", ["n", "=3", ""])
def test_text_without_a_name_and_a_value_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="name=value is needed"):
        parse_parameters([text], KNOWN)


def test_parameter_given_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'n' is given twice"):
        parse_parameters(["n=1", "n=2"], KNOWN)


def test_pairs_are_text() -> None:
    assert parse_pairs(["team=risk", "n=1"]) == {"team": "risk", "n": "1"}


def test_a_tag_without_a_value_is_looked_for_with_any() -> None:
    assert parse_wanted_tags(["team", "n=", "x=a=b"]) == {"team": None, "n": "", "x": "a=b"}
