"""Callers who wait for the writer at the same time share one transaction and its flush."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_mlplat.errors import Conflict, Unavailable
from jupyter_mlplat.stores.metadata.database import Database
from jupyter_mlplat.stores.metadata.opening import open_current

CALLERS = 5
DEADLINE_S = 10.0

Action = Callable[[sqlite3.Connection], int]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "metadata.db")
    database.fence = open_current(database)
    yield database
    database.close()


def insert(name: str) -> Action:
    def action(connection: sqlite3.Connection) -> int:
        connection.execute(
            "INSERT INTO model(name, description, created_at) VALUES(?, '', 0)", (name,)
        )
        return len(name)

    return action


def fail(connection: sqlite3.Connection) -> int:
    insert("half done")(connection)
    raise KeyError("no such thing")


def break_rules(connection: sqlite3.Connection) -> int:
    insert("half done")(connection)
    return insert("half done")(connection)


def write_at_once(
    database: Database, actions: list[Action], meanwhile: Callable[[], object] = lambda: None
) -> list[Future[int]]:
    """Let all of them wait for the writer before it is free."""
    with ThreadPoolExecutor(len(actions)) as pool, database.exclusively():
        futures = [pool.submit(database.write_shared, action) for action in actions]
        deadline = time.monotonic() + DEADLINE_S
        while len(database._waiting) < len(actions):
            assert time.monotonic() < deadline, "not all came to wait"
            time.sleep(0.001)
        meanwhile()
    return futures


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM model ORDER BY name")]


def test_those_who_wait_share_one_commit(database: Database) -> None:
    statements: list[str] = []
    with database.exclusively() as connection:
        connection.set_trace_callback(statements.append)

    futures = write_at_once(database, [insert(f"m{number}") for number in range(CALLERS)])

    assert [future.result() for future in futures] == [2] * CALLERS
    assert names(database) == [f"m{number}" for number in range(CALLERS)]
    assert statements.count("COMMIT") == 1


def test_one_that_fails_is_undone_alone(database: Database) -> None:
    good, bad, worse, fine = write_at_once(
        database, [insert("good"), fail, break_rules, insert("fine")]
    )

    assert (good.result(), fine.result()) == (4, 4)
    with pytest.raises(KeyError, match="no such thing"):
        bad.result()
    with pytest.raises(Unavailable, match="UNIQUE constraint failed"):
        worse.result()
    assert names(database) == ["fine", "good"]


def test_one_that_fails_alone_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError, match="no such thing"):
        database.write_shared(fail)

    assert names(database) == []


def test_all_are_told_when_a_newer_engine_has_taken_over(database: Database) -> None:
    def take_over() -> None:
        with sqlite3.connect(database.path, timeout=0) as other:
            other.execute("UPDATE store SET fence = fence + 1")
        other.close()

    futures = write_at_once(database, [insert("a"), insert("b")], take_over)

    assert [type(future.exception()) for future in futures] == [Conflict, Conflict]
    assert names(database) == []


def test_the_wal_has_its_full_length_from_the_start(database: Database) -> None:
    wal = Path(f"{database.path}-wal")
    before = wal.stat().st_size

    for number in range(2000):
        database.write_shared(insert(f"model-{number}"))

    assert before >= 1000 * os.sysconf("SC_PAGE_SIZE")
    assert wal.stat().st_size == before
    assert len(names(database)) == 2000
