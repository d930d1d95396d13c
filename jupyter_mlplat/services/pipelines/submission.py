"""From a compiled notebook and what the caller asked for to a run, or a refusal that says why."""

from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime

from jupyter_mlplat.config import THIS_MACHINE
from jupyter_mlplat.errors import Conflict, InvalidInput
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Parameter, Pipeline, Severity, Step
from jupyter_mlplat.resources.run import (
    CellRun,
    CloneRequest,
    RetryRequest,
    Run,
    RunPatch,
    RunState,
    SubmitRequest,
    Task,
    TaskState,
)
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.pipelines.caching import code_parts
from jupyter_mlplat.services.pipelines.messages import RetryAsked
from jupyter_mlplat.services.pipelines.plan import Plan, plan_of
from jupyter_mlplat.services.workflows.flow import Flow

_ACCEPTS: Mapping[str, Callable[[JsonValue], bool]] = {
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "dict": lambda value: isinstance(value, dict),
    "none": lambda value: True,  # a default of None says nothing about what else is meant
    "any": lambda value: True,
}


_MOST_TAGS = 64


def new_run(
    pipeline: Pipeline,
    request: SubmitRequest,
    inventory: Inventory,
    now: datetime,
    flow: Flow | None = None,
) -> Run:
    """Make the run that was asked for; the store gives it its number.

    Raises:
        InvalidInput: The notebook has errors, a parameter is unknown or of the wrong type, `until`
            names no step, or a step can never start on this machine.
    """
    refuse_errors(pipeline)
    plan = plan_of(pipeline)
    skipped = steps_left_out(pipeline, plan, request.until, request.from_step)
    for step in pipeline.steps:
        if step.name not in skipped:
            inventory.refuse_impossible(step.name, step.settings.resources)
    return Run(
        id=new_id("run"),
        number=0,
        pipeline=pipeline.name,
        pipeline_digest=pipeline.digest,
        notebook=pipeline.notebook,
        experiment=request.experiment,
        place=request.run_on or THIS_MACHINE,
        state=RunState.PENDING,
        parameters=dict(request.parameters),
        created_at=now,
        tasks=_first_tasks(pipeline, flow or plan, request.parameters, skipped),
        tags=request.tags,
        cache=request.cache,
        literal=request.literal,
        until=request.until,
        from_step=request.from_step,
        reuse=request.reuse,
        split=request.split,
        whole=pipeline.whole is not None,
        title=request.title,
        note=request.note,
        kfp=request.kfp,
        notes=(flow or plan).notes,
    )


def as_submission(run: Run, request: CloneRequest) -> SubmitRequest:
    """Say what would have to be submitted to run the code of a run again, with changes."""
    given = request.parameters
    return SubmitRequest(
        path=run.notebook,
        split=run.split,
        whole=run.whole,
        parameters=run.parameters if given is None else given,
        experiment=request.experiment or run.experiment,
        cache=request.cache,
        run_on=request.run_on or run.place,
        literal=run.literal,
        tags=run.tags if request.tags is None else request.tags,
        title=run.title,
        kfp=run.kfp,
        until=request.until,
    )


def edited(run: Run, patch: RunPatch) -> Run:
    """Change what people say of a run.

    Raises:
        InvalidInput: It would have too many tags.
    """
    tags = {name: value for name, value in {**run.tags, **patch.tags}.items() if value is not None}
    if len(tags) > _MOST_TAGS:
        raise InvalidInput(
            f"Cannot tag run {run.number}: it would have {len(tags)} tags, and {_MOST_TAGS} are "
            "the most. Take some away."
        )
    return run.model_copy(
        update={
            "tags": tags,
            "note": run.note if patch.note is None else patch.note,
            "experiment": patch.experiment or run.experiment,
            "archived": run.archived if patch.archived is None else patch.archived,
        }
    )


def _first_tasks(
    pipeline: Pipeline, flow: Flow, parameters: Mapping[str, JsonValue], left_out: frozenset[str]
) -> tuple[Task, ...]:
    tasks = flow.first(parameters, left_out)
    if tasks is None:
        refuse_parameters(pipeline, parameters)
        tasks = tuple(_new_task(step, step.name in left_out) for step in pipeline.steps)
    return tasks


def _new_task(step: Step, is_left_out: bool) -> Task:
    return Task(
        name=step.name,
        title=step.title,
        state=TaskState.SKIPPED if is_left_out else TaskState.PENDING,
        cells=tuple(CellRun(id=cell.id, state="pending") for cell in step.cells),
        notes=step.notes,
    )


def refuse_errors(pipeline: Pipeline) -> None:
    """Refuse what the compiler said cannot be run."""
    errors = [problem for problem in pipeline.problems if problem.severity is Severity.ERROR]
    if errors:
        more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
        raise InvalidInput(
            f"Cannot run {pipeline.name!r}: {errors[0].message}{more}",
            problems=[problem.to_wire() for problem in errors],
        )
    if not pipeline.steps:
        raise InvalidInput(
            f"Cannot run {pipeline.name!r}: it has no step. Write a cell with code, "
            "or remove the 'skip' tags."
        )


def refuse_parameters(pipeline: Pipeline, given: Mapping[str, JsonValue]) -> None:
    """Refuse parameters that the notebook does not have, or of another type."""
    known = {parameter.name: parameter for parameter in pipeline.parameters}
    for name, value in given.items():
        if name not in known:
            has = (
                f"It has: {', '.join(known)}."
                if known
                else "It has none: tag the cell that assigns them 'parameters'."
            )
            raise InvalidInput(
                f"Cannot run {pipeline.name!r}: {name!r} is not one of its parameters. {has}",
                parameter=name,
                known=list(known),
            )
        _refuse_type(pipeline.name, known[name], value)
        _refuse_other_choice(pipeline.name, known[name], value)
    missing = [name for name, it in known.items() if it.is_required and name not in given]
    if missing:
        raise InvalidInput(
            f"Cannot run {pipeline.name!r}: {_names(missing)} has no value and no default. "
            "Give it one.",
            missing=missing,
        )


def _refuse_type(pipeline: str, parameter: Parameter, value: JsonValue) -> None:
    if not _ACCEPTS[parameter.type](value):
        raise InvalidInput(
            f"Cannot run {pipeline!r}: parameter {parameter.name!r} takes "
            f"{parameter.type} (its default is {parameter.expression}), found "
            f"{type(value).__name__} {value!r}. Give it a value of type {parameter.type}.",
            parameter=parameter.name,
            expected=parameter.type,
        )


def _refuse_other_choice(pipeline: str, parameter: Parameter, value: JsonValue) -> None:
    choices = [(isinstance(choice, bool), choice) for choice in parameter.choices]  # True is no 1
    if choices and (isinstance(value, bool), value) not in choices:
        shown = ", ".join(repr(choice) for _, choice in choices)
        raise InvalidInput(
            f"Cannot run {pipeline!r}: parameter {parameter.name!r} is one of {shown}; found "
            f"{value!r}. Choose one of them.",
            parameter=parameter.name,
            choices=list(parameter.choices),
        )


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names))
    return f"parameter {shown}" if len(names) == 1 else f"each of the parameters {shown}"


def steps_left_out(
    pipeline: Pipeline, plan: Plan, until: str | None, from_step: str | None = None
) -> frozenset[str]:
    """Return the steps that a run from one step, or up to one, does not need."""
    for word, name in (("until", until), ("from", from_step)):
        if name is not None and name not in plan.steps:
            raise InvalidInput(
                f"Cannot run {pipeline.name!r} {word} {name!r}: it has no such step. "
                f"It has: {', '.join(plan.steps)}."
            )
    fresh = plan.with_dependents([] if from_step is None else [from_step])
    wanted = plan.with_needs(*([until] if until is not None else fresh or plan.steps))
    if fresh and not fresh & wanted:
        raise InvalidInput(
            f"Cannot run {pipeline.name!r} from {from_step!r} until {until!r}: {until!r} does not "
            f"need {from_step!r}. Leave one of the two out."
        )
    return frozenset(plan.steps) - wanted


def request_digest(request: SubmitRequest) -> str:
    """Digest a request, so that a key used again with another one is noticed."""
    return digest_json(request.model_dump(mode="json"))


def new_retry(
    run: Run,
    old: Pipeline,
    new: Pipeline,
    saved: Mapping[str, Container[str]],
    request: RetryRequest,
    inventory: Inventory,
    now: datetime,
    flow: Flow | None = None,
) -> RetryAsked:
    """Work out what a retry has to run again.

    Args:
        run: The run as it ended.
        old: Its pipeline.
        new: The pipeline it goes on with.
        saved: The names that each step which has succeeded saved.
        request: What was asked for.
        inventory: What the machine has.
        now: The present moment.
        flow: Of the pipeline it goes on with, where that unfolds as it runs.

    Raises:
        Conflict: The run is not over, or nothing is left to do.
        InvalidInput: `from_step` names no step, or the new code cannot be run.
    """
    if not run.state.is_final:
        raise Conflict(
            f"Cannot retry run {run.number}: it is {run.state}. "
            "Wait until it has ended, or cancel it first."
        )
    refuse_errors(new)
    _refuse_never(run, new)
    plan = plan_of(new)
    skipped = steps_left_out(new, plan, run.until, run.from_step)
    if new.ir is not None and new.digest != old.digest:
        raise InvalidInput(
            f"Cannot retry run {run.number} with another pipeline: what a KFP pipeline has "
            "unfolded belongs to it. Submit a new run; what has not changed comes from the cache."
        )
    redo = _changed_steps(old, new, saved) - skipped
    nested = {task.name for task in run.tasks if task.path}
    if request.from_step is not None:
        if request.from_step not in plan.steps and request.from_step not in nested:
            raise InvalidInput(
                f"Cannot retry run {run.number} from {request.from_step!r}: it has no such step. "
                f"It has: {', '.join(plan.steps)}."
            )
        redo |= {request.from_step}
    succeeded = {task.name for task in run.tasks if task.state is TaskState.SUCCEEDED}
    is_done = run.state is RunState.SUCCEEDED if nested else succeeded >= {*plan.steps} - skipped
    if not redo and is_done:
        raise Conflict(
            f"Cannot retry run {run.number}: all its steps have succeeded and no code has "
            "changed. Name a step to start from, or submit a new run."
        )
    for step in new.steps:
        if step.name not in skipped:
            inventory.refuse_impossible(step.name, step.settings.resources)
    return RetryAsked(
        at=now,
        flow=flow or plan,
        pipeline_digest=new.digest,
        redo=frozenset(redo),
        fresh=_first_tasks(new, flow or plan, run.parameters, skipped),
    )


def _refuse_never(run: Run, pipeline: Pipeline) -> None:
    """Refuse to go on with a tuning job that is never to be gone on with."""
    for step in pipeline.steps:
        if step.tune is not None and step.tune.resume == "never":
            raise Conflict(
                f"Cannot retry run {run.number}: the resume policy of {step.name!r} is Never, so "
                "its trials are not gone on with. Submit it anew."
            )


def _changed_steps(old: Pipeline, new: Pipeline, saved: Mapping[str, Container[str]]) -> set[str]:
    """Name the steps whose code or wiring differs, or that did not save what is needed now.

    Settings such as retries do not count.
    """
    if old.digest == new.digest:
        return set()
    before = {step.name: step for step in old.steps}

    def is_changed(step: Step) -> bool:
        was = before.get(step.name)
        if was is None or _identity(was, old) != _identity(step, new):
            return True
        needed = set(step.outputs) - set(step.kept)
        if needed == set(was.outputs) - set(was.kept):
            return False
        return not all(name in saved.get(step.name, ()) for name in needed)

    return {step.name for step in new.steps if is_changed(step)}


def _identity(step: Step, pipeline: Pipeline) -> dict[str, str]:
    parts = code_parts(step, pipeline)
    parts["wiring"] = digest_json([[given.name, given.step] for given in step.inputs])
    defaults = {parameter.name: parameter.expression for parameter in pipeline.parameters}
    parts["parameters"] = digest_json({name: defaults.get(name) for name in step.parameters})
    return parts
