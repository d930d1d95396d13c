"""Algorithms with a library underneath: evolution, Gaussian processes, forests, importance."""

from typing import Any

import pytest

from jupyter_mlplat.errors import Unsupported
from jupyter_mlplat.services.tuning import problem
from jupyter_mlplat.services.tuning.importance import importance
from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.search import Search
from tests.unit.tuning.spaces import BRANIN, FIVE, bowl, branin, run, spec, trial

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("cmaes", {}),
    ("cmaes", {"restart_strategy": "ipop", "popsize": 4}),
    ("bayesianoptimization", {}),
    ("bayesianoptimization", {"base_estimator": "ET", "acq_func": "EI"}),
    ("bayesianoptimization", {"base_estimator": "RF", "acq_func": "LCB"}),
    ("bayesianoptimization", {"base_estimator": "GBRT", "acq_func": "PI"}),
]


@pytest.mark.parametrize(("algorithm", "settings"), KINDS)
def test_points_lie_in_the_space_and_are_the_same_after_a_restart(
    algorithm: str, settings: dict[str, Any]
) -> None:
    given = spec(FIVE, algorithm, settings=settings)
    whole = run(given, bowl, 14 if algorithm == "bayesianoptimization" else 24)

    space = read_problem(given).space
    assert all(space.coordinates(one["parameters"]) for one in whole)
    for done in (3, len(whole) - 2):
        search = Search(read_problem(given), whole[:done])
        ((number, one),) = search.ask(1)
        found = trial(number, one.parameters, bowl(one.parameters), one.label)
        assert found == whole[done]


@pytest.mark.parametrize(("algorithm", "settings", "count"), [("cmaes", {}, 80), (*KINDS[2], 25)])
def test_what_is_found_comes_near_the_least_there_is(
    algorithm: str, settings: dict[str, Any], count: int
) -> None:
    tried = run(spec(BRANIN, algorithm, settings=settings), branin, count)

    assert min(one["value"] for one in tried) < 0.6  # chance: 1.6 after 25 trials, 0.8 after 80


def test_generation_is_closed_with_the_trials_that_succeeded() -> None:
    search = Search(read_problem(spec(BRANIN, "cmaes", settings={"popsize": 4})))
    search.ask(6)
    for number in (6, 2, 3, 5):
        search.tell(number, "Succeeded", float(number))
    search.tell(1, "Failed", None)

    ((number, one),) = search.ask(1)

    assert number == 7
    assert one.label == {"generation": 1, "closed_with": [2, 3, 5, 6]}


def test_evolution_begins_at_the_best_point_of_earlier_jobs() -> None:
    earlier = [trial(1, {"x": 9, "y": 1}, 0.1), trial(2, {"x": -4, "y": 14}, 9.0)]
    given = spec(BRANIN, "cmaes", settings={"sigma": 0.01})

    warm = Search(read_problem(given), earlier=earlier)

    for _, one in warm.ask(5):
        assert one.parameters["x"] == pytest.approx(9, abs=1)
        assert one.parameters["y"] == pytest.approx(1, abs=1)


def test_gaussian_process_of_optuna() -> None:
    pytest.importorskip("torch", reason="Optuna's Gaussian process needs torch")
    given = spec(BRANIN, "gp")

    whole = run(given, branin, 20)

    assert min(one["value"] for one in whole) < 2
    ((_, one),) = Search(read_problem(given), whole[:15]).ask(1)
    assert one.parameters == pytest.approx(whole[15]["parameters"])


def test_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem, "find_spec", lambda _: None)

    with pytest.raises(Unsupported, match="'gp': it needs the package 'torch', which is not"):
        read_problem(spec(BRANIN, "gp"))


def test_importance_is_the_share_of_what_the_objective_depends_on() -> None:
    given = spec(FIVE)
    table = run(given, lambda at: 10 * at["a"] ** 2 + at["b"] + 0.0 * at["d"], 60)

    shares = importance(given, table)

    assert next(iter(shares)) == "a"
    assert shares["a"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["d"] < 0.05
    assert importance(given, table) == shares


def test_importance_of_too_few_trials_or_of_one_value_is_unknown() -> None:
    given = spec(FIVE)

    assert importance(given, run(given, bowl, 3)) == {}
    assert importance(given, run(given, lambda _: 1.0, 30)) == {}
