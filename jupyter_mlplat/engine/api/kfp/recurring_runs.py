"""Recurring runs: schedules by another name."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.kfp.answers import answer, listing, nothing
from jupyter_mlplat.engine.api.requests import Asked
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.ports.selecting import Predicate
from jupyter_mlplat.resources.kfp import recurring_runs as messages
from jupyter_mlplat.resources.schedule import Schedule, ScheduleRequest
from jupyter_mlplat.services.kfp_api.recurring_runs import (
    RECURRING_RUNS,
    recurring_run_message,
    schedule_of,
)
from jupyter_mlplat.services.kfp_api.submitting import submission_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def list_recurring_runs(engine: "Engine", asked: Asked) -> Response:
    listed = listing(asked, RECURRING_RUNS)
    selection = listed.selection
    if experiment := asked.text("experiment_id"):
        selection = selection.only(Predicate("experiment_id", "=", experiment))
    found = await engine.read(engine.store.select_schedules, selection)
    told = await engine.read(lambda: [_message(engine, schedule) for schedule in found.records])
    return answer(
        messages.ListRecurringRunsResponse(
            recurring_runs=tuple(told),
            total_size=found.total,
            next_page_token=listed.token_after(found),
        )
    )


async def create(engine: "Engine", asked: Asked) -> Response:
    message = await asked.body(messages.RecurringRun)
    request = await engine.read(_schedule_of, engine, message)
    made = await engine.timekeeper.create(request, asked.user)
    return answer(await engine.read(_message, engine, made.schedule))


async def get(engine: "Engine", asked: Asked) -> Response:
    schedule, _ = await engine.read(engine.store.get_schedule, asked["recurring_run"])
    return answer(await engine.read(_message, engine, schedule))


async def enable(engine: "Engine", asked: Asked) -> Response:
    await engine.timekeeper.pause(asked["recurring_run"], paused=False)
    return nothing()


async def disable(engine: "Engine", asked: Asked) -> Response:
    await engine.timekeeper.pause(asked["recurring_run"], paused=True)
    return nothing()


async def delete(engine: "Engine", asked: Asked) -> Response:
    await engine.timekeeper.delete(asked["recurring_run"])
    return nothing()


def _schedule_of(engine: "Engine", message: messages.RecurringRun) -> ScheduleRequest:
    work = submission_of(message, engine.store, engine.pipelines.version_of)

    def is_taken(name: str) -> bool:
        try:
            engine.store.get_schedule(name)
        except NotFound:
            return False
        return True

    return schedule_of(message, work, is_taken)


def _message(engine: "Engine", schedule: Schedule) -> messages.RecurringRun:
    experiment = engine.experiments.find(schedule.work.experiment)
    return recurring_run_message(schedule, experiment.id if experiment else "")


HANDLERS = {
    "recurringruns.list": list_recurring_runs,
    "recurringruns.create": create,
    "recurringruns.get": get,
    "recurringruns.enable": enable,
    "recurringruns.disable": disable,
    "recurringruns.delete": delete,
}
