"""A trial runs once more, alone, with the very parameters it had."""

from jupyter_mlplat.resources.pipeline import Pipeline, Program, Step
from jupyter_mlplat.resources.tuning import Trial, TuneSpec
from jupyter_mlplat.services.jobs.rerunning import pinned
from jupyter_mlplat.services.tuning.problem import read_problem

SPEC = TuneSpec.model_validate(
    {
        "objective": {"metric": "auc", "goal": 0.9},
        "space": [
            {"name": "lr", "type": "double", "minimum": 0.001, "maximum": 1},
            {"name": "kind", "type": "categorical", "values": ["a", "b"]},
        ],
        "algorithm": {"name": "tpe"},
        "early_stopping": {"name": "medianstop"},
        "trials": 30,
        "parallel": 4,
    }
)
TRIAL = Trial.model_validate(
    {"number": 7, "state": "Succeeded", "parameters": {"lr": 0.25, "kind": "b"}, "value": 0.8}
)


def made() -> Pipeline:
    step = Step(name="tune", title="search", cells=(), program=Program(command=("true",)))
    step = step.model_copy(update={"tune": SPEC})
    return Pipeline(name="search", digest="sha256:" + "1" * 64, steps=(step,), edges=())


def test_space_holds_nothing_but_what_the_trial_had() -> None:
    pipeline = pinned(made(), "tune", TRIAL)

    tune = pipeline.steps[0].tune
    assert tune is not None
    assert [(one.name, one.values) for one in tune.space] == [("lr", (0.25,)), ("kind", ("b",))]
    assert (tune.trials, tune.parallel, tune.early_stopping, tune.objective.goal) == (
        1,
        1,
        None,
        None,
    )
    assert pipeline.digest != made().digest
    read_problem(tune.to_wire())  # the tuner takes it


def test_other_steps_stay_as_they_are() -> None:
    assert pinned(made(), "another", TRIAL).steps == made().steps
