"""The API as an ASGI application: what every request must pass, its handler, its errors."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from jupyter_mlplat.engine.api import (
    artifacts,
    documents,
    endpoints,
    engine,
    events,
    experiments,
    gc,
    images,
    jobs,
    lineage,
    logs,
    models,
    pipelines,
    runs,
    schedules,
    steps,
    training,
    trials,
)
from jupyter_mlplat.engine.api.hosts import check_host
from jupyter_mlplat.engine.api.requests import Asked, segments_of
from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError
from jupyter_mlplat.resources.engine import ErrorBody
from jupyter_mlplat.resources.routes import PREFIX, ROUTES, find_route

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_log = logging.getLogger(__name__)

Handler = Callable[["Engine", Asked], Awaitable[Response]]

_MODULES = (
    artifacts,
    documents,
    endpoints,
    engine,
    events,
    experiments,
    gc,
    images,
    jobs,
    lineage,
    logs,
    models,
    pipelines,
    runs,
    schedules,
    steps,
    trials,
    training,
)
HANDLERS: Mapping[str, Handler] = {
    name: handler for module in _MODULES for name, handler in module.HANDLERS.items()
}


class Api:
    """Serves the table of routes and nothing else."""

    def __init__(self, engine: "Engine") -> None:
        named = {route.name for route in ROUTES}
        if named != HANDLERS.keys():
            raise RuntimeError(f"Routes and handlers differ: {sorted(named ^ HANDLERS.keys())}.")
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except PlatformError as error:
            response = _refuse(error)
        except ClientDisconnect:
            return
        except Exception:
            _log.exception("%s %s failed", request.method, request.url.path)
            response = _refuse(
                PlatformError(
                    f"Cannot answer {request.method} {request.url.path}: the engine made a "
                    "mistake. engine.log has the details."
                )
            )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        self._engine.note_request()
        check_host(request)
        path = request.scope.get("raw_path", b"").split(b"?", 1)[0].decode("ascii", "replace")
        if not path.startswith(PREFIX):
            raise NotFound(f"There is nothing at {path!r}. The API lies below {PREFIX!r}.")
        found = find_route(request.method, path.removeprefix(PREFIX))
        if found is None:
            raise NotFound(f"The API has no {request.method} {path!r}.")
        route, raw = found
        if request.method != "GET":
            _check_content_type(request)
        limit = self._engine.config.body_limit_bytes
        asked = Asked(request, segments_of(raw), limit)
        return await HANDLERS[route.name](self._engine, asked)


def _check_content_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput(
            f"Cannot take a {request.method} of content type {kind!r}: send 'application/json'."
        )


def _refuse(error: PlatformError) -> Response:
    body = ErrorBody(code=error.code, message=error.message, details=dict(error.details))
    return JSONResponse(body.to_wire(), error.status)
