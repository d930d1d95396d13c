"""Search spaces as people type them."""

from typing import Any

import pytest

from jupyter_mlplat.client.spaces import (
    format_dimension,
    is_dimension,
    parse_dimension,
    parse_space,
)
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.tuning import SpaceParameter


def double(minimum: float, maximum: float, **more: Any) -> SpaceParameter:
    return SpaceParameter(name="x", type="double", minimum=minimum, maximum=maximum, **more)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("x=uniform(0,1)", double(0, 1)),
        ("x=uniform(0, 1, 0.1)", double(0, 1, step=0.1)),
        ("x=uniform(0,1,step=0.1)", double(0, 1, step=0.1)),
        ("x=loguniform(1e-5,1e-1)", double(1e-5, 0.1, distribution="log-uniform")),
        ("x=loguniform:1e-5,1e-1", double(1e-5, 0.1, distribution="log-uniform")),
        ("x=normal(-1,1)", double(-1, 1, distribution="normal")),
        ("x=lognormal(1,2)", double(1, 2, distribution="log-normal")),
        ("x=int(2,12)", SpaceParameter(name="x", type="int", minimum=2, maximum=12)),
        (
            "x=logint(1,8,2)",
            SpaceParameter(
                name="x", type="int", minimum=1, maximum=8, step=2, distribution="log-uniform"
            ),
        ),
        (
            "x=choice(adam,'a, b',true,None,3,[1, 2])",
            SpaceParameter(
                name="x", type="categorical", values=("adam", "a, b", True, None, 3, [1, 2])
            ),
        ),
        (
            "num-epochs=discrete(1,2.5)",
            SpaceParameter(name="num-epochs", type="discrete", values=(1, 2.5)),
        ),
    ],
)
def test_word_is_a_dimension(word: str, expected: SpaceParameter) -> None:
    assert parse_dimension(word) == expected
    assert is_dimension(word)
    assert parse_dimension(format_dimension(expected)) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("x=uniform(1,0)", "minimum 1 is above the maximum, 0"),
        ("x=loguniform(0,1)", "needs one above 0"),
        ("x=int(1,2.5)", "no whole number"),
        ("x=uniform(0,1,0)", "has to be above 0"),
        ("x=uniform(0)", "needed two bounds"),
        ("x=uniform(a,b)", "'a' is no number"),
        ("x=uniform(0,nan)", "finite"),
        ("x=gauss(0,1)", "no kind 'gauss'. The kinds: uniform"),
        ("x=choice()", "at least one"),
        ("x=choice(a,a)", "twice"),
        ("x=discrete(1,a)", "no number"),
        ("x", "no dimension"),
        ("x=3", "no dimension"),
    ],
)
def test_senseless_dimension_is_refused_with_its_reason(word: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message.replace("(", r"\(")):
        parse_space([word])


def test_words_of_one_pair_of_parentheses_belong_together() -> None:
    words = ["a=uniform(0,", "1)", "b=choice(x,", "y", ")"]

    assert [parameter.name for parameter in parse_space(words)] == ["a", "b"]


def test_open_parenthesis_and_repeated_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="left open"):
        parse_space(["a=uniform(0,", "1"])
    with pytest.raises(InvalidInput, match="'a' is given twice"):
        parse_space(["a=uniform(0,1)", "a=int(0,1)"])


@pytest.mark.parametrize("word", ["a.py", "-p", "train.ipynb", "x=3", "python", "a=b.py"])
def test_files_and_options_are_no_dimensions(word: str) -> None:
    assert not is_dimension(word)
