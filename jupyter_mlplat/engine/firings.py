"""The firings of schedules at work: written down, told of, ended, let go."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ParamSpec, Protocol, TypeVar

from jupyter_mlplat.engine.notifying import Notifier
from jupyter_mlplat.engine.watching import FileWatch
from jupyter_mlplat.kit.clock import after, utc_now
from jupyter_mlplat.ports.metadata import MetadataStore, NewEvent
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.pipeline import Parameter
from jupyter_mlplat.resources.run import Run, RunState, SubmitRequest
from jupyter_mlplat.resources.schedule import (
    Firing,
    FiringState,
    Schedule,
)

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_FIRINGS_KEPT = 10_000  # of a schedule
_PRUNE_EVERY = 100
_SHARE = 10  # a tenth more than are kept may gather: to let runs go takes a look at all lineage
_OLDEST = 100  # that are looked at each time whether they are too old
_OUTCOMES = {
    FiringState.SUCCEEDED: "succeeded",
    FiringState.FAILED: "failed",
    FiringState.CANCELED: "failed",
    FiringState.SKIPPED: "skipped",
    FiringState.MISSED: "skipped",
}


class Work(Protocol):
    """What the timekeeper asks of the engine."""

    async def check(self, request: SubmitRequest) -> None:
        """Refuse what could not be run. Raises NotFound, InvalidInput."""

    async def parameters_of(self, request: SubmitRequest) -> Sequence[Parameter]: ...

    async def begin(self, request: SubmitRequest, firing: Firing) -> Run:
        """Begin the run of a firing, in one commit with it."""

    async def cancel(self, run_id: str) -> None: ...

    async def retry(self, run_id: str) -> None: ...

    async def drop(self, run_ids: Collection[str]) -> Collection[str]:
        """Delete runs that nothing else needs; returns which went."""

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that waits for a disk, beside the event loop."""

    async def write(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that writes events to the store."""


@dataclass
class Live:
    """A schedule at work."""

    schedule: Schedule
    state: dict[str, Any]
    firings: dict[tuple[str, int], Firing] = field(default_factory=dict)  # not final
    wake_at: datetime | None = None
    is_planned: bool = False
    is_moved: bool = False  # since it was looked at last: nothing from before is owed
    ending: set[str] = field(default_factory=set)  # keys whose runs are being cancelled
    watch: FileWatch | None = None

    @property
    def seen_until(self) -> datetime:
        return datetime.fromisoformat(self.state["seen_until"])

    def keys(self, *states: FiringState) -> list[str]:
        """Return the keys of its open firings in these states, the oldest first."""
        found = (firing.key for firing in self.firings.values() if firing.state in states)
        return list(dict.fromkeys(found))

    @property
    def active(self) -> int:
        running = self.keys(FiringState.RUNNING, FiringState.WAITING)
        return len(set(running) - self.ending)

    @property
    def queued(self) -> int:
        return len(self.keys(FiringState.QUEUED))


class Firings:
    """What is open of each schedule. `Timekeeper` says what the arguments are."""

    def __init__(
        self,
        store: MetadataStore,
        work: Work,
        notifier: Notifier,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._work = work
        self._notifier = notifier
        self._clock = clock
        self._monotonic = monotonic
        self._live: dict[str, Live] = {}
        self._by_run: dict[str, tuple[str, tuple[str, int]]] = {}  # run → schedule, firing
        self._began: dict[str, float] = {}  # run → when, by the monotonic clock
        self._settled = 0
        self._news: deque[Event] = deque()
        self._lock = asyncio.Lock()
        self._nudge = asyncio.Event()
        self._last_turn: datetime | None = None
        self._turned_at = monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    async def _record(self, live: Live, firings: Sequence[Firing], **state: Any) -> None:
        """Write firings and what the schedule goes on with, as one commit."""
        told = [self._due_notices(live, firing) for firing in firings]
        merged = {**live.state, **state}
        events = [fired_event(firing) for firing in told]
        await self._work.write(self._store.record_firings, live.schedule.id, told, merged, events)
        live.state = merged
        for firing in told:
            if firing.state.is_final:
                self._send(live, firing)
            else:
                self._enter(live, firing)

    async def _change(self, live: Live, firing: Firing, **fields: Any) -> None:
        changed = self._due_notices(live, firing.model_copy(update=fields))
        await self._work.write(
            self._store.record_firings, live.schedule.id, [changed], None, [fired_event(changed)]
        )
        self._enter(live, changed)
        if changed.state.is_final:
            self._leave(live, changed)
            self._send(live, changed)

    def _enter(self, live: Live, firing: Firing) -> None:
        live.firings[firing.key, firing.row] = firing
        if firing.run_id is not None:
            self._by_run[firing.run_id] = live.schedule.id, (firing.key, firing.row)

    def _leave(self, live: Live, firing: Firing) -> None:
        live.firings.pop((firing.key, firing.row), None)
        if not any(other.key == firing.key for other in live.firings.values()):
            live.ending.discard(firing.key)
        if firing.run_id is not None:
            self._forget_run(firing.run_id)
        self._nudge.set()  # another one may begin

    def _forget_run(self, run: str) -> None:
        self._by_run.pop(run, None)
        self._began.pop(run, None)

    def _tell(self, firing: Firing) -> None:
        """Tell of a firing that was written with its run."""
        record, events = self._store.record_firings, [fired_event(firing)]
        self._spawn(self._work.write, record, firing.schedule_id, [], None, events)

    def _due_notices(self, live: Live, firing: Firing) -> Firing:
        """Note, with the end of a firing, who has to be told of it."""
        if not firing.state.is_final:
            return firing
        outcome = _OUTCOMES[firing.state]
        due = {
            str(number): ""
            for number, webhook in enumerate(live.schedule.notify)
            if outcome in webhook.on
        }
        return firing.model_copy(update={"notified": due})

    async def _settle(
        self, live: Live, firing: Firing, state: RunState, reason: str, now: datetime
    ) -> None:
        """Take in that a run is over."""
        retry, message = live.schedule.retry, firing.message or reason
        if state is RunState.SUCCEEDED:
            await self._change(
                live, firing, state=FiringState.SUCCEEDED, message="", finished_at=now
            )
        elif state is RunState.CANCELED and not firing.timed_out:
            await self._change(
                live,
                firing,
                state=FiringState.CANCELED,
                message=firing.message or "Its run was cancelled.",
                finished_at=now,
            )
        elif firing.tries <= retry.limit:
            wait_s = min(retry.backoff_s * retry.factor ** (firing.tries - 1), retry.max_backoff_s)
            await self._change(
                live,
                firing,
                state=FiringState.WAITING,
                retry_at=after(now, wait_s),
                message=f"Tried again in {wait_s:g} s. {message}",
            )
        else:
            await self._change(
                live, firing, state=FiringState.FAILED, message=message, finished_at=now
            )
        if (firing.key, firing.row) not in live.firings:
            await self._retain(live, now)

    async def _retain(self, live: Live, now: datetime) -> None:
        """Delete the runs that the schedule does not keep."""
        schedule, keep = live.schedule, live.schedule.keep
        doomed = list[Firing]()
        if keep.runs is not None:
            doomed += await self._work.read(self._store.firings_beyond, schedule.id, keep.runs)
        if keep.days is not None:
            oldest = await self._work.read(self._store.oldest_firings, schedule.id, _OLDEST)
            since = now - timedelta(days=keep.days)
            doomed += [firing for firing in oldest if (firing.finished_at or now) < since]
        over = {str(firing.run_id): firing for firing in doomed if firing.state.is_final}
        if len(over) >= max(1, (keep.runs or 0) // _SHARE):
            gone = await self._work.drop(list(over))
            fields = {"run_id": None}
            forgotten = [over[run].model_copy(update=fields) for run in gone]
            await self._work.read(self._store.record_firings, schedule.id, forgotten)
        self._settled += 1
        if self._settled % _PRUNE_EVERY == 0:
            await self._work.read(self._store.prune_firings, schedule.id, _FIRINGS_KEPT)

    def _send(self, live: Live, firing: Firing) -> None:
        if any(not told for told in firing.notified.values()):
            self._spawn(self._notify, live.schedule, firing)

    async def _notify(self, schedule: Schedule, firing: Firing) -> None:
        notified = dict(firing.notified)
        for number, told in firing.notified.items():
            if not told and int(number) < len(schedule.notify):
                webhook = schedule.notify[int(number)]
                notified[number] = await self._notifier.send(
                    webhook, _OUTCOMES[firing.state], schedule, firing
                )
            elif not told:
                notified[number] = "not sent: the schedule was changed"
        changed = firing.model_copy(update={"notified": notified})
        await self._work.write(
            self._store.record_firings, schedule.id, [changed], None, [fired_event(changed)]
        )

    def _spawn(self, work: Callable[..., Awaitable[None]], *given: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._apart(work, *given))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _apart(self, work: Callable[..., Awaitable[None]], *given: Any) -> None:
        """Let what goes wrong with one thing harm nothing else."""
        try:
            await work(*given)
        except Exception:
            _log.exception("The timekeeper could not do %s", getattr(work, "__name__", work))


def reason_of(run: Run) -> str:
    return run.failure.message if run.failure is not None else ""


def fired_event(firing: Firing) -> NewEvent:
    return NewEvent("schedule.fired", firing.schedule, firing.model_dump(mode="json"))
