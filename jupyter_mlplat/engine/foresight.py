"""The preview of a run: the conductor's own look-ups, on a run that is never stored."""

from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from jupyter_mlplat.engine.consulting import consult, find_last, foresee
from jupyter_mlplat.engine.facts import Facts
from jupyter_mlplat.engine.live import LiveRun
from jupyter_mlplat.ports.metadata import CacheEntry, MetadataStore
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.preview import RunPlan
from jupyter_mlplat.resources.run import CacheExplanation, OutputValue, Run, TaskState
from jupyter_mlplat.services.pipelines.caching import explain_last
from jupyter_mlplat.services.pipelines.machine import RunStatus
from jupyter_mlplat.services.pipelines.plan import plan_of
from jupyter_mlplat.services.pipelines.preview import past_of, preview, preview_unfolding
from jupyter_mlplat.services.pipelines.recording import names_in


@dataclass(frozen=True, slots=True)
class Foresight:
    """Says what runs would do. Reads only; safe from any thread."""

    store: MetadataStore
    facts: Facts

    def plan(self, run: Run, pipeline: Pipeline) -> RunPlan:
        """Say what a run that was made, but not stored, would do."""
        if pipeline.ir is not None:
            return preview_unfolding(run)
        live = LiveRun(RunStatus.of(plan_of(pipeline), run), pipeline, Future())
        skipped = frozenset(task.name for task in run.tasks if task.state is TaskState.SKIPPED)
        successes = self.store.last_successes(run.notebook) if run.notebook else {}
        runs = {success.run.id for success in successes.values()}
        past = past_of(successes, {run_id: self.store.pipeline_of(run_id) for run_id in runs})
        cache = _Cache(self.store, self.facts, live)
        return preview(pipeline, run.parameters, skipped, cache, past)


@dataclass(frozen=True, slots=True)
class _Cache:
    """The cache as one run would find it; what it would take is input of the steps below."""

    store: MetadataStore
    facts: Facts
    live: LiveRun

    def consult(self, step: Step) -> CacheExplanation:
        explanation, entry = consult(self.store, self.facts, self.live, step)
        if entry is not None:
            self._take(step, entry)
        return explanation

    def foresee(self, step: Step) -> CacheExplanation | None:
        missed = foresee(self.store, self.facts, self.live, step)
        last = find_last(self.store, self.facts, self.live, step)
        if last is None:
            return missed
        self._take(step, last)
        return explain_last(missed or _NOT_SURE, last)

    def _take(self, step: Step, entry: CacheEntry) -> None:
        values: Any = entry.result.get("outputs") or ()
        self.live.saved[step.name] = names_in(
            [OutputValue.model_validate({**value, "step": step.name}) for value in values]
        )
        task = self.live.status.tasks[step.name]
        task = task.model_copy(update={"bundle": entry.bundle})
        tasks = {**self.live.status.tasks, step.name: task}
        self.live.status = replace(self.live.status, tasks=tasks)


_NOT_SURE = CacheExplanation(hit=False, reason="steps before it have to run first")
