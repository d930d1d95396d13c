"""The application: what every request must pass, its handler, its errors."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from jupyter_mlplat.engine.api.hosts import check_host
from jupyter_mlplat.engine.api.kfp import experiments, general, pipelines, recurring_runs, runs
from jupyter_mlplat.engine.api.kfp.routes import OPEN, PREFIX, ROUTES, find_route
from jupyter_mlplat.engine.api.requests import Asked, segments_of
from jupyter_mlplat.errors import NotFound, PlatformError, Unauthenticated
from jupyter_mlplat.services.kfp_api.statuses import status_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_log = logging.getLogger(__name__)

Handler = Callable[["Engine", Asked], Awaitable[Response]]

HANDLERS: Mapping[str, Handler] = {
    name: handler
    for module in (experiments, general, pipelines, recurring_runs, runs)
    for name, handler in module.HANDLERS.items()
}


class KfpApi:
    """Serves the table of routes to whoever has the token.

    Args:
        engine: Does what is asked.
        token: What a caller has to send as `Authorization: Bearer …`.
    """

    def __init__(self, engine: "Engine", token: str) -> None:
        named = {route.name for route in ROUTES}
        if named != HANDLERS.keys():
            raise RuntimeError(f"Routes and handlers differ: {sorted(named ^ HANDLERS.keys())}.")
        self._engine = engine
        self._token = token.encode()

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
        check_host(request)
        path = request.scope.get("raw_path", b"").split(b"?", 1)[0].decode("ascii", "replace")
        found = None
        if path.startswith(PREFIX + "/"):
            found = find_route(request.method, path.removeprefix(PREFIX))
        if found is None or found[0].name not in OPEN:
            self._check_token(request)
        if found is None:
            raise NotFound(
                f"There is no {request.method} {path!r} here. KFP's API v2beta1 lies below "
                f"{PREFIX!r}."
            )
        self._engine.note_request()
        route, raw = found
        asked = Asked(request, segments_of(raw), self._engine.config.body_limit_bytes)
        return await HANDLERS[route.name](self._engine, asked)

    def _check_token(self, request: Request) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        is_known = hmac.compare_digest(token.strip().encode(), self._token)
        if kind.lower() != "bearer" or not is_known:
            raise Unauthenticated(
                "Cannot answer without the token of this engine. `jupyter mlplat kfp` shows it: "
                "kfp.Client(host=…, existing_token=…)."
            )


def _refuse(error: PlatformError) -> Response:
    http, status = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if http == 401 else None
    return JSONResponse(status.to_wire(), http, headers)
