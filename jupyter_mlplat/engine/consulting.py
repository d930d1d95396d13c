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
    explain_miss,
    explain_narrow,
    not_covered,
    reason_not_to_cache,
    without_inputs,
)
from jupyter_mlplat.services.pipelines.recording import results_in


def consult(
    store: MetadataStore, facts: Facts, live: LiveRun, step: Step
) -> tuple[CacheExplanation, CacheEntry | None]:
    """Look a step up; the entry is what to take, None where it has to run."""
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
