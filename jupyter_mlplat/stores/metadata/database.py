"""One SQLite file: a writer connection behind a lock, and readers that never wait for it."""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jupyter_mlplat.errors import Conflict, Unavailable
from jupyter_mlplat.stores.metadata.failures import explain

BUSY_TIMEOUT_S = 10.0
"""Longer than any transaction of ours; shorter than a person waits for an answer."""
BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Takes the write lock at once: a transaction that began by reading may find it taken later."""


class Database:
    """A SQLite file in WAL mode, written durably by one process.

    Safe to use from any thread. Writers queue on a lock; a reader sees the snapshot its block began
    with. Every sqlite3 error leaves as a PlatformError.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        self.fence = 0
        self._busy_timeout_s = busy_timeout_s
        self._writer: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._idle: deque[sqlite3.Connection] = deque()

    def open(self) -> sqlite3.Connection:
        """Make the file if there is none, and the writer connection; returns it.

        The errors of the driver and the file system pass as they are.
        """
        with self._lock:
            # SQLite gives -wal and -shm the mode of the file, so it is made here rather than there.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._writer = self._connect()
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._writer.execute("PRAGMA synchronous=FULL")
            return self._writer

    def close(self) -> None:
        """Close all connections; the last one folds the WAL back into the file."""
        with self._lock:
            writer, self._writer = self._writer, None
            self._close_idle()
            if writer is not None:
                writer.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction: durable when the block has ended, undone when it raises.

        Raises:
            Conflict: A newer engine has taken the store over.
            Unavailable: The disk is full, the file is damaged, or the store is closed.
        """
        with self._lock, self._translated():
            connection = self._open_writer()
            connection.execute(BEGIN_WRITE)
            try:
                self._check_fence(connection)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have rolled back by itself
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Read one snapshot; what is written meanwhile is not seen."""
        with self._translated():
            if self._writer is None:
                raise _closed(self.path)
            connection = self._reader()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.rollback()
                self._give_back(connection)

    @contextmanager
    def exclusively(self) -> Iterator[sqlite3.Connection]:
        """Hold the writer connection outside a transaction, for VACUUM INTO and checkpoints."""
        with self._lock, self._translated():
            yield self._open_writer()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn errors of the driver and the file system into errors for people."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise explain(error, self.path) from error

    def _connect(self, query_only: bool = False) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._busy_timeout_s,
            isolation_level=None,  # transactions are begun and ended here, never by the driver
            check_same_thread=False,
            cached_statements=256,
        )
        connection.execute(f"PRAGMA query_only={int(query_only)}")
        return connection

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect(query_only=True)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        self._idle.append(connection)
        if self._writer is None:  # closed meanwhile
            self._close_idle()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            raise _closed(self.path)
        return self._writer

    def _check_fence(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("SELECT fence FROM store").fetchone()[0]
        if found != self.fence:
            raise Conflict(
                f"Cannot write to {str(self.path)!r}: engine number {found} has taken it over, "
                f"this is number {self.fence}. Stop this engine; the newer one goes on with its "
                "work.",
                fence=self.fence,
                newer_fence=found,
            )


def _closed(path: Path) -> Unavailable:
    return Unavailable(f"Cannot use {str(path)!r}: the store is closed. Start the engine again.")
