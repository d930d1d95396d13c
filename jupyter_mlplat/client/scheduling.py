"""The words by which a schedule is asked for, in a terminal and in a notebook."""

import argparse
import csv
import json
import os
import re
from argparse import Namespace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")
_SECONDS = (86_400, 3600, 60, 1)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what says when a schedule fires, with what, and what is done if it cannot."""
    when = parser.add_argument_group("when")
    when.add_argument("--cron", metavar="EXPR", help="such as '0 9 * * 1-5'; six: second first")
    when.add_argument("--zone", metavar="ZONE", help="time zone of --cron; by default this one's")
    when.add_argument("--every", metavar="TIME", help="such as 90s, 15m, 1h30m, 1d")
    when.add_argument("--on-model", metavar="MODEL[@alias]", help="a new version of a model")
    when.add_argument("--on-artifact", metavar="NAME", help="a new artifact of this name")
    when.add_argument("--on-file", metavar="PATH", help="a file or folder has changed")
    when.add_argument("--on-success", metavar="PIPELINE", help="another pipeline has succeeded")
    when.add_argument("--start", metavar="TIME", help="nothing before: 2026-12-01 or with T09:00")
    when.add_argument("--end", metavar="TIME", help="nothing after")
    when.add_argument("--jitter", metavar="TIME", default="0", help="put off by up to so long")
    what = parser.add_argument_group("what")
    what.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a value, or a template: day={{ fire_time:%%Y-%%m-%%d }}",
    )
    what.add_argument("--table", metavar="FILE", help="one run for each row of a .csv or .json")
    what.add_argument("--whole", action="store_true", help="top to bottom, by papermill")
    what.add_argument("--pdf", action="store_true", help="with --whole: keep a PDF as well")
    what.add_argument("--experiment", metavar="NAME", default="default", help="group of runs")
    what.add_argument("--no-cache", action="store_true", help="run every step anew")
    what.add_argument("--note", metavar="TEXT", default="", help="what it is for")
    how = parser.add_argument_group("how")
    how.add_argument(
        "--catch-up", metavar="skip|last|all[:N]", default="last", help="of missed times (last)"
    )
    how.add_argument(
        "--overlap",
        choices=("skip", "queue", "cancel"),
        default="skip",
        help="while the one before still goes (skip)",
    )
    how.add_argument("--at-once", type=int, metavar="N", default=1, help="so many may go (1)")
    how.add_argument("--timeout", metavar="TIME", help="of a run as a whole")
    how.add_argument("--retries", type=int, metavar="N", default=0, help="of a failed run (0)")
    how.add_argument("--keep", type=int, metavar="N", default=100, help="the newest N runs (100)")
    how.add_argument("--keep-days", type=float, metavar="D", help="no run older than D days")
    how.add_argument("--webhook", metavar="URL", help="tell this address of each end")
    how.add_argument("--webhook-key", metavar="FILE", help="sign what is sent with this key")
    how.add_argument("--paused", action="store_true", help="begin with a pause")


def add_backfill_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add what says which stretch of the past is meant."""
    parser.add_argument(
        "--from", dest="since", metavar="TIME", required=required, help="such as 2026-11-01"
    )
    parser.add_argument("--to", dest="until", metavar="TIME", required=required, help="up to then")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="at most N (100)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be fired")


def request_of(
    client: "EngineClient", name: str, path: str | Path, options: Namespace
) -> dict[str, Any]:
    """Make the request of what was typed.

    Raises:
        InvalidInput: It cannot be understood, or does not say when.
    """
    # Here, not above: the options are described before anything of the engine's is needed.
    from jupyter_mlplat.client.references import parse_parameters

    path = str(Path(path).expanduser().absolute())
    known = client.compile(path).parameters if options.parameters else ()
    policy, _, limit = options.catch_up.partition(":")
    if policy not in ("skip", "last", "all") or (limit and not limit.isdecimal()):
        raise InvalidInput(
            f"Cannot use --catch-up {options.catch_up!r}: needed skip, last, all or all:N."
        )
    webhook = {"url": options.webhook, "key_file": _absolute(options.webhook_key)}
    return {
        "name": name,
        "note": options.note,
        "work": {
            "path": path,
            "whole": options.whole,
            "reports": ["html", "pdf"] if options.pdf else ["html"],
            "parameters": parse_parameters(options.parameters, known),
            "experiment": options.experiment,
            "cache": not options.no_cache,
        },
        "trigger": _trigger(name, options),
        "table": _read_table(options.table) if options.table else [],
        "start": _moment(options.start),
        "end": _moment(options.end, is_end=True),
        "jitter_s": seconds_of(options.jitter),
        "catch_up": policy,
        "catch_up_limit": int(limit or 10),
        "overlap": options.overlap,
        "at_once": options.at_once,
        "timeout_s": seconds_of(options.timeout) if options.timeout else None,
        "retry": {"limit": options.retries},
        "keep": {"runs": options.keep, "days": options.keep_days},
        "notify": [webhook] if options.webhook else [],
        "paused": options.paused,
    }


def _trigger(name: str, options: Namespace) -> dict[str, Any]:
    made: list[dict[str, Any]] = []
    if options.cron is not None:
        zone = options.zone or local_zone()
        made.append({"kind": "cron", "expression": options.cron, "time_zone": zone})
    if options.every is not None:
        made.append({"kind": "interval", "every_s": seconds_of(options.every)})
    if options.on_model is not None:
        model, _, alias = options.on_model.partition("@")
        made.append({"kind": "model", "model": model, "alias": alias or None})
    if options.on_artifact is not None:
        made.append({"kind": "artifact", "artifact": options.on_artifact})
    if options.on_file is not None:
        made.append({"kind": "file", "path": _absolute(options.on_file)})
    if options.on_success is not None:
        made.append({"kind": "pipeline", "pipeline": options.on_success})
    if len(made) != 1:
        raise InvalidInput(
            f"Cannot make schedule {name!r}: say once when it fires, by --cron, --every, "
            f"--on-model, --on-artifact, --on-file or --on-success; found {len(made)} of them."
        )
    return made[0]


def seconds_of(text: str) -> float:
    """Read a length of time: `90`, `90s`, `15m`, `1h30m`, `1d`.

    Raises:
        InvalidInput: It is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not text.strip():
        raise InvalidInput(f"{text!r} is no length of time: write it like 90s, 15m, 1h30m or 1d.")
    parts = zip(found.groups(), _SECONDS, strict=True)
    return sum(float(number) * factor for number, factor in parts if number)


def moment_of(text: str, *, is_end: bool = False) -> datetime:
    """Read a date or a time; without a zone it is that of this machine.

    A date alone is its beginning, or its end where something ends with it.

    Raises:
        InvalidInput: It is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is no time: write it like 2026-12-01, 2026-12-01T09:00 or "
            "2026-12-01T09:00+01:00."
        ) from error
    if is_end and len(text.strip()) <= len("2026-12-01"):
        moment += timedelta(days=1, microseconds=-1)
    return moment if moment.tzinfo else moment.astimezone()


def local_zone() -> str:
    """Name this machine's time zone."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named and not named.startswith("/"):
        return named
    place = os.path.realpath("/etc/localtime")
    _, found, name = place.partition("/zoneinfo/")
    return name.removeprefix("posix/").removeprefix("right/") if found else "UTC"


def _moment(text: str | None, *, is_end: bool = False) -> str | None:
    return None if text is None else moment_of(text, is_end=is_end).isoformat()


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).expanduser().absolute())


def _read_table(path: str) -> list[dict[str, Any]]:
    """Read the rows of a table; numbers of a .csv become numbers.

    Raises:
        InvalidInput: It cannot be read, or is no table.
    """
    try:
        text = Path(path).expanduser().read_text("utf-8-sig")
        if path.endswith(".json"):
            rows: Any = json.loads(text)
        else:
            reader = csv.DictReader(text.splitlines())
            rows = [{name: _plain(value) for name, value in row.items()} for row in reader]
    except (OSError, ValueError) as error:
        raise InvalidInput(f"Cannot read the table {path!r}: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not rows:
        raise InvalidInput(
            f"Cannot use the table {path!r}: needed at least one row with the names of parameters, "
            "as a .csv with a heading or a .json with a list of objects."
        )
    return rows


def _plain(text: str | None) -> Any:
    try:
        return json.loads(text or '""')
    except ValueError:
        return text
