"""An Experiment's budget: how many trials, how many at once, how many may fail.

Of an Experiment that has begun this alone may be changed, as Katib's webhook has it; so the
document that is told has the budget of now.
"""

from collections.abc import Mapping
from typing import Any

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.tuning import TuneSpec

FIELDS = ("maxTrialCount", "parallelTrialCount", "maxFailedTrialCount")
RESUMABLE = ("LongRunning", "FromVolume")
_PARALLEL = 3


def parallel_of(parallel: int | None, trials: int | None) -> int:
    """Return how many trials run at once, where that need not be said."""
    return parallel or min(_PARALLEL, trials or _PARALLEL)


def failures_of(failed: int | None) -> int | None:
    """Return how many trials may fail: upstream names the number with which it is over."""
    return None if failed is None else max(0, failed - 1)


def budget_of(spec: Mapping[str, Any]) -> dict[str, int | None]:
    """Return a document's budget as fields of a `TuneSpec`."""
    trials, parallel, failed = (spec.get(field) for field in FIELDS)
    return {
        "trials": trials,
        "parallel": parallel_of(parallel, trials),
        "failures": failures_of(failed),
    }


def with_budget(spec: Mapping[str, JsonValue], tune: TuneSpec) -> dict[str, JsonValue]:
    """Return a document's spec with the budget that its job has now."""
    asked = budget_of(spec)
    now: dict[str, JsonValue] = {
        "maxTrialCount": tune.trials,
        "parallelTrialCount": tune.parallel,
        "maxFailedTrialCount": None if tune.failures is None else tune.failures + 1,
    }
    changed = {
        field: now[field]
        for field, name in zip(FIELDS, asked, strict=True)
        if asked[name] != getattr(tune, name)
    }
    return {**spec, **changed}
