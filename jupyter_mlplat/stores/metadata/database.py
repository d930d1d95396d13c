"""One SQLite file: a writer connection behind a lock, and readers that never wait for it."""

import os
import shutil
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from jupyter_mlplat.errors import Conflict, Unavailable
from jupyter_mlplat.stores.metadata.connection import Connection
from jupyter_mlplat.stores.metadata.failures import explain
from jupyter_mlplat.stores.metadata.sharing import Shared

_T = TypeVar("_T")

BUSY_TIMEOUT_S = 10.0
"""Longer than any transaction of ours; shorter than a person waits for an answer."""
BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Takes the write lock at once: a transaction that began by reading may find it taken later."""
_WAL_BYTES = 4_300_000
"""As long as SQLite lets a WAL grow: 1,000 pages of 4 KiB and what the last transaction adds."""
_PLENTY_BYTES = 64 * _WAL_BYTES
"""Below this, room is worth more than time."""


class Database:
    """A SQLite file in WAL mode, written by one process.

    A transaction survives the death of every process. It survives a loss of power if it is durable,
    or one after it is: they lie in one WAL, in their order.

    Safe to use from any thread. Writers queue on a lock; a reader sees the snapshot its block began
    with. Every sqlite3 error leaves as a PlatformError.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        self.fence = 0
        self._busy_timeout_s = busy_timeout_s
        self._writer: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._is_durable = True  # as the writer connection is set
        self._idle: deque[sqlite3.Connection] = deque()
        self._waiting: list[Shared[object]] = []
        self._waiting_lock = threading.Lock()

    def open(self) -> sqlite3.Connection:
        """Make the file if there is none, and the writer connection; returns it.

        The errors of the driver and the file system pass as they are.
        """
        with self._lock:
            # SQLite gives -wal and -shm the mode of the file, so it is made here rather than there.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._writer = self._connect()
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._set_durable(self._writer, True)
            return self._writer

    def lay_out_wal(self) -> None:
        """Give the WAL its full length where there is plenty of room: commits then overwrite it.

        A flush of a file that has grown writes the file system's journal too and takes about twice
        as long. Zeros are no frames, so SQLite sees nothing of this.
        """
        with self._lock, suppress(OSError):  # it can grow by itself
            if shutil.disk_usage(self.path.parent).free < _PLENTY_BYTES:
                return
            descriptor = os.open(f"{self.path}-wal", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                os.write(descriptor, bytes(max(0, _WAL_BYTES - os.fstat(descriptor).st_size)))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Close all connections; the last one folds the WAL back into the file."""
        with self._lock:
            writer, self._writer = self._writer, None
            self._close_idle()
            if writer is not None:
                writer.close()

    @contextmanager
    def write(self, durable: bool = True) -> Iterator[Connection]:
        """Run one transaction: written when the block has ended, undone when it raises.

        Readers see a durable one when it is on disk, not before.

        Raises:
            Conflict: A newer engine has taken the store over.
            Unavailable: The disk is full, the file is damaged, or the store is closed.
        """
        with self._lock, self._translated():
            connection = self._open_writer()
            self._begin(connection, durable)
            try:
                self._check_fence(connection)
                yield connection
                self._commit(connection)
            except BaseException:
                if connection.in_transaction:  # a full disk may have rolled back by itself
                    connection.execute("ROLLBACK")
                raise

    def write_shared(self, action: Callable[[Connection], _T]) -> _T:
        """Run an action in one transaction with those of all who wait for the writer as well.

        So however many callers there are, they wait for one flush, not for each other's. An action
        that raises is undone alone. May run in another caller's thread.

        Raises:
            Conflict, Unavailable: As `write`; then the actions of all who shared it are undone.
        """
        mine = Shared(action)
        with self._waiting_lock:
            self._waiting.append(mine)
            is_first = len(self._waiting) == 1
        if is_first:  # and so the one who writes for all that come until the writer is free
            self._write_waiting()
        with self._translated():
            return mine.result()

    def _write_waiting(self) -> None:
        batch: list[Shared[object]] = []
        try:
            with self.write() as connection:
                batch = self._take_waiting()
                for shared in batch:
                    shared.run(connection, is_alone=len(batch) == 1)
        except BaseException as error:
            batch = batch or self._take_waiting()
            for shared in batch:
                shared.fail(error)
        for shared in batch:
            shared.end()

    def _take_waiting(self) -> list[Shared[object]]:
        with self._waiting_lock:
            batch, self._waiting = self._waiting, []
            return batch

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read one snapshot; what is written meanwhile is not seen."""
        with self._translated():
            self._refuse_closed()
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

    def _begin(self, connection: sqlite3.Connection, durable: bool) -> None:
        if durable is not self._is_durable:
            self._set_durable(connection, durable)
        connection.execute(BEGIN_WRITE)

    def _commit(self, connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")

    def _set_durable(self, connection: sqlite3.Connection, durable: bool) -> None:
        """Flush the WAL at each commit, or only when it is folded back into the file."""
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        self._is_durable = durable

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

    def _refuse_closed(self) -> None:
        if self._writer is None:
            raise _closed(self.name)

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            raise _closed(self.name)
        return self._writer

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return repr(str(self.path))

    def _check_fence(self, connection: Connection) -> None:
        found = connection.execute("SELECT fence FROM store").fetchone()[0]
        if found != self.fence:
            raise Conflict(
                f"Cannot write to {self.name}: engine number {found} has taken it over, "
                f"this is number {self.fence}. Stop this engine; the newer one goes on with its "
                "work.",
                fence=self.fence,
                newer_fence=found,
            )


def _closed(name: str) -> Unavailable:
    return Unavailable(f"Cannot use {name}: the store is closed. Start the engine again.")
