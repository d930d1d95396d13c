"""The application: what every request must pass, its handler, its errors."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jupyter_mlplat.engine.api.answering import (
    AnsweringApp,
    check_bearer,
    collect_handlers,
    path_of,
)
from jupyter_mlplat.engine.api.hosts import check_host
from jupyter_mlplat.engine.api.kfp import experiments, general, pipelines, recurring_runs, runs
from jupyter_mlplat.engine.api.kfp.routes import OPEN, PREFIX, ROUTES, find_route
from jupyter_mlplat.engine.api.requests import segments_of
from jupyter_mlplat.errors import NotFound, PlatformError
from jupyter_mlplat.services.kfp_api.statuses import status_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

HANDLERS = collect_handlers((experiments, general, pipelines, recurring_runs, runs))
_WAY_OUT = "`jupyter mlplat kfp` shows it: kfp.Client(host=…, existing_token=…)."


class KfpApi(AnsweringApp):
    """Serves the table of routes to whoever has the token.

    Args:
        engine: Does what is asked.
        token: What a caller has to send as `Authorization: Bearer …`.
    """

    def __init__(self, engine: "Engine", token: str) -> None:
        super().__init__(engine, ROUTES, HANDLERS)
        self._token = token.encode()

    async def answer(self, request: Request) -> Response:
        check_host(request)
        path = path_of(request)
        found = None
        if path.startswith(PREFIX + "/"):
            found = find_route(request.method, path.removeprefix(PREFIX))
        if found is None or found[0].name not in OPEN:
            check_bearer(request, self._token, _WAY_OUT)
        if found is None:
            raise NotFound(
                f"There is no {request.method} {path!r} here. KFP's API v2beta1 lies below "
                f"{PREFIX!r}."
            )
        self._engine.note_request()
        route, raw = found
        return await HANDLERS[route.name](self._engine, self.asked(request, segments_of(raw)))

    def refuse(self, error: PlatformError) -> Response:
        http, status = status_of(error)
        headers = {"WWW-Authenticate": "Bearer"} if http == 401 else None
        return JSONResponse(status.to_wire(), http, headers)
