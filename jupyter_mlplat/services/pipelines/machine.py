"""The states of a run and its tasks as a pure machine: event in; new state and instructions out.

Nothing here reads a clock, a file or a random number, so every history can be replayed. The
conductor feeds it, commits what changed, and only then carries the instructions out. An event that
comes too late (an old attempt, a task that has ended, a run that is over) changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jupyter_mlplat.kit.clock import after, seconds_between
from jupyter_mlplat.resources.run import CellRun, Failure, Run, RunState, Task, TaskState
from jupyter_mlplat.services.pipelines.messages import (
    Admitted,
    Adopt,
    AttemptEnded,
    CacheAnswered,
    CancelAsked,
    Consult,
    Enqueue,
    Instruction,
    Lost,
    NeverRan,
    Progressed,
    Release,
    Resumed,
    RetryAsked,
    RunEvent,
    Start,
    Stop,
    Submitted,
    Succeeded,
    TimerDue,
    Waits,
    Wake,
)
from jupyter_mlplat.services.pipelines.plan import Plan, StepPlan


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run stands. `run.tasks` is empty: the tasks are here, by name, in plan order."""

    plan: Plan
    run: Run
    tasks: Mapping[str, Task]
    open_tasks: int

    @classmethod
    def of(cls, plan: Plan, run: Run) -> "RunStatus":
        """Take up a run as the store has it."""
        tasks = {task.name: task for task in run.tasks}
        unfinished = sum(not task.state.is_final for task in run.tasks)
        return cls(plan, run.model_copy(update={"tasks": ()}), tasks, unfinished)

    def document(self) -> Run:
        """Return the run with its tasks."""
        return self.run.model_copy(update={"tasks": tuple(self.tasks.values())})


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event led to: the new state, the tasks it changed, and what has to be done."""

    status: RunStatus
    tasks: tuple[str, ...]
    instructions: tuple[Instruction, ...]


def advance(status: RunStatus, event: RunEvent) -> Transition:
    """Take one event; see the module's docstring."""
    change = _Change(status)
    _HANDLERS[type(event)](change, event)
    return change.finish(event.at)


@dataclass(slots=True)
class _Change:
    """A transition in the making."""

    before: RunStatus
    plan: Plan = field(init=False)
    run: Run = field(init=False)
    tasks: dict[str, Task] = field(init=False)
    open_tasks: int = field(init=False)
    touched: dict[str, None] = field(default_factory=dict)
    instructions: list[Instruction] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan, self.run = self.before.plan, self.before.run
        self.tasks, self.open_tasks = dict(self.before.tasks), self.before.open_tasks

    def finish(self, at: datetime) -> Transition:
        if self.open_tasks == 0 and not self.run.state.is_final:
            self._end_run(at)
        status = RunStatus(self.plan, self.run, self.tasks, self.open_tasks)
        return Transition(status, tuple(self.touched), tuple(self.instructions))

    # - what handlers do -

    def update_run(self, **fields: Any) -> None:
        self.run = self.run.model_copy(update=fields)

    def update(self, task: Task, **fields: Any) -> Task:
        new = task.model_copy(update=fields)
        self.open_tasks += task.state.is_final - new.state.is_final
        self.tasks[task.name] = new
        self.touched[task.name] = None
        return new

    def order(self, instruction: Instruction) -> None:
        self.instructions.append(instruction)

    def running(self, event: AttemptEnded | Progressed | TimerDue) -> Task | None:
        """Return the task an event is about if that very attempt is running."""
        task = self.tasks.get(event.step)
        is_meant = task and task.state is TaskState.RUNNING and task.attempt == event.attempt
        return task if is_meant else None

    def queued(self, step: str) -> Task | None:
        task = self.tasks.get(step)
        return task if task and task.state is TaskState.QUEUED else None

    def queue_if_ready(self, step: StepPlan) -> None:
        task = self.tasks[step.name]
        if task.state is TaskState.PENDING and all(
            self.tasks[need].state is TaskState.SUCCEEDED for need in step.needs
        ):
            self.update(task, state=TaskState.QUEUED)
            self.order(Consult(step.name))

    def succeed(self, task: Task, at: datetime, **fields: Any) -> None:
        self.update(task, state=TaskState.SUCCEEDED, finished_at=at, **fields)
        for name in self.plan.dependents[task.name]:
            self.queue_if_ready(self.plan.steps[name])

    def skip_dependents(self, step: str) -> None:
        for name in self.plan.with_dependents([step]) - {step}:
            task = self.tasks[name]
            if task.state is TaskState.PENDING:
                self.update(task, state=TaskState.SKIPPED)

    def _end_run(self, at: datetime) -> None:
        states = {task.state for task in self.tasks.values()}
        state, failure = RunState.SUCCEEDED, None
        if TaskState.CANCELED in states:
            state = RunState.CANCELED
        elif TaskState.FAILED in states:
            state = RunState.FAILED
            failed = [task for task in self.tasks.values() if task.state is TaskState.FAILED]
            failure = min(failed, key=lambda task: task.finished_at or at).failure
        started_at = self.run.started_at or at
        self.update_run(
            state=state,
            failure=failure,
            started_at=started_at,
            finished_at=max(at, started_at),
            duration_s=seconds_between(started_at, at),
        )


def _on_submitted(change: _Change, event: Submitted) -> None:
    if change.run.state is not RunState.PENDING:
        return
    change.update_run(state=RunState.RUNNING, started_at=event.at)
    for step in change.plan.steps.values():
        change.queue_if_ready(step)


def _on_resumed(change: _Change, event: Resumed) -> None:
    if change.run.state is RunState.PENDING:
        return _on_submitted(change, Submitted(event.at))
    for step in change.plan.steps.values():
        task = change.tasks[step.name]
        if task.state is TaskState.RUNNING:
            change.order(Adopt(task.name, task.attempt))
            _order_timeout(change, step, task)
            if change.run.state is RunState.CANCELING:
                change.order(Stop(task.name, task.attempt))
        elif task.state is TaskState.QUEUED:
            _order_again(change, task)
        elif change.run.state is RunState.RUNNING:
            change.queue_if_ready(step)
    return None


def _on_lost(change: _Change, event: Lost) -> None:
    if change.run.state is not RunState.RUNNING:
        return
    redo = change.plan.with_dependents(event.steps)
    for name in redo:
        task = change.tasks[name]
        if task.state in (TaskState.RUNNING, TaskState.QUEUED):
            change.order(Release(name))
        if task.state not in (TaskState.FAILED, TaskState.SKIPPED):  # those stay over
            fresh = _fresh(task).model_copy(update={"cells": _pending(task)})
            change.update(task, **dict(fresh))
    for name in redo:
        change.queue_if_ready(change.plan.steps[name])


def _order_again(change: _Change, task: Task) -> None:
    if task.retry_at is not None:
        change.order(Wake(task.retry_at, task.name, task.attempt, "retry"))
    elif task.attempt < task.first_attempt and task.cache is None:
        change.order(Consult(task.name))
    else:
        change.order(Enqueue(task.name))


def _on_cache_answered(change: _Change, event: CacheAnswered) -> None:
    task = change.queued(event.step)
    if task is None or task.cache is not None:
        return
    if event.explanation.hit:
        change.succeed(
            task,
            event.at,
            cached=True,
            cache=event.explanation,
            bundle=event.bundle,
            not_kept=dict(event.not_kept),
            started_at=event.at,
            duration_s=0.0,
            cells=tuple(CellRun(id=cell.id, state="ok") for cell in task.cells),
        )
    else:
        change.update(task, cache=event.explanation)
        change.order(Enqueue(task.name))


def _on_admitted(change: _Change, event: Admitted) -> None:
    task = change.queued(event.step)
    if task is None or task.retry_at is not None:
        change.order(Release(event.step))
        return
    task = change.update(
        task,
        state=TaskState.RUNNING,
        attempt=task.attempt + 1,
        started_at=event.at,
        waiting_for=None,
        gpus=event.gpus,
        failure=None,
        cells=_pending(task),
    )
    change.order(Start(task.name, task.attempt))
    _order_timeout(change, change.plan.steps[task.name], task)


def _pending(task: Task) -> tuple[CellRun, ...]:
    return tuple(CellRun(id=cell.id, state="pending") for cell in task.cells)


def _order_timeout(change: _Change, step: StepPlan, task: Task) -> None:
    if (deadline := _deadline(step, task)) is not None:
        change.order(Wake(deadline, task.name, task.attempt, "timeout"))


def _deadline(step: StepPlan, task: Task) -> datetime | None:
    if step.timeout_s is None or task.started_at is None:
        return None
    return after(task.started_at, step.timeout_s)


def _on_waits(change: _Change, event: Waits) -> None:
    task = change.queued(event.step)
    if task is not None and task.waiting_for != event.reason:
        change.update(task, waiting_for=event.reason)


def _on_progressed(change: _Change, event: Progressed) -> None:
    task = change.running(event)
    if task is not None and task.cells != event.cells:
        change.update(task, cells=event.cells)


def _on_timer_due(change: _Change, event: TimerDue) -> None:
    if event.kind == "timeout":
        if change.running(event):
            change.order(Stop(event.step, event.attempt))
        return
    task = change.queued(event.step)
    if task is not None and task.attempt == event.attempt and task.retry_at is not None:
        change.update(task, retry_at=None, waiting_for=None)
        change.order(Enqueue(task.name))


def _on_attempt_ended(change: _Change, event: AttemptEnded) -> None:
    task = change.running(event)
    if task is None:
        return
    change.order(Release(task.name))
    is_canceling = change.run.state is RunState.CANCELING
    if isinstance(event.outcome, NeverRan):
        task = change.update(task, first_attempt=task.first_attempt + 1, started_at=None, gpus=())
        _requeue(change, task, event.at, is_canceling)
        return
    started_at = event.started_at or task.started_at or event.at
    task = change.update(
        task,
        started_at=started_at,
        duration_s=seconds_between(started_at, event.at),
        cells=task.cells if event.cells is None else event.cells,
        executed_as=event.executed_as,
        gpus=(),
    )
    if isinstance(event.outcome, Succeeded):
        outcome = event.outcome
        change.succeed(task, event.at, bundle=outcome.bundle, not_kept=dict(outcome.not_kept))
    else:
        _fail(change, task, event.at, event.outcome.failure, is_canceling)


def _requeue(change: _Change, task: Task, at: datetime, is_canceling: bool) -> None:
    if is_canceling:
        change.update(task, state=TaskState.CANCELED, finished_at=at)
    else:
        change.update(task, state=TaskState.QUEUED)
        change.order(Enqueue(task.name))


def _fail(change: _Change, task: Task, at: datetime, failure: Failure, is_canceling: bool) -> None:
    step = change.plan.steps[task.name]
    failure = _timeout_failure(change.before.tasks[task.name], step, at, failure)
    tried = task.attempt - task.first_attempt + 1
    if is_canceling:
        change.update(task, state=TaskState.CANCELED, finished_at=at)
    elif tried <= step.retry.limit:
        wait_s = min(
            step.retry.backoff_s * step.retry.factor ** (tried - 1), step.retry.max_backoff_s
        )
        retry_at = after(at, wait_s)
        change.update(
            task,
            state=TaskState.QUEUED,
            failure=failure,
            retry_at=retry_at,
            waiting_for=f"attempt {task.attempt + 1}, {wait_s:g} s after attempt "
            f"{task.attempt} failed",
        )
        change.order(Wake(retry_at, task.name, task.attempt, "retry"))
    else:
        change.update(task, state=TaskState.FAILED, finished_at=at, failure=failure)
        change.skip_dependents(task.name)


def _timeout_failure(task: Task, step: StepPlan, at: datetime, failure: Failure) -> Failure:
    """A failure at or after the deadline is the time-out's doing, whatever it looks like."""
    deadline = _deadline(step, task)
    if deadline is None or at < deadline or failure.code == "vanished":
        return failure
    return failure.model_copy(
        update={
            "code": "timeout",
            "message": f"Step {step.name!r} was stopped: it had run for its limit of "
            f"{step.timeout_s:g} s. Give it a longer time-out, or make it do less.",
        }
    )


def _on_cancel_asked(change: _Change, event: CancelAsked) -> None:
    if change.run.state.is_final or change.run.state is RunState.CANCELING:
        return
    change.update_run(state=RunState.CANCELING)
    for task in list(change.tasks.values()):
        if task.state is TaskState.RUNNING:
            change.order(Stop(task.name, task.attempt))
        elif not task.state.is_final:
            if task.state is TaskState.QUEUED:
                change.order(Release(task.name))
            change.update(
                task,
                state=TaskState.CANCELED,
                finished_at=event.at,
                waiting_for=None,
                retry_at=None,
            )


def _on_retry_asked(change: _Change, event: RetryAsked) -> None:
    if not change.run.state.is_final:
        return
    old = change.tasks
    unfinished = {
        name
        for name in event.plan.steps
        if name not in event.skipped
        and (name not in old or old[name].state is not TaskState.SUCCEEDED)
    }
    redo = event.plan.with_dependents(unfinished | event.redo) - event.skipped
    change.plan, change.tasks, change.open_tasks = event.plan, {}, 0
    for name in event.plan.steps:
        task = old.get(name) or Task(name=name, state=TaskState.PENDING)
        if name in redo:
            task = _fresh(task).model_copy(update={"cells": event.cells.get(name, ())})
        elif name in event.skipped:
            task = task.model_copy(update={"state": TaskState.SKIPPED})
        task = task.model_copy(update={"title": event.titles[name]})
        change.tasks[name] = task
        change.open_tasks += not task.state.is_final
        if task != old.get(name):
            change.touched[name] = None
    change.update_run(
        state=RunState.RUNNING,
        pipeline_digest=event.pipeline_digest,
        started_at=event.at,
        finished_at=None,
        duration_s=None,
        failure=None,
    )
    for step in event.plan.steps.values():
        change.queue_if_ready(step)


def _fresh(task: Task) -> Task:
    """Return the task as if it had never run, but for the number of its last attempt."""
    return Task(
        name=task.name,
        title=task.title,
        state=TaskState.PENDING,
        attempt=task.attempt,
        first_attempt=task.attempt + 1,
    )


_HANDLERS: dict[type[RunEvent], Callable[[_Change, Any], None]] = {
    Submitted: _on_submitted,
    Resumed: _on_resumed,
    Lost: _on_lost,
    CacheAnswered: _on_cache_answered,
    Admitted: _on_admitted,
    Waits: _on_waits,
    AttemptEnded: _on_attempt_ended,
    Progressed: _on_progressed,
    TimerDue: _on_timer_due,
    CancelAsked: _on_cancel_asked,
    RetryAsked: _on_retry_asked,
}
