"""HTTP/1.1 as the data plane needs it: strict, bounded, pipelining, one callback per whole request.

Parsing is llhttp (through httptools) in its strict mode, which refuses what request smuggling is
made of: both lengths, two lengths, bare line feeds, odd codings. Everything a caller can make grow
has a bound in `Limits`.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import httptools

from jupyter_mlplat.serving.exchange import Exchange, Refusal

_LOCAL = re.compile(
    rb"(localhost|[a-z0-9-]{1,63}\.localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one caller can take from the process."""

    body_bytes: int = 64 * 2**20
    head_bytes: int = 16 * 2**10
    receive_s: float = 30.0  # from a request's first byte to its last: a slow sender is cut off
    idle_s: float = 75.0  # between requests, as nginx
    connections: int = 1000
    pipelined: int = 64  # answers outstanding on one connection before it is no longer read
    write_buffer_bytes: int = 4 * 2**20  # a caller that does not read its answers is cut off


def is_local(authority: bytes) -> bool:
    """Tell whether a Host header names this machine: what a rebound DNS name never does."""
    return _LOCAL.fullmatch(authority) is not None


class HttpServer:
    """The connections of one listener, their limits and the handler that answers.

    Args:
        handle: Called with each complete request; must not raise and must not block.
        is_allowed_host: Decides on the Host header (and on Origin's host).
        limits: Bounds.
    """

    def __init__(
        self,
        handle: Callable[[Exchange], None],
        is_allowed_host: Callable[[bytes], bool] = is_local,
        limits: Limits | None = None,
    ) -> None:
        self.handle = handle
        self.is_allowed_host = is_allowed_host
        self.limits = limits or Limits()
        self.connections: set[Connection] = set()
        self.closing = False
        self._known_hosts: set[bytes] = set()

    def protocol(self) -> "Connection":
        return Connection(self)

    def allows(self, authority: bytes) -> bool:
        """Decide on a Host value; the few that occur are remembered."""
        if authority in self._known_hosts:
            return True
        if not self.is_allowed_host(authority):
            return False
        if len(self._known_hosts) < 64:
            self._known_hosts.add(authority)
        return True

    async def sweep(self) -> None:
        """Cut off, once a second and for ever, the connections whose time is up."""
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            for connection in [c for c in self.connections if c.deadline < now]:
                connection.time_is_up()

    async def drain(self, timeout_s: float) -> None:
        """Answer what has been asked, tell the callers to go, and close."""
        self.closing = True
        deadline = time.monotonic() + timeout_s
        while any(c.pending for c in self.connections) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.close()


class HttpExchange(Exchange):
    """A request that came over a connection; answers leave in the order of the requests."""

    __slots__ = ("connection", "keep_alive", "response")

    def __init__(
        self,
        connection: "Connection",
        method: bytes,
        target: bytes,
        headers: dict[bytes, bytes],
        body: bytes,
        keep_alive: bool,
    ) -> None:
        super().__init__(method, target, headers, body)
        self.connection = connection
        self.keep_alive = keep_alive
        self.response: bytes | None = None

    def send(self, response: bytes, status: int) -> None:
        if self.response is None:
            self.response = response
            self.connection.flush()


class Connection(asyncio.Protocol):
    """One caller. `deadline` is when it is cut off, on the monotonic clock."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.limits = server.limits
        self.deadline = time.monotonic() + self.limits.idle_s
        self.pending: deque[HttpExchange] = deque()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._receiving = False
        self._paused = False
        self._last = False  # the answer queued last is the last of the connection
        self._reset()

    def _reset(self) -> None:
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._chunks: list[bytes] = []
        self._head_bytes = 0
        self._body_bytes = 0
        self._refusal: Refusal | None = None

    # asyncio's side
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass
        self._transport = transport
        transport.set_write_buffer_limits(high=self.limits.write_buffer_bytes)
        if len(self.server.connections) >= self.limits.connections:
            self._fail(
                Refusal(503, f"Cannot take more than {self.limits.connections} connections.")
            )
            return
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._last:
            return
        if not self._receiving:
            self._receiving = True
            self.deadline = time.monotonic() + self.limits.receive_s
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = True  # what follows is not HTTP/1.1; the request itself is answered
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if not isinstance(cause, Refusal):
                raise
            self._fail(cause)
        except httptools.HttpParserError as error:
            self._fail(Refusal(400, f"Cannot read the request: {error}. Send HTTP/1.1."))

    def pause_writing(self) -> None:
        # The bound on unread answers is reached: this caller reads more slowly than it asks.
        if self._transport is not None:
            self._transport.abort()

    # the parser's side
    def on_message_begin(self) -> None:
        self._reset()

    def on_url(self, target: bytes) -> None:
        self._target += target
        self._count_head(len(target))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value))
        name = name.lower()
        if name == b"host" and name in self._headers:
            raise Refusal(400, "Cannot tell which host is meant: there are two Host headers.")
        self._headers[name] = value

    def _count_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > self.limits.head_bytes:
            raise Refusal(
                431, f"Cannot read a request head of more than {self.limits.head_bytes} bytes."
            )

    def on_headers_complete(self) -> None:
        headers = self._headers
        self._refusal = self._check_caller(headers)
        if self._refusal is not None:
            return
        length = headers.get(b"content-length")
        if length is not None and int(length) > self.limits.body_bytes:
            raise self._too_large()
        expect = headers.get(b"expect")
        if expect is not None:
            if expect.lower() != b"100-continue":
                raise Refusal(417, f"Cannot meet the expectation {expect.decode('latin-1')!r}.")
            if self._transport is not None and not self.pending:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _check_caller(self, headers: dict[bytes, bytes]) -> Refusal | None:
        host = headers.get(b"host")
        if host is None:
            if self._parser.get_http_version() == "1.0":
                return None
            return Refusal(400, "Cannot serve a request without a Host header.")
        if not self.server.allows(host):
            return Refusal(
                403,
                f"Cannot serve requests for host {host.decode('latin-1')!r}: only this machine's "
                "own names are served (localhost, 127.0.0.1).",
            )
        origin = headers.get(b"origin")
        if origin is not None and not self.server.allows(origin.partition(b"://")[2]):
            return Refusal(
                403, f"Cannot serve a page of {origin.decode('latin-1')!r}: it is another site."
            )
        return None

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            f"Cannot take a body of more than {self.limits.body_bytes} bytes. Send fewer rows a "
            "request.",
        )

    def on_body(self, chunk: bytes) -> None:
        self._body_bytes += len(chunk)
        if self._body_bytes > self.limits.body_bytes:
            raise self._too_large()
        if self._refusal is None:
            self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        self._receiving = False
        parser = self._parser
        keep_alive = (
            parser.should_keep_alive() and not parser.should_upgrade() and not self.server.closing
        )
        chunks = self._chunks
        exchange = HttpExchange(
            self,
            parser.get_method(),
            self._target,
            self._headers,
            chunks[0] if len(chunks) == 1 else b"".join(chunks),
            keep_alive,
        )
        self._chunks = []
        self.pending.append(exchange)
        if not keep_alive:
            self._last = True
        if len(self.pending) >= self.limits.pipelined and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        if self._refusal is not None:
            exchange.refuse(self._refusal)
        else:
            self.server.handle(exchange)

    # answering
    def flush(self) -> None:
        """Write the answers that are ready, in the order of their requests."""
        pending, transport = self.pending, self._transport
        while pending and (response := pending[0].response) is not None:
            exchange = pending.popleft()
            if transport is None or transport.is_closing():
                continue
            if exchange.keep_alive:
                transport.write(response)
            else:
                head, _, rest = response.partition(b"\r\n")
                transport.write(head + b"\r\nconnection: close\r\n" + rest)
                transport.close()
        if pending or transport is None or transport.is_closing():
            return
        if not self._receiving:
            self.deadline = time.monotonic() + self.limits.idle_s
        if self._paused:
            self._paused = False
            transport.resume_reading()

    def _fail(self, refusal: Refusal) -> None:
        """Answer what cannot be parsed any further, after what came before it, and close."""
        self._last = True
        exchange = HttpExchange(self, b"", b"", {}, b"", keep_alive=False)
        self.pending.append(exchange)
        exchange.refuse(refusal)

    def time_is_up(self) -> None:
        if self.pending:
            return  # the handler has a time-out of its own
        if self._receiving:
            self._fail(
                Refusal(
                    408, f"Cannot wait for a request for more than {self.limits.receive_s:g} s."
                )
            )
        else:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
