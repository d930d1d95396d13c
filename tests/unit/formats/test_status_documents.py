"""What Kubeflow's documents tell of jobs: conditions, counters, the best trial."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jupyter_mlplat.formats.katib.writing import write_trial, write_tuning_job
from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.formats.trainer.runtimes import read_runtime
from jupyter_mlplat.formats.trainer.writing import write_runtime, write_train_job
from jupyter_mlplat.resources.run import Failure, Run, RunState
from jupyter_mlplat.resources.training import (
    Initializer,
    Progress,
    RankStatus,
    TrainJobStatus,
    TrainRuntime,
    TrainSpec,
)
from jupyter_mlplat.resources.tuning import (
    Objective,
    Observation,
    SpaceParameter,
    Trial,
    TrialState,
    TuneSpec,
)
from tests.unit.formats.kubeflow_documents import EXPERIMENT, OPTIMIZATION_JOB, TRAIN_JOB

BEGUN = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
OVER = BEGUN + timedelta(seconds=90)
SPEC = TuneSpec(
    objective=Objective(metric="loss", goal=0.001, direction="minimize"),
    space=(SpaceParameter(name="lr", type="double", minimum=0.01, maximum=0.05, step=0.01),),
    trials=3,
)


def run_in(state: RunState, name: str = "random", failure: Failure | None = None) -> Run:
    return Run(
        id="run-01jd3xzzzzzzzzzzzzzzzzzzzz",
        number=7,
        pipeline=name,
        pipeline_digest="sha256:" + "0" * 64,
        state=state,
        created_at=BEGUN,
        finished_at=OVER if state.is_final else None,
        failure=failure,
    )


def trial(number: int, state: TrialState, value: float | None = None) -> Trial:
    seen = {} if value is None else {"loss": Observation(latest=value, min=value, max=value + 1)}
    return Trial(
        number=number,
        state=state,
        parameters={"lr": 0.02, "layers": 3, "optimizer": "adam"},
        value=value,
        metrics=seen,
        started_at=BEGUN,
        finished_at=OVER if state.is_final else None,
    )


def held(status: Any) -> dict[str, str]:
    return {one["type"]: one["reason"] for one in status["conditions"] if one["status"] == "True"}


def test_experiment_tells_its_trials_by_state_and_the_best() -> None:
    trials = [
        trial(1, TrialState.SUCCEEDED, 0.5),
        trial(2, TrialState.FAILED),
        trial(3, TrialState.RUNNING),
    ]
    document: Any = write_tuning_job(EXPERIMENT, run_in(RunState.RUNNING), SPEC, trials, trials[0])

    assert document["spec"]["trialTemplate"] == EXPERIMENT["spec"]["trialTemplate"]
    assert document["spec"]["maxTrialCount"] == SPEC.trials
    assert document["metadata"]["namespace"] == "kubeflow"
    status = document["status"]
    assert held(status) == {"Created": "ExperimentCreated", "Running": "ExperimentRunning"}
    assert (status["trials"], status["trialsSucceeded"], status["trialsFailed"]) == (3, 1, 1)
    assert status["runningTrialList"] == ["random-3"]
    assert "killedTrialList" not in status
    assert status["currentOptimalTrial"] == {
        "bestTrialName": "random-1",
        "parameterAssignments": [
            {"name": "lr", "value": "0.02"},
            {"name": "layers", "value": "3"},
            {"name": "optimizer", "value": "adam"},
        ],
        "observation": {"metrics": [{"name": "loss", "latest": "0.5", "min": "0.5", "max": "1.5"}]},
    }


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([0.5, 0.4, 0.3], "ExperimentMaxTrialsReached"),
        ([0.5, 0.0005], "ExperimentGoalReached"),
        ([0.5], "ExperimentSuggestionEndReached"),
    ],
)
def test_experiment_says_why_it_succeeded(values: list[float], reason: str) -> None:
    trials = [trial(n, TrialState.SUCCEEDED, value) for n, value in enumerate(values, 1)]
    best = min(trials, key=lambda one: one.value or 0)
    document: Any = write_tuning_job(EXPERIMENT, run_in(RunState.SUCCEEDED), SPEC, trials, best)

    assert held(document["status"])["Succeeded"] == reason
    assert document["status"]["completionTime"] == "2026-11-21T20:01:30Z"


def test_failed_experiment_says_so() -> None:
    failure = Failure(code="too-many-failures", message="3 of 4 trials have failed")
    document: Any = write_tuning_job(
        EXPERIMENT, run_in(RunState.FAILED, failure=failure), SPEC, [], None
    )

    assert held(document["status"]) == {
        "Created": "ExperimentCreated",
        "Failed": "ExperimentFailed",
    }


@pytest.mark.parametrize(
    ("state", "condition", "reason"),
    [
        (TrialState.SUCCEEDED, "Succeeded", "TrialSucceeded"),
        (TrialState.EARLY_STOPPED, "EarlyStopped", "TrialEarlyStopped"),
        (TrialState.METRICS_UNAVAILABLE, "MetricsUnavailable", "MetricsUnavailable"),
        (TrialState.RUNNING, "Running", "TrialRunning"),
    ],
)
def test_trial_is_an_object(state: TrialState, condition: str, reason: str) -> None:
    document: Any = write_trial(EXPERIMENT, run_in(RunState.RUNNING), SPEC, trial(4, state, 0.5))

    assert document["metadata"]["name"] == "random-4"
    assert held(document["status"])[condition] == reason
    assert document["spec"]["objective"]["goal"] == 0.001


def test_optimization_job_has_a_result() -> None:
    trials = [trial(n, TrialState.SUCCEEDED, 0.5) for n in (1, 2, 3)]
    run = run_in(RunState.SUCCEEDED, "bert")
    document: Any = write_tuning_job(OPTIMIZATION_JOB, run, SPEC, trials, trials[0])

    assert held(document["status"]) == {"Created": "Created", "Complete": "MaxTrialsReached"}
    assert document["status"]["result"]["trainJobName"] == "bert-1"


def test_tuning_job_without_a_document_is_an_experiment() -> None:
    document: Any = write_tuning_job(None, run_in(RunState.RUNNING), SPEC, [], None)

    assert document["kind"] == "Experiment"
    assert document["spec"]["parameters"] == [
        {
            "name": "lr",
            "parameterType": "double",
            "feasibleSpace": {"min": "0.01", "max": "0.05", "step": "0.01"},
        }
    ]


def test_train_job_tells_ranks_progress_and_metrics() -> None:
    status = TrainJobStatus(
        spec=TrainSpec(nodes=2, dataset=Initializer(uri="s3://a/b")),
        ranks=(RankStatus(rank=0, node=0, local_rank=0, state="running"),),
        progress=Progress(fraction=0.426, remaining_s=12.4, reported_at=OVER),
    )
    document: Any = write_train_job(TRAIN_JOB, run_in(RunState.RUNNING), status, {"loss": 0.25})

    assert document["spec"] == TRAIN_JOB["spec"]
    node = {"ready": 1, "succeeded": 0, "failed": 0, "active": 1, "suspended": 0}
    done = {"ready": 0, "succeeded": 1, "failed": 0, "active": 0, "suspended": 0}
    assert document["status"] == {
        "conditions": [],
        "jobsStatus": [{"name": "dataset-initializer", **done}, {"name": "node", **node}],
        "trainerStatus": {
            "lastUpdatedTime": "2026-11-21T20:01:30Z",
            "progressPercentage": 43,
            "estimatedRemainingSeconds": 12,
            "metrics": [{"name": "loss", "value": "0.25"}],
        },
    }


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        (RunState.SUCCEEDED, None, {"Complete": "AllJobsCompleted"}),
        (RunState.FAILED, "task-error", {"Failed": "FailedJobs"}),
        (RunState.FAILED, "timeout", {"Failed": "DeadlineExceeded"}),
        (RunState.CANCELED, None, {"Failed": "Canceled"}),
    ],
)
def test_train_job_ends_with_upstreams_conditions(
    state: RunState, code: str | None, expected: dict[str, str]
) -> None:
    failure = Failure(code=code, message="rank 1: ValueError") if code else None
    status = TrainJobStatus(spec=TrainSpec())
    document: Any = write_train_job(None, run_in(state, "fit", failure), status, {})

    assert held(document["status"]) == expected
    assert document["metadata"]["name"] == "fit"


def test_runtime_that_is_written_can_be_read() -> None:
    runtime = TrainRuntime(
        name="team", title="Team", contract="torch", nodes=2, env={"A": "b"}, image="team/torch"
    )

    assert read_runtime(object_of(write_runtime(runtime))) == runtime
