"""The engine's routes, each behind the server's own authentication and authorisation.

One handler class is made for every path of the route table, with exactly the verbs it lists. What
is neither in the table nor answered by this server itself (`examples`, `cards`) does not exist, and
a stranger is answered 403 whatever he asks for.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote

from jupyter_server.auth import User
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from jupyter_mlplat.client.connection import build_target
from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError
from jupyter_mlplat.resources.routes import PREFIX, ROUTES, USER_HEADER, Access, Answer, Route
from jupyter_mlplat_server.paths import resolve_body
from jupyter_mlplat_server.upstream import Upstream, UpstreamResponse

UPSTREAM, ROOT = "mlplat_upstream", "mlplat_root"  # names among the web application's settings
BODY_LIMIT_BYTES = 64 * 1024 * 1024  # a notebook with its outputs; the server itself takes 512 MiB

# Whoever may change anything here may have code run: there is no lesser right to hand out.
_ACTIONS = {Access.READ: "read", Access.WRITE: "execute", Access.ADMIN: "execute"}
_SENT_ON = ("Idempotency-Key", "Last-Event-ID")
_SENT_BACK = ("Content-Disposition", "X-Log-Size", "Location")
_SECRET_QUERY = frozenset({"token", "_xsrf"})
_CODES = {401: "unauthenticated", 403: "forbidden", 404: "not-found", 503: "unavailable"}

# One decoded path segment: no separators, no escapes, no control characters, not `.` or `..`.
_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[^/\\%?#;\x00-\x1f\x7f]{1,200}")

# The username that Jupyter Server gives to somebody who has shown a token only.
_DRAWN = re.compile(r"[0-9a-f]{32}")

Handlers = list[tuple[str, type[APIHandler]]]
Method = Callable[..., Awaitable[None] | None]


class PlatformHandler(APIHandler):
    """Lets in only whom the server knows, and answers errors as the engine does."""

    auth_resource = "mlplat"

    async def prepare(self) -> None:  # type: ignore[override] # as APIHandler has it
        """Turn strangers away, whatever the verb and the server's defaults for handlers."""
        await super().prepare()
        if not self._finished and not self.current_user:
            raise web.HTTPError(403)

    @property
    def content_security_policy(self) -> str:
        """Whatever an answer holds, a browser must not run it."""
        return f"{super().content_security_policy}; sandbox"

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer an error of the platform with its own status."""
        error = kwargs.get("exc_info", (None, None))[1]
        status = error.status if isinstance(error, PlatformError) else status_code
        super().send_error(status, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer every error as an ErrorBody."""
        error = kwargs.get("exc_info", (None, None))[1]
        body: dict[str, Any]
        if isinstance(error, PlatformError):
            body = {"code": error.code, "message": error.message, "details": dict(error.details)}
        else:
            code = _CODES.get(status_code, "invalid-input" if status_code < 500 else "internal")
            message = getattr(error, "log_message", None) or f"{self._reason}."
            body = {"code": code, "message": message, "details": {}}
        self.finish(json.dumps(body))

    def log_exception(self, *exc_info: Any) -> None:
        """Keep quiet about what the user is told anyway."""
        if not isinstance(exc_info[1], PlatformError):
            super().log_exception(*exc_info)


class RouteHandler(PlatformHandler):
    """Passes the requests of one path on to the engine."""

    _exchange: "asyncio.Task[None] | None" = None

    async def forward(self, route: Route, segments: dict[str, str]) -> None:
        """Check a request, send it on, and send the answer back until the reader hangs up."""
        target = self._build_target(route, segments)
        body = self._read_body()
        self._exchange = asyncio.create_task(self._pass_on(route, target, body))
        try:
            await self._exchange
        except (asyncio.CancelledError, StreamClosedError):
            return  # nobody is there to be answered

    def on_connection_close(self) -> None:
        """Hang up on the engine when the reader has gone."""
        if self._exchange is not None:
            self._exchange.cancel()
        super().on_connection_close()

    def _user_name(self) -> str | None:
        """Return who asks, as the server's identity provider knows; never as the browser says.

        Whoever has only a token gets a name drawn by chance, which says less than the account.
        """
        user = self.current_user
        if not isinstance(user, User) or _DRAWN.fullmatch(user.username):
            return None
        return user.username

    def _build_target(self, route: Route, segments: dict[str, str]) -> str:
        for name, value in segments.items():
            if not _SEGMENT.fullmatch(value):
                raise NotFound(f"{value!r} is no {name}.")
        query = parse_qsl(self.request.query, keep_blank_values=True)
        return build_target(
            route, segments, {name: value for name, value in query if name not in _SECRET_QUERY}
        )

    def _read_body(self) -> bytes | None:
        content: bytes = self.request.body
        if self.request.method in ("GET", "DELETE"):
            if content:
                raise InvalidInput(f"A {self.request.method} request takes no body.")
            return None
        if len(content) > BODY_LIMIT_BYTES:
            raise web.HTTPError(413, "The request is too large.")
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise InvalidInput(
                f"The request's Content-Type is {kind!r}: application/json is needed."
            )
        return resolve_body(content, self.settings[ROOT])

    async def _pass_on(self, route: Route, target: str, body: bytes | None) -> None:
        upstream: Upstream = self.settings[UPSTREAM]
        if body is not None:
            body = await asyncio.to_thread(upstream.enclose, route, body)
        asked = self.request.headers
        headers = {name: asked[name] for name in _SENT_ON if name in asked}
        headers["Content-Type"] = "application/json"
        if route.access is not Access.READ and (name := self._user_name()):
            headers[USER_HEADER] = quote(name, safe="")
        response = await upstream.send(route.verb, target, headers, body)
        try:
            await self._answer(route, response)
        finally:
            response.close()

    async def _answer(self, route: Route, response: UpstreamResponse) -> None:
        self.set_status(response.status)
        for name in _SENT_BACK:
            if name.lower() in response.headers:
                self.set_header(name, response.headers[name.lower()])
        if route.answer is Answer.BYTES and response.status == 200:
            # The engine says the same; a browser must save user-made bytes, never show them.
            self.set_header(
                "Content-Disposition", response.headers.get("content-disposition", "attachment")
            )
        if route.is_streaming:
            self.set_header("Cache-Control", "no-cache")
            self.set_header("X-Accel-Buffering", "no")
        kind = response.headers.get("content-type", "application/json")
        self.set_header("Content-Type", kind)
        if route.is_streaming:
            await self.flush()  # the reader learns at once that the stream is open
        if response.status != 204:
            async for piece in response.pieces():
                self.write(piece)
                await self.flush()
        self.finish(set_content_type=kind)


class UnknownRouteHandler(PlatformHandler):
    """Answers 404 below our prefix, so that nothing else can claim a path there."""

    async def prepare(self) -> None:  # type: ignore[override] # as APIHandler has it
        """Say so after a stranger was turned away."""
        await super().prepare()
        raise NotFound(f"The API has no route {self.request.path!r}.")


def build_handlers(base_url: str, *own: tuple[str, type[APIHandler]]) -> Handlers:
    """Make the handlers of all routes below the server's base URL.

    Args:
        base_url: Where the server answers.
        own: What this server answers by itself: patterns below our prefix, and their handlers.
    """
    root = re.escape(url_path_join(base_url, "mlplat"))
    paths: dict[str, list[Route]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, []).append(route)
    handlers: Handlers = [
        (root + re.escape(PREFIX) + routes[0].pattern.pattern, _make_handler(routes))
        for routes in paths.values()
    ]
    handlers += [(root + pattern, handler) for pattern, handler in own]
    return [*handlers, (f"{root}(?:/.*)?", UnknownRouteHandler)]


def _make_handler(routes: list[Route]) -> type[RouteHandler]:
    methods = {route.verb.lower(): _make_method(route) for route in routes}
    return type("RouteHandler", (RouteHandler,), methods)


def _make_method(route: Route) -> Method:
    async def method(self: RouteHandler, **segments: str) -> None:
        await self.forward(route, segments)

    authorise: Callable[[Method], Method] = authorized(_ACTIONS[route.access])
    authenticate: Callable[[Method], Method] = web.authenticated
    return authenticate(authorise(method))
