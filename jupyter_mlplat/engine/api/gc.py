"""Garbage collection."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.resources.engine import GcRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def run(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(GcRequest)
    return answer(await engine.between_turns(lambda: engine.gc.collect(request, utc_now())))


HANDLERS = {"gc.run": run}
