"""What is written down of a task: looked up in the cache, taken from it, or run to its end."""

from collections.abc import Mapping
from datetime import datetime

from jupyter_mlplat.engine.attempts import cache_key_of
from jupyter_mlplat.engine.batch import Batch
from jupyter_mlplat.engine.consulting import consult
from jupyter_mlplat.engine.facts import Facts
from jupyter_mlplat.engine.live import LiveRun
from jupyter_mlplat.errors import NotFound, PlatformError
from jupyter_mlplat.ports.launcher import Ended
from jupyter_mlplat.ports.metadata import CacheEntry, MetadataStore
from jupyter_mlplat.resources.lineage import Artifact, CodeVersion
from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.run import CacheExplanation, Task, TaskState
from jupyter_mlplat.services.pipelines.activity import Logged
from jupyter_mlplat.services.pipelines.recording import (
    Record,
    cache_entry,
    code_version,
    record_end,
    record_hit,
)

_KNOWN_ARTIFACTS = 10_000  # a few MB


class Ledger:
    """Belongs to the conductor's thread."""

    def __init__(self, store: MetadataStore, facts: Facts) -> None:
        self._store = store
        self._facts = facts
        self._artifacts: dict[tuple[str, str, str], Artifact] = {}
        self._stored_locks: set[str] = set()

    def forget(self) -> None:
        """Look everything up anew: something may have been deleted."""
        self._artifacts.clear()
        self._stored_locks.clear()

    def consult(self, live: LiveRun, step: Step) -> tuple[CacheExplanation, CacheEntry | None]:
        """Look a step up; the entry is what to take, None where it has to run."""
        return consult(self._store, self._facts, live, step)

    def write_hit(
        self, batch: Batch, live: LiveRun, step: Step, entry: CacheEntry, now: datetime
    ) -> None:
        """Write down a step that is taken from the cache."""
        record = record_hit(
            live.status.run,
            step,
            entry,
            inputs=live.inputs_of(step),
            parameters=live.parameters_of(step),
            code=self._code_of(live, step, entry),
            now=now,
        )
        live.saved[step.name] = record.saved()
        if live.status.tasks[step.name].attempt:  # it has run before
            batch.log_anew(live.id, step.name)
        if isinstance(last := entry.result.get("metrics"), Mapping) and last:
            batch.copied_metrics.append((live.id, step.name, entry.run_id, entry.step))
            live.metrics.update(last)
        batch.record(live, record)

    def _code_of(self, live: LiveRun, step: Step, entry: CacheEntry) -> CodeVersion:
        """Say which code made an entry: this one, unless it is the step's last success as it is."""
        if entry.key:
            return code_version(step, live.code_facts(), self._lock_digest(live, step))
        return code_version(self._store.pipeline_of(entry.run_id).step(step.name), {}, None)

    def write_end(
        self,
        batch: Batch,
        live: LiveRun,
        step: Step,
        ended: Ended,
        logged: Logged,
        now: datetime,
    ) -> None:
        """Write down an attempt that ran, however it ended."""
        run, task, result = live.status.run, live.status.tasks[step.name], ended.result or {}
        record = record_end(
            run,
            step,
            task,
            result=result,
            logged=logged,
            inputs=live.inputs_of(step),
            parameters=live.parameters_of(step),
            code=code_version(step, live.code_facts(), self._lock_digest(live, step)),
            find=self._find_artifact,
            now=now,
        )
        for kind, artifact, name in dict.fromkeys(logged.links):
            if self._is_recorded(artifact):  # the step's process may have written anything
                record.link(kind, artifact, name)
        if not task.state.is_final and step.train is None:
            record.metrics.clear()  # it is tried again: the next attempt's numbers count
        self._remember(record)
        batch.record(live, record)
        if task.state is TaskState.SUCCEEDED:
            live.saved[step.name] = record.saved()
            latest = logged.latest | {metric.name: metric.value for metric in record.metrics}
            self._keep_in_cache(batch, live, step, task, ended, record, latest)

    def _keep_in_cache(
        self,
        batch: Batch,
        live: LiveRun,
        step: Step,
        task: Task,
        ended: Ended,
        record: Record,
        latest: Mapping[str, float],
    ) -> None:
        """Let later runs find the result, unless what it depends on has changed while it ran."""
        if not step.settings.cache:
            return
        now = self._facts.key_of(live, step)
        then = live.keys.pop(step.name, None)
        if now.digest == (then.digest if then else cache_key_of(ended.ref)):
            run = live.status.run
            batch.cache.append(cache_entry(now.digest, now.parts, run, step, task, record, latest))

    def _lock_digest(self, live: LiveRun, step: Step) -> str | None:
        """Return the digest of the environment's lock, stored when it is seen first."""
        try:
            environment = self._facts.environment(live, step)
            digest = environment.lock_digest
            if digest not in self._stored_locks:
                self._facts.put_blob(environment.lock.encode())
                self._stored_locks.add(digest)
        except PlatformError:
            return None
        return digest

    def _find_artifact(self, digest: str, name: str, kind: str) -> Artifact | None:
        known = self._artifacts.get((digest, name, kind))
        return known or self._store.find_artifact(digest, name, kind)

    def _is_recorded(self, artifact: str) -> bool:
        try:
            self._store.get_artifact(artifact)
        except NotFound:
            return False
        return True

    def _remember(self, record: Record) -> None:
        if len(self._artifacts) > _KNOWN_ARTIFACTS:
            self._artifacts.clear()
        for artifact in record.artifacts:
            if artifact.digest is not None:
                self._artifacts[artifact.digest, artifact.name, artifact.type] = artifact
