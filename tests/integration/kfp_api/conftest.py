"""An engine whose KFP API is open, and a plain HTTP caller of it."""

import http.client
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from jupyter_mlplat.resources.engine import Door
from tests.integration.engine.conftest import (  # noqa: F401 - fixtures
    EngineProcess,
    engine,
    running,
    short_dir,
    write_notebook,
)

PREFIX = "/apis/v2beta1"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


class Caller:
    """Calls the API as any HTTP client would."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def __call__(
        self,
        verb: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        content = json.dumps(body).encode() if body is not None else None
        return self.send(verb, path, content, query, {"Content-Type": "application/json"}, headers)

    def send(
        self,
        verb: str,
        path: str,
        content: bytes | None,
        query: Mapping[str, object] | None = None,
        *headers: Mapping[str, str] | None,
    ) -> Answer:
        address = urlsplit(self.door.host)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        sent = {"Authorization": f"Bearer {self.door.token}"}
        for more in headers:
            sent |= more or {}
        target = PREFIX + path + (f"?{urlencode(query)}" if query else "")
        try:
            connection.request(verb, target, content, sent)
            response = connection.getresponse()
            text = response.read()
            return Answer(response.status, json.loads(text or b"null"), dict(response.headers))
        finally:
            connection.close()

    def upload(self, path: str, file: str, content: bytes, **query: object) -> Answer:
        boundary = "a-boundary"
        form = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="uploadfile"; '
            f'filename="{file}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        ).encode()
        form += content + f"\r\n--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self.send("POST", path, form, query, kind)


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    """The API of an engine that many tests ask, for those that leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="mlp-"))
    engine = EngineProcess(folder / "home").start()  # noqa: F811
    yield Caller(engine.client.open_kfp())
    engine.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def call(running: EngineProcess) -> Caller:  # noqa: F811
    """The API of a running engine."""
    return Caller(running.client.open_kfp())
