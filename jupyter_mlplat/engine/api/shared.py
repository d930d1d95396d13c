"""The API for many: who asks, of which profile, may they; then that profile's engine answers.

Every request passes, in this order: the names we answer to, no page of another site, who asks, how
often, which profile, a route of the table, the cluster's leave. Then it is as if it had come by
that profile's own socket; nothing the caller says of itself gets that far. Each is written down.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from jupyter_mlplat.engine.api.answering import path_of
from jupyter_mlplat.engine.api.audit import AuditLog, Entry
from jupyter_mlplat.engine.api.identity import Identities, User, profile_of
from jupyter_mlplat.engine.api.permissions import Permissions
from jupyter_mlplat.engine.api.rates import Rates
from jupyter_mlplat.engine.api.requests import segments_of
from jupyter_mlplat.engine.api.rooting import UnrootedAnswer, rooted_query
from jupyter_mlplat.engine.tenants import Tenants
from jupyter_mlplat.errors import Forbidden, NotFound, PlatformError
from jupyter_mlplat.resources.engine import ErrorBody
from jupyter_mlplat.resources.routes import PREFIX, USER_HEADER, Route, find_route

_log = logging.getLogger(__name__)

HEALTH = "/healthz"
_LOOK_AGAIN_S = 30.0
_SENT_ON = frozenset(
    {b"accept", b"content-length", b"content-type", b"idempotency-key", b"last-event-id"}
    | {b"transfer-encoding"}
)
_SAME_SITE = frozenset({"", "same-origin", "none"})


class SharedApi:
    """An ASGI application. Belongs to the event loop.

    Args:
        tenants: The profiles' engines.
        identities: Tells who asks.
        permissions: Tells what they may do.
        rates: How often they may ask.
        audit: Where it is written down.
        hosts: Names we answer to; none: any.
        now: Unix time.
    """

    def __init__(
        self,
        tenants: Tenants,
        identities: Identities,
        permissions: Permissions,
        rates: Rates,
        audit: AuditLog,
        hosts: tuple[str, ...] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tenants, self._identities, self._permissions = tenants, identities, permissions
        self._rates, self._audit = rates, audit
        self._hosts = frozenset(host.lower() for host in hosts)
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.method == "GET" and path_of(request) == HEALTH:
            await PlainTextResponse("ok\n")(scope, receive, send)
            return
        address = request.client.host if request.client else ""
        entry = Entry(request.method[:20], address)
        is_begun = False

        async def noting(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                entry.status = message["status"]
                self._audit.write(entry)
            await send(message)

        try:
            await self._serve(request, entry, noting)
        except ClientDisconnect:
            return
        except PlatformError as error:
            if not is_begun:
                entry.code = error.code
                await _refusal(error)(scope, receive, noting)
        except Exception:
            _log.exception("%s %s failed", request.method, path_of(request))
            if not is_begun:
                mistake = PlatformError(
                    "Cannot answer: the engine made a mistake. Its log has the details."
                )
                entry.code = mistake.code
                await _refusal(mistake)(scope, receive, noting)

    async def _serve(self, request: Request, entry: Entry, send: Send) -> None:
        self._check_site(request)
        user = await self._identities.of(request)
        entry.user = user.name
        self._rates.take(user.name)
        profile, path = profile_of(request, path_of(request), user)
        entry.profile = profile
        found = (
            find_route(request.method, path.removeprefix(PREFIX))
            if path.startswith(PREFIX)
            else None
        )
        if found is None:
            raise NotFound(f"The API has no {request.method} {path[:200]!r}.")
        route, raw = found
        entry.route, entry.object = route.name, segments_of(raw)
        await self._permissions.check(user, profile, route)
        async with self._tenants.using(profile) as tenant:
            scope = _as_from_inside(request.scope, path, user)
            scope["query_string"] = rooted_query(scope["query_string"], tenant.files)
            send = UnrootedAnswer(send, route, tenant.files)
            if route.is_streaming:
                await self._stream(tenant.api, scope, request, send, user, profile, route)
            else:
                await tenant.api(scope, request.receive, send)

    async def _stream(
        self,
        api: Callable[[Scope, Receive, Send], object],
        scope: Scope,
        request: Request,
        send: Send,
        user: User,
        profile: str,
        route: Route,
    ) -> None:
        """Answer as long as the user may know: leave is asked for again and again."""

        async def answer() -> None:
            await api(scope, request.receive, send)  # type: ignore[misc] # an ASGI application

        answering = asyncio.create_task(answer())
        try:
            while not answering.done():
                await asyncio.wait((answering,), timeout=self._patience(user))
                if not answering.done():
                    if user.expires_at is not None and self._now() >= user.expires_at:
                        break
                    await self._permissions.check(user, profile, route)
            if answering.done():
                answering.result()
        finally:
            if not answering.done():
                answering.cancel()
                await asyncio.wait((answering,))
        # The connection breaks off in the middle; whoever may, opens the stream again from there.

    def _patience(self, user: User) -> float:
        if user.expires_at is None:
            return _LOOK_AGAIN_S
        return max(0.0, min(_LOOK_AGAIN_S, user.expires_at - self._now()))

    def _check_site(self, request: Request) -> None:
        """Refuse foreign names and foreign pages; a proxy may let a browser in by a cookie."""
        host = request.headers.get("host", "")
        name = (urlsplit(f"//{host}").hostname or "") if _is_plain(host) else ""
        if not name or (self._hosts and name not in self._hosts):
            raise Forbidden(f"Cannot answer for host {host[:200]!r}: it is none of the engine's.")
        origin = request.headers.get("origin")
        is_own = origin is None or urlsplit(origin).netloc.lower() == host.lower()
        if not is_own or request.headers.get("sec-fetch-site", "") not in _SAME_SITE:
            raise Forbidden("Cannot answer a page of another site.")


def _is_plain(host: str) -> bool:
    return len(host) <= 255 and not set(host) & set("/@?#\\ ")


def _as_from_inside(scope: Scope, path: str, user: User) -> Scope:
    """Make a request look as if the user's own server had sent it through the profile's socket."""
    headers = [(name, value) for name, value in scope["headers"] if name in _SENT_ON]
    headers += [
        (b"host", b"localhost"),
        (USER_HEADER.lower().encode(), quote(user.name, safe="").encode()),
    ]
    return {**scope, "headers": headers, "path": path, "raw_path": path.encode("ascii", "replace")}


def _refusal(error: PlatformError) -> Response:
    body = ErrorBody(code=error.code, message=error.message, details=dict(error.details))
    response = JSONResponse(body.to_wire(), error.status)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.status in (429, 503):
        response.headers["Retry-After"] = "5"
    return response
