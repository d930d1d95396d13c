"""A door on TCP: one loopback port, one token, kept in a file that only its owner may read."""

import asyncio
import contextlib
import json
import logging
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from jupyter_mlplat.errors import Forbidden, Unavailable
from jupyter_mlplat.kit import files
from jupyter_mlplat.resources.engine import Door

_log = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_TOKEN_BYTES = 32
_BACKLOG = 128
_GRACE_S = 2
_KEEP_ALIVE_S = 30


class QuietServer(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise them again before we have put things away."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """Opens and shuts the door. Belongs to the event loop.

    Args:
        path: Where port and token are kept as long as the door is to be open, for the next engine.
        make_app: Makes what answers, given the token it has to ask for.
        port: 0: any that is free, once somebody asks for it; None: the door stays shut.
        what: What is served, for people.
        setting: Which setting says so.
    """

    def __init__(
        self,
        path: Path,
        make_app: Callable[[str], ASGIApp],
        port: int | None,
        what: str = "KFP's API",
        setting: str = "kfp_api",
    ) -> None:
        self._path = path
        self._make_app = make_app
        self._port = port
        self._what, self._setting = what, setting
        self._server: QuietServer | None = None
        self._serving: asyncio.Task[None] | None = None
        self.door: Door | None = None

    def resume(self) -> None:
        """Open the door if it was open when the last engine ended, or has a port of its own.

        Whoever has the address and the token goes on as before.
        """
        if self._port or (self._port == 0 and self._path.exists()):
            try:
                self.open()
            except (OSError, Unavailable):
                _log.exception("Could not listen as before")

    def open(self) -> Door:
        """Listen from now on.

        Raises:
            Forbidden: The settings say that nothing is to listen.
            Unavailable: The port that the settings name is in use.
        """
        if self.door is not None:
            return self.door
        if self._port is None:
            raise Forbidden(
                f"Cannot open {self._what}: the engine's settings shut it. Set {self._setting} = "
                '"on-demand" below [engine] in its config.toml and start it again.'
            )
        port, token = self._remembered()
        listener = self._bind(port)
        door = Door(host=f"http://{_HOST}:{listener.getsockname()[1]}", token=token)
        kept = {"port": listener.getsockname()[1], "token": token}
        files.write_atomically(self._path, json.dumps(kept).encode())
        self._server = QuietServer(
            uvicorn.Config(
                self._make_app(token),
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
        )
        serving = _serve(self._server, listener)
        self._serving = asyncio.get_running_loop().create_task(serving)
        self.door = door
        _log.info("%s is served at %s", self._what, door.host)
        return door

    async def close(self, *, is_for_good: bool) -> None:
        """Stop listening; for good: the token is worth nothing from now on."""
        server, serving = self._server, self._serving
        self.door = self._server = self._serving = None
        if is_for_good:
            self._path.unlink(missing_ok=True)
        if server is not None and serving is not None:
            server.should_exit = True
            await asyncio.wait([serving])

    def _remembered(self) -> tuple[int, str]:
        """Return the last port and token, or a port that is free and a new token."""
        try:
            kept = json.loads(self._path.read_bytes())
            port, token = int(kept["port"]), str(kept["token"])
        except (OSError, ValueError, KeyError, TypeError):
            port, token = 0, ""
        if len(token) < _TOKEN_BYTES:  # none of ours: whoever sent nothing would be let in
            token = secrets.token_urlsafe(_TOKEN_BYTES)
        return self._port or port, token

    def _bind(self, port: int) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            try:
                listener.bind((_HOST, port))
            except OSError as error:
                if self._port:
                    raise Unavailable(
                        f"Cannot serve {self._what} at port {port}: {error.strerror}. Set another "
                        f'{self._setting} below [engine] in config.toml, or "on-demand" for any '
                        "port."
                    ) from error
                listener.bind((_HOST, 0))  # the old port is somebody else's by now
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener


async def _serve(server: QuietServer, listener: socket.socket) -> None:
    with contextlib.closing(listener):
        await server.serve(sockets=[listener])
