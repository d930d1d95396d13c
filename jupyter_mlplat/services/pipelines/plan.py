"""What never changes of a run: its steps in order, what each needs, its limits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.pipeline import Pipeline, Retry

_NO_RETRY = Retry()


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What the machine knows of a step."""

    name: str
    needs: tuple[str, ...] = ()
    retry: Retry = _NO_RETRY
    timeout_s: float | None = None


@dataclass(frozen=True)
class Plan:
    """The steps of a run, in the notebook's order."""

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
        StepPlan(step.name, step.after, step.settings.retry, step.settings.timeout_s)
        for step in pipeline.steps
    )
