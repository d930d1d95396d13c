"""What single steps left behind: executed notebooks and logs, as written."""

from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from jupyter_mlplat.engine.api.requests import Asked
from jupyter_mlplat.errors import InvalidInput

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_STREAMS = {
    "": ("stdout", "stderr"),
    "stdout": ("stdout",),
    "stderr": ("stderr",),
    "order": ("order",),  # which of the two was written when, see `runtime.outputs.LogOrder`
}


async def get_notebook(engine: "Engine", asked: Asked) -> Response:
    content = await engine.read(engine.traces.read_notebook, asked["run"], asked["step"])
    return Response(content, media_type="application/json")


def streams_of(named: str) -> tuple[str, ...]:
    """Return the logs that `stream=` asks for.

    Raises:
        InvalidInput: There is none of this name.
    """
    if named not in _STREAMS:
        raise InvalidInput(f"Cannot use stream={named!r}: needed 'stdout', 'stderr' or 'order'.")
    return _STREAMS[named]


async def read_log(engine: "Engine", asked: Asked) -> Response:
    streams = streams_of(asked.text("stream"))
    offset = asked.number("offset", 0, low=0, high=2**53) or 0
    limit = asked.number("limit", None, low=0, high=2**53)
    piece = await engine.read(
        engine.traces.read_log,
        asked["run"],
        asked["step"],
        streams,
        offset,
        limit,
    )
    headers = {"X-Log-Size": str(piece.size_bytes)}
    return StreamingResponse(piece.chunks, media_type="text/plain; charset=utf-8", headers=headers)


HANDLERS = {"steps.notebook": get_notebook, "steps.log": read_log}
