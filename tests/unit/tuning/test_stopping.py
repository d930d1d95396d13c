"""Early stopping: by the median, and by halving at rungs."""

from typing import Any

import pytest

from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.search import Search
from tests.unit.tuning.spaces import FIVE, spec, trial

CURVE = [5.0, 4.0, 3.0, 2.0]  # averages: 5, 4.5, 4, 3.5


def search(rule: str, trials: list[dict[str, Any]] | None = None, **settings: Any) -> Search:
    given = spec(FIVE, early_stopping={"name": rule, "settings": settings})
    return Search(read_problem(given), trials or ())


def reports(values: list[float]) -> list[dict[str, Any]]:
    return [{"position": at, "value": value} for at, value in enumerate(values, 1)]


def ended(number: int, values: list[float]) -> dict[str, Any]:
    parameters = {"a": 0, "b": 0, "c": 1, "d": 1, "e": "x"}
    return trial(number, parameters, values[-1], reports=reports(values))


def test_median_stops_a_trial_whose_best_is_worse_than_others_averages() -> None:
    one = search(
        "medianstop", [ended(1, CURVE), ended(2, CURVE), ended(3, [1.0] * 4)], start_step=2
    )
    one.ask(2)

    assert one.report(4, 1, 4.9) is False  # before start_step
    assert one.report(4, 2, 4.6) is True  # the median of 4.5, 4.5 and 1 is 4.5
    assert one.report(5, 1, 4.9) is False
    assert one.report(5, 2, 4.4) is False
    assert one.report(5, 3, 9.0) is True  # its best, 4.4, is above 4


def test_median_waits_for_enough_trials_and_compares_those_that_came_as_far() -> None:
    one = search("medianstop", [ended(1, CURVE[:1])], min_trials_required=1, start_step=1)
    one.ask(3)

    assert one.report(2, 1, 9.0) is True
    few = search("medianstop", [ended(1, CURVE)], min_trials_required=2, start_step=1)
    few.ask(1)
    assert few.report(2, 1, 9.0) is False


def test_median_of_an_objective_that_is_made_large_stops_the_small() -> None:
    given = spec(FIVE, early_stopping={"name": "medianstop", "settings": {"start_step": 1}})
    given["objective"]["direction"] = "maximize"
    one = Search(read_problem(given), [ended(number, [0.9]) for number in (1, 2, 3)])
    one.ask(2)

    assert one.report(4, 1, 0.8) is True
    assert one.report(5, 1, 0.95) is False


def test_halving_lets_only_the_best_part_pass_each_rung() -> None:
    one = search("asha", min_resource=1, reduction_factor=2)
    one.ask(4)

    assert one.report(1, 1, 3.0) is False  # the first has nobody to lose against
    assert one.report(2, 1, 2.0) is False  # the better one of two
    assert one.report(3, 1, 4.0) is True
    assert one.report(4, 1, 1.0) is False
    assert one.report(2, 2, 1.5) is False  # alone at rung 2
    assert one.report(4, 2, 1.6) is True
    assert one.report(2, 3, 9.0) is False  # no rung at 3
    assert one.report(2, 4, 9.0) is False


def test_halving_judges_a_trial_that_skips_positions_at_each_rung_passed() -> None:
    one = search("asha", min_resource=2, reduction_factor=2)
    one.ask(2)

    assert one.report(1, 9, 1.0) is False
    assert one.report(2, 1, 5.0) is False
    assert one.report(2, 10, 5.0) is True


def test_value_that_is_no_number_loses() -> None:
    one = search("asha", min_resource=1, reduction_factor=2)
    one.ask(2)

    assert one.report(1, 1, 1.0) is False
    assert one.report(2, 1, float("nan")) is True


@pytest.mark.parametrize("rule", ["asha", "medianstop", "hyperband"])
def test_rules_know_after_a_restart_what_was_reported_before(rule: str) -> None:
    settings: dict[str, Any] = {"hyperband": {"max_resource": 9}}.get(rule, {})
    if rule == "medianstop":
        settings = {"start_step": 1, "min_trials_required": 2}
    one = search(rule, **settings)
    table = {}
    for number, suggestion in one.ask(30):
        table[number] = trial(number, suggestion.parameters, state="Running")
    verdicts: dict[int, bool] = {}
    for number in range(1, 31):
        again = search(rule, list(table.values()), **settings)
        values = [float((number * 7 + at) % 11) for at in range(3)]
        stops = [one.report(number, at, value) for at, value in enumerate(values, 1)]
        assert [again.report(number, at, value) for at, value in enumerate(values, 1)] == stops
        verdicts[number] = any(stops)
        state = "EarlyStopped" if any(stops) else "Succeeded"
        one.tell(number, state, values[-1])
        table[number] |= {"state": state, "value": values[-1], "reports": reports(values)}

    assert 3 < sum(verdicts.values()) < 30


def test_brackets_of_hyperband_pruning_begin_at_later_rungs() -> None:
    one = search("hyperband", min_resource=1, max_resource=9, reduction_factor=3)
    one.ask(300)

    stopped = {
        at: sum(one.report(number, at, float(-number)) for number in range(300, 0, -1))
        for at in (1, 3, 9)
    }

    assert stopped[1] < stopped[3] < stopped[9]
