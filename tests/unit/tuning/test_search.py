"""A search as a whole: budgets, goals, failures, restarts, bad settings."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.search import Search
from tests.unit.tuning.spaces import FIVE, bowl, lies_in, parameters, run, spec, trial

LEARNING = ["random", "tpe", "multivariate-tpe", "grid", "sobol", "hyperband", "pbt"]
SETTINGS: dict[str, dict[str, Any]] = {
    "hyperband": {"r_l": 9, "resource_name": "d"},
    "pbt": {"n_population": 5, "truncation_threshold": 0.4},
}
STEPPED = [{**one, "step": 0.1} if one["name"] in ("a", "c") else one for one in FIVE]


def a_spec(algorithm: str, **more: Any) -> dict[str, Any]:
    space = STEPPED if algorithm == "grid" else FIVE
    return spec(space, algorithm, settings=SETTINGS.get(algorithm, {}), **more)


def over(search: Search) -> tuple[str, str] | None:
    found = search.over()
    return found and (found.outcome, found.why)


def test_budget_ends_a_search() -> None:
    search = Search(read_problem(a_spec("random", trials=3)))

    assert [number for number, _ in search.ask(10)] == [1, 2, 3]
    assert over(search) == ("budget", "All 3 trials were made.")


@pytest.mark.parametrize("algorithm", LEARNING)
def test_trial_that_was_killed_has_another_in_its_place(algorithm: str) -> None:
    search = Search(read_problem(a_spec(algorithm, trials=6)))
    asked = search.ask(5)

    search.tell(2, "Killed", None)
    (killed,) = [one for number, one in asked if number == 2]
    ((number, one),) = search.ask(1)

    assert number == 6
    assert over(search) is None
    assert one.label == killed.label
    if algorithm == "grid":
        assert one.parameters == killed.parameters
    assert len(search.ask(9)) == (0 if algorithm == "pbt" else 1)


def test_goal_ends_a_search_and_says_by_which_trial() -> None:
    given = a_spec("random")
    given["objective"] = {"metric": "auc", "direction": "maximize", "goal": 0.9}
    search = Search(read_problem(given))
    search.ask(2)

    search.tell(1, "Succeeded", 0.8)
    assert over(search) is None
    search.tell(2, "Succeeded", 0.95)

    assert over(search) == ("goal", "Trial 2 reached the goal: auc is 0.95, 0.9 was wanted.")
    assert search.ask(1) == []


def test_more_failures_than_allowed_end_a_search() -> None:
    search = Search(read_problem(a_spec("random", failures=1)))
    search.ask(3)

    search.tell(1, "Failed", None)
    assert over(search) is None
    search.tell(2, "MetricsUnavailable", None)

    assert over(search) == ("failures", "2 trials failed, and 1 were allowed to.")


def test_objective_that_is_no_number_is_never_the_best() -> None:
    given = spec(FIVE, "tpe", settings={"n_startup_trials": 1})
    given["objective"]["goal"] = 0
    search = Search(read_problem(given))
    search.ask(2)

    search.tell(1, "Succeeded", float("nan"))
    search.tell(2, "Succeeded", float("-inf"))

    assert over(search) is None
    assert search.ask(1)


def test_end_that_is_told_twice_counts_once() -> None:
    search = Search(read_problem(a_spec("tpe", failures=1)))
    search.ask(1)

    search.tell(1, "Failed", None)
    search.tell(1, "Failed", None)
    search.tell(1, "Succeeded", 1.0)

    assert over(search) is None


def test_trial_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no trial 5 in the table of 0"):
        Search(read_problem(a_spec("random"))).tell(5, "Succeeded", 1.0)


def test_trial_that_another_tuner_suggested_is_told_with_its_parameters() -> None:
    whole = run(a_spec("tpe"), bowl, 13)
    search = Search(read_problem(a_spec("tpe")), whole[:9])

    assert search.report(10, 1, 3.0) is False
    for one in whole[9:12]:
        search.tell(one["number"], "Succeeded", one["value"], one["parameters"], one["label"])

    ((number, suggested),) = search.ask(1)
    assert (number, suggested.parameters) == (13, whole[12]["parameters"])


@pytest.mark.parametrize(
    ("algorithm", "settings", "words"),
    [
        ("tep", {}, "Did you mean 'tpe'?"),
        ("darts", {}, "neural architecture search"),
        ("tpe", {"n_startup_trails": 3}, "Did you mean 'n_startup_trials'?"),
        ("tpe", {"gamma": "1.5"}, "a number above 0 and below 1 is needed"),
        ("tpe", {"n_startup_trials": "x"}, "is 'x'; a number is needed"),
        ("random", {"random_state": -1}, "a whole number of at least 0"),
        ("random", {"random_state": float("nan")}, "a finite number"),
        ("hyperband", {"r_l": 9}, "needs the setting 'resource_name'"),
        ("hyperband", {"r_l": 9, "resource_name": "epochs"}, "no such parameter"),
        ("pbt", {}, "'n_population' and 'truncation_threshold'"),
        ("pbt", {"n_population": 3, "truncation_threshold": 0.2}, "at least 5"),
        ("cmaes", {"restart_strategy": "often"}, "one of none"),
        ("bayesianoptimization", {"acq_func": "EIps"}, "one of gp_hedge"),
    ],
)
def test_algorithms_and_settings_that_are_not_known_are_refused(
    algorithm: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_problem(spec(FIVE, algorithm, settings=settings))

    assert words in caught.value.message


def test_settings_may_be_text_as_in_katibs_documents() -> None:
    settings = {"random_state": "10", "n_EI_candidates": "7"}

    problem = read_problem(spec(FIVE, "tpe", seed=None, settings=settings))

    assert problem.seed == 10
    assert problem.settings["n_ei_candidates"] == 7


def test_early_stopping_rules_that_are_not_known_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'medianstop'"):
        read_problem(spec(FIVE, early_stopping={"name": "medianstopp"}))


@pytest.mark.parametrize("algorithm", LEARNING)
def test_search_goes_on_after_any_restart_as_if_there_had_been_none(algorithm: str) -> None:
    given = a_spec(algorithm)
    whole = run(given, bowl, 30)

    for done in (0, 1, 5, 12, 20, 29):
        search = Search(read_problem(given), whole[:done])
        for expected in whole[done:]:
            ((number, one),) = search.ask(1)
            found = trial(number, one.parameters, bowl(one.parameters), one.label)
            assert found == expected, done
            search.tell(number, "Succeeded", found["value"])


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(LEARNING), st.randoms(use_true_random=False))
def test_parallel_trials_that_end_in_any_order_survive_restarts_in_any_state(
    algorithm: str, random: Any
) -> None:
    given = a_spec(algorithm)
    search, table, running = Search(read_problem(given)), {}, []
    while len(table) < 40:
        for number, one in search.ask(random.randint(1, 6) if len(running) < 6 else 0):
            assert number == len(table) + 1
            table[number] = trial(number, one.parameters, None, one.label, "Running")
            running.append(number)
        if not running:
            break
        random.shuffle(running)
        for number in [running.pop() for _ in range(random.randint(1, len(running)))]:
            state = random.choice(["Succeeded"] * 6 + ["Failed", "Killed", "EarlyStopped"])
            value = bowl(table[number]["parameters"]) if state == "Succeeded" else None
            table[number] |= {"state": state, "value": value}
            search.tell(number, state, value)
        if random.random() < 0.3:
            again = Search(read_problem(given), table.values())
            if over(search) is None:
                assert again.ask(1)[:1] == Search(read_problem(given), table.values()).ask(1)[:1]
            search = Search(read_problem(given), table.values())


@pytest.mark.parametrize("algorithm", ["tpe", "multivariate-tpe", "random", "sobol"])
def test_parallel_trials_are_not_alike(algorithm: str) -> None:
    search = Search(read_problem(a_spec(algorithm)), run(a_spec(algorithm), bowl, 20))

    points = [tuple(one.parameters.values()) for _, one in search.ask(16)]

    assert len(set(points)) == 16


def test_warm_start_lets_an_algorithm_learn_from_the_first_trial_on() -> None:
    earlier = run(a_spec("tpe"), bowl, 60)
    other = [trial(1, {"another": 3}, 1.0)]

    warm = Search(read_problem(a_spec("tpe", seed=99)), earlier=[*other, *earlier])

    ((number, one),) = warm.ask(1)
    assert number == 1
    assert one != Search(read_problem(a_spec("tpe", seed=99))).ask(1)[0][1]
    best = min(bowl(one.parameters) for _, one in warm.ask(10))
    assert best < 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(parameters(), min_size=1, max_size=3),
    st.sampled_from(["tpe", "multivariate-tpe", "sobol", "pbt"]),
    st.lists(st.floats(-1e6, 1e6), min_size=25, max_size=25),
)
def test_every_suggestion_lies_in_its_space_and_on_its_step(
    space: list[dict[str, Any]], algorithm: str, values: list[float]
) -> None:
    named = [{**one, "name": f"p{index}"} for index, one in enumerate(space)]
    settings_of = {"n_startup_trials": 3} if "tpe" in algorithm else SETTINGS.get(algorithm, {})
    outcome = iter(values)

    table = run(spec(named, algorithm, settings=settings_of), lambda _: next(outcome), 25)

    assert len(table) == 25
    for one in table:
        for parameter in named:
            assert lies_in(parameter, one["parameters"][parameter["name"]]), (parameter, one)
