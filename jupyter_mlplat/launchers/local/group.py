"""All processes of an attempt: signals, memory, logs."""

import contextlib
import os
import signal
from pathlib import Path

from jupyter_mlplat.kit.process import ProcessIdentity
from jupyter_mlplat.launchers.local.environment import IDENTITY_SLOT

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOG_SLACK = 4096


def signal_all(process: ProcessIdentity | None, token: str, number: signal.Signals) -> bool:
    """Signal an attempt's process group, and whatever it started that has left the group.

    Returns:
        Whether there was anything to signal.
    """
    is_alive = process is not None and process.is_alive
    if process is not None and is_alive:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
    found = strays(token)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return is_alive or bool(found)


def kill_group(leader: int) -> None:
    """End what is left of a group whose leader has ended but is not reaped."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def strays(token: str) -> list[int]:
    """Return the processes whose environment names an attempt."""
    mark = f"{IDENTITY_SLOT}={token}".encode()
    found = []
    for entry in os.scandir("/proc") if os.path.isdir("/proc/self") else ():
        if entry.name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry.name}/environ", "rb") as file:
                if mark in file.read():
                    found.append(int(entry.name))
    return found


def memory_of(pid: int, limit: int) -> int:
    """Return the bytes that a process and its descendants hold.

    Resident pages are cheap to count, but count what is shared with the warm worker as well. The
    exact share is asked for only once they exceed the limit.
    """
    family = _family(pid)
    resident = sum(map(_resident, family))
    return resident if resident <= limit else sum(map(_proportional, family))


def heaviest_child(pid: int) -> tuple[int, int] | None:
    """Return which child of a process holds most, with all that it has started, and how much."""
    held = [(sum(map(_proportional, _family(child))), child) for child in _children(pid)]
    most, child = max(held, default=(0, 0))
    return (child, most) if most else None


def _family(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        current = todo.pop()
        found.append(current)
        todo.extend(_children(current))
    return found


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as file:
        return list(map(int, file.read().split()))
    return []


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def cap_logs(directory: Path, limit: int) -> None:
    """Cut logs that subprocesses have written past the limit.

    Python's own writes are counted as they are made.
    """
    for name in ("stdout.log", "stderr.log"):
        path = f"{directory}/{name}"
        with contextlib.suppress(OSError):
            if os.stat(path).st_size > limit + _LOG_SLACK:
                with open(path, "ab") as file:
                    file.truncate(limit)
                    file.write(
                        f"\n[log limit of {limit} bytes reached: the rest was dropped]\n".encode()
                    )
