"""What passes between the tasks of a KFP pipeline: what one is given, what a scope has made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.spec import (
    ArtifactSource,
    ComponentSpec,
    ParameterSource,
    ParameterType,
)
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.run import Task, TaskState
from jupyter_mlplat.resources.workflow import ArtifactValue, Values
from jupyter_mlplat.services.workflows.cel import select
from jupyter_mlplat.services.workflows.placeholders import Facts, Scope, has_placeholder, resolve
from jupyter_mlplat.services.workflows.places import NO_TASKS, Place
from jupyter_mlplat.services.workflows.platform import with_constants
from jupyter_mlplat.services.workflows.values import items_of, settled, with_defaults

_STATUS = {TaskState.SUCCEEDED: "COMPLETE"}
"""As upstream's backend spells the end of a task in a `PipelineTaskFinalStatus`."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What a task sees: what its scope was given, and the scope's other tasks.

    Attributes:
        inputs: Of the scope.
        find: Returns a task of the scope by its key.
        pipeline: What the pipeline as a whole was given.
        job: Resource name of the run.
    """

    inputs: Values
    find: Callable[[str], Task | None]
    pipeline: Values
    job: str

    def made(self, key: str) -> Values:
        """Return what a task has made so far."""
        task = self.find(key)
        return (task.results if task else None) or Values()

    def parameter(self, source: ParameterSource) -> JsonValue:
        """Return what a source comes to, constants but for their placeholders; None: not set."""
        value: JsonValue = None
        if source.component_input_parameter is not None:
            value = self.inputs.parameters.get(source.component_input_parameter)
        elif source.task_output_parameter is not None:
            output = source.task_output_parameter
            made = self.made(output.producer_task).parameters
            value = made.get(output.output_parameter_key)
        elif source.task_final_status is not None:
            value = self._final_status(source.task_final_status.producer_task)
        elif source.runtime_value is not None:
            named = source.runtime_value.runtime_parameter
            value = self.pipeline.parameters.get(named) if named else source.runtime_value.value
        return value

    def artifacts(self, source: ArtifactSource) -> tuple[ArtifactValue, ...] | None:
        """Return what a source comes to; None: there is nothing."""
        if source.task_output_artifact is not None:
            output = source.task_output_artifact
            made = self.made(output.producer_task).artifacts
            return made.get(output.output_artifact_key)
        return self.inputs.artifacts.get(source.component_input_artifact or "")

    def _final_status(self, key: str) -> JsonValue:
        task = self.find(key)
        if task is None:
            return None
        failure = task.failure
        return {
            "state": _STATUS.get(task.state, task.state.value),
            "pipelineTaskName": key,
            "pipelineJobResourceName": self.job,
            "error": {"code": 1 if failure else 0, "message": failure.message if failure else ""},
        }


def given_to(place: Place, neighbours: Neighbours, facts: Facts) -> Values:
    """Return what a task is given.

    A nested pipeline's defaults are filled in; those of a leaf its own code knows.

    Raises:
        InvalidInput: Something it needs is not there or of another type, or cannot be selected.
    """
    spec, component = place.spec, place.component
    definitions = component.input_definitions.parameters
    values: dict[str, JsonValue] = {}
    for name, source in spec.inputs.parameters.items():
        definition = definitions.get(name)
        if definition is None or definition.kind is not ParameterType.TASK_CONFIG:
            values[name] = neighbours.parameter(source)
    scope = Scope.of_parameters(facts, values)
    for name, source in spec.inputs.parameters.items():
        at = f"{place.what}: input parameter {name!r}"
        try:
            if source.runtime_value is not None and has_placeholder(values.get(name)):
                values[name] = resolve(values[name], scope)
            if source.parameter_expression_selector and values.get(name) is not None:
                values[name] = select(source.parameter_expression_selector, values[name])
        except InvalidInput as error:
            raise InvalidInput(f"{at}: {error.message}") from error
    set_values = {name: value for name, value in values.items() if value is not None}
    but = [spec.item_input] if spec.item_input else []
    parameters = settled(place.what, definitions, set_values, but=but)
    if component.dag is not None:
        parameters = with_defaults(
            {name: one for name, one in definitions.items() if name not in but}, parameters
        )
    return Values(parameters=parameters, artifacts=_artifacts_for(place, neighbours))


def _artifacts_for(place: Place, neighbours: Neighbours) -> dict[str, tuple[ArtifactValue, ...]]:
    found: dict[str, tuple[ArtifactValue, ...]] = {}
    for name, source in place.spec.inputs.artifacts.items():
        values = neighbours.artifacts(source)
        definition = place.component.input_definitions.artifacts.get(name)
        if values is not None:
            found[name] = values
        elif definition is None or not definition.is_optional:
            output = source.task_output_artifact
            origin = (
                f"task {output.producer_task!r} has not made {output.output_artifact_key!r}"
                if output
                else f"the pipeline around it was given no {source.component_input_artifact!r}"
            )
            raise InvalidInput(f"{place.what}: input artifact {name!r} is missing: {origin}.")
    return found


def items_for(place: Place, inputs: Values) -> Sequence[Values]:
    """Return, for each iteration of a loop, the item by the name of its input.

    Raises:
        InvalidInput: What it loops over is no list.
    """
    parameters, artifacts = place.spec.parameter_iterator, place.spec.artifact_iterator
    if artifacts is not None:
        found = inputs.artifacts.get(artifacts.items.input_artifact)
        if found is None:
            raise InvalidInput(
                f"{place.what} loops over artifact {artifacts.items.input_artifact!r}, which is "
                "missing."
            )
        return [Values(artifacts={artifacts.item_input: (item,)}) for item in found]
    if parameters is None:
        return ()
    raw, named = parameters.items.raw, parameters.items.input_parameter or ""
    value: JsonValue = inputs.parameters.get(named) if raw is None else raw
    items = items_of(place.what, value)
    if raw is not None and has_placeholder(items):
        scope = Scope.of_parameters(Facts("", "", ""), inputs.parameters)
        items = [resolve(item, scope) for item in items]
    return [Values(parameters={parameters.item_input: item}) for item in items]


def item_of(place: Place, inputs: Values, item: Values) -> Values:
    """Return what an iteration is given: what its loop was, with one item instead of all.

    All the items stay in reach only where something inside reads them, a loop over them once more:
    each iteration with all items would make a loop's cost quadratic.

    Raises:
        InvalidInput: The item is not of the type that its component needs.
    """
    parameters, artifacts = dict(inputs.parameters), dict(inputs.artifacts)
    left_out: list[str] = []
    if place.spec.parameter_iterator is not None:
        named = place.spec.parameter_iterator.items.input_parameter
        if named and named != place.spec.item_input and not _is_read(place.component, named):
            parameters.pop(named, None)
            left_out.append(named)
    elif place.spec.artifact_iterator is not None:
        named = place.spec.artifact_iterator.items.input_artifact
        if not _is_read(place.component, named):
            artifacts.pop(named, None)
    given = {
        name: value
        for name, value in {**parameters, **item.parameters}.items()
        if value is not None
    }
    return Values(
        parameters=settled(
            place.what, place.component.input_definitions.parameters, given, but=left_out
        ),
        artifacts={**artifacts, **item.artifacts},
    )


def _is_read(component: ComponentSpec, name: str) -> bool:
    """Tell whether a task of a DAG reads an input of it."""
    tasks = (component.dag or NO_TASKS).tasks.values()
    return any(
        name
        in (parameter.component_input_parameter for parameter in task.inputs.parameters.values())
        or name
        in (artifact.component_input_artifact for artifact in task.inputs.artifacts.values())
        for task in tasks
    )


def made_by_dag(component: ComponentSpec, find: Callable[[str], Task | None]) -> Values:
    """Return what a nested pipeline has made: outputs of its tasks.

    Where several are named for one output (`OneOf`), it is that of the one that has made it.
    """
    outputs = (component.dag or NO_TASKS).outputs
    parameters: dict[str, JsonValue] = {}
    for name, parameter in outputs.parameters.items():
        for one in parameter.selectors:
            made = _made(find(one.producer_subtask)).parameters
            if one.output_parameter_key in made:
                parameters[name] = made[one.output_parameter_key]
                break
    artifacts: dict[str, tuple[ArtifactValue, ...]] = {}
    for name, artifact in outputs.artifacts.items():
        for chosen in artifact.artifact_selectors:
            values = _made(find(chosen.producer_subtask)).artifacts
            if chosen.output_artifact_key in values:
                artifacts[name] = values[chosen.output_artifact_key]
                break
    return Values(parameters=parameters, artifacts=artifacts)


def made_by_loop(component: ComponentSpec, iterations: Iterable[Task]) -> Values:
    """Return what a loop has made: of each output a list, in the order of the iterations.

    An iteration that has not made it is passed over. Parameters of nested loops are lists of lists,
    as the proto and the SDK have it; artifacts of nested loops are one list.
    """
    definitions, made = component.output_definitions, [_made(task) for task in iterations]
    return Values(
        parameters={
            name: [values.parameters[name] for values in made if name in values.parameters]
            for name in definitions.parameters
        },
        artifacts={
            name: tuple(one for values in made for one in values.artifacts.get(name, ()))
            for name in definitions.artifacts
        },
    )


def settled_platform(
    platform: Mapping[str, JsonValue], neighbours: Neighbours
) -> dict[str, JsonValue]:
    """Return platform settings with references to other tasks replaced by what they come to."""

    def lookup(source: Mapping[str, JsonValue]) -> JsonValue:
        return neighbours.parameter(ParameterSource.model_validate(source))

    return with_constants(platform, lookup)


def _made(task: Task | None) -> Values:
    return (task.results if task else None) or Values()
