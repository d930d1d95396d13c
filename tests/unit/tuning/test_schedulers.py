"""Hyperband and populations: who goes on, with how much, and from whose checkpoint."""

import itertools
from collections import Counter
from typing import Any

from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.search import Search
from tests.unit.tuning.spaces import run, spec

SPACE = [
    {"name": "lr", "type": "double", "minimum": 0.01, "maximum": 0.1},
    {"name": "epochs", "type": "int", "minimum": 1, "maximum": 1},
]
HYPERBAND = {"r_l": "9", "eta": "3", "resource_name": "epochs"}
PBT = {"n_population": 5, "truncation_threshold": 0.2}


def rate(parameters: Any) -> float:
    return float(parameters["lr"])


def test_hyperband_has_the_brackets_of_its_paper() -> None:
    table = run(spec(SPACE, "hyperband", settings=HYPERBAND), rate, 99)

    sizes = Counter(
        (one["label"]["bracket"], one["label"]["rung"], one["parameters"]["epochs"])
        for one in table
    )
    assert sizes == {
        (2, 0, 1): 9,
        (2, 1, 3): 3,
        (2, 2, 9): 1,
        (1, 0, 3): 5,
        (1, 1, 9): 2,
        (0, 0, 9): 3,
    }
    assert all(isinstance(one["parameters"]["epochs"], int) for one in table)


def test_hyperband_promotes_the_best_of_a_rung_with_their_parameters() -> None:
    table = run(spec(SPACE, "hyperband", settings=HYPERBAND), rate, 99)
    by_number = {one["number"]: one for one in table}

    first = [one for one in table if one["label"]["bracket"] == 2 and one["label"]["rung"] == 0]
    best = sorted(first, key=lambda one: one["value"])[:3]
    promoted = [one for one in table if one["label"]["bracket"] == 2 and one["label"]["rung"] == 1]
    assert [one["label"]["parent"] for one in promoted] == [one["number"] for one in best]
    for one in promoted:
        parent = by_number[one["label"]["parent"]]
        assert one["parameters"]["lr"] == parent["parameters"]["lr"]


def test_hyperband_begins_the_next_bracket_while_a_rung_runs_and_then_waits() -> None:
    search = Search(read_problem(spec(SPACE, "hyperband", settings=HYPERBAND)))

    asked = search.ask(99)

    assert [one.label["bracket"] for _, one in asked] == [2] * 9 + [1] * 5 + [0] * 3
    assert search.over() is None
    for number in range(1, 10):
        search.tell(number, "Failed", None)
    assert search.ask(9) == []  # nobody to promote in bracket 2; bracket 1 still runs
    for number in range(10, 18):
        search.tell(number, "Succeeded", 1.0)
    assert [one.label["parent"] for _, one in search.ask(9)] == [10, 11]
    search.tell(18, "Succeeded", 1.0)
    search.tell(19, "Succeeded", 1.0)
    assert search.ask(1) == []
    over = search.over()
    assert over
    assert over.why == "Hyperband has run all its 3 brackets."


def test_population_goes_on_from_checkpoints_and_losers_take_over_a_winners() -> None:
    table = run(spec(SPACE, "pbt", settings=PBT), rate, 15, parallel=5)
    generations = [table[:5], table[5:10], table[10:]]

    assert [[one["label"]["generation"] for one in each] for each in generations] == [
        [0] * 5,
        [1] * 5,
        [2] * 5,
    ]
    for before, after in itertools.pairwise(generations):
        ranked = sorted(before, key=lambda one: one["value"])
        for own, one in zip(before, after, strict=True):
            if own is ranked[-1]:
                assert one["label"]["parent"] == ranked[0]["number"]
                assert one["parameters"] == ranked[0]["parameters"]
            else:
                assert one["label"]["parent"] == own["number"]
                ratio = one["parameters"]["lr"] / own["parameters"]["lr"]
                assert round(ratio, 6) in (0.8, 1.2) or one["parameters"]["lr"] in (0.01, 0.1)


def test_population_waits_for_a_generation_and_replaces_those_that_failed() -> None:
    search = Search(read_problem(spec(SPACE, "pbt", settings=PBT)))

    assert len(search.ask(9)) == 5
    search.tell(1, "Succeeded", 0.5)
    assert search.ask(1) == []
    for number in (2, 3, 4):
        search.tell(number, "Failed", None)
    search.tell(5, "Succeeded", 0.1)

    assert [one.label["parent"] for _, one in search.ask(5)] == [1, 5, 5, 5, 5]


def test_population_of_which_nobody_is_left_ends() -> None:
    search = Search(read_problem(spec(SPACE, "pbt", settings=PBT)))
    for number, _ in search.ask(5):
        search.tell(number, "Failed", None)

    assert search.ask(1) == []
    over = search.over()
    assert over
    assert over.why == "No trial of generation 0 succeeded."


def test_population_resamples_as_often_as_it_is_told_to() -> None:
    kept = run(spec(SPACE, "pbt", settings={**PBT, "resample_probability": 0}), rate, 50)
    drawn = run(spec(SPACE, "pbt", settings={**PBT, "resample_probability": 1}), rate, 50)

    assert len({one["parameters"]["lr"] for one in kept}) <= 5
    assert len({one["parameters"]["lr"] for one in drawn}) > 30
