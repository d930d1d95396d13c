"""Train and tuning jobs: asking for one. What becomes of it is told of its run."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.engine.api.runs import idempotency_key
from jupyter_mlplat.resources.training import TrainRequest
from jupyter_mlplat.resources.tuning import TuneRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def train(engine: "Engine", asked: Asked) -> Response:
    key = idempotency_key(asked)
    return answer(await engine.submit_job(await asked.body(TrainRequest), key), 201)


async def tune(engine: "Engine", asked: Asked) -> Response:
    key = idempotency_key(asked)
    return answer(await engine.submit_job(await asked.body(TuneRequest), key), 201)


HANDLERS = {"jobs.train": train, "jobs.tune": tune}
