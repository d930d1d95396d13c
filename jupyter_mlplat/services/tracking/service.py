"""Runs that code tells of from outside: a notebook, a script; no tasks, no process of ours.

Such a run begins, grows and ends as its code says. It is a run as any other: with a number, an
experiment, metrics, and an execution in the lineage that its models and files hang on. Whoever
changes a run's document does so between the turns of the conductor.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Literal, Protocol

from jupyter_mlplat.errors import Conflict
from jupyter_mlplat.kit.clock import from_unix, seconds_between
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.metadata import Change, MetadataStore, NewEvent
from jupyter_mlplat.ports.tracking import Point, Tracked, TrackingStore
from jupyter_mlplat.resources.lineage import Artifact, CodeVersion, Execution, LineageEvent
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.run import Failure, Metric, Run, RunState

EXECUTION_TYPE = "mlplat.Tracked"
_FITTING_TAG = re.compile(r"[^\s=]{1,63}")
_LONGEST_TAG, _MOST_TAGS = 256, 64
_EXECUTION_STATES: Mapping[RunState, Literal["RUNNING", "COMPLETE", "FAILED", "CANCELED"]] = {
    RunState.SUCCEEDED: "COMPLETE",
    RunState.FAILED: "FAILED",
    RunState.CANCELED: "CANCELED",
}
_SILENT = "client-gone"


class Store(MetadataStore, TrackingStore, Protocol):
    """What is needed of the store."""


class Tracking:
    """Begins, changes and ends tracked runs.

    Args:
        store: Where they are kept.
        now: The clock.
        silence_s: After how long without a word a run's code is taken to be gone.
    """

    def __init__(self, store: Store, now: Callable[[], datetime], silence_s: float) -> None:
        self._store = store
        self._now = now
        self._silence_s = silence_s

    def create(
        self, experiment: str, title: str, tags: Mapping[str, str], started_at: datetime | None
    ) -> Run:
        """Begin a run; its tags that fit are those that people see."""
        now = self._now()
        name = _pipeline_name(tags)
        run, _ = self._store.create_run(
            Run(
                id=new_id("run"),
                number=0,
                pipeline=name,
                pipeline_digest=digest_json(["tracked", name]),
                kind="tracked",
                title=title,
                notebook=_notebook(tags),
                experiment=experiment,
                state=RunState.RUNNING,
                created_at=now,
                started_at=started_at or now,
                tags=fitting(tags),
                note=tags.get("mlflow.note.content", ""),
            ),
            Pipeline(name=name, digest=digest_json(["tracked", name]), steps=(), edges=()),
            None,
            "",
            (),
        )
        self._begin_execution(run)
        rest = {key: value for key, value in tags.items() if run.tags.get(key) != value}
        self._store.put_facts(run.id, "tag", rest)
        self._store.apply(Change(events=[self._row("run.created", run)]))
        return run

    def change(self, run: Run, **update: object) -> Run:
        """Write a tracked run anew, and tell of it."""
        changed = run.model_copy(update=update)
        self._store.apply(Change(runs=[changed], is_told=False))
        self._store.apply(Change(events=[self._row("run.updated", changed)]))
        return changed

    def end(
        self,
        run: Run,
        state: RunState,
        at: datetime | None = None,
        failure: Failure | None = None,
    ) -> Run:
        """End a run, or say otherwise how it has ended."""
        finished = at or self._now()
        began = run.started_at or run.created_at
        ended = self.change(
            run,
            state=state,
            finished_at=finished,
            duration_s=seconds_between(began, finished),
            failure=failure,
        )
        self._write_execution(ended)
        return ended

    def revive(self, run: Run) -> Run:
        """Let a run go on that has ended."""
        self._store.hear(run.id, self._now())
        gone = {"finished_at": None, "duration_s": None, "failure": None}
        revived = self.change(run, state=RunState.RUNNING, **gone)
        self._write_execution(revived)
        return revived

    def hear(self, run: Run) -> None:
        """Remember that a run's code is there."""
        self._store.hear(run.id, self._now())

    def log(self, run: Run, points: Sequence[Point], step: str = "") -> None:
        """Write values of metrics down."""
        if not points:
            return
        metrics = [_metric(point, step) for point in points]
        last = {metric.name: metric for metric in metrics if math.isfinite(metric.value)}
        counts = {name: sum(metric.name == name for metric in metrics) for name in last}
        events = [
            NewEvent(
                "metric.logged",
                name,
                {
                    "run_id": run.id,
                    "metric": metric.model_dump(mode="json"),
                    "count": counts[name],
                },
            )
            for name, metric in last.items()
        ]
        logged = [(run.id, metric) for metric in metrics]
        self._store.apply(Change(metrics=logged, events=events, is_told=False))

    def link(self, run: Run, kind: Literal["input", "output"], artifact: Artifact) -> None:
        """Say that a run has read or made something."""
        execution = self.execution_of(run)
        event = LineageEvent(
            execution_id=execution, artifact_id=artifact.id, kind=kind, name=artifact.name
        )
        self._store.apply(Change(artifacts=[artifact], lineage=[event]))

    def execution_of(self, run: Run) -> str:
        """Return what stands for a run's own code in the lineage; made where there is none yet."""
        found = self._store.find_tracked(run.id)
        return self._begin_execution(run) if found is None else found.execution_id

    def end_silent(self) -> Sequence[Run]:
        """End runs whose code has not been heard of for long; it may come back."""
        before = self._now() - timedelta(seconds=self._silence_s)
        ended = []
        for run_id in self._store.silent_since(before):
            tracked = self._store.find_tracked(run_id)
            if tracked is None:
                continue
            heard = from_unix(tracked.heard_at)
            failure = Failure(
                code=_SILENT,
                message=f"Nothing was heard of this run since {heard:%Y-%m-%d %H:%M} UTC: its "
                "program has probably died, or forgot mlflow.end_run(). If it is still there, "
                "the run goes on with the next thing it logs.",
            )
            run = self._store.get_run(run_id)
            ended.append(self.end(run, RunState.FAILED, heard, failure))
        return ended

    def is_silent(self, run: Run) -> bool:
        """Tell whether a run was ended because its code had not been heard of."""
        return run.failure is not None and run.failure.code == _SILENT

    def _begin_execution(self, run: Run) -> str:
        execution = new_id("exec")
        self._store.apply(Change(executions=[self._execution(run, execution)], is_told=False))
        self._store.put_tracked(Tracked(run.id, execution, self._now().timestamp()))
        return execution

    def _write_execution(self, run: Run) -> None:
        execution = self._execution(run, self.execution_of(run))
        self._store.apply(Change(executions=[execution], is_told=False))

    def _execution(self, run: Run, execution: str) -> Execution:
        params = self._store.facts_of([run.id], "param")[run.id]
        tags = self._store.facts_of([run.id], "tag")[run.id]
        return Execution(
            id=execution,
            type=EXECUTION_TYPE,
            name=run.title or run.pipeline,
            run_id=run.id,
            state=_EXECUTION_STATES.get(run.state, "RUNNING"),
            code=CodeVersion(git_commit=tags.get("mlflow.source.git.commit")),
            parameters=dict(params),
            started_at=run.started_at,
            finished_at=run.finished_at,
        )

    def _row(self, kind: str, run: Run) -> NewEvent:
        summary = self._store.summary_of(run.id)
        return NewEvent(kind, run.id, summary.model_dump(mode="json"))


def refuse_tracked(run: Run, what: str) -> None:
    """Refuse to do with a tracked run what needs its code.

    Raises:
        Conflict: Its code ran elsewhere, the engine has none of it.
    """
    if run.kind == "tracked":
        raise Conflict(
            f"Cannot {what} run {run.number}: its code ran outside of the engine and only told of "
            "itself. Run that code again."
        )


def fitting(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that can be tags of a run here; all others are kept beside it."""
    own = {
        key: value
        for key, value in tags.items()
        if not key.startswith("mlflow.")
        and _FITTING_TAG.fullmatch(key)
        and len(value) <= _LONGEST_TAG
    }
    return dict(list(own.items())[:_MOST_TAGS])


def _metric(point: Point, step: str) -> Metric:
    return Metric.model_construct(
        name=point.name,
        value=point.value,
        step=step,
        position=point.position,
        logged_at=from_unix(point.logged_at),
    )


def _pipeline_name(tags: Mapping[str, str]) -> str:
    source = PurePath(tags.get("mlplat.notebook") or tags.get("mlflow.source.name") or "").stem
    if source in ("", "ipykernel_launcher", "<string>", "-c"):
        return "tracked"
    return re.sub(r"[^a-z0-9._-]+", "-", source.lower())[:63].strip("-._") or "tracked"


def _notebook(tags: Mapping[str, str]) -> str | None:
    return tags.get("mlplat.notebook") or None
