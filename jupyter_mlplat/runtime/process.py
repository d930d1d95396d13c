"""Who a process is (its pid alone may have been given to another one since).

And which attempt is its own.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

from .files import dump_json, write_atomically

NOT_OURS = 73
"""Exit status of a child whose attempt belongs to somebody else: claimed or revoked."""


def process_identity(pid: int) -> dict[str, Any]:
    """Return pid, start time and boot id, as a claim holds them."""
    return {"pid": pid, "start_time": start_time(pid), "boot_id": boot_id()}


def start_time(pid: int) -> int | None:
    """Return the clock tick at which a process started (field 22 of its stat).

    None if it is gone or unknown.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return None
    return int(stat[stat.rindex(b")") + 2 :].split()[19])


@functools.lru_cache(maxsize=1)
def boot_id() -> str:
    """Return a word that changes with every boot; a zygote's children know it from their parent."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return sys.platform


def claim(directory: str) -> bool:
    """Take the attempt: whoever creates the file decides, once and for all."""
    draft = os.path.join(directory, f"claim.{os.getpid()}-{os.urandom(4).hex()}")
    write_atomically(draft, dump_json(process_identity(os.getpid())))
    try:
        os.link(draft, os.path.join(directory, "claim"))  # creates it with its content, or fails
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


__all__ = ["NOT_OURS", "boot_id", "claim", "process_identity", "start_time"]
