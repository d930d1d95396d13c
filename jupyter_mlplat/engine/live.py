"""A run the engine is at work on: its status, its pipeline, and what its steps need to know."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from jupyter_mlplat.engine.environments import Environment
from jupyter_mlplat.engine.interpreters import Interpreter
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Finding, Input, Pipeline, Step
from jupyter_mlplat.resources.run import Run, TaskState
from jupyter_mlplat.resources.workflow import Values
from jupyter_mlplat.services.pipelines.activity import Activity
from jupyter_mlplat.services.pipelines.caching import UNBOUND, code_parts
from jupyter_mlplat.services.pipelines.machine import RunStatus
from jupyter_mlplat.services.pipelines.recording import Saved, names_in
from jupyter_mlplat.services.pipelines.reliance import Reliance, reliances
from jupyter_mlplat.services.workflows.flow import Flow

GIT_PATIENCE_S = 0.5
"""As long as `git status` may keep a run's first record waiting, and all other runs with it."""


PlanAnew = Callable[[Sequence[Finding]], Pipeline]
"""Compiles the notebook of a run as it was submitted, with what its steps have shown."""


@dataclass(frozen=True, slots=True)
class StepKey:
    """The cache key of a step, and what it was made of."""

    digest: str
    parts: Mapping[str, str]
    environment: Environment
    modules: Mapping[str, str]


@dataclass
class LiveRun:
    """Belongs to the conductor's thread."""

    status: RunStatus
    pipeline: Pipeline
    git: "Future[Mapping[str, Any]]"
    plan_anew: PlanAnew | None = None  # None once another engine has taken the run up
    saved: dict[str, dict[str, Saved]] = field(default_factory=dict)  # step → name → value
    keys: dict[str, StepKey] = field(default_factory=dict)  # step → what it was started with
    made_again: set[str] = field(default_factory=set)  # steps whose results had got lost
    activities: dict[str, Activity] = field(default_factory=dict)  # step → of its running attempt
    interpreters: dict[tuple[str | None, str | None], Interpreter] = field(default_factory=dict)
    """(kernel, python) that settings ask for → what that means here."""
    _patience_s: float = GIT_PATIENCE_S
    _unfolded: dict[str, tuple[Values | None, Step]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)  # last value of each

    @property
    def id(self) -> str:
        return self.status.run.id

    @cached_property
    def steps(self) -> Mapping[str, Step]:
        """The steps of a notebook; what a task of a KFP pipeline runs is known when it is ready."""
        return {step.name: step for step in self.pipeline.steps}

    def step(self, name: str) -> Step:
        """Return what a task runs."""
        task = self.status.tasks[name]
        known = self._unfolded.get(name)
        if known is not None and known[0] is task.inputs:
            return known[1]
        step = self.status.flow.step_of(self.status.run, self.status.tasks, task)
        if step is None:
            return self.steps[name]
        self._unfolded[name] = (task.inputs, step)
        return step

    def makers_of(self, step: Step) -> list[tuple[str, str | None]]:
        """Return which tasks have made the artifacts a task of a KFP pipeline is given."""
        given = step.component.inputs.artifacts.values() if step.component is not None else ()
        wanted = {one.artifact_id: one.digest for some in given for one in some}
        return [
            (task.name, wanted[one.artifact_id])
            for task in (self.status.tasks.values() if wanted else ())
            if task.kind == "step" and task.results is not None
            for made in task.results.artifacts.values()
            for one in made
            if one.artifact_id in wanted
        ]

    def forget(self, name: str) -> None:
        """Drop what is only needed until a task is over."""
        self._unfolded.pop(name, None)

    @cached_property
    def code(self) -> Mapping[str, Mapping[str, str]]:
        return {step.name: code_parts(step, self.pipeline) for step in self.pipeline.steps}

    @cached_property
    def reliances(self) -> Mapping[str, Reliance]:
        return reliances(self.pipeline)

    @cached_property
    def defaults(self) -> Mapping[str, JsonValue]:
        return {parameter.name: parameter.default for parameter in self.pipeline.parameters}

    def replace_pipeline(self, pipeline: Pipeline) -> None:
        """Go on with other code."""
        self.pipeline = pipeline
        for name in ("steps", "code", "reliances", "defaults"):
            self.__dict__.pop(name, None)

    def keep_saved(self, steps: Iterable[str]) -> None:
        """Forget what other steps than these have saved."""
        kept = set(steps)
        self.saved = {name: saved for name, saved in self.saved.items() if name in kept}

    def parameters_of(self, step: Step) -> dict[str, JsonValue]:
        """Return the run parameters a step reads, with their values."""
        given = self.status.run.parameters
        return {name: given.get(name, self.defaults.get(name)) for name in step.parameters}

    def bundle_of(self, given: Input) -> str | None:
        return self.status.tasks[given.step].bundle

    def inputs_of(self, step: Step) -> dict[str, Saved]:
        """Return the values a step loads, by name; names that were left unbound are absent."""
        found = ((given.name, self._saved(given)) for given in step.inputs)
        return {name: saved for name, saved in found if saved is not None}

    def input_digests(self, step: Step) -> dict[str, str]:
        """Return the digest of each value a step loads."""
        digests = {}
        for given in step.inputs:
            saved = self._saved(given)
            digests[given.name] = UNBOUND if saved is None else saved.digest
        return digests

    def _saved(self, given: Input) -> Saved | None:
        saved = self.saved.get(given.step, {}).get(given.name)
        if saved is None and given.name.startswith("@"):
            # A channel that is not told of by name changes whenever anything in its bundle does.
            bundle = self.bundle_of(given)
            return None if bundle is None else Saved(bundle, None)
        return saved

    def code_facts(self) -> Mapping[str, Any]:
        """Return git's state of the notebook's folder, or nothing if git takes too long."""
        try:
            return self.git.result(self._patience_s)
        except TimeoutError:
            self._patience_s = 0.0
            return {}


def load_run(
    store: MetadataStore,
    run: Run,
    read_git: Callable[[Pipeline], "Future[Mapping[str, Any]]"],
    flow_of: Callable[[Pipeline], Flow],
    pipeline: Pipeline | None = None,
) -> LiveRun:
    """Take up a run as the store has it, or with other code."""
    pipeline = pipeline or store.pipeline_of(run.id)
    status = RunStatus.of(flow_of(pipeline), run)
    live = LiveRun(status, pipeline, read_git(pipeline))
    by_step: dict[str, list[Any]] = {}
    for value in store.outputs_of(run.id):
        by_step.setdefault(value.step, []).append(value)
    live.saved = {
        step: names_in(values)
        for step, values in by_step.items()
        if step in live.status.tasks and live.status.tasks[step].state is TaskState.SUCCEEDED
    }
    live.metrics = dict(store.summary_of(run.id).metrics)
    return live
