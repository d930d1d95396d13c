"""What is written down when a task ends: execution, artifacts, links, outputs, metrics, cache."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from jupyter_mlplat.kit.digests import digest_json, digest_text
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.metadata import CacheEntry
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.lineage import Artifact, CodeVersion, Execution, LineageEvent
from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.run import Metric, OutputValue, Run, Task, TaskState
from jupyter_mlplat.resources.workflow import Values
from jupyter_mlplat.services.pipelines.activity import Logged

VALUE_TYPE = "mlplat.Value"
_COLUMNS, _LONGEST_COLUMN = 200, 100  # as the runtime sends them at most

FindArtifact = Callable[[str, str, str], Artifact | None]
"""(digest, name, type) → the artifact that holds this content already."""

_STATES: Mapping[TaskState, Literal["COMPLETE", "FAILED", "CANCELED"]] = {
    TaskState.SUCCEEDED: "COMPLETE",
    TaskState.CANCELED: "CANCELED",
}


@dataclass(frozen=True, slots=True)
class Saved:
    """A value a step saved, as the steps that load it know it."""

    digest: str
    artifact_id: str | None


@dataclass(slots=True)
class Record:
    """What one task's end adds to the store."""

    execution: Execution
    artifacts: list[Artifact] = field(default_factory=list)
    links: list[LineageEvent] = field(default_factory=list)
    outputs: list[OutputValue] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)

    def link(self, kind: Literal["input", "output"], artifact_id: str, name: str) -> None:
        self.links.append(
            LineageEvent.model_construct(
                execution_id=self.execution.id, artifact_id=artifact_id, kind=kind, name=name
            )
        )

    def saved(self) -> dict[str, Saved]:
        """Return what the step saved, by name."""
        return {value.name: Saved(value.digest, value.artifact_id) for value in self.outputs}


def record_end(
    run: Run,
    step: Step,
    task: Task,
    *,
    result: Mapping[str, Any],
    logged: Logged,
    inputs: Mapping[str, Saved],
    parameters: Mapping[str, JsonValue],
    code: CodeVersion,
    find: FindArtifact,
    now: datetime,
) -> Record:
    """Write down an attempt that ran, however it ended.

    Args:
        run: The run, for its id.
        step: What ran.
        task: Its task, in its final state or waiting for another attempt.
        result: Of `result.json`; empty where there is none.
        logged: What the cells logged: metrics, models, files.
        inputs: What was loaded, by name.
        parameters: What the step read of the run's parameters.
        code: Which code ran.
        find: Looks for an artifact of equal content.
        now: The present moment.
    """
    record = Record(
        Execution(
            id=new_id("exec"),
            name=step.name,
            run_id=run.id,
            state=_STATES.get(task.state, "FAILED"),
            code=code,
            parameters=dict(parameters),
            started_at=task.started_at,
            finished_at=task.finished_at or now,
        )
    )
    _link_inputs(record, inputs)
    _link_given(record, step)
    _link_carried(record, step, find, now)
    if task.state is TaskState.SUCCEEDED and task.results is not None:
        _record_results(record, step.name, task.results, now)
    elif task.state is TaskState.SUCCEEDED:
        for name, facts in (result.get("outputs") or {}).items():
            _record_value(record, step.name, name, facts, find, now)
    for thing in logged.artifacts:
        artifact = thing.model_copy(update={"id": new_id("art"), "created_at": now})
        record.artifacts.append(artifact)
        record.link("output", artifact.id, artifact.name)
    record.metrics = _metrics(step.name, result, logged, now)
    return record


def _link_inputs(record: Record, inputs: Mapping[str, Saved]) -> None:
    for name, saved in inputs.items():
        if saved.artifact_id is not None:
            record.link("input", saved.artifact_id, name)


def _link_given(record: Record, step: Step) -> None:
    """Link the artifacts that a task of a KFP pipeline was given."""
    inputs = step.component.inputs.artifacts if step.component is not None else {}
    for name, artifacts in inputs.items():
        for artifact in artifacts:
            if artifact.artifact_id is not None:
                record.link("input", artifact.artifact_id, name)


_CARRIED = "values of the kernel"


def _link_carried(record: Record, step: Step, find: FindArtifact, now: datetime) -> None:
    """Link what a live kernel gave along: no step made it, and yet the results rest on it."""
    if step.carried is None:
        return
    digest = step.carried.bundle
    artifact = find(digest, _CARRIED, VALUE_TYPE)
    if artifact is None:
        names = [name for name in step.carried.names if not name.startswith("@")]
        artifact = Artifact(
            id=new_id("art"),
            type=VALUE_TYPE,
            name=_CARRIED,
            digest=digest,
            codec="bundle",
            metadata={"type": f"{len(names)} values", "preview": ", ".join(names)[:120]},
            created_at=now,
        )
        record.artifacts.append(artifact)
    record.link("input", artifact.id, _CARRIED)


def _record_results(record: Record, step: str, results: Values, now: datetime) -> None:
    """Write down the artifacts that a task of a KFP pipeline has made."""
    for name, artifacts in results.artifacts.items():
        for made in artifacts:
            if made.artifact_id is None:
                continue
            codec = None if made.digest is None else "folder" if made.is_folder else "file"
            record.artifacts.append(
                Artifact(
                    id=made.artifact_id,
                    type=made.type,
                    name=name,
                    digest=made.digest,
                    size_bytes=made.size_bytes or 0,
                    codec=codec,
                    uri=made.uri,
                    metadata=made.metadata,
                    created_at=now,
                )
            )
            record.link("output", made.artifact_id, name)


def _record_value(
    record: Record,
    step: str,
    name: str,
    facts: Mapping[str, Any],
    find: FindArtifact,
    now: datetime,
) -> None:
    digest = str(facts["digest"])
    columns = _columns(facts)
    artifact = find(digest, name, VALUE_TYPE)
    if artifact is not None and columns and "columns" not in artifact.metadata:
        known = {**artifact.metadata, **columns}  # it was recorded before columns were
        record.artifacts.append(artifact := artifact.model_copy(update={"metadata": known}))
    if artifact is None:
        artifact = Artifact(
            id=new_id("art"),
            type=VALUE_TYPE,
            name=name,
            digest=digest,
            size_bytes=int(facts.get("size_bytes") or 0),
            codec=str(facts.get("codec") or ""),
            metadata={
                "type": str(facts.get("type") or ""),
                "preview": _preview(facts),
                **columns,
            },
            created_at=now,
        )
        record.artifacts.append(artifact)
    record.link("output", artifact.id, name)
    record.outputs.append(
        OutputValue(
            name=name,
            step=step,
            type=str(facts.get("type") or ""),
            codec=str(facts.get("codec") or ""),
            size_bytes=int(facts.get("size_bytes") or 0),
            artifact_id=artifact.id,
            digest=digest,
            preview=_preview(facts),
        )
    )


def _preview(facts: Mapping[str, Any]) -> str:
    return str(facts.get("preview") or "")


def _columns(facts: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return the columns a step says a value has; the user's process wrote it, so it is bounded."""
    named = facts.get("columns")
    if not isinstance(named, list):
        return {}
    names = [name[:_LONGEST_COLUMN] for name in named[:_COLUMNS] if isinstance(name, str)]
    return {"columns": [*names]} if names else {}


def _metrics(step: str, result: Mapping[str, Any], logged: Logged, now: datetime) -> list[Metric]:
    """Return the metrics that are not written down yet, then those that only the result names."""
    at_end = [
        Metric(name=name, value=float(value), step=step, logged_at=now)
        for name, value in (result.get("metrics") or {}).items()
        if name not in logged.latest and isinstance(value, int | float) and math.isfinite(value)
    ]
    return [*logged.metrics, *at_end]


def results_in(entry: CacheEntry) -> Values | None:
    """Return what a task of a KFP pipeline had made, as its entry in the cache has it."""
    found = entry.result.get("results")
    return None if found is None else Values.model_validate(found)


def cache_entry(
    key: str,
    parts: Mapping[str, str],
    run: Run,
    step: Step,
    task: Task,
    record: Record,
    latest: Mapping[str, float],
) -> CacheEntry:
    """Make the entry by which the step's result is found again.

    Of its metrics it has the last values; the curves are copied from the run, which lives as long.
    """
    return CacheEntry(
        key=key,
        pipeline=run.pipeline,
        step=task.name,
        run_id=run.id,
        run_number=run.number,
        bundle=task.bundle,
        parts=dict(parts),
        result={
            "attempt": task.attempt,
            "saves": [name for name in step.outputs if name not in task.not_kept],
            "not_kept": task.not_kept,
            "outputs": [value.to_wire() for value in record.outputs],
            "metrics": dict(latest),
            "artifacts": [
                [link.artifact_id, link.name] for link in record.links if link.kind == "output"
            ],
            **({"results": task.results.to_wire()} if task.results is not None else {}),
        },
    )


def record_hit(
    run: Run,
    step: Step,
    entry: CacheEntry,
    *,
    inputs: Mapping[str, Saved],
    parameters: Mapping[str, JsonValue],
    code: CodeVersion,
    now: datetime,
) -> Record:
    """Write down a step taken from the cache: it made, once more, what it had made then."""
    record = Record(
        Execution(
            id=new_id("exec"),
            name=step.name,
            run_id=run.id,
            state="CACHED",
            code=code,
            parameters=dict(parameters),
            started_at=now,
            finished_at=now,
        )
    )
    _link_inputs(record, inputs)
    _link_given(record, step)
    for artifact_id, name in entry.result.get("artifacts") or ():
        record.link("output", artifact_id, name)
    record.outputs = [
        OutputValue.model_validate({**value, "step": step.name})
        for value in entry.result.get("outputs") or ()
        if value["name"] in step.outputs or value["name"] not in entry.result["saves"]
    ]
    kept = entry.result.get("metrics") or ()
    if not isinstance(kept, Mapping):  # of an engine that kept all values in the entry
        record.metrics = [Metric.model_validate({**one, "step": step.name}) for one in kept]
    return record


def code_version(step: Step, git: Mapping[str, Any], environment: str | None) -> CodeVersion:
    """Say which code a step is: its cells as they stand, git's state, the environment's lock.

    A task of a KFP pipeline counts as one cell: its executor.
    """
    cells = {cell.id: digest_text(cell.source) for cell in step.cells}
    if step.component is not None:
        cells[step.component.label] = digest_json(step.component.executor)
    return CodeVersion(
        cells=cells,
        git_commit=git.get("commit"),
        git_dirty=git.get("dirty"),
        git_remote=git.get("remote"),
        environment=environment,
    )


def names_in(outputs: Sequence[OutputValue]) -> dict[str, Saved]:
    """Return values by name, as `Record.saved` does for a task that has just ended."""
    return {value.name: Saved(value.digest, value.artifact_id) for value in outputs}
