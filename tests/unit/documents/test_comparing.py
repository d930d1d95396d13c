"""What may change of an object that is there."""

from datetime import UTC, datetime
from typing import Any

import pytest

from jupyter_mlplat.formats.katib.experiments import read_experiment
from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.tuning import TuneRequest, TuneSpec
from jupyter_mlplat.services.documents.comparing import Change, change_of
from tests.unit.formats.kubeflow_documents import (
    EXPERIMENT,
    TRAIN_JOB,
    changed,
    no_config_maps,
    runtimes,
)

RESUMABLE = changed(EXPERIMENT, "spec/resumePolicy", "LongRunning").raw


def run_of(document: Any, state: RunState) -> Run:
    return Run(
        id="run-01jd3xzzzzzzzzzzzzzzzzzzzz",
        number=1,
        pipeline="x",
        pipeline_digest="sha256:" + "0" * 64,
        state=state,
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
        document=document,
    )


def tune_of(document: Any) -> TuneSpec:
    request = read_experiment(object_of(dict(document)), no_config_maps, runtimes).request
    assert isinstance(request, TuneRequest)
    return request.tune


@pytest.mark.parametrize(
    ("state", "suspend", "expected"),
    [
        (RunState.RUNNING, False, Change.NONE),
        (RunState.RUNNING, True, Change.SUSPEND),
        (RunState.PAUSED, True, Change.NONE),
        (RunState.PAUSED, False, Change.RESUME),
        (RunState.SUCCEEDED, True, Change.NONE),
    ],
)
def test_suspend_may_change(state: RunState, suspend: bool, expected: Change) -> None:
    now = changed(TRAIN_JOB, "spec/suspend", suspend).raw

    assert change_of(run_of(TRAIN_JOB, state), now, None) is expected


def test_anything_else_may_not() -> None:
    now = changed(TRAIN_JOB, "spec/trainer/numNodes", 4).raw

    assert change_of(run_of(TRAIN_JOB, RunState.RUNNING), now, None) is Change.REFUSED
    assert change_of(run_of(None, RunState.RUNNING), TRAIN_JOB, None) is Change.REFUSED


@pytest.mark.parametrize(
    ("document", "state", "trials", "expected"),
    [
        (RESUMABLE, RunState.SUCCEEDED, 13, Change.BUDGET),
        (RESUMABLE, RunState.SUCCEEDED, 12, Change.NONE),
        (RESUMABLE, RunState.SUCCEEDED, 11, Change.REFUSED),
        (RESUMABLE, RunState.FAILED, 13, Change.REFUSED),
        (RESUMABLE, RunState.RUNNING, 13, Change.REFUSED),
        (EXPERIMENT, RunState.SUCCEEDED, 13, Change.REFUSED),
    ],
)
def test_budget_may_grow_where_the_experiment_may_be_resumed(
    document: Any, state: RunState, trials: int, expected: Change
) -> None:
    now = changed(dict(document), "spec/maxTrialCount", trials).raw

    assert change_of(run_of(document, state), now, tune_of(document)) is expected


def test_budget_of_now_is_what_is_compared() -> None:
    more = changed(dict(RESUMABLE), "spec/maxTrialCount", 13).raw
    run = run_of(RESUMABLE, RunState.SUCCEEDED)

    assert change_of(run, more, tune_of(more)) is Change.NONE
