"""Common cron expressions in the words one would use: `every hour at :15`. Pure."""

from collections.abc import Sequence
from datetime import date

from jupyter_mlplat.services.scheduling.cron import Cron

_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_MONDAY = date(2023, 5, 1)
_MOST_TIMES = 4  # of a day; more are no easier to read than the expression


def in_words(cron: Cron) -> str | None:
    """Say when an expression fires; None for those that are no simpler in words."""
    seconds = sorted({time % 60 for time in cron.times})
    minutes = sorted({time // 60 % 60 for time in cron.times})
    hours = sorted({time // 3600 for time in cron.times})
    days, is_every_day = _days(cron)
    if days is None:
        return None
    if (often := _often(seconds, minutes, hours)) is not None:
        return often if is_every_day else f"{often}, {days}"
    if seconds != [0] or len(minutes) != 1:
        return None
    (minute,) = minutes
    clock = [f"{hour:02}:{minute:02}" for hour in hours]
    if len(clock) <= _MOST_TIMES:
        return f"{days} at {_and(clock)}"
    if hours == list(range(hours[0], hours[-1] + 1)):
        return f"{days} every hour from {clock[0]} to {clock[-1]}"
    return None


def _often(seconds: Sequence[int], minutes: Sequence[int], hours: Sequence[int]) -> str | None:
    """Say how often something comes all day long; None where it does not."""
    if len(hours) == 24 and len(minutes) == 60:
        step = _step(seconds, 60)
        if seconds == [0]:
            return "every minute"
        return "every second" if step == 1 else f"every {step} seconds" if step else None
    if seconds != [0]:
        return None
    if len(hours) == 24:
        if len(minutes) == 1:
            return f"every hour at :{minutes[0]:02}"
        return f"every {step} minutes" if (step := _step(minutes, 60)) else None
    step = _step(hours, 24)
    if step and len(hours) > _MOST_TIMES and len(minutes) == 1:
        return f"every {step} hours at :{minutes[0]:02}"
    return None


def _step(values: Sequence[int], whole: int) -> int | None:
    """Return the step of values that go round evenly from 0; None for others."""
    step, rest = divmod(whole, len(values))
    return step if rest == 0 and list(values) == list(range(0, whole, step)) else None


def _days(cron: Cron) -> tuple[str | None, bool]:
    """Say on which days it fires, and whether on all; None where that is no simple thing."""
    day, month, weekday = cron.fields[3:]
    is_any_day, is_any_weekday = day in "*?", weekday in "*?"
    if is_any_day and is_any_weekday and len(cron.months) == 12:
        return "every day", True
    if is_any_day and len(cron.months) == 12 and not set(weekday) & set("#Ll"):
        return _weekdays(cron), False
    if not is_any_weekday or "," in day:
        return None, False
    if day in ("L", "l") and len(cron.months) == 12:
        return "on the last day of every month", False
    if not day.isdecimal():
        return None, False
    if len(cron.months) == 12:
        return f"on day {int(day)} of every month", False
    if len(cron.months) == 1 and month not in "*?":
        return f"on {int(day)} {_MONTH_NAMES[min(cron.months) - 1]}", False
    return None, False


def _weekdays(cron: Cron) -> str:
    """Name the weekdays, from Monday on."""
    chosen = [
        number
        for number in range(7)
        if any(test(_MONDAY.replace(day=1 + number), 31) for test in cron.weekday_tests)
    ]
    if len(chosen) == 7:
        return "every day"
    if len(chosen) > 2 and chosen == list(range(chosen[0], chosen[-1] + 1)):
        return f"{_DAY_NAMES[chosen[0]]} to {_DAY_NAMES[chosen[-1]]}"
    names = [_DAY_NAMES[number] for number in chosen]
    return f"every {_and(names)}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
