"""One request and the place its answer goes, whichever transport it came by."""

from abc import ABC, abstractmethod

import orjson

JSON = b"application/json"

REASONS = {
    200: b"OK",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    415: b"Unsupported Media Type",
    417: b"Expectation Failed",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}

_HEADS = {
    status: b"HTTP/1.1 %d %b\r\ncontent-type: " % (status, reason)
    for status, reason in REASONS.items()
}


class Refusal(Exception):
    """The request cannot be served, and this is why; becomes the protocol's error body.

    Attributes:
        status: 4xx when the caller must change the request, 5xx when the server is at fault.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def render(
    status: int, body: bytes, content_type: bytes = JSON, extra: bytes = b"", has_body: bool = True
) -> bytes:
    """Render a whole HTTP/1.1 response; `extra` is zero or more complete header lines."""
    return b"%b%b\r\ncontent-length: %d\r\n%b\r\n%b" % (
        _HEADS[status],
        content_type,
        len(body),
        extra,
        body if has_body else b"",
    )


def error_body(message: str) -> bytes:
    """Both protocols spell an error the same way."""
    return orjson.dumps({"error": message})


class Exchange(ABC):
    """A request with its answer still open; answered exactly once.

    Transports subclass it and implement `send`, which takes a rendered response and drops it
    quietly where the caller has gone.
    """

    __slots__ = ("body", "headers", "method", "target")

    def __init__(self, method: bytes, target: bytes, headers: dict[bytes, bytes], body: bytes):
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body

    @abstractmethod
    def send(self, response: bytes, status: int) -> None: ...

    def answer(
        self, body: bytes, status: int = 200, content_type: bytes = JSON, extra: bytes = b""
    ) -> None:
        self.send(render(status, body, content_type, extra, self.method != b"HEAD"), status)

    def refuse(self, refusal: Refusal, extra: bytes = b"") -> None:
        self.answer(error_body(refusal.message), refusal.status, extra=extra)
