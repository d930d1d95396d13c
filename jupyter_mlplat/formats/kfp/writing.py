"""A notebook's pipeline as KFP v2 IR: what `kfp` loads and runs, and a KFP server accepts.

Every step becomes a lightweight Python component in the shape `kfp` gives one. It carries its cells
and what it takes to run them (`runtime.portable`), so that a bare Python image is enough. Values
pass as artifacts, one folder a step; parameters are KFP parameters.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from jupyter_mlplat.formats.kfp.sources import identifier, pack, trim, write_source
from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import (
    Channel,
    Parameter,
    Pipeline,
    Problem,
    Severity,
    Step,
)

KFP_VERSION = "2.17.0"
SCHEMA_VERSION = "2.1.0"
ARGUMENT_LIMIT_BYTES = 128 * 2**10
"""What Linux takes as one argument of a program; a component's source is one."""
DOCUMENT_LIMIT_BYTES = 2**20
"""From about here on Kubernetes refuses the workflow that KFP makes: etcd takes 1.5 MB at most."""

_TYPES = {
    "int": ("NUMBER_INTEGER", "int"),
    "float": ("NUMBER_DOUBLE", "float"),
    "str": ("STRING", "str"),
    "bool": ("BOOLEAN", "bool"),
    "list": ("LIST", "list"),
    "dict": ("STRUCT", "dict"),
    "none": ("STRING", "str"),  # as JSON: KFP has no parameter without a type
    "any": ("STRING", "str"),
}
_LARGEST_INTEGER = 2**53  # of those that KFP's numbers, which are doubles, hold exactly
_ACCELERATOR = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class Luggage:
    """What a step takes along.

    Attributes:
        order: The parts of its `step.json` that no run changes; inputs name their steps.
        python: Version of its Python, `3.11`.
        requirements: What pip installs before it runs.
        image: The container's image; None: Python's own.
    """

    order: Mapping[str, Any]
    python: str
    requirements: tuple[str, ...]
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A pipeline as YAML, and what does not carry over."""

    text: str
    problems: tuple[Problem, ...]


def write(
    pipeline: Pipeline,
    luggage: Mapping[str, Luggage],
    runtime: Mapping[str, bytes],
    files: Mapping[str, bytes],
) -> Written:
    """Write a notebook's pipeline as KFP v2 IR; equal input gives equal bytes.

    Args:
        pipeline: Runnable.
        luggage: What each step takes along, by name.
        runtime: The sources that run a step, by path in the archive.
        files: What lies beside the notebook and is needed, by path relative to it.
    """
    archive = pack(
        {
            **{path: trim(source) for path, source in runtime.items()},
            **{f"notebook/{path}": content for path, content in files.items()},
        }
    )
    return _Writer(pipeline, luggage, archive).write()


@dataclass(frozen=True, slots=True)
class _Ports:
    """What one step's function takes: names of arguments by what they are for."""

    parameters: tuple[Parameter, ...]
    producers: Mapping[str, str]
    outputs: Mapping[str, str]
    types: Mapping[str, str]  # of output artifacts, by argument: Dataset, Model …


@dataclass
class _Writer:
    pipeline: Pipeline
    luggage: Mapping[str, Luggage]
    archive: str
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Stands for the archive until the YAML is written, which looks at every character.
        self.token = f"archive-{digest_text(self.archive)[-32:]}"
        self.tasks = _task_names(step.name for step in self.pipeline.steps)
        self.parameters = {parameter.name: parameter for parameter in self.pipeline.parameters}
        self.position = {step.name: number for number, step in enumerate(self.pipeline.steps)}
        self.ports: dict[str, _Ports] = {}
        self.ancestors: dict[str, set[str]] = {}
        for step in self.pipeline.steps:
            near = self._needs(step)
            self.ancestors[step.name] = near.union(*(self.ancestors[name] for name in near))

    def write(self) -> Written:
        components: dict[str, Any] = {}
        executors: dict[str, Any] = {}
        tasks: dict[str, Any] = {}
        kubernetes: dict[str, Any] = {}
        for step in self.pipeline.steps:
            task, ports = self.tasks[step.name], self._ports(step)
            components[f"comp-{task}"] = {"executorLabel": f"exec-{task}", **_interface(ports)}
            executors[f"exec-{task}"] = {"container": self._container(step, ports)}
            tasks[task] = self._task(step, ports)
            if step.settings.timeout_s is not None:
                seconds = str(math.ceil(step.settings.timeout_s))
                kubernetes[f"exec-{task}"] = {"activeDeadlineSeconds": seconds}
        root: dict[str, Any] = {"dag": {"tasks": tasks}}
        if self.pipeline.parameters:
            root["inputDefinitions"] = {
                "parameters": {p.name: self._root_input(p) for p in self.pipeline.parameters}
            }
        spec = {
            "components": components,
            "deploymentSpec": {"executors": executors},
            "pipelineInfo": {"name": _dashed(self.pipeline.name) or "pipeline"},
            "root": root,
            "schemaVersion": SCHEMA_VERSION,
            "sdkVersion": f"kfp-{KFP_VERSION}",
        }
        documents = [spec]
        if kubernetes:
            platform = {"deploymentSpec": {"executors": kubernetes}}
            documents.append({"platforms": {"kubernetes": platform}})
        text = self._head() + "---\n".join(map(_dump, documents))
        text = text.replace(self.token, self.archive)
        if len(text) > DOCUMENT_LIMIT_BYTES:
            self._warn(
                "large-document",
                f"The pipeline takes {len(text) / 2**20:.1f} MB as KFP YAML: every step carries "
                "what runs it. A KFP server on Kubernetes takes about 1 MB. Put cells into fewer "
                "steps.",
            )
        return Written(text, tuple(self.problems))

    # - what a step takes and gives -

    def _needs(self, step: Step) -> set[str]:
        return {*(given.step for given in step.inputs), *step.after}

    def _ports(self, step: Step) -> _Ports:
        if step.name not in self.ports:
            self.ports[step.name] = self._make_ports(step)
        return self.ports[step.name]

    def _make_ports(self, step: Step) -> _Ports:
        names = _Names(step.parameters)
        producers = {given.step for given in step.inputs}
        if _touches_files(step):  # files pass as values do
            producers |= {
                name for name in self.ancestors[step.name] if _touches_files(self._step(name))
            }
        makers = sorted(producers, key=self.position.__getitem__)
        outputs: dict[str, str] = {}
        types: dict[str, str] = {}

        def add(key: str, wanted: str, kind: str) -> None:
            outputs[key] = names.take(wanted)
            types[outputs[key]] = kind

        given = {name: names.take(f"from_{identifier(name)}") for name in makers}
        if self._is_read(step) or step.outputs:
            add("saved", "saved", "Dataset")
        add("notebook", "notebook", "Artifact")
        add("page", "page", "HTML")
        text = self._text_that_may_run(step)
        if step.metrics or "log_metric" in text:
            add("metrics", "metrics", "Metrics")
        if "log_model" in text:
            models = _models_named(step)
            for model in models:
                add(f"model {model}", f"model_{identifier(model)}", "Model")
            if len(models) < text.count("log_model"):  # under names that only a run knows
                add("models", "models", "Artifact")
        return _Ports(
            parameters=tuple(self.parameters[name] for name in step.parameters),
            producers=given,
            outputs=outputs,
            types=types,
        )

    def _step(self, name: str) -> Step:
        return self.pipeline.steps[self.position[name]]

    def _is_read(self, step: Step) -> bool:
        """Tell whether a later step takes something from this one."""
        later = [other for other in self.pipeline.steps if step.name in self.ancestors[other.name]]
        return any(
            any(given.step == step.name for given in other.inputs)
            or (_touches_files(step) and _touches_files(other))
            for other in later
        )

    def _text_that_may_run(self, step: Step) -> str:
        """Return the source of a step's cells, and of those whose functions it might call."""
        sources = [cell.source for cell in step.cells]
        for name in self.ancestors[step.name]:
            sources += [cell.source for cell in self._step(name).cells if "def " in cell.source]
        return "\n".join(sources)

    # - the parts of the document -

    def _task(self, step: Step, ports: _Ports) -> dict[str, Any]:
        task = self.tasks[step.name]
        parameters = {p.name: {"componentInputParameter": p.name} for p in ports.parameters}
        artifacts = {
            argument: {
                "taskOutputArtifact": {
                    "outputArtifactKey": self._saved_key(maker),
                    "producerTask": self.tasks[maker],
                }
            }
            for maker, argument in ports.producers.items()
        }
        inputs = {
            **({"artifacts": artifacts} if artifacts else {}),
            **({"parameters": parameters} if parameters else {}),
        }
        needs = sorted({self.tasks[name] for name in {*self._needs(step), *ports.producers}})
        retry = step.settings.retry
        found: dict[str, Any] = {
            "cachingOptions": {"enableCache": True} if step.settings.cache else {},
            "componentRef": {"name": f"comp-{task}"},
            "taskInfo": {"name": task},
        }
        if needs:
            found["dependentTasks"] = needs
        if inputs:
            found["inputs"] = inputs
        if retry.limit:
            found["retryPolicy"] = {
                "backoffDuration": _duration(retry.backoff_s),
                "backoffFactor": retry.factor,
                "backoffMaxDuration": _duration(retry.max_backoff_s),
                "maxRetryCount": retry.limit,
            }
        return found

    def _saved_key(self, maker: str) -> str:
        return self._ports(self._step(maker)).outputs["saved"]

    def _container(self, step: Step, ports: _Ports) -> dict[str, Any]:
        luggage = self.luggage[step.name]
        function = identifier(step.name)
        source = write_source(
            function,
            step.title,
            [
                *((p.name, _TYPES[p.type][1]) for p in ports.parameters),
                *((name, "dsl.Input[dsl.Dataset]") for name in ports.producers.values()),
                *((name, f"dsl.Output[dsl.{kind}]") for name, kind in ports.types.items()),
            ],
            {
                "order": luggage.order,
                "parameters": {
                    p.name: {"type": p.type, "default": p.default} for p in ports.parameters
                },
                "producers": list(ports.producers.items()),
                "outputs": dict(ports.outputs),
                "keeps_files": _touches_files(step),
                "timeout_s": step.settings.timeout_s,
            },
            self.token,
        )
        size = len(source.encode()) + len(self.archive)
        if size >= ARGUMENT_LIMIT_BYTES:
            self.problems.append(
                Problem(
                    code="large-step",
                    severity=Severity.ERROR,
                    message=f"Step {step.name!r} takes {size // 1024} kB with the "
                    "modules that lie beside the notebook; KFP passes a step on as one argument "
                    f"of at most {ARGUMENT_LIMIT_BYTES // 1024} kB. Publish the modules as a "
                    "package and name it with --package, or put the cells into more steps.",
                    step=step.name,
                )
            )
        container: dict[str, Any] = {
            "args": ["--executor_input", "{{$}}", "--function_to_execute", function],
            "command": [*_install(luggage.requirements), "sh", "-ec", _START, source],
            "image": luggage.image or f"python:{luggage.python}",
        }
        if step.settings.env:
            container["env"] = [
                {"name": name, "value": value} for name, value in step.settings.env.items()
            ]
        if resources := _resources(step):
            container["resources"] = resources
        return container

    def _root_input(self, parameter: Parameter) -> dict[str, Any]:
        default = parameter.default
        if parameter.type in ("none", "any"):
            default = _json(default)
        if any(abs(number) > _LARGEST_INTEGER for number in _integers(default)):
            self._warn(
                "large-number",
                f"Parameter {parameter.name!r} holds an integer beyond 2^53, and KFP's numbers are "
                "doubles: another value than the default arrives rounded. Pass it as text.",
            )
        found = {
            "defaultValue": default,
            "isOptional": True,
            "parameterType": _TYPES[parameter.type][0],
        }
        if parameter.help:
            found["description"] = parameter.help
        return found

    def _head(self) -> str:
        lines = ["# PIPELINE DEFINITION", f"# Name: {_dashed(self.pipeline.name)}"]
        if self.pipeline.parameters:
            lines.append("# Inputs:")
        for parameter in sorted(self.pipeline.parameters, key=lambda item: item.name):
            kind = _TYPES[parameter.type][1]
            lines.append(f"#    {parameter.name}: {kind} [Default: {parameter.default!r}]")
        return "".join(f"{line}\n" for line in lines if line.isprintable())

    def _warn(self, code: str, message: str) -> None:
        self.problems.append(Problem(code=code, severity=Severity.WARNING, message=message))


def _interface(ports: _Ports) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    if ports.producers:
        inputs["artifacts"] = {
            name: {"artifactType": _artifact_type("Dataset")} for name in ports.producers.values()
        }
    if ports.parameters:
        inputs["parameters"] = {
            p.name: {"parameterType": _TYPES[p.type][0]} for p in ports.parameters
        }
    outputs = {name: {"artifactType": _artifact_type(kind)} for name, kind in ports.types.items()}
    found: dict[str, Any] = {"outputDefinitions": {"artifacts": outputs}}
    if inputs:
        found["inputDefinitions"] = inputs
    return found


def _artifact_type(kind: str) -> dict[str, str]:
    return {"schemaTitle": f"system.{kind}", "schemaVersion": "0.0.1"}


def _resources(step: Step) -> dict[str, Any]:
    asked = step.settings.resources
    found: dict[str, Any] = {}
    if asked.cpu != type(asked)().cpu:
        found.update(cpuLimit=float(asked.cpu), resourceCpuLimit=f"{asked.cpu:g}")
    if asked.memory_bytes is not None:
        found.update(
            memoryLimit=asked.memory_bytes / 1e9, resourceMemoryLimit=str(asked.memory_bytes)
        )
    if asked.gpu:
        count = str(math.ceil(asked.gpu))  # a cluster knows no shares of a device
        found["accelerator"] = {
            "count": count,
            "resourceCount": count,
            "resourceType": _ACCELERATOR,
            "type": _ACCELERATOR,
        }
    return found


_START = """program_path=$(mktemp -d)

printf "%s" "$0" > "$program_path/ephemeral_component.py"
_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main \
                        --component_module_path \
                        "$program_path/ephemeral_component.py" \
                        "$@"
"""
_INSTALL = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

PIP_DISABLE_PIP_VERSION_CHECK=1 {commands} && "$0" "$@"
"""
_PIP = "python3 -m pip install --quiet --no-warn-script-location"


def _install(requirements: tuple[str, ...]) -> list[str]:
    commands = []
    if requirements:
        commands.append(f"{_PIP} {' '.join(map(repr, requirements))}")
    if not any(requirement.startswith("kfp") for requirement in requirements):
        typing = 'typing-extensions>=3.7.4,<5; python_version<"3.9"'
        commands.append(f"{_PIP} 'kfp=={KFP_VERSION}' '--no-deps' '{typing}'")
    return ["sh", "-c", _INSTALL.format(commands="  &&  ".join(commands))]


def _touches_files(step: Step) -> bool:
    return Channel.FILES in step.effects or Channel.UNKNOWN in step.effects


_LOG_MODEL = re.compile(r"log_model\s*\([^()]*?(?:name\s*=\s*|,\s*)(['\"])([^'\"\n]+)\1")


def _models_named(step: Step) -> list[str]:
    """Return the names that a step's cells log models under, where they are written out."""
    found = [match[2] for cell in step.cells for match in _LOG_MODEL.finditer(cell.source)]
    return list(dict.fromkeys(found))


class _Names:
    """Gives out names, each once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = {*taken, "given"}

    def take(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


def _task_names(steps: Iterable[str]) -> dict[str, str]:
    names = _Names(())
    return {step: names.take(_dashed(step) or "step").replace("_", "-") for step in steps}


def _dashed(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _duration(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def _json(value: JsonValue) -> str:
    return json.dumps(value)


def _integers(value: JsonValue) -> Iterable[int]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _integers(item)
    elif isinstance(value, int):
        yield value


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes texts of several lines as blocks, and never an alias."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _dump(document: Mapping[str, Any]) -> str:
    dumped: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=10**9
    )
    return dumped
