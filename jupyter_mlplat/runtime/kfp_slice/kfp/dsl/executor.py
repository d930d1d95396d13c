"""Calls a component's function with what the executor input says, and writes what it returns."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping
from typing import Any, Callable, Union, get_args, get_origin

from .task_config import TaskConfig
from .task_final_status import PipelineTaskFinalStatus
from .types import artifact_types
from .types.artifact_types import Artifact
from .types.type_annotations import (
    EmbeddedAnnotation,
    InputAnnotation,
    InputPath,
    OutputAnnotation,
    OutputPath,
    artifact_classes_in,
    is_artifact_class,
    is_list_of_artifacts,
    is_literal,
    is_named_tuple,
    is_parameter,
    is_pydantic_model,
    marker_of,
    without_optional,
)

Made = Union[Artifact, list[Artifact]]


class Executor:
    """One call of one function.

    Args:
        executor_input: `ExecutorInput` as JSON has it.
        function_to_execute: The component's function, decorated or not.
    """

    def __init__(
        self, executor_input: Mapping[str, Any], function_to_execute: Callable[..., Any]
    ) -> None:
        self.func: Callable[..., Any] = getattr(
            function_to_execute, "python_func", function_to_execute
        )
        self.executor_input = executor_input
        self.executor_output_path: str = executor_input["outputs"]["outputFile"]
        artifact_types.CONTAINER_TASK_ROOT = os.path.dirname(self.executor_output_path)
        self.annotations = dict(inspect.getfullargspec(self.func).annotations)
        self.return_annotation = self.annotations.pop("return", None)
        inputs, outputs = executor_input.get("inputs") or {}, executor_input["outputs"]
        self.parameters: dict[str, Any] = inputs.get("parameterValues") or {}
        self.output_parameters: dict[str, Any] = outputs.get("parameters") or {}
        self.input_artifacts = {
            name: self._made(name, given["artifacts"])
            for name, given in (inputs.get("artifacts") or {}).items()
            if given.get("artifacts")
        }
        self.output_artifacts: dict[str, Any] = {
            name: self._instance(name, given["artifacts"][0])
            for name, given in (outputs.get("artifacts") or {}).items()
            if given.get("artifacts")
        }
        for artifact in self.output_artifacts.values():
            _make_parent(artifact.path)
        self.output: dict[str, Any] = {}

    def execute(self) -> str | None:
        """Call the function; return the path of the executor output, if one was written."""
        arguments: dict[str, Any] = {}
        for name, annotation in self.annotations.items():
            kind = without_optional(annotation)
            self._take(arguments, name, kind)
            if name not in arguments and kind is not annotation and self._must_be_given(name):
                arguments[name] = None
        return self.write_executor_output(self.func(**arguments))

    # What the function is given

    def _made(self, name: str, given: list[dict[str, Any]]) -> Made:
        artifacts = [self._instance(name, one) for one in given]
        return artifacts if is_list_of_artifacts(self.annotations.get(name)) else artifacts[0]

    def _instance(self, name: str, given: Mapping[str, Any]) -> Any:
        title = (given.get("type") or {}).get("schemaTitle", "")
        kind = artifact_types._SCHEMA_TITLE_TO_TYPE.get(title)
        if kind is None:
            kind = next(artifact_classes_in(self.annotations.get(name)), Artifact)
        make = getattr(kind, "_from_executor_fields", kind)
        artifact = make(
            uri=given.get("uri", ""),
            name=given.get("name", ""),
            metadata=given.get("metadata") or {},
        )
        custom_path = given.get("customPath") or given.get("custom_path")
        if custom_path:
            artifact.custom_path = custom_path
        return artifact

    def _take(self, arguments: dict[str, Any], name: str, annotation: Any) -> None:
        marker = marker_of(annotation)
        if marker is InputAnnotation or is_list_of_artifacts(annotation):
            arguments[name] = self.input_artifacts.get(name)
        elif marker is OutputAnnotation:
            arguments[name] = self.output_artifacts.get(name)
        elif marker is EmbeddedAnnotation:
            arguments[name] = self._embedded(annotation)
        elif isinstance(annotation, OutputPath):
            arguments[name] = self._output_path(name)
        elif isinstance(annotation, InputPath):
            artifact = self.input_artifacts.get(name)
            if not isinstance(artifact, Artifact):
                raise ValueError(f"Failed to get input artifact path for artifact name {name}")
            arguments[name] = artifact.path
        elif is_artifact_class(annotation):
            arguments[name] = self.input_artifacts.get(name)
        elif annotation is PipelineTaskFinalStatus:
            arguments[name] = _final_status(self.parameters.get(name) or {})
        elif annotation is TaskConfig:
            arguments[name] = _task_config(self.parameters.get(name) or {})
        elif self.parameters.get(name) is not None:
            value = self.parameters[name]
            if is_pydantic_model(annotation):
                value = annotation.model_validate(value)
            arguments[name] = value

    def _must_be_given(self, name: str) -> bool:
        parameter = inspect.signature(self.func).parameters.get(name)
        return parameter is not None and parameter.default is inspect.Parameter.empty

    def _output_path(self, name: str) -> str | None:
        path: str | None
        if name in self.output_artifacts:
            path = self.output_artifacts[name].path
        else:
            path = (self.output_parameters.get(name) or {}).get("outputFile")
        if path:
            _make_parent(path)
        return path

    def _embedded(self, annotation: Any) -> Any:
        kind = next(artifact_classes_in(annotation), Artifact)
        names = self.func.__globals__
        path = names.get("__KFP_EMBEDDED_ASSET_FILE") or names.get("__KFP_EMBEDDED_ASSET_DIR")
        if not path:
            raise RuntimeError(
                "EmbeddedInput was specified but no embedded asset was found at runtime."
            )
        artifact = kind()
        artifact.path = path
        return artifact

    # What it returns

    def write_executor_output(self, returned: Any = None) -> str | None:
        """Write the executor output: parameters and artifacts, with their metadata."""
        if returned is not None:
            self._take_return(returned)
        if self.output_artifacts:
            self.output["artifacts"] = {
                name: {"artifacts": [_to_json(artifact)]}
                for name, artifact in self.output_artifacts.items()
            }
        if not _is_chief():
            return None
        _make_parent(self.executor_output_path)
        with open(self.executor_output_path, "w", encoding="utf-8") as file:
            file.write(json.dumps(self.output))
        return self.executor_output_path

    def _take_return(self, returned: Any) -> None:
        annotation = self.return_annotation
        if is_named_tuple(annotation):
            fields = annotation._fields
            if len(fields) != len(returned):
                raise RuntimeError(
                    f"Expected {len(fields)} return values from function "
                    f"`{self.func.__name__}`, got {len(returned)}"
                )
            by_place = type(returned) is tuple
            for place, field in enumerate(fields):
                value = returned[place] if by_place else getattr(returned, field)
                self._take_value(field, annotation.__annotations__[field], value)
        elif is_parameter(annotation) or is_artifact_class(annotation):
            self._take_value("Output", annotation, returned)
        else:
            raise RuntimeError(
                f"Unknown return type: {annotation}. Must be one of `str`, `int`, `float`, a "
                "subclass of `Artifact`, or a NamedTuple collection of these types."
            )

    def _take_value(self, name: str, annotation: Any, value: Any) -> None:
        if is_artifact_class(annotation):
            if isinstance(value, Artifact):
                self.output_artifacts[name] = value
            else:
                with open(self.output_artifacts[name].path, "w", encoding="utf-8") as file:
                    file.write(str(value))
            return
        if not is_parameter(annotation):
            raise RuntimeError(f"Unknown return type: {annotation} of output {name!r}.")
        kind = without_optional(annotation)
        if value is None and kind is not annotation:
            return
        self._check(kind, value)
        if is_pydantic_model(kind):
            value = value.model_dump(mode="json", by_alias=True)
        self.output.setdefault("parameterValues", {})[name] = value

    def _check(self, kind: Any, value: Any) -> None:
        if is_literal(kind):
            accepted = value in get_args(kind)
        else:
            wanted: Any = get_origin(kind) or kind
            accepted = isinstance(value, (int, float) if wanted is float else wanted)
        if not accepted:
            raise ValueError(
                f"Function `{self.func.__name__}` returned value of type {type(value)}; want type "
                f"{kind}"
            )


def _to_json(artifact: Any) -> dict[str, Any]:
    made = {"name": artifact.name, "uri": artifact.uri, "metadata": artifact.metadata}
    if artifact.custom_path:
        made["custom_path"] = artifact.custom_path
    return made


def _final_status(value: Mapping[str, Any]) -> PipelineTaskFinalStatus:
    error = value.get("error") or {}
    return PipelineTaskFinalStatus(
        state=value.get("state", ""),
        pipeline_job_resource_name=_either(
            value, "pipelineJobResourceName", "pipeline_job_resource_name"
        ),
        pipeline_task_name=_either(value, "pipelineTaskName", "pipeline_task_name"),
        error_code=error.get("code"),
        error_message=error.get("message"),
    )


def _task_config(value: Mapping[str, Any]) -> TaskConfig:
    return TaskConfig(
        affinity=value.get("affinity"),
        tolerations=value.get("tolerations"),
        node_selector=value.get("nodeSelector"),
        env=value.get("env"),
        volumes=value.get("volumes"),
        volume_mounts=value.get("volumeMounts"),
        resources=value.get("resources"),
    )


def _either(value: Mapping[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _is_chief() -> bool:
    """Tell whether this is the one of several workers that writes what all of them made."""
    spec = os.environ.get("CLUSTER_SPEC")
    if not spec:
        return True
    return json.loads(spec)["task"]["type"] in ("workerpool0", "chief", "master")


def _make_parent(path: str) -> None:
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
