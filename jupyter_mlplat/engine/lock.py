"""One engine per state directory: who holds it, and a clear word to whoever comes second."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from jupyter_mlplat.errors import Conflict
from jupyter_mlplat.kit.process import identify

_LIMIT = 4096  # bytes; what the file holds is far shorter


@dataclass(frozen=True, slots=True)
class Holder:
    """What an engine writes of itself into its lock file."""

    pid: int
    start_time: int | None
    boot_id: str
    version: str
    fence: int
    since: str
    socket: str

    @classmethod
    def this_process(cls, version: str, fence: int, since: str, socket: Path) -> "Holder":
        identity = identify()
        return cls(
            identity.pid,
            identity.start_time,
            identity.boot_id,
            version,
            fence,
            since,
            str(socket),
        )


class EngineLock:
    """Holds `engine.lock` until the process ends, whatever way it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            Conflict: Another engine has it; the message says which.
        """
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = self.read()
            os.close(self._file)
            who = (
                f"process {holder['pid']}, version {holder['version']}, since {holder['since']}"
                if {"pid", "version", "since"} <= holder.keys()
                else "a process that has just begun"
            )
            raise Conflict(
                f"Cannot start an engine for {str(self._path.parent)!r}: it has one already "
                f"({who}). Use that one, or stop it with 'jupyter mlplat engine stop'.",
                holder=holder,
            ) from error

    def write(self, holder: Holder) -> None:
        """Say who holds it. Written in place: the lock is on this very file."""
        content = json.dumps(asdict(holder)).encode()
        os.pwrite(self._file, content.ljust(len(self._raw())), 0)
        os.ftruncate(self._file, len(content))

    def read(self) -> dict[str, object]:
        """Return what the holder wrote, or nothing."""
        try:
            value = json.loads(self._raw())
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def release(self) -> None:
        """Let go; what the file says is gone first."""
        os.ftruncate(self._file, 0)
        os.close(self._file)

    def _raw(self) -> bytes:
        return os.pread(self._file, _LIMIT, 0)
