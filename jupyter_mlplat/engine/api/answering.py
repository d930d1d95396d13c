"""What every API of the engine's does with a request, whoever's shapes it speaks."""

import hmac
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jupyter_mlplat.engine.api.requests import Asked
from jupyter_mlplat.errors import PlatformError, Unauthenticated
from jupyter_mlplat.kit.files import confined

if TYPE_CHECKING:
    from types import ModuleType

    from jupyter_mlplat.engine.engine import Engine

_log = logging.getLogger(__name__)

Handler = Callable[["Engine", Asked], Awaitable[Response]]


class Named(Protocol):
    """A route of a table."""

    @property
    def name(self) -> str: ...


def collect_handlers(modules: "Iterable[ModuleType]") -> Mapping[str, Handler]:
    """Put the handlers of several modules together, by the name of their route."""
    return {name: handler for module in modules for name, handler in module.HANDLERS.items()}


class AnsweringApp(ABC):
    """An ASGI application that serves a table of routes and nothing else.

    Args:
        engine: Does what is asked.
        routes: The table.
        handlers: Who answers, by the name of the route: one for each.
    """

    def __init__(
        self, engine: "Engine", routes: Iterable[Named], handlers: Mapping[str, object]
    ) -> None:
        named = {route.name for route in routes}
        if named != handlers.keys():
            raise RuntimeError(f"Routes and handlers differ: {sorted(named ^ handlers.keys())}.")
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self.answer(request)
        except PlatformError as error:
            response = self.refuse(error)
        except ClientDisconnect:
            return
        except Exception:
            _log.exception("%s %s failed", request.method, request.url.path)
            response = self.refuse(
                PlatformError(
                    f"Cannot answer {request.method} {request.url.path}: the engine made a "
                    "mistake. engine.log has the details."
                )
            )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    @abstractmethod
    async def answer(self, request: Request) -> Response:
        """Find out what is asked, and by whom, and have it done."""

    @abstractmethod
    def refuse(self, error: PlatformError) -> Response:
        """Say in this API's shape why something was not done."""

    def asked(self, request: Request, segments: Mapping[str, str]) -> Asked:
        """Return the request as handlers see it."""
        config = self._engine.config
        confine = None if config.files_root is None else partial(confined, config.files_root)
        return Asked(request, segments, config.body_limit_bytes, confine)


def check_bearer(request: Request, token: bytes, way_out: str) -> None:
    """Let only those pass who know the token.

    Args:
        request: What has come.
        token: What a caller has to send as `Authorization: Bearer …`.
        way_out: Where the token is to be had, and where it goes.

    Raises:
        Unauthenticated: It was not sent.
    """
    kind, _, sent = request.headers.get("authorization", "").partition(" ")
    is_known = hmac.compare_digest(sent.strip().encode(), token)
    if kind.lower() != "bearer" or not is_known:
        raise Unauthenticated(f"Cannot answer without the token of this engine. {way_out}")


def path_of(request: Request) -> str:
    """Return the path of a request as it was sent, escapes and all."""
    raw: bytes = request.scope.get("raw_path", b"")
    return raw.split(b"?", 1)[0].decode("ascii", "replace")
