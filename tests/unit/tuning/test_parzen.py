"""Parzen estimators: the densities of Optuna's, and points where they are good."""

import math
import statistics
from typing import Any

import numpy as np
import pytest
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights

from jupyter_mlplat.services.tuning.normal import cdf, quantile
from jupyter_mlplat.services.tuning.parzen import Layout, Mixture, TreeParzen
from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.spaces import Choice, Space, read_space
from jupyter_mlplat.services.tuning.table import Row, Table
from tests.unit.tuning.spaces import BRANIN, FIVE, bowl, branin, run, spec

SPACES = {
    "all kinds": FIVE,
    "steps": [
        {"name": "a", "type": "int", "minimum": 0, "maximum": 10, "step": 2},
        {"name": "b", "type": "double", "minimum": 0, "maximum": 1, "step": 0.25},
    ],
    "categories": [FIVE[4], {"name": "f", "type": "categorical", "values": ["p", "q"]}],
}


def points(space: Space, count: int, seed: int = 0) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(seed)
    found = [
        space.coordinates(space.from_units(random.random(len(space)).tolist()))
        for _ in range(count)
    ]
    return np.array(found, dtype=float).reshape(count, len(space)).T


def theirs(space: Space, observed: np.ndarray[Any, Any]) -> _ParzenEstimator:
    from jupyter_mlplat.services.tuning.studies import distributions_of

    problem = read_problem(spec(FIVE))
    distributions = distributions_of(_with(problem, space))
    given = _ParzenEstimatorParameters(
        prior_weight=1.0,
        consider_magic_clip=True,
        consider_endpoints=False,
        weights=default_weights,
        multivariate=True,
    )
    return _ParzenEstimator(_named(space, observed), distributions, given)


def _with(problem: Any, space: Space) -> Any:
    import dataclasses

    return dataclasses.replace(problem, space=space)


def _named(space: Space, at: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """As Optuna has them: values, and indices of categories."""
    return {
        one.name: row
        if isinstance(one, Choice)
        else np.array([float(one.value_of(coordinate)) for coordinate in row])
        for one, row in zip(space, at, strict=True)
    }


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 25, 26, 150])
def test_densities_of_whole_points_are_those_of_optuna(name: str, count: int) -> None:
    space = read_space(SPACES[name])
    observed, asked = points(space, count), points(space, 24, seed=1)

    own = Mixture(Layout(space), observed, 1.0).log_density(asked)

    other = theirs(space, observed).log_pdf(_named(space, asked))
    # Ours is in coordinates, without the factor of the normal density: a constant that both
    # groups of trials share. So differences between points must agree.
    difference = own - other
    assert difference == pytest.approx(difference[0], abs=2e-5)


@pytest.mark.parametrize("row", range(5), ids=lambda row: str(FIVE[row]["name"]))
def test_densities_of_single_parameters_are_those_of_optuna(row: int) -> None:
    space = read_space([FIVE[row]])
    observed, asked = points(space, 80), points(space, 24, seed=1)

    own = np.log(Mixture(Layout(space), observed, 1.0).densities(asked)[0])

    other = theirs(space, observed).log_pdf(_named(space, asked))
    assert own - other == pytest.approx((own - other)[0], abs=1e-6)


def test_points_are_drawn_as_often_as_their_density_says() -> None:
    space = read_space([FIVE[3], FIVE[4]])
    mixture = Mixture(Layout(space), points(space, 12), 1.0)

    drawn = mixture.sample(np.random.default_rng(3), 60_000, is_joint=True)

    seen, counts = np.unique(drawn, axis=1, return_counts=True)
    often = counts > 300
    expected = np.exp(mixture.log_density(seen[:, often]))
    assert counts[often] / 60_000 == pytest.approx(expected, rel=0.25)


def test_continuous_parameters_are_drawn_within_bounds_and_by_their_density() -> None:
    space = read_space([FIVE[0]])
    mixture = Mixture(Layout(space), points(space, 5), 1.0)

    drawn = mixture.sample(np.random.default_rng(3), 40_000, is_joint=False)[0]

    assert drawn.min() >= -5
    assert drawn.max() <= 5
    counts, edges = np.histogram(drawn, 20, (-5, 5))
    middles = (edges[1:] + edges[:-1]) / 2
    density = mixture.densities(middles[None])[0]
    assert counts / counts.sum() == pytest.approx(density / density.sum(), abs=0.01)


def test_split_takes_a_tenth_best_first_and_stopped_trials_after_all_others() -> None:
    problem = read_problem(spec([FIVE[0]], "tpe"))
    sampler = TreeParzen(problem, Table(problem))
    sampler.begin([])
    for number in range(1, 21):
        row = Row(number, {"a": number / 10}, "Succeeded", loss=float(-number))
        sampler.add(row)
    sampler.add(Row(21, {"a": 4.0}, "EarlyStopped", reports={1: -99.0}))
    sampler.add(Row(22, {"a": 4.5}, "Failed"))
    sampler.add(Row(23, {"a": 5.0}, "Running"))

    best, others = sampler.split()

    assert best.tolist() == [[1.8, 1.9, 2.0]]
    assert others[0].tolist() == [number / 10 for number in range(1, 18)] + [4.0, 5.0]


def test_gamma_is_the_share_of_the_best() -> None:
    problem = read_problem(spec([FIVE[0]], "tpe", settings={"gamma": 0.5}))
    sampler = TreeParzen(problem, Table(problem))
    for number in range(1, 11):
        sampler.add(Row(number, {"a": number / 10}, "Succeeded", loss=float(number)))

    assert sampler.split()[0].shape == (1, 5)


@pytest.mark.parametrize("algorithm", ["tpe", "multivariate-tpe"])
def test_what_is_found_is_far_better_than_chance(algorithm: str) -> None:
    found, drawn = [], []
    for seed in range(7):
        for space, objective in ((FIVE, bowl), (BRANIN, branin)):
            tpe = run(spec(space, algorithm, seed=seed), objective, 60)
            chance = run(spec(space, "random", seed=seed), objective, 60)
            found.append(min(one["value"] for one in tpe))
            drawn.append(min(one["value"] for one in chance))

    assert statistics.mean(found) < 0.7 * statistics.mean(drawn)


def test_normal_distribution_is_right_to_ten_digits() -> None:
    z = np.linspace(-9, 9, 5001)
    exact = np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in z])

    assert cdf(z) == pytest.approx(exact, abs=2e-10)
    inner = z[np.abs(z) < 5]
    assert quantile(cdf(inner)) == pytest.approx(inner, abs=1e-3)
    assert quantile(np.array([0.5, 0.975])) == pytest.approx([0, 1.959964], abs=1e-6)
