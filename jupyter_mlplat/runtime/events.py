"""What a running step tells the engine: its events file, and the doorbell."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from .files import dump_json, write_all


class Events:
    """The step's events file and the engine's doorbell."""

    def __init__(self, path: str, doorbell: str | None, address: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._doorbell = doorbell
        self._address = address.encode("utf-8")

    def emit(self, kind: str, **fields: Any) -> None:
        """Append an event; the engine looks by itself, often enough for an eye."""
        write_all(self._fd, dump_json({"t": time.time(), "kind": kind, **fields}) + b"\n")

    def ring(self) -> None:
        """Tell the engine that the result is there; the engine need not be."""
        if self._doorbell is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as bell:
            bell.setblocking(False)
            try:
                bell.sendto(self._address, self._doorbell)
            except OSError:
                return  # no engine, or it has more to do than we can say
