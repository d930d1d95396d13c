"""Served models."""

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.resources.serving import DeployRequest, PredictRequest, TrafficRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def list_endpoints(engine: "Engine", asked: Asked) -> Response:
    return answer_list("endpoints", engine.serving.list())


async def get_endpoint(engine: "Engine", asked: Asked) -> Response:
    return answer(engine.serving.get(asked["endpoint"]))


async def deploy(engine: "Engine", asked: Asked) -> Response:
    engine.refuse_here("serve a model")
    return answer(await engine.serving.deploy(await asked.body(DeployRequest)), 201)


async def delete_endpoint(engine: "Engine", asked: Asked) -> Response:
    await engine.serving.delete(asked["endpoint"])
    return Response(status_code=204)


async def set_traffic(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(TrafficRequest)
    return answer(await engine.serving.set_traffic(asked["endpoint"], request))


async def rollback(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.serving.rollback(asked["endpoint"]))


async def promote(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.serving.promote(asked["endpoint"]))


async def stop(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.serving.stop(asked["endpoint"]))


async def start(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.serving.start(asked["endpoint"]))


async def predict(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(PredictRequest)
    return JSONResponse(await engine.serving.predict(asked["endpoint"], request))


async def get_stats(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.serving.measure(asked["endpoint"]))


async def read_log(engine: "Engine", asked: Asked) -> Response:
    revision = asked.number("revision", None, low=1, high=2**31)
    offset = asked.number("offset", None, low=0, high=2**53)
    piece = engine.serving.read_log(asked["endpoint"], revision, offset)
    headers = {"X-Log-Size": str(piece.size)}
    return Response(piece.content, media_type="text/plain; charset=utf-8", headers=headers)


HANDLERS = {
    "endpoints.list": list_endpoints,
    "endpoints.get": get_endpoint,
    "endpoints.deploy": deploy,
    "endpoints.delete": delete_endpoint,
    "endpoints.set_traffic": set_traffic,
    "endpoints.rollback": rollback,
    "endpoints.promote": promote,
    "endpoints.stop": stop,
    "endpoints.start": start,
    "endpoints.predict": predict,
    "endpoints.stats": get_stats,
    "endpoints.log": read_log,
}
