"""The link to one engine: who answers, starting it, repeating what may be repeated."""

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from jupyter_mlplat.client import connection, launching
from jupyter_mlplat.client.remote import RemoteEngine
from jupyter_mlplat.errors import Conflict, Forbidden, Unavailable
from jupyter_mlplat.kit.home import Home, default_home
from jupyter_mlplat.resources.routes import BY_NAME, Route

TIMEOUT_S = 120.0
_PING_TIMEOUT_S = 10.0
_RETRY_PAUSES_S = (0.05, 0.2, 1.0)
_NEVER_SENT = (FileNotFoundError, ConnectionRefusedError)

T = TypeVar("T")


class EngineLink:
    """Sends requests of the route table to the engine of one state directory.

    Thread-safe: every request is its own connection. An engine is started where none answers,
    and replaced where one of another version answers that has nothing to do.
    """

    def __init__(self, home: str | Path | None = None, *, start: bool = True) -> None:
        """Name an engine by its state directory; nothing is contacted yet.

        Where the environment names an engine on the network, that one is meant by default.

        Args:
            home: The state directory; by default `MLPLAT_HOME`, else the user's data directory.
            start: Whether to start an engine where none answers.
        """
        self.home = Home(Path(home).expanduser().absolute() if home else default_home())
        is_default = home is None or self.home.root == default_home()
        self.remote = RemoteEngine.named() if is_default else None
        self._may_start = start
        self._is_checked = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.remote or self.home.root)!r})"

    @property
    def _door(self) -> Path | RemoteEngine:
        return self.remote or self.home.socket

    @property
    def _hint(self) -> str:
        return f"See {str(self.home.log)!r}" if self.remote is None else "Ask who runs it"

    @property
    def is_checked(self) -> bool:
        """Tell whether an engine of our version was seen and nothing spoke against it since."""
        return self._is_checked

    def ping(self) -> dict[str, Any] | None:
        """Ask who is there, once; None when nobody is."""
        route = BY_NAME["engine.get"]
        target = connection.build_target(route, {}, {})
        try:
            with connection.send(self._door, route, target, timeout_s=_PING_TIMEOUT_S) as response:
                status: dict[str, Any] = json.loads(response.read())
        except TimeoutError as error:
            raise Unavailable(
                f"The engine of {str(self.remote or self.home.root)!r} is there and does not "
                f"answer. {self._hint}."
            ) from error
        except (OSError, http.client.HTTPException, Unavailable) as error:
            if self.remote is not None:
                raise Unavailable(
                    f"The engine at {str(self.remote)!r} cannot be used now: {error}"
                ) from error
            return None  # not there, or starting or stopping
        return status

    def ensure_engine(self) -> None:
        """See, once, that an engine of our version answers; start one where that is allowed.

        Raises:
            Conflict: One of another version answers and is busy.
            Unavailable: None answers and none could be, or was to be, started.
        """
        if self._is_checked:
            return
        status = self.ping()
        if status is None:
            self._start()
        elif self.remote is not None:
            pass  # whoever runs it says which version
        elif status.get("version") != _own_version():
            self._replace(status)
        self._is_checked = True

    def forget_engine(self) -> None:
        """Look anew at who answers before the next request."""
        self._is_checked = False

    def open(
        self,
        name: str,
        segments: Mapping[str, object] | None = None,
        query: Mapping[str, object | None] | None = None,
        timeout_s: float | None = None,
    ) -> http.client.HTTPResponse:
        """Start reading an answer that comes in pieces."""
        route = BY_NAME[name]
        target = connection.build_target(route, segments or {}, query or {})
        return self._attempt(
            route,
            target,
            timeout_s,
            True,
            lambda: connection.send(self._door, route, target, timeout_s=timeout_s),
        )

    def fetch(
        self,
        name: str,
        segments: Mapping[str, object] | None = None,
        query: Mapping[str, object | None] | None = None,
        body: object | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = TIMEOUT_S,
    ) -> bytes:
        """Send one request and return the whole answer.

        Raises:
            PlatformError: The engine's own error.
            Unavailable: The engine does not answer, or went away over a request that must not be
                sent twice.
        """
        route = BY_NAME[name]
        target = connection.build_target(route, segments or {}, query or {})
        sent = dict(headers or {})

        def exchange() -> bytes:
            with connection.send(
                self._door, route, target, body, sent.items(), timeout_s
            ) as response:
                return response.read()

        is_repeatable = route.verb == "GET" or "Idempotency-Key" in sent
        return self._attempt(route, target, timeout_s, is_repeatable, exchange)

    def _attempt(
        self,
        route: Route,
        target: str,
        timeout_s: float | None,
        is_repeatable: bool,
        exchange: Callable[[], T],
    ) -> T:
        pauses = iter(_RETRY_PAUSES_S)
        while True:
            try:
                self.ensure_engine()
                return exchange()
            except TimeoutError as error:
                raise Unavailable(
                    f"The engine did not answer {route.verb} {target!r} in time. {self._hint}."
                ) from error
            except (OSError, http.client.HTTPException) as error:
                self.forget_engine()
                pause = next(pauses, None)
                if pause is None or not (is_repeatable or isinstance(error, _NEVER_SENT)):
                    raise Unavailable(
                        f"The engine went away while it was asked {route.verb} {target!r} "
                        f"({error or type(error).__name__}). "
                        f"{self._hint}, then ask again."
                    ) from error
                time.sleep(pause)

    def _start(self) -> None:
        if not self._may_start:
            raise Unavailable(
                f"No engine answers for {str(self.home.root)!r}. "
                "Start it with: jupyter mlplat engine start"
            )
        launching.start_engine(self.home, lambda: self.ping() is not None)

    def _replace(self, status: Mapping[str, Any]) -> None:
        theirs, running = status.get("version"), status.get("running_runs")
        if running or not self._may_start:
            raise Conflict(
                f"The engine of {str(self.home.root)!r} is version {theirs}, this is version "
                f"{_own_version()}, and {running} of its runs are going. "
                "Wait for them or cancel them, then: jupyter mlplat engine stop",
                engine_version=theirs,
            )
        self.send_stop()
        self._start()

    def send_stop(self) -> None:
        """Ask the engine to stop and wait until it has let go of the state directory.

        Raises:
            Forbidden: It is on the network, and others use it as well.
        """
        if self.remote is not None:
            raise Forbidden(
                f"Cannot stop the engine at {str(self.remote)!r} from here: others use it as well."
            )
        route = BY_NAME["engine.stop"]
        target = connection.build_target(route, {}, {})
        # It may be gone before it has answered: whether it is, its lock tells.
        with contextlib.suppress(ConnectionError, FileNotFoundError, http.client.HTTPException):
            connection.send(self._door, route, target, timeout_s=TIMEOUT_S).close()
        launching.wait_until_gone(self.home)
        self.forget_engine()


def _own_version() -> str:
    import jupyter_mlplat

    version: str = jupyter_mlplat.__version__
    return version
