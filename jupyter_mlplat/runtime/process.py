"""Who a process is: its pid alone may have been given to another one since."""

from __future__ import annotations

import sys
from typing import Any


def process_identity(pid: int) -> dict[str, Any]:
    """Return pid, start time and boot id, as a claim holds them."""
    return {"pid": pid, "start_time": start_time(pid), "boot_id": boot_id()}


def start_time(pid: int) -> int | None:
    """Return the clock tick at which a process started (field 22 of its stat), None if it is gone or unknown."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    return int(stat[stat.rindex(b")") + 2 :].split()[19])


def boot_id() -> str:
    """Return a word that changes with every boot."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return sys.platform


__all__ = ["boot_id", "process_identity", "start_time"]
