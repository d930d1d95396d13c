"""The model registry."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.resources.registry import AliasRequest, RegisterRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def list_models(engine: "Engine", asked: Asked) -> Response:
    return answer_list("models", await engine.read(engine.registry.list_models))


async def get_model(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.read(engine.registry.get_model, asked["model"]))


async def register(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(RegisterRequest)
    version = await engine.register(request)
    return answer(version, 201)


async def delete_model(engine: "Engine", asked: Asked) -> Response:
    await engine.write(engine.registry.delete, asked["model"])
    return Response(status_code=204)


async def get_version(engine: "Engine", asked: Asked) -> Response:
    number = asked["version"]
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound(f"Model {asked['model']!r} has no version {number!r}: versions are numbers.")
    return answer(await engine.read(engine.registry.get_version, asked["model"], int(number)))


async def set_alias(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(AliasRequest)
    model = await engine.write(
        engine.registry.set_alias, asked["model"], asked["alias"], request.version
    )
    return answer(model)


async def delete_alias(engine: "Engine", asked: Asked) -> Response:
    return answer(
        await engine.write(engine.registry.set_alias, asked["model"], asked["alias"], None)
    )


HANDLERS = {
    "models.list": list_models,
    "models.get": get_model,
    "models.register": register,
    "models.delete": delete_model,
    "models.version": get_version,
    "models.set_alias": set_alias,
    "models.delete_alias": delete_alias,
}
