"""`{{$…}}`, `Concat` and `IfPresent`: what a document leaves open until a task runs.

A placeholder is a path into `ExecutorInput`, or a fact of the run. Each text is looked through
once: what a placeholder came to is never looked through again, so that a value that looks like one
stays what it is. What is no placeholder we know is left as it stands; code may well hold `{{`.

Source:
    ExecutorInput in api/v2alpha1/pipeline_spec.proto, sdk/python/kfp/dsl/placeholders.py, and
    backend/src/v2/driver/{resolve,util}.go of kubeflow/pipelines.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.services.workflows.values import text_of

_PLACEHOLDER = re.compile(r"\{\{\$((?:\.\w+|\['[^']*'\]|\[\"[^\"]*\"\]|\[\d+\])*)\}\}")
_PART = re.compile(r"\.(\w+)|\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\d+)\]")
_CAMEL = {"output_file": "outputFile", "parameter_values": "parameterValues"}
_STRUCTS = frozenset({"Concat", "IfPresent"})

_BUCKETS = {"gs": "/gcs/", "s3": "/s3/", "minio": "/minio/"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a placeholder may ask of a run and a task.

    Attributes:
        job_name: The run's name for people.
        job_resource_name: Its name among all runs; it holds the pipeline's name.
        job_id: The run's id.
        root: Where outputs lie; every URI of an output begins with it.
        created_at: When the run was created, RFC 3339 in UTC.
        scheduled_at: The time it was planned for; that of its creation where it was not planned.
        task_name: The task's key in its DAG.
        task_id: The task's id.
        workspace: The folder that all tasks of the run share; None where the pipeline wants none.
    """

    job_name: str
    job_resource_name: str
    job_id: str
    root: str = ""
    created_at: str = ""
    scheduled_at: str = ""
    task_name: str = ""
    task_id: str = ""
    workspace: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What placeholders are resolved with.

    Attributes:
        facts: Facts of the run and the task.
        executor_input: `ExecutorInput` as JSON; before a task's outputs have places, its inputs
            alone, see `of_parameters`.
        declared: Inputs the component defines: one of them that is not set is an error.
        given: Inputs that are present for `IfPresent`; None: all there are.
    """

    facts: Facts
    executor_input: Mapping[str, JsonValue] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    given: frozenset[str] | None = None

    @classmethod
    def of_parameters(cls, facts: Facts, parameters: Mapping[str, JsonValue]) -> "Scope":
        """Return the scope of a task's constants: its other inputs, and the facts."""
        return cls(facts, {"inputs": {"parameterValues": dict(parameters)}})

    def has(self, name: str) -> bool:
        """Tell whether an input is present."""
        if self.given is not None:
            return name in self.given
        inputs = _get(self.executor_input, "inputs")
        return any(
            _get(_get(inputs, kind), name) is not None for kind in ("parameterValues", "artifacts")
        )


def has_placeholder(value: JsonValue) -> bool:
    """Tell whether there is a placeholder in a value."""
    if isinstance(value, str):
        return "{{$" in value and _PLACEHOLDER.search(value) is not None
    if isinstance(value, list):
        return any(map(has_placeholder, value))
    if isinstance(value, dict):
        return any(has_placeholder(key) or has_placeholder(item) for key, item in value.items())
    return False


def resolve(value: JsonValue, scope: Scope) -> JsonValue:
    """Return a value with the placeholders of all its texts resolved, keys included.

    Raises:
        InvalidInput: A placeholder asks for an input that is not set.
    """
    if isinstance(value, str):
        return resolve_text(value, scope)
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if isinstance(value, dict):
        return {resolve_text(key, scope): resolve(item, scope) for key, item in value.items()}
    return value


def resolve_text(text: str, scope: Scope) -> str:
    """Return a text with its placeholders resolved.

    Raises:
        InvalidInput: A placeholder asks for an input that is not set.
    """
    if "{{$" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        value = _lookup(_parts(found[1]), scope)
        return found[0] if value is None else value

    return _PLACEHOLDER.sub(one, text)


def resolve_arguments(arguments: Iterable[str], scope: Scope) -> list[str]:
    """Return a command's words: structures expanded, placeholders resolved.

    `IfPresent` may come to no word or to several; `Concat` comes to one.

    Raises:
        InvalidInput: A structure is no valid one, or an input that is needed is not set.
    """
    words: list[str] = []
    for argument in arguments:
        struct = _struct(argument)
        if struct is None:
            words.append(resolve_text(argument, scope))
        else:
            words.extend(_expand(struct, scope))
    return words


def path_of(artifact: JsonValue) -> str:
    """Return where a runtime artifact's content lies for the code that uses it."""
    custom = _get(artifact, "customPath")
    uri = _get(artifact, "uri")
    if isinstance(custom, str) and custom:
        return custom
    if not isinstance(uri, str):
        return ""
    split = urlsplit(uri)
    if split.scheme == "file":
        return unquote(split.path)
    if split.scheme in _BUCKETS:
        return _BUCKETS[split.scheme] + uri.removeprefix(f"{split.scheme}://")
    return uri


def _struct(text: str) -> dict[str, JsonValue] | None:
    if not re.match(r'\s*\{\s*"(Concat|IfPresent)"\s*:', text):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and len(found) == 1 else None


def _expand(struct: JsonValue, scope: Scope) -> list[str]:
    if isinstance(struct, str):
        return [resolve_text(struct, scope)]
    if isinstance(struct, list):
        return [word for item in struct for word in _expand(item, scope)]
    if not isinstance(struct, dict) or len(struct) != 1 or not _STRUCTS & struct.keys():
        raise InvalidInput(
            f"Cannot make a command: {json.dumps(struct)[:80]} is neither a text nor a Concat nor "
            "an IfPresent."
        )
    if "Concat" in struct:
        items = struct["Concat"]
        if not isinstance(items, list):
            raise InvalidInput("Cannot make a command: needed a list in Concat.")
        words = [_expand(item, scope) for item in items]
        if any(len(found) > 1 for found in words):
            raise InvalidInput(
                "Cannot make a command: an IfPresent within a Concat comes to several words; "
                "needed one."
            )
        return ["".join(word for found in words for word in found)]
    condition = struct["IfPresent"]
    name = _get(condition, "InputName")
    if not isinstance(name, str) or not isinstance(condition, dict) or "Then" not in condition:
        raise InvalidInput("Cannot make a command: needed InputName and Then in IfPresent.")
    chosen = condition["Then"] if scope.has(name) else condition.get("Else")
    return [] if chosen is None else _expand(chosen, scope)


def _parts(path: str) -> list[str | int]:
    return [
        int(found[4]) if found[4] is not None else found[1] or found[2] or found[3] or ""
        for found in _PART.finditer(path)
    ]


def _lookup(parts: Sequence[str | int], scope: Scope) -> str | None:
    """Return what a placeholder comes to; None: it is none that we know."""
    if len(parts) >= 2 and parts[-2] == "json_escape" and isinstance(parts[-1], int):
        text = _lookup(parts[:-2], scope)
        for _ in range(min(parts[-1], 8) if text is not None else 0):
            text = json.dumps(text)[1:-1]
        return text
    match parts:
        case []:
            return text_of(dict(scope.executor_input))
        case [str(fact)] if fact != "inputs" and fact != "outputs":
            return _fact(fact, scope)
        case ["inputs", "parameters", str(name)]:
            return _parameter(name, scope)
        case ["outputs", "parameters", str(name)]:
            parts = [*parts, "output_file"]
        case ["inputs" | "outputs" as side, "artifacts", str(name), *rest]:
            found = _get(_get(_get(scope.executor_input, side), "artifacts"), name)
            if found is None:
                if side == "inputs":
                    _refuse_unset(name, scope)
                return None
            if not rest:
                return text_of(_at(found, ["artifacts"]))
            if rest[0] != "artifacts":
                return _of_artifact(_at(found, ["artifacts", 0]), rest)
            if len(rest) > 2:
                return _of_artifact(_at(found, rest[:2]), rest[2:])
    value = _at(scope.executor_input, parts)
    return None if value is None else text_of(value)


def _fact(name: str, scope: Scope) -> str | None:
    facts = scope.facts
    match name:
        case "pipeline_job_name":
            return facts.job_name
        case "pipeline_job_resource_name":
            return facts.job_resource_name
        case "pipeline_job_uuid":
            return facts.job_id
        case "pipeline_task_name":
            return facts.task_name
        case "pipeline_task_uuid":
            return facts.task_id
        case "pipeline_root":
            return facts.root
        case "pipeline_job_create_time_utc":
            return facts.created_at
        case "pipeline_job_schedule_time_utc":
            return facts.scheduled_at or facts.created_at
        case "outputMetadataUri":
            return _lookup(["outputs", "output_file"], scope)
        case "workspace_path":
            if facts.workspace is None:
                raise InvalidInput(
                    "Cannot resolve {{$.workspace_path}}: the pipeline has no workspace. Give it "
                    "one: dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size='1Gi'))."
                )
            return facts.workspace
    return None


def _parameter(name: str, scope: Scope) -> str | None:
    values = _get(_get(scope.executor_input, "inputs"), "parameterValues")
    if isinstance(values, dict) and values.get(name) is not None:
        return text_of(values[name])
    _refuse_unset(name, scope)
    return None


def _refuse_unset(name: str, scope: Scope) -> None:
    if name in scope.declared:
        raise InvalidInput(
            f"Cannot make the command of task {scope.facts.task_name!r}: it uses input {name!r}, "
            "which is not set. Give it a value or a default, or put the word into an "
            "IfPresentPlaceholder.",
            input=name,
        )


def _of_artifact(artifact: JsonValue, rest: Sequence[str | int]) -> str | None:
    match rest:
        case ["path"]:
            return path_of(artifact)
        case ["metadata" | "properties" | "custom_properties", *inner]:
            value = _at(_get(artifact, "metadata") or {}, inner)
            return "" if value is None else text_of(value)
    value = _at(artifact, rest)
    return None if value is None else text_of(value)


def _at(value: JsonValue | Mapping[str, JsonValue], parts: Sequence[str | int]) -> JsonValue:
    found: JsonValue = dict(value) if isinstance(value, Mapping) else value
    for part in parts:
        if isinstance(part, int):
            found = found[part] if isinstance(found, list) and part < len(found) else None
        else:
            inner = _get(found, part)
            found = _get(found, _CAMEL.get(part, part)) if inner is None else inner
    return found


def _get(value: JsonValue | Mapping[str, JsonValue], name: str) -> JsonValue:
    return value.get(name) if isinstance(value, Mapping) else None
