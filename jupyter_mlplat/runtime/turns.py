"""In which order the two logs of a task were written, where anything may write to them.

A KFP component writes to descriptors 1 and 2 as it likes, from C and from programs it starts. What
Python writes is noted as it is written; what a command writes is looked for while it is waited for.
"""

from __future__ import annotations

import io
import os
import select
import subprocess
from typing import TYPE_CHECKING

from .outputs import STDERR, STDOUT, LogOrder

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LOGS = {STDOUT: "stdout", STDERR: "stderr"}
LOOK_S = 0.05
"""Closer than this, what a command writes to the two is taken to be one after the other."""


class Turns:
    """Notes each turn from one log to the other, in `order.log`."""

    def __init__(self, path: str) -> None:
        self._order = LogOrder(path)
        self._is_ours = True
        self._seen = _sizes()
        if self._seen["stdout"]:  # the task has gone on as another program
            self._order.current = "stdout"

    def tell(self, fd: int) -> None:
        """Note that this log is written next, after whatever others have written."""
        if not self._is_ours:
            return
        self.look()
        if LOGS[fd] != self._order.current:
            self._order.turn(LOGS[fd], self._seen)

    def leave(self) -> None:
        """Note nothing more: another process does."""
        self._is_ours = False

    def look(self) -> None:
        """Note what others have written since the last look."""
        sizes = _sizes()
        grown = [name for name in sizes if sizes[name] > self._seen[name]]
        for name in sorted(grown, key=lambda name: name != self._order.current):
            if name != self._order.current:
                self._order.turn(name, sizes)
        self._seen = sizes

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for a command, looking now and then at what it writes."""
        if not self._is_ours:
            return process.wait()
        try:
            handle = os.pidfd_open(process.pid)
        except (AttributeError, OSError):  # an old Linux, or none
            return process.wait()
        try:
            while not select.select([handle], [], [], LOOK_S)[0]:
                self.look()
        finally:
            os.close(handle)
        self.look()
        return process.wait()


class LogStream(io.FileIO):
    """Descriptor 1 or 2 as Python's streams write to it."""

    def __init__(self, fd: int, turns: Turns) -> None:
        super().__init__(fd, "w", closefd=False)
        self._turns = turns

    def write(self, data: ReadableBuffer, /) -> int:
        self._turns.tell(self.fileno())
        return super().write(data)


def _sizes() -> dict[str, int]:
    return {name: os.fstat(fd).st_size for fd, name in LOGS.items()}
