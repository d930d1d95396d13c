"""A small version of `benchmarks/tuning_quality`: what is found is as good as with Optuna."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from benchmarks.tuning.functions import FUNCTIONS
from benchmarks.tuning_quality.__main__ import Comparison
from benchmarks.tuning_quality.searches import Plan, ours, ours_stopping, theirs


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("algorithm", ["tpe", "multivariate-tpe"])
def test_best_after_forty_trials_is_within_noise_of_optunas(name: str, algorithm: str) -> None:
    function, seeds = FUNCTIONS[name], range(6)

    found = Comparison(
        name,
        algorithm,
        40,
        [ours(algorithm, function, 40, seed) for seed in seeds],
        [theirs(algorithm, function, 40, seed) for seed in seeds],
    )

    assert not found.is_worse, found.row()


def decaying(at: Mapping[str, Any]) -> Callable[[], float]:
    """Learns towards a loss that depends on the parameters, as curves of training do."""
    epochs = iter(range(1, 1000))
    return lambda: float(at["a"] ** 2 + at["b"] ** 2 + 10 / next(epochs))


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "medianstop", "settings": {"start_step": 2}},
        {"name": "asha", "settings": {"reduction_factor": 3}},
        {"name": "hyperband", "settings": {"max_resource": 27}},
    ],
    ids=lambda rule: str(rule["name"]),
)
def test_rules_reach_the_same_loss_in_fewer_epochs(rule: Mapping[str, Any]) -> None:
    function, plan = FUNCTIONS["five mixed parameters"], Plan(trials=60, epochs=27)

    best, spent = ours_stopping(rule, decaying, function, plan, seed=1)

    whole, all_epochs = ours_stopping(None, decaying, function, plan, seed=1)
    assert all_epochs == 60 * 27
    assert spent < 0.75 * all_epochs
    assert best == pytest.approx(whole)
