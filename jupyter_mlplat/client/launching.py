"""Starting and stopping the engine of a state directory; many faces at once start one engine."""

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat.kit.home import Home

START_TIMEOUT_S = 30.0  # a cold import of the engine took 4 s on a laptop with a slow disk
STOP_TIMEOUT_S = 20.0
_POLL_S = 0.02
_LOG_TAIL_BYTES = 4000

# What a kernel or a Jupyter server has in its environment for itself only.
_PRIVATE_PREFIXES = ("JPY_", "JUPYTERHUB_")
_PRIVATE_NAMES = frozenset({"JUPYTER_TOKEN", "MPLBACKEND"})


def start_engine(
    home: Home, answers: Callable[[], bool], timeout_s: float = START_TIMEOUT_S
) -> None:
    """Start the engine unless another face did so meanwhile, and wait until it answers.

    Args:
        home: The state directory; made, 0700, if it is not there.
        answers: Tells whether an engine answers now.
        timeout_s: How long to wait for it.

    Raises:
        Unavailable: It ended at once or did not answer in time; the message has its last words.
    """
    deadline = time.monotonic() + timeout_s
    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _start_lock(home, deadline):
            if not answers():
                _spawn_and_wait(home, answers, deadline)
    except OSError as error:
        raise Unavailable(
            f"Cannot start the engine: the state directory {str(home.root)!r} cannot be used "
            f"({error.strerror or error}). Name another one with MLPLAT_HOME."
        ) from error


def wait_until_gone(home: Home, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Wait until the engine that was asked to stop has let go of the state directory.

    Raises:
        Unavailable: It still holds it after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while _is_locked(home):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"The engine was asked to stop and still holds {str(home.root)!r} after "
                f"{timeout_s:g} s. See {str(home.log)!r}."
            )
        time.sleep(_POLL_S)


def read_log_tail(home: Home) -> str:
    """Return the last lines of the engine's log, or nothing."""
    try:
        with home.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-15:])


def _spawn_and_wait(home: Home, answers: Callable[[], bool], deadline: float) -> None:
    child = _spawn(home)
    while not answers():
        ended = child.poll()
        if ended is not None and not answers():
            raise Unavailable(
                f"Cannot start the engine: it ended with status {ended}.{_tail(home)}"
            )
        if time.monotonic() > deadline:
            raise Unavailable(
                f"Cannot reach the engine: process {child.pid} was started and did not answer on "
                f"{str(home.socket)!r} in time.{_tail(home)}"
            )
        time.sleep(_POLL_S)
    # Reaped when it ends, so that no zombie keeps its process id.
    threading.Thread(target=child.wait, name="mlplat-engine-reaper", daemon=True).start()


def _spawn(home: Home) -> subprocess.Popen[bytes]:
    descriptor = os.open(home.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-m", "jupyter_mlplat.engine", "--home", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=home.root,
            env=_environment(),
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_PRIVATE_PREFIXES) and name not in _PRIVATE_NAMES
    }


@contextlib.contextmanager
def _start_lock(home: Home, deadline: float) -> Iterator[None]:
    """Hold the right to start an engine; the lock dies with its holder."""
    descriptor = os.open(home.root / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Cannot start the engine of {str(home.root)!r}: another program has been "
                    f"starting it for too long.{_tail(home)}"
                )
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(home: Home) -> bool:
    try:
        descriptor = os.open(home.lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _tail(home: Home) -> str:
    lines = read_log_tail(home)
    return (
        f" The end of {str(home.log)!r}:\n{lines}" if lines else f" Its log is {str(home.log)!r}."
    )
