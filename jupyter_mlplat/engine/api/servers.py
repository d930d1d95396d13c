"""Notebook servers on clusters, and what they are made from."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.resources.servers import ServerRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_MOST_LINES = 10_000


async def list_servers(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.servers.list())


async def get_server(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.servers.get(asked["server"], _place(asked)))


async def create_server(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(ServerRequest)
    return answer(await engine.servers.create(request, _place(asked), asked.user), 201)


async def start_server(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.servers.start(asked["server"], _place(asked)))


async def stop_server(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.servers.stop(asked["server"], _place(asked)))


async def delete_server(engine: "Engine", asked: Asked) -> Response:
    with_home = asked.flag("volumes")
    await engine.servers.delete(asked["server"], _place(asked), with_home=with_home)
    return Response(status_code=204)


async def read_log(engine: "Engine", asked: Asked) -> Response:
    lines = asked.number("lines", 1000, low=1, high=_MOST_LINES)
    content = await engine.servers.read_log(asked["server"], _place(asked), lines or 1000)
    return Response(content, media_type="text/plain; charset=utf-8")


async def read_events(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.servers.read_history(asked["server"], _place(asked)))


async def list_kinds(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.servers.read_offer(_place(asked)))


async def list_profiles(engine: "Engine", asked: Asked) -> Response:
    return answer_list("profiles", await engine.servers.list_profiles(_place(asked)))


def _place(asked: Asked) -> str | None:
    """Read which cluster is meant; None: that is for the service to find out."""
    return asked.text("place") or None


HANDLERS = {
    "servers.list": list_servers,
    "servers.create": create_server,
    "servers.get": get_server,
    "servers.start": start_server,
    "servers.stop": stop_server,
    "servers.delete": delete_server,
    "servers.logs": read_log,
    "servers.events": read_events,
    "server_kinds.list": list_kinds,
    "profiles.list": list_profiles,
}
