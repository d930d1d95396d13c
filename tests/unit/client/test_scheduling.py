"""The words by which a schedule is asked for."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from jupyter_mlplat.client import scheduling
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.run import SubmitRequest
from jupyter_mlplat.resources.schedule import CronTrigger, IntervalTrigger, Keep, Schedule


def ask(*words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    scheduling.add_options(parser)
    scheduling.add_pause_option(parser)
    client = cast(EngineClient, None)  # asked for parameters only
    return scheduling.request_of(client, "nightly", "/work/book.ipynb", parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "trigger"),
    [
        (("--every", "1h30m"), {"kind": "interval", "every_s": 5400.0}),
        (
            ("--cron", "@daily", "--zone", "Asia/Tokyo"),
            {"kind": "cron", "expression": "@daily", "time_zone": "Asia/Tokyo"},
        ),
        (
            ("--on-model", "churn@champion"),
            {"kind": "model", "model": "churn", "alias": "champion"},
        ),
        (("--on-model", "churn"), {"kind": "model", "model": "churn", "alias": None}),
        (("--on-artifact", "rows"), {"kind": "artifact", "artifact": "rows"}),
        (("--on-file", "/data/x.csv"), {"kind": "file", "path": "/data/x.csv"}),
        (("--on-success", "etl"), {"kind": "pipeline", "pipeline": "etl"}),
    ],
)
def test_a_trigger_is_what_was_typed(words: tuple[str, ...], trigger: dict[str, Any]) -> None:
    assert ask(*words)["trigger"] == trigger


@pytest.mark.parametrize("words", [(), ("--every", "5m", "--cron", "@daily")])
def test_when_it_fires_is_said_once(words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="say once when it fires"):
        ask(*words)


def test_policies_are_sent_as_they_were_typed() -> None:
    asked = ask("--every", "1d", "--catch-up", "all:5", "--timeout", "2h", "--retries", "3")

    assert (asked["catch_up"], asked["catch_up_limit"]) == ("all", 5)
    assert (asked["timeout_s"], asked["retry"]) == (7200.0, {"limit": 3})
    with pytest.raises(InvalidInput, match="needed skip, last, all or all:N"):
        ask("--every", "1d", "--catch-up", "some")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("1d2h", 93_600), ("0.5s", 0.5)]
)
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert scheduling.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5x", "-3s", "1h 30m"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no length of time"):
        scheduling.seconds_of(text)


def test_a_date_is_its_beginning_or_its_end() -> None:
    begin = scheduling.moment_of("2026-12-01")
    end = scheduling.moment_of("2026-12-01", is_end=True)

    assert round((end - begin).total_seconds()) == 86_400
    assert scheduling.moment_of("2026-12-01T09:00+01:00").isoformat() == "2026-12-01T09:00:00+01:00"
    with pytest.raises(InvalidInput, match="no time"):
        scheduling.moment_of("tomorrow")


def test_a_table_is_read_from_a_file(tmp_path: Path) -> None:
    rows, documents = tmp_path / "rows.csv", tmp_path / "rows.json"
    rows.write_text("name,n\nada,1\n,2.5\n")
    documents.write_text('[{"tags": ["a"]}]')

    assert ask("--every", "1d", "--table", str(rows))["table"] == [
        {"name": "ada", "n": 1},
        {"name": "", "n": 2.5},
    ]
    assert ask("--every", "1d", "--table", str(documents))["table"] == [{"tags": ["a"]}]
    documents.write_text("{}")
    with pytest.raises(InvalidInput, match="at least one row"):
        ask("--every", "1d", "--table", str(documents))


NIGHTLY = Schedule(
    name="nightly",
    id="schedule-0000000000",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    work=SubmitRequest(path="/work/book.ipynb", whole=True, experiment="e"),
    trigger=CronTrigger(expression="0 7 * * *", time_zone="Asia/Tokyo"),
    keep=Keep(runs=5, days=7),
)


def change(*words: str, schedule: Schedule = NIGHTLY) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    scheduling.add_change_options(parser)
    client = cast(EngineClient, None)
    return scheduling.patch_of(client, schedule, parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "patch"),
    [
        (("--note", "x", "--at-once", "2"), {"note": "x", "at_once": 2}),
        (("--end", "none", "--timeout", "none"), {"end": None, "timeout_s": None}),
        (("--table", "none", "--webhook", "none"), {"table": [], "notify": []}),
        (("--jitter", "1m", "--timeout", "2h"), {"jitter_s": 60.0, "timeout_s": 7200.0}),
        (("--keep", "9"), {"keep": {"runs": 9, "days": 7.0}}),
        (("--catch-up", "all:3"), {"catch_up": "all", "catch_up_limit": 3}),
        (("--every", "5m"), {"trigger": {"kind": "interval", "every_s": 300.0}}),
        (
            ("--cron", "@daily"),
            {"trigger": {"kind": "cron", "expression": "@daily", "time_zone": "Asia/Tokyo"}},
        ),
    ],
)
def test_a_change_says_only_what_was_typed(words: tuple[str, ...], patch: dict[str, Any]) -> None:
    assert change(*words) == patch


def test_a_zone_alone_moves_the_expression_there_is() -> None:
    trigger = change("--zone", "UTC")["trigger"]

    assert (trigger["expression"], trigger["time_zone"]) == ("0 7 * * *", "UTC")
    every = NIGHTLY.model_copy(update={"trigger": IntervalTrigger(every_s=60)})
    with pytest.raises(InvalidInput, match="has no cron expression"):
        change("--zone", "UTC", schedule=every)


def test_a_change_of_the_work_keeps_the_rest_of_it() -> None:
    work = change("--steps", "--no-cache", "--file", "/work/other.ipynb")["work"]

    assert (work["whole"], work["cache"], work["path"]) == (False, False, "/work/other.ipynb")
    assert work["experiment"] == "e"


def test_no_change_is_refused() -> None:
    with pytest.raises(InvalidInput, match="say what is to be otherwise"):
        change()
