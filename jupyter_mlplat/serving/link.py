"""Frames between router and model server: many requests at once over one Unix socket.

A request frame is `id, head length, body length`, then the head (method, target, content type and
binary header length, a line each), then the body. A response frame is `id, status, length`, then a
whole rendered HTTP response. The router parses neither body, and one read or write carries as many
frames as are there. The server speaks first: a response frame numbered 0, its version as status.
"""

import asyncio
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import cast

from jupyter_mlplat.serving.exchange import Exchange

_REQUEST = struct.Struct("!III")
_RESPONSE = struct.Struct("!IHI")

CONTENT_TYPE = b"content-type"
BINARY_HEADER = b"inference-header-content-length"

HELLO = 0
"""Number of the frame with which a server greets: a process that dies may still take connections
(its socket listens until the last), but it says nothing any more."""

VERSION = 1
"""Of this protocol; sent as the greeting's status."""


def encode_request(number: int, exchange: Exchange) -> bytes:
    """Pack a request; only the headers that matter to a model travel."""
    headers = exchange.headers
    head = b"%b\n%b\n%b\n%b" % (
        exchange.method,
        exchange.target,
        headers.get(CONTENT_TYPE, b""),
        headers.get(BINARY_HEADER, b""),
    )
    return b"%b%b%b" % (
        _REQUEST.pack(number, len(head), len(exchange.body)),
        head,
        exchange.body,
    )


class LinkExchange(Exchange):
    """A request that came over a link."""

    __slots__ = ("number", "transport")

    def __init__(
        self,
        number: int,
        transport: asyncio.Transport,
        method: bytes,
        target: bytes,
        headers: dict[bytes, bytes],
        body: bytes,
    ) -> None:
        super().__init__(method, target, headers, body)
        self.number = number
        self.transport = transport

    def send(self, response: bytes, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(_RESPONSE.pack(self.number, status, len(response)) + response)


class _Frames(asyncio.Protocol, ABC):
    """Cuts what arrives into frames; a large frame is put together once, not at each read."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._have = 0
        self._need = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._have += len(data)
        if self._have < self._need:
            return
        buffer = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        used, self._need = self._take(buffer)
        self._parts = [buffer[used:]] if used < len(buffer) else []
        self._have = len(buffer) - used

    def close(self) -> None:
        """Send what is still to be sent, then hang up."""
        if self._transport is not None:
            self._transport.close()

    @abstractmethod
    def _take(self, buffer: bytes) -> tuple[int, int]:
        """Handle the whole frames in `buffer`; returns the bytes used and those the next needs."""


class LinkServer(_Frames):
    """The model server's end: turns frames into exchanges; `links` holds those that are open."""

    def __init__(
        self, handle: Callable[[Exchange], None], links: "set[LinkServer] | None" = None
    ) -> None:
        super().__init__()
        self._handle = handle
        self._links = links if links is not None else set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._links.add(self)
        if self._transport is not None:
            self._transport.write(_RESPONSE.pack(HELLO, VERSION, 0))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._links.discard(self)

    def _take(self, buffer: bytes) -> tuple[int, int]:
        at, end, header = 0, len(buffer), _REQUEST.size
        transport = self._transport
        while end - at >= header and transport is not None:
            number, head_length, body_length = _REQUEST.unpack_from(buffer, at)
            body_at = at + header + head_length
            if end < body_at + body_length:
                return at, header + head_length + body_length
            method, target, content_type, binary = buffer[at + header : body_at].split(b"\n")
            at = body_at + body_length
            headers = {CONTENT_TYPE: content_type, BINARY_HEADER: binary}
            self._handle(
                LinkExchange(number, transport, method, target, headers, buffer[body_at:at])
            )
        return at, header


class LinkClient(_Frames):
    """The router's end: sends frames, gives each answer to `on_response(number, status, response)`.

    `on_ready` is called when the server has greeted; before that nothing should be sent. `on_lost`
    is called once when the server has gone; what was sent and not answered is lost with it.
    """

    def __init__(
        self,
        on_ready: Callable[["LinkClient"], None],
        on_response: Callable[[int, int, bytes], None],
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__()
        self._on_ready = on_ready
        self._on_response = on_response
        self._on_lost = on_lost

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._on_lost()

    def request(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.write(frame)

    def _take(self, buffer: bytes) -> tuple[int, int]:
        at, end, header = 0, len(buffer), _RESPONSE.size
        while end - at >= header:
            number, status, length = _RESPONSE.unpack_from(buffer, at)
            if end - at < header + length:
                return at, header + length
            if number != HELLO:
                self._on_response(number, status, buffer[at + header : at + header + length])
            elif status == VERSION:
                self._on_ready(self)
            else:
                self.close()
            at += header + length
        return at, header
