"""Train jobs beside their runs: their ranks, the logs of these, the runtimes there are."""

from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.engine.api.steps import streams_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def get_ranks(engine: "Engine", asked: Asked) -> Response:
    step = asked.text("step") or None
    return answer(await engine.read(engine.training.status, asked["run"], step))


async def read_rank_log(engine: "Engine", asked: Asked) -> Response:
    piece = await engine.read(
        engine.training.read_log,
        asked["run"],
        asked["rank"],
        streams_of(asked.text("stream")),
        asked.number("offset", 0, low=0, high=2**53) or 0,
        asked.number("limit", None, low=0, high=2**53),
        asked.text("step") or None,
    )
    headers = {"X-Log-Size": str(piece.size_bytes)}
    return StreamingResponse(piece.chunks, media_type="text/plain; charset=utf-8", headers=headers)


async def list_runtimes(engine: "Engine", asked: Asked) -> Response:
    return answer_list("runtimes", await engine.read(engine.training.runtimes))


HANDLERS = {
    "runs.ranks": get_ranks,
    "runs.rank_log": read_rank_log,
    "train_runtimes.list": list_runtimes,
}
