"""A KFP pipeline as one of ours: its parameters and the picture of its root's tasks."""

import json
import re
from collections.abc import Mapping
from typing import Literal

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.checking import fault
from jupyter_mlplat.formats.kfp.document import Document
from jupyter_mlplat.formats.kfp.spec import (
    ComponentSpec,
    DagSpec,
    InputParameter,
    ParameterType,
    RetryPolicy,
    TaskSpec,
    seconds,
)
from jupyter_mlplat.kit.digests import digest_json, digest_text
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import (
    Edge,
    Parameter,
    Pipeline,
    Retry,
    Step,
    StepSettings,
)
from jupyter_mlplat.resources.workflow import task_name
from jupyter_mlplat.services.workflows import cel
from jupyter_mlplat.services.workflows.values import normal

_Type = Literal["int", "float", "str", "bool", "list", "dict", "any"]
_TYPES: Mapping[ParameterType, _Type] = {
    ParameterType.NUMBER_INTEGER: "int",
    ParameterType.NUMBER_DOUBLE: "float",
    ParameterType.STRING: "str",
    ParameterType.BOOLEAN: "bool",
    ParameterType.LIST: "list",
    ParameterType.STRUCT: "dict",
}
_LONGEST = 63


def pipeline_of(document: Document, *, name: str | None = None) -> Pipeline:
    """Describe a document as a pipeline: what a run of it stores, a form asks and a graph shows.

    Its tasks unfold while it runs, so `steps` are only those its root names.

    Raises:
        InvalidInput: A condition or a selector cannot be understood; the message has its place.
    """
    check_expressions(document)
    raw = dict(document.raw)
    names = {task: task_name((task,)) for task in document.dag.tasks}
    return Pipeline(
        name=name_of(name or document.name),
        digest=digest_json({"kfp": raw}),
        steps=tuple(
            _step(names, document.dag, task, spec, document.component_of(spec))
            for task, spec in document.dag.tasks.items()
        ),
        edges=tuple(_edges(names, document.dag)),
        parameters=tuple(
            _parameter(name, definition, document.given)
            for name, definition in document.root.input_definitions.parameters.items()
        ),
        ir=raw,
    )


def name_of(text: str) -> str:
    """Return a name of ours for any pipeline's: lower case, at most 63 characters.

    One that had to be shortened ends in a digest of the whole.
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("._-") or "pipeline"
    if len(name) > _LONGEST:
        mark = digest_text(text).removeprefix("sha256:")[:8]
        name = f"{name[: _LONGEST - 9].rstrip('._-')}-{mark}"
    return name


def check_expressions(document: Document) -> None:
    """Refuse conditions and selectors outside the expressions that are understood.

    Raises:
        InvalidInput: With the place in the document and in the expression.
    """
    places = [("root", document.root)]
    places += [(f"components['{n}']", c) for n, c in document.spec.components.items()]
    for path, component in places:
        for name, task in (component.dag.tasks if component.dag else {}).items():
            at = f"{path}.dag.tasks['{name}']"
            if task.trigger_policy.condition:
                _check(
                    f"{at}.triggerPolicy.condition",
                    task.trigger_policy.condition,
                    cel.CONDITION_NAMES,
                )
            for key, source in task.inputs.parameters.items():
                if source.parameter_expression_selector:
                    _check(
                        f"{at}.inputs.parameters['{key}'].parameterExpressionSelector",
                        source.parameter_expression_selector,
                        cel.SELECTOR_NAMES,
                    )


def retry_of(policy: RetryPolicy | None) -> Retry:
    """Return how often a task is tried again; nothing set means never."""
    if policy is None:
        return Retry()
    wait, longest = seconds(policy.backoff_duration), seconds(policy.backoff_max_duration)
    return Retry(
        limit=min(policy.max_retry_count, 100),
        backoff_s=max(wait, 0.0) if wait is not None else 0.0,
        factor=max(policy.backoff_factor, 1.0) if policy.backoff_factor else 2.0,
        max_backoff_s=max(longest, 0.0) if longest else 3600.0,
    )


def _check(path: str, text: str, names: frozenset[str]) -> None:
    try:
        cel.compile(text, names)
    except InvalidInput as error:
        raise fault(path, error.message.rstrip(".")) from error


def _step(
    names: Mapping[str, str], dag: DagSpec, task: str, spec: TaskSpec, component: ComponentSpec
) -> Step:
    outputs = component.output_definitions
    return Step(
        name=names[task],
        title=spec.task_info.name or task,
        cells=(),
        parameters=tuple(
            source.component_input_parameter
            for source in spec.inputs.parameters.values()
            if source.component_input_parameter is not None
        ),
        outputs=(*outputs.parameters, *outputs.artifacts),
        after=tuple(names[needed] for needed in spec.needs if needed in dag.tasks),
        settings=StepSettings(
            retry=retry_of(spec.retry_policy), cache=spec.caching_options.enable_cache
        ),
    )


def _edges(names: Mapping[str, str], dag: DagSpec) -> list[Edge]:
    edges = []
    for name, task in dag.tasks.items():
        passed: dict[str, list[str]] = {needed: [] for needed in task.needs}
        for parameter in task.inputs.parameters.values():
            if parameter.task_output_parameter is not None:
                output = parameter.task_output_parameter
                passed[output.producer_task].append(output.output_parameter_key)
        for artifact in task.inputs.artifacts.values():
            if artifact.task_output_artifact is not None:
                made = artifact.task_output_artifact
                passed[made.producer_task].append(made.output_artifact_key)
        for needed, keys in passed.items():
            edges.append(
                Edge.model_validate(
                    {
                        "from": names[needed],
                        "to": names[name],
                        "names": tuple(dict.fromkeys(keys)),
                        "reasons": (),
                    }
                )
            )
    return edges


def _parameter(name: str, definition: InputParameter, given: Mapping[str, JsonValue]) -> Parameter:
    default = normal(given.get(name, definition.default_value))
    return Parameter(
        name=name,
        type=_TYPES.get(definition.kind, "any"),
        default=default,
        expression="" if default is None else json.dumps(default, ensure_ascii=False),
        help=definition.description,
        is_required=definition.is_required and name not in given,
        choices=tuple(normal(literal) for literal in definition.literals),
    )
