"""A little disk space kept back, so that an engine whose disk is full can still write its state."""

import contextlib
import os
from pathlib import Path

RESERVE_BYTES = 10 * 2**20
"""Enough for some thousand transitions, and for SQLite to fold its WAL into the database."""


class Reserve:
    """A file of a fixed size that is given up when it is needed."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def hold(self) -> None:
        """Take the space unless it is held, or there is none to spare."""
        with contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size == self._size_bytes:
                return
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(handle, 0, self._size_bytes)
            except OSError:
                self._path.unlink()
                raise
            finally:
                os.close(handle)

    def give_up(self) -> None:
        """Free the space."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
