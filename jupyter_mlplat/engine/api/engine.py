"""The engine itself."""

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.engine.telling import TRACKING_TOKEN, TRACKING_URI
from jupyter_mlplat.resources.engine import TrackingVariables

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def get_engine(engine: "Engine", asked: Asked) -> Response:
    return answer(engine.status())


async def stop(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    engine.ask_to_stop()
    return JSONResponse({})


async def open_kfp(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(engine.kfp.open())


async def close_kfp(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    await engine.kfp.close(is_for_good=True)
    return JSONResponse({})


async def open_mlflow(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    door = engine.mlflow.open()
    variables = {TRACKING_URI: door.host, TRACKING_TOKEN: door.token}
    return answer(TrackingVariables(host=door.host, variables=variables))


async def close_mlflow(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    await engine.mlflow.close(is_for_good=True)
    return JSONResponse({})


HANDLERS = {
    "engine.get": get_engine,
    "engine.stop": stop,
    "kfp.open": open_kfp,
    "kfp.close": close_kfp,
    "mlflow.open": open_mlflow,
    "mlflow.close": close_mlflow,
}
