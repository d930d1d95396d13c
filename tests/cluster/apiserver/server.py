"""HTTP in front of the API: an ASGI application and a server of it in a thread of its own, on
loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.cluster.apiserver import watching
from tests.cluster.apiserver.api import Api, Watching
from tests.cluster.apiserver.faults import Dropped
from tests.cluster.apiserver.logs import Reading
from tests.cluster.apiserver.requests import Reply

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Application:
    """The ASGI application of one API."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.connections: dict[tuple[str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            body = await _body(receive)
            if (delay := self.api.faults.delay_s()) > 0:
                await asyncio.sleep(delay)
            headers: dict[str, str] = {}
            for name, value in scope["headers"]:
                key, text = name.decode().lower(), value.decode("latin-1")
                headers[key] = f"{headers[key]},{text}" if key in headers else text
            query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
            path = unquote(scope["path"]).rstrip("/") or "/"
            answer = self.api.handle(scope["method"], path, query, headers, body)
            if isinstance(answer, Watching):
                await self._stream_watch(answer, receive, send)
            elif isinstance(answer, Reading):
                await _stream(send, watching.follow(answer), "text/plain", receive)
            else:
                await _reply(send, answer)
        except Dropped:
            self.drop(scope)

    def drop(self, scope: Scope) -> None:
        """Cut the connection of a request."""
        protocol = self.connections.get(tuple(scope["client"]))
        if protocol is not None and protocol.transport is not None:
            protocol.transport.abort()

    async def _stream_watch(self, found: Watching, receive: Receive, send: Send) -> None:
        heard, end = watching.listen(self.api, found, asyncio.get_running_loop())
        try:
            await _stream(
                send, watching.events(self.api, found, heard), "application/json", receive
            )
        finally:
            end()


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Dropped
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _reply(send: Send, reply: Reply) -> None:
    body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **reply.headers,
    }
    packed = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.code, "headers": packed})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Send, chunks: Any, media: str, receive: Receive) -> None:
    """Send chunks as they come; stops when the client goes."""
    headers = [(b"content-type", media.encode()), (b"transfer-encoding", b"chunked")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": True})

    async def write() -> None:
        async for chunk in chunks:
            if chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    writer, leaver = asyncio.ensure_future(write()), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((writer, leaver), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (writer, leaver):
            task.cancel()
        for task in (writer, leaver):
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Server:
    """An API server that listens on loopback, in a thread of its own."""

    def __init__(
        self, api: Api, certificate: Path | None = None, key: Path | None = None, port: int = 0
    ) -> None:
        self.api = api
        self.application = Application(api)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        application = self.application

        class Protocol(HttpToolsProtocol):
            """Knows its connections, so that faults can cut them."""

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                if api.faults.outage:
                    transport.abort()
                elif self.client is not None:
                    application.connections[self.client] = self

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    application.connections.pop(self.client, None)
                super().connection_lost(exc)

        config = uvicorn.Config(
            application,
            http=Protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            log_level="critical",
            timeout_graceful_shutdown=0,
            ssl_certfile=str(certificate) if certificate else None,
            ssl_keyfile=str(key) if key else None,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="apiserver", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def start(self) -> Server:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError(
                    "Cannot start the API server: its thread has ended. See the traceback above."
                )
            threading.Event().wait(0.002)
        return self

    def stop(self) -> None:
        self.api.faults.watches.cut()
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(5)
        self._socket.close()
