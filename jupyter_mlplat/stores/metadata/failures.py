"""What goes wrong with a database file, said in words a user can act on."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path

from jupyter_mlplat.errors import PlatformError, Unavailable

_FULL = {sqlite3.SQLITE_FULL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_NEARLY_FULL_BYTES = 1 << 20
"""Below this an I/O error is taken for a full disk: SQLite reports some of them as I/O errors."""


class Damage(sqlite3.DatabaseError):
    """A check has found the file to contradict itself."""


def is_damage(error: BaseException) -> bool:
    """Tell whether the file itself is broken, as opposed to its surroundings."""
    if isinstance(error, Damage) or _primary_code(error) in _DAMAGED:
        return True
    # the driver's own error for a text that is none any longer; it has no code
    return isinstance(error, sqlite3.OperationalError) and "decode to UTF-8" in str(error)


def explain(error: sqlite3.Error | OSError, path: Path) -> PlatformError:
    """Return the error a user sees for an error of SQLite or of the file system."""
    shown = repr(str(path))
    code = _primary_code(error)
    free = _free_bytes(path)
    if code in _FULL or _is_no_space(error) or (code == sqlite3.SQLITE_IOERR and _is_nearly(free)):
        return Unavailable(
            f"Cannot write to {shown}: the disk is full ({free or 0:,} bytes free). Free some "
            "space and try again: nothing was lost, the engine goes on without a restart.",
            reason="disk-full",
            free_bytes=free,
        )
    if code in _BUSY:
        return Unavailable(
            f"Cannot write to {shown}: another process holds it. Close whatever has opened the "
            "file and try again.",
            reason="busy",
        )
    if is_damage(error):
        return Unavailable(
            f"Cannot read {shown}: the file is damaged ({error}). Restart the engine: it will set "
            "the file aside and say how to go on.",
            reason="damaged",
        )
    if code in _READ_ONLY or isinstance(error, PermissionError) or _is_read_only(error):
        return Unavailable(
            f"Cannot write to {shown}: the folder or the file is read-only for this user "
            f"({error}). Give write access to it, or name another state directory in MLPLAT_HOME.",
            reason="read-only",
        )
    return Unavailable(
        f"Cannot use {shown}: {error}. Check that the disk is there and healthy, then try again.",
        reason="io",
    )


def _primary_code(error: BaseException) -> int | None:
    extended = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else int(extended) & 0xFF


def _is_no_space(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _is_read_only(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.EROFS, errno.ENOENT, errno.EACCES)


def _is_nearly(free: int | None) -> bool:
    return free is not None and free < _NEARLY_FULL_BYTES


def _free_bytes(path: Path) -> int | None:
    try:
        return shutil.disk_usage(os.fspath(path.parent)).free
    except OSError:
        return None
