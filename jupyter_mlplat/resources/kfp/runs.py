"""Runs and what is told of their tasks."""

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.kfp.base import Message, Moment, Status


class PipelineVersionReference(Message):
    pipeline_id: str = ""
    pipeline_version_id: str | None = ""


class RuntimeConfig(Message):
    parameters: dict[str, JsonValue] | None = {}
    pipeline_root: str | None = ""


class RuntimeStatus(Message):
    update_time: Moment | None = None
    state: str = ""
    error: Status | None = None


class ArtifactList(Message):
    artifact_ids: tuple[str, ...] = ()


class ChildTask(Message):
    task_id: str = ""
    pod_name: str = ""


class TaskDetail(Message):
    run_id: str = ""
    task_id: str = ""
    display_name: str = ""
    create_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    state: str = ""  # PENDING RUNNING SUCCEEDED SKIPPED FAILED CANCELED
    error: Status | None = None
    inputs: dict[str, ArtifactList] = {}
    outputs: dict[str, ArtifactList] = {}
    parent_task_id: str = ""
    state_history: tuple[RuntimeStatus, ...] = ()
    child_tasks: tuple[ChildTask, ...] = ()


class RunDetails(Message):
    task_details: tuple[TaskDetail, ...] = ()


class Run(Message):
    experiment_id: str | None = ""
    run_id: str = ""
    display_name: str = ""
    storage_state: str | None = ""  # AVAILABLE, ARCHIVED
    description: str | None = ""
    pipeline_version_id: str | None = ""  # deprecated; the reference counts
    pipeline_spec: dict[str, JsonValue] | None = None
    pipeline_version_reference: PipelineVersionReference | None = None
    runtime_config: RuntimeConfig | None = None
    service_account: str | None = ""
    created_at: Moment | None = None
    scheduled_at: Moment | None = None
    finished_at: Moment | None = None
    state: str | None = ""
    error: Status | None = None
    run_details: RunDetails | None = None
    recurring_run_id: str | None = ""
    state_history: tuple[RuntimeStatus, ...] = ()
    plugins_input: dict[str, JsonValue] | None = {}
    plugins_output: dict[str, JsonValue] | None = {}


class ListRunsResponse(Message):
    runs: tuple[Run, ...] = ()
    total_size: int = 0
    next_page_token: str = ""
