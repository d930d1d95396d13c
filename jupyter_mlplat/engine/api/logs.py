"""What all steps of a run write, as JSON lines."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from jupyter_mlplat.engine.api.requests import Asked

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def follow(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    is_followed = asked.text("follow") in ("1", "true")

    async def lines() -> AsyncIterator[bytes]:
        async for line in engine.traces.follow(run.id, is_followed):
            yield line.model_dump_json().encode() + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


HANDLERS = {"runs.logs": follow}
