"""What a task of a KFP pipeline is given and makes, and what runs it."""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import Digest, Identifier, JsonValue, Resource

TaskKind = Literal["step", "dag", "loop", "iteration"]
"""`step`: a leaf, it runs; `dag`: a nested pipeline, a branch, an exit handler's body;
`loop`: a ParallelFor as a whole; `iteration`: one item of it."""


ExecutedAs = Literal["warm-process", "process", "kernel", "container", "pod", "engine"]
"""Forked from a warm worker, in a Python or a Jupyter kernel started for it, in a container, in a
pod of a cluster, or by the engine itself (an import)."""


_LONGEST_NAME, _DIGITS = 63, 10
_PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")


def task_name(path: Sequence[str]) -> str:
    """Name the task at a place of a KFP pipeline: `for-loop-1.0.train`; unique in its run.

    A name that is too long, or that holds other letters, is shortened and ends in a digest.
    """
    name = ".".join(path)
    if len(name) <= _LONGEST_NAME and all(_PLAIN.fullmatch(part) for part in path):
        return name
    digest = sha256("\0".join(path).encode()).hexdigest()[:_DIGITS]
    room = _LONGEST_NAME - _DIGITS - 1
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower())
    head, tail = plain[: room // 2], plain[max(room // 2, len(plain) - (room - room // 2)) :]
    return f"{head}{tail}".strip("-.") + f"-{digest}" if plain.strip("-.") else digest


class ArtifactValue(Resource):
    """One artifact as it passes between tasks of a KFP pipeline."""

    name: str = Field(description="Resource name, unique in this state directory.")
    type: str = Field(
        description="Schema title, 'system.Model', or the schema URI of a custom one."
    )
    uri: str = Field(description="Where the content is: a file URI of ours, or one that was given.")
    metadata: dict[str, JsonValue] = {}
    digest: Digest | None = Field(
        default=None, description="Of its content in the store; None where it lies elsewhere."
    )
    size_bytes: int | None = None
    is_folder: bool = False
    custom_path: str | None = None
    artifact_id: Identifier | None = Field(default=None, description="Its node of the lineage.")


class Values(Resource):
    """Parameters and artifacts by name. A parameter that is not set is absent; null is a value."""

    parameters: dict[str, JsonValue] = {}
    artifacts: dict[str, tuple[ArtifactValue, ...]] = {}


class Component(Resource):
    """What a leaf task runs, as the IR has it, with what only a run knows."""

    label: str = Field(description="Executor label in `deploymentSpec.executors`.")
    executor: dict[str, JsonValue] = Field(
        description="`ExecutorSpec`: `container` or `importer`, camelCase as in the IR."
    )
    spec: dict[str, JsonValue] = Field(
        description="`ComponentSpec` without the executor: inputDefinitions, outputDefinitions."
    )
    platform: dict[str, JsonValue] = Field(
        default={}, description="`kubernetes` settings of this executor (second YAML document)."
    )
    inputs: Values = Values()
    task: str = Field(default="", description="Task name in the IR (`taskInfo.name`).")
    path: str = Field(default="", description="Names from the root to it: 'for-loop-1/0/train'.")
    iteration: int | None = None
    cache_key: str = Field(
        default="", description="`cachingOptions.cacheKey`: stands for all that decides its result."
    )


class KfpFacts(Resource):
    """What a caller of KFP's API says of a run or schedule that has no word of ours."""

    pipeline_id: Identifier | None = None
    version_id: Identifier | None = Field(
        default=None, description="The stored version it is made from; None: given with it."
    )
    pipeline_root: str = ""
    service_account: str = ""
    plugins_input: dict[str, JsonValue] = {}
