"""A leaf task as what is started: its command, environment and `ExecutorInput`, all resolved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote, urlsplit

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.spec import (
    ArtifactType,
    ComponentSpec,
    ContainerSpec,
    ExecutorSpec,
    ImporterSpec,
    ParameterType,
    ResourceSpec,
)
from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Resources, Step
from jupyter_mlplat.resources.workflow import ArtifactValue, Component, Values
from jupyter_mlplat.services.workflows.placeholders import (
    Facts,
    Scope,
    resolve,
    resolve_arguments,
    resolve_text,
)
from jupyter_mlplat.services.workflows.values import normal, with_defaults

WORKSPACE_MOUNT = "/kfp-workspace"
"""Where the workspace lies in a Kubeflow pod; components name it literally."""

_REFERENCE = re.compile(r"(\$?)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """What a run adds to a component.

    Attributes:
        facts: Facts of the run and the task.
        outputs: Folder of this attempt's outputs, absolute.
        inputs: Where each artifact of an input has been laid; one that is not there keeps its URI.
    """

    facts: Facts
    outputs: str
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """What is started."""

    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    executor_input: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Import:
    """What an importer imports."""

    output: str
    uri: str
    type: str
    metadata: Mapping[str, JsonValue]
    reimport: bool
    into_workspace: bool


def call_of(step: Step, context: Context) -> Call:
    """Return what starts a container component.

    Raises:
        InvalidInput: Its command uses an input that is not set, or is no valid one.
    """
    component = component_of(step)
    spec = _spec(component)
    container = _needed(_executor(component).container, step, "container")
    parameters = with_defaults(spec.input_definitions.parameters, component.inputs.parameters)
    applied = _applied(spec)
    for name, definition in spec.input_definitions.parameters.items():
        if definition.kind is ParameterType.TASK_CONFIG:
            parameters[name] = task_config(component)
    executor_input = _executor_input(spec, component, parameters, context)
    scope = Scope(
        facts=context.facts,
        executor_input=executor_input,
        declared=frozenset((*spec.input_definitions.parameters, *spec.input_definitions.artifacts)),
        given=_present(component.inputs),
    )
    env = _environment(container, scope) if "ENV" in applied else {}
    return Call(
        image=resolve_text(container.image, scope),
        command=_words(container.command, scope, env),
        args=_words(container.args, scope, env),
        env=env,
        executor_input=executor_input,
    )


def import_of(step: Step, facts: Facts) -> Import:
    """Return what an importer imports.

    Raises:
        InvalidInput: Its URI or metadata use an input that is not set.
    """
    component = component_of(step)
    spec = _spec(component)
    importer: ImporterSpec = _needed(_executor(component).importer, step, "importer")
    parameters = with_defaults(spec.input_definitions.parameters, component.inputs.parameters)
    scope = Scope(
        facts,
        {"inputs": {"parameterValues": parameters}},
        declared=frozenset(spec.input_definitions.parameters),
    )
    named = importer.artifact_uri.runtime_parameter
    uri = parameters.get(named) if named else resolve(importer.artifact_uri.value, scope)
    if not isinstance(uri, str) or not uri:
        raise InvalidInput(
            f"Cannot import for task {facts.task_name!r}: its artifact URI is {uri!r}."
        )
    metadata = resolve(importer.metadata, scope)
    return Import(
        output=next(iter(spec.output_definitions.artifacts), "artifact"),
        uri=uri,
        type=importer.type_schema.title,
        metadata=metadata if isinstance(metadata, dict) else {},
        reimport=importer.reimport,
        into_workspace=importer.download_to_workspace,
    )


def image_of(component: Component) -> str:
    """Return the image a container component names, placeholders resolved; '' where it has none."""
    container = _executor(component).container
    return "" if container is None else resolve_text(container.image, _inputs_scope(component))


def resources_of(component: Component) -> Resources:
    """Return what a container component asks of the machine: its requests, else its limits.

    Raises:
        InvalidInput: One is no quantity.
    """
    spec, container = _spec(component), _executor(component).container
    if container is None or container.resources is None or "RESOURCES" not in _applied(spec):
        return Resources()
    asked, scope = container.resources, _inputs_scope(component)

    def quantity(*texts: str) -> str:
        return next(filter(None, (resolve_text(text, scope).strip() for text in texts)), "")

    cpu = quantity(asked.resource_cpu_request, asked.resource_cpu_limit)
    memory = quantity(asked.resource_memory_limit)  # a request bounds nothing
    old_memory = asked.memory_limit
    try:
        return Resources(
            cpu=parse_cpu(cpu) if cpu else asked.cpu_request or asked.cpu_limit or 1.0,
            memory_bytes=parse_bytes(memory)
            if memory
            else int(old_memory * 1e9)
            if old_memory
            else None,
            gpu=_accelerators(asked, scope),
        )
    except ValueError as error:
        raise InvalidInput(f"Task {component.task!r} asks for resources: {error}") from error


def task_config(component: Component) -> dict[str, JsonValue]:
    """Return what a `TASK_CONFIG` input is given: the settings the component wants passed on."""
    spec, container = _spec(component), _executor(component).container
    wanted = {passed.field for passed in spec.task_config_passthroughs}
    platform = component.platform
    config: dict[str, JsonValue] = {
        "affinity": None,
        "tolerations": None,
        "nodeSelector": None,
        "env": None,
        "volumes": None,
        "volumeMounts": None,
        "resources": {},
    }
    if "ENV" in wanted and container is not None:
        config["env"] = [{"name": one.name, "value": one.value} for one in container.env]
    if "RESOURCES" in wanted and container is not None and container.resources is not None:
        config["resources"] = _kubernetes_resources(container.resources, _inputs_scope(component))
    if "KUBERNETES_NODE_SELECTOR" in wanted:
        selector = platform.get("nodeSelector")
        config["nodeSelector"] = selector.get("labels") if isinstance(selector, dict) else None
    if "KUBERNETES_TOLERATIONS" in wanted:
        config["tolerations"] = platform.get("tolerations")
    if "KUBERNETES_AFFINITY" in wanted:
        affinity = {k: v for k, v in platform.items() if k in ("nodeAffinity", "podAffinity")}
        config["affinity"] = affinity or None
    if "KUBERNETES_VOLUMES" in wanted:
        config["volumes"], config["volumeMounts"] = _volumes(platform)
    return config


def component_of(step: Step) -> Component:
    """Return what a step of a KFP pipeline runs."""
    if step.component is None:
        raise InvalidInput(f"Step {step.name!r} runs cells; it is no task of a KFP pipeline.")
    return step.component


def output_path(context: Context, *names: str) -> str:
    """Return a path below the attempt's outputs; a name is one part of it, whatever it holds."""
    return "/".join((context.outputs, *(quote(name, safe=" -_.~") for name in names)))


def _spec(component: Component) -> ComponentSpec:
    return ComponentSpec.model_validate(component.spec)


def _executor(component: Component) -> ExecutorSpec:
    return ExecutorSpec.model_validate(component.executor)


def _needed(found: T | None, step: Step, kind: str) -> T:
    if found is None:
        raise InvalidInput(f"Task {step.name!r} has no {kind} to run.")
    return found


def _inputs_scope(component: Component) -> Scope:
    parameters = with_defaults(
        _spec(component).input_definitions.parameters, component.inputs.parameters
    )
    return Scope.of_parameters(Facts("", "", "", task_name=component.task), parameters)


def _present(inputs: Values) -> frozenset[str]:
    """What a default filled in was not passed: `IfPresent` asks for what was."""
    return frozenset(
        (*(n for n, v in inputs.parameters.items() if v is not None), *inputs.artifacts)
    )


def _executor_input(
    spec: ComponentSpec,
    component: Component,
    parameters: Mapping[str, JsonValue],
    context: Context,
) -> dict[str, JsonValue]:
    outputs = spec.output_definitions
    return {
        "inputs": {
            "parameterValues": {n: normal(v) for n, v in parameters.items() if v is not None},
            "artifacts": {
                name: {"artifacts": _given(name, artifacts, context)}
                for name, artifacts in component.inputs.artifacts.items()
            },
        },
        "outputs": {
            "parameters": {
                name: {"outputFile": output_path(context, "parameters", name)}
                for name in outputs.parameters
            },
            "artifacts": {
                name: {
                    "artifacts": [
                        {
                            "name": name,
                            "type": artifact.artifact_type.to_ir(),
                            "uri": output_path(context, name),
                            "metadata": normal(artifact.metadata),
                        }
                    ]
                }
                for name, artifact in outputs.artifacts.items()
            },
            "outputFile": output_path(context, "executor_output.json"),
        },
    }


def _given(name: str, artifacts: tuple[ArtifactValue, ...], context: Context) -> list[JsonValue]:
    laid = context.inputs.get(name, ())
    found: list[JsonValue] = []
    for index, artifact in enumerate(artifacts):
        one: dict[str, JsonValue] = {
            "name": artifact.name,
            "type": _schema(artifact.type),
            "uri": laid[index] if index < len(laid) else artifact.uri,
            "metadata": normal(dict(artifact.metadata)),
        }
        if artifact.custom_path is not None and index >= len(laid):
            one["customPath"] = artifact.custom_path
        found.append(one)
    return found


def _schema(kind: str) -> JsonValue:
    if urlsplit(kind).scheme in ("http", "https", "gs"):
        return ArtifactType(schema_uri=kind).to_ir()
    return ArtifactType(schema_title=kind, schema_version="0.0.1").to_ir()


def _words(words: tuple[str, ...], scope: Scope, env: Mapping[str, str]) -> tuple[str, ...]:
    workspace = scope.facts.workspace
    found = [_expand(word, env) for word in resolve_arguments(words, scope)]
    if workspace is not None and workspace != WORKSPACE_MOUNT:
        found = [word.replace(WORKSPACE_MOUNT, workspace) for word in found]
    return tuple(found)


def _environment(container: ContainerSpec, scope: Scope) -> dict[str, str]:
    env: dict[str, str] = {}
    for one in container.env:
        env[one.name] = _expand(resolve_text(one.value, scope), env)
    return env


def _expand(text: str, env: Mapping[str, str]) -> str:
    """Put in `$(NAME)` of the component's own variables, as Kubernetes does; `$$(NAME)` stays."""

    def one(found: re.Match[str]) -> str:
        if found[2] not in env:
            return found[0]
        return f"$({found[2]})" if found[1] else env[found[2]]

    return _REFERENCE.sub(one, text) if "$(" in text else text


_SETTINGS = frozenset(
    {
        "RESOURCES",
        "ENV",
        "KUBERNETES_AFFINITY",
        "KUBERNETES_TOLERATIONS",
        "KUBERNETES_NODE_SELECTOR",
        "KUBERNETES_VOLUMES",
    }
)


def _applied(spec: ComponentSpec) -> frozenset[str]:
    """Settings that the task itself is run with: those passed on only if it says so."""
    passed = {one.field: one.apply_to_task for one in spec.task_config_passthroughs}
    return frozenset(name for name in _SETTINGS if passed.get(name, True))


def _accelerators(asked: ResourceSpec, scope: Scope) -> int:
    if asked.accelerator is None:
        return 0
    text = resolve_text(asked.accelerator.resource_count, scope).strip()
    if not text:
        return asked.accelerator.count or int(bool(asked.accelerator.type))
    try:
        return int(float(text))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no number of accelerators.") from error


def _kubernetes_resources(asked: ResourceSpec, scope: Scope) -> dict[str, JsonValue]:
    limits: dict[str, JsonValue] = {}
    requests: dict[str, JsonValue] = {}
    for target, name, text, old in (
        (limits, "cpu", asked.resource_cpu_limit, asked.cpu_limit),
        (limits, "memory", asked.resource_memory_limit, asked.memory_limit),
        (requests, "cpu", asked.resource_cpu_request, asked.cpu_request),
        (requests, "memory", asked.resource_memory_request, asked.memory_request),
    ):
        if text:
            target[name] = resolve_text(text, scope)
        elif old:
            target[name] = f"{old:g}" + ("G" if name == "memory" else "")
    if asked.accelerator is not None:
        kind = asked.accelerator.resource_type or asked.accelerator.type
        limits[resolve_text(kind, scope)] = str(_accelerators(asked, scope))
    return {k: v for k, v in (("limits", limits), ("requests", requests)) if v}


def _volumes(platform: Mapping[str, JsonValue]) -> tuple[JsonValue, JsonValue]:
    volumes: list[JsonValue] = []
    mounts: list[JsonValue] = []
    claims = platform.get("pvcMount")
    for claim in claims if isinstance(claims, list) else []:
        if not isinstance(claim, dict):
            continue
        name = claim.get("constant") or _constant(claim.get("pvcNameParameter"))
        volumes.append({"name": name, "persistentVolumeClaim": {"claimName": name}})
        mount: dict[str, JsonValue] = {"name": name, "mountPath": claim.get("mountPath")}
        if claim.get("subPath"):
            mount["subPath"] = claim["subPath"]
        mounts.append(mount)
    return volumes or None, mounts or None


def _constant(source: JsonValue) -> JsonValue:
    value = source.get("runtimeValue") if isinstance(source, dict) else None
    return value.get("constant") if isinstance(value, dict) else None
