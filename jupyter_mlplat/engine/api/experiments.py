"""Experiments."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.ports.selecting import Selection
from jupyter_mlplat.resources.catalogue import ExperimentPatch, ExperimentRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_MOST = 1000


async def list_experiments(engine: "Engine", asked: Asked) -> Response:
    newest = Selection(by="last_run_at", is_descending=True, limit=_MOST)
    found = await engine.read(engine.store.select_experiments, newest)
    return answer_list("experiments", found.records)


async def create(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(ExperimentRequest)
    return answer(await engine.write(engine.experiments.create, request), 201)


async def update(engine: "Engine", asked: Asked) -> Response:
    patch = await asked.body(ExperimentPatch)
    if patch.archived is None:
        return answer(await engine.read(engine.store.get_experiment, asked["experiment"]))
    return answer(await engine.archive_experiment(asked["experiment"], patch.archived))


HANDLERS = {
    "experiments.list": list_experiments,
    "experiments.create": create,
    "experiments.update": update,
}
