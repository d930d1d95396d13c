"""Planned times of a schedule, and what is to be done about those that have come. Pure."""

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.schedule import CronTrigger, IntervalTrigger, ScheduleRequest
from jupyter_mlplat.services.scheduling.cron import parse
from jupyter_mlplat.services.scheduling.wording import in_words

ON_TIME_S = 30.0
"""A planned time that is begun no later than this is no missed one: an engine may be restarted."""
QUEUE_LIMIT = 100
COUNT_LIMIT = 10_000
"""As far as times that were missed are counted."""


def zone_of(name: str) -> tzinfo:
    """Return a time zone.

    Raises:
        InvalidInput: There is none of this name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = sorted(
            zone for zone in available_timezones() if name and name.lower() in zone.lower()
        )[:3]
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Such as Europe/Berlin."
        raise InvalidInput(f"There is no time zone {name!r}. {hint}", time_zone=name) from error


def zone_of_schedule(schedule: ScheduleRequest) -> tzinfo:
    """Return the zone of a schedule's times."""
    trigger = schedule.trigger
    return zone_of(trigger.time_zone) if isinstance(trigger, CronTrigger) else UTC


def planned_after(
    schedule: ScheduleRequest, created_at: datetime, moment: datetime
) -> Iterator[datetime]:
    """Yield the planned times later than a moment, in UTC; none where it does not wait for time."""
    trigger = schedule.trigger
    if schedule.start is not None:  # the start itself may be a planned time
        moment = max(moment, schedule.start - timedelta(microseconds=1))
    if isinstance(trigger, CronTrigger):
        times = parse(trigger.expression, trigger.reading).all_after(
            moment, zone_of(trigger.time_zone)
        )
    elif isinstance(trigger, IntervalTrigger):
        times = _steps(trigger.every_s, schedule.start or created_at, moment)
    else:
        return
    for time in times:
        if schedule.end is not None and time > schedule.end:
            return
        yield time


def _steps(every_s: float, anchor: datetime, moment: datetime) -> Iterator[datetime]:
    step = timedelta(seconds=every_s)
    number = max(0 if moment < anchor else 1, (moment - anchor) // step + 1)
    while True:
        yield (anchor + number * step).astimezone(UTC)
        number += 1


def key_of(planned_at: datetime) -> str:
    """Name a planned time: equal moments have equal keys."""
    return planned_at.astimezone(UTC).isoformat()


def delayed(planned_at: datetime, jitter_s: float, schedule_id: str) -> datetime:
    """Return when a planned time is begun: the same delay however often it is asked."""
    if not jitter_s:
        return planned_at
    chance = hashlib.sha256(f"{schedule_id} {key_of(planned_at)}".encode()).digest()
    share = int.from_bytes(chance[:8], "big") / 2**64
    return planned_at + timedelta(seconds=share * jitter_s)


@dataclass(frozen=True, slots=True)
class Missed:
    """Planned times that are not made up."""

    first: datetime
    last: datetime
    count: int
    is_exact: bool  # else there are more


@dataclass(frozen=True, slots=True)
class Due:
    """What has come since a schedule was looked at last."""

    on_time: tuple[datetime, ...]
    made_up: tuple[datetime, ...]
    missed: tuple[Missed, ...]
    seen_until: datetime  # look from here on the next time
    wake_at: datetime | None  # when the next one is begun; None: there is none


def due(
    schedule: ScheduleRequest,
    schedule_id: str,
    created_at: datetime,
    since: datetime,
    now: datetime,
    taken_among: Callable[[Collection[str]], Container[str]],
) -> Due:
    """Say which planned times have come, later than `since` and by now.

    A clock that was set back makes `since` lie in the future: then planned times come again, and
    those that are taken are passed over.

    Args:
        schedule: What is planned.
        schedule_id: Its id, which its jitter follows.
        created_at: Where an interval begins that has no start.
        since: All that was planned up to then has been dealt with.
        now: The present.
        taken_among: Says of which of these keys something became.
    """
    since = min(since, now)

    def begins(time: datetime) -> datetime:
        return delayed(time, schedule.jitter_s, schedule_id)

    newest, seen_until = list[datetime](), now
    for time in _newest(schedule, created_at, since, now):
        if begins(time) > now:
            seen_until = time - timedelta(microseconds=1)
            break
        newest.append(time)
    coming = next(planned_after(schedule, created_at, seen_until), None)
    taken = taken_among({key_of(time) for time in newest}) if newest else ()
    open_times = [time for time in newest if key_of(time) not in taken]
    on_time = [time for time in open_times if (now - begins(time)).total_seconds() <= ON_TIME_S]
    late = open_times[: len(open_times) - len(on_time)]
    made_up = list[datetime]()
    if schedule.catch_up == "last" and not on_time:
        made_up = late[-1:]
    elif schedule.catch_up == "all":
        made_up = late[-schedule.catch_up_limit :]
    left = late[: len(late) - len(made_up)]
    return Due(
        on_time=tuple(on_time),
        made_up=tuple(made_up),
        missed=_missed(schedule, created_at, since, left),
        seen_until=seen_until,
        wake_at=None if coming is None else begins(coming),
    )


def _newest(
    schedule: ScheduleRequest, created_at: datetime, since: datetime, now: datetime
) -> list[datetime]:
    """Return the newest planned times of a stretch, without walking through years of seconds."""
    window = timedelta(hours=1)
    while True:
        start = max(since, now - window)
        found: deque[datetime] = deque(maxlen=COUNT_LIMIT)
        for time in planned_after(schedule, created_at, start):
            if time > now:
                break
            found.append(time)
        if start == since or len(found) >= COUNT_LIMIT // 4:
            return list(found)
        window *= 4


def _missed(
    schedule: ScheduleRequest, created_at: datetime, since: datetime, left: list[datetime]
) -> tuple[Missed, ...]:
    if not left:
        return ()
    first = next(planned_after(schedule, created_at, since), left[0])
    return (Missed(min(first, left[0]), left[-1], len(left), first >= left[0]),)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one planned time comes to, as its schedule's overlap policy has it."""

    act: str  # begin, queue, skip
    cancels: int = 0  # how many of the oldest that run are ended first


def turn_of(schedule: ScheduleRequest, active: int, queued: int, is_made_up: bool) -> Turn:
    """Decide about one planned time; those that are made up run one after another."""
    if active < schedule.at_once and not queued:
        return Turn("begin")
    if schedule.overlap == "queue" or is_made_up:
        return Turn("queue" if queued < QUEUE_LIMIT else "skip")
    if schedule.overlap == "cancel":
        return Turn("begin", cancels=active - schedule.at_once + 1)
    return Turn("skip")


def next_times(
    schedule: ScheduleRequest, created_at: datetime, now: datetime, number: int = 5
) -> tuple[datetime, ...]:
    """Return the next planned times."""
    return tuple(islice(planned_after(schedule, created_at, now), number))


def planned_within(
    schedule: ScheduleRequest,
    created_at: datetime,
    start: datetime,
    end: datetime,
    taken: Container[str] = (),
) -> Iterator[datetime]:
    """Yield the planned times of a stretch, both ends with it, that nothing became of."""
    whole = schedule.model_copy(update={"start": None, "end": None})
    anchor = schedule.start or created_at
    for time in planned_after(whole, anchor, start - timedelta(microseconds=1)):
        if time > end:
            return
        if key_of(time) not in taken:
            yield time


def _length(seconds: float) -> str:
    """Write a length of time in its largest whole unit: `15 min`, `1 h`, `90 s`."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            number = int(seconds // size)
            return "day" if (number, unit) == (1, "days") else f"{number} {unit}"
    return f"{seconds:g} s"


def read_trigger(schedule: ScheduleRequest) -> str:
    """Say how a trigger is read, for people.

    Raises:
        InvalidInput: It cannot be.
    """
    trigger = schedule.trigger
    match trigger.kind:
        case "cron":
            cron = parse(trigger.expression, trigger.reading)
            zone_of(trigger.time_zone)
            words = in_words(cron)
            if words is None:
                return f"Read with {cron.describe()}; in {trigger.time_zone}."
            told = f"{words[0].upper()}{words[1:]}, {trigger.time_zone}."
            # Where the number of fields decides about the order, say which was taken.
            return told if cron.reading == "standard" else f"{told} Read with the second first."
        case "interval":
            return f"Every {_length(trigger.every_s)}."
        case "artifact":
            return f"When a run has made {trigger.artifact!r} with new content."
        case "model":
            if trigger.alias:
                return f"When {trigger.model}@{trigger.alias} points at another version."
            return f"When model {trigger.model!r} has a new version."
        case "file":
            return f"When the content of {trigger.path!r} has changed."
        case "pipeline":
            return f"When a run of {trigger.pipeline!r} has succeeded."
