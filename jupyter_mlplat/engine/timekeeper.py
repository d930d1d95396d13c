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
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from jupyter_mlplat.engine.firings import Live, reason_of
from jupyter_mlplat.engine.planned import Planned
from jupyter_mlplat.engine.watching import FileWatch
from jupyter_mlplat.errors import InvalidInput, NotFound, Unavailable
from jupyter_mlplat.kit.clock import after, seconds_between
from jupyter_mlplat.ports.metadata import NewEvent
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.pipeline import Parameter
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.resources.schedule import (
    BackfillRequest,
    Firing,
    FiringState,
    Schedule,
    SchedulePatch,
    ScheduleRequest,
    ScheduleStatus,
)
from jupyter_mlplat.services.scheduling import planning, rules
from jupyter_mlplat.services.scheduling.templates import Moment

_log = logging.getLogger(__name__)

_LOOK_S = 2.0
"""As long as a clock that was set may go unnoticed."""
_TROUBLE_S = 5.0
_FINAL = frozenset(state.value for state in RunState if state.is_final)


class Timekeeper(Planned):
    """Belongs to the event loop. `turn` does all that is due; `start` calls it when it is.

    Args:
        store: Where schedules and firings are kept.
        work: Begins, ends and repeats runs.
        notifier: Sends webhooks.
        clock: Says what time it is.
        monotonic: Measures how long something takes, whoever sets the clock.
    """

    async def open(self) -> None:
        """Take up what an earlier engine left."""
        async with self._lock:
            for schedule, state in await self._work.read(self._store.list_schedules):
                self._live[schedule.id] = Live(schedule, dict(state))
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
            await self._settle(live, firing, run.state, reason_of(run), now)

    async def _replay(self, live: Live) -> None:
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
        news = [event for event in events if _is_news(event)]
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

    async def statuses(self) -> list[ScheduleStatus]:
        lives = sorted(self._live.values(), key=lambda live: live.schedule.name)
        return [await self._work.read(self._status, live) for live in lives]

    async def status(self, name: str) -> ScheduleStatus:
        """Return a schedule as it stands, by name or id. Raises NotFound."""
        return await self._work.read(self._status, self._find(name))

    def _status(self, live: Live) -> ScheduleStatus:
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
                self._store.create_schedule, schedule, state, [updated_event(schedule)]
            )
            self._live[schedule.id] = Live(schedule, state)
        self._nudge.set()
        return await self.status(schedule.id)

    async def update(self, name: str, patch: SchedulePatch) -> ScheduleStatus:
        live, now = self._find(name), self._clock()
        before = live.schedule
        schedule = rules.patched(before, patch, now)
        had_ended = before.end is not None and before.end <= now and schedule.end != before.end
        is_moved = had_ended or (schedule.trigger, schedule.start) != (before.trigger, before.start)
        await self._check(schedule, now, is_new=is_moved or schedule.end != before.end)
        async with self._lock:
            if is_moved:
                # Nothing from before the change is owed. Written first: an engine that died in
                # between would fire old times of the new trigger.
                state = await self._work.read(self._first_state, schedule, now)
                live.watch, live.is_moved = None, True
                await self._record(live, [], **state)
            await self._save(live, schedule)
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

    def _find(self, name: str) -> Live:
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

    async def _save(self, live: Live, schedule: Schedule) -> None:
        await self._work.write(self._store.save_schedule, schedule, [updated_event(schedule)])
        live.schedule, live.is_planned, live.wake_at = schedule, False, None
        self._nudge.set()


def _is_news(event: Event) -> bool:
    """Tell whether a schedule may have waited for this: the end of a run, a change of a model."""
    if event.kind == "run.updated":
        return event.data.get("state") in _FINAL
    return event.kind == "model.updated"


class _Anything(dict[str, Any]):
    """Stands for what will have happened, where a template is tried before."""

    def get(self, key: str, default: Any = None) -> Any:
        return "1"


_ANYTHING = _Anything()


def updated_event(schedule: Schedule) -> NewEvent:
    return NewEvent("schedule.updated", schedule.name, schedule.model_dump(mode="json"))
