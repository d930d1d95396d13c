"""The image map, and secrets by name."""

from typing import TYPE_CHECKING, cast

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.resources.images import (
    ImageMap,
    ImageQuery,
    ImageRequest,
    ImageRule,
    SecretKind,
    SecretList,
    SecretRequest,
)
from jupyter_mlplat.services.workflows.images import BUILT_IN, checked, with_rule

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def list_images(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.read(_map, engine))


async def map_image(engine: "Engine", asked: Asked) -> Response:
    engine.refuse_here("let files and programs stand for an image")
    request = await asked.body(ImageRequest)
    rule = checked(ImageRule(**request.model_dump()))

    def add() -> ImageMap:
        engine.image_map.write(with_rule(engine.image_map.rules(), rule))
        return _map(engine)

    return answer(await engine.read(add))


async def remove_image(engine: "Engine", asked: Asked) -> Response:
    pattern = (await asked.body(ImageQuery)).pattern

    def remove() -> ImageMap:
        rules = engine.image_map.rules()
        left = [rule for rule in rules if rule.pattern != pattern]
        if len(left) == len(rules):
            raise NotFound(
                f"There is no rule of yours for {pattern!r}. "
                "`jupyter mlplat images` lists them all; those built in stay."
            )
        engine.image_map.write(left)
        return _map(engine)

    return answer(await engine.read(remove))


async def list_secrets(engine: "Engine", asked: Asked) -> Response:
    return answer(SecretList(secrets=await engine.read(engine.secrets.list)))


async def set_secret(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(SecretRequest)
    put = engine.secrets.put
    return answer(await engine.read(put, request.name, request.kind, request.values))


async def delete_secret(engine: "Engine", asked: Asked) -> Response:
    kind = asked["kind"]
    if kind not in ("secret", "config"):
        raise InvalidInput(f"{kind!r} is no kind of secrets. There are 'secret' and 'config'.")
    await engine.read(engine.secrets.delete, asked["secret"], cast(SecretKind, kind))
    return Response(status_code=204)


def _map(engine: "Engine") -> ImageMap:
    return ImageMap(
        rules=(*engine.image_map.rules(), *BUILT_IN), container_tool=engine.container_tool.find()
    )


HANDLERS = {
    "images.list": list_images,
    "images.map": map_image,
    "images.remove": remove_image,
    "secrets.list": list_secrets,
    "secrets.set": set_secret,
    "secrets.delete": delete_secret,
}
