"""From a tuning job and one of its trials to a job that runs that trial alone, once more. Pure."""

from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.tuning import Algorithm, SpaceParameter, Trial, TuneSpec


def pinned(pipeline: Pipeline, step: str, trial: Trial) -> Pipeline:
    """Return a job's pipeline with a space in which nothing but one trial's parameters is left."""
    steps = tuple(
        one.model_copy(update={"tune": _alone(one.tune, trial)})
        if one.name == step and one.tune is not None
        else one
        for one in pipeline.steps
    )
    parts = [pipeline.digest, step, trial.parameters]
    return pipeline.model_copy(update={"steps": steps, "digest": digest_json(parts)})


def _alone(spec: TuneSpec, trial: Trial) -> TuneSpec:
    space = tuple(
        SpaceParameter(name=name, type="categorical", values=(value,))
        for name, value in trial.parameters.items()
    )
    alone = {
        "space": space,
        "algorithm": Algorithm(name="grid"),
        "early_stopping": None,
        "objective": spec.objective.model_copy(update={"goal": None}),
        "trials": 1,
        "parallel": 1,
        "failures": 0,
        "warm_start": (),
    }
    return spec.model_copy(update=alone)
