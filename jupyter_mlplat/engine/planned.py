"""What schedules come to: planned times and happenings, begun, put off, ended, tried again."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from jupyter_mlplat.engine.firings import Firings, Live, reason_of
from jupyter_mlplat.engine.watching import FileWatch, Happening, happenings_of
from jupyter_mlplat.errors import NotFound, PlatformError, Unavailable
from jupyter_mlplat.kit.clock import after
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.resources.schedule import (
    Cause,
    Firing,
    FiringState,
    Schedule,
)
from jupyter_mlplat.services.scheduling import planning, rules
from jupyter_mlplat.services.scheduling.templates import Moment


class Planned(Firings):
    """Decides and begins. Belongs to the event loop."""

    async def _tend(self, live: Live, now: datetime, looked_at: datetime | None) -> list[datetime]:
        wakes = list[datetime]()
        schedule = live.schedule
        if live.is_moved:
            live.is_moved, looked_at = False, None
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

    async def _plan(self, live: Live, now: datetime, since: datetime) -> None:
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
        live: Live,
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

    def _why_skipped(self, live: Live, queued: int) -> str:
        if queued >= planning.QUEUE_LIMIT:
            return f"{queued} others wait already."
        numbers = [str(firing.run_number) for firing in live.firings.values() if firing.run_number]
        going = f"run {', '.join(numbers[:5])}" if numbers else "the one before"
        return f"Not begun: {going} was still going."

    async def _cancel_oldest(self, live: Live, number: int) -> None:
        running = live.keys(FiringState.RUNNING, FiringState.WAITING)
        oldest = [key for key in running if key not in live.ending][:number]
        for firing in list(live.firings.values()):
            if firing.key in oldest:
                live.ending.add(firing.key)
                await self._end(live, firing, "Ended for the next one to begin.")

    async def _end(self, live: Live, firing: Firing, message: str) -> None:
        if firing.state is FiringState.WAITING or firing.run_id is None:
            now = self._clock()
            await self._change(
                live, firing, state=FiringState.CANCELED, message=message, finished_at=now
            )
            return
        await self._change(live, firing, message=message)
        with contextlib.suppress(NotFound):
            await self._work.cancel(firing.run_id)

    async def _begin_queued(self, live: Live, now: datetime) -> None:
        for key in live.keys(FiringState.QUEUED):
            if live.active >= live.schedule.at_once:
                return
            await self._begin(live, key, now)

    async def _begin(self, live: Live, key: str, now: datetime) -> None:
        """Begin all that is queued of one planned time."""
        for firing in [one for one in live.firings.values() if one.key == key]:
            if firing.state is FiringState.QUEUED:
                await self._fire(live, firing, now)

    async def _fire(self, live: Live, firing: Firing, now: datetime) -> None:
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
            await self._settle(live, begun, run.state, reason_of(run), now)

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

    async def _time_out(self, live: Live, firing: Firing, now: datetime) -> list[datetime]:
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

    async def _try_again(self, live: Live, firing: Firing, now: datetime) -> None:
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

    async def _take_in(self, event: Event, now: datetime) -> None:
        if event.kind == "run.updated" and (found := self._by_run.get(event.subject)):
            schedule_id, key = found
            live = self._live.get(schedule_id)
            firing = live.firings.get(key) if live else None
            state = RunState(str(event.data.get("state")))
            if live and firing and firing.state is FiringState.RUNNING and state.is_final:
                run = await self._work.read(self._store.get_run, event.subject)
                if run.state.is_final:
                    await self._settle(live, firing, run.state, reason_of(run), now)
        for live in list(self._live.values()):
            await self._hear(live, event)

    async def _hear(self, live: Live, event: Event) -> None:
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

    async def _look(self, live: Live, now: datetime) -> None:
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
        self, live: Live, happenings: Sequence[Happening], state: Mapping[str, Any]
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
