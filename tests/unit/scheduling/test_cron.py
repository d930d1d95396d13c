"""Cron against oracles: cronsim for ten years, and a walk over every minute near clock changes."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.scheduling.cron import Cron, parse

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # changes at midnight
    "Africa/Casablanca",  # backwards, and by the moon
    "Pacific/Auckland",
)
HALF_AN_HOUR = "Australia/Lord_Howe"  # cronsim loses the hour in which its clocks change
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def times(expression: str, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    found = parse(expression).all_after(begin, zone)
    return list(takewhile(lambda time: time < end, found))


def local(expression: str, zone: str, begin: datetime, number: int) -> list[str]:
    found = parse(expression).all_after(begin, ZoneInfo(zone))
    return [
        time.astimezone(ZoneInfo(zone)).isoformat(" ", "minutes") for time in islice(found, number)
    ]


def random_expression(chance: random.Random) -> str:
    def some(low: int, high: int, most: int) -> str:
        numbers = sorted(chance.sample(range(low, high + 1), chance.randint(1, most)))
        return ",".join(map(str, numbers))

    hour = chance.choice(["*", some(0, 23, 3), some(0, 4, 3), "1-3"])
    minute = some(0, 59, 1 if hour == "*" else 3)
    day = chance.choice(["*", some(1, 31, 4), "L", "*/7", "1-7", "LW", "25-31"])
    month = chance.choice(["*", some(1, 12, 4), "mar,oct", "*/2", "2-11/3"])
    weekday = chance.choice(["*", some(0, 6, 3), "sun", "1-5", "5L", "0#2", "7", "*/2"])
    return f"{minute} {hour} {day} {month} {weekday}"


@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_are_those_of_cronsim(zone: str) -> None:
    chance = random.Random(zone)
    there = ZoneInfo(zone)
    for _ in range(12):
        expression = random_expression(chance)
        theirs = (time.astimezone(UTC) for time in CronSim(expression, BEGIN.astimezone(there)))
        expected = sorted(set(takewhile(lambda time: time < END, theirs)))

        assert times(expression, there, BEGIN, END) == expected, expression


def test_six_fields_are_those_of_cronsim() -> None:
    chance = random.Random("seconds")
    end = BEGIN + timedelta(days=40)
    for _ in range(20):
        second = chance.choice(["*/20", "5,35", "0", "59"])
        minute = chance.choice(["*", "*/7", "3,33", "10-20/5"])
        hour = chance.choice(["*", "*/6", "9-17", "0,23"])
        expression = f"{second} {minute} {hour} {chance.choice(['*', '1-7', 'L'])} * "
        expression += chance.choice(["*", "mon-fri", "6,0"])
        expected = list(takewhile(lambda time: time < end, CronSim(expression, BEGIN)))

        assert times(expression, ZoneInfo("UTC"), BEGIN, end) == expected, expression


def clock_changes(zone: ZoneInfo) -> Iterator[datetime]:
    hour = BEGIN
    while hour < END:
        if (
            hour.astimezone(zone).utcoffset()
            != (hour + timedelta(hours=1)).astimezone(zone).utcoffset()
        ):
            yield hour
        hour += timedelta(hours=1)


def walk(cron: Cron, zone: ZoneInfo, begin: datetime, end: datetime) -> list[datetime]:
    """Look at every minute of the world's time, and at what the clock on the wall shows then."""
    found: set[datetime] = set()
    shown: set[datetime] = set()
    minute, before = begin, begin.astimezone(zone).replace(tzinfo=None) - MINUTE
    while minute < end:
        wall = minute.astimezone(zone).replace(tzinfo=None)
        # All that the wall shows for the first time now: more than one minute after a jump.
        new = [wall] if wall not in shown else []
        step = before + MINUTE
        while not cron.is_hourly and step < wall:
            new.append(step)
            step += MINUTE
        if cron.is_hourly:
            new = [wall]
        if any(
            cron._has_day(one.date()) and one.hour * 3600 + one.minute * 60 in cron.times
            for one in new
        ):
            found.add(minute)
        shown.add(wall)
        before = max(before, wall)
        minute += MINUTE
    return sorted(found)


@pytest.mark.parametrize("zone", [*ZONES, HALF_AN_HOUR])
def test_every_minute_near_clock_changes_is_as_the_wall_shows(zone: str) -> None:
    there = ZoneInfo(zone)
    chance = random.Random(f"walk {zone}")
    for change in list(clock_changes(there))[::3]:
        begin, end = change - timedelta(hours=30), change + timedelta(hours=30)
        for expression in (
            "*/10 2 * * *",
            "*/7 */2 * * *",
            "30 * * * *",
            f"{chance.randrange(60)} {chance.randrange(4)} * * *",
            f"*/{chance.randrange(1, 30)} 0-4 * * *",
        ):
            expected = walk(parse(expression), there, begin, end)

            assert times(expression, there, begin - timedelta(seconds=1), end) == expected, (
                expression,
                change,
            )


def test_a_time_that_is_skipped_fires_once_when_the_clock_has_moved() -> None:
    found = local("*/20 2 * * *", "Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC), 2)

    assert found == ["2026-03-29 03:00+02:00", "2026-03-30 02:00+02:00"]


def test_a_time_that_comes_twice_fires_the_first_time() -> None:
    found = local("30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 20, tzinfo=UTC), 2)

    assert found == ["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"]


def test_every_hour_goes_on_through_the_hour_that_is_repeated() -> None:
    found = local("0 * * * *", "Europe/Berlin", datetime(2026, 10, 24, 23, 30, tzinfo=UTC), 3)

    assert found == ["2026-10-25 02:00+02:00", "2026-10-25 02:00+01:00", "2026-10-25 03:00+01:00"]


def test_a_day_that_a_country_left_out_fires_when_it_is_over() -> None:
    found = local("30 2 * * *", "Pacific/Apia", datetime(2011, 12, 29, 13, tzinfo=UTC), 2)

    assert found == ["2011-12-31 00:00+14:00", "2011-12-31 02:30+14:00"]


@pytest.mark.parametrize(
    ("expression", "reading", "expected"),
    [
        ("0 9 * * 1", None, "2026-01-05 09:00+00:00"),
        ("0 0 9 * * 1", None, "2026-01-05 09:00+00:00"),
        ("0 9 * * 1", "kfp", "2026-01-01 00:09+00:00"),  # second 0, minute 9, in January
        ("0 0 9 ? * MON-FRI", "kfp", "2026-01-01 09:00+00:00"),
        ("0 10/25 9 * * *", "kfp", "2026-01-01 09:10+00:00"),
        ("@daily", None, "2026-01-02 00:00+00:00"),
        ("0 0 13 * 5", None, "2026-01-02 00:00+00:00"),  # the 13th, or a Friday
        ("0 0 */10 * 5", None, "2026-05-01 00:00+00:00"),  # with a star: both
        ("0 0 L-2 * *", None, "2026-01-29 00:00+00:00"),
        ("0 0 29 2 *", None, "2028-02-29 00:00+00:00"),
    ],
)
def test_an_expression_is_read_as_its_dialect_has_it(
    expression: str, reading: str | None, expected: str
) -> None:
    found = parse(expression, reading).after(datetime(2026, 1, 1, tzinfo=UTC), UTC)  # type: ignore[arg-type]

    assert found is not None
    assert found.isoformat(" ", "minutes") == expected


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("0 30 9 * 1-5", "With the second first, as in Kubeflow, all six fields are needed"),
        ("* * * *", "4 fields, and five fields"),
        ("0 0 31 2 *", "no day is ever day 31 of month 2"),
        ("61 * * * *", "minute 61 is not within 0-59"),
        ("0 0 * * fri-mon", "runs backwards"),
        ("*/0 * * * *", "no step"),
        ("0 0 * * frida", "'frida' is no weekday"),
        ("", "0 fields"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_reading_taken(
    expression: str, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told.replace("*", r"\*")):
        parse(expression)


@pytest.mark.parametrize("expression", ["0 0 0 L * *", "0 0 0 * * 7", "0 0 0 * * 5#2"])
def test_kubeflow_refuses_what_robfig_refuses(expression: str) -> None:
    with pytest.raises(InvalidInput):
        parse(expression, "kfp")


def test_the_reading_is_said() -> None:
    assert parse("0 9 * * 1-5").describe() == (
        "five fields, the minute first: minute 0, hour 9, day *, month *, weekday 1-5"
    )
    assert parse("0 0 9 * * *").describe().startswith("the second first: second 0, minute 0")
