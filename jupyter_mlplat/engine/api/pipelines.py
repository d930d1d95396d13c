"""Compiling notebooks, previewing their runs, verifying them."""

from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer
from jupyter_mlplat.resources.exporting import ExportRequest
from jupyter_mlplat.resources.pipeline import CompileRequest, VerifyRequest
from jupyter_mlplat.resources.preview import PlanRequest

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine


async def compile_pipeline(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(CompileRequest)
    return answer(await engine.compile(request))


async def export(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.export(await asked.body(ExportRequest)))


async def plan(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.plan(await asked.body(PlanRequest)))


async def verify(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(VerifyRequest)
    return answer(await asked.while_waited_for(engine.verify(request)))


HANDLERS = {
    "pipelines.compile": compile_pipeline,
    "pipelines.export": export,
    "pipelines.plan": plan,
    "pipelines.verify": verify,
}
