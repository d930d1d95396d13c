"""Looking a step up in the cache: for a run that is at it, and for the preview of one."""

from dataclasses import replace

from jupyter_mlplat.engine.facts import Facts
from jupyter_mlplat.engine.live import LiveRun
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.ports.metadata import CacheEntry, MetadataStore
from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.run import CacheExplanation
from jupyter_mlplat.services.pipelines.caching import (
    changes_between,
    explain_hit,
    explain_last,
    explain_miss,
    explain_narrow,
    not_covered,
    reason_not_to_cache,
    takes_last,
    without_inputs,
)
from jupyter_mlplat.services.pipelines.recording import results_in


def consult(
    store: MetadataStore, facts: Facts, live: LiveRun, step: Step
) -> tuple[CacheExplanation, CacheEntry | None]:
    """Look a step up; the entry is what to take, None where it has to run."""
    explanation, entry = _find_equal(store, facts, live, step)
    if entry is None and (last := find_last(store, facts, live, step)) is not None:
        return explain_last(explanation, last), last
    return explanation, entry


def _find_equal(
    store: MetadataStore, facts: Facts, live: LiveRun, step: Step
) -> tuple[CacheExplanation, CacheEntry | None]:
    reason = reason_not_to_cache(live.status.run, step, live.status.flow)
    if not step.settings.cache:
        return CacheExplanation(hit=False, reason=reason or ""), None
    try:
        live.keys.pop(step.name, None)  # a retry looks anew
        key = live.keys[step.name] = facts.key_of(live, step)
    except PlatformError as error:  # the start will fail with the same words
        return CacheExplanation(hit=False, reason=error.message), None
    if reason is not None:
        return CacheExplanation(hit=False, reason=reason), None
    entry = store.find_cached(key.digest)
    if entry is not None and all(map(facts.has_blob, _content_of(entry))):
        if missing := not_covered(step, entry):
            return explain_narrow(missing, entry), None
        return explain_hit(entry), entry
    return explain_miss(key.parts, store.last_cached(live.pipeline.name, step.name)), None


def find_last(store: MetadataStore, facts: Facts, live: LiveRun, step: Step) -> CacheEntry | None:
    """Find what a step left when it last succeeded, where the run was asked to take that."""
    run = live.status.run
    if run.notebook is None or not takes_last(run, step, live.status.flow):
        return None
    past = store.last_successes(run.notebook).get(step.name)
    if past is None:
        return None
    then = store.pipeline_of(past.run.id).step(step.name)
    outputs = [value for value in store.outputs_of(past.run.id) if value.step == step.name]
    entry = CacheEntry(
        key="",
        pipeline=past.run.pipeline,
        step=step.name,
        run_id=past.run.id,
        run_number=past.run.number,
        bundle=past.task.bundle,
        parts={},
        result={
            "saves": [name for name in then.outputs if name not in past.task.not_kept],
            "not_kept": past.task.not_kept,
            "outputs": [value.to_wire() for value in outputs],
            "artifacts": [[value.artifact_id, value.name] for value in outputs],
        },
    )
    is_there = all(map(facts.has_blob, _content_of(entry)))
    return entry if is_there and not not_covered(step, entry) else None


def foresee(
    store: MetadataStore, facts: Facts, live: LiveRun, step: Step
) -> CacheExplanation | None:
    """Say why a step runs whatever its inputs will be; None: that depends on them."""
    reason = reason_not_to_cache(live.status.run, step, live.status.flow)
    if reason is not None:
        return CacheExplanation(hit=False, reason=reason)
    try:
        parts = without_inputs(facts.key_of(live, step).parts)
    except PlatformError as error:
        return CacheExplanation(hit=False, reason=error.message)
    last = store.last_cached(live.pipeline.name, step.name)
    if last is not None:
        last = replace(last, parts=without_inputs(last.parts))
        if not changes_between(last.parts, parts):
            return None
    return explain_miss(parts, last)


def _content_of(entry: CacheEntry) -> list[str]:
    values = entry.result.get("outputs") or ()
    results = results_in(entry)
    made = [one for some in results.artifacts.values() for one in some] if results else []
    return [
        *filter(None, [entry.bundle]),
        *(value["digest"] for value in values),
        *(artifact.digest for artifact in made if artifact.digest is not None),
    ]
