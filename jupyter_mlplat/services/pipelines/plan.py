"""What never changes of a run: its steps in order, what each needs, its limits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Pipeline, Retry, Step
from jupyter_mlplat.resources.run import Run, Task, TaskState
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.workflows.flow import Flow, View, renewed

_NO_RETRY = Retry()


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What the machine knows of a step."""

    name: str
    needs: tuple[str, ...] = ()
    retry: Retry = _NO_RETRY
    timeout_s: float | None = None
    is_job: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps of a run, in the notebook's order: a `services.workflows.flow.Flow`.

    A step is ready once all it needs has succeeded; where one has failed, it is left out.
    """

    steps: Mapping[str, StepPlan]

    @cached_property
    def dependents(self) -> Mapping[str, tuple[str, ...]]:
        """Name the steps that directly need each step."""
        found: dict[str, list[str]] = {name: [] for name in self.steps}
        for step in self.steps.values():
            for need in step.needs:
                found[need].append(step.name)
        return {name: tuple(names) for name, names in found.items()}

    def with_dependents(self, names: Iterable[str]) -> frozenset[str]:
        """Return these steps and all that need them, however far away."""
        return self._closure(names, self.dependents)

    def with_needs(self, *names: str) -> frozenset[str]:
        """Return these steps and all they need, however far away."""
        return self._closure(names, {step.name: step.needs for step in self.steps.values()})

    # - as a flow -

    @property
    def deadline_s(self) -> None:
        """Return nothing: its steps have limits of their own."""

    @property
    def notes(self) -> tuple[()]:
        return ()

    def step_of(self, run: Run, tasks: Mapping[str, Task], task: Task) -> None:
        """Return nothing: the pipeline has the step."""

    def first(
        self, parameters: Mapping[str, JsonValue], left_out: frozenset[str] = frozenset()
    ) -> None:
        """Return nothing: every step is a task."""

    def limits(self, task: Task) -> StepPlan:
        return self.steps[task.name]

    def begin(self, view: View) -> Iterator[Task]:
        """Queue every step that needs nothing that is not there."""
        for name in self.steps:
            yield from self._queue_if_ready(view, name)

    def proceed(self, view: View, ended: Task) -> Iterator[Task]:
        """Queue the steps that waited for one, or leave them out where it did not succeed."""
        for name in self.dependents[ended.name]:
            if ended.state is TaskState.SUCCEEDED:
                yield from self._queue_if_ready(view, name)
            elif ended.state is not TaskState.CANCELED:
                task = view.tasks[name]
                if task.state is TaskState.PENDING:
                    yield task.model_copy(update={"state": TaskState.SKIPPED})

    def _queue_if_ready(self, view: View, name: str) -> Iterator[Task]:
        task = view.tasks[name]
        if task.state is TaskState.PENDING and all(
            view.tasks[need].state is TaskState.SUCCEEDED for need in self.steps[name].needs
        ):
            yield task.model_copy(update={"state": TaskState.QUEUED})

    def again(
        self, tasks: Mapping[str, Task], fresh: Sequence[Task], redo: frozenset[str]
    ) -> Mapping[str, Task]:
        """Keep what has succeeded, but for `redo` and all that needs it."""
        left_out = {task.name for task in fresh if task.state is TaskState.SKIPPED}
        unfinished = {
            task.name
            for task in fresh
            if task.name not in left_out
            and (task.name not in tasks or tasks[task.name].state is not TaskState.SUCCEEDED)
        }
        anew = self.with_dependents(unfinished | redo) - left_out
        found: dict[str, Task] = {}
        for new in fresh:
            task = tasks.get(new.name, new)
            if new.name in anew:
                task = renewed(task).model_copy(update={"cells": new.cells})
            elif new.name in left_out:
                task = task.model_copy(update={"state": TaskState.SKIPPED})
            found[new.name] = task.model_copy(update={"title": new.title})
        return found

    def lose(self, tasks: Mapping[str, Task], lost: frozenset[str]) -> Mapping[str, Task]:
        """Let these steps, and all that need them, run again; what is over for good stays."""
        redo = self.with_dependents(lost)
        over = (TaskState.FAILED, TaskState.SKIPPED)
        return {
            name: renewed(task) if name in redo and task.state not in over else task
            for name, task in tasks.items()
        }

    def follows(self, step: Step, first: str) -> bool:
        return step.name in self.with_dependents([first])

    def results(self, view: View) -> None:
        """Return nothing: what a notebook has made is recorded value by value."""

    @staticmethod
    def _closure(names: Iterable[str], ways: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
        reached = set(names)
        frontier = list(reached)
        while frontier:
            for name in ways[frontier.pop()]:
                if name not in reached:
                    reached.add(name)
                    frontier.append(name)
        return frozenset(reached)


def make_plan(steps: Iterable[StepPlan]) -> Plan:
    """Make sure that steps can be run one after another.

    Raises:
        InvalidInput: A step needs itself, however indirectly, or one that is not there.
    """
    by_name = {step.name: step for step in steps}
    for step in by_name.values():
        if missing := [need for need in step.needs if need not in by_name]:
            raise InvalidInput(
                f"Cannot order the steps: {step.name!r} needs {missing[0]!r}, which is not a step."
            )
    try:
        TopologicalSorter({step.name: step.needs for step in by_name.values()}).prepare()
    except CycleError as error:
        circle = " → ".join(repr(name) for name in reversed(error.args[1]))
        raise InvalidInput(
            f"Cannot order the steps: {circle} need each other in a circle. "
            "Put the cells of the circle into one step."
        ) from error
    return Plan(by_name)


def plan_of(pipeline: Pipeline) -> Plan:
    """Make the plan of a compiled pipeline."""
    return make_plan(
        StepPlan(step.name, step.after, step.settings.retry, step.settings.timeout_s, step.is_job)
        for step in pipeline.steps
    )


def flow_of(pipeline: Pipeline, runs: str, inventory: Inventory) -> Flow:
    """Return who says which task of a pipeline's run comes after which.

    Args:
        pipeline: Compiled from a notebook, or read from a KFP pipeline.
        runs: Folder below which every run has one of its own.
        inventory: What the machine has.
    """
    if pipeline.ir is None:
        return plan_of(pipeline)
    # Imported when first needed: most engines only ever see notebooks.
    from jupyter_mlplat.formats.kfp.document import from_ir
    from jupyter_mlplat.services.workflows.unfolding import Unfolding

    return Unfolding(from_ir(pipeline.ir), runs, inventory)
