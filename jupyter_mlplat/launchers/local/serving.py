"""Routers and model servers as processes of this machine.

Everything is in the endpoint's directory, so that a new engine finds what an old one started:
`routing.json`, `router/{process.json,control.sock,log}`,
`revisions/<n>/{server.json,process.json,failure.json,link.sock,log}`.
"""

import asyncio
import errno
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jupyter_mlplat.errors import Conflict, Unavailable
from jupyter_mlplat.kit.files import make_private_directory, write_atomically
from jupyter_mlplat.launchers.local import serving_calls
from jupyter_mlplat.launchers.local.serving_process import ServingProcess, adopt, start
from jupyter_mlplat.ports.serving import (
    EndpointReport,
    LoadReport,
    LogPiece,
    ServerOrder,
    ServerReport,
    ServerState,
)
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.serving import Endpoint
from jupyter_mlplat.serving.process import ALREADY_RUNNING, NOT_LOADABLE
from jupyter_mlplat.serving.routing import (
    CONTROL,
    REVISIONS,
    ROUTER,
    ROUTING,
    Routing,
)

LOG_BYTES = 256 * 2**10
READY_POLL_S = 0.02
ROUTER_START_S = 10.0
DRAIN_S = 10.0
LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class _Running:
    """What is known of an endpoint's processes."""

    router: ServingProcess | None = None
    servers: dict[int, ServingProcess] = field(default_factory=dict)
    ended: dict[int, ServerReport] = field(default_factory=dict)
    ready: frozenset[int] = frozenset()
    watching: "asyncio.Task[None] | None" = None


class LocalServingLauncher:
    """Implements `ports.serving.ServingLauncher`.

    Args:
        root: Directory that has one directory per endpoint.
        python: Interpreter for routers and model servers.
        predict_timeout_s: A prediction that takes longer ends its model server.
    """

    def __init__(
        self, root: Path, python: str = sys.executable, predict_timeout_s: float = 60.0
    ) -> None:
        self._root = root
        self._python = python
        self._predict_timeout_s = predict_timeout_s
        self._running: dict[str, _Running] = {}
        self._reserved: dict[str, socket.socket] = {}
        self._on_change: Callable[[str], None] = lambda endpoint: None

    def bind(self, on_change: Callable[[str], None]) -> None:
        self._on_change = on_change

    # what runs
    def observe(self, endpoint: str) -> EndpointReport:
        running = self._of(endpoint)
        servers = dict(running.ended)
        for number in running.servers:
            is_ready = number in running.ready
            servers[number] = ServerReport(ServerState.READY if is_ready else ServerState.STARTING)
        return EndpointReport(running.router is not None, servers)

    async def adopt(self, endpoint: str) -> None:
        running = self._of(endpoint)
        directory = self._root / endpoint
        self._adopt_router(endpoint)
        for path in (directory / REVISIONS).glob("*/server.json"):
            self._adopt_server(endpoint, int(path.parent.name))
        if running.router is not None:
            await self._refresh(endpoint)
            self._watch_starting(endpoint)

    def _adopt_router(self, endpoint: str) -> bool:
        directory = self._root / endpoint / ROUTER
        process = adopt(directory, partial(self._router_ended, endpoint))
        if process is not None:
            self._of(endpoint).router = process
        return process is not None

    def _adopt_server(self, endpoint: str, number: int) -> bool:
        directory = self._root / endpoint / REVISIONS / str(number)
        process = adopt(directory, partial(self._server_ended, endpoint, number))
        if process is not None:
            self._of(endpoint).servers[number] = process
        return process is not None

    def read_log(self, endpoint: str, revision: int | None, offset: int | None = None) -> LogPiece:
        directory = self._root / endpoint
        part = ROUTER if revision is None else f"{REVISIONS}/{revision}"
        try:
            with (directory / part / "log").open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - LOG_BYTES) if offset is None else min(offset, size))
                return LogPiece(file.read(LOG_BYTES), size)
        except FileNotFoundError:
            return LogPiece()

    # the router
    def reserve_port(self, endpoint: str, port: int | None) -> int:
        listener = _listen(endpoint, port or 0)
        self._reserved[endpoint] = listener
        reserved: int = listener.getsockname()[1]
        return reserved

    async def start_router(self, endpoint: str, port: int) -> None:
        # An engine that was killed while it started one may have left one it told nobody of.
        if self._adopt_router(endpoint):
            return await self._until_controllable(endpoint)
        directory = self._directory(endpoint)
        listener = self._reserved.pop(endpoint, None) or _listen(endpoint, port)
        if not (directory / ROUTING).exists():
            self._write_routing(endpoint, {}, {})
        (directory / ROUTER / CONTROL).unlink(missing_ok=True)
        handle = listener.fileno()
        with listener:
            self._of(endpoint).router = start(
                [
                    *self._module("jupyter_mlplat.serving.router"),
                    "--directory",
                    str(directory),
                    "--listen-fd",
                    str(handle),
                ],
                make_private_directory(directory / ROUTER),
                partial(self._router_ended, endpoint),
                (handle,),
            )
        return await self._until_controllable(endpoint)

    async def _until_controllable(self, endpoint: str) -> None:
        """Wait until the router takes orders: from then on it serves."""
        running = self._of(endpoint)
        path = self._root / endpoint / ROUTER / CONTROL
        deadline = asyncio.get_running_loop().time() + ROUTER_START_S
        while asyncio.get_running_loop().time() < deadline and running.router is not None:
            if path.exists() and await self._refresh(endpoint):
                return
            await asyncio.sleep(READY_POLL_S)
        lines = self.read_log(endpoint, None).content.decode(errors="replace").strip().splitlines()
        raise Unavailable(
            f"Cannot start the router of endpoint {endpoint!r}: "
            f"{lines[-1] if lines else 'it said nothing'}"
        )

    async def route(
        self, endpoint: str, versions: Mapping[int, int], percent: Mapping[int, int]
    ) -> None:
        self._write_routing(endpoint, versions, percent)
        path = self._root / endpoint / ROUTER / CONTROL
        try:
            status = await asyncio.to_thread(serving_calls.control, path, "POST", "/reload")
            deadline = asyncio.get_running_loop().time() + DRAIN_S
            while status["retiring"] and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(READY_POLL_S)
                status = await asyncio.to_thread(serving_calls.control, path, "GET", "/status")
        except OSError as error:
            raise Unavailable(
                f"Cannot give the router of endpoint {endpoint!r} its orders: {error}."
            ) from error
        self._of(endpoint).ready = frozenset(status["ready"])
        self._watch_starting(endpoint)

    def _write_routing(
        self, endpoint: str, versions: Mapping[int, int], percent: Mapping[int, int]
    ) -> None:
        write_atomically(
            self._directory(endpoint) / ROUTING,
            Routing(endpoint, versions, percent, self._predict_timeout_s).to_json(),
            durable=True,
        )

    # model servers
    async def start_server(self, order: ServerOrder) -> None:
        endpoint, number = order.endpoint, order.revision
        running = self._of(endpoint)
        running.ended.pop(number, None)
        if self._adopt_server(endpoint, number):
            return
        revisions = make_private_directory(self._directory(endpoint) / REVISIONS)
        directory = make_private_directory(revisions / str(number))
        (directory / "failure.json").unlink(missing_ok=True)
        model = order.model.version
        orders = {
            "endpoint": endpoint,
            "revision": number,
            "model": model.model,
            "version": model.version,
            "format": model.format,
            "path": str(order.model.path),
            "digest": order.model.digest,
            "trusted": order.trust_pickle,
            "signature": model.signature.to_wire(),
            "release": _release(),
            "timeout_s": self._predict_timeout_s,
        }
        write_atomically(directory / "server.json", json.dumps(orders).encode(), durable=True)
        running.servers[number] = start(
            [
                *self._module("jupyter_mlplat.serving.server"),
                "--config",
                str(directory / "server.json"),
            ],
            directory,
            partial(self._server_ended, endpoint, number),
        )
        self._watch_starting(endpoint)

    async def stop_server(self, endpoint: str, revision: int) -> None:
        running = self._of(endpoint)
        process = running.servers.get(revision)
        if process is not None:
            await process.stop()
        running.ended.pop(revision, None)

    async def stop(self, endpoint: str) -> None:
        running = self._of(endpoint)
        if running.router is not None:
            await running.router.stop()
        await asyncio.gather(*(process.stop() for process in list(running.servers.values())))
        running.ended.clear()
        running.ready = frozenset()

    async def remove(self, endpoint: str) -> None:
        await self.stop(endpoint)
        running = self._running.pop(endpoint)
        if running.watching is not None:
            running.watching.cancel()
        if listener := self._reserved.pop(endpoint, None):
            listener.close()
        directory = self._root / endpoint
        if directory.exists():
            await asyncio.to_thread(shutil.rmtree, directory)

    async def measure(self, endpoint: str) -> LoadReport | None:
        if self._of(endpoint).router is None:
            return None
        path = self._root / endpoint / ROUTER / CONTROL
        try:
            return await asyncio.to_thread(serving_calls.measure, path)
        except OSError as error:
            raise Unavailable(
                f"Cannot read what endpoint {endpoint!r} has answered: {error}. "
                "If its router is of an older version, stop the endpoint and start it again."
            ) from error

    async def predict(
        self, endpoint: Endpoint, instances: list[JsonValue]
    ) -> tuple[JsonValue, int | None]:
        return await asyncio.to_thread(serving_calls.predict, endpoint, instances)

    async def close(self) -> None:
        for running in self._running.values():
            if running.watching is not None:
                running.watching.cancel()
            for process in (running.router, *running.servers.values()):
                if process is not None:
                    process.forget()
        for listener in self._reserved.values():
            listener.close()
        self._running.clear()
        self._reserved.clear()

    # noticing
    def _router_ended(self, endpoint: str, status: int | None) -> None:
        running = self._of(endpoint)
        running.router = None
        running.ready = frozenset()
        self._on_change(endpoint)

    def _server_ended(self, endpoint: str, number: int, status: int | None) -> None:
        running = self._of(endpoint)
        running.servers.pop(number, None)
        running.ready -= {number}
        directory = self._root / endpoint / REVISIONS / str(number)
        running.ended[number] = _epitaph(endpoint, number, directory, status)
        self._on_change(endpoint)

    def _watch_starting(self, endpoint: str) -> None:
        """Look out for servers that become ready, while there are any that are not."""
        running = self._of(endpoint)
        if running.watching is None or running.watching.done():
            running.watching = asyncio.create_task(self._until_all_ready(endpoint))

    async def _until_all_ready(self, endpoint: str) -> None:
        running = self._of(endpoint)
        wait_s = READY_POLL_S
        while running.router is not None and running.servers.keys() - running.ready:
            before = running.ready
            await self._refresh(endpoint)
            if running.ready != before:
                self._on_change(endpoint)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 1.02, 0.5)

    async def _refresh(self, endpoint: str) -> bool:
        """Ask the router who is in rotation; False if it does not answer."""
        path = self._root / endpoint / ROUTER / CONTROL
        running = self._of(endpoint)
        try:
            status = await asyncio.to_thread(serving_calls.control, path, "GET", "/status")
        except OSError:
            return False  # starting, or ending: then its end is told
        running.ready = frozenset(status["ready"]) & running.servers.keys()
        return True

    # small things
    def _of(self, endpoint: str) -> _Running:
        return self._running.setdefault(endpoint, _Running())

    def _directory(self, endpoint: str) -> Path:
        make_private_directory(self._root)
        return make_private_directory(self._root / endpoint)

    def _module(self, name: str) -> tuple[str, ...]:
        # -I: neither the working directory nor PYTHONPATH may slip in another module.
        return (self._python, "-I", "-m", name)


def _listen(endpoint: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        what = {
            errno.EADDRINUSE: "another program listens there",
            errno.EACCES: "this user may not listen there",
        }.get(error.errno or 0, str(error))
        raise Conflict(
            f"Cannot serve endpoint {endpoint!r} on port {port}: {what}. "
            "Choose another port, or none for a free one."
        ) from error
    return listener


def _epitaph(endpoint: str, number: int, directory: Path, status: int | None) -> ServerReport:
    """Say why a server ended."""
    if status == NOT_LOADABLE:
        try:
            message = json.loads((directory / "failure.json").read_text())["message"]
            return ServerReport(ServerState.ENDED, str(message), is_final=True)
        except (OSError, ValueError, KeyError):
            pass  # its log will have to do
    what = f"Revision {number} of endpoint {endpoint!r}"
    if status == ALREADY_RUNNING:
        return ServerReport(ServerState.ENDED, f"{what} already runs in another process.")
    if status is None:
        return ServerReport(ServerState.ENDED, f"{what} ended.")
    if status == -signal.SIGALRM:
        return ServerReport(
            ServerState.ENDED, f"{what} was ended because a prediction took too long."
        )
    if status < 0:
        name = signal.Signals(-status).name
        hint = " (out of memory?)" if -status == signal.SIGKILL else ""
        return ServerReport(ServerState.ENDED, f"{what} was killed by {name}{hint}.")
    return ServerReport(ServerState.ENDED, f"{what} ended with status {status}; see its log.")


def _release() -> str:
    try:
        return version("jupyter_mlplat")
    except PackageNotFoundError:
        return "0"
