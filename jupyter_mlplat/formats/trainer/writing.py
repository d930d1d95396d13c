"""The status of a train job as a TrainJob has it: conditions, jobsStatus, trainerStatus.

Source:
    kubeflow/trainer, pkg/apis/trainer/v1alpha1/trainjob_types.go, pkg/constants/constants.go;
    reasons and messages of the ends: kubernetes-sigs/jobset, pkg/constants.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from jupyter_mlplat.formats.kubernetes.conditions import condition, number, time_of
from jupyter_mlplat.formats.trainer import API_VERSION, CLUSTER_RUNTIME, TRAIN_JOB
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.training import (
    RankStatus,
    TrainJobStatus,
    TrainRuntime,
    TrainSpec,
)

COMPLETED = ("AllJobsCompleted", "jobset completed successfully")
FAILED = ("FailedJobs", "jobset failed due to one or more job failures")
SUSPENDED = ("Suspended", "TrainJob is suspended")
RESUMED = ("Resumed", "TrainJob is resumed")
DEADLINE = ("DeadlineExceeded", "TrainJob exceeded its active deadline")

_MOST_METRICS = 256
_LONGEST = 64


def write_train_job(
    document: Mapping[str, JsonValue] | None,
    run: Run,
    status: TrainJobStatus,
    metrics: Mapping[str, float],
) -> dict[str, JsonValue]:
    """Write a TrainJob: what was given, with a status.

    Args:
        document: The object it was made from; None where it was made otherwise.
        run: The run that it is.
        status: What is told of it beside the run.
        metrics: Its latest metrics by name.
    """
    given = dict(document) if document is not None else _document(run, status.spec)
    return {**given, "metadata": metadata_of(given, run), "status": _status(run, status, metrics)}


def metadata_of(document: Mapping[str, JsonValue], run: Run) -> dict[str, JsonValue]:
    """Return the metadata of an object, with what its run adds."""
    given = document.get("metadata")
    metadata: dict[str, JsonValue] = {"name": run.pipeline}
    metadata.update(given if isinstance(given, dict) else {})
    return {**metadata, "uid": run.id, "creationTimestamp": time_of(run.created_at)}


def _document(run: Run, spec: TrainSpec) -> dict[str, JsonValue]:
    """Write what can be said as a TrainJob of a job that was made from a cell or a notebook."""
    trainer: dict[str, JsonValue] = {"numNodes": spec.nodes}
    if spec.processes is not None:
        trainer["numProcPerNode"] = spec.processes
    return {
        "apiVersion": API_VERSION,
        "kind": TRAIN_JOB,
        "metadata": {"name": run.pipeline},
        "spec": {"runtimeRef": {"name": spec.runtime}, "trainer": trainer},
    }


def _status(run: Run, status: TrainJobStatus, metrics: Mapping[str, float]) -> JsonValue:
    found: dict[str, JsonValue] = {
        "conditions": list(conditions_of(run, status)),
        "jobsStatus": _jobs(run, status),
    }
    trainer = _trainer(status, metrics)
    return found | ({"trainerStatus": trainer} if trainer is not None else {})


def conditions_of(run: Run, status: TrainJobStatus) -> list[dict[str, JsonValue]]:
    """Return the conditions of a train job."""
    found = [_suspended(one.status == "True", one.at) for one in status.conditions
             if one.type == "Suspended"]  # fmt: skip
    if run.state == "PAUSED" and not found:
        found = [_suspended(True, run.created_at)]
    match run.state:
        case RunState.SUCCEEDED:
            found.append(condition("Complete", *COMPLETED, run.finished_at))
        case RunState.FAILED:
            found.append(_failed(run))
        case RunState.CANCELED:
            found.append(condition("Failed", "Canceled", "The job was stopped", run.finished_at))
    return found


def _suspended(is_suspended: bool, at: datetime | None) -> dict[str, JsonValue]:
    return condition("Suspended", *(SUSPENDED if is_suspended else RESUMED), at, is_suspended)


def _failed(run: Run) -> dict[str, JsonValue]:
    failure = run.failure or next((task.failure for task in run.tasks if task.failure), None)
    if failure is not None and failure.code == "timeout":
        return condition("Failed", *DEADLINE, run.finished_at)
    reason, message = FAILED
    if failure is not None:
        message = f"{message}: {failure.message}"
    return condition("Failed", reason, message, run.finished_at)


def _jobs(run: Run, status: TrainJobStatus) -> list[JsonValue]:
    """Return one entry for each job that upstream would have made: initializers and the nodes."""
    running = run.state is RunState.RUNNING
    has_begun = bool(status.ranks) or run.state is RunState.SUCCEEDED
    found: list[JsonValue] = []
    for name in ("dataset", "model"):
        if getattr(status.spec, name) is not None:
            found.append(
                _job(
                    f"{name}-initializer",
                    ready=False,
                    succeeded=has_begun,
                    failed=run.state is RunState.FAILED and not has_begun,
                    active=running and not has_begun,
                    suspended=run.state == "PAUSED",
                )
            )
    is_up = running and all(rank.state == "running" for rank in status.ranks)
    found.append(
        _job(
            "node",
            ready=is_up and has_begun,
            succeeded=run.state is RunState.SUCCEEDED,
            failed=run.state is RunState.FAILED or _any_failed(status.ranks),
            active=running,
            suspended=run.state == "PAUSED",
        )
    )
    return found


def _any_failed(ranks: Sequence[RankStatus]) -> bool:
    return any(rank.state == "failed" for rank in ranks)


def _job(
    name: str, *, ready: bool, succeeded: bool, failed: bool, active: bool, suspended: bool
) -> dict[str, JsonValue]:
    return {
        "name": name,
        "ready": int(ready),
        "succeeded": int(succeeded),
        "failed": int(failed),
        "active": int(active and not failed),
        "suspended": int(suspended),
    }


def _trainer(status: TrainJobStatus, metrics: Mapping[str, float]) -> JsonValue:
    progress = status.progress
    if progress is None or progress.reported_at is None:
        return None
    found: dict[str, JsonValue] = {"lastUpdatedTime": time_of(progress.reported_at)}
    if progress.fraction is not None:
        found["progressPercentage"] = round(progress.fraction * 100)
    if progress.remaining_s is not None:
        found["estimatedRemainingSeconds"] = round(progress.remaining_s)
    found["metrics"] = [
        {"name": name[:_LONGEST], "value": number(value)[:_LONGEST]}
        for name, value in list(metrics.items())[:_MOST_METRICS]
    ]
    return found


def write_runtime(runtime: TrainRuntime) -> dict[str, JsonValue]:
    """Write a runtime of ours as the object that upstream has for it."""
    policy: dict[str, JsonValue] = {"numNodes": runtime.nodes}
    if runtime.contract == "mpi":
        policy["mpi"] = {"numProcPerNode": runtime.processes or 1}
    elif runtime.contract != "plain":
        policy[runtime.contract] = {}
    container: dict[str, JsonValue] = {"name": "node"}
    if runtime.image is not None:
        container["image"] = runtime.image
    if runtime.command:
        container["command"] = list(runtime.command)
    if runtime.env:
        container["env"] = [{"name": name, "value": value} for name, value in runtime.env.items()]
    job: dict[str, JsonValue] = {
        "name": "node",
        "template": {
            "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
            "spec": {"template": {"spec": {"containers": [container]}}},
        },
    }
    return {
        "apiVersion": API_VERSION,
        "kind": CLUSTER_RUNTIME,
        "metadata": {"name": runtime.name, "annotations": {"description": runtime.title}},
        "spec": {"mlPolicy": policy, "template": {"spec": {"replicatedJobs": [job]}}},
    }
