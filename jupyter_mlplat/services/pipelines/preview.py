"""What a run would do, before it is submitted: which steps run, which come from the cache, and why.

The decisions are those of a run (see `caching`). A step whose inputs come from steps that are taken
from the cache is decided for certain; below a step that runs it is known only once that has run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.ports.metadata import PastTask
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.preview import LastSuccess, PlannedStep, RunPlan
from jupyter_mlplat.resources.run import CacheExplanation, Run, TaskState
from jupyter_mlplat.services.pipelines.caching import changes_between, code_parts, shortened


class Cache(Protocol):
    """The cache as a run would find it now."""

    def consult(self, step: Step) -> CacheExplanation:
        """Look a step up whose inputs are known; on a hit its values are inputs of those below."""

    def foresee(self, step: Step) -> CacheExplanation | None:
        """Say why a step has to run, or is taken, whatever its inputs; None: they decide."""


@dataclass(frozen=True, slots=True)
class Past:
    """The last success of a step, and what the step was made of then."""

    last: LastSuccess
    parts: Mapping[str, str]


def parts_of(step: Step, pipeline: Pipeline, parameters: Mapping[str, JsonValue]) -> dict[str, str]:
    """Return what a step is made of as far as the notebook and the run's parameters say."""
    defaults = {parameter.name: parameter.default for parameter in pipeline.parameters}
    values = {name: parameters.get(name, defaults.get(name)) for name in step.parameters}
    digests = {f"parameter {name}": digest_json(value) for name, value in values.items()}
    return code_parts(step, pipeline) | digests


def past_of(
    successes: Mapping[str, PastTask], pipelines: Mapping[str, Pipeline]
) -> dict[str, Past]:
    """Return the last success of each step.

    Args:
        successes: Of `MetadataStore.last_successes`.
        pipelines: The pipelines of their runs, by run id.
    """
    found = {}
    for name, success in successes.items():
        run, pipeline = success.run, pipelines[success.run.id]
        steps = [step for step in pipeline.steps if step.name == name]
        if steps:
            last = LastSuccess(
                run_id=run.id,
                run_number=run.number,
                finished_at=success.task.finished_at,
                duration_s=success.duration_s,
            )
            found[name] = Past(last, parts_of(steps[0], pipeline, run.parameters))
    return found


def preview(
    pipeline: Pipeline,
    parameters: Mapping[str, JsonValue],
    skipped: frozenset[str],
    cache: Cache,
    past: Mapping[str, Past],
) -> RunPlan:
    """Say what a run would do with each step.

    Args:
        pipeline: What would run.
        parameters: Values given for its parameters.
        skipped: Steps that were not asked for.
        cache: Is asked in the order of the steps.
        past: The last success of each step that has one.
    """
    will: dict[str, str] = {}
    stale: set[str] = set()
    planned = []
    for step in pipeline.steps:
        needs = list(dict.fromkeys(given.step for given in step.inputs))
        decision, explanation = _decide(step, needs, will, cache, step.name in skipped)
        will[step.name] = decision
        changes = _changes(step, pipeline, parameters, explanation, past.get(step.name))
        if step.name in past and not changes:
            changes = {f"step {name}": f"step {name!r} changed" for name in needs if name in stale}
        if changes:
            stale.add(step.name)
        last = past[step.name].last if step.name in past else None
        planned.append(
            PlannedStep(
                name=step.name,
                will=decision,
                reason=explanation.reason,
                run_id=explanation.run_id if explanation.hit else None,
                run_number=explanation.run_number if explanation.hit else None,
                is_left=explanation.stale,
                stale=f"{shortened(changes)} since run {last.run_number}"
                if changes and last
                else None,
                changed=tuple(changes),
                last=last,
            )
        )
    return RunPlan(steps=tuple(planned))


def preview_unfolding(run: Run) -> RunPlan:
    """Say what is known beforehand of a run that unfolds: which of its first tasks are left out."""
    return RunPlan(
        steps=tuple(
            PlannedStep(name=task.name, will="skip", reason="not needed for what was asked for")
            if task.state is TaskState.SKIPPED
            else PlannedStep(
                name=task.name, will="unknown", reason="known once the run has come to it"
            )
            for task in run.tasks
        )
    )


def _decide(
    step: Step, needs: Sequence[str], will: Mapping[str, str], cache: Cache, is_skipped: bool
) -> tuple[Literal["run", "cached", "unknown", "skip"], CacheExplanation]:
    if is_skipped:
        return "skip", CacheExplanation(hit=False, reason="not needed for what was asked for")
    open_needs = [name for name in needs if will[name] != "cached"]
    if not open_needs:
        explanation = cache.consult(step)
        return "cached" if explanation.hit else "run", explanation
    foreseen = cache.foresee(step)
    if foreseen is not None:
        return "cached" if foreseen.hit else "run", foreseen
    names = ", ".join(map(repr, open_needs))
    verb = "gives" if len(open_needs) == 1 else "give"
    reason = f"runs unless {names} {verb} the same as before"
    return "unknown", CacheExplanation(hit=False, reason=reason)


def _changes(
    step: Step,
    pipeline: Pipeline,
    parameters: Mapping[str, JsonValue],
    explanation: CacheExplanation,
    past: Past | None,
) -> dict[str, str]:
    """Return what has changed of a step itself since its last success; labels and words for it."""
    if past is None:
        return {}
    changes = changes_between(past.parts, parts_of(step, pipeline, parameters))
    if changes or explanation.hit or explanation.run_number != past.last.run_number:
        return changes
    # Packages, modules and values are known of what the cache has kept.
    outer = [label for label in explanation.changed if label != "outputs"]
    return {label: f"{label} changed" for label in outer}
