"""The application: what every request must pass, its handler, its errors."""

import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from jupyter_mlplat.engine.api.hosts import check_host
from jupyter_mlplat.engine.api.mlflow import (
    artifacts,
    experiments,
    logged_models,
    registry,
    runs,
)
from jupyter_mlplat.engine.api.mlflow.calls import Call, Memory
from jupyter_mlplat.engine.api.mlflow.routes import PREFIX, ROUTES, find_route
from jupyter_mlplat.engine.api.requests import Asked, segments_of
from jupyter_mlplat.engine.telling import StepPlace
from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError, Unauthenticated
from jupyter_mlplat.services.mlflow_api.given import Given
from jupyter_mlplat.services.mlflow_api.paths import checked_path
from jupyter_mlplat.services.mlflow_api.statuses import NoSuchRoute, status_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_log = logging.getLogger(__name__)

Handler = Callable[[Call], Awaitable[Mapping[str, object] | Response]]

HANDLERS: Mapping[str, Handler] = {
    name: handler
    for module in (artifacts, experiments, logged_models, registry, runs)
    for name, handler in module.HANDLERS.items()
}
_PLACE = re.compile(r"/in/([^/]+)/([^/]+)/(\d{1,9})(?:/(\d{1,9}))?(?=/)")
_STREAMING = "artifacts.upload"


class MlflowApi:
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
        self._memory = Memory()

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
        place = None
        if (spoken := _PLACE.match(path)) is not None:
            run, step, attempt, trial = spoken.groups()
            place = StepPlace(run, step, int(attempt), None if trial is None else int(trial))
            path = path[spoken.end() :]
        if path == "/health":  # tells nothing, and so asks for nothing
            return PlainTextResponse("OK")
        self._check_token(request)
        found = None
        if path.startswith(PREFIX + "/"):
            found = find_route(request.method, path.removeprefix(PREFIX))
        if found is None:
            raise NoSuchRoute(
                f"There is no {request.method} {path!r} here. Of MLflow's API, tracking, "
                f"artifacts and the model registry are served below {PREFIX!r}."
            )
        self._engine.note_request()
        route, raw = found
        asked = Asked(request, {}, self._engine.config.body_limit_bytes)
        call = Call(
            engine=self._engine,
            request=request,
            segments=_segments(raw),
            given=Given({}) if route.name == _STREAMING else await _given(asked),
            place=place,
            memory=self._memory,
            user=asked.user,
        )
        answer = await HANDLERS[route.name](call)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    def _check_token(self, request: Request) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        is_known = hmac.compare_digest(token.strip().encode(), self._token)
        if kind.lower() != "bearer" or not is_known:
            raise Unauthenticated(
                "Cannot answer without the token of this engine. `jupyter mlplat mlflow` shows "
                "it: set MLFLOW_TRACKING_TOKEN."
            )


def _segments(raw: Mapping[str, str]) -> Mapping[str, str]:
    """Decode path segments once; only the rest of a path may have slashes."""
    segments = dict(raw)
    rest = segments.pop("path", None)
    decoded = segments_of(segments)
    if rest is not None:
        try:
            decoded["path"] = checked_path(unquote_to_bytes(rest).decode("utf-8"))
        except UnicodeDecodeError as error:
            raise NotFound(f"There is no artifact {rest!r}.") from error
    return decoded


async def _given(asked: Asked) -> Given:
    """Read a message from the query or from the body."""
    values: dict[str, object] = {}
    for name, value in asked.request.query_params.multi_items():
        known = values.get(name)
        values[name] = value if known is None else [*_listed(known), value]
    content = await asked.content()
    if content:
        try:
            body = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InvalidInput("Cannot read the body: it is no JSON.") from error
        if not isinstance(body, dict):
            raise InvalidInput("Cannot read the body: needed a JSON object.")
        values |= body
    return Given(values)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _refuse(error: PlatformError) -> Response:
    status, body = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body, status, headers)
