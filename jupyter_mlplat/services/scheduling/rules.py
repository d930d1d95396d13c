"""What makes a schedule a good one, and what a planned time of it submits. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Parameter
from jupyter_mlplat.resources.run import SubmitRequest
from jupyter_mlplat.resources.schedule import (
    Firing,
    FiringState,
    Schedule,
    SchedulePatch,
    ScheduleRequest,
)
from jupyter_mlplat.services.scheduling import planning, templates
from jupyter_mlplat.services.scheduling.webhooks import check_url

IS_TIME = ("cron", "interval")


def check(request: ScheduleRequest, now: datetime, *, is_new: bool) -> str:
    """Refuse a schedule that could not do what it says; return how its trigger was read.

    What it submits is checked by whoever can read notebooks.

    Raises:
        InvalidInput: Cron, zone, stretch, templates or a webhook's address are wrong.
    """
    reading = planning.read_trigger(request)
    if request.start and request.end and request.end <= request.start:
        raise InvalidInput(
            f"Cannot use schedule {request.name!r}: it ends at {request.end.isoformat()}, which is "
            f"not after its start at {request.start.isoformat()}."
        )
    work = request.work
    names_version = work.kfp is not None and work.kfp.pipeline_id is not None
    if work.path is None and work.notebook is None and not names_version:
        raise InvalidInput(
            f"Cannot use schedule {request.name!r}: it names no file to run. Give the path of a "
            "notebook or a pipeline; it is read anew each time."
        )
    if work.notebook is not None and request.kfp is None:
        raise InvalidInput(
            f"Cannot use schedule {request.name!r}: it holds a notebook's content. Name its path."
        )
    is_time = request.trigger.kind in IS_TIME
    if is_new and is_time and not planning.next_times(request, now, now, 1):
        raise InvalidInput(
            f"Cannot use schedule {request.name!r}: nothing is planned from now on. It ends at "
            f"{request.end.isoformat() if request.end else 'no time'}, and it is {now.isoformat()}."
        )
    for value in (*request.work.parameters.values(), *request.work.tags.values()):
        templates.check(value, has_event=not is_time)
    for row in request.table:
        templates.check(row, has_event=not is_time)
    for webhook in request.notify:
        check_url(webhook.url)
    return reading


def new_schedule(request: ScheduleRequest, now: datetime, by: str) -> Schedule:
    """Make a schedule of a request that was found good."""
    return Schedule(
        **_fields(request), id=new_id("schedule"), created_at=now, updated_at=now, created_by=by
    )


def patched(schedule: Schedule, patch: SchedulePatch, now: datetime) -> Schedule:
    """Change what a patch names."""
    given = {name: getattr(patch, name) for name in patch.model_fields_set}
    unset = ("start", "end", "timeout_s", "kfp")  # of these, null takes them away
    given = {name: value for name, value in given.items() if value is not None or name in unset}
    return schedule.model_copy(update={**given, "updated_at": now})


def _fields(request: ScheduleRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ScheduleRequest.model_fields}


def rows_of(schedule: ScheduleRequest) -> int:
    """Return how many runs one planned time comes to."""
    return len(schedule.table) or 1


def new_firings(
    schedule: Schedule,
    key: str,
    planned_at: datetime,
    cause: Any,
    *,
    state: FiringState = FiringState.QUEUED,
    message: str = "",
    event: Mapping[str, JsonValue] | None = None,
) -> list[Firing]:
    """Make what is written of a planned time that has come: one firing for each row."""
    return [
        Firing(
            schedule_id=schedule.id,
            schedule=schedule.name,
            key=key,
            row=row,
            planned_at=planned_at,
            cause=cause,
            state=state,
            message=message,
            event=dict(event or {}),
        )
        for row in range(rows_of(schedule) if state is FiringState.QUEUED else 1)
    ]


def submission_of(
    schedule: ScheduleRequest, moment: templates.Moment, parameters: Iterable[Parameter] = ()
) -> SubmitRequest:
    """Return what one row of a planned time submits, its templates filled in.

    Texts that a template made become numbers where that is what the parameter takes.

    Raises:
        InvalidInput: A template cannot be filled in, or makes what the parameter does not take.
    """
    row = schedule.table[moment.row] if moment.row < len(schedule.table) else {}
    given: dict[str, JsonValue] = {**schedule.work.parameters, **row}
    kinds = {parameter.name: parameter.type for parameter in parameters}
    filled = {
        name: _typed(name, templates.render(value, moment), kinds.get(name, "any"))
        if templates.has_places(value)
        else value
        for name, value in given.items()
    }
    tags = {
        **{name: str(templates.render(text, moment)) for name, text in schedule.work.tags.items()},
        "schedule": schedule.name,
    }
    return schedule.work.model_copy(update={"parameters": filled, "tags": tags})


def _typed(name: str, value: JsonValue, kind: str) -> JsonValue:
    if kind == "str" and isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return value
    try:
        if kind == "int":
            return int(value)
        if kind == "float":
            return float(value)
    except ValueError as error:
        raise InvalidInput(
            f"Cannot give parameter {name!r}, which takes {kind}, what its template makes: "
            f"{value!r}. Change the template."
        ) from error
    if kind == "bool" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value
