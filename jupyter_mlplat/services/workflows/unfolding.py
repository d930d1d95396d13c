"""The tasks of a KFP pipeline, as they follow from one another while it runs.

A scope (a nested pipeline, a branch, a loop, an iteration) is a task that holds others and never
runs by itself. Everything that is known of a run is in its tasks: what a scope was given (`inputs`)
is what its tasks may be given, what it has made (`results`) is what its neighbours see of it. When
a task ends, only its neighbours and the scope around them are looked at.

Source:
    `PipelineTaskSpec` in api/v2alpha1/pipeline_spec.proto; backend/src/v2/driver/{dag,resolve}.go.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kfp.document import Document
from jupyter_mlplat.formats.kfp.spec import ComponentSpec, Strategy
from jupyter_mlplat.kit.clock import seconds_between
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Resources, Step, StepSettings
from jupyter_mlplat.resources.run import Failure, Run, RunState, Task, TaskState
from jupyter_mlplat.resources.workflow import Component, Values, task_name
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.workflows.calling import resources_of
from jupyter_mlplat.services.workflows.cel import condition_holds
from jupyter_mlplat.services.workflows.demands import fitted
from jupyter_mlplat.services.workflows.flow import View, renewed
from jupyter_mlplat.services.workflows.passing import (
    Neighbours,
    given_to,
    item_of,
    items_for,
    made_by_dag,
    made_by_loop,
    settled_platform,
)
from jupyter_mlplat.services.workflows.placeholders import Facts
from jupyter_mlplat.services.workflows.places import NO_TASKS, Limit, Place, Places
from jupyter_mlplat.services.workflows.values import arguments

_NOTHING_SPECIAL = Resources()
_GOES_ON = (TaskState.QUEUED, TaskState.RUNNING)


class Unfolding:
    """A `services.workflows.flow.Flow`.

    Args:
        document: The pipeline.
        runs: Folder below which every run has one of its own.
        inventory: What the machine has; tasks ask for no more of it.
    """

    def __init__(self, document: Document, runs: str, inventory: Inventory) -> None:
        self.document = document
        self._runs = runs
        self._inventory = inventory
        self._places = Places(document)
        self._arguments: tuple[object, Values] | None = None
        self._items: dict[str, tuple[Values, Sequence[Values]]] = {}

    def first(
        self, parameters: Mapping[str, JsonValue], left_out: frozenset[str] = frozenset()
    ) -> tuple[Task, ...]:
        """Return the tasks that a run begins with: those of the root.

        Raises:
            InvalidInput: A parameter is unknown, missing, or of another type.
        """
        arguments(self.document, parameters)
        return tuple(
            task.model_copy(update={"state": TaskState.SKIPPED}) if task.name in left_out else task
            for task in self._rows(None, self.document.root)
        )

    def step_of(self, run: Run, tasks: Mapping[str, Task], task: Task) -> Step:
        """Return what a leaf runs.

        Raises:
            InvalidInput: What it asks of the machine is no quantity.
        """
        place = self._places.of(task.path)
        spec, component = place.spec, place.component
        outputs = component.output_definitions
        raw = self._places.raw(component)
        made = Component.model_construct(
            label=component.executor_label or "",
            executor=raw.executor,
            spec=raw.spec,
            platform=settled_platform(raw.platform, self._neighbours(run, tasks, task.parent)),
            inputs=task.inputs or Values(),
            task=place.key,
            path="/".join(task.path),
            iteration=place.iteration,
            cache_key=spec.caching_options.cache_key,
        )
        return Step(
            name=task.name,
            title=task.title,
            cells=(),
            outputs=(*outputs.parameters, *outputs.artifacts),
            after=task.needs,
            settings=StepSettings(
                resources=self._resources(component, made),
                retry=place.limit.retry,
                timeout_s=place.limit.timeout_s,
                cache=spec.caching_options.enable_cache,
            ),
            component=made,
        )

    def _resources(self, component: ComponentSpec, made: Component) -> Resources:
        container = self.document.executor_of(component).container
        if container is None or container.resources is None:
            return _NOTHING_SPECIAL
        return fitted(resources_of(made), self._inventory)[0]

    # - as a flow -

    @property
    def deadline_s(self) -> float | None:
        return self.document.config.active_deadline_seconds or None

    @property
    def notes(self) -> tuple[str, ...]:
        config = self.document.config
        limits = {
            "after it has ended": config.resource_ttl_on_completion,
            "after it has succeeded": config.resource_ttl_on_success,
            "after it has failed": config.resource_ttl_on_failure,
        }
        return tuple(
            f"asks to be deleted {seconds} s {when}; kept until garbage collection, as all runs are"
            for when, seconds in limits.items()
            if seconds
        )

    def limits(self, task: Task) -> Limit:
        return self._places.of(task.path).limit

    def begin(self, view: View) -> Iterator[Task]:
        """Let all go on whose scope is open."""
        for name in list(view.tasks):
            task = view.tasks[name]
            scope = view.tasks[task.parent] if task.parent else None
            is_reached = scope is None or scope.state is TaskState.RUNNING
            if task.state is TaskState.PENDING and is_reached:
                if scope is None or scope.kind != "loop":
                    yield from self._consider(view, task)
            elif task.state is TaskState.RUNNING and task.kind == "loop":
                yield from self._begin_iterations(view, task)

    def proceed(self, view: View, ended: Task) -> Iterator[Task]:
        """Look at those who waited for a task, and whether its scope is over with it."""
        goes_on = view.run.state is not RunState.CANCELING
        scope = view.tasks[ended.parent] if ended.parent else None
        if scope is not None and scope.kind == "loop":
            if goes_on and scope.state is TaskState.RUNNING:
                yield from self._begin_next(view, scope, int(ended.path[-1]) + 1)
        elif goes_on:
            for key in self._places.readers(ended.path):
                reader = view.tasks[task_name((*ended.path[:-1], key))]
                if reader.state is TaskState.PENDING:
                    yield from self._consider(view, reader)
        is_open = scope is not None and scope.state is TaskState.RUNNING
        if scope is not None and is_open and view.unfinished_in(scope.name) == 0:
            yield self._closed(view, scope)

    def again(
        self, tasks: Mapping[str, Task], fresh: Sequence[Task], redo: frozenset[str]
    ) -> Mapping[str, Task]:
        """Keep what has succeeded, but for `redo` and all that follows from what runs again."""
        left_out = {task.name for task in fresh if task.state is TaskState.SKIPPED}
        around = _around(tasks, redo)

        def is_meant(task: Task) -> bool:
            has_failed = task.state is not TaskState.SUCCEEDED
            return (has_failed or task.name in around) and task.name not in left_out

        return _reset(tasks, is_meant, redo, stays=lambda task: task.name in left_out)

    def lose(self, tasks: Mapping[str, Task], lost: frozenset[str]) -> Mapping[str, Task]:
        """Let these tasks, and all that follows from them, run again; failures stay."""
        around = _around(tasks, lost)
        over = (TaskState.FAILED, TaskState.SKIPPED)
        return _reset(
            tasks, lambda task: task.name in around, lost, stays=lambda task: task.state in over
        )

    def follows(self, step: Step, first: str) -> bool:
        origin = step.component.path.partition("/")[0] if step.component else step.name
        return task_name((origin,)) in self._places.after(first)

    def results(self, view: View) -> Values | None:
        """Return the outputs of the pipeline; None where it names none."""
        root = self.document.root
        if not root.output_definitions.parameters and not root.output_definitions.artifacts:
            return None
        return made_by_dag(root, lambda key: view.tasks.get(task_name((key,))))

    # - tasks -

    def _rows(self, parent: Task | None, component: ComponentSpec) -> Iterator[Task]:
        """Make the tasks of a scope."""
        dag, path = component.dag or NO_TASKS, parent.path if parent else ()
        for key in self._places.ordered(dag):
            spec = dag.tasks[key]
            inner = self.document.component_of(spec)
            yield Task(
                name=task_name((*path, key)),
                title=spec.task_info.name or key,
                state=TaskState.PENDING,
                kind="loop" if spec.is_loop else "step" if inner.dag is None else "dag",
                parent=parent.name if parent else None,
                path=(*path, key),
                needs=tuple(task_name((*path, need)) for need in spec.needs),
            )

    def _consider(self, view: View, task: Task) -> Iterator[Task]:
        """Let a task go on if all it waits for is over, and ended as it must."""
        place = self._places.of(task.path)
        states = [view.tasks[need].state for need in task.needs]
        if place.spec.trigger_policy.strategy is not Strategy.COMPLETED and any(
            state.is_final and state is not TaskState.SUCCEEDED for state in states
        ):
            yield task.model_copy(update={"state": TaskState.SKIPPED})
        elif all(state.is_final for state in states):
            yield from self._reached(view, task, place)

    def _reached(self, view: View, task: Task, place: Place) -> Iterator[Task]:
        """Settle what a task is given, and begin it if its condition holds."""
        try:
            neighbours = self._neighbours(view.run, view.tasks, task.parent)
            inputs = given_to(place, neighbours, self._facts(view.run, task, place))
            task = task.model_copy(update={"inputs": inputs})
            if not _is_wanted(place, inputs):
                yield task.model_copy(update={"state": TaskState.SKIPPED})
                return
            if task.kind == "loop":
                self._items_of(task, place)
            elif task.kind == "step":
                self.step_of(view.run, view.tasks, task)
        except InvalidInput as error:
            yield _refused(task, error, view)
            return
        if task.kind == "step":
            yield task.model_copy(update={"state": TaskState.QUEUED})
            return
        yield (task := task.model_copy(update={"state": TaskState.RUNNING, "started_at": view.at}))
        if task.kind == "loop":
            yield from self._open_loop(view, task, place)
        else:
            yield from self._open(view, task, place.component)

    def _open(self, view: View, scope: Task, component: ComponentSpec) -> Iterator[Task]:
        """Make the tasks of a scope that has just begun, but for those a retry has kept."""
        rows = [row for row in self._rows(scope, component) if row.name not in view.tasks]
        yield from rows
        for key in self._places.ordered(component.dag or NO_TASKS):
            task = view.tasks[task_name((*scope.path, key))]
            if task.state is TaskState.PENDING:
                yield from self._consider(view, task)

    # - loops -

    def _items_of(self, loop: Task, place: Place) -> Sequence[Values]:
        """Return what each iteration of a loop is given; worked out once."""
        known = self._items.get(loop.name)
        if known is None or known[0] is not loop.inputs:
            inputs = loop.inputs or Values()
            known = self._items[loop.name] = (inputs, items_for(place, inputs))
        return known[1]

    def _open_loop(self, view: View, loop: Task, place: Place) -> Iterator[Task]:
        items = self._items_of(loop, place)
        for number in range(len(items)):
            name = task_name((*loop.path, str(number)))
            if name in view.tasks:
                continue
            yield Task(
                name=name,
                title=f"{loop.title} [{number}]",
                state=TaskState.PENDING,
                kind="step" if place.component.dag is None else "iteration",
                parent=loop.name,
                path=(*loop.path, str(number)),
            )
        if task_name((*loop.path, str(len(items)))) in view.tasks:
            yield from _left_over(view, loop, len(items))
        if items:
            yield from self._begin_iterations(view, loop)
        else:
            yield self._closed(view, loop)

    def _begin_iterations(self, view: View, loop: Task) -> Iterator[Task]:
        """Begin as many as may run at once."""
        place = self._places.of(loop.path)
        names = self._iterations(loop, place)
        at_work = sum(view.tasks[name].state in _GOES_ON for name in names)
        for name in names:
            if place.most and at_work >= place.most:
                return
            if view.tasks[name].state is TaskState.PENDING:
                at_work += 1
                yield from self._begin_iteration(view, loop, view.tasks[name])

    def _begin_next(self, view: View, loop: Task, first: int) -> Iterator[Task]:
        """One iteration has ended: begin one that waits, looked for from there on."""
        place = self._places.of(loop.path)
        if not place.most:
            return
        count = len(self._items_of(loop, place))
        for number in range(first, first + count):
            task = view.tasks[task_name((*loop.path, str(number % count)))]
            if task.state is TaskState.PENDING:
                yield from self._begin_iteration(view, loop, task)
                return

    def _begin_iteration(self, view: View, loop: Task, task: Task) -> Iterator[Task]:
        place = self._places.of(task.path)
        try:
            items = self._items_of(loop, place)
            inputs = item_of(place, loop.inputs or Values(), items[place.iteration or 0])
            task = task.model_copy(update={"inputs": inputs})
            if task.kind == "step":
                self.step_of(view.run, view.tasks, task)
        except InvalidInput as error:
            yield _refused(task, error, view)
            return
        if task.kind == "step":
            yield task.model_copy(update={"state": TaskState.QUEUED})
            return
        yield (task := task.model_copy(update={"state": TaskState.RUNNING, "started_at": view.at}))
        yield from self._open(view, task, place.component)

    def _iterations(self, loop: Task, place: Place) -> list[str]:
        count = len(self._items_of(loop, place))
        return [task_name((*loop.path, str(number))) for number in range(count)]

    # - ends -

    def _closed(self, view: View, scope: Task) -> Task:
        """Return a scope whose tasks are all over, with what they have made."""
        place = self._places.of(scope.path)
        if scope.kind == "loop":
            inner = [view.tasks[name] for name in self._iterations(scope, place)]
            results = made_by_loop(place.component, inner)
        else:
            dag = place.component.dag or NO_TASKS
            by_key = {key: view.tasks[task_name((*scope.path, key))] for key in dag.tasks}
            inner = list(by_key.values())
            results = made_by_dag(place.component, by_key.get)
        states = {task.state for task in inner}
        state = next(
            (one for one in (TaskState.CANCELED, TaskState.FAILED) if one in states),
            TaskState.SUCCEEDED,
        )
        self._items.pop(scope.name, None)
        return scope.model_copy(
            update={
                "state": state,
                "results": results,
                "finished_at": view.at,
                "duration_s": seconds_between(scope.started_at or view.at, view.at),
            }
        )

    # - what is around a task -

    def _neighbours(self, run: Run, tasks: Mapping[str, Task], parent: str | None) -> Neighbours:
        scope = tasks[parent] if parent else None
        path = scope.path if scope else ()
        if scope is not None and scope.kind == "loop":  # an iteration sees what the loop does
            path, scope = scope.path[:-1], tasks[scope.parent] if scope.parent else None
        return Neighbours(
            inputs=(scope.inputs or Values()) if scope else self._root_inputs(run),
            find=lambda key: tasks.get(task_name((*path, key))),
            pipeline=self._root_inputs(run),
            job=_resource_name(run),
        )

    def _root_inputs(self, run: Run) -> Values:
        if self._arguments is None or self._arguments[0] is not run.parameters:
            given = Values(parameters=arguments(self.document, run.parameters))
            self._arguments = (run.parameters, given)
        return self._arguments[1]

    def _facts(self, run: Run, task: Task, place: Place) -> Facts:
        return facts_of(run, task, place.key, self._runs)


def facts_of(run: Run, task: Task, key: str, runs: str) -> Facts:
    """Return what placeholders may ask of a run and a task.

    Args:
        run: The run.
        task: Its task.
        key: The task's name in the pipeline.
        runs: Folder below which every run has one of its own.
    """
    created = run.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Facts(
        job_name=run.title or f"{run.pipeline} {run.number}",
        job_resource_name=_resource_name(run),
        job_id=run.id,
        root=f"{runs}/{run.id}",
        created_at=created,
        scheduled_at=created,
        task_name=key,
        task_id=f"{run.id}-{task.name}",
        workspace=f"{runs}/{run.id}/.workspace",
    )


def _resource_name(run: Run) -> str:
    return f"{run.pipeline}-{run.id}"


def _is_wanted(place: Place, inputs: Values) -> bool:
    condition = place.spec.trigger_policy.condition
    if not condition:
        return True
    artifacts: dict[str, JsonValue] = {
        name: {"artifacts": [value.model_dump(mode="json") for value in values]}
        for name, values in inputs.artifacts.items()
    }
    try:
        return condition_holds(condition, inputs.parameters, artifacts)
    except InvalidInput as error:
        raise InvalidInput(f"{place.what}: triggerPolicy.condition: {error.message}") from error


def _refused(task: Task, error: InvalidInput, view: View) -> Task:
    """Return a task that cannot begin: what it would be given is not what it needs."""
    failure = Failure(code="invalid-input", message=error.message, step=task.name)
    return task.model_copy(
        update={"state": TaskState.FAILED, "failure": failure, "finished_at": view.at}
    )


def _left_over(view: View, loop: Task, count: int) -> Iterator[Task]:
    """Leave out iterations that a loop had before it began anew with fewer items."""
    depth = len(loop.path)
    for task in list(view.tasks.values()):
        is_inside = len(task.path) > depth and task.path[:depth] == loop.path
        if is_inside and int(task.path[depth]) >= count and not task.state.is_final:
            yield task.model_copy(update={"state": TaskState.SKIPPED})


def _around(tasks: Mapping[str, Task], names: frozenset[str]) -> set[str]:
    """Return these tasks and the scopes they lie in."""
    found: set[str] = set()
    for name in names & tasks.keys():
        inner: str | None = name
        while inner is not None and inner not in found:
            found.add(inner)
            inner = tasks[inner].parent
    return found


def _reset(
    tasks: Mapping[str, Task],
    is_meant: Callable[[Task], bool],
    forced: frozenset[str],
    stays: Callable[[Task], bool],
) -> Mapping[str, Task]:
    """Let tasks run again, and all in their scope that follows from them.

    A scope that is meant itself, but follows from none that runs again, is gone through in turn:
    what has succeeded in it is kept. One that follows from others, or is forced, unfolds anew.
    """
    inside: dict[str | None, list[Task]] = defaultdict(list)
    for task in tasks.values():
        inside[task.parent].append(task)
    found = dict(tasks)

    def is_at_work(scope: str) -> bool:
        return any(
            task.state in _GOES_ON if task.kind == "step" else is_at_work(task.name)
            for task in inside.get(scope, ())
        )

    def empty(scope: str, *, is_kept: bool) -> None:
        """Forget what a scope holds; while some of it runs, attempts must be numbered on."""
        for task in inside.get(scope, ()):
            if is_kept:
                found[task.name] = renewed(task)
            else:
                del found[task.name]
            empty(task.name, is_kept=is_kept)

    def visit(scope: str | None) -> None:
        again = {task.name for task in inside[scope] if is_meant(task) and not stays(task)}
        frontier, following = list(again), set[str]()
        readers: dict[str, list[Task]] = defaultdict(list)
        for task in inside[scope]:
            for need in task.needs:
                readers[need].append(task)
        while frontier:
            for task in readers[frontier.pop()]:
                if task.name not in following and not stays(task):
                    following.add(task.name)
                    frontier.append(task.name)
        for task in inside[scope]:
            name = task.name
            if name in following or (name in again and (name in forced or not inside.get(name))):
                empty(name, is_kept=is_at_work(name))
                found[name] = renewed(task)
            elif name in again:
                kept = TaskState.PENDING if task.kind == "iteration" else TaskState.RUNNING
                found[name] = task.model_copy(
                    update={
                        "state": kept,
                        "results": None,
                        "finished_at": None,
                        "duration_s": None,
                        "failure": None,
                    }
                )
                visit(name)

    visit(None)
    return found
