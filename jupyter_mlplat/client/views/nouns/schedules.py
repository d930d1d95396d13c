"""Schedules, and what became of their planned times."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jupyter_mlplat.client.views.nouns.formats import format_duration, state_cell
from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.resources.schedule import Firing, Schedule, ScheduleStatus

_HEADERS = ("planned", "cause", "state", "run", "took", "")


def view_schedules(schedules: Sequence[ScheduleStatus]) -> View:
    """Show schedules as rows."""
    rows = tuple(
        (
            Cell(status.schedule.name, link=f"schedule/{status.schedule.name}"),
            Cell(_when(status.schedule)),
            Cell(_what(status.schedule)),
            _next(status),
            state_cell(status.last.state) if status.last else Cell(""),
        )
        for status in schedules
    )
    return View(
        title="Schedules",
        tables=(Table(("schedule", "when", "what", "next", "last"), rows),),
        empty="No schedules yet. Make one with: jupyter mlplat schedule add NAME NOTEBOOK --cron …",
    )


def view_schedule(status: ScheduleStatus, firings: Sequence[Firing] = ()) -> View:
    """Show one schedule, its next planned times and the last that came."""
    schedule = status.schedule
    how = "top to bottom, by papermill" if schedule.work.whole else "as steps"
    facts = [
        ("when", Cell(status.reading)),
        ("what", Cell(f"{schedule.work.path or _what(schedule)}, {how}")),
        ("next", _next(status)),
        *(("", Cell(_local(time))) for time in status.next[1:]),
    ]
    if schedule.work.parameters:
        given = ", ".join(f"{name}={value}" for name, value in schedule.work.parameters.items())
        facts.append(("parameters", Cell(given)))
    if schedule.table:
        facts.append(("table", Cell(f"{len(schedule.table)} rows")))
    limit = f" (at most {schedule.catch_up_limit})" if schedule.catch_up == "all" else ""
    facts += [
        ("missed", Cell(f"{schedule.catch_up}{limit}")),
        ("overlap", Cell(f"{schedule.overlap}, {schedule.at_once} at once")),
    ]
    if schedule.note:
        facts.append(("note", Cell(schedule.note)))
    table = _table(firings)
    return View(
        title=f"Schedule {schedule.name}",
        state=Cell("◌ paused", Mood.WARNING) if schedule.paused else Cell("● active", Mood.GOOD),
        facts=tuple(facts),
        tables=(table,) if firings else (),
        link=f"schedule/{schedule.name}",
    )


def view_firings(title: str, firings: Sequence[Firing]) -> View:
    """Show what became of planned times."""
    return View(title=title, tables=(_table(firings),), empty="Nothing is left to be fired.")


def _table(firings: Sequence[Firing]) -> Table:
    return Table(
        _HEADERS,
        tuple(
            (
                Cell(_local(firing.planned_at)),
                Cell(firing.cause),
                state_cell(firing.state),
                Cell(
                    str(firing.run_number or ""),
                    link=f"run/{firing.run_id}" if firing.run_id else "",
                ),
                Cell(_took(firing)),
                Cell(firing.message.splitlines()[0] if firing.message else ""),
            )
            for firing in firings
        ),
        frozenset({"run"}),
    )


def _what(schedule: Schedule) -> str:
    """Name what is run: a file, or what a caller of KFP's API has sent or stored."""
    return Path(schedule.work.path).name if schedule.work.path else schedule.work.title


def _when(schedule: Schedule) -> str:
    trigger = schedule.trigger
    match trigger.kind:
        case "cron":
            return f"{trigger.expression} ({trigger.time_zone})"
        case "interval":
            return f"every {format_duration(trigger.every_s)}"
        case "model":
            return f"model {trigger.model}" + (f"@{trigger.alias}" if trigger.alias else "")
        case "artifact":
            return f"artifact {trigger.artifact}"
        case "file":
            return f"file {Path(trigger.path).name}"
        case "pipeline":
            return f"success of {trigger.pipeline}"


def _next(status: ScheduleStatus) -> Cell:
    if status.schedule.paused:
        return Cell("paused", Mood.WARNING)
    if status.next:
        return Cell(_local(status.next[0]))
    is_time = status.schedule.trigger.kind in ("cron", "interval")
    return Cell("no more" if is_time else "when it happens", Mood.QUIET)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%a %Y-%m-%d %H:%M:%S}"


def _took(firing: Firing) -> str:
    if firing.finished_at is None or firing.fired_at is None:
        return ""
    return format_duration((firing.finished_at - firing.fired_at).total_seconds())
