"""What a loss of power may undo, and what not (ADR 0004).

Content that steps store lies in the page cache until the system writes it: that survives the death
of every process, not a loss of power. `Flush.run` makes all of it durable at once, and leaves a
mark that says when and in which boot. A mark of another boot means that what was written after it
may be torn.
"""

import ctypes
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat.kit.files import write_atomically
from jupyter_mlplat.kit.process import boot_id

CLOCK_MARGIN = timedelta(hours=1)
"""The clock may have been set back since the mark was made."""


class Flush:
    """Flushes the file system that the state directory lies on. Safe from any thread.

    Args:
        root: The state directory.
        mark: The file that says what has been flushed.
        boot: Which boot this is.
    """

    def __init__(self, root: Path, mark: Path, boot: str | None = None) -> None:
        self._root = root
        self._mark = mark
        self._boot = boot if boot is not None else boot_id()

    def run(self) -> None:
        """Return when all that was written before survives a loss of power.

        Raises:
            Unavailable: The disk refuses.
        """
        began = time.time()
        try:
            sync_file_system(self._root)
            self._set_mark(began)
        except OSError as error:
            raise Unavailable(
                f"Cannot flush {str(self._root)!r}: {error.strerror}. Check its disk; what is "
                "waiting for this goes on as soon as it works.",
                reason="io",
            ) from error

    def begin(self) -> None:
        """Make the first mark: what is there was flushed by those who wrote it."""
        if not self._mark.exists():
            self._set_mark(time.time())

    def _set_mark(self, at: float) -> None:
        write_atomically(self._mark, json.dumps({"boot": self._boot, "at": at}).encode())

    def torn_since(self) -> datetime | None:
        """Say since when content may be torn; None where nothing can be.

        No mark at all: nothing has been stored that was not flushed by its writer.
        """
        try:
            mark = json.loads(self._mark.read_bytes())
            if mark["boot"] == self._boot:
                return None
            return datetime.fromtimestamp(mark["at"], UTC) - CLOCK_MARGIN
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, OverflowError):  # the mark itself is torn
            return datetime.fromtimestamp(0, UTC)


def sync_file_system(path: Path) -> None:
    """Flush everything written to the file system of a path, names and contents.

    Raises:
        OSError: Something could not be written.
    """
    syncfs: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(path))
    finally:
        os.close(handle)
