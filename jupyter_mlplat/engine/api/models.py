"""The model registry."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.resources.registry import AliasRequest, ModelUpdate, RegisterRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


_HIGHEST = 999_999_999


async def list_models(engine: "Engine", asked: Asked) -> Response:
    return answer_list("models", await engine.read(engine.registry.list_models))


async def get_model(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.read(engine.registry.get_model, asked["model"]))


async def register(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(RegisterRequest)
    version = await engine.register(request, asked.user)
    return answer(version, 201)


async def update_model(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(ModelUpdate)
    return answer(
        await engine.write(
            engine.registry.describe, asked["model"], request.description, asked.user
        )
    )


async def delete_model(engine: "Engine", asked: Asked) -> Response:
    await engine.write(engine.registry.delete, asked["model"], force=asked.flag("force"))
    return Response(status_code=204)


async def get_history(engine: "Engine", asked: Asked) -> Response:
    limit = asked.number("limit", 200, low=1, high=10_000)
    return answer_list(
        "changes", await engine.read(engine.registry.history, asked["model"], limit or 200)
    )


async def get_impact(engine: "Engine", asked: Asked) -> Response:
    version = asked.number("version", None, low=1, high=_HIGHEST)
    return answer(await engine.read(engine.registry.impact, asked["model"], version))


async def get_version(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.read(engine.registry.get_version, asked["model"], _number(asked)))


async def delete_version(engine: "Engine", asked: Asked) -> Response:
    return answer(
        await engine.write(
            engine.registry.delete_version,
            asked["model"],
            _number(asked),
            asked.user,
            force=asked.flag("force"),
        )
    )


async def set_alias(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(AliasRequest)
    model = await engine.write(
        engine.registry.set_alias, asked["model"], asked["alias"], request.version, asked.user
    )
    return answer(model)


async def delete_alias(engine: "Engine", asked: Asked) -> Response:
    return answer(
        await engine.write(
            engine.registry.set_alias, asked["model"], asked["alias"], None, asked.user
        )
    )


def _number(asked: Asked) -> int:
    number = asked["version"]
    if not (number.isascii() and number.isdigit() and int(number) <= _HIGHEST):
        raise NotFound(f"Model {asked['model']!r} has no version {number!r}: versions are numbers.")
    return int(number)


HANDLERS = {
    "models.list": list_models,
    "models.get": get_model,
    "models.register": register,
    "models.update": update_model,
    "models.delete": delete_model,
    "models.history": get_history,
    "models.impact": get_impact,
    "models.version": get_version,
    "models.delete_version": delete_version,
    "models.set_alias": set_alias,
    "models.delete_alias": delete_alias,
}
