"""The words by which a schedule is asked for."""

import argparse
from pathlib import Path
from typing import Any, cast

import pytest

from jupyter_mlplat.client import scheduling
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import InvalidInput


def ask(*words: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    scheduling.add_options(parser)
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
