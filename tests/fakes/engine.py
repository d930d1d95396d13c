"""An engine that only listens: every route, canned answers, a record of what was asked."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute

import jupyter_mlplat
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.resources.routes import PREFIX, ROUTES, Answer, Route

Answerer = Callable[["Asked"], Any]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    route: str
    segments: dict[str, str]
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class FakeEngine:
    """Answers with `answers[route name]`: a value, a Response, or a function of the request.

    Without an answer of its own a route echoes what it was asked.
    """

    home: Home
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def requests(self, route: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.route == route]

    async def handle(self, route: Route, request: Request) -> Response:
        content = await request.body()
        asked = Asked(
            route=route.name,
            segments=dict(request.path_params),
            query=dict(request.query_params),
            body=json.loads(content) if content else None,
            headers=dict(request.headers),
        )
        self.asked.append(asked)
        answer = self.answers.get(route.name, self._default)
        try:
            value = answer
            if callable(answer) and not isinstance(answer, Response):
                value = answer(asked)
        except PlatformError as error:
            body = {"code": error.code, "message": error.message, "details": dict(error.details)}
            return JSONResponse(body, status_code=error.status)
        if isinstance(value, Response):
            return value
        if route.answer is Answer.EMPTY:
            return Response(status_code=204)
        return JSONResponse(value)

    def _default(self, asked: Asked) -> Any:
        if asked.route == "engine.get":
            return status(self.home)
        return {"route": asked.route, "segments": asked.segments, "query": asked.query}


def status(home: Home, **changes: Any) -> dict[str, Any]:
    return {
        "version": jupyter_mlplat.__version__,
        "pid": 4711,
        "home": str(home.root),
        "started_at": "2026-11-20T12:00:00Z",
        "fence": 3,
        "cpu_total": 2,
        "memory_total_bytes": 8 * 2**30,
        "last_event": 7,
        **changes,
    }


@contextmanager
def fake_engine(root: Path, **answers: Any) -> Iterator[FakeEngine]:
    """Run a fake engine on the socket of a state directory. `__` in a keyword stands for a dot."""
    engine = FakeEngine(
        Home(root), {name.replace("__", "."): answer for name, answer in answers.items()}
    )

    def endpoint(route: Route) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Response:
            return await engine.handle(route, request)

        return handle

    app = Starlette(
        routes=[
            StarletteRoute(PREFIX + route.path, endpoint(route), methods=[route.verb])
            for route in ROUTES
        ]
    )
    config = uvicorn.Config(
        app,
        uds=str(engine.home.socket),
        log_level="error",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive(), "the fake engine ended at once"
        assert time.monotonic() < deadline, "the fake engine did not start"
        time.sleep(0.005)
    try:
        yield engine
    finally:
        server.should_exit = True
        thread.join(10)
