"""Train jobs: one training run of many processes, as Kubeflow's Trainer v2 has it.

A train job is a run of one step that has a `TrainSpec`; a step of any pipeline may have one. The
step's process prepares what the cells need, then forks the ranks.

Source:
    trainer.kubeflow.org/v1alpha1 TrainJob and ClusterTrainingRuntime.
"""

from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import (
    Gpus,
    HostPath,
    JsonValue,
    Name,
    Request,
    Resource,
    Timestamp,
)


class Initializer(Resource):
    """What is brought to the job before it starts: a dataset or a model, by its URI."""

    uri: str = Field(description="A path, or what fsspec opens: file://, s3://, hf:// …")
    env: dict[str, str] = {}


class Mount(Resource):
    """A folder that a program sees at a path of its own, as a pod sees a volume."""

    path: str = Field(description="Absolute; what lies there otherwise is not seen.")
    volume: str | None = Field(
        default=None,
        description="Named folder of this machine, kept until it is deleted; None: an empty one.",
    )
    sub_path: str = Field(default="", description="Of the volume.")
    is_read_only: bool = False


class TrainSpec(Resource):
    """How many processes a step runs as, and what they are told of each other."""

    runtime: Name = Field(default="torch-distributed", description="Name of a `TrainRuntime`.")
    nodes: int = Field(default=1, ge=1, le=1024)
    processes: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Processes of each node; None: one for each GPU it has, else one.",
    )
    dataset: Initializer | None = None
    model: Initializer | None = None

    @property
    def ranks(self) -> int:
        """How many processes there are in all."""
        return self.nodes * (self.processes or 1)


class TrainRuntime(Resource):
    """How ranks of a kind are started and what they find in their environment; data, not code."""

    name: Name
    title: str
    contract: Literal["torch", "mpi", "jax", "plain"]
    nodes: int = 1
    processes: int | None = None
    packages: tuple[str, ...] = Field(default=(), description="Modules that ranks import.")
    env: dict[str, str] = {}
    image: str | None = Field(
        default=None, description="Container image that has to be stood in for; None: none has."
    )
    command: tuple[str, ...] = Field(default=(), description="Of jobs that give none.")
    mounts: tuple[Mount, ...] = Field(default=(), description="Of commands that it runs.")
    restarts: int = Field(default=0, ge=0, description="After failures, of jobs that use it.")
    notes: tuple[str, ...] = Field(
        default=(), description="What its document asks for and is not honoured here."
    )
    is_built_in: bool = False


class TrainRuntimeList(Resource):
    """The runtimes a train job may name."""

    runtimes: tuple[TrainRuntime, ...]


class RankStatus(Resource):
    """One process of a train job."""

    rank: int
    node: int
    local_rank: int
    state: Literal["pending", "running", "succeeded", "failed", "stopped"]
    pid: int | None = None
    gpus: tuple[str, ...] = ()
    exit: str | None = Field(default=None, description="How it ended, for people.")
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None


class Progress(Resource):
    """How far a task says it is: what `mlplat.train.report` was last told."""

    fraction: float | None = Field(default=None, ge=0, le=1)
    remaining_s: float | None = Field(default=None, ge=0)
    position: int | None = Field(default=None, description="Training step or epoch.")
    message: str = ""
    reported_at: Timestamp | None = None


class Checkpoint(Resource):
    """A checkpoint that a job may go on from."""

    name: str
    position: int | None = None
    size_bytes: int = 0
    created_at: Timestamp | None = None


class Condition(Resource):
    """One condition of a job, as Kubernetes spells them."""

    type: str
    status: Literal["True", "False", "Unknown"] = "True"
    reason: str = ""
    message: str = ""
    at: Timestamp | None = None


class TrainJobStatus(Resource):
    """What `GET /runs/{run}/ranks` tells, beside the run."""

    spec: TrainSpec
    step: Name = Field(default="train", description="The step of the run that is the job.")
    ranks: tuple[RankStatus, ...] = ()
    progress: Progress | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    conditions: tuple[Condition, ...] = ()
    restarts: int = 0


class Payload(Request):
    """What a job or a trial runs: exactly one of cell, notebook, function, command."""

    cell: str | None = Field(default=None, description="Source of one cell, IPython syntax.")
    notebook: HostPath | None = Field(
        default=None, description="Absolute path of a notebook or script."
    )
    step: Name | None = Field(default=None, description="Only this step of the notebook.")
    function: str | None = Field(
        default=None, description="Digest of a function in the blob store, by cloudpickle."
    )
    command: tuple[str, ...] = Field(
        default=(), description="Program and arguments; `${trialParameters.x}` stands for a value."
    )
    arguments: dict[str, JsonValue] = Field(
        default={}, description="Of a function or a notebook, by name."
    )
    cwd: HostPath | None = Field(
        default=None, description="Absolute; by default the notebook's folder."
    )
    mounts: tuple[Mount, ...] = ()
    carried: str | None = Field(
        default=None,
        description="Digest of a bundle in the blob store: values of a live kernel by name.",
    )
    carried_names: tuple[str, ...] = ()
    prelude: tuple[str, ...] = Field(default=(), description="Imports that are run first.")
    preload: tuple[str, ...] = Field(default=(), description="Modules for the warm worker.")


class JobRequest(Request):
    """What train and tuning jobs have in common."""

    payload: Payload
    name: Name = "job"
    title: str = Field(default="", max_length=500)
    experiment: Name = "default"
    tags: dict[str, str] = {}
    note: str = Field(default="", max_length=10_000)
    cpu: float | None = Field(default=None, gt=0)
    memory: str | None = None
    gpu: Gpus | None = None
    env: dict[str, str] = {}
    python: str | None = None
    run_on: Name | None = Field(
        default=None,
        description="Where: `this-machine`, or a cluster of the settings; null: as they say.",
    )
    retries: int = Field(default=0, ge=0, le=100, description="Restarts after a failure.")
    timeout_s: float | None = Field(
        default=None, gt=0, description="Deadline: for all attempts together, pauses left out."
    )
    is_paused: bool = Field(default=False, description="Wait until it is resumed.")
    document: dict[str, JsonValue] | None = Field(
        default=None, description="The Kubeflow document it was made from, as it was given."
    )
    notes: tuple[str, ...] = Field(
        default=(), description="What its document asks for and is not honoured here, for people."
    )


class TrainRequest(JobRequest):
    """Ask for a train job. Send the header `Idempotency-Key` to make a repeat harmless."""

    train: TrainSpec = TrainSpec()
