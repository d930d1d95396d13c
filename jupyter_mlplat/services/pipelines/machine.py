"""The states of a run and its tasks as a pure machine: event in; new state and instructions out.

Nothing here reads a clock, a file or a random number, so every history can be replayed. The
conductor feeds it, commits what changed, and only then carries the instructions out. An event that
comes too late (an old attempt, a task that has ended, a run that is over) changes nothing.

The life of a single task is written here: looked up, queued, started, tried again, ended. Which
task comes after which is asked of the run's flow (`services.workflows.flow`).
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    Failed,
    Instruction,
    Lost,
    NeverRan,
    PauseAsked,
    Pends,
    Progressed,
    Release,
    ResumeAsked,
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
from jupyter_mlplat.services.workflows.flow import Flow, Limits


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a run's steps there are, are over, were taken from the cache or have failed."""

    total: int = 0
    done: int = 0
    cached: int = 0
    failed: int = 0

    def counting(self, task: Task, sign: int = 1) -> "Tally":
        """Return the tally with a task more, or less; only what runs by itself counts."""
        if task.kind != "step":
            return self
        return Tally(
            self.total + sign,
            self.done + sign * task.state.is_final,
            self.cached + sign * task.cached,
            self.failed + sign * (task.state is TaskState.FAILED),
        )


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run stands. `run.tasks` is empty: the tasks are here, by name, in their order."""

    flow: Flow
    run: Run
    tasks: Mapping[str, Task]
    open_tasks: int
    open_in: Mapping[str | None, int]  # by the task they lie in
    tally: Tally

    @classmethod
    def of(cls, flow: Flow, run: Run) -> "RunStatus":
        """Take up a run as the store has it."""
        return cls.with_tasks(flow, run.model_copy(update={"tasks": ()}), run.tasks)

    @classmethod
    def with_tasks(cls, flow: Flow, run: Run, tasks: Iterable[Task]) -> "RunStatus":
        """Count the tasks of a run."""
        by_name = {task.name: task for task in tasks}
        tally = Tally()
        for task in by_name.values():
            tally = tally.counting(task)
        unfinished = [task.parent for task in by_name.values() if not task.state.is_final]
        return cls(flow, run, by_name, len(unfinished), Counter(unfinished), tally)

    def document(self) -> Run:
        """Return the run with its tasks."""
        return self.run.model_copy(update={"tasks": tuple(self.tasks.values())})


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event led to: the new state, the tasks it changed, and what has to be done."""

    status: RunStatus
    tasks: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    dropped: tuple[str, ...] = ()  # tasks that are no more


def advance(status: RunStatus, event: RunEvent) -> Transition:
    """Take one event; see the module's docstring."""
    change = _Change(status, event.at)
    _HANDLERS[type(event)](change, event)
    return change.finish()


@dataclass(slots=True)
class _Change:
    """A transition in the making: what the run's flow sees of it (`View`)."""

    before: RunStatus
    at: datetime
    flow: Flow = field(init=False)
    run: Run = field(init=False)
    tasks: dict[str, Task] = field(init=False)
    open_tasks: int = field(init=False)
    open_in: dict[str | None, int] = field(init=False)
    tally: Tally = field(init=False)
    touched: dict[str, None] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    ended: deque[str] = field(default_factory=deque)  # the flow has not been told of them yet

    def __post_init__(self) -> None:
        self._take(self.before)

    def _take(self, status: RunStatus) -> None:
        self.flow, self.run, self.tally = status.flow, status.run, status.tally
        self.tasks, self.open_in = dict(status.tasks), dict(status.open_in)
        self.open_tasks = status.open_tasks

    def finish(self) -> Transition:
        while self.ended:
            self.follow(self.flow.proceed(self, self.tasks[self.ended.popleft()]))
        if self.open_tasks == 0 and not self.run.state.is_final:
            self._end_run()
        status = RunStatus(
            self.flow, self.run, self.tasks, self.open_tasks, self.open_in, self.tally
        )
        return Transition(
            status, tuple(self.touched), tuple(self.instructions), tuple(self.dropped)
        )

    @property
    def is_paused(self) -> bool:
        return self.run.state is RunState.PAUSED

    def unfinished_in(self, parent: str | None) -> int:
        return self.open_in.get(parent, 0)

    # - what handlers do -

    def update_run(self, **fields: Any) -> None:
        self.run = self.run.model_copy(update=fields)

    def update(self, task: Task, **fields: Any) -> Task:
        return self.put(task.model_copy(update=fields))

    def put(self, task: Task) -> Task:
        """Write a task as it is from now on. What follows from its end is seen to in the end."""
        old = self.tasks.get(task.name)
        was_open = old is not None and not old.state.is_final
        is_open = not task.state.is_final
        if is_open != was_open:
            self.open_tasks += is_open - was_open
            self.open_in[task.parent] = self.open_in.get(task.parent, 0) + is_open - was_open
        self.tally = self.tally.counting(task)
        if old is not None:
            self.tally = self.tally.counting(old, -1)
        self.tasks[task.name] = task
        self.touched[task.name] = None
        if not is_open and (was_open or old is None):
            self.ended.append(task.name)
        return task

    def follow(self, tasks: Iterator[Task]) -> None:
        """Write what the flow says; who is ready is looked up in the cache first."""
        for task in tasks:
            if task.state is TaskState.QUEUED and self.is_paused:
                task = task.model_copy(update={"waiting_for": _PAUSED})
            self.put(task)
            if task.state is TaskState.QUEUED and not self.is_paused:
                self.order(Consult(task.name))

    def go_on_with(self, tasks: Mapping[str, Task]) -> None:
        """Put other tasks in the place of all there are."""
        old = self.tasks
        for name, task in old.items():
            if task.kind == "step" and task.state in _AT_WORK and tasks.get(name) is not task:
                self.order(Release(name))
        self.dropped += [name for name in old if name not in tasks]
        self.touched |= dict.fromkeys(name for name in tasks if tasks[name] != old.get(name))
        self._take(RunStatus.with_tasks(self.flow, self.run, tasks.values()))

    def order(self, instruction: Instruction) -> None:
        self.instructions.append(instruction)

    def running(self, event: AttemptEnded | Progressed | Pends | TimerDue) -> Task | None:
        """Return the task an event is about if that very attempt is running."""
        task = self.tasks.get(event.step)
        is_meant = task and task.state is TaskState.RUNNING and task.attempt == event.attempt
        return task if is_meant else None

    def queued(self, step: str) -> Task | None:
        task = self.tasks.get(step)
        return task if task and task.state is TaskState.QUEUED else None

    def limits(self, task: Task) -> Limits:
        return self.flow.limits(task)

    def _end_run(self) -> None:
        at = self.at
        states = {task.state for task in self.tasks.values()}
        state, failure = RunState.SUCCEEDED, None
        if TaskState.CANCELED in states:
            failure = self.run.failure  # its deadline
            state = RunState.CANCELED if failure is None else RunState.FAILED
        elif TaskState.FAILED in states:
            state = RunState.FAILED
            failed = [task for task in self.tasks.values() if task.state is TaskState.FAILED]
            causes = [task for task in failed if task.failure is not None]  # scopes have none
            failure = min(causes, key=lambda task: task.finished_at or at).failure
        started_at = self.run.started_at or at
        self.update_run(
            state=state,
            failure=failure,
            started_at=started_at,
            finished_at=max(at, started_at),
            duration_s=seconds_between(started_at, at),
            results=self.flow.results(self),
            paused_at=None,
        )


_PAUSED = "its run to be resumed"
_AT_WORK = (TaskState.RUNNING, TaskState.QUEUED)


def _on_submitted(change: _Change, event: Submitted) -> None:
    if change.run.state is not RunState.PENDING:
        return
    change.update_run(state=RunState.RUNNING, started_at=event.at)
    _order_deadline(change)
    change.follow(change.flow.begin(change))


def _order_deadline(change: _Change) -> None:
    if (deadline := _run_deadline(change)) is not None:
        change.order(Wake(deadline, "", 0, "deadline"))


def _run_deadline(change: _Change) -> datetime | None:
    """Return when a run is to be over, counted from when it was begun, tried again or resumed."""
    run, deadline_s = change.run, change.flow.deadline_s
    began = max(filter(None, (run.started_at, run.resumed_at)), default=None)
    return None if deadline_s is None or began is None else after(began, deadline_s)


def _on_resumed(change: _Change, event: Resumed) -> None:
    if change.run.state is RunState.PENDING:
        return _on_submitted(change, Submitted(event.at))
    for task in list(change.tasks.values()):
        if task.kind != "step":
            continue
        if task.state is TaskState.RUNNING:
            change.order(Adopt(task.name, task.attempt))
            _order_timeout(change, task)
            if change.run.state is RunState.CANCELING or task.is_stopping:
                change.order(Stop(task.name, task.attempt))
        elif task.state is TaskState.QUEUED and not change.is_paused:
            _order_again(change, task)
    if change.run.state is RunState.RUNNING:
        _order_deadline(change)
        change.follow(change.flow.begin(change))
    return None


def _on_lost(change: _Change, event: Lost) -> None:
    if change.run.state in (RunState.RUNNING, RunState.PAUSED):
        change.go_on_with(change.flow.lose(change.tasks, event.steps))
        if not change.is_paused:
            change.follow(change.flow.begin(change))


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
        change.update(
            task,
            state=TaskState.SUCCEEDED,
            finished_at=event.at,
            cached=True,
            cache=event.explanation,
            bundle=event.bundle,
            not_kept=dict(event.not_kept),
            results=event.results,
            started_at=event.at,
            duration_s=0.0,
            cells=tuple(CellRun(id=cell.id, state="ok") for cell in task.cells),
        )
    else:
        _enqueue(change, change.update(task, cache=event.explanation))


def _enqueue(change: _Change, task: Task) -> None:
    """Ask for what a queued task needs, unless its run is paused."""
    if change.is_paused:
        change.update(task, waiting_for=_PAUSED)
    else:
        change.order(Enqueue(task.name))


def _on_admitted(change: _Change, event: Admitted) -> None:
    task = change.queued(event.step)
    if task is None or task.retry_at is not None or change.is_paused:
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
        progress=None,
        is_stopping=False,
        cells=_pending(task),
    )
    change.order(Start(task.name, task.attempt))
    _order_timeout(change, task)


def _pending(task: Task) -> tuple[CellRun, ...]:
    return tuple(CellRun(id=cell.id, state="pending") for cell in task.cells)


def _order_timeout(change: _Change, task: Task) -> None:
    if (deadline := _deadline(change.limits(task), task)) is not None:
        change.order(Wake(deadline, task.name, task.attempt, "timeout"))


def _deadline(limits: Limits, task: Task) -> datetime | None:
    if limits.timeout_s is None or task.started_at is None:
        return None
    return after(task.started_at, max(0.0, limits.timeout_s - task.spent_s))


def _spent_s(change: _Change, task: Task, until: datetime) -> float:
    """Return what counts towards a task's time-out: of a job, all of its attempts."""
    if task.started_at is None or not change.limits(task).is_job:
        return 0.0
    return task.spent_s + seconds_between(task.started_at, until)


def _on_waits(change: _Change, event: Waits) -> None:
    task = change.queued(event.step)
    if task is not None and task.waiting_for != event.reason and not change.is_paused:
        change.update(task, waiting_for=event.reason)


def _on_progressed(change: _Change, event: Progressed) -> None:
    task = change.running(event)
    if task is None:
        return
    progress = event.progress or task.progress
    if task.cells != event.cells or task.progress != progress:
        change.update(task, cells=event.cells, progress=progress)


def _on_pends(change: _Change, event: Pends) -> None:
    """Note what a started attempt waits for; its time-out counts from when it runs."""
    task = change.running(event)
    if task is None or task.waiting_for == event.reason:
        return
    if event.reason is not None:
        change.update(task, waiting_for=event.reason)
    else:
        _order_timeout(change, change.update(task, waiting_for=None, started_at=event.at))


def _on_timer_due(change: _Change, event: TimerDue) -> None:
    if event.kind == "deadline":
        return _on_deadline(change, event)
    if event.kind == "timeout":
        _on_timeout(change, event)
        return None
    task = change.queued(event.step)
    if task is not None and task.attempt == event.attempt and task.retry_at is not None:
        _enqueue(change, change.update(task, retry_at=None, waiting_for=None))
    return None


def _on_timeout(change: _Change, event: TimerDue) -> None:
    task = change.running(event)
    if task is None or task.waiting_for is not None:
        return
    deadline = _deadline(change.limits(task), task)
    if deadline is not None and event.at >= deadline:  # else it has begun later than it was started
        change.order(Stop(event.step, event.attempt))


def _on_deadline(change: _Change, event: TimerDue) -> None:
    deadline = _run_deadline(change)
    if change.run.state is not RunState.RUNNING or deadline is None:
        return
    if event.at < deadline:  # of an earlier try: it was retried or resumed since
        return
    change.update_run(
        failure=Failure(
            code="timeout",
            message="The run was stopped: it had run for its limit of "
            f"{change.flow.deadline_s:g} s, which its pipeline sets (activeDeadlineSeconds). "
            "Raise it there, or make it do less.",
        )
    )
    _on_cancel_asked(change, CancelAsked(event.at))


def _on_attempt_ended(change: _Change, event: AttemptEnded) -> None:
    task = change.running(event)
    if task is None:
        return
    change.order(Release(task.name))
    if task.waiting_for is not None:  # it never came to run
        task = change.update(task, waiting_for=None)
    is_canceling = change.run.state is RunState.CANCELING
    is_stopped = isinstance(event.outcome, Failed) and task.is_stopping and not is_canceling
    if is_stopped:  # what ends badly once it is told to end counts as stopped
        spent_s = _spent_s(change, task, event.at)
        task = change.update(task, progress=event.progress or task.progress, spent_s=spent_s)
    if is_stopped or isinstance(event.outcome, NeverRan):
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
        notes=tuple(dict.fromkeys((*task.notes, *event.notes))),
        progress=event.progress or task.progress,
        gpus=(),
    )
    if isinstance(event.outcome, Succeeded):
        change.update(
            task,
            state=TaskState.SUCCEEDED,
            finished_at=event.at,
            is_stopping=False,
            bundle=event.outcome.bundle,
            not_kept=dict(event.outcome.not_kept),
            results=event.outcome.results,
        )
    else:
        _fail(change, task, event.at, event.outcome.failure, is_canceling)


def _requeue(change: _Change, task: Task, at: datetime, is_canceling: bool) -> None:
    if is_canceling:
        change.update(task, state=TaskState.CANCELED, finished_at=at)
    else:
        _enqueue(change, change.update(task, state=TaskState.QUEUED, is_stopping=False))


def _fail(change: _Change, task: Task, at: datetime, failure: Failure, is_canceling: bool) -> None:
    limits = change.limits(task)
    failure = _timeout_failure(change.before.tasks[task.name], limits, at, failure)
    tried = task.attempt - task.first_attempt + 1
    if is_canceling:
        change.update(task, state=TaskState.CANCELED, finished_at=at, is_stopping=False)
    elif tried <= limits.retry.limit and not (limits.is_job and failure.code == "timeout"):
        wait_s = min(
            limits.retry.backoff_s * limits.retry.factor ** (tried - 1), limits.retry.max_backoff_s
        )
        retry_at = after(at, wait_s)
        change.update(
            task,
            state=TaskState.QUEUED,
            failure=failure,
            spent_s=_spent_s(change, task, at),
            retry_at=retry_at,
            waiting_for=f"attempt {task.attempt + 1}, {wait_s:g} s after attempt "
            f"{task.attempt} failed",
        )
        change.order(Wake(retry_at, task.name, task.attempt, "retry"))
    else:
        change.update(task, state=TaskState.FAILED, finished_at=at, failure=failure)


def _timeout_failure(task: Task, limits: Limits, at: datetime, failure: Failure) -> Failure:
    """A failure at or after the deadline is the time-out's doing, whatever it looks like."""
    deadline = _deadline(limits, task)
    if deadline is None or at < deadline or failure.code == "vanished":
        return failure
    return failure.model_copy(
        update={
            "code": "timeout",
            "message": f"Step {task.name!r} was stopped: it had run for its limit of "
            f"{limits.timeout_s:g} s{', all attempts together' if task.spent_s else ''}. "
            "Give it a longer time-out, or make it do less.",
        }
    )


def _on_cancel_asked(change: _Change, event: CancelAsked) -> None:
    if change.run.state.is_final or change.run.state is RunState.CANCELING:
        return
    change.update_run(state=RunState.CANCELING, paused_at=None)
    for task in list(change.tasks.values()):
        if task.state is TaskState.RUNNING:
            if task.kind == "step":
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


def _on_pause_asked(change: _Change, event: PauseAsked) -> None:
    if change.run.state is not RunState.RUNNING:
        return
    change.update_run(state=RunState.PAUSED, paused_at=event.at)
    for task in list(change.tasks.values()):
        if task.kind != "step":
            continue
        if task.state is TaskState.RUNNING:
            change.update(task, is_stopping=True)
            change.order(Stop(task.name, task.attempt))
        elif task.state is TaskState.QUEUED:
            change.order(Release(task.name))
            change.update(task, waiting_for=_PAUSED)


def _on_resume_asked(change: _Change, event: ResumeAsked) -> None:
    if not change.is_paused:
        return
    started_at = change.run.started_at or event.at
    told = {"started_at": started_at, "paused_at": None, "resumed_at": event.at}
    change.update_run(state=RunState.RUNNING, **told)
    for task in list(change.tasks.values()):
        if task.kind == "step" and task.state is TaskState.QUEUED:
            _order_again(change, change.update(task, waiting_for=None))
    _order_deadline(change)
    change.follow(change.flow.begin(change))


def _on_retry_asked(change: _Change, event: RetryAsked) -> None:
    if not change.run.state.is_final:
        return
    change.flow = event.flow
    change.update_run(
        state=RunState.RUNNING,
        pipeline_digest=event.pipeline_digest,
        started_at=event.at,
        finished_at=None,
        duration_s=None,
        failure=None,
        results=None,
    )
    _order_deadline(change)
    change.go_on_with(event.flow.again(change.tasks, event.fresh, event.redo))
    change.follow(event.flow.begin(change))


_HANDLERS: dict[type[RunEvent], Callable[[_Change, Any], None]] = {
    Submitted: _on_submitted,
    Resumed: _on_resumed,
    Lost: _on_lost,
    CacheAnswered: _on_cache_answered,
    Admitted: _on_admitted,
    Waits: _on_waits,
    AttemptEnded: _on_attempt_ended,
    Progressed: _on_progressed,
    Pends: _on_pends,
    TimerDue: _on_timer_due,
    CancelAsked: _on_cancel_asked,
    PauseAsked: _on_pause_asked,
    ResumeAsked: _on_resume_asked,
    RetryAsked: _on_retry_asked,
}
