"""Schedules."""

from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.schedule import (
    BackfillRequest,
    FiringList,
    ScheduleList,
    SchedulePatch,
    ScheduleRequest,
)

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_LONGEST_KEY = 200


async def list_schedules(engine: "Engine", asked: Asked) -> Response:
    return answer(ScheduleList(schedules=tuple(await engine.timekeeper.statuses())))


async def create(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(ScheduleRequest)
    return answer(await engine.timekeeper.create(request, asked.user), 201)


async def preview(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.timekeeper.preview(await asked.body(ScheduleRequest)))


async def get_schedule(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.timekeeper.status(asked["schedule"]))


async def update(engine: "Engine", asked: Asked) -> Response:
    patch = await asked.body(SchedulePatch)
    return answer(await engine.timekeeper.update(asked["schedule"], patch))


async def delete(engine: "Engine", asked: Asked) -> Response:
    await engine.timekeeper.delete(asked["schedule"])
    return Response(status_code=204)


async def pause(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.timekeeper.pause(asked["schedule"], paused=True))


async def resume(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.timekeeper.pause(asked["schedule"], paused=False))


async def run_now(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    key = asked.request.headers.get("idempotency-key") or uuid4().hex
    if len(key) > _LONGEST_KEY:
        raise InvalidInput(
            f"Cannot use an Idempotency-Key of {len(key)} characters: {_LONGEST_KEY} are the most."
        )
    firings = await engine.timekeeper.run_now(asked["schedule"], key)
    return answer(FiringList(firings=tuple(firings)))


async def backfill(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(BackfillRequest)
    firings = await engine.timekeeper.backfill(asked["schedule"], request)
    return answer(FiringList(firings=tuple(firings)))


async def list_firings(engine: "Engine", asked: Asked) -> Response:
    limit = asked.number("limit", 50, low=1, high=1000) or 50
    before = asked.number("before", None, low=1, high=2**53)
    rows = await engine.timekeeper.firings(asked["schedule"], limit, before)
    following = str(rows[-1][0]) if len(rows) == limit else None
    return answer(FiringList(firings=tuple(firing for _, firing in rows), next=following))


HANDLERS = {
    "schedules.list": list_schedules,
    "schedules.create": create,
    "schedules.preview": preview,
    "schedules.get": get_schedule,
    "schedules.update": update,
    "schedules.delete": delete,
    "schedules.pause": pause,
    "schedules.resume": resume,
    "schedules.run": run_now,
    "schedules.backfill": backfill,
    "schedules.firings": list_firings,
}
