"""The API as an ASGI application: what every request must pass, its handler, its errors."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jupyter_mlplat.engine.api import (
    artifacts,
    documents,
    endpoints,
    engine,
    events,
    experiments,
    gc,
    images,
    inventory,
    jobs,
    lineage,
    logs,
    models,
    pipelines,
    runs,
    schedules,
    servers,
    steps,
    training,
    trials,
)
from jupyter_mlplat.engine.api.answering import AnsweringApp, collect_handlers, path_of
from jupyter_mlplat.engine.api.hosts import check_host
from jupyter_mlplat.engine.api.requests import segments_of
from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError
from jupyter_mlplat.resources.engine import ErrorBody
from jupyter_mlplat.resources.routes import PREFIX, ROUTES, find_route

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_MODULES = (
    artifacts,
    documents,
    endpoints,
    engine,
    events,
    experiments,
    gc,
    images,
    inventory,
    jobs,
    lineage,
    logs,
    models,
    pipelines,
    runs,
    schedules,
    servers,
    steps,
    trials,
    training,
)
HANDLERS = collect_handlers(_MODULES)


class Api(AnsweringApp):
    """Serves the table of routes and nothing else."""

    def __init__(self, engine: "Engine") -> None:
        super().__init__(engine, ROUTES, HANDLERS)

    async def answer(self, request: Request) -> Response:
        self._engine.note_request()
        check_host(request)
        path = path_of(request)
        if not path.startswith(PREFIX):
            raise NotFound(f"There is nothing at {path!r}. The API lies below {PREFIX!r}.")
        found = find_route(request.method, path.removeprefix(PREFIX))
        if found is None:
            raise NotFound(f"The API has no {request.method} {path!r}.")
        route, raw = found
        if request.method != "GET":
            _check_content_type(request)
        return await HANDLERS[route.name](self._engine, self.asked(request, segments_of(raw)))

    def refuse(self, error: PlatformError) -> Response:
        body = ErrorBody(code=error.code, message=error.message, details=dict(error.details))
        return JSONResponse(body.to_wire(), error.status)


def _check_content_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput(
            f"Cannot take a {request.method} of content type {kind!r}: send 'application/json'."
        )
