"""The application: what every request must pass, its handler, its errors."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from jupyter_mlplat.engine.api.answering import AnsweringApp, check_bearer, path_of
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
from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError
from jupyter_mlplat.services.mlflow_api.given import Given
from jupyter_mlplat.services.mlflow_api.paths import checked_path
from jupyter_mlplat.services.mlflow_api.statuses import NoSuchRoute, status_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

Handler = Callable[[Call], Awaitable[Mapping[str, object] | Response]]

HANDLERS: Mapping[str, Handler] = {
    name: handler
    for module in (artifacts, experiments, logged_models, registry, runs)
    for name, handler in module.HANDLERS.items()
}
_PLACE = re.compile(r"/in/([^/]+)/([^/]+)/(\d{1,9})(?:/(\d{1,9}))?(?=/)")
_STREAMING = "artifacts.upload"
_WAY_OUT = "`jupyter mlplat mlflow` shows it: set MLFLOW_TRACKING_TOKEN."


class MlflowApi(AnsweringApp):
    """Serves the table of routes to whoever has the token.

    Args:
        engine: Does what is asked.
        token: What a caller has to send as `Authorization: Bearer …`.
    """

    def __init__(self, engine: "Engine", token: str) -> None:
        super().__init__(engine, ROUTES, HANDLERS)
        self._token = token.encode()
        self._memory = Memory()

    async def answer(self, request: Request) -> Response:
        check_host(request)
        path = path_of(request)
        place = None
        if (spoken := _PLACE.match(path)) is not None:
            run, step, attempt, trial = spoken.groups()
            place = StepPlace(run, step, int(attempt), None if trial is None else int(trial))
            path = path[spoken.end() :]
        if path == "/health":  # tells nothing, and so asks for nothing
            return PlainTextResponse("OK")
        check_bearer(request, self._token, _WAY_OUT)
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
        asked = self.asked(request, {})
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

    def refuse(self, error: PlatformError) -> Response:
        status, body = status_of(error)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return JSONResponse(body, status, headers)


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
