"""A process's descendants: that they end with it, and that none is left behind.

Linux has both as settings of a process; elsewhere what was started is ended by its parent alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36  # PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER


def die_with(parent: int) -> None:
    """Let the kernel end this process when its parent ends; called right after the fork."""
    _set(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        os._exit(70)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended."""
    _set(_ADOPT_ORPHANS, 1)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started or adopted."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def family_of(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children_of(found[-1])
    return found


def memory_of(pid: int) -> int:
    """Return the bytes that a process and all that descend from it hold, each page once."""
    held = 0
    for one in family_of(pid):
        with contextlib.suppress(OSError), open(f"/proc/{one}/smaps_rollup") as file:
            held += next((int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
    return held * 1024


def resident_of(pid: int) -> int:
    """Return the same, quickly, with pages that are shared counted for each."""
    held = 0
    for one in family_of(pid):
        with contextlib.suppress(OSError, IndexError), open(f"/proc/{one}/statm") as file:
            held += int(file.read().split()[1])
    return held * os.sysconf("SC_PAGE_SIZE")


def signal_family(pid: int, number: int) -> None:
    """Signal a child of ours with all that it has started."""
    for one in family_of(pid):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one, number)


def _set(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    try:
        import ctypes
    except ImportError:  # an interpreter built without libffi
        return
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
