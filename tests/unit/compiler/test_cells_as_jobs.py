"""Cells that are train and tuning jobs, as steps of a pipeline."""

from typing import Any

import pytest

from jupyter_mlplat.compiler import compile_notebook
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.spelling import split_words, train_spec, tune_spec
from jupyter_mlplat.resources.training import TrainSpec
from jupyter_mlplat.resources.tuning import SpaceParameter


def compiled(*cells: str | tuple[str, dict[str, Any]]) -> Pipeline:
    parts = [(cell, {}) if isinstance(cell, str) else cell for cell in cells]
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "source": source,
                "metadata": {"mlplat": said},
            }
            for number, (source, said) in enumerate(parts)
        ],
    }
    return compile_notebook(content, name="jobs")


def inputs_of(step: Step) -> set[tuple[str, str]]:
    return {(given.name, given.step) for given in step.inputs}


def test_cell_that_is_a_train_job_is_a_step_of_its_own() -> None:
    pipeline = compiled(
        "x = [1]", "%%mlplat train --nodes 2 --nproc 3 --gpu 1\ny = x[0]", "print(y)"
    )

    _, job, last = pipeline.steps
    assert (job.name, job.train) == ("train", TrainSpec(nodes=2, processes=3))
    assert job.settings.resources.gpu == 1
    assert inputs_of(job) == {("x", "cell-1")}
    assert inputs_of(last) == {("y", "train")}
    assert pipeline.is_runnable


def test_metadata_makes_a_step_a_train_job() -> None:
    (step,) = compiled(("x = 1", {"step": "fit", "train": {"nodes": 2, "processes": 2}})).steps

    assert step.train == TrainSpec(nodes=2, processes=2)


def test_step_mark_makes_a_step_a_train_job() -> None:
    (step,) = compiled("%%mlplat step fit --nproc 2 --runtime plain\nx = 1").steps

    assert (step.name, step.train) == ("fit", TrainSpec(processes=2, runtime="plain"))


def test_tuning_cell_binds_its_parameters_for_later_steps() -> None:
    pipeline = compiled(
        "rows = [1]",
        "%%mlplat tune --trials 9 --maximize auc --also loss lr=loguniform(1e-5,1) n=int(2, 12)\n"
        "auc = lr * n * rows[0]\nloss = -auc",
        "print(lr, auc)",
    )

    _, job, last = pipeline.steps
    assert job.tune is not None
    assert [parameter.name for parameter in job.tune.space] == ["lr", "n"]
    assert (job.tune.trials, job.tune.objective.metric) == (9, "auc")
    assert job.metrics == ("auc", "loss")
    assert inputs_of(job) == {("rows", "cell-1")}
    assert inputs_of(last) == {("auc", "tune"), ("lr", "tune")}
    assert pipeline.is_runnable


def test_tuning_cell_in_metadata_takes_words_and_mappings() -> None:
    space = {"lr": "uniform(0,1)", "kind": ["a", "b"]}
    said = {"tune": {"space": space, "minimize": "loss", "train": {"processes": 2}}}

    (step,) = compiled(("loss = lr", said)).steps

    assert step.tune is not None
    assert step.tune.train == TrainSpec(processes=2)
    assert step.tune.space == (
        SpaceParameter(name="lr", type="double", minimum=0, maximum=1),
        SpaceParameter(name="kind", type="categorical", values=("a", "b")),
    )


def test_two_jobs_without_names_are_two_steps() -> None:
    pipeline = compiled("%%mlplat train\nx = 1", "%%mlplat train\ny = x")

    assert [step.name for step in pipeline.steps] == ["train", "train-2"]


def test_what_only_concerns_a_kernel_is_passed_over() -> None:
    pipeline = compiled("%%mlplat train --no-wait --as job --tag a=b --nproc 2\nx = 1")

    assert pipeline.problems == ()
    assert pipeline.steps[0].train == TrainSpec(processes=2)


def test_state_of_a_jobs_processes_ends_with_them() -> None:
    pipeline = compiled(
        "import torch.distributed as dist",
        "%%mlplat train --nproc 2\ndist.init_process_group('gloo')\nx = dist.get_rank()",
        "print(x, dist.is_available())",
    )

    assert [step.name for step in pipeline.steps][-2:] == ["train", "cell-3"]
    assert pipeline.is_runnable


def test_job_that_cannot_be_parted_from_other_cells_is_refused() -> None:
    pipeline = compiled("lines = open('a')", "%%mlplat train --nproc 2\nx = lines.read()")

    (problem,) = pipeline.problems
    assert problem.code == "fused-job"
    assert "holds an open file" in problem.message
    assert not pipeline.is_runnable


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train --nodes two", "`train`: Cannot read the train job: nodes is 'two'"),
        ("tune --trials 3", "needs a space to search"),
        ("tune lr=uniform(0,1)", "needs one metric to judge trials by"),
        ("tune lr=uniform(2,1) --maximize a", "2 is above the maximum, 1"),
        ("tune lr=unif(0,1) --maximize a", "there is no kind 'unif'"),
        ("tune lr=uniform(0,1) --maximize a --setting n", "NAME=VALUE is needed"),
    ],
)
def test_job_that_cannot_be_read_is_a_problem_of_its_cell(line: str, message: str) -> None:
    pipeline = compiled(f"%%mlplat {line}\nx = 1")

    (problem,) = pipeline.problems
    assert problem.code == "bad-settings"
    assert message in problem.message


def test_unknown_keys_name_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="'processes' is the nearest"):
        train_spec({"proceses": 2})
    with pytest.raises(InvalidInput, match="'algorithm' is the nearest"):
        tune_spec({"algoritm": "tpe", "space": "a=uniform(0,1)", "maximize": "m"})


def test_algorithm_and_early_stopping_take_settings() -> None:
    spec = tune_spec(
        {
            "space": "a=uniform(0,1) b=choice(x,y)",
            "maximize": "m",
            "goal": "0.9",
            "algorithm": "tpe",
            "settings": ["n_startup=5", "mode=fast"],
            "early_stopping": "asha",
            "stop_settings": {"eta": 2},
        }
    )

    assert spec.objective.goal == 0.9
    assert spec.algorithm.settings == {"n_startup": 5, "mode": "fast"}
    assert spec.early_stopping is not None
    assert (spec.early_stopping.name, spec.early_stopping.settings) == ("asha", {"eta": 2})


def test_words_are_told_from_dimensions() -> None:
    assert split_words(["fit", "n=int(2,", "12)", "x=y"]) == (["fit", "x=y"], ["n=int(2, 12)"])
