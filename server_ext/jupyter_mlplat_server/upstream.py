"""The line to the engine: HTTP/1.1, by its Unix socket or the network, in the server's own loop."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from jupyter_mlplat.client.link import EngineLink
from jupyter_mlplat.client.remote import enclose
from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat.resources.routes import Route

PIECE_BYTES = 64 * 1024
_HEAD_LIMIT_BYTES = 64 * 1024
_CONNECT_TIMEOUT_S = 10.0
_GONE = (FileNotFoundError, ConnectionRefusedError)


@dataclass
class UpstreamResponse:
    """An answer of the engine, its body still unread."""

    status: int
    headers: dict[str, str]  # names in lower case
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter = field(repr=False)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; whoever is slow to take a piece slows the engine down.

        Raises:
            Unavailable: The engine went away in the middle.
        """
        try:
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                async for piece in self._read_chunks():
                    yield piece
            else:
                async for piece in self._read_counted():
                    yield piece
        except (ConnectionError, asyncio.IncompleteReadError, ValueError) as error:
            raise Unavailable(
                "The engine went away in the middle of an answer. Ask again."
            ) from error

    async def read(self) -> bytes:
        """Return the whole body."""
        return b"".join([piece async for piece in self.pieces()])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def _read_chunks(self) -> AsyncIterator[bytes]:
        while size := int((await self._reader.readuntil(b"\n")).split(b";")[0], 16):
            async for piece in self._read_exactly(size):
                yield piece
            await self._reader.readexactly(2)

    async def _read_counted(self) -> AsyncIterator[bytes]:
        length = self.headers.get("content-length")
        if length is not None:
            async for piece in self._read_exactly(int(length)):
                yield piece
            return
        while piece := await self._reader.read(PIECE_BYTES):
            yield piece

    async def _read_exactly(self, size: int) -> AsyncIterator[bytes]:
        while size:
            piece = await self._reader.read(min(size, PIECE_BYTES))
            if not piece:
                raise asyncio.IncompleteReadError(b"", size)
            size -= len(piece)
            yield piece


class Upstream:
    """Sends requests to the engine and starts it when somebody first needs it."""

    def __init__(self, link: EngineLink) -> None:
        self._link = link
        self._starting = asyncio.Lock()

    def enclose(self, route: Route, body: bytes) -> bytes:
        """Put the content of a notebook beside its path where the engine cannot read it."""
        if self._link.remote is None:
            return body
        found = json.loads(body)
        enclosed = enclose(route, found)
        return body if enclosed is found else json.dumps(enclosed).encode()

    async def send(
        self, verb: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> UpstreamResponse:
        """Send one request; once more, where that is harmless, when the engine dies over it.

        Raises:
            PlatformError: There is no engine and none could be started.
            Unavailable: It went away before it answered.
        """
        attempts = 2 if verb == "GET" or "Idempotency-Key" in headers else 1
        while True:
            attempts -= 1
            try:
                return await self._exchange(self._encode(verb, target, headers, body))
            except (ConnectionError, asyncio.IncompleteReadError, ValueError) as error:
                self._link.forget_engine()
                if not attempts:
                    raise Unavailable(
                        "The engine went away before it answered. Ask again."
                    ) from error

    async def _exchange(self, message: bytes) -> UpstreamResponse:
        reader, writer = await self._connect()
        try:
            writer.write(message)
            await writer.drain()
            status, headers = await _read_head(reader)
        except BaseException:
            writer.close()
            raise
        return UpstreamResponse(status, headers, reader, writer)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        await self._ensure()
        with contextlib.suppress(*_GONE):
            return await self._open()
        self._link.forget_engine()
        await self._ensure()
        try:
            return await self._open()
        except OSError as error:
            raise Unavailable(f"Cannot reach the engine: {error}. Ask again.") from error

    async def _ensure(self) -> None:
        if self._link.is_checked:
            return
        # Looking and starting take their time and block: not in the server's loop, and once.
        async with self._starting:
            await asyncio.to_thread(self._link.ensure_engine)

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        remote = self._link.remote
        if remote is None:
            path = str(self._link.home.socket)
            return await asyncio.open_unix_connection(path, limit=_HEAD_LIMIT_BYTES)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                return await asyncio.open_connection(
                    remote.host,
                    remote.port,
                    ssl=remote.tls() if remote.is_secure else None,
                    limit=_HEAD_LIMIT_BYTES,
                )
        except OSError as error:
            why = str(error) or "no answer"
            raise Unavailable(
                f"Cannot reach the engine at {str(remote)!r}: {why}. Ask again."
            ) from error

    def _encode(
        self, verb: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        sent = {"Host": "localhost", **headers}
        if (remote := self._link.remote) is not None:
            target, sent = remote.target(target), {**sent, **remote.headers()}
        return _write(f"{verb} {target} HTTP/1.1", sent, body)


def _write(first: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    lines = [first, "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise ValueError("the head of the answer is too long") from error
    first, *lines = head.rstrip("\r\n").split("\r\n")
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    return int(first.split(" ", 2)[1]), headers
