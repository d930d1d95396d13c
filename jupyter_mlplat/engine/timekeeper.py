"""Fires schedules: each planned time at most once, whatever becomes of engines and clocks.

What is decided about a planned time is written down first, as firings, in one commit with the point
that was looked at; a run is then begun in the same commit that says which firing it belongs to. So
an engine that takes up the work sees what is decided and not begun, and begins it; nothing is begun
twice. Clocks that are set forward leave planned times behind, which the schedule's policy is about;
where they are set back, planned times come again and are known to be taken.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, ParamSpec, Protocol, TypeVar

from jupyter_mlplat.engine.notifying import Notifier
from jupyter_mlplat.engine.watching import FileWatch, Happening, happenings_of
from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError, Unavailable
from jupyter_mlplat.kit.clock import after, seconds_between, utc_now
from jupyter_mlplat.ports.metadata import MetadataStore, NewEvent
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.pipeline import Parameter
from jupyter_mlplat.resources.run import Run, RunState, SubmitRequest
from jupyter_mlplat.resources.schedule import (
    BackfillRequest,
    Cause,
    Firing,
    FiringState,
    Schedule,
    SchedulePatch,
    ScheduleRequest,
    ScheduleStatus,
)
from jupyter_mlplat.services.scheduling import planning, rules
from jupyter_mlplat.services.scheduling.templates import Moment

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_LOOK_S = 2.0
"""As long as a clock that was set may go unnoticed."""
_TROUBLE_S = 5.0
_FIRINGS_KEPT = 10_000  # of a schedule
_PRUNE_EVERY = 100
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
class _Live:
    """A schedule at work."""

    schedule: Schedule
    state: dict[str, Any]
    firings: dict[tuple[str, int], Firing] = field(default_factory=dict)  # not final
    wake_at: datetime | None = None
    is_planned: bool = False
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


class Timekeeper:
    """Belongs to the event loop. `turn` does all that is due; `start` calls it when it is.

    Args:
        store: Where schedules and firings are kept.
        work: Begins, ends and repeats runs.
        notifier: Sends webhooks.
        clock: Says what time it is.
        monotonic: Measures how long something takes, whoever sets the clock.
    """

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
        self._live: dict[str, _Live] = {}
        self._by_run: dict[str, tuple[str, tuple[str, int]]] = {}  # run → schedule, firing
        self._began: dict[str, float] = {}  # run → when, by the monotonic clock
        self._settled = 0
        self._news: deque[Event] = deque()
        self._lock = asyncio.Lock()
        self._nudge = asyncio.Event()
        self._last_turn: datetime | None = None
        self._turned_at = monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    # - life -

    async def open(self) -> None:
        """Take up what an earlier engine left."""
        async with self._lock:
            for schedule, state in await self._work.read(self._store.list_schedules):
                self._live[schedule.id] = _Live(schedule, dict(state))
            now = self._clock()
            for firing in await self._work.read(self._store.open_firings):
                await self._apart(self._take_up, firing, now)
            for live in list(self._live.values()):
                await self._apart(self._replay, live)

    async def _take_up(self, firing: Firing, now: datetime) -> None:
        live = self._live.get(firing.schedule_id)
        if live is None:
            return
        if firing.state.is_final:
            self._send(live, firing)
            return
        self._enter(live, firing)
        if firing.run_id is None or firing.state is not FiringState.RUNNING:
            return
        began = max(filter(None, (firing.fired_at, firing.retry_at)), default=now)
        self._began[firing.run_id] = self._monotonic() - seconds_between(began, now)
        try:
            run = await self._work.read(self._store.get_run, firing.run_id)
        except NotFound:
            gone = {"state": FiringState.CANCELED, "message": "Its run was deleted."}
            await self._change(live, firing, finished_at=now, **gone)
            return
        if run.state.is_final:
            await self._settle(live, firing, run.state, _reason(run), now)

    async def _replay(self, live: _Live) -> None:
        """Hear what happened while no engine listened, if the schedule waits for such things."""
        if live.schedule.trigger.kind in (*rules.IS_TIME, "file"):
            return
        seen = int(live.state.get("seen_event", 0))
        while events := await self._work.read(self._store.events_after, seen):
            seen = events[-1].seq
            for event in events:
                await self._hear(live, event)
        live.state["seen_event"] = seen

    def start(self) -> None:
        """Do what is due, from now on."""
        self._spawn(self._keep)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def is_needed(self) -> bool:
        """Tell whether something is planned, so that the engine must not leave."""
        return any(not live.schedule.paused or live.firings for live in self._live.values())

    def hear(self, events: Iterable[Event]) -> None:
        """Take in what has happened in the engine."""
        if not self._live:
            return
        news = [event for event in events if event.kind in ("run.updated", "model.updated")]
        if news:
            self._news.extend(news)
            self._nudge.set()

    async def _keep(self) -> None:
        while True:
            wait_s = await self.turn()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._nudge.wait()
            self._nudge.clear()

    async def turn(self) -> float | None:
        """Do all that is due; return for how long there is nothing to do, None: for ever."""
        async with self._lock:
            now = self._clock()
            was_set_back = self._last_turn is not None and now < self._last_turn
            self._last_turn = now
            passed_s = self._monotonic() - self._turned_at
            self._turned_at += passed_s
            # By today's clock; where it was set back, what is planned from then on comes again.
            looked_at = after(now, -passed_s) if was_set_back else None
            while self._news:
                await self._take_in(self._news.popleft(), now)
            wakes = list[datetime]()
            for live in list(self._live.values()):
                try:
                    wakes += await self._tend(live, now, looked_at)
                except Exception as error:  # one schedule's trouble is not that of the others
                    level = logging.WARNING if isinstance(error, Unavailable) else logging.ERROR
                    name = live.schedule.name
                    _log.log(level, "Cannot tend schedule %r: %s", name, error, exc_info=error)
                    wakes.append(after(now, _TROUBLE_S))
            if not wakes:
                return None
            return min(_LOOK_S, max(0.0, seconds_between(now, min(wakes))))

    async def _tend(self, live: _Live, now: datetime, looked_at: datetime | None) -> list[datetime]:
        wakes = list[datetime]()
        schedule = live.schedule
        if not schedule.paused:
            is_due = live.wake_at is None or now >= live.wake_at or looked_at is not None
            if schedule.trigger.kind == "file" and is_due:
                await self._look(live, now)
            elif schedule.trigger.kind in rules.IS_TIME and (is_due or not live.is_planned):
                await self._plan(live, now, looked_at or live.seen_until)
            wakes += filter(None, [live.wake_at])
        for firing in list(live.firings.values()):
            if firing.state is FiringState.RUNNING and schedule.timeout_s is not None:
                wakes += await self._time_out(live, firing, now)
            elif firing.state is FiringState.WAITING and firing.retry_at is not None:
                if now >= firing.retry_at:
                    await self._try_again(live, firing, now)
                else:
                    wakes.append(firing.retry_at)
        await self._begin_queued(live, now)
        return wakes

    # - planned times -

    async def _plan(self, live: _Live, now: datetime, since: datetime) -> None:
        """Decide about the planned times that have come."""
        schedule = live.schedule

        def taken_among(keys: Collection[str]) -> set[str]:
            return {firing.key for firing in self._store.find_firings(schedule.id, keys)}

        found = await self._work.read(
            planning.due,
            schedule,
            schedule.id,
            schedule.created_at,
            min(live.seen_until, since),
            now,
            taken_among,
        )
        firings = list[Firing]()
        for missed in found.missed:
            firings += _missed(schedule, missed)
        made_up: list[tuple[datetime, Cause]] = [(time, "catch-up") for time in found.made_up]
        on_time: list[tuple[datetime, Cause]] = [(time, "time") for time in found.on_time]
        for planned_at, cause in [*made_up, *on_time]:
            key = planning.key_of(planned_at)
            firings += await self._admit(live, firings, key, planned_at, cause)
        live.wake_at, live.is_planned = found.wake_at, True
        if firings or found.seen_until < live.seen_until:  # else nothing is lost by looking anew
            await self._record(live, firings, seen_until=found.seen_until.isoformat())

    async def _admit(
        self,
        live: _Live,
        before: Sequence[Firing],
        key: str,
        planned_at: datetime,
        cause: Cause,
        event: Mapping[str, Any] | None = None,
    ) -> list[Firing]:
        """Decide what one planned time comes to, with those decided about before it."""
        schedule = live.schedule
        new = len({firing.key for firing in before if firing.state is FiringState.QUEUED})
        free = max(0, schedule.at_once - live.active - live.queued)
        active, queued = live.active + min(new, free), live.queued + max(0, new - free)
        turn = planning.turn_of(schedule, active, queued, cause in ("catch-up", "back-fill"))
        if turn.act == "skip":
            return rules.new_firings(
                schedule,
                key,
                planned_at,
                cause,
                state=FiringState.SKIPPED,
                message=self._why_skipped(live, queued),
                event=event,
            )
        if turn.cancels:
            await self._cancel_oldest(live, turn.cancels)
        return rules.new_firings(schedule, key, planned_at, cause, event=event)

    def _why_skipped(self, live: _Live, queued: int) -> str:
        if queued >= planning.QUEUE_LIMIT:
            return f"{queued} others wait already."
        numbers = [str(firing.run_number) for firing in live.firings.values() if firing.run_number]
        going = f"run {', '.join(numbers[:5])}" if numbers else "the one before"
        return f"Not begun: {going} was still going."

    async def _cancel_oldest(self, live: _Live, number: int) -> None:
        running = live.keys(FiringState.RUNNING, FiringState.WAITING)
        oldest = [key for key in running if key not in live.ending][:number]
        for firing in list(live.firings.values()):
            if firing.key in oldest:
                live.ending.add(firing.key)
                await self._end(live, firing, "Ended for the next one to begin.")

    async def _end(self, live: _Live, firing: Firing, message: str) -> None:
        if firing.state is FiringState.WAITING or firing.run_id is None:
            now = self._clock()
            await self._change(
                live, firing, state=FiringState.CANCELED, message=message, finished_at=now
            )
            return
        await self._change(live, firing, message=message)
        with contextlib.suppress(NotFound):
            await self._work.cancel(firing.run_id)

    async def _begin_queued(self, live: _Live, now: datetime) -> None:
        for key in live.keys(FiringState.QUEUED):
            if live.active >= live.schedule.at_once:
                return
            await self._begin(live, key, now)

    async def _begin(self, live: _Live, key: str, now: datetime) -> None:
        """Begin all that is queued of one planned time."""
        for firing in [one for one in live.firings.values() if one.key == key]:
            if firing.state is FiringState.QUEUED:
                await self._fire(live, firing, now)

    async def _fire(self, live: _Live, firing: Firing, now: datetime) -> None:
        schedule = live.schedule
        try:
            moment = await self._work.read(self._moment, schedule, firing, now)
            parameters = await self._work.parameters_of(schedule.work)
            request = rules.submission_of(schedule, moment, parameters)
            begun = firing.model_copy(update={"state": FiringState.RUNNING, "fired_at": now})
            run = await self._work.begin(request, begun)
        except Unavailable:
            raise
        except PlatformError as error:
            await self._change(
                live,
                firing,
                state=FiringState.FAILED,
                message=error.message,
                fired_at=now,
                finished_at=now,
            )
            return
        begun = begun.model_copy(update={"run_id": run.id, "run_number": run.number})
        self._began[run.id] = self._monotonic()
        self._enter(live, begun)
        self._tell(begun)
        if run.state.is_final:
            await self._settle(live, begun, run.state, _reason(run), now)

    def _moment(self, schedule: Schedule, firing: Firing, now: datetime) -> Moment:
        success = self._store.last_success(schedule.id)
        fired = self._store.list_firings(schedule.id, limit=200)
        previous = (
            one.planned_at for _, one in fired if one.run_id is not None and one.key != firing.key
        )
        return Moment(
            schedule=schedule.name,
            zone=planning.zone_of_schedule(schedule),
            fire_time=firing.planned_at,
            now=now,
            index=self._store.count_firings(schedule.id) + 1,
            row=firing.row,
            previous_fire=next(previous, None),
            previous_success=success.planned_at if success else None,
            event=firing.event,
        )

    # - what runs -

    async def _time_out(self, live: _Live, firing: Firing, now: datetime) -> list[datetime]:
        """End a run that takes too long; how long is measured by a clock that nobody sets."""
        timeout_s, run = live.schedule.timeout_s or 0.0, firing.run_id
        if run is None or firing.timed_out:
            return []
        left_s = self._began.setdefault(run, self._monotonic()) + timeout_s - self._monotonic()
        if left_s > 0:
            return [after(now, left_s)]
        await self._change(
            live,
            firing,
            timed_out=True,
            message=f"Ended: it had run for its limit of {timeout_s:g} s.",
        )
        with contextlib.suppress(NotFound):
            await self._work.cancel(run)
        return []

    async def _try_again(self, live: _Live, firing: Firing, now: datetime) -> None:
        if firing.run_id is None:
            return
        try:
            await self._work.retry(firing.run_id)
        except Unavailable:
            raise
        except PlatformError as error:
            await self._change(
                live,
                firing,
                state=FiringState.FAILED,
                message=error.message,
                finished_at=now,
                retry_at=None,
            )
            return
        self._began[firing.run_id] = self._monotonic()
        await self._change(
            live,
            firing,
            state=FiringState.RUNNING,
            tries=firing.tries + 1,
            timed_out=False,
            message="",
        )

    async def _settle(
        self, live: _Live, firing: Firing, state: RunState, reason: str, now: datetime
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

    async def _retain(self, live: _Live, now: datetime) -> None:
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
        if over:
            gone = await self._work.drop(list(over))
            fields = {"run_id": None}
            forgotten = [over[run].model_copy(update=fields) for run in gone]
            await self._work.read(self._store.record_firings, schedule.id, forgotten)
        self._settled += 1
        if self._settled % _PRUNE_EVERY == 0:
            await self._work.read(self._store.prune_firings, schedule.id, _FIRINGS_KEPT)

    # - what happens -

    async def _take_in(self, event: Event, now: datetime) -> None:
        if event.kind == "run.updated" and (found := self._by_run.get(event.subject)):
            schedule_id, key = found
            live = self._live.get(schedule_id)
            firing = live.firings.get(key) if live else None
            state = RunState(str(event.data.get("state")))
            if live and firing and firing.state is FiringState.RUNNING and state.is_final:
                run = await self._work.read(self._store.get_run, event.subject)
                if run.state.is_final:
                    await self._settle(live, firing, run.state, _reason(run), now)
        for live in list(self._live.values()):
            await self._hear(live, event)

    async def _hear(self, live: _Live, event: Event) -> None:
        """Fire a schedule that waited for this."""
        if live.schedule.paused or live.schedule.trigger.kind in (*rules.IS_TIME, "file"):
            return
        if event.kind not in ("run.updated", "model.updated"):
            return
        found, state = await self._work.read(
            happenings_of, self._store, live.schedule, live.state, event
        )
        state["seen_event"] = event.seq
        if found:
            await self._happen(live, found, state)
        live.state.update(state)

    async def _look(self, live: _Live, now: datetime) -> None:
        """See whether a file has changed."""
        trigger = live.schedule.trigger
        if trigger.kind != "file":
            return
        live.watch = live.watch or FileWatch(trigger.path)
        happening, state = await self._work.read(live.watch.look, live.state)
        if happening is not None:
            await self._happen(live, [happening], state)
        elif state:
            await self._record(live, [], **state)
        live.wake_at = after(now, trigger.look_every_s)

    async def _happen(
        self, live: _Live, happenings: Sequence[Happening], state: Mapping[str, Any]
    ) -> None:
        now, firings = self._clock(), list[Firing]()
        keys = [happening.key for happening in happenings]
        known = await self._work.read(self._store.find_firings, live.schedule.id, keys)
        taken = {firing.key for firing in known}
        for happening in happenings:
            if happening.key not in taken:
                firings += await self._admit(
                    live, firings, happening.key, now, "event", happening.facts
                )
        await self._record(live, firings, **state)
        self._nudge.set()

    # - what people ask -

    async def statuses(self) -> list[ScheduleStatus]:
        lives = sorted(self._live.values(), key=lambda live: live.schedule.name)
        return [await self._work.read(self._status, live) for live in lives]

    async def status(self, name: str) -> ScheduleStatus:
        """Return a schedule as it stands, by name or id. Raises NotFound."""
        return await self._work.read(self._status, self._find(name))

    def _status(self, live: _Live) -> ScheduleStatus:
        schedule, now = live.schedule, self._clock()
        newest = self._store.list_firings(schedule.id, limit=1)
        times = () if schedule.paused else planning.next_times(schedule, schedule.created_at, now)
        return ScheduleStatus(
            schedule=schedule,
            reading=planning.read_trigger(schedule),
            next=times,
            last=newest[0][1] if newest else None,
            active=live.active,
        )

    async def firings(
        self, name: str, limit: int, before: int | None
    ) -> Sequence[tuple[int, Firing]]:
        schedule = self._find(name).schedule
        return await self._work.read(
            self._store.list_firings, schedule.id, limit=limit, before=before
        )

    async def preview(self, request: ScheduleRequest) -> ScheduleStatus:
        """Say what a schedule would do, and refuse it if it could not; nothing is created."""
        now = self._clock()
        reading, parameters = await self._check(request, now, is_new=True)
        return ScheduleStatus(
            schedule=rules.new_schedule(request, now, ""),
            reading=reading,
            next=planning.next_times(request, now, now),
            parameters=parameters,
        )

    async def create(self, request: ScheduleRequest, by: str) -> ScheduleStatus:
        now = self._clock()
        await self.turn()  # the next one looks back to this one, not to before the schedule
        await self._check(request, now, is_new=True)
        schedule = rules.new_schedule(request, now, by)
        state = await self._work.read(self._first_state, schedule, now)
        async with self._lock:
            await self._work.write(
                self._store.create_schedule, schedule, state, [_updated(schedule)]
            )
            self._live[schedule.id] = _Live(schedule, state)
        self._nudge.set()
        return await self.status(schedule.id)

    async def update(self, name: str, patch: SchedulePatch) -> ScheduleStatus:
        live, now = self._find(name), self._clock()
        schedule = rules.patched(live.schedule, patch, now)
        before = live.schedule
        is_moved = (schedule.trigger, schedule.start) != (before.trigger, before.start)
        await self._check(schedule, now, is_new=is_moved or schedule.end != before.end)
        async with self._lock:
            await self._save(live, schedule)
            if is_moved:  # what the old trigger had planned is not owed any longer
                state = await self._work.read(self._first_state, schedule, now)
                live.watch = None
                await self._record(live, [], **state)
        return await self.status(schedule.id)

    async def pause(self, name: str, *, paused: bool) -> ScheduleStatus:
        live, now = self._find(name), self._clock()
        if live.schedule.paused != paused:
            async with self._lock:
                changed = {"paused": paused, "updated_at": now}
                await self._save(live, live.schedule.model_copy(update=changed))
        return await self.status(name)

    async def delete(self, name: str) -> None:
        """Forget a schedule; what it has begun goes on."""
        live = self._find(name)
        schedule = live.schedule
        async with self._lock:
            gone = NewEvent("schedule.deleted", schedule.name, {"id": schedule.id})
            await self._work.write(self._store.delete_schedule, schedule.id, [gone])
            self._live.pop(schedule.id, None)
            for run in [run for run, (owner, _) in self._by_run.items() if owner == schedule.id]:
                self._forget_run(run)

    async def run_now(self, name: str, key: str) -> list[Firing]:
        """Fire at once, whatever is planned or runs; a key that was used before fires nothing."""
        live = self._find(name)
        async with self._lock:
            now, key = self._clock(), f"now-{key}"
            if not await self._work.read(self._store.find_firings, live.schedule.id, [key]):
                await self._record(live, rules.new_firings(live.schedule, key, now, "now"))
                await self._begin(live, key, now)
            found = await self._work.read(self._store.find_firings, live.schedule.id, [key])
        return list(found)

    async def backfill(self, name: str, request: BackfillRequest) -> list[Firing]:
        """Fire the planned times of a stretch of the past that nothing came of, one by one.

        Raises:
            InvalidInput: It lies not in the past, holds too many, or the schedule has no times.
        """
        live = self._find(name)
        async with self._lock:
            now, schedule = self._clock(), live.schedule
            if schedule.trigger.kind not in rules.IS_TIME:
                raise InvalidInput(
                    f"Cannot back-fill schedule {name!r}: it waits for no time. Run it now instead."
                )
            if request.end < request.start or request.end > now:
                raise InvalidInput(
                    f"Cannot back-fill schedule {name!r} from {request.start.isoformat()} to "
                    f"{request.end.isoformat()}: needed a stretch of the past, and it is "
                    f"{now.isoformat(timespec='seconds')}."
                )
            planned = await self._work.read(self._left_between, schedule, request)
            if len(planned) > request.limit:
                raise InvalidInput(
                    f"Cannot back-fill schedule {name!r}: more than {request.limit} times are "
                    "planned there. Take a shorter stretch, or raise the limit."
                )
            firings = [
                firing
                for time in planned
                for firing in rules.new_firings(schedule, planning.key_of(time), time, "back-fill")
            ]
            if not request.dry_run:
                await self._record(live, firings)
        self._nudge.set()
        return firings

    def _left_between(self, schedule: Schedule, request: BackfillRequest) -> list[datetime]:
        times = planning.planned_within(schedule, schedule.created_at, request.start, request.end)
        found = list(islice(times, planning.COUNT_LIMIT))
        keys = {planning.key_of(time) for time in found}
        known = self._store.find_firings(schedule.id, keys)
        taken = {firing.key for firing in known if firing.state is not FiringState.SKIPPED}
        return [time for time in found if planning.key_of(time) not in taken]

    async def _check(
        self, request: ScheduleRequest, now: datetime, *, is_new: bool
    ) -> tuple[str, tuple[Parameter, ...]]:
        """Refuse a schedule that could not be fired."""
        reading = rules.check(request, now, is_new=is_new)
        for webhook in request.notify:
            await self._notifier.check(webhook)
        parameters = tuple(await self._work.parameters_of(request.work))
        times = planning.next_times(request, now, now, 1)
        fire_time = times[0] if times else now
        for row in range(rules.rows_of(request)):
            moment = Moment(
                schedule=request.name,
                zone=planning.zone_of_schedule(request),
                fire_time=fire_time,
                now=now,
                row=row,
                previous_fire=now,
                previous_success=now,
                event=_ANYTHING,
            )
            await self._work.check(rules.submission_of(request, moment, parameters))
        return reading, parameters

    def _first_state(self, schedule: Schedule, now: datetime) -> dict[str, Any]:
        """Say from where on a new schedule looks: what is there already is nothing new."""
        state: dict[str, Any] = {
            "seen_until": now.astimezone(UTC).isoformat(),
            "seen_event": self._store.last_event(),
        }
        trigger = schedule.trigger
        if trigger.kind == "file":
            state.update(FileWatch(trigger.path).first_state())
        elif trigger.kind == "model":
            with contextlib.suppress(NotFound):
                model = self._store.get_model(trigger.model)
                found = model.aliases.get(trigger.alias) if trigger.alias else model.latest_version
                state["version"] = found or 0
        return state

    # - inside -

    def _find(self, name: str) -> _Live:
        live = self._live.get(name) or next(
            (live for live in self._live.values() if live.schedule.name == name), None
        )
        if live is None:
            raise NotFound(
                f"Cannot find schedule {name!r}: none has this name. List the schedules to see "
                "which there are.",
                schedule=name,
            )
        return live

    async def _save(self, live: _Live, schedule: Schedule) -> None:
        await self._work.write(self._store.save_schedule, schedule, [_updated(schedule)])
        live.schedule, live.is_planned, live.wake_at = schedule, False, None
        self._nudge.set()

    async def _record(self, live: _Live, firings: Sequence[Firing], **state: Any) -> None:
        """Write firings and what the schedule goes on with, as one commit."""
        told = [self._due_notices(live, firing) for firing in firings]
        merged = {**live.state, **state}
        events = [_fired(firing) for firing in told]
        await self._work.write(self._store.record_firings, live.schedule.id, told, merged, events)
        live.state = merged
        for firing in told:
            if firing.state.is_final:
                self._send(live, firing)
            else:
                self._enter(live, firing)

    async def _change(self, live: _Live, firing: Firing, **fields: Any) -> None:
        changed = self._due_notices(live, firing.model_copy(update=fields))
        await self._work.write(
            self._store.record_firings, live.schedule.id, [changed], None, [_fired(changed)]
        )
        self._enter(live, changed)
        if changed.state.is_final:
            self._leave(live, changed)
            self._send(live, changed)

    def _enter(self, live: _Live, firing: Firing) -> None:
        live.firings[firing.key, firing.row] = firing
        if firing.run_id is not None:
            self._by_run[firing.run_id] = live.schedule.id, (firing.key, firing.row)

    def _leave(self, live: _Live, firing: Firing) -> None:
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
        record, events = self._store.record_firings, [_fired(firing)]
        self._spawn(self._work.write, record, firing.schedule_id, [], None, events)

    def _due_notices(self, live: _Live, firing: Firing) -> Firing:
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

    def _send(self, live: _Live, firing: Firing) -> None:
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
            self._store.record_firings, schedule.id, [changed], None, [_fired(changed)]
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


class _Anything(dict[str, Any]):
    """Stands for what will have happened, where a template is tried before."""

    def get(self, key: str, default: Any = None) -> Any:
        return "1"


_ANYTHING = _Anything()


def _reason(run: Run) -> str:
    return run.failure.message if run.failure is not None else ""


def _missed(schedule: Schedule, missed: planning.Missed) -> list[Firing]:
    """Write down times that are not made up: one line, however many they are."""
    count = f"{missed.count}" if missed.is_exact else f"more than {missed.count}"
    times = "1 planned time" if missed.count == 1 else f"{count} planned times"
    span = f"{missed.first.isoformat()} to {missed.last.isoformat()}"
    (firing,) = rules.new_firings(
        schedule,
        f"missed {planning.key_of(missed.first)} {planning.key_of(missed.last)}",
        missed.last,
        "time",
        state=FiringState.MISSED,
        message=f"{times} went by while nobody was there: {span}.",
    )
    return [firing.model_copy(update={"count": missed.count})]


def _updated(schedule: Schedule) -> NewEvent:
    return NewEvent("schedule.updated", schedule.name, schedule.model_dump(mode="json"))


def _fired(firing: Firing) -> NewEvent:
    return NewEvent("schedule.fired", firing.schedule, firing.model_dump(mode="json"))
