"""Which parameters the objective depends on."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlplat.services.tuning.problem import read_problem
from jupyter_mlplat.services.tuning.table import read_rows

_LEAST_TRIALS = 4
_MOST_TRIALS = 200  # the evaluator's time grows with their square, what it says hardly changes
_TREES = 32


def importance(spec: Mapping[str, Any], trials: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return each parameter's share in the variance of the objective, largest first.

    A forest is fitted to the trials that succeeded, two hundred of them from all over the job; the
    variance that it shows over the whole space is split between parameters. Empty where there are
    too few trials, or all have one value.

    Args:
        spec: A `TuneSpec` on the wire.
        trials: Its trials on the wire.

    Raises:
        InvalidInput: The spec makes no sense.

    Source:
        Hutter et al., "An Efficient Approach for Assessing Hyperparameter Importance" (2014), by
        `optuna.importance.FanovaImportanceEvaluator`.
    """
    problem = read_problem(spec)
    rows = [row for row in read_rows(problem, trials) if row.is_complete]
    rows = rows[:: math.ceil(len(rows) / _MOST_TRIALS) or 1]
    if len(rows) < _LEAST_TRIALS or len({row.loss for row in rows}) == 1:
        return {}
    from optuna.importance import FanovaImportanceEvaluator

    from jupyter_mlplat.services.tuning.studies import study_of

    study = study_of(problem, rows)
    if len(study.trials) < _LEAST_TRIALS:
        return {}
    evaluator = FanovaImportanceEvaluator(n_trees=_TREES, seed=problem.seed % 2**31)
    shares = evaluator.evaluate(study)
    total = sum(share for share in shares.values() if math.isfinite(share))
    if not total > 0:
        return {}
    return {
        name: float(share / total)
        for name, share in sorted(shares.items(), key=lambda pair: -pair[1])
        if math.isfinite(share)
    }
