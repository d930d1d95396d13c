"""The lineage graph."""

from typing import TYPE_CHECKING, Literal

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_DEEPEST = 1_000_000
_EYE_DEPTH = 2
_MOST_SHOWN = 2000
_DIRECTIONS: dict[str, Literal["upstream", "downstream", "both"]] = {
    "upstream": "upstream",
    "downstream": "downstream",
    "both": "both",
}


async def get_lineage(engine: "Engine", asked: Asked) -> Response:
    depth = asked.number("depth", _DEEPEST, low=0, high=_DEEPEST)
    direction = _direction(asked, "upstream")
    return answer(await engine.read(engine.lineage.lineage, asked["id"], direction, depth or 0))


async def explore(engine: "Engine", asked: Asked) -> Response:
    found = await engine.read(
        lambda: engine.lineage.explore(
            _subject(asked, "subject"),
            _direction(asked, "both"),
            asked.number("depth", _EYE_DEPTH, low=0, high=_DEEPEST) or 0,
            notebook=asked.text("notebook") or None,
            limit=_limit(asked),
            with_cached=asked.text("cached") == "true",
        )
    )
    return answer(found)


async def between(engine: "Engine", asked: Asked) -> Response:
    found = await engine.read(
        lambda: engine.lineage.between(
            _subject(asked, "from"),
            _subject(asked, "to"),
            notebook=asked.text("notebook") or None,
            limit=_limit(asked),
        )
    )
    return answer(found)


async def search(engine: "Engine", asked: Asked) -> Response:
    limit = asked.number("limit", 30, low=1, high=200) or 30
    return answer_list(
        "subjects", await engine.read(engine.lineage.search, asked.text("text")[:200], limit)
    )


def _direction(asked: Asked, default: str) -> Literal["upstream", "downstream", "both"]:
    named = asked.text("direction", default)
    if named not in _DIRECTIONS:
        raise InvalidInput(f"Cannot use direction={named!r}: needed one of {[*_DIRECTIONS]}.")
    return _DIRECTIONS[named]


def _subject(asked: Asked, name: str) -> str:
    text = asked.text(name)
    if not text:
        raise InvalidInput(f"Cannot show lineage: {name!r} is not given. Name a model, run or id.")
    return text


def _limit(asked: Asked) -> int:
    return asked.number("limit", 300, low=1, high=_MOST_SHOWN) or 1


HANDLERS = {
    "lineage.get": get_lineage,
    "lineage.explore": explore,
    "lineage.between": between,
    "lineage.search": search,
}
