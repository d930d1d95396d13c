"""Lineage: something ran (execution), something was read or made (artifact), the link (event)."""

from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import Digest, Identifier, JsonValue, Name, Resource, Timestamp


class Artifact(Resource):
    """A thing with content: a value, a model, a metric file, a notebook. Content-addressed."""

    id: Identifier
    type: str = Field(
        description="system.Artifact, system.Dataset, system.Model, system.Metrics, mlplat.Value …"
    )
    name: str
    digest: Digest | None = None
    size_bytes: int = 0
    codec: str | None = None
    uri: str | None = None
    metadata: dict[str, JsonValue] = {}
    created_at: Timestamp


class CodeVersion(Resource):
    """Which code ran: cells and their digests, and the git state of the notebook's folder."""

    cells: dict[str, Digest] = {}
    git_commit: str | None = None
    git_dirty: bool | None = None
    git_remote: str | None = None
    environment: Digest | None = Field(
        default=None, description="Of the environment lock artifact."
    )


class Execution(Resource):
    """Something that ran: one attempt of one step that ended, or one taken from the cache."""

    id: Identifier
    type: str = "mlplat.Step"
    name: str
    run_id: Identifier | None = None
    state: Literal["RUNNING", "COMPLETE", "FAILED", "CACHED", "CANCELED"]
    code: CodeVersion = Field(default_factory=CodeVersion)  # a shared default would be deep-copied
    parameters: dict[str, JsonValue] = {}
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None


class LineageEvent(Resource):
    """The link between an execution and an artifact it read or made."""

    execution_id: Identifier
    artifact_id: Identifier
    kind: Literal["input", "output"]
    name: str = ""


class CellVersion(Resource):
    """The source of one cell, as a digest, in the step it ran in."""

    step: str
    cell: str
    digest: Digest


class GitState(Resource):
    commit: str
    dirty: bool | None = None
    remote: str | None = None


class DataVersion(Resource):
    """A value on the way to the root: its content, and the step that made it, if one did."""

    name: str
    artifact_id: Identifier
    digest: Digest | None = None
    made_by: str | None = None


class Provenance(Resource):
    """Which data and code made something: its upstream graph in one answer."""

    runs: tuple[Identifier, ...] = ()
    cells: tuple[CellVersion, ...] = ()
    git: tuple[GitState, ...] = ()
    environments: tuple[Digest, ...] = ()
    parameters: dict[str, dict[str, JsonValue]] = Field(default={}, description="By step.")
    data: tuple[DataVersion, ...] = ()


class Lineage(Resource):
    """A piece of the graph around one node, to a depth."""

    root: Identifier
    direction: Literal["upstream", "downstream", "both"]
    depth: int
    executions: tuple[Execution, ...]
    artifacts: tuple[Artifact, ...]
    events: tuple[LineageEvent, ...]
    truncated: bool = False
    provenance: Provenance | None = Field(
        default=None, description="Which data and code made an artifact; where upstream was asked."
    )


class RunReference(Resource):
    """The run in which something ran, as far as one needs it to find it."""

    id: Identifier
    number: int
    pipeline: str
    notebook: str | None = None
    created_at: Timestamp


class ModelUse(Resource):
    """What became of a model that a step logged: a registered version, and who serves it."""

    artifact_id: Identifier
    model: Name
    version: int
    aliases: tuple[str, ...] = ()
    endpoints: tuple[Name, ...] = Field(default=(), description="With a revision of this version.")


class Beyond(Resource):
    """How many neighbours of a node are not in the answer."""

    upstream: int = 0
    downstream: int = 0


class LineageGraph(Resource):
    """The graph around a subject, bounded in depth and size, for the eye.

    What the subject stands for (`roots`) is always in it; of the rest the nearest, and among these
    the newest. `beyond` says at which nodes it goes on.
    """

    subject: str
    roots: tuple[Identifier, ...]
    executions: tuple[Execution, ...]
    artifacts: tuple[Artifact, ...]
    events: tuple[LineageEvent, ...]
    runs: tuple[RunReference, ...]
    models: tuple[ModelUse, ...]
    beyond: dict[str, Beyond] = {}
    truncated: bool = Field(default=False, description="There was more within the depth.")


class LineageSubject(Resource):
    """Something that lineage can start from, as a search finds it."""

    subject: str = Field(description="What `GET /lineage` takes, such as `model:tumour/3`.")
    kind: Literal["model", "run", "step", "artifact"]
    name: str
    type: str = Field(default="", description="Of an artifact.")
    codec: str | None = None
    run_number: int | None = None
    created_at: Timestamp | None = None


class LineageSubjects(Resource):
    subjects: tuple[LineageSubject, ...]


class ModelSignature(Resource):
    """What a model takes and gives, as Open Inference Protocol tensors."""

    inputs: tuple["TensorSpec", ...] = ()
    outputs: tuple["TensorSpec", ...] = ()


class TensorSpec(Resource):
    name: str
    datatype: Literal[
        "BOOL",
        "UINT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "INT8",
        "INT16",
        "INT32",
        "INT64",
        "FP16",
        "FP32",
        "FP64",
        "BYTES",
    ]
    shape: tuple[int, ...] = Field(description="-1: any length.")


ModelFormat = Literal["sklearn", "onnx", "python", "pickle", "mlflow"]
"""`mlflow`: a folder that only MLflow can load; it is kept and registered, not served."""


class ModelVersion(Resource):
    """One version of a registered model: an artifact, and what it takes to serve it."""

    model: Name
    version: int
    artifact_id: Identifier
    format: ModelFormat
    signature: ModelSignature = ModelSignature()
    metrics: dict[str, float] = {}
    run_id: Identifier | None = None
    step: str | None = None
    aliases: tuple[str, ...] = ()
    description: str = ""
    input_example: JsonValue = None
    created_at: Timestamp


class RegisteredModel(Resource):
    name: Name
    description: str = ""
    created_at: Timestamp
    aliases: dict[str, int] = {}
    latest_version: int | None = None
    versions: tuple[ModelVersion, ...] = ()


class ModelList(Resource):
    models: tuple[RegisteredModel, ...]


class ArtifactList(Resource):
    """What a run has logged: files, models, executed notebooks and their pages."""

    artifacts: tuple[Artifact, ...]


class LoggedModels(Resource):
    """The models that a run has logged, registered or not."""

    models: tuple[Artifact, ...]


ModelSignature.model_rebuild()
