"""Actions of several callers that share one transaction, and so one flush."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from jupyter_mlplat.stores.metadata.connection import Connection

_T = TypeVar("_T", covariant=True)


class Shared(Generic[_T]):
    """What one caller wants written, and how it went; the caller waits for `result`."""

    def __init__(self, action: Callable[[Connection], _T]) -> None:
        self._action = action
        self._error: BaseException | None = None
        self._ended = threading.Lock()  # held until it has ended: an Event is four times as slow
        self._ended.acquire()

    def run(self, connection: Connection, is_alone: bool) -> None:
        """Act in the transaction; what goes wrong with one of several undoes that one only.

        Raises:
            Exception: It is alone, or the whole transaction is gone.
        """
        if is_alone:
            self._result = self._action(connection)
            return
        connection.execute("SAVEPOINT shared")
        try:
            self._result = self._action(connection)
        except Exception as error:
            if not connection.in_transaction:  # a full disk may have rolled all of it back
                raise
            connection.execute("ROLLBACK TO shared")
            self._error = error
        connection.execute("RELEASE shared")

    def fail(self, error: BaseException) -> None:
        """Note that the transaction came to nothing."""
        self._error = self._error or error

    def end(self) -> None:
        """Let the caller go on."""
        self._ended.release()

    def result(self) -> _T:
        """Wait until it has ended; return what the action returned, or raise what it raised."""
        with self._ended:
            if self._error is not None:
                raise self._error
            return self._result
