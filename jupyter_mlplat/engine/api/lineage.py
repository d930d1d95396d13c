"""The lineage graph."""

from typing import TYPE_CHECKING, Literal

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_DEEPEST = 1_000_000
_DIRECTIONS: dict[str, Literal["upstream", "downstream", "both"]] = {
    "upstream": "upstream",
    "downstream": "downstream",
    "both": "both",
}


async def get_lineage(engine: "Engine", asked: Asked) -> Response:
    named = asked.text("direction", "upstream")
    if named not in _DIRECTIONS:
        raise InvalidInput(f"Cannot use direction={named!r}: needed one of {[*_DIRECTIONS]}.")
    depth = asked.number("depth", _DEEPEST, low=0, high=_DEEPEST)
    found = await engine.read(engine.lineage.lineage, asked["id"], _DIRECTIONS[named], depth or 0)
    return answer(found)


HANDLERS = {"lineage.get": get_lineage}
