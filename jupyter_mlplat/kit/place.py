"""Where something lies, told apart from every copy of it."""

import platform
from pathlib import Path


def place_of(*paths: Path) -> str:
    """Name the place of files or folders that are there: the same after a move or a restart.

    A copy has another place, on this machine or another one. Device numbers are left out: a machine
    may give them anew whenever it starts.
    """
    return "/".join([_machine(), *(str(path.stat().st_ino) for path in paths)])


def _machine() -> str:
    try:
        found = Path("/etc/machine-id").read_text("ascii").strip()
    except OSError:
        found = ""
    return found or platform.node()
