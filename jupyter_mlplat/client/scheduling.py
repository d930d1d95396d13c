"""The words by which a schedule is asked for, in a terminal and in a notebook."""

import argparse
import csv
import json
import os
import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.schedule import Schedule

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")
_SECONDS = (86_400, 3600, 60, 1)
_NOTHING = "none"
_MAY_BE_ABSENT = frozenset({"start", "end", "timeout", "table", "webhook"})
_WHEN = frozenset({"cron", "zone", "every", "on_model", "on_artifact", "on_file", "on_success"})
_TAKES_ALWAYS = frozenset({"help", "json", "home", "schedule"})


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
    what.add_argument("--on", metavar="PLACE", help="where: this-machine, or a cluster")
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


def add_pause_option(parser: argparse.ArgumentParser) -> None:
    """Let a new schedule begin with a pause."""
    parser.add_argument("--paused", action="store_true", help="begin with a pause")


def add_change_options(parser: argparse.ArgumentParser) -> None:
    """Add the same for a schedule that is there: what is not given stays as it is."""
    parser.add_argument("--file", dest="path", metavar="FILE", help="run this one from now on")
    add_options(parser)
    for name, dest, about in (
        ("--steps", "whole", "as a pipeline, not --whole"),
        ("--no-pdf", "pdf", "keep no PDF"),
        ("--cache", "no_cache", "steps may be taken from the cache, not --no-cache"),
    ):
        parser.add_argument(name, dest=dest, action="store_const", const=False, help=about)
    for action in parser._actions:
        if action.dest not in _TAKES_ALWAYS:
            action.default = argparse.SUPPRESS


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
    webhook = {"url": options.webhook, "key_file": _absolute(options.webhook_key)}
    return {
        **_catch_up(options.catch_up),
        "name": name,
        "note": options.note,
        "work": {
            "path": path,
            "whole": options.whole,
            "reports": ["html", "pdf"] if options.pdf else ["html"],
            "parameters": parse_parameters(options.parameters, known),
            "experiment": options.experiment,
            "cache": not options.no_cache,
            "run_on": options.on,
        },
        "trigger": _trigger(name, options),
        "table": _read_table(options.table) if options.table else [],
        "start": _moment(options.start),
        "end": _moment(options.end, is_end=True),
        "jitter_s": seconds_of(options.jitter),
        "overlap": options.overlap,
        "at_once": options.at_once,
        "timeout_s": seconds_of(options.timeout) if options.timeout else None,
        "retry": {"limit": options.retries},
        "keep": {"runs": options.keep, "days": options.keep_days},
        "notify": [webhook] if options.webhook else [],
        "paused": options.paused,
    }


def patch_of(client: "EngineClient", schedule: "Schedule", options: Namespace) -> dict[str, Any]:
    """Make the change of a schedule of what was typed; `none` takes away what may be absent.

    Raises:
        InvalidInput: It cannot be understood, or nothing is to be changed.
    """
    given: dict[str, Any] = {
        name: None if value == _NOTHING and name in _MAY_BE_ABSENT else value
        for name, value in vars(options).items()
    }
    patch = {
        name: read(given[option])
        for option, (name, read) in _PLAIN_CHANGES.items()
        if option in given
    }
    if "catch_up" in given:
        patch.update(_catch_up(str(given["catch_up"])))
    if "retries" in given:
        patch["retry"] = {**schedule.retry.model_dump(mode="json"), "limit": given["retries"]}
    limits = {"keep": "runs", "keep_days": "days"}.items()
    if kept := {name: given[option] for option, name in limits if option in given}:
        patch["keep"] = {**schedule.keep.model_dump(mode="json"), **kept}
    if "webhook" in given:
        url, key = given["webhook"], _absolute(given.get("webhook_key"))
        patch["notify"] = [{"url": url, "key_file": key}] if url else []
    if _WHEN & given.keys():
        patch["trigger"] = _changed_trigger(schedule, given)
    if work := _changed_work(client, schedule, given):
        patch["work"] = {**schedule.work.model_dump(mode="json"), **work}
    if not patch:
        raise InvalidInput(
            f"Cannot change schedule {schedule.name!r}: say what is to be otherwise, such as "
            "--cron '0 7 * * *'. See: jupyter mlplat schedule edit --help"
        )
    return patch


def _changed_trigger(schedule: "Schedule", given: Mapping[str, Any]) -> dict[str, Any]:
    trigger = schedule.trigger
    if _WHEN & given.keys() == {"zone"}:
        if trigger.kind != "cron":
            raise InvalidInput(
                f"Cannot use --zone: schedule {schedule.name!r} has no cron expression. "
                "Give one with --cron."
            )
        return {**trigger.model_dump(mode="json"), "time_zone": given["zone"]}
    asked = {**dict.fromkeys(_WHEN), **given}
    if trigger.kind == "cron" and asked["zone"] is None:
        asked["zone"] = trigger.time_zone
    return _trigger(schedule.name, Namespace(**asked))


def _changed_work(
    client: "EngineClient", schedule: "Schedule", given: Mapping[str, Any]
) -> dict[str, Any]:
    from jupyter_mlplat.client.references import parse_parameters

    work = schedule.work
    changed = {name: given[name] for name in ("whole", "experiment") if name in given}
    if "path" in given:
        changed["path"] = _absolute(given["path"])
    if "pdf" in given:
        changed["reports"] = ["html", "pdf"] if given["pdf"] else ["html"]
    if "on" in given:
        changed["run_on"] = given["on"]
    if "no_cache" in given:
        changed["cache"] = not given["no_cache"]
    if "parameters" in given:
        path = changed.get("path", work.path)
        known = client.compile(path).parameters if path else ()
        changed["parameters"] = {**work.parameters, **parse_parameters(given["parameters"], known)}
    return changed


def _catch_up(text: str) -> dict[str, Any]:
    policy, _, limit = text.partition(":")
    if policy not in ("skip", "last", "all") or (limit and not limit.isdecimal()):
        raise InvalidInput(f"Cannot use --catch-up {text!r}: needed skip, last, all or all:N.")
    return {"catch_up": policy, "catch_up_limit": int(limit or 10)}


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


_PLAIN_CHANGES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "note": ("note", str),
    "overlap": ("overlap", str),
    "at_once": ("at_once", int),
    "jitter": ("jitter_s", seconds_of),
    "timeout": ("timeout_s", lambda text: None if text is None else seconds_of(text)),
    "start": ("start", _moment),
    "end": ("end", partial(_moment, is_end=True)),
    "table": ("table", lambda path: [] if path is None else _read_table(path)),
}
"""Options of a change that stand for themselves: the field of the patch, and how it is read."""
