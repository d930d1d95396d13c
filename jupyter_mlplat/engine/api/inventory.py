"""What the machine has, who holds it, and leases of live kernels."""

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.resources.inventory import LeaseRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_MOST_WAIT_S = 60
_LOOK_S = 0.1


async def get_inventory(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.describe_machine())


async def take(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.take_lease(await asked.body(LeaseRequest)), 201)


async def get(engine: "Engine", asked: Asked) -> Response:
    """Answer as soon as the lease is held, or after `wait_s`."""
    wait_s = asked.number("wait_s", 0, low=0, high=_MOST_WAIT_S) or 0
    ends_at = asyncio.get_running_loop().time() + wait_s
    leases = engine.conductor.leases
    while leases.get(asked["lease"]).state == "waiting":
        if asyncio.get_running_loop().time() >= ends_at:
            break
        await asyncio.sleep(_LOOK_S)
    return answer(leases.get(asked["lease"]))


async def release(engine: "Engine", asked: Asked) -> Response:
    engine.conductor.leases.get(asked["lease"])
    await engine.release_leases([asked["lease"]])
    return Response(status_code=204)


async def list_places(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.places.describe())


HANDLERS = {
    "places.list": list_places,
    "inventory.get": get_inventory,
    "leases.take": take,
    "leases.get": get,
    "leases.release": release,
}
