"""The engine itself, its events, and garbage collection."""

from pydantic import Field

from jupyter_mlplat.resources.base import JsonValue, Request, Resource, Timestamp

API_VERSION = "v1"


class EngineStatus(Resource):
    """Who answers behind the socket."""

    version: str = Field(description="Version of the package the engine runs.")
    api_version: str = API_VERSION
    pid: int
    home: str
    started_at: Timestamp
    fence: int = Field(
        description="Fencing number: grows with each engine of this state directory."
    )
    running_runs: int = 0
    running_tasks: int = 0
    endpoints: int = 0
    cpu_total: float = 0
    memory_total_bytes: int = 0
    gpu_total: int = 0
    last_event: int = Field(default=0, description="Sequence number of the newest event.")
    kfp_api: str | None = Field(
        default=None, description="Where KFP's API is served; None: nobody has asked for it."
    )
    mlflow_api: str | None = Field(default=None, description="The same of MLflow's API.")


class Door(Resource):
    """Where KFP's API is served, and what has to be shown there."""

    host: str = Field(description="For `kfp.Client(host=…)`.")
    token: str = Field(description="For `kfp.Client(existing_token=…)`. As good as a login.")


class TrackingVariables(Resource):
    """Where MLflow's API is served, as the variables that `import mlflow` reads.

    MLFLOW_TRACKING_TOKEN is as good as a login.
    """

    host: str = Field(description="For `mlflow.set_tracking_uri(…)`.")
    variables: dict[str, str]


class Event(Resource):
    """One state change. `seq` grows by one; a reader goes on from any number it has seen.

    Kinds: run.created, run.updated (data: the RunSummary), run.replanned (data: run_id and the
    Finding), task.updated (data: run_id and the Task), cell.updated, metric.logged
    (data: run_id, the last Metric of this name and how many were logged since: `count`),
    log.appended (data: run_id, step, size_bytes), model.updated, model.deleted, endpoint.updated
    (data: the Endpoint), endpoint.deleted, run.deleted, experiment.updated (data: the Experiment;
    to archive one archives its runs without an event for each), schedule.updated (data: the
    Schedule), schedule.fired (data: the Firing, whenever it changes), schedule.deleted,
    lease.updated (data: the Lease), lease.released, server.updated (subject: PLACE/NAME, data: the
    PlacedServer), server.deleted, cluster.updated (data: the ClusterStatus).
    """

    seq: int
    kind: str
    subject: str = Field(description="Id or name of what changed.")
    data: dict[str, JsonValue]
    time: Timestamp


class GcRequest(Request):
    """Delete what policy no longer keeps; never what a kept run, model or endpoint refers to."""

    keep_runs: int | None = Field(default=None, ge=0, description="Keep this many newest runs.")
    older_than_days: float | None = Field(default=None, ge=0)
    dry_run: bool = False


class GcReport(Resource):
    runs_deleted: int
    artifacts_deleted: int
    bytes_freed: int
    dry_run: bool = False


class ErrorBody(Resource):
    """The body of every answer that is not 2xx."""

    code: str
    message: str
    details: dict[str, JsonValue] = {}
