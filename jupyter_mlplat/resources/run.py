"""A run: one execution of a pipeline with parameter values, and the states of its tasks."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from jupyter_mlplat.config import THIS_MACHINE
from jupyter_mlplat.resources.base import (
    Digest,
    HostPath,
    Identifier,
    JsonValue,
    Name,
    Request,
    Resource,
    Timestamp,
)
from jupyter_mlplat.resources.pipeline import Report
from jupyter_mlplat.resources.training import Progress
from jupyter_mlplat.resources.workflow import ExecutedAs, KfpFacts, TaskKind, Values

TagName = Annotated[str, StringConstraints(pattern=r"^[^\s=]{1,63}$")]
TagValue = Annotated[str, StringConstraints(max_length=256)]

Reuse = Literal["equal", "last"]

RunKind = Literal["pipeline", "train", "tune", "tracked"]
"""`tracked`: code that runs elsewhere and only tells of itself, through MLflow's API."""


class RunState(StrEnum):
    """Spelled as in the KFP v2beta1 API."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    PAUSED = "PAUSED"  # nothing of it runs until it is resumed

    @property
    def is_final(self) -> bool:
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED)


class TaskState(StrEnum):
    PENDING = "PENDING"  # waits for other steps
    QUEUED = "QUEUED"  # could start, waits for resources or for its back-off
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"  # ran, or was taken from the cache (`cached`)
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"  # an earlier step failed or it was not asked for
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        return self not in (TaskState.PENDING, TaskState.QUEUED, TaskState.RUNNING)


class Failure(Resource):
    """Why a task or run did not succeed."""

    code: str = Field(
        description="cell-error, killed, out-of-memory, timeout, not-serialisable, disk-full …"
    )
    message: str = Field(description="One message: what, where, what to do.")
    step: str | None = None
    cell: str | None = None
    cell_index: int | None = None
    line: int | None = None
    error_name: str | None = Field(default=None, description="Exception class, for a cell-error.")
    error_value: str | None = None
    changes: tuple[str, ...] = Field(
        default=(), description="Names the cell was found to change, for an unforeseen-change."
    )
    reads: tuple[str, ...] = Field(
        default=(), description="Names the cell was found to read, for an unforeseen-read."
    )
    ties: tuple[str, ...] = Field(
        default=(),
        description="Names that could not be passed on, where they are not-serialisable.",
    )
    traceback: tuple[str, ...] = Field(
        default=(), description="Lines as IPython prints them, with ANSI colours."
    )


class CacheExplanation(Resource):
    """Why a task was, or was not, taken from the cache."""

    hit: bool
    reason: str = Field(
        description="For people: 'same code, same inputs as run 12', 'cell changed' …"
    )
    run_id: Identifier | None = None
    run_number: int | None = None
    changed: tuple[str, ...] = Field(
        default=(), description="What differs from the last run, for a miss."
    )
    stale: bool = Field(
        default=False,
        description="Whether it was taken as it last succeeded, because that was asked for, "
        "although it is not known to come out the same now.",
    )


class CellRun(Resource):
    """How one cell of a task went."""

    id: str
    state: Literal["pending", "running", "ok", "error"]
    duration_s: float | None = None


class Task(Resource):
    """One step of one run."""

    name: Name
    title: str = ""
    state: TaskState
    attempt: int = Field(default=0, description="0: not started yet.")
    cached: bool = False
    cache: CacheExplanation | None = None
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    duration_s: float | None = None
    failure: Failure | None = None
    cells: tuple[CellRun, ...] = ()
    waiting_for: str | None = Field(
        default=None,
        description="For people, while QUEUED; and while RUNNING on a cluster, until its pod runs.",
    )
    executed_as: ExecutedAs | None = Field(
        default=None,
        description="How its last attempt ran. None where it did not run, or ended under another "
        "engine.",
    )
    bundle: Digest | None = Field(default=None, description="What it saved, as one manifest.")
    not_kept: dict[str, str] = Field(
        default={}, description="Final values that could not be saved, each with the reason."
    )
    gpus: tuple[int, ...] = Field(default=(), description="Devices leased to it while it runs.")
    first_attempt: int = Field(
        default=1, description="Attempt the retry limit counts from: a retry asked for starts anew."
    )
    retry_at: Timestamp | None = Field(
        default=None, description="When the next attempt is due, while it waits out its back-off."
    )
    kind: TaskKind = "step"
    parent: Name | None = Field(default=None, description="The task it lies in; None: the root.")
    path: tuple[str, ...] = Field(
        default=(),
        description="Where a task of a KFP pipeline lies: names from the root to it, as the "
        "pipeline has them, iterations by number.",
    )
    needs: tuple[Name, ...] = Field(
        default=(), description="Tasks it waits for, where the pipeline unfolds as it runs."
    )
    inputs: Values | None = Field(
        default=None, description="What a task of a KFP pipeline is given."
    )
    results: Values | None = Field(default=None, description="What a task of a KFP pipeline made.")
    notes: tuple[str, ...] = Field(
        default=(), description="What was asked for and is not honoured here, for people."
    )
    progress: Progress | None = None
    spent_s: float = Field(
        default=0.0,
        description="How long earlier attempts of a train or tuning job have run: its time-out is "
        "for all of them together.",
    )
    is_stopping: bool = Field(
        default=False,
        description="It was told to end since its run was paused: it will be queued again.",
    )


class Metric(Resource):
    name: str
    value: float
    step: str
    position: int | None = Field(default=None, description="Training step or epoch, where given.")
    logged_at: Timestamp


class OutputValue(Resource):
    """A value a step saved: what it is, and the artifact that holds it."""

    name: str
    step: str
    type: str = Field(description="Type for people: 'pandas.DataFrame', 'int' …")
    codec: str
    size_bytes: int
    artifact_id: Identifier | None = None
    digest: Digest
    preview: str = Field(default="", description="Shortened repr, or the shape; plain text.")


class Run(Resource):
    """One execution of a pipeline. `number` counts runs of this state directory, for people."""

    id: Identifier
    number: int
    pipeline: Name
    pipeline_digest: Digest
    kind: RunKind = "pipeline"
    place: str = Field(
        default=THIS_MACHINE, description="Where its steps run: `this-machine`, or a cluster."
    )
    title: str = Field(default="", description="What somebody calls it; the pipeline's name else.")
    notebook: str | None = None
    experiment: Name = "default"
    state: RunState
    parameters: dict[str, JsonValue] = {}
    logged_parameters: dict[str, JsonValue] = Field(
        default={},
        description="Parameters its code has logged with MLflow. Those of a tracked run are its "
        "`parameters`: it has no others.",
    )
    created_at: Timestamp
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    paused_at: Timestamp | None = Field(default=None, description="While it is paused.")
    resumed_at: Timestamp | None = Field(default=None, description="When it last was.")
    duration_s: float | None = None
    failure: Failure | None = None
    tasks: tuple[Task, ...] = ()
    tags: dict[str, str] = {}
    note: str = Field(default="", description="What somebody wrote about it; plain text.")
    archived: bool = Field(default=False, description="Put away: lists leave it out.")
    retry_of: Identifier | None = None
    clone_of: Identifier | None = Field(
        default=None, description="The run whose code it runs, whatever the notebook holds now."
    )
    cache: bool = Field(default=True, description="Whether steps may be taken from the cache.")
    literal: bool = Field(
        default=False,
        description="Run the commands of a KFP pipeline as they stand: shell, pip and all.",
    )
    until: Name | None = Field(default=None, description="Only this step and what it needs runs.")
    from_step: Name | None = Field(
        default=None, description="This step and all that needs it run whatever the cache holds."
    )
    reuse: Reuse = "equal"
    split: Literal["auto", "cell"] = "auto"
    whole: bool = Field(default=False, description="From top to bottom in one kernel.")
    kfp: KfpFacts | None = Field(
        default=None, description="What was asked for through KFP's API, beside the rest."
    )
    document: dict[str, JsonValue] | None = Field(
        default=None, description="The Kubeflow document that a job was made from, as it was given."
    )
    notes: tuple[str, ...] = Field(
        default=(), description="What was asked for and is not honoured here, for people."
    )
    results: Values | None = Field(
        default=None, description="What a KFP pipeline as a whole has made: its outputs."
    )

    @property
    def steps(self) -> tuple[Task, ...]:
        """The tasks that run by themselves, those that only hold others left out."""
        return tuple(task for task in self.tasks if task.kind == "step")


class RunSummary(Resource):
    """A run as a row of a list."""

    id: Identifier
    number: int
    pipeline: Name
    kind: RunKind = "pipeline"
    place: str = THIS_MACHINE
    title: str = ""
    notebook: str | None = None
    experiment: Name = "default"
    state: RunState
    created_at: Timestamp
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    duration_s: float | None = None
    tasks_total: int
    tasks_done: int
    tasks_cached: int = 0
    failed_step: str | None = None
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}
    note: str = ""
    archived: bool = False


class RunPage(Resource):
    """One page of runs."""

    runs: tuple[RunSummary, ...]
    next: str | None = Field(default=None, description="Asks for the page after it, as `before`.")
    total: int = Field(default=0, description="How many runs there are on all pages.")


class RunFacets(Resource):
    """What runs can be told apart by: the most frequent first."""

    experiments: tuple[str, ...]
    tags: dict[str, tuple[str, ...]] = Field(description="Values by name.")
    metrics: tuple[str, ...]


class MetricList(Resource):
    """What a run has logged; with `points`, of each curve at most so many points.

    Those that are left out lie, of all between two that are not, neither highest nor lowest.
    """

    metrics: tuple[Metric, ...]
    total: int = Field(default=0, description="How many values were logged.")


class OutputList(Resource):
    outputs: tuple[OutputValue, ...]


class RunResult(Resource):
    """A run with what came out of it: what `run --json` prints."""

    run: Run
    outputs: dict[str, OutputValue] = Field(description="Final version of each saved name.")
    metrics: dict[str, float] = Field(description="Last value of each metric.")


class SubmitRequest(Request):
    """Ask for a run. Send the header `Idempotency-Key` to make a repeat harmless."""

    path: HostPath | None = None
    notebook: dict[str, JsonValue] | None = None
    split: Literal["auto", "cell"] = "auto"
    parameters: dict[str, JsonValue] = {}
    experiment: Name = "default"
    cache: bool = True
    run_on: Name | None = Field(
        default=None,
        description="Where: `this-machine`, or a cluster of the settings; null: as they say.",
    )
    literal: bool = Field(
        default=False,
        description="Run the commands of a KFP pipeline as they stand: shell, pip and all.",
    )
    tags: dict[str, str] = {}
    title: str = Field(default="", max_length=500, description="What to call the run.")
    note: str = Field(default="", max_length=10_000)
    kfp: KfpFacts | None = None
    whole: bool = Field(
        default=False,
        description="Run the notebook from top to bottom in its own kernel, by papermill, instead "
        "of as steps: parameters are injected, nothing is taken from the cache.",
    )
    reports: tuple[Report, ...] = Field(
        default=("html",), description="What is made of a notebook that was run whole."
    )
    folder: HostPath | None = Field(
        default=None, description="Where a notebook is run whole; by default where it lies."
    )
    until: Name | None = Field(default=None, description="Run only this step and what it needs.")
    from_step: Name | None = Field(
        default=None,
        description="Run this step and all that needs it anew, whatever the cache holds; what they "
        "need is taken from the cache where possible, all other steps are left out. With `until` "
        "naming the same step, only this one runs anew.",
    )
    reuse: Reuse = Field(
        default="equal",
        description="What is taken of the steps that `from_step` needs: `equal`, what the cache "
        "has of the same code and inputs; `last`, else what they left when they last succeeded, "
        "even if they have changed since.",
    )


class RunPatch(Request):
    """Change what people say of a run; what is not given stays."""

    note: str | None = Field(default=None, max_length=2000)
    tags: dict[TagName, TagValue | None] = Field(
        default={}, max_length=64, description="New values by name; null takes a tag away."
    )
    experiment: Name | None = None
    archived: bool | None = Field(default=None, description="Put it away, or take it back.")


class CloneRequest(Request):
    """Ask for a new run of the code a run had, even if its notebook has changed or is gone.

    Send the header `Idempotency-Key` to make a repeat harmless.
    """

    parameters: dict[str, JsonValue] | None = Field(
        default=None, description="All that differ from the defaults; null: those of the run."
    )
    experiment: Name | None = Field(default=None, description="Null: that of the run.")
    tags: dict[str, str] | None = Field(default=None, description="Null: those of the run.")
    cache: bool = True
    run_on: Name | None = Field(default=None, description="Where; null: where the run ran.")
    until: Name | None = Field(default=None, description="Run only this step and what it needs.")


class RetryRequest(Request):
    """Go on with a failed or cancelled run: what succeeded is kept, the rest runs again.

    With `notebook` or a changed file the steps that changed, and what depends on them, run with
    the new code: the run goes on as a new attempt of the same run id.
    """

    path: HostPath | None = None
    notebook: dict[str, JsonValue] | None = None
    from_step: Name | None = None


class LogLine(Resource):
    """A piece of what a step wrote."""

    step: Name
    attempt: int
    stream: Literal["stdout", "stderr"]
    text: str
    cell: str | None = None
