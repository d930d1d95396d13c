"""`python -I -m jupyter_mlplat.engine --home DIR [--settings FILE]`: one engine, in the foreground.

Exit status: 0 asked to stop; 1 it could not go on; 2 wrong settings; 3 there is one already.
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import stat
import sys
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
import uvloop

import jupyter_mlplat
from jupyter_mlplat.config import EngineConfig, read_config
from jupyter_mlplat.engine.crashpoints import CrashPoints
from jupyter_mlplat.engine.lock import EngineLock, Holder
from jupyter_mlplat.engine.sharing import ServerConfig, read_server
from jupyter_mlplat.errors import Conflict, InvalidInput, PlatformError, Unavailable
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.kit.files import make_private_directory
from jupyter_mlplat.kit.home import Home, default_home
from jupyter_mlplat.launchers.local.environment import USER_UMASK
from jupyter_mlplat.stores.metadata.store import SqlMetadataStore

if TYPE_CHECKING:
    from jupyter_mlplat.engine.gate import Gate

_log = logging.getLogger("jupyter_mlplat.engine")

_LOG_BYTES, _LOG_FILES = 5 * 2**20, 3
_BACKLOG = 1024  # a burst of submits waits here rather than being refused
_GRACE_S = 2  # for requests that are under way when the engine stops
_HEADER_TIMEOUT_S = 30


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlplat.engine", description=__doc__)
    parser.add_argument("--home", type=Path, default=None, help="the state directory")
    parser.add_argument(
        "--settings", type=Path, default=None, help="its settings; config.toml of DIR by default"
    )
    given = parser.parse_args(arguments)
    home = Home(given.home.expanduser().absolute() if given.home else default_home())
    settings: Path = given.settings or home.settings
    os.environ[USER_UMASK] = f"{os.umask(0o077):o}"
    try:
        make_private_directory(home.root)
        lock = EngineLock(home.lock)
        lock.acquire()
    except Conflict as error:
        print(error.message, file=sys.stderr)
        return 3
    except OSError as error:
        print(f"Cannot use the state directory {str(home.root)!r}: {error}", file=sys.stderr)
        return 1
    try:
        _log_to(home.log)
        return _serve(home, lock, read_config(settings), read_server(home.settings))
    except PlatformError as error:
        _log.error("%s", error.message)
        print(error.message, file=sys.stderr)
        return 2 if isinstance(error, InvalidInput) else 1
    finally:
        lock.release()


def _serve(home: Home, lock: EngineLock, config: EngineConfig, shared: ServerConfig | None) -> int:
    store = SqlMetadataStore(home.database)
    fence = store.open()
    try:
        version, since = jupyter_mlplat.__version__, utc_now().isoformat(timespec="seconds")
        lock.write(Holder.this_process(version, fence, since, home.socket))
        _log.info("Engine %s begins, pid %d, fence %d", version, os.getpid(), fence)
        error = uvloop.run(_work(home, store, fence, config, shared))
    finally:
        store.close()
    if error is None:
        _log.info("Engine ends as asked")
        return 0
    _log.critical("Engine cannot go on: %s", error, exc_info=error)
    return 3 if isinstance(error, Conflict) else 1


async def _work(
    home: Home,
    store: SqlMetadataStore,
    fence: int,
    config: EngineConfig,
    shared: ServerConfig | None,
) -> BaseException | None:
    # Imported here so that a second engine leaves, and says why, before it has loaded anything.
    from jupyter_mlplat.engine.api.app import Api
    from jupyter_mlplat.engine.engine import Engine
    from jupyter_mlplat.engine.listener import QuietServer

    reason: list[BaseException | None] = []

    def stop(error: BaseException | None) -> None:
        reason.append(error)
        engine.broker.close()
        server.should_exit = True

    gate = None
    if shared is not None:
        gate, config = _open_to_many(home, config, shared)
    engine = Engine(home, store, fence, config, stop, CrashPoints.from_environment())
    server = QuietServer(
        uvicorn.Config(
            Api(engine),
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_HEADER_TIMEOUT_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, None)
    listener = _listen(home.socket)
    bound = home.socket.stat().st_ino
    try:
        try:
            await engine.start()
            if gate is not None:
                await gate.open()
            gc.collect()
            gc.freeze()  # what is there now stays: later collections need not look at it
            await server.serve(sockets=[listener])
        finally:
            if gate is not None:
                await gate.close()
            await engine.close()
    finally:
        listener.close()
        with suppress(FileNotFoundError):
            if home.socket.stat().st_ino == bound:  # else another engine's, in a new directory
                home.socket.unlink()
    return reason[0] if reason else None


def _open_to_many(
    home: Home, config: EngineConfig, shared: ServerConfig
) -> "tuple[Gate, EngineConfig]":
    from jupyter_mlplat.engine.gate import Gate, own_config
    from jupyter_mlplat.launchers.kubernetes.reviewing import ClusterReviewer

    return Gate(home, config, shared, ClusterReviewer()), own_config(config, shared)


def _listen(path: Path) -> socket.socket:
    """Bind the socket, for its owner only. Whoever bound it before held the lock we hold now."""
    make_private_directory(path.parent)
    owner = path.parent.stat()
    if owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) & 0o077:
        raise Unavailable(
            f"Cannot listen on {str(path)!r}: its folder belongs to somebody else. "
            "Name a state directory with a shorter path."
        )
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    return listener


def _log_to(path: Path) -> None:
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
