"""The way into an engine that many share: a port on the network, with TLS; and its profiles."""

import asyncio
import contextlib
import logging
import socket
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from jupyter_mlplat.config import EngineConfig
from jupyter_mlplat.engine.api.audit import AuditLog
from jupyter_mlplat.engine.api.identity import Identities
from jupyter_mlplat.engine.api.keys import Keys
from jupyter_mlplat.engine.api.permissions import Permissions
from jupyter_mlplat.engine.api.rates import Rates
from jupyter_mlplat.engine.api.shared import SharedApi
from jupyter_mlplat.engine.listener import QuietServer
from jupyter_mlplat.engine.sharing import ServerConfig
from jupyter_mlplat.engine.tenants import Stop, Tenant, Tenants, config_of_profile, open_engine
from jupyter_mlplat.errors import InvalidInput, Unavailable
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.reviewing import Reviewer

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_log = logging.getLogger(__name__)

_BACKLOG = 1024
_CONNECTIONS = 2000  # at once, streams included; whoever comes later is told 503
_KEEP_ALIVE_S = 30
_GRACE_S = 2
_LOOK_AT_CERTIFICATE_S = 60.0


class Gate:
    """Lets people in. Belongs to the event loop.

    Args:
        home: The engine's own state directory; profiles lie below it.
        config: The engine's settings.
        server: How it is shared.
        reviewer: Knows who may do what.
    """

    def __init__(
        self, home: Home, config: EngineConfig, server: ServerConfig, reviewer: Reviewer
    ) -> None:
        if server.oidc and find_spec("jwt") is None:
            raise InvalidInput(
                "Cannot check tokens: PyJWT is not installed. Install jupyter_mlplat[oidc]."
            )
        self._server, self._reviewer = server, reviewer
        self._config = config
        self._audit = AuditLog(home.audit)
        self.tenants = Tenants(home.profiles, self._open, server.profiles_open)
        app = SharedApi(
            self.tenants,
            Identities([(oidc, Keys(oidc)) for oidc in server.oidc], server.proxy),
            Permissions(reviewer),
            Rates(server.requests_per_second),
            self._audit,
            server.hosts,
        )
        self._port = Port(app, server)

    @property
    def address(self) -> str:
        return self._port.address

    async def open(self) -> None:
        """Listen, and take up what profiles were at.

        Raises:
            Unavailable: The address is in use.
        """
        await self.tenants.resume()
        self._port.open()
        _log.info("Shared at %s", self.address)

    async def close(self) -> None:
        """Stop listening and put all profiles away."""
        await self._port.close(asyncio.create_task(self.tenants.close()))
        await self._reviewer.close()
        self._audit.close()

    async def _open(self, home: Home, stop: Stop) -> Tenant:
        config = config_of_profile(self._config, self._server, home)
        return await open_engine(home, config, stop, self._server.database)


def own_config(config: EngineConfig, server: ServerConfig) -> EngineConfig:
    """Return the settings of a shared engine's own part, which its Unix socket leads to."""
    return replace(config, idle_shutdown_s=float("inf"), runs_here=server.local)


class Port:
    """One listening address."""

    def __init__(self, app: "ASGIApp", server: ServerConfig) -> None:
        self._server_config = server
        self._config = uvicorn.Config(
            app,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # who calls is what the socket says
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=server.tls_cert,
            ssl_keyfile=server.tls_key,
        )
        self._server = QuietServer(self._config)
        self._tasks: list[asyncio.Task[None]] = []
        self._listener: socket.socket | None = None

    @property
    def address(self) -> str:
        scheme = "http" if self._server_config.tls_cert is None else "https"
        host = self._server_config.host
        port = self._listener.getsockname()[1] if self._listener else self._server_config.port
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def open(self) -> None:
        """Listen from now on.

        Raises:
            Unavailable: The address is in use, or the certificate cannot be read.
        """
        config = self._server_config
        try:
            family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
            self._listener = socket.create_server(
                (config.host, config.port), family=family, backlog=_BACKLOG
            )
            self._config.load()
        except OSError as error:
            raise Unavailable(
                f"Cannot listen on {config.address!r}: {error}. Set another address, or mend the "
                "certificate, below [server] in config.toml."
            ) from error
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._server.serve(sockets=[self._listener]))]
        if config.tls_cert is not None and config.tls_key is not None:
            self._tasks.append(loop.create_task(self._renew(config.tls_cert, config.tls_key)))

    async def close(self, leaving: "asyncio.Task[None]") -> None:
        """Stop listening, once those who are in have been asked to leave."""
        serving, *others = [*self._tasks, None]
        for task in others:
            if task is not None:
                task.cancel()
        self._server.should_exit = True
        await leaving
        if serving is not None:
            await asyncio.wait([serving])
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.close()

    async def _renew(self, cert: Path, key: Path) -> None:
        """Take in a new certificate without a restart."""
        seen = cert.stat().st_mtime_ns
        while True:
            await asyncio.sleep(_LOOK_AT_CERTIFICATE_S)
            try:
                now = cert.stat().st_mtime_ns
                if now != seen and self._config.ssl is not None:
                    self._config.ssl.load_cert_chain(cert, key)
                    seen = now
                    _log.info("Took in the new certificate %s", cert)
            except OSError as error:
                _log.warning("Cannot read the certificate %s: %s", cert, error)
