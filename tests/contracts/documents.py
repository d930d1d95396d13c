"""Valid documents with everything a test does not care about filled in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.metadata import CacheEntry, Change
from jupyter_mlplat.resources.lineage import Artifact, Execution, LineageEvent, ModelVersion
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.run import (
    Metric,
    OutputValue,
    Run,
    RunState,
    SubmitRequest,
    Task,
    TaskState,
)
from jupyter_mlplat.resources.schedule import (
    Firing,
    FiringState,
    IntervalTrigger,
    Schedule,
)
from jupyter_mlplat.resources.serving import Endpoint, EndpointState
from jupyter_mlplat.resources.tuning import Trial, TrialState

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_pipeline(*steps: str, name: str = "churn") -> Pipeline:
    return Pipeline(
        name=name,
        digest=digest_text(repr(steps)),
        steps=tuple(Step(name=step, title=step.title(), cells=()) for step in steps or ("load",)),
        edges=(),
    )


def a_run(*steps: str, **given: Any) -> Run:
    facts = {
        "id": new_id("run"),
        "number": 0,
        "pipeline": "churn",
        "pipeline_digest": digest_text("churn"),
        "state": RunState.PENDING,
        "created_at": NOON,
        "tasks": tuple(a_task(step) for step in steps or ("load",)),
    }
    return Run(**facts | given)


def a_task(name: str, state: TaskState = TaskState.PENDING, **given: Any) -> Task:
    return Task(name=name, title=name.title(), state=state, **given)


def an_execution(name: str = "load", **given: Any) -> Execution:
    return Execution(**{"id": new_id("exec"), "name": name, "state": "COMPLETE"} | given)


def an_artifact(name: str = "frame", **given: Any) -> Artifact:
    facts = {
        "id": new_id("art"),
        "type": "mlplat.Value",
        "name": name,
        "digest": digest_text(new_id("content")),
        "created_at": NOON,
    }
    return Artifact(**facts | given)


def made(execution: Execution, artifact: Artifact) -> LineageEvent:
    return LineageEvent(
        execution_id=execution.id, artifact_id=artifact.id, kind="output", name=artifact.name
    )


def read(execution: Execution, artifact: Artifact) -> LineageEvent:
    return LineageEvent(
        execution_id=execution.id, artifact_id=artifact.id, kind="input", name=artifact.name
    )


def a_chain(length: int, **given: Any) -> tuple[Change, list[Execution], list[Artifact]]:
    """Return executions that each read what the one before made."""
    executions = [an_execution(f"step-{number}", **given) for number in range(length)]
    artifacts = [an_artifact(f"value-{number}") for number in range(length)]
    links = [made(*pair) for pair in zip(executions, artifacts, strict=True)]
    links += [read(*pair) for pair in zip(executions[1:], artifacts, strict=False)]
    return Change(executions=executions, artifacts=artifacts, lineage=links), executions, artifacts


def an_output(name: str, step: str = "load", **given: Any) -> OutputValue:
    facts = {"type": "int", "codec": "json", "size_bytes": 2, "digest": digest_text(name)}
    return OutputValue(name=name, step=step, **facts | given)


def a_metric(name: str, value: float, **given: Any) -> Metric:
    return Metric(**{"name": name, "value": value, "step": "load", "logged_at": NOON} | given)


def a_trial(
    number: int, value: float | None, state: TrialState = TrialState.SUCCEEDED, **given: Any
) -> Trial:
    metrics = {} if value is None else {"auc": {"latest": value, "min": value, "max": value}}
    facts = {"parameters": {"lr": 0.1, "name": "a"}, "metrics": metrics, "started_at": NOON}
    return Trial(number=number, state=state, value=value, **facts | given)


def a_cache_entry(key: str, run: Run, **given: Any) -> CacheEntry:
    facts = {
        "key": key,
        "pipeline": run.pipeline,
        "step": "load",
        "run_id": run.id,
        "run_number": run.number,
        "bundle": digest_text("bundle of " + key),
        "parts": {"cell 1": digest_text("x = 1")},
        "result": {"outputs": {"x": 1}},
    }
    return CacheEntry(**facts | given)


def a_version(artifact: Artifact, model: str = "churn-model", **given: Any) -> ModelVersion:
    facts = {"version": 0, "format": "sklearn", "created_at": NOON}
    return ModelVersion(model=model, artifact_id=artifact.id, **facts | given)


def an_endpoint(name: str = "churn-model", **given: Any) -> Endpoint:
    facts = {
        "state": EndpointState.READY,
        "url": "http://127.0.0.1:41233",
        "created_at": NOON,
        "updated_at": NOON + timedelta(minutes=1),
    }
    return Endpoint(name=name, **facts | given)


def a_schedule(name: str = "nightly", **given: Any) -> Schedule:
    facts = {
        "id": new_id("schedule"),
        "name": name,
        "work": SubmitRequest(path="/work/book.ipynb"),
        "trigger": IntervalTrigger(every_s=60),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Schedule(**facts | given)


def a_firing(schedule: Schedule, key: str = "noon", **given: Any) -> Firing:
    facts = {
        "schedule_id": schedule.id,
        "schedule": schedule.name,
        "key": key,
        "planned_at": NOON,
        "cause": "time",
        "state": FiringState.QUEUED,
    }
    return Firing(**facts | given)
