"""A real Jupyter server with the extension, in front of an engine that only listens."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.engine import FakeEngine, fake_engine
from tests.jupyter import jupyter_server

ROOT = Path(__file__).parents[3]
TOKEN = "canary-token-4f1b"
START_S = 120  # on two busy cores; 3 on quiet ones


@dataclass(frozen=True)
class Server:
    """A running Jupyter server."""

    port: int
    log: Path
    files: Path

    def send(
        self,
        verb: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = TOKEN,
    ) -> http.client.HTTPResponse:
        """Ask for a path below the base URL; the answer's body is still unread."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"token {token}"
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(verb, f"/user/x{path}", content, {**sent, "Connection": "close"})
        return connection.getresponse()

    def ask(
        self, verb: str, path: str, body: object = None, **options: object
    ) -> tuple[int, object]:
        """Return the status and the JSON body."""
        with self.send(verb, path, body, **options) as response:  # type: ignore[arg-type]
            content = response.read()
            return response.status, json.loads(content) if content else None


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEngine]:
    with fake_engine(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(autouse=True)
def _forget(request: pytest.FixtureRequest) -> None:
    if "engine" in request.fixturenames:
        fake = request.getfixturevalue("engine")
        fake.answers.clear()
        fake.asked.clear()


@pytest.fixture(scope="module")
def server(engine: FakeEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from run_server(engine.home.root, tmp_path_factory.mktemp("files"))


def run_server(home: Path, files: Path) -> Iterator[Server]:
    port = find_port()
    log = files.with_name(f"{files.name}.log")
    environment = {
        **os.environ,
        "MLPLAT_HOME": str(home),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'server_ext'}",
        "JUPYTER_CONFIG_DIR": str(files / ".none"),
        "JUPYTER_TOKEN": TOKEN,
    }
    command = [
        *(*jupyter_server("jupyter_server"), "--no-browser", "--allow-root"),
        f"--ServerApp.root_dir={files}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.base_url=/user/x/",
        "--ServerApp.allow_unauthenticated_access=False",
        "--ServerApp.jpserver_extensions=jupyter_mlplat_server=True",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        running = Server(port, log, files)
        wait_for(running, process)
        yield running
    finally:
        process.terminate()
        process.wait(20)


def wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if server.ask("GET", "/api/status")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(server.log.read_text())


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
