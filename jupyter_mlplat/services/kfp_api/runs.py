"""Runs as the API tells of them, and what of ours its callers ask for."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.kfp import runs as messages
from jupyter_mlplat.resources.kfp.base import EPOCH, Status
from jupyter_mlplat.resources.run import Failure, Run, Task, TaskState
from jupyter_mlplat.resources.schedule import Firing
from jupyter_mlplat.resources.workflow import Values
from jupyter_mlplat.services.kfp_api.experiments import ARCHIVED, AVAILABLE, archived_value
from jupyter_mlplat.services.kfp_api.listing import Listable
from jupyter_mlplat.services.kfp_api.pipelines import spec_message
from jupyter_mlplat.services.kfp_api.statuses import INTERNAL

RUNS = Listable(
    fields={
        "id": "id",
        "run_id": "id",
        "name": "title",
        "display_name": "title",
        "description": "note",
        "created_at": "created_at",
        "scheduled_at": "created_at",
        "finished_at": "finished_at",
        "storage_state": "archived",
        "state": "state",
        "status": "state",
        "experiment_id": "experiment_id",
        "namespace": "namespace",
        "recurring_run_id": "schedule",
    },
    values={"archived": archived_value},
)

_STATES: Mapping[TaskState, str] = {
    TaskState.PENDING: "PENDING",
    TaskState.QUEUED: "PENDING",
    TaskState.RUNNING: "RUNNING",
    TaskState.SUCCEEDED: "SUCCEEDED",
    TaskState.FAILED: "FAILED",
    TaskState.SKIPPED: "SKIPPED",
    TaskState.CANCELED: "CANCELED",
}


def run_message(
    run: Run,
    experiment_id: str,
    ir: Mapping[str, JsonValue] | None,
    firing: Firing | None,
    *,
    with_tasks: bool,
) -> messages.Run:
    """Tell of a run.

    Args:
        run: The run; its tasks are told of only where they are asked for.
        experiment_id: Of the experiment it names; empty where that was deleted.
        ir: The pipeline it was made from; None for one that was made from a notebook.
        firing: Of the schedule that began it; None: somebody did.
        with_tasks: Whether to tell of its tasks.
    """
    kfp = run.kfp
    reference = None
    if kfp is not None and kfp.pipeline_id:
        reference = messages.PipelineVersionReference(
            pipeline_id=kfp.pipeline_id, pipeline_version_id=kfp.version_id or ""
        )
    root = kfp.pipeline_root if kfp else ""
    details = None
    if with_tasks:
        tasks = tuple(_task_message(run, task) for task in run.tasks)
        details = messages.RunDetails(task_details=tasks)
    return messages.Run(
        run_id=run.id,
        experiment_id=experiment_id,
        display_name=run.title or run.pipeline,
        description=run.note,
        storage_state=ARCHIVED if run.archived else AVAILABLE,
        pipeline_version_reference=reference,
        pipeline_spec=spec_message(ir) if ir is not None and reference is None else None,
        runtime_config=messages.RuntimeConfig(parameters=run.parameters, pipeline_root=root)
        if run.parameters or root
        else None,
        service_account=kfp.service_account if kfp else "",
        plugins_input=kfp.plugins_input if kfp else {},
        created_at=run.created_at,
        scheduled_at=firing.planned_at if firing else run.created_at,
        recurring_run_id=firing.schedule_id if firing else "",
        finished_at=run.finished_at or EPOCH,
        state=run.state.value,
        error=_error(run.failure),
        state_history=_history(run.state.value, run.created_at, run.started_at, run.finished_at),
        run_details=details,
    )


def _task_message(run: Run, task: Task) -> messages.TaskDetail:
    state = _STATES[task.state]
    children = (other for other in run.tasks if other.parent == task.name)
    return messages.TaskDetail(
        run_id=run.id,
        task_id=_task_id(run, task.name),
        display_name=task.title or task.name,
        create_time=run.created_at,
        start_time=task.started_at or EPOCH,
        end_time=task.finished_at or EPOCH,
        state=state,
        error=_error(task.failure),
        inputs=_artifacts(task.inputs),
        outputs=_artifacts(task.results),
        parent_task_id=_task_id(run, task.parent) if task.parent else "",
        state_history=_history(state, run.created_at, task.started_at, task.finished_at),
        child_tasks=tuple(
            messages.ChildTask(task_id=_task_id(run, child.name)) for child in children
        ),
    )


def _task_id(run: Run, name: str) -> str:
    return f"{run.id}/{name}"


def _artifacts(values: Values | None) -> dict[str, messages.ArtifactList]:
    found = values.artifacts if values else {}
    return {
        name: messages.ArtifactList(
            artifact_ids=tuple(one.artifact_id or one.name for one in artifacts)
        )
        for name, artifacts in found.items()
    }


def _error(failure: Failure | None) -> Status | None:
    return None if failure is None else Status(code=INTERNAL, message=failure.message)


def _history(
    state: str, created: datetime, started: datetime | None, finished: datetime | None
) -> tuple[messages.RuntimeStatus, ...]:
    moments: Iterable[tuple[str, datetime | None]] = (
        ("PENDING", created),
        ("RUNNING", started),
        (state if state not in ("PENDING", "RUNNING") else "", finished or started or created),
    )
    return tuple(
        messages.RuntimeStatus(update_time=moment, state=name)
        for name, moment in moments
        if name and moment is not None
    )
