"""Experiments."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.kfp.answers import answer, listing, nothing
from jupyter_mlplat.engine.api.requests import Asked
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.catalogue import DEFAULT_EXPERIMENT, ExperimentRequest
from jupyter_mlplat.resources.kfp.experiments import Experiment
from jupyter_mlplat.services.kfp_api.experiments import (
    EXPERIMENTS,
    experiment_message,
    experiments_message,
)

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def list_experiments(engine: "Engine", asked: Asked) -> Response:
    listed = listing(asked, EXPERIMENTS)
    found = await engine.read(engine.store.select_experiments, listed.selection)
    token = listed.token_after(found)
    return answer(experiments_message(found.records, found.total, token))


async def create(engine: "Engine", asked: Asked) -> Response:
    message = await asked.body(Experiment)
    if not message.display_name.strip():
        raise InvalidInput("Cannot create an experiment without a display_name. Give it one.")
    request = ExperimentRequest(title=message.display_name, description=message.description or "")
    return answer(experiment_message(await engine.write(engine.experiments.create, request)))


async def get(engine: "Engine", asked: Asked) -> Response:
    found = await engine.read(engine.store.get_experiment, asked["experiment"])
    return answer(experiment_message(found))


async def archive(engine: "Engine", asked: Asked) -> Response:
    await engine.archive_experiment(asked["experiment"], True)
    return nothing()


async def unarchive(engine: "Engine", asked: Asked) -> Response:
    await engine.archive_experiment(asked["experiment"], False)
    return nothing()


async def delete(engine: "Engine", asked: Asked) -> Response:
    found = await engine.read(engine.store.get_experiment, asked["experiment"])
    if found.name == DEFAULT_EXPERIMENT:
        raise InvalidInput("Cannot delete the default experiment: runs that name none are in it.")
    await engine.write(engine.store.delete_experiment, found.id)
    return nothing()


HANDLERS = {
    "experiments.list": list_experiments,
    "experiments.create": create,
    "experiments.get": get,
    "experiments.archive": archive,
    "experiments.unarchive": unarchive,
    "experiments.delete": delete,
}
