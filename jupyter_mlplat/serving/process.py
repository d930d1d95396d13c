"""Who a data-plane process is, so that an engine that did not start it can find it again."""

import fcntl
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

LOCK = "process.json"
NOT_LOADABLE = 3
"""Exit status: the model cannot be loaded; trying again would fail again."""
ALREADY_RUNNING = 4
"""Exit status: another process holds this directory."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A pid alone is reused; with its start time and the boot it belongs to it is not."""

    pid: int
    start_time: int  # clock ticks since boot; field 22 of /proc/<pid>/stat
    boot_id: str

    @property
    def is_alive(self) -> bool:
        return self.boot_id == boot_id() and self.start_time == start_time_of(self.pid)


def boot_id() -> str:
    """Name the present boot of this machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def start_time_of(pid: int) -> int | None:
    """Say when a process started; None when it is gone, or dead and only waiting to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None if sys.platform == "linux" else _start_time_elsewhere(pid)
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may contain anything
    return None if fields[0] in ("Z", "X") else int(fields[19])


def _start_time_elsewhere(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(process.create_time() * 1000)
    except psutil.Error:
        return None


def announce(directory: Path) -> None:
    """Take a directory for this process and write down who has it; exits where another lives.

    The lock is a POSIX record lock: it ends with this process, whatever it forks.
    """
    handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.stderr.write(f"Another process already serves {str(directory)!r}.\n")
        sys.exit(ALREADY_RUNNING)
    start_time = start_time_of(os.getpid())
    identity = {"pid": os.getpid(), "start_time": start_time, "boot_id": boot_id()}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(identity).encode(), 0)
    # The handle stays open on purpose: closing any handle to the file would let go of the lock.


def read_identity(directory: Path) -> ProcessIdentity | None:
    """Read who announced itself here last; None if nobody, or it is just being written."""
    try:
        document = json.loads((directory / LOCK).read_text())
        return ProcessIdentity(document["pid"], document["start_time"], document["boot_id"])
    except (OSError, ValueError, KeyError):
        return None
