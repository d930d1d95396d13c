"""What is told of a tuning job beside its run: counts, the best trial, why it is over."""

from collections.abc import Mapping

from jupyter_mlplat.ports.metadata import MetadataStore, TrialOrder
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.tuning import Objective, Trial, TrialState, TuneSpec

COUNTED = (
    TrialState.SUCCEEDED,
    TrialState.FAILED,
    TrialState.EARLY_STOPPED,
    TrialState.METRICS_UNAVAILABLE,
)
"""States of trials that count towards a job's number of trials: one that was killed is asked for
again."""


def has_reached(objective: Objective, value: float | None) -> bool:
    """Tell whether a value is as good as the goal, where there is one."""
    if objective.goal is None or value is None:
        return False
    if objective.direction == "maximize":
        return value >= objective.goal
    return value <= objective.goal


def best_trial(store: MetadataStore, run_id: str, step: str, spec: TuneSpec) -> Trial | None:
    """Return the best trial by now: of those that went to their end, else of those ended early."""
    order = TrialOrder("value", is_descending=spec.objective.direction == "maximize")
    for state in (TrialState.SUCCEEDED, TrialState.EARLY_STOPPED):
        trials = store.trials_of(run_id, step, [state], order, limit=1)
        if trials and trials[0].value is not None:
            return trials[0]
    return None


def over_of(
    run: Run, spec: TuneSpec, counts: Mapping[TrialState, int], best: Trial | None
) -> str | None:
    """Say why no more trials are made; None while some may be."""
    if not run.state.is_final:
        return None
    if run.state is RunState.CANCELED:
        return "It was stopped."
    if run.failure is not None:
        return run.failure.message
    if best is not None and has_reached(spec.objective, best.value):
        return (
            f"Trial {best.number} reached the goal: {spec.objective.metric} is {best.value:g}, "
            f"asked for was {spec.objective.goal:g}."
        )
    ended = sum(counts.get(state, 0) for state in COUNTED)
    if spec.trials is not None and ended >= spec.trials:
        return f"All {spec.trials} trials have ended."
    return "The algorithm has no more to suggest."
