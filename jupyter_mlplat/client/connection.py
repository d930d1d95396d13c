"""One HTTP exchange with the engine, by its Unix socket or the network; errors as they were."""

import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jupyter_mlplat.client.remote import RemoteEngine, enclose
from jupyter_mlplat.errors import InvalidInput, PlatformError, Unavailable, from_body
from jupyter_mlplat.resources.routes import PREFIX, Route

_WITH_BODY = ("POST", "PUT", "PATCH")


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection to a Unix socket."""

    def __init__(self, path: Path, timeout_s: float | None) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


def build_target(
    route: Route, segments: Mapping[str, object], query: Mapping[str, object | None]
) -> str:
    """Write the path and query of a request; every segment is percent-encoded."""
    path = route.path.format(
        **{name: quote(str(value), safe="") for name, value in segments.items()}
    )
    asked = {name: value for name, value in query.items() if value is not None}
    return PREFIX + path + (f"?{urlencode(asked)}" if asked else "")


def send(
    engine: Path | RemoteEngine,
    route: Route,
    target: str,
    body: object | None = None,
    headers: Iterable[tuple[str, str]] = (),
    timeout_s: float | None = None,
) -> http.client.HTTPResponse:
    """Send one request and return its answer, unread; closing it closes the connection.

    The engine is named by its socket, or by its address.

    Raises:
        InvalidInput: The body holds what JSON cannot.
        PlatformError: The engine's own error, when the answer is not 2xx.
        OSError: Nobody listens, the connection broke, or the time ran out.
    """
    connection: http.client.HTTPConnection
    sent = dict(headers)
    if isinstance(engine, Path):
        connection = UnixConnection(engine, timeout_s)
    else:
        connection, target = engine.connect(timeout_s), engine.target(target)
        sent, body = {**sent, **engine.headers()}, enclose(route, body)
    if route.verb != "GET":
        sent["Content-Type"] = "application/json"
    content = _encode({} if body is None else body) if route.verb in _WITH_BODY else None
    try:
        connection.request(route.verb, target, content, {**sent, "Connection": "close"})
        response = connection.getresponse()
    except BaseException:
        connection.close()
        raise
    if response.status >= 300:
        with response:
            raise read_error(response.status, response.read())
    return response


def _encode(body: object) -> str:
    return json.dumps(body, default=_to_plain)


def _to_plain(value: Any) -> Any:
    """Turn what numpy and pandas give for a number or a column into plain values."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise InvalidInput(
        f"Cannot send {value!r}: a {type(value).__name__} is no plain value. "
        "Give numbers, text, lists and dicts."
    )


def read_error(status: int, content: bytes) -> PlatformError:
    """Turn the body of an answer that is not 2xx into the error it stands for."""
    try:
        body: Any = json.loads(content)
    except ValueError:
        body = None
    if isinstance(body, dict) and "message" in body:
        return from_body(body)
    text = content.decode(errors="replace").strip()[:500]
    return Unavailable(f"The engine answered {status} without a reason it could name: {text!r}.")
