"""What pods ask for that share no disk with the engine: a door of its own, a token an attempt."""

import asyncio
import contextlib
import logging
import re
import socket
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from jupyter_mlplat.engine.attempts import attempt_ref
from jupyter_mlplat.engine.listener import QuietServer
from jupyter_mlplat.errors import (
    InvalidInput,
    NotFound,
    PlatformError,
    Unauthenticated,
    Unavailable,
)
from jupyter_mlplat.launchers.kubernetes.receiving import PREFIX, Receiver

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_log = logging.getLogger(__name__)

_PATH = re.compile(
    re.escape(PREFIX) + r"/(run-[0-9a-z]{10,40})/([a-z0-9][a-z0-9._-]{0,62})/(\d{1,9})/([\w/:]+)"
)
_PIECE_BYTES = 64 * 2**20
_BACKLOG = 256
_KEEP_ALIVE_S = 30
_GRACE_S = 2
_SILENCE_S = 120  # between pieces of a body
_OPENING_S = 60.0  # so long after the door was opened, engines of profiles may not be there yet


class PodsApi:
    """Serves the pods of all engines of this process; everything else is not found."""

    def __init__(self) -> None:
        self.engines: list[Engine] = []
        self._since = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except PlatformError as error:
            body = {"code": error.code, "message": error.message}
            response = JSONResponse(body, error.status)
        except ClientDisconnect:
            return
        except Exception:
            _log.exception("%s %s failed", request.method, request.url.path)
            response = JSONResponse({"code": "internal", "message": "engine.log has it"}, 500)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = unquote(request.scope.get("raw_path", b"").split(b"?", 1)[0].decode("latin-1"))
        match = _PATH.fullmatch(path)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        read = asyncio.to_thread
        if match is None or scheme != "Bearer":
            raise NotFound("There is nothing here.")
        run, step, attempt, what = match.groups()
        engine, receiver = await self._find(run, step, int(attempt), token)
        verb, name = request.method, request.query_params.get("path", "")
        if what.startswith("blobs/"):
            return await self._blob(engine, verb, what.removeprefix("blobs/"), request)
        match verb, what:
            case "GET", "order":
                return _bytes(await read(receiver.order))
            case "GET", "slice":
                return _bytes(await read(receiver.slice))
            case "GET", "module":
                return _bytes(await read(receiver.module, name))
            case "POST", "claim":
                said = await request.json()
                await read(receiver.claim, said if isinstance(said, dict) else {})
            case "POST", "file":
                offset = request.query_params.get("offset", "")
                if not offset.isdigit():
                    raise InvalidInput("Say at which offset the piece begins.")
                piece = await _body(request)
                size = await read(receiver.append, name, int(offset), piece)
                if name == "events.jsonl":
                    engine.places.heard_of(run, step, int(attempt))
                return JSONResponse({"size": size})
            case "PUT", "file":
                await read(receiver.put, name, await _body(request))
            case "PUT", "result":
                await read(receiver.finish, await _body(request))
                engine.places.heard_of(run, step, int(attempt))
            case _:
                raise NotFound("There is nothing here.")
        return JSONResponse({})

    async def _find(
        self, run: str, step: str, attempt: int, token: str
    ) -> "tuple[Engine, Receiver]":
        """Return the engine whose attempt a token opens.

        Raises:
            Unauthenticated: It opens none.
            Unavailable: It opens none yet: engines are still being opened.
        """
        for engine in self.engines:
            ref = attempt_ref(engine.home, run, step, attempt)
            with contextlib.suppress(Unauthenticated):
                return engine, await asyncio.to_thread(Receiver, engine.home, ref, token)
        if time.monotonic() - self._since < _OPENING_S:
            raise Unavailable("This attempt is not known yet.")
        raise Unauthenticated("This token opens no attempt that is to run.")

    async def _blob(self, engine: "Engine", verb: str, digest: str, request: Request) -> Response:
        blobs, read = engine.blobs, asyncio.to_thread
        if verb == "PUT":
            queue = _Pieces(request, asyncio.get_running_loop())
            filling = asyncio.create_task(queue.fill())
            try:
                found, _ = await read(blobs.put_stream, queue)
            finally:
                queue.close()
                filling.cancel()
                with contextlib.suppress(asyncio.CancelledError, ClientDisconnect):
                    await filling
            if found != digest:
                raise InvalidInput(f"What was sent has the digest {found}, not {digest}.")
            return JSONResponse({})
        size = await read(blobs.get_size, digest)
        if verb == "HEAD":
            return Response(headers={"X-Size": str(size)})
        if verb != "GET":
            raise NotFound("There is nothing here.")
        pieces = blobs.iterate(digest)

        async def give() -> AsyncIterator[bytes]:
            while (piece := await read(next, pieces, b"")) != b"":
                yield piece

        headers = {"Content-Length": str(size)}
        return StreamingResponse(give(), 200, headers, "application/octet-stream")


class _Pieces:
    """A request's body for a writer in a thread: a piece at a time, as fast as it writes."""

    def __init__(self, request: Request, loop: asyncio.AbstractEventLoop) -> None:
        self._request = request
        self._loop = loop
        self._queue: asyncio.Queue[bytes | BaseException] = asyncio.Queue(4)
        self._closed = False

    async def fill(self) -> None:
        try:
            async for piece in self._request.stream():
                if piece:
                    await self._queue.put(piece)
            await self._queue.put(b"")
        except ClientDisconnect as error:
            await self._queue.put(error)

    def close(self) -> None:
        self._closed = True

    def __iter__(self) -> "_Pieces":
        return self

    def __next__(self) -> bytes:
        piece = asyncio.run_coroutine_threadsafe(self._queue.get(), self._loop).result(_SILENCE_S)
        if isinstance(piece, BaseException):
            raise Unavailable("The pod has hung up before all was there.")
        if not piece:
            raise StopIteration
        return piece


async def _body(request: Request) -> bytes:
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > _PIECE_BYTES:
            raise InvalidInput("A piece has at most 64 MiB.")
    return bytes(found)


def _bytes(content: bytes) -> Response:
    return Response(content, media_type="application/octet-stream")


_doors: dict[str, "PodDoor"] = {}


class PodDoor:
    """Listens for pods, for as long as an engine of this process wants to hear them.

    Args:
        address: `HOST:PORT`, as the settings say.
    """

    @classmethod
    def at(cls, address: str) -> "PodDoor":
        """Return the door at an address: engines of several profiles share it."""
        return _doors.setdefault(address, cls(address))

    def __init__(self, address: str) -> None:
        self._address = address
        self._api = PodsApi()
        self.port = 0  # once it listens
        self._server: QuietServer | None = None
        self._serving: asyncio.Task[None] | None = None

    def open(self, engine: "Engine") -> None:
        """Listen for an engine's pods from now on.

        Raises:
            Unavailable: The address is in use, or none of this machine's.
        """
        if self._server is not None:
            self._api.engines.append(engine)
            return
        host, _, port = self._address.rpartition(":")
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), int(port)))
            listener.listen(_BACKLOG)
            self.port = listener.getsockname()[1]
        except (OSError, ValueError, OverflowError) as error:
            listener.close()
            raise Unavailable(
                f"Cannot listen for pods at {self._address!r}: {error}. Set another 'listen' below "
                'the [cluster.…] of config.toml that has exchange = "http".'
            ) from error
        config = uvicorn.Config(
            self._api,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._api.engines.append(engine)
        self._server = QuietServer(config)
        self._serving = asyncio.get_running_loop().create_task(
            self._server.serve(sockets=[listener])
        )
        _log.info("Pods are heard at %s", self._address)

    async def close(self, engine: "Engine") -> None:
        """Listen for this engine no longer; nobody is left to listen for: shut."""
        with contextlib.suppress(ValueError):
            self._api.engines.remove(engine)
        server, serving = self._server, self._serving
        if not self._api.engines and server is not None and serving is not None:
            _doors.pop(self._address, None)
            self._server = None
            server.should_exit = True
            await asyncio.wait([serving])
