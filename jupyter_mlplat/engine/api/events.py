"""The event stream, as server-sent events."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from jupyter_mlplat.engine.api.requests import Asked

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_HIGHEST = 2**53  # what every JSON reader can hold


async def watch(engine: "Engine", asked: Asked) -> Response:
    resumed = asked.request.headers.get("last-event-id", "")
    after = int(resumed) if resumed.isdecimal() and len(resumed) < 16 else None
    after = asked.number("after", after, low=0, high=_HIGHEST)

    async def stream() -> AsyncIterator[bytes]:
        yield b": hello\n\n"
        async for event in engine.broker.watch(after):
            if event is None:
                yield b": still here\n\n"
            else:
                data = event.model_dump_json()
                yield f"id: {event.seq}\nevent: {event.kind}\ndata: {data}\n\n".encode()

    return StreamingResponse(stream(), media_type="text/event-stream")


HANDLERS = {"events.watch": watch}
