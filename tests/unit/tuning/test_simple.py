"""Random search and grids: right distributions, every point once, the same after a restart."""

import math
import statistics
from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.search import Search
from tests.unit.tuning.spaces import FIVE, bowl, run, spec, trial


def drawn(parameter: dict[str, Any], count: int = 4000) -> list[Any]:
    table = run(spec([{"name": "p", **parameter}]), lambda _: 0.0, count)
    return [one["parameters"]["p"] for one in table]


def is_near(found: float, expected: float, deviation: float, count: int = 4000) -> bool:
    """Within five standard errors."""
    return abs(found - expected) < 5 * deviation / math.sqrt(count)


def test_uniform_parameters_have_mean_and_spread_of_a_uniform_distribution() -> None:
    values = drawn({"type": "double", "minimum": -1, "maximum": 3})

    assert is_near(statistics.mean(values), 1, 4 / math.sqrt(12))
    assert statistics.stdev(values) == pytest.approx(4 / math.sqrt(12), rel=0.05)


def test_log_uniform_parameters_are_uniform_in_their_logarithm() -> None:
    values = drawn({"type": "double", "minimum": 1e-4, "maximum": 1, "distribution": "log-uniform"})

    share = sum(value < 1e-3 for value in values) / len(values)
    assert is_near(share, 0.25, math.sqrt(0.25 * 0.75))


def test_normal_parameters_have_a_sixth_of_the_range_as_deviation() -> None:
    values = drawn({"type": "double", "minimum": 0, "maximum": 6, "distribution": "normal"})

    assert is_near(statistics.mean(values), 3, 1)
    assert statistics.stdev(values) == pytest.approx(0.985, rel=0.05)  # cut at three deviations


def test_log_normal_parameters_have_the_geometric_middle_as_median() -> None:
    values = drawn(
        {"type": "double", "minimum": 1e-3, "maximum": 1e3, "distribution": "log-normal"}
    )

    assert is_near(statistics.mean(map(math.log10, values)), 0, 1)


@pytest.mark.parametrize(
    "parameter",
    [
        {"type": "int", "minimum": 1, "maximum": 5},
        {"type": "double", "minimum": 0, "maximum": 1, "step": 0.25},
        {"type": "discrete", "values": [1, 10, 100, 1000, 10000]},
        {"type": "categorical", "values": list("abcde")},
    ],
    ids=lambda parameter: parameter["type"],
)
def test_values_with_steps_are_all_as_likely(parameter: dict[str, Any]) -> None:
    values = drawn(parameter)

    counts = [values.count(value) for value in set(values)]
    assert len(counts) == 5
    assert all(is_near(count / 4000, 0.2, 0.4) for count in counts)


def test_jobs_of_other_seeds_differ_and_of_the_same_do_not() -> None:
    first = run(spec(FIVE), bowl, 5)

    assert run(spec(FIVE), bowl, 5) == first
    assert run(spec(FIVE, seed=8), bowl, 5) != first
    assert run(spec(FIVE, seed=None), bowl, 5) == run(spec(FIVE, seed=None), bowl, 5)


def test_grid_has_every_combination_once_and_then_ends() -> None:
    space = [
        {"name": "a", "type": "double", "minimum": 0, "maximum": 1, "step": 0.5},
        {"name": "b", "type": "categorical", "values": ["x", "y"]},
        {"name": "n", "type": "int", "minimum": 1, "maximum": 1},
    ]
    search = Search(read_problem(spec(space, "grid")))

    points = [one.parameters for _, one in search.ask(99)]

    assert points == [{"a": a, "b": b, "n": 1} for a in (0.0, 0.5, 1.0) for b in ("x", "y")]
    over = search.over()
    assert over is not None
    assert (over.outcome, over.why) == ("exhausted", "All 6 points of the grid have been tried.")


def test_grid_goes_on_after_a_restart_where_it_was() -> None:
    space = [{"name": "n", "type": "int", "minimum": 1, "maximum": 4}]
    known = [
        trial(1, {"n": 1}, 1.0),
        trial(2, {"n": 2}, state="Failed"),
        trial(3, {"n": 3}, state="Running"),
    ]

    search = Search(read_problem(spec(space, "grid")), known)

    assert [(number, one.parameters) for number, one in search.ask(9)] == [(4, {"n": 4})]


def test_grid_without_a_step_says_which_parameter() -> None:
    with pytest.raises(InvalidInput, match="'c' has no step"):
        read_problem(spec([FIVE[2]], "grid"))
