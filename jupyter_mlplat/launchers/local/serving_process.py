"""One data-plane process: started in a session of its own, so that it outlives the engine."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_mlplat.serving.process import ProcessIdentity, boot_id, read_identity, start_time_of

GRACE_S = 12.0
"""From SIGTERM to SIGKILL: a little more than answering what has been asked may take."""

POLL_S = 0.5
"""Where there are no pidfds (macOS): how soon an end is noticed."""

LOG_LIMIT_BYTES = 10 * 2**20

# What a model server may know of the engine's environment; credentials are not among it.
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


def clean_environment() -> dict[str, str]:
    """Return the few variables a data-plane process gets."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith("LC_")
    }


class ServingProcess:
    """A router or model server that runs, whoever started it.

    Args:
        identity: Who it is.
        child: Set when this engine started it: then its exit status is learnt, and it is reaped.
        on_end: Called once in the event loop, with the exit status (None when it cannot be known).
    """

    def __init__(
        self,
        identity: ProcessIdentity,
        child: "subprocess.Popen[bytes] | None",
        on_end: Callable[[int | None], None],
    ) -> None:
        self.identity = identity
        self._child = child
        self._on_end = on_end
        self._ended = asyncio.Event()
        self._handle: int | None = None
        self._poll: asyncio.Task[None] | None = None
        self._watch()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if hasattr(os, "pidfd_open"):
            try:
                self._handle = os.pidfd_open(self.identity.pid)
            except ProcessLookupError:
                loop.call_soon(self._vanish)
                return
            if self._child is None and not self.identity.is_alive:
                loop.call_soon(self._vanish)  # its pid may be another's by now
                return
            loop.add_reader(self._handle, self._end)
        else:
            self._poll = loop.create_task(self._watch_by_polling())

    async def _watch_by_polling(self) -> None:
        while self._child.poll() is None if self._child else self.identity.is_alive:
            await asyncio.sleep(POLL_S)
        self._end()

    def _end(self) -> None:
        """See it end; until it is reaped its number is nobody else's, and so is its group's."""
        self._kill_group()
        self._vanish(self._child.wait() if self._child is not None else None)

    def _vanish(self, status: int | None = None) -> None:
        self.forget()
        if not self._ended.is_set():
            self._ended.set()
            self._on_end(status)

    def forget(self) -> None:
        """Stop watching; the process goes on."""
        if self._handle is not None:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            self._handle = None
        if self._poll is not None:
            self._poll.cancel()

    @property
    def is_alive(self) -> bool:
        return not self._ended.is_set()

    async def stop(self, grace_s: float = GRACE_S) -> None:
        """End it and all it started: SIGTERM, after the grace SIGKILL."""
        self._send(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._ended.wait(), grace_s)
        except TimeoutError:
            self._send(signal.SIGKILL)
            await self._ended.wait()

    def _send(self, what: signal.Signals) -> None:
        try:
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, what)
            elif self.identity.is_alive:
                os.kill(self.identity.pid, what)
        except ProcessLookupError:
            return  # it was quicker

    def _kill_group(self) -> None:
        """End what the process left behind; it led a group of its own."""
        try:
            os.killpg(self.identity.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # nobody is left


def start(
    arguments: Sequence[str],
    directory: Path,
    on_end: Callable[[int | None], None],
    pass_handles: Sequence[int] = (),
) -> ServingProcess:
    """Start a process with its own directory as working directory and its output in `log` there."""
    log = directory / "log"
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(directory / "log.old")
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        child = subprocess.Popen(
            list(arguments),
            cwd=directory,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            pass_fds=pass_handles,
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(handle)
    # A child that has already ended is a zombie until it is waited for: any start time will do for
    # it.
    identity = ProcessIdentity(child.pid, start_time_of(child.pid) or 0, boot_id())
    return ServingProcess(identity, child, on_end)


def adopt(directory: Path, on_end: Callable[[int | None], None]) -> ServingProcess | None:
    """Find the process that announced itself in a directory; None if it no longer lives."""
    identity = read_identity(directory)
    if identity is None or not identity.is_alive:
        return None
    return ServingProcess(identity, None, on_end)
