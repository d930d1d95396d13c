"""Whether somebody is there, and whether somebody may."""

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from jupyter_mlplat.engine.api.kfp.answers import nothing
from jupyter_mlplat.engine.api.requests import Asked

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def get_healthz(engine: "Engine", asked: Asked) -> Response:
    return JSONResponse({"multi_user": False, "pipeline_store": "database"})


async def authorize(engine: "Engine", asked: Asked) -> Response:
    return nothing()  # the token was the question


HANDLERS = {"healthz.get": get_healthz, "auth.authorize": authorize}
