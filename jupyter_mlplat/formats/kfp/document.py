"""A KFP pipeline as it came: both documents, read, shaped and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.checking import check, fault
from jupyter_mlplat.formats.kfp.reading import read_documents
from jupyter_mlplat.formats.kfp.spec import (
    ComponentSpec,
    DagSpec,
    ExecutorSpec,
    Message,
    PipelineConfig,
    PipelineSpec,
    PlatformSpec,
    SinglePlatform,
    TaskSpec,
)
from jupyter_mlplat.resources.base import JsonValue

KUBERNETES = "kubernetes"
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Document:
    """A valid pipeline: everything it names is there, nothing waits for itself.

    Attributes:
        spec: The pipeline.
        platform: What platforms are to do besides; empty where there is no second document.
        given: Parameters that a `PipelineJob` brought along.
        raw: Both documents as they came, for `Pipeline.ir`.
    """

    spec: PipelineSpec
    platform: PlatformSpec = field(default_factory=PlatformSpec)
    given: Mapping[str, JsonValue] = field(default_factory=dict)
    raw: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the pipeline calls itself."""
        return self.spec.pipeline_info.name

    @property
    def root(self) -> ComponentSpec:
        """The component that is the pipeline as a whole; it has a DAG."""
        return self.spec.root or ComponentSpec()

    @property
    def dag(self) -> DagSpec:
        """The root's tasks."""
        return self.root.dag or DagSpec()

    @property
    def kubernetes(self) -> SinglePlatform:
        """What the second document asks of Kubernetes."""
        return self.platform.platforms.get(KUBERNETES, SinglePlatform())

    @property
    def config(self) -> PipelineConfig:
        """Settings of the pipeline as a whole: workspace, deadline."""
        return self.kubernetes.pipeline_config

    def component_of(self, task: TaskSpec) -> ComponentSpec:
        """Return what a task calls."""
        return self.spec.components[task.component_ref.name]

    def executor_of(self, component: ComponentSpec) -> ExecutorSpec:
        """Return what runs a leaf component."""
        return self.spec.deployment_spec.executors[component.executor_label or ""]

    def settings_of(self, component: ComponentSpec) -> dict[str, JsonValue]:
        """Return the Kubernetes settings of a leaf component's executor."""
        label = component.executor_label or ""
        found: dict[str, JsonValue] = {}
        for platform in component.single_platform_specs:
            if platform.platform == KUBERNETES:
                found.update(platform.deployment_spec.executors.get(label, {}))
        found.update(self.kubernetes.deployment_spec.executors.get(label, {}))
        return found


def load(text: str | bytes) -> Document:
    """Read a compiled KFP pipeline: YAML of one or two documents, or JSON.

    A `PipelineJob` (the pipeline below `pipelineSpec`) and a version's `pipeline_spec` with its
    `platform_spec`, as the API returns them, are understood, too.

    Raises:
        InvalidInput: It is no valid pipeline; the message has the place of the fault, and
            `details["path"]` has it, too, where it lies inside the document.
    """
    return _assemble(read_documents(text))


def from_ir(ir: Mapping[str, JsonValue]) -> Document:
    """Read the documents a pipeline was read from (`Pipeline.ir`).

    Raises:
        InvalidInput: They are no valid pipeline.
    """
    return _assemble([dict(ir)])


def _assemble(documents: list[JsonValue]) -> Document:
    specs: list[Mapping[str, JsonValue]] = []
    platforms: list[Mapping[str, JsonValue]] = []
    given: Mapping[str, JsonValue] = {}
    for found in documents:
        if not isinstance(found, dict):
            raise InvalidInput(
                "This is no KFP pipeline: needed a mapping with `pipelineInfo` and `root`, found "
                f"{_kind(found)}. Compile the pipeline with kfp's compiler, or give a notebook."
            )
        inner = _either(found, "pipelineSpec", "pipeline_spec")
        if inner is not None:
            specs.append(_mapping(inner, "pipelineSpec"))
            platform = _either(found, "platformSpec", "platform_spec")
            if platform is not None:
                platforms.append(_mapping(platform, "platformSpec"))
            runtime = _either(found, "runtimeConfig", "runtime_config")
            given = _given(_mapping(runtime, "runtimeConfig")) if runtime is not None else given
        elif "platforms" in found:
            platforms.append(found)
        else:
            specs.append(found)
    if len(specs) != 1 or len(platforms) > 1:
        raise InvalidInput(
            "This is no KFP pipeline: needed one pipeline and at most one platform document, "
            f"found {len(specs)} and {len(platforms)}."
        )
    spec = specs[0]
    _refuse_others(spec)
    raw: dict[str, JsonValue] = {"pipeline_spec": dict(spec)}
    if platforms:
        raw["platform_spec"] = dict(platforms[0])
    document = Document(
        spec=_shape(PipelineSpec, spec),
        platform=_shape(PlatformSpec, platforms[0]) if platforms else PlatformSpec(),
        given=given,
        raw=raw,
    )
    check(document.spec)
    return document


def _given(runtime: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    values = _either(runtime, "parameterValues", "parameter_values")
    return {} if values is None else _mapping(values, "runtimeConfig.parameterValues")


def _refuse_others(spec: Mapping[str, JsonValue]) -> None:
    """Say what a file is that looks like something else of KFP's."""
    if spec.get("apiVersion") is not None and spec.get("kind") is not None:
        raise InvalidInput(
            f"This is no compiled KFP pipeline, but a Kubernetes object of kind {spec['kind']!r}. "
            "KFP v1 workflows are not run here: compile the pipeline with kfp 2."
        )
    if isinstance(spec.get("implementation"), dict):
        raise InvalidInput(
            "This is no pipeline, but a KFP component in the old YAML form. Load it with "
            "kfp.components.load_component_from_text, use it in a pipeline and compile that."
        )


def _shape(kind: type[M], value: Mapping[str, JsonValue]) -> M:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        found = first["input"]
        raise fault(
            _path(first["loc"]),
            f"{first['msg'][:1].lower()}{first['msg'][1:]}, found {_kind(found)}"
            + (f" ({str(found)[:60]!r})" if isinstance(found, str | int | float) else ""),
        ) from error


_MAPS = frozenset(
    {"components", "tasks", "parameters", "artifacts", "executors", "platforms", "metadata"}
)


def _path(location: tuple[int | str, ...]) -> str:
    path, is_key = "", False
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif is_key or not re.fullmatch(r"\w+", part):
            path += f"['{part}']"
        else:
            path += f".{part}" if path else part
        is_key = part in _MAPS and not is_key
    return path


def _either(value: Mapping[str, JsonValue], first: str, second: str) -> JsonValue:
    found = value.get(first)
    return value.get(second) if found is None else found


def _mapping(value: JsonValue, path: str) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise fault(path, f"needed a mapping, found {_kind(value)}")
    return value


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"
