"""Which process is meant: a pid alone may have been given to another one since."""

import os
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, told apart from every other one that has or had its pid."""

    pid: int
    start_time: int | None
    boot_id: str

    @property
    def is_alive(self) -> bool:
        """Tell whether this very process is still there; a zombie is not."""
        if self.boot_id != boot_id():
            return False
        state = _stat(self.pid)
        if state is None:
            return sys.platform != "linux" and _answers(self.pid)
        return state[0] != "Z" and (self.start_time is None or state[1] == self.start_time)

    def to_json(self) -> dict[str, Any]:
        """Return the identity as claims and lock files hold it."""
        return {"pid": self.pid, "start_time": self.start_time, "boot_id": self.boot_id}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ProcessIdentity":
        """Read an identity from a claim or a lock file."""
        return cls(int(value["pid"]), value.get("start_time"), str(value.get("boot_id")))


def identify(pid: int | None = None) -> ProcessIdentity:
    """Return the identity of a running process; of this one by default."""
    pid = os.getpid() if pid is None else pid
    state = _stat(pid)
    return ProcessIdentity(pid, state[1] if state else None, boot_id())


@cache
def boot_id() -> str:
    """Return a word that changes with every boot; the platform's name where there is none."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return sys.platform


def _stat(pid: int) -> tuple[str, int] | None:
    """Return state letter and start time in clock ticks (fields 3 and 22 of `/proc/<pid>/stat`)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except OSError:
        return None
    return fields[0].decode(), int(fields[19])


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
