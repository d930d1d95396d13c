"""Profiles that share one engine process: each an engine of its own, with its own state directory.

Nothing is told apart by a column or a filter: what belongs to another profile lies in a store, a
blob store, a cache and an event stream that this profile's engine has no way to.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_mlplat.config import EngineConfig
from jupyter_mlplat.engine.crashpoints import CrashPoints
from jupyter_mlplat.engine.lock import EngineLock, Holder
from jupyter_mlplat.engine.sharing import ServerConfig
from jupyter_mlplat.errors import PlatformError, Unavailable
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.kit.files import make_private_directory
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.kit.names import object_name
from jupyter_mlplat.stores.metadata.store import SqlMetadataStore

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from jupyter_mlplat.engine.engine import Engine

_log = logging.getLogger(__name__)

_LAST_ANSWERS_S = 5.0  # requests that are under way may end before their profile is put away
_PAUSE_S = 5.0  # before an engine that could not go on is opened again
_AWAKE = "awake"  # is there as long as a profile's engine has, or may have, something to do
_FILES = "files"

Stop = Callable[[BaseException | None], None]


class Tenant(Protocol):
    """One profile's engine, at work."""

    @property
    def api(self) -> "ASGIApp":
        """What answers its requests."""

    @property
    def files(self) -> Path:
        """Return the folder that its people call `/`."""

    def hush(self) -> None:
        """End its streams: whoever listens comes again."""

    async def close(self) -> None:
        """Put it away; what runs goes on."""


Open = Callable[[Home, Stop], Awaitable[Tenant]]


class Tenants:
    """Opens engines of profiles as they are needed. Belongs to the event loop.

    Args:
        root: The folder of all profiles' state directories.
        open_home: Opens an engine; it may stop by itself when it has nothing to do.
        limit: So many at once.
    """

    def __init__(self, root: Path, open_home: Open, limit: int) -> None:
        self._root = root
        self._open_home = open_home
        self._limit = limit
        self._places: dict[str, _Place] = {}
        self._is_closing = False

    @property
    def open_profiles(self) -> list[str]:
        return [name for name, place in self._places.items() if place.tenant is not None]

    async def resume(self) -> None:
        """Open whoever had something to do when the last engine ended."""
        for marker in sorted(self._root.glob(f"*/{_AWAKE}")):
            try:
                async with self.using(marker.parent.name):
                    pass
            except PlatformError as error:  # the others go on
                _log.error("Cannot open profile %r: %s", marker.parent.name, error.message)

    @asynccontextmanager
    async def using(self, name: str) -> AsyncIterator[Tenant]:
        """Have a profile's engine as long as the block takes; it is opened where it is not.

        Raises:
            PlatformError: It cannot be opened; other profiles are not affected.
        """
        place = self._places.setdefault(name, _Place(Home(self._root / name)))
        async with place.turn:
            if place.tenant is None:
                await self._open(name, place)
            tenant = place.tenant
            assert tenant is not None  # noqa: S101 - as _open has left it
            place.users += 1
        try:
            yield tenant
        finally:
            place.users -= 1
            if not place.users:
                place.left.set()

    async def close(self) -> None:
        """Put all away; they are opened again with the next engine."""
        self._is_closing = True
        await asyncio.gather(*(self._close(name) for name in list(self._places)))

    async def _open(self, name: str, place: "_Place") -> None:
        if self._is_closing:
            raise Unavailable("The engine is stopping. Ask again.")
        if len(self.open_profiles) >= self._limit:
            raise Unavailable(
                f"Cannot open profile {name!r}: {self._limit} others are in use. Try again in some "
                "minutes, or ask who runs the engine to raise profiles_open."
            )
        loop = asyncio.get_running_loop()

        def stop(error: BaseException | None) -> None:
            if error is not None:
                _log.error("The engine of profile %r cannot go on: %s", name, error)
            end = self._close(name, is_done=True) if error is None else self._begin_anew(name)
            closing = loop.create_task(end)
            place.closing.add(closing)
            closing.add_done_callback(place.closing.discard)

        place.tenant = await self._open_home(place.home, stop)
        (place.home.root / _AWAKE).touch()

    async def _begin_anew(self, name: str) -> None:
        """Put away an engine that cannot go on, and open it again: what runs needs one."""
        await self._close(name)
        while not self._is_closing:
            await asyncio.sleep(_PAUSE_S)
            try:
                async with self.using(name):
                    return
            except PlatformError as error:
                _log.error("Cannot open profile %r again: %s", name, error.message)

    async def _close(self, name: str, is_done: bool = False) -> None:
        place = self._places[name]
        async with place.turn:
            tenant = place.tenant
            if tenant is None:
                return
            tenant.hush()
            place.left.clear()
            if place.users:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LAST_ANSWERS_S):
                        await place.left.wait()
            place.tenant = None
            try:
                await tenant.close()
            except Exception:
                _log.exception("The engine of profile %r did not end well", name)
            if is_done:
                (place.home.root / _AWAKE).unlink(missing_ok=True)


class _Place:
    """Where a profile's engine is, or will be."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.tenant: Tenant | None = None
        self.users = 0
        self.turn = asyncio.Lock()
        self.left = asyncio.Event()
        self.closing: set[asyncio.Task[None]] = set()


class OpenEngine:
    """An engine with all that it holds: a `Tenant`."""

    def __init__(self, engine: "Engine", store: SqlMetadataStore, lock: EngineLock) -> None:
        from jupyter_mlplat.engine.api.app import Api

        self.api: ASGIApp = Api(engine)
        self.files = engine.home.root / _FILES
        self._engine, self._store, self._lock = engine, store, lock

    def hush(self) -> None:
        self._engine.broker.close()

    async def close(self) -> None:
        try:
            await self._engine.close()
        finally:
            await asyncio.to_thread(self._store.close)
            self._lock.release()


def config_of_profile(config: EngineConfig, server: ServerConfig, home: Home) -> EngineConfig:
    """Return the settings of a profile's engine: those of the shared one, and its own confines."""
    return replace(
        config,
        idle_shutdown_s=server.idle_close_minutes * 60,
        kfp_port=None,  # a port of this container is of no use to anybody outside
        mlflow_port=None if not server.local else config.mlflow_port,
        gpus=config.gpus if server.local else 0,
        runs_here=server.local,
        files_root=home.root / _FILES,
        # Its work runs in its own namespace, under its own quota.
        clusters=tuple(replace(one, namespace=home.root.name) for one in config.clusters),
    )


async def open_engine(
    home: Home, config: EngineConfig, stop: Stop, database: str | None = None
) -> OpenEngine:
    """Open the engine of one profile; with a database, its metadata lies in a schema of that.

    Raises:
        PlatformError: It cannot be opened.
    """
    lock, store, fence = await asyncio.to_thread(_hold, home, database)
    from jupyter_mlplat.engine.engine import Engine

    try:
        engine = Engine(home, store, fence, config, stop, CrashPoints.from_environment())
        opened = OpenEngine(engine, store, lock)
    except BaseException:
        await asyncio.to_thread(store.close)
        lock.release()
        raise
    try:
        await engine.start()
    except BaseException:
        await opened.close()
        raise
    return opened


def _store_of(home: Home, database: str | None) -> SqlMetadataStore:
    if database is None:
        return SqlMetadataStore(home.database)
    from jupyter_mlplat.stores.metadata.postgres_store import PostgresMetadataStore

    return PostgresMetadataStore(database, object_name(f"profile-{home.root.name}"))


def _hold(home: Home, database: str | None) -> tuple[EngineLock, SqlMetadataStore, int]:
    import jupyter_mlplat

    try:
        make_private_directory(home.root.parent)
        make_private_directory(home.root)
        make_private_directory(home.root / _FILES)
        lock = EngineLock(home.lock)
        lock.acquire()
    except OSError as error:
        raise Unavailable(
            f"Cannot open profile {home.root.name!r}: its state directory cannot be used "
            f"({error.strerror})."
        ) from error
    try:
        store = _store_of(home, database)
        fence = store.open()
        since = utc_now().isoformat(timespec="seconds")
        version = jupyter_mlplat.__version__
        lock.write(Holder.this_process(version, fence, since, home.socket))
    except BaseException:
        lock.release()
        raise
    return lock, store, fence
