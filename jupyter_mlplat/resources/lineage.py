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
    code: CodeVersion = CodeVersion()
    parameters: dict[str, JsonValue] = {}
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None


class LineageEvent(Resource):
    """The link between an execution and an artifact it read or made."""

    execution_id: Identifier
    artifact_id: Identifier
    kind: Literal["input", "output"]
    name: str = ""


class Lineage(Resource):
    """A piece of the graph around one node, to a depth."""

    root: Identifier
    direction: Literal["upstream", "downstream", "both"]
    depth: int
    executions: tuple[Execution, ...]
    artifacts: tuple[Artifact, ...]
    events: tuple[LineageEvent, ...]
    truncated: bool = False


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


ModelFormat = Literal["sklearn", "onnx", "python", "pickle"]


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


ModelSignature.model_rebuild()
