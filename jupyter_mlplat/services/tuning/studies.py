"""Trial tables as studies of Optuna, for what is asked of Optuna."""

from collections.abc import Iterable
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler
from optuna.trial import TrialState, create_trial

from jupyter_mlplat.services.tuning.problem import Problem
from jupyter_mlplat.services.tuning.spaces import Dimension, Numeric, Parameters
from jupyter_mlplat.services.tuning.table import Row

optuna.logging.set_verbosity(optuna.logging.WARNING)


def study_of(
    problem: Problem, rows: Iterable[Row], sampler: BaseSampler | None = None
) -> "optuna.Study":
    """Return a study in memory with all trials that are open or have a loss, to be made small."""
    study = optuna.create_study(sampler=sampler, direction="minimize")
    distributions = distributions_of(problem)
    for row in rows:
        inner = _inner(problem, row)
        if inner is None or not (row.is_open or row.is_complete):
            continue
        study.add_trial(
            create_trial(
                state=TrialState.RUNNING if row.is_open else TrialState.COMPLETE,
                value=None if row.is_open else row.loss,
                params=inner,
                distributions=distributions,
            )
        )
    return study


def distributions_of(problem: Problem) -> dict[str, BaseDistribution]:
    """Return the space as Optuna has it; categories, and steps on a logarithm, are indices."""
    return {one.name: _distribution(one) for one in problem.space}


def parameters_of(problem: Problem, inner: Parameters) -> Parameters:
    """Return our parameters for those of Optuna."""
    return {one.name: _value(one, inner[one.name]) for one in problem.space}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if not isinstance(dimension, Numeric):
        return CategoricalDistribution(range(dimension.count))
    if _is_indexed(dimension):
        return IntDistribution(0, dimension.count - 1)
    if dimension.is_int:
        step = 1 if dimension.is_log else int(dimension.step or 1)
        return IntDistribution(
            int(dimension.low), int(dimension.high), log=dimension.is_log, step=step
        )
    return FloatDistribution(
        dimension.low, dimension.high, log=dimension.is_log, step=dimension.step
    )


def _value(dimension: Dimension, inner: Any) -> Any:
    if not isinstance(dimension, Numeric) or _is_indexed(dimension):
        return dimension.value_at(inner)
    return dimension.value_of(dimension.coordinate_of(inner))


def _is_indexed(dimension: Dimension) -> bool:
    if not isinstance(dimension, Numeric) or dimension.table:
        return True
    return dimension.is_log and dimension.step is not None and dimension.step != 1


def _inner(problem: Problem, row: Row) -> Parameters | None:
    if problem.space.coordinates(row.parameters) is None:
        return None
    return {
        one.name: one.index_of(row.parameters[one.name])
        if _is_indexed(one)
        else row.parameters[one.name]
        for one in problem.space
    }
