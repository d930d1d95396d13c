"""Bring a database file into use: sound, of this version's schema, and ours alone."""

import os
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from jupyter_mlplat.errors import Conflict, Unavailable
from jupyter_mlplat.kit import files
from jupyter_mlplat.stores.metadata.database import BEGIN_WRITE, Database
from jupyter_mlplat.stores.metadata.failures import Damage, explain, is_damage

REVISION = "0009"
"""Newest revision in `migrations/versions`. Numbers, so that older and newer can be told apart."""
SCHEMA = Path(__file__).with_name("schema.sql")
DEFAULT_EXPERIMENT = (
    "INSERT INTO experiment(name, id, title, description, archived, created_at) "
    "SELECT 'default', 'experiment-' || lower(hex(randomblob(13))), 'Default', "
    "'Runs that name no experiment.', 0, CAST(strftime('%s', 'now') AS REAL);"
)
"""The one that runs belong to which name none: as in KFP, it is there from the start."""
CHECK_BUDGET_S = 2.0
"""A store larger than can be checked in this time is opened on the strength of what was checked."""
_DAMAGED = "damaged"
_CHECK_EVERY = 10_000  # virtual machine steps between two looks at the clock


def open_current(database: Database) -> int:
    """Open a database and take its next fencing number.

    Raises:
        Unavailable: It cannot be opened here, or it is damaged and was moved aside.
        Conflict: A newer version has written it.
    """
    try:
        files.make_private_directory(database.path.parent)
        connection = database.open()
        check(connection)
        _bring_up_to_date(connection, database.path)
        fence = _take_fence(connection)
        database.lay_out_wal()
        return fence
    except (sqlite3.Error, OSError) as error:
        failure = explain(error, database.path)
        if is_damage(error):
            failure = _set_aside(database.path, error)
        database.close()  # last: SQLite folds a WAL into its file at closing, but not once it moved
        raise failure from error
    except BaseException:
        database.close()
        raise


def check(connection: sqlite3.Connection, budget_s: float = CHECK_BUDGET_S) -> None:
    """Look for damage for as long as the budget allows.

    Raises:
        Damage: The file contradicts itself.
    """
    deadline = time.monotonic() + budget_s
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _CHECK_EVERY)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise Damage(found)


def copy_to(connection: sqlite3.Connection, path: Path) -> None:
    """Write a consistent, compact copy to a new file that only its owner may read."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        connection.execute("VACUUM INTO ?", (os.fspath(path),))
        with path.open("rb+") as copy:
            os.fsync(copy.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def damaged_files(path: Path) -> list[Path]:
    """Return the databases that were moved aside as damaged and still lie there, oldest first."""
    return sorted((path.parent / _DAMAGED).glob(f"{path.stem}-*{path.suffix}"))


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    found = _revision(connection, path)
    if found == REVISION:
        return
    if found is not None and found > REVISION:
        raise Conflict(
            f"Cannot open {str(path)!r}: its schema is revision {found}, written by a newer "
            f"version of jupyter-mlplat; this one knows up to {REVISION}. Upgrade it, or name "
            "another state directory in MLPLAT_HOME.",
            found=found,
            known=REVISION,
        )
    if found is None:
        _create(connection)
        return
    from jupyter_mlplat.stores.metadata import migrating  # SQLAlchemy: 0.4 s, needed only here

    copy_to(connection, _new_path(path.parent / "backups", f"{path.stem}-{found}", path.suffix))
    migrating.upgrade(connection, REVISION)


def _create(connection: sqlite3.Connection) -> None:
    """Create all tables in an empty file and stamp it, in one transaction."""
    try:
        connection.executescript(
            f"{BEGIN_WRITE};\n{SCHEMA.read_text()}"
            "INSERT INTO store(id, fence, last_run) VALUES(1, 0, 0);\n"
            f"{DEFAULT_EXPERIMENT}\n"
            "CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY);\n"
            f"INSERT INTO alembic_version VALUES('{REVISION}');\nCOMMIT;"
        )
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _revision(connection: sqlite3.Connection, path: Path) -> str | None:
    """Return the schema's revision, None for an empty file."""
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if not tables:
        return None
    if "alembic_version" not in tables or "store" not in tables:
        raise Conflict(
            f"Cannot open {str(path)!r}: it is a database of something else, with the tables "
            f"{sorted(tables)[:5]!r}. Name another state directory in MLPLAT_HOME."
        )
    (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(revision)


def _take_fence(connection: sqlite3.Connection) -> int:
    connection.execute(BEGIN_WRITE)
    try:
        (fence,) = connection.execute(
            "UPDATE store SET fence = fence + 1 RETURNING fence"
        ).fetchone()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return int(fence)


def _set_aside(path: Path, error: BaseException) -> Unavailable:
    """Move a damaged file away, with the WAL that belongs to it, so that nothing overwrites it."""
    aside = _new_path(path.parent / _DAMAGED, path.stem, path.suffix)
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return Unavailable(
        f"Cannot open {str(path)!r}: the file is damaged ({error}). It was moved to {str(aside)!r} "
        "as it is. Put a backup in its place, or start again: the engine then begins with an empty "
        "one and keeps all files of earlier runs.",
        reason="damaged",
        moved_to=str(aside),
    )


def _new_path(folder: Path, stem: str, suffix: str) -> Path:
    files.make_private_directory(folder)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return folder / f"{stem}-{moment}{suffix}"
