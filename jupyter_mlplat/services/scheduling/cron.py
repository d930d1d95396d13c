"""Cron: five fields as in Debian's cron, six with the second first as in robfig/cron 1.2.0.

When the clocks change, planned times are times on the wall:

- one that does not exist (the hour that is skipped) fires once, when the clock has moved forward;
- one that comes twice (the hour that is repeated) fires once, the first time;
- an expression for every hour (`*`) goes with the time that passes: the hour that is skipped never
  was, and in the one that is repeated it fires again.
"""

import calendar
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import product
from typing import Literal

from jupyter_mlplat.errors import InvalidInput

Reading = Literal["standard", "seconds", "kfp"]
"""`standard`: five fields; `seconds`: six, the second first; `kfp`: as Kubeflow reads it, the
second first, and of five fields the weekday is the one left out."""

_LAST_DAY = date(9998, 12, 30)
_FAR_DAYS = 366 * 41  # 29 February on a given weekday comes at least every 40 years
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """Read a number or a name.

        Raises:
            ValueError: It is none, or out of bounds; the message says so.
        """
        if text.lower() in self.words:
            return self.low + self.words.index(text.lower())
        if not (text.isascii() and text.isdecimal() and len(text) <= 4):
            raise ValueError(f"{text!r} is no {self.name}")
        if not self.low <= int(text) <= self.high:
            raise ValueError(f"{self.name} {text} is not within {self.low}-{self.high}")
        return int(text)

    def values(self, text: str) -> set[int]:
        """Read `*`, `a`, `a-b`, each with `/step`; `a/step` runs up to the highest."""
        span, slash, step_text = text.partition("/")
        low, dash, high = span.partition("-")
        if span in ("*", "?"):
            first, last = self.low, self.high if self.words != _WEEKDAYS else 6
        else:
            first = self.number(low)
            last = self.number(high) if dash else self.high if slash else first
        if not slash:
            step = 1
        elif step_text.isascii() and step_text.isdecimal() and 0 < int(step_text) < 10_000:
            step = int(step_text)
        else:
            raise ValueError(f"{step_text!r} is no step in {text!r}")
        if first > last:
            raise ValueError(f"{self.name} {span!r} runs backwards: write it as two ranges")
        return set(range(first, last + 1, step))


_SECOND, _MINUTE = _Field("second", 0, 59), _Field("minute", 0, 59)
_HOUR, _DAY = _Field("hour", 0, 23), _Field("day", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("weekday", 0, 7, _WEEKDAYS)
_KUBEFLOW_WEEKDAY = _Field("weekday", 0, 6, _WEEKDAYS)
_NAMES = ("second", "minute", "hour", "day", "month", "weekday")

DayTest = Callable[[date, int], bool]  # (day, length of its month)


@dataclass(frozen=True, slots=True, eq=False)
class Cron:
    """An expression, read. `parse` makes it."""

    expression: str
    reading: Reading
    fields: tuple[str, ...]  # six texts, the second first
    times: tuple[int, ...]  # seconds since midnight, rising
    months: frozenset[int]
    day_tests: tuple[DayTest, ...]
    weekday_tests: tuple[DayTest, ...]
    needs_both: bool  # day and weekday; else one of the two is enough
    is_hourly: bool

    def describe(self) -> str:
        """Say how it was read, for people."""
        first = 1 if self.reading == "standard" else 0
        order = "five fields, the minute first" if first else "the second first"
        told = zip(_NAMES[first:], self.fields[first:], strict=True)
        return f"{order}: {', '.join(f'{name} {text}' for name, text in told)}"

    def after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """Return the first planned time later than a moment, in UTC; None: there is none."""
        return next(self.all_after(moment, zone), None)

    def all_after(self, moment: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Yield every planned time later than a moment, in UTC, each once, in their order."""
        last = moment.astimezone(UTC)
        day = last.astimezone(zone).date() - timedelta(days=2)
        empty_days = 0
        while empty_days < _FAR_DAYS and day < _LAST_DAY:
            day += timedelta(days=1)
            empty_days += 1
            if self._has_day(day):
                for found in self._moments(day, zone, last):
                    empty_days, last = 0, found
                    yield found

    def _has_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        by_day = any(test(day, length) for test in self.day_tests)
        by_weekday = any(test(day, length) for test in self.weekday_tests)
        return (by_day and by_weekday) if self.needs_both else (by_day or by_weekday)

    def _moments(self, day: date, zone: tzinfo, last: datetime) -> Iterable[datetime]:
        """Return the planned times of a day that are later than the last one."""
        midnight = datetime.combine(day, time(), zone)
        ends = (midnight, midnight + timedelta(days=1))
        offsets = {end.replace(fold=fold).utcoffset() for end in ends for fold in (0, 1)}
        if len(offsets) > 1:
            moments = _moments_of_odd_day(self, day, zone)
            return moments[bisect_right(moments, last) :]
        start = midnight.astimezone(UTC)
        passed = (last - start) // timedelta(seconds=1)
        later = self.times[bisect_right(self.times, passed) :]
        return (start + timedelta(seconds=seconds) for seconds in later)


@lru_cache(maxsize=16)
def _moments_of_odd_day(cron: Cron, day: date, zone: tzinfo) -> tuple[datetime, ...]:
    """Return the planned times of a day on which the clocks change."""
    found: set[datetime] = set()
    for seconds in cron.times:
        wall = datetime.combine(day, time(), zone) + timedelta(seconds=seconds)
        moments = [wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
        naive = wall.replace(tzinfo=None)
        real = [one for one in moments if one.astimezone(zone).replace(tzinfo=None) == naive]
        if real:
            found.update(real if cron.is_hourly else real[:1])
        elif not cron.is_hourly:
            found.add(_end_of_gap(moments[1], moments[0], zone))
    return tuple(sorted(found))


def _end_of_gap(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the moment, to the second, at which the clock moves forward between two."""
    late_offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == late_offset:
            after = middle
        else:
            before = middle
    return after


@lru_cache(maxsize=512)
def parse(expression: str, reading: Reading | None = None) -> Cron:
    """Read an expression; without a reading, the number of its fields says which it is.

    Raises:
        InvalidInput: It is none, or names no day that there is; the message says which reading was
            taken, and the other where that would do.
    """
    text = _SHORT.get(expression.strip().lower(), expression.strip())
    parts = text.split()
    if text is not expression.strip():
        reading = "standard"
    taken: Reading = reading or ("seconds" if len(parts) == 6 else "standard")
    _refuse_count(expression, len(parts), taken)
    try:
        cron = _parse(expression.strip(), parts, taken)
    except ValueError as error:
        told = "with the minute first" if taken == "standard" else "with the second first"
        raise InvalidInput(
            f"Cannot use the cron expression {expression!r}, read {told}: {error}."
            f"{_hint(parts, taken)}",
            expression=expression,
            reading=taken,
        ) from error
    if cron.after(datetime(2000, 1, 1, tzinfo=UTC), UTC) is None:
        raise InvalidInput(
            f"Cannot use the cron expression {expression!r}: no day is ever day {cron.fields[3]} "
            f"of month {cron.fields[4]}. It was read with {cron.describe()}."
        )
    return cron


def _refuse_count(expression: str, found: int, reading: Reading) -> None:
    if found in {"standard": (5,), "seconds": (6,), "kfp": (5, 6)}[reading]:
        return
    five, six = "minute hour day month weekday", "second minute hour day month weekday"
    needed = f"six fields ({six})"
    if reading == "standard":
        needed = f"five fields ({five}), or six with the second first ({six})"
    raise InvalidInput(
        f"Cannot use the cron expression {expression!r}: it has {found} fields, and {needed} are "
        "needed.",
        expression=expression,
    )


def _hint(parts: list[str], taken: Reading) -> str:
    """Name the way out, where five fields were meant with the second first, or the reverse."""
    if taken == "standard" and len(parts) == 5:
        try:
            _parse("", [*parts, "*"], "seconds")
        except ValueError:
            return ""
        return (
            " With the second first, as in Kubeflow, all six fields are needed: "
            f"{' '.join([*parts, '*'])!r}."
        )
    return ""


def _parse(expression: str, parts: list[str], reading: Reading) -> Cron:
    if reading == "standard":
        parts = ["0", *parts]
    elif len(parts) == 5:
        parts = [*parts, "*"]
    seconds, minutes, hours = (
        sorted(set().union(*(field.values(term) for term in text.split(","))))
        for field, text in zip((_SECOND, _MINUTE, _HOUR), parts[:3], strict=True)
    )
    is_strict = reading == "kfp"  # it knows no L, W and #, and no weekday 7
    day_tests = tuple(_day_test(term, is_strict) for term in parts[3].split(","))
    months = frozenset[int]().union(*(_MONTH.values(term) for term in parts[4].split(",")))
    weekday_tests = tuple(_weekday_test(term, is_strict) for term in parts[5].split(","))
    return Cron(
        expression=expression,
        reading=reading,
        fields=tuple(parts),
        times=tuple(3600 * h + 60 * m + s for h, m, s in product(hours, minutes, seconds)),
        months=months,
        day_tests=day_tests,
        weekday_tests=weekday_tests,
        # In both dialects a star, with a step or not, leaves the choice to the other field.
        needs_both=any(text.startswith(("*", "?")) for text in (parts[3], parts[5])),
        is_hourly=len(hours) == 24,
    )


def _day_test(term: str, is_strict: bool) -> DayTest:
    """Read a day of the month: numbers, `L` the last, `L-n` n days before, `LW` its last workday.

    Raises:
        ValueError: It is none of these.
    """
    if term.upper() == "L" and not is_strict:
        return lambda day, length: day.day == length
    if term.upper() == "LW" and not is_strict:
        return _is_last_workday
    if term.upper().startswith("L-") and not is_strict:
        before = _Field("day before the last", 0, 30).number(term[2:])
        return lambda day, length: day.day == length - before
    days = frozenset(_DAY.values(term))
    return lambda day, length: day.day in days


def _is_last_workday(day: date, length: int) -> bool:
    if day.weekday() > 4:
        return False
    return day.day == length or (day.weekday() == 4 and length - day.day <= 2)


def _weekday_test(term: str, is_strict: bool) -> DayTest:
    """Read a weekday: numbers and names, `5L` the last Friday of a month, `5#2` the second.

    Raises:
        ValueError: It is none of these.
    """
    if "#" in term and not is_strict:
        name, _, text = term.partition("#")
        weekday = _WEEKDAY.number(name) % 7
        nth = _Field("week", 1, 5).number(text)
        return lambda day, length: day.isoweekday() % 7 == weekday and (day.day + 6) // 7 == nth
    if len(term) > 1 and term[-1] in "lL" and not is_strict:
        weekday = _WEEKDAY.number(term[:-1]) % 7
        return lambda day, length: day.isoweekday() % 7 == weekday and day.day + 7 > length
    field = _KUBEFLOW_WEEKDAY if is_strict else _WEEKDAY
    weekdays = frozenset(number % 7 for number in field.values(term))
    return lambda day, length: day.isoweekday() % 7 in weekdays
