"""HTTP calls to routers: predictions over the endpoint's port, orders over its control socket."""

import http.client
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mlplat.errors import ExecutionFailed, InvalidInput, Unavailable
from jupyter_mlplat.ports.serving import LoadReport, Tally
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.serving import Endpoint

CONTROL_TIMEOUT_S = 5.0
PREDICT_TIMEOUT_S = 90.0  # more than the router itself waits for a model


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Give a name for a socket that fits into a socket address, however long its path is."""
    if len(os.fsencode(path)) <= 100:
        yield str(path)
        return
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=CONTROL_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with reachable(self._path) as address:
            self.sock.connect(address)


def control(path: Path, method: str, target: str) -> dict[str, Any]:
    """Call a router's control socket.

    Raises:
        OSError: It does not answer.
    """
    connection = _UnixConnection(path)
    try:
        connection.request(method, target)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
        if response.status != 200:
            raise OSError(f"The router refused {target}: {answer.get('error')}")
        return answer
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"The router answered {target} with nonsense: {error}") from error
    finally:
        connection.close()


def measure(path: Path) -> LoadReport:
    """Ask a router what its revisions have answered.

    Raises:
        OSError: It does not answer, or knows no such question.
    """
    report = control(path, "GET", "/load")
    copies = [
        (
            copy["age_s"],
            {int(number): Tally(*tally) for number, tally in copy["revisions"].items()},
        )
        for copy in report["copies"]
    ]
    return LoadReport(report["age_s"], report["bounds_s"], copies, report["unrouted"])


def predict(endpoint: Endpoint, instances: list[JsonValue]) -> tuple[JsonValue, int | None]:
    """Send rows to an endpoint; see `ServingLauncher.predict`."""
    address = endpoint.url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=PREDICT_TIMEOUT_S)
    body = json.dumps({"instances": instances}, allow_nan=False).encode()
    try:
        connection.request(
            "POST",
            f"/v1/models/{endpoint.name}:predict",
            body,
            {"Content-Type": "application/json"},
        )
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(
            f"Cannot reach endpoint {endpoint.name!r} at {endpoint.url}: {error}."
        ) from error
    finally:
        connection.close()
    revision = response.headers.get("x-mlplat-revision")
    if response.status == 200:
        return answer["predictions"], int(revision) if revision else None
    message = str(answer.get("error", f"status {response.status}"))
    if response.status < 500:
        raise InvalidInput(message)
    if response.status in (502, 503, 504):
        raise Unavailable(message)
    raise ExecutionFailed(message)
