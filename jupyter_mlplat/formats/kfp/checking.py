"""Whether what a pipeline names is there, and whether nothing waits for itself."""

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import NoReturn

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.reading import parse_json
from jupyter_mlplat.formats.kfp.spec import (
    ArtifactSource,
    ComponentSpec,
    DagSpec,
    ExecutorSpec,
    Message,
    ParameterSource,
    ParameterType,
    PipelineSpec,
    RuntimeValue,
    TaskSpec,
)
from jupyter_mlplat.resources.base import JsonValue

SCHEMA_VERSION = "2.1.0"

_NAME = re.compile(r"[a-z0-9]")
_KINDS: Mapping[ParameterType, tuple[type, ...]] = {
    ParameterType.NUMBER_DOUBLE: (int, float),
    ParameterType.NUMBER_INTEGER: (int, float),
    ParameterType.STRING: (str, bool, int, float, list, dict),
    ParameterType.BOOLEAN: (bool,),
    ParameterType.LIST: (list,),
    ParameterType.STRUCT: (dict,),
    ParameterType.TASK_FINAL_STATUS: (dict,),
    ParameterType.TASK_CONFIG: (dict,),
}


def fault(path: str, what: str) -> InvalidInput:
    """Return the refusal of a document for what stands at a place of it."""
    return InvalidInput(f"This is no valid KFP pipeline: {path}: {what}.", path=path)


def check(spec: PipelineSpec) -> None:
    """Refuse a pipeline that could not be run whatever its parameters are.

    Raises:
        InvalidInput: The first fault found, with its path.
    """
    if not spec.schema_version:
        raise fault("schemaVersion", f"is missing; needed {SCHEMA_VERSION}")
    if spec.schema_version != SCHEMA_VERSION:
        raise fault(
            "schemaVersion",
            f"is {spec.schema_version!r}; only {SCHEMA_VERSION} is known. "
            "Compile the pipeline with kfp 2",
        )
    if not spec.pipeline_info.name:
        raise fault("pipelineInfo.name", "is missing")
    if not _NAME.search(spec.pipeline_info.name):
        raise fault(
            "pipelineInfo.name",
            f"is {spec.pipeline_info.name!r}; needed lower-case letters, digits, '-' or '.'",
        )
    if spec.root is None:
        raise fault("root", "is missing: the component that is the pipeline")
    if spec.root.dag is None:
        raise fault("root.dag", "is missing: the tasks of the pipeline")
    for label, executor in spec.deployment_spec.executors.items():
        _check_executor(f"deploymentSpec.executors['{label}']", executor)
    checker = _Checker(spec)
    checker.component("root", spec.root)
    for name, component in spec.components.items():
        checker.component(f"components['{name}']", component)
    checker.recursion()


def _check_executor(path: str, executor: ExecutorSpec) -> None:
    if executor.resolver is not None or executor.custom_job is not None:
        kind = "resolver" if executor.resolver is not None else "customJob"
        raise fault(f"{path}.{kind}", "is not run, neither here nor by Kubeflow's own backend")
    if _only(path, executor, "container", "importer") == "container":
        if executor.container is not None and not executor.container.image:
            raise fault(f"{path}.container.image", "is missing")
    elif executor.importer is not None:
        _check_runtime_value(f"{path}.importer.artifactUri", executor.importer.artifact_uri)


def _check_runtime_value(path: str, value: RuntimeValue) -> None:
    _only(path, value, "constant", "runtime_parameter", "constant_value")


def _found(kinds: Iterable[str]) -> str:
    names = ", ".join(kinds)
    return f"; found {names}" if names else "; found none"


class _Checker:
    def __init__(self, spec: PipelineSpec) -> None:
        self.spec = spec

    def component(self, path: str, component: ComponentSpec) -> None:
        for name, parameter in component.input_definitions.parameters.items():
            at = f"{path}.inputDefinitions.parameters['{name}']"
            if parameter.default_value is not None:
                default = _of_text(parameter.kind, parameter.default_value)
                self._value(f"{at}.defaultValue", parameter.kind, default)
        if component.dag is not None and component.executor_label is not None:
            raise fault(path, "has both dag and executorLabel; needed one of them")
        if component.dag is not None:
            self._dag(f"{path}.dag", component, component.dag)
        elif not component.executor_label:
            raise fault(path, "has neither dag nor executorLabel")
        elif component.executor_label not in self.spec.deployment_spec.executors:
            self._unknown(
                f"{path}.executorLabel",
                "executor",
                component.executor_label,
                self.spec.deployment_spec.executors,
            )

    def recursion(self) -> None:
        """Refuse a component that contains itself: it would unfold without end."""
        done: set[str] = set()
        open_names: list[str] = []

        def calls(component: ComponentSpec) -> list[str]:
            tasks = component.dag.tasks if component.dag else {}
            return list(dict.fromkeys(task.component_ref.name for task in tasks.values()))

        stack: list[tuple[str, list[str]]] = [("root", calls(self.spec.root or ComponentSpec()))]
        while stack:
            name, rest = stack[-1]
            if not rest:
                stack.pop()
                done.add(name)
                continue
            called = rest.pop()
            open_names = [entry[0] for entry in stack]
            if called in open_names[1:]:
                circle = " → ".join([*open_names[open_names.index(called, 1) :], called])
                raise fault(f"components['{called}'].dag", f"contains itself: {circle}")
            if called not in done:
                stack.append((called, calls(self.spec.components[called])))

    def _dag(self, path: str, component: ComponentSpec, dag: DagSpec) -> None:
        if not dag.tasks:
            raise fault(f"{path}.tasks", "is empty: a pipeline has at least one task")
        for name, task in dag.tasks.items():
            self._task(f"{path}.tasks['{name}']", component, dag, task)
        _refuse_circles(path, dag)
        self._outputs(f"{path}.outputs", component, dag)

    def _task(self, path: str, parent: ComponentSpec, dag: DagSpec, task: TaskSpec) -> None:
        called = self._called(path, task)
        for index, needed in enumerate(task.dependent_tasks):
            if needed not in dag.tasks:
                self._unknown(f"{path}.dependentTasks[{index}]", "task", needed, dag.tasks)
        for name, parameter in task.inputs.parameters.items():
            at = f"{path}.inputs.parameters['{name}']"
            self._parameter(at, parent, dag, parameter)
            definition = called.input_definitions.parameters.get(name)
            constant = parameter.runtime_value
            if definition is not None and constant is not None and constant.has("constant"):
                self._value(f"{at}.runtimeValue.constant", definition.kind, constant.constant)
        for name, artifact in task.inputs.artifacts.items():
            self._artifact(f"{path}.inputs.artifacts['{name}']", parent, dag, artifact)
        self._iterators(path, task, called)
        self._required(path, task, called)
        if task.retry_policy is not None and task.retry_policy.max_retry_count < 0:
            raise fault(f"{path}.retryPolicy.maxRetryCount", "is negative")
        if task.iterator_policy.parallelism_limit < 0:
            raise fault(f"{path}.iteratorPolicy.parallelismLimit", "is negative")

    def _called(self, path: str, task: TaskSpec) -> ComponentSpec:
        name = task.component_ref.name
        if not name:
            raise fault(f"{path}.componentRef.name", "is missing")
        if name not in self.spec.components:
            self._unknown(f"{path}.componentRef.name", "component", name, self.spec.components)
        return self.spec.components[name]

    def _parameter(
        self, path: str, parent: ComponentSpec, dag: DagSpec, source: ParameterSource
    ) -> None:
        kind = _only(
            path,
            source,
            "task_output_parameter",
            "runtime_value",
            "component_input_parameter",
            "task_final_status",
        )
        if source.task_output_parameter is not None:
            output = source.task_output_parameter
            producer = self._producer(f"{path}.{kind}.producerTask", dag, output.producer_task)
            if output.output_parameter_key not in producer.output_definitions.parameters:
                self._unknown(
                    f"{path}.{kind}.outputParameterKey",
                    f"output parameter of task {output.producer_task!r}",
                    output.output_parameter_key,
                    producer.output_definitions.parameters,
                )
        elif source.runtime_value is not None:
            _check_runtime_value(f"{path}.{kind}", source.runtime_value)
            named = source.runtime_value.runtime_parameter
            known = self.spec.root.input_definitions.parameters if self.spec.root else {}
            if named is not None and named not in known:
                self._unknown(f"{path}.{kind}.runtimeParameter", "pipeline parameter", named, known)
        elif source.component_input_parameter is not None:
            known = parent.input_definitions.parameters
            if source.component_input_parameter not in known:
                self._unknown(
                    f"{path}.{kind}",
                    "input parameter of the component",
                    source.component_input_parameter,
                    known,
                )
        elif source.task_final_status is not None:
            self._producer(
                f"{path}.{kind}.producerTask", dag, source.task_final_status.producer_task
            )

    def _artifact(
        self, path: str, parent: ComponentSpec, dag: DagSpec, source: ArtifactSource
    ) -> None:
        kind = _only(path, source, "task_output_artifact", "component_input_artifact")
        if source.task_output_artifact is not None:
            output = source.task_output_artifact
            producer = self._producer(f"{path}.{kind}.producerTask", dag, output.producer_task)
            if output.output_artifact_key not in producer.output_definitions.artifacts:
                self._unknown(
                    f"{path}.{kind}.outputArtifactKey",
                    f"output artifact of task {output.producer_task!r}",
                    output.output_artifact_key,
                    producer.output_definitions.artifacts,
                )
        elif source.component_input_artifact not in parent.input_definitions.artifacts:
            self._unknown(
                f"{path}.{kind}",
                "input artifact of the component",
                source.component_input_artifact or "",
                parent.input_definitions.artifacts,
            )

    def _producer(self, path: str, dag: DagSpec, name: str) -> ComponentSpec:
        if name not in dag.tasks:
            self._unknown(path, "task", name, dag.tasks)
        producer = self.spec.components.get(dag.tasks[name].component_ref.name)
        return producer or ComponentSpec()

    def _iterators(self, path: str, task: TaskSpec, called: ComponentSpec) -> None:
        if task.parameter_iterator is not None and task.artifact_iterator is not None:
            raise fault(path, "has both parameterIterator and artifactIterator; needed one")
        if task.parameter_iterator is not None:
            at, items = f"{path}.parameterIterator", task.parameter_iterator.items
            if (items.raw is None) == (items.input_parameter is None):
                raise fault(f"{at}.items", "needed one of raw, inputParameter")
            if items.raw is not None:
                _check_list(f"{at}.items.raw", items.raw)
            elif items.input_parameter not in task.inputs.parameters:
                self._unknown(
                    f"{at}.items.inputParameter",
                    "input parameter of the task",
                    items.input_parameter or "",
                    task.inputs.parameters,
                )
            self._item(f"{at}.itemInput", task, called.input_definitions.parameters)
        if task.artifact_iterator is not None:
            at = f"{path}.artifactIterator"
            name = task.artifact_iterator.items.input_artifact
            if name not in task.inputs.artifacts:
                self._unknown(
                    f"{at}.items.inputArtifact",
                    "input artifact of the task",
                    name,
                    task.inputs.artifacts,
                )
            self._item(f"{at}.itemInput", task, called.input_definitions.artifacts)

    def _item(self, path: str, task: TaskSpec, known: Mapping[str, Message]) -> None:
        if not task.item_input:
            raise fault(path, "is missing: the input that takes an item of the loop")
        if task.item_input not in known:
            self._unknown(path, "input of the component", task.item_input, known)

    def _required(self, path: str, task: TaskSpec, called: ComponentSpec) -> None:
        for name, parameter in called.input_definitions.parameters.items():
            is_given = name in task.inputs.parameters or name == task.item_input
            is_ours = parameter.kind is ParameterType.TASK_CONFIG
            if parameter.is_required and not is_given and not is_ours:
                raise fault(
                    f"{path}.inputs.parameters['{name}']",
                    f"is missing: component {task.component_ref.name!r} requires it",
                )
        for name, artifact in called.input_definitions.artifacts.items():
            is_given = name in task.inputs.artifacts or name == task.item_input
            if not artifact.is_optional and not is_given:
                raise fault(
                    f"{path}.inputs.artifacts['{name}']",
                    f"is missing: component {task.component_ref.name!r} requires it",
                )

    def _outputs(self, path: str, component: ComponentSpec, dag: DagSpec) -> None:
        for name, parameter in dag.outputs.parameters.items():
            at = f"{path}.parameters['{name}']"
            _only(at, parameter, "value_from_parameter", "value_from_oneof")
            for selector in parameter.selectors:
                producer = self._producer(
                    f"{at}.producerSubtask", dag, selector.producer_subtask
                ).output_definitions.parameters
                if selector.output_parameter_key not in producer:
                    self._unknown(
                        f"{at}.outputParameterKey",
                        f"output parameter of task {selector.producer_subtask!r}",
                        selector.output_parameter_key,
                        producer,
                    )
            if name not in component.output_definitions.parameters:
                self._unknown(at, "output parameter", name, component.output_definitions.parameters)
        for name, artifact in dag.outputs.artifacts.items():
            at = f"{path}.artifacts['{name}']"
            if not artifact.artifact_selectors:
                raise fault(f"{at}.artifactSelectors", "is empty")
            for index, chosen in enumerate(artifact.artifact_selectors):
                here = f"{at}.artifactSelectors[{index}]"
                made = self._producer(
                    f"{here}.producerSubtask", dag, chosen.producer_subtask
                ).output_definitions.artifacts
                if chosen.output_artifact_key not in made:
                    self._unknown(
                        f"{here}.outputArtifactKey",
                        f"output artifact of task {chosen.producer_subtask!r}",
                        chosen.output_artifact_key,
                        made,
                    )
            if name not in component.output_definitions.artifacts:
                self._unknown(at, "output artifact", name, component.output_definitions.artifacts)

    def _value(self, path: str, kind: ParameterType, value: JsonValue) -> None:
        if value is None or (isinstance(value, str) and "{{$" in value):
            return
        if isinstance(value, bool) and kind not in (ParameterType.BOOLEAN, ParameterType.STRING):
            is_fit = False
        else:
            is_fit = isinstance(value, _KINDS[kind])
        if kind is ParameterType.NUMBER_INTEGER and isinstance(value, float):
            is_fit = value.is_integer()
        if not is_fit:
            text = json.dumps(value)
            raise fault(path, f"is {text[:60]}{'…' * (len(text) > 60)}; needed {kind}")

    def _unknown(self, path: str, what: str, name: str, known: Iterable[str]) -> NoReturn:
        names = sorted(known)
        listed = ", ".join(repr(n) for n in names[:8]) + (" …" if len(names) > 8 else "")
        raise fault(
            path,
            f"there is no {what} {name!r}; there {'is' if len(names) < 2 else 'are'} "
            + (listed or "none"),
        )


def _of_text(kind: ParameterType, value: JsonValue) -> JsonValue:
    """Return a default as older compilers wrote it: a text, whatever the type."""
    if isinstance(value, str) and kind is not ParameterType.STRING:
        with contextlib.suppress(ValueError):
            return parse_json(value)
    return value


def _only(path: str, message: Message, *kinds: str) -> str:
    found = [kind for kind in kinds if message.has(kind)]
    names = [_camel(kind) for kind in kinds]
    if len(found) != 1:
        raise fault(path, f"needed one of {', '.join(names)}" + _found(map(_camel, found)))
    return _camel(found[0])


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def _check_list(path: str, raw: str) -> None:
    try:
        items = parse_json(raw)
    except ValueError as error:
        raise fault(path, f"is no JSON ({error}); needed a list of items") from error
    if not isinstance(items, list):
        raise fault(path, f"is {raw[:60]!r}; needed a list of items")


def _refuse_circles(path: str, dag: DagSpec) -> None:
    waiting = {name: set(task.needs) for name, task in dag.tasks.items()}
    free = [name for name, needs in waiting.items() if not needs]
    readers: dict[str, list[str]] = {name: [] for name in waiting}
    for name, needs in waiting.items():
        for needed in needs:
            readers[needed].append(name)
    while free:
        done = free.pop()
        del waiting[done]
        for reader in readers[done]:
            waiting[reader].discard(done)
            if not waiting[reader]:
                free.append(reader)
    if not waiting:
        return
    name = min(waiting)
    walk = [name]
    while True:
        name = min(waiting[name])
        if name in walk:
            circle = [*walk[walk.index(name) :], name]
            raise fault(f"{path}.tasks['{name}']", f"waits for itself: {' ← '.join(circle)}")
        walk.append(name)
