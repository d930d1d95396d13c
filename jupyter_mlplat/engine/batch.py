"""What one commit holds, and what is done once it is durable."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jupyter_mlplat.engine.live import LiveRun
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, StartOrder
from jupyter_mlplat.ports.metadata import CacheEntry, Change, NewEvent, NewReport
from jupyter_mlplat.resources.lineage import Artifact, Execution, LineageEvent
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.run import Metric, OutputValue, Run
from jupyter_mlplat.resources.tuning import Trial
from jupyter_mlplat.services.pipelines.machine import Transition
from jupyter_mlplat.services.pipelines.messages import WakeKind
from jupyter_mlplat.services.pipelines.recording import Record
from jupyter_mlplat.services.pipelines.summary import summarise

# --- deeds: what is done in the event loop after the commit --------------------------------------


@dataclass(frozen=True, slots=True)
class StartDeed:
    order: StartOrder


@dataclass(frozen=True, slots=True)
class StopDeed:
    ref: AttemptRef
    grace_s: float


@dataclass(frozen=True, slots=True)
class AdoptDeed:
    ref: AttemptRef


@dataclass(frozen=True, slots=True)
class LookDeed:
    """There is more in the events file than was taken in at one look."""

    ref: AttemptRef


@dataclass(frozen=True, slots=True)
class AgainDeed:
    """The end of an attempt is taken once all it has told is: others come in between."""

    ended: Ended


@dataclass(frozen=True, slots=True)
class WakeDeed:
    run: str
    step: str
    attempt: int
    kind: WakeKind
    at: datetime


@dataclass(frozen=True, slots=True)
class FinalDeed:
    """A run is over: whoever waits for it may go on."""

    run: str


@dataclass(frozen=True, slots=True)
class ReplyDeed:
    """Give an answer to whoever asked."""

    reply: "Future[Any]"
    make: Callable[[], Any]


Deed = StartDeed | StopDeed | AdoptDeed | LookDeed | AgainDeed | WakeDeed | FinalDeed | ReplyDeed


_MOST_TRIAL_EVENTS = 100  # in one commit: nobody looks at more one by one

_TOLD = frozenset(
    {"run-ended", "cancel-asked", "pause-asked", "resume-asked", "retry-asked", "edited"}
)
"""Kinds of commits that somebody acts on. What is between them may be undone by a loss of power."""


@dataclass(slots=True)
class Batch:
    """Grows while events are taken; each run and task is written once, in its last state."""

    pipelines: list[tuple[str, Pipeline]] = field(default_factory=list)
    runs: dict[str, LiveRun] = field(default_factory=dict)
    changed_runs: set[str] = field(default_factory=set)  # not only tasks of theirs
    edited: list[Run] = field(default_factory=list)  # runs nobody is at work on
    tasks: dict[tuple[str, str], LiveRun] = field(default_factory=dict)
    dropped: list[tuple[str, str]] = field(default_factory=list)  # tasks that are no more
    executions: list[Execution] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    lineage: list[LineageEvent] = field(default_factory=list)
    outputs: list[tuple[str, OutputValue]] = field(default_factory=list)
    metrics: list[tuple[str, Metric]] = field(default_factory=list)
    trials: dict[tuple[str, str, int], Trial] = field(default_factory=dict)  # run, step, number
    reports: list[NewReport] = field(default_factory=list)
    fresh_metrics: set[tuple[str, str]] = field(default_factory=set)  # (run, step): without old
    copied_metrics: list[tuple[str, str, str, str]] = field(default_factory=list)
    cache: list[CacheEntry] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        return not (
            self.runs or self.tasks or self.executions or self.events or self.trials or self.reports
        )

    def replace_pipeline(self, run: str, pipeline: Pipeline) -> None:
        """Let a run go on with other code; what is to be written of steps that are gone is not."""
        self.pipelines.append((run, pipeline))
        names = {step.name for step in pipeline.steps}
        self.tasks = {
            key: live for key, live in self.tasks.items() if key[0] != run or key[1] in names
        }
        self.outputs = [
            (owner, value) for owner, value in self.outputs if owner != run or value.step in names
        ]

    def note(self, live: LiveRun, transition: Transition) -> None:
        """Take in a transition, before the run takes its new state."""
        for name in transition.dropped:
            self.tasks.pop((live.id, name), None)
            self.dropped.append((live.id, name))
        for name in transition.tasks:
            self.tasks[live.id, name] = live
        if transition.status.run is not live.status.run:
            self.changed_runs.add(live.id)
        if transition.tasks or live.id in self.changed_runs:
            self.runs[live.id] = live

    def announce(self, live: LiveRun) -> None:
        """Tell of a run that has just been stored, and of which nothing is done yet."""
        self.created.append(live.id)
        self.changed_runs.add(live.id)
        self.runs[live.id] = live

    def record(self, live: LiveRun, record: Record) -> None:
        """Take in what a task that has ended adds."""
        self.executions.append(record.execution)
        self.artifacts += record.artifacts
        self.lineage += record.links
        self.outputs += [(live.id, value) for value in record.outputs]
        self.metrics += [(live.id, metric) for metric in record.metrics]
        live.metrics.update((metric.name, metric.value) for metric in record.metrics)

    def log(self, live: LiveRun, metrics: Sequence[Metric]) -> None:
        """Take in what a running step has logged; listeners are told of the last of each name."""
        last: dict[str, Metric] = {}
        counts: Counter[str] = Counter()
        for metric in metrics:
            self.metrics.append((live.id, metric))
            last[metric.name] = metric
            counts[metric.name] += 1
        for name, metric in last.items():
            live.metrics[name] = metric.value
            data = {
                "run_id": live.id,
                "metric": metric.model_dump(mode="json"),
                "count": counts[name],
            }
            self.events.append(NewEvent("metric.logged", name, data))

    def log_anew(self, run: str, step: str) -> None:
        """Let a curve be that of one attempt: what the step has logged before goes."""
        self.metrics = [
            (owner, metric) for owner, metric in self.metrics if owner != run or metric.step != step
        ]
        self.fresh_metrics.add((run, step))

    def change(self) -> Change:
        """Return what has to be written."""
        return Change(
            pipelines=self.pipelines,
            runs=[
                *(live.status.run for run, live in self.runs.items() if run in self.changed_runs),
                *self.edited,
            ],
            dropped=self.dropped,
            tasks=[(run, live.status.tasks[step]) for (run, step), live in self.tasks.items()],
            executions=self.executions,
            artifacts=self.artifacts,
            lineage=self.lineage,
            outputs=self.outputs,
            metrics=self.metrics,
            trials=[(run, step, trial) for (run, step, _), trial in self.trials.items()],
            reports=self.reports,
            fresh_metrics=sorted(self.fresh_metrics),
            copied_metrics=self.copied_metrics,
            cache=self.cache,
            events=[*self._run_events("run.created", self.created), *self._state_events()],
            is_told=not self.kinds.isdisjoint(_TOLD),
        )

    def _state_events(self) -> list[NewEvent]:
        tasks = [
            NewEvent("task.updated", step, _task_data(run, live, step))
            for (run, step), live in self.tasks.items()
        ]
        runs = self._run_events("run.updated", list(self.runs))
        return [*self.events, *self._trial_events(), *tasks, *runs]

    def _trial_events(self) -> list[NewEvent]:
        """Tell of each trial; where there are very many, only how many there are."""
        if len(self.trials) > _MOST_TRIAL_EVENTS:
            counts = Counter((run, step) for run, step, _ in self.trials)
            return [
                NewEvent("trials.updated", step, {"run_id": run, "step": step, "count": count})
                for (run, step), count in counts.items()
            ]
        return [
            NewEvent(
                "trial.updated",
                str(number),
                {"run_id": run, "step": step, "trial": trial.model_dump(mode="json")},
            )
            for (run, step, number), trial in self.trials.items()
        ]

    def _run_events(self, kind: str, ids: list[str]) -> list[NewEvent]:
        summaries = []
        for run in ids:
            live = self.runs[run]
            summary = summarise(live.status, live.metrics)
            summaries.append(NewEvent(kind, run, summary.model_dump(mode="json")))
        return summaries


def _task_data(run: str, live: LiveRun, step: str) -> Mapping[str, Any]:
    return {"run_id": run, "task": live.status.tasks[step].model_dump(mode="json")}
