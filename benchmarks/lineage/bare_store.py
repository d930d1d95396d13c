"""The floor: SQLite as it comes with Python, columns instead of documents, and nothing checked.

Its WAL has its full length from the start, as ours has, and synchronous is FULL.
"""

import sqlite3
import threading
from pathlib import Path

_TABLES = """
CREATE TABLE execution(pk INTEGER PRIMARY KEY, name TEXT, state TEXT, x INTEGER);
CREATE TABLE artifact(pk INTEGER PRIMARY KEY, uri TEXT, x INTEGER);
CREATE TABLE link(execution INTEGER, kind INTEGER, artifact INTEGER);
CREATE INDEX link_execution ON link(execution, kind);
CREATE INDEX link_artifact ON link(artifact, kind);
CREATE TABLE run(pk INTEGER PRIMARY KEY, parameters TEXT, state TEXT);
CREATE TABLE metric(run INTEGER, name TEXT, value REAL);
CREATE INDEX metric_run ON metric(run);
"""
_EXECUTION = "INSERT INTO execution VALUES(?, 'E', 'COMPLETE', ?)"
_ARTIFACT = "INSERT INTO artifact VALUES(?, 'file:///a/' || ?, ?)"
_LINK = "INSERT INTO link VALUES(?, ?, ?)"
_WAL_BYTES = 4_300_000
_READ, _MADE = 0, 1


class Store:
    def __init__(self, folder: Path) -> None:
        path = folder / "bare.db"
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_TABLES)
        with open(f"{path}-wal", "ab") as wal:
            wal.write(bytes(_WAL_BYTES - wal.tell()))
        self._lock = threading.Lock()
        self._last = 0

    def insert_each(self, count: int, chain: int) -> None:
        for number in range(count):
            with self._lock:
                self._connection.execute("BEGIN IMMEDIATE")
                self._insert(number, 1, chain)
                self._connection.execute("COMMIT")

    def insert_bulk(self, count: int, chain: int) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._insert(0, count, chain)
        self._connection.execute("COMMIT")

    def log_runs(self, count: int) -> None:
        for _ in range(count):
            with self._lock:
                self._connection.execute("BEGIN IMMEDIATE")
                done = self._connection.execute(
                    "INSERT INTO run(parameters, state) VALUES('p', 'RUNNING')"
                )
                self._connection.execute("COMMIT")
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.execute(
                    "UPDATE run SET state = 'SUCCEEDED' WHERE pk = ?", (done.lastrowid,)
                )
                self._log(done.lastrowid, 5)
                self._connection.execute("COMMIT")

    def log_metrics(self, count: int) -> None:
        for _ in range(count):
            self._log(1, 1)

    def close(self) -> None:
        self._connection.close()

    def _insert(self, number: int, count: int, chain: int) -> None:
        keys = range(self._last + 1, self._last + count + 1)
        facts = [(key, number + place) for place, key in enumerate(keys)]
        links = [(key, _MADE, key) for key in keys]
        links += [(key, _READ, key - 1) for key, x in facts if x % chain]
        self._connection.executemany(_EXECUTION, facts)
        self._connection.executemany(_ARTIFACT, [(key, x, x) for key, x in facts])
        self._connection.executemany(_LINK, links)
        self._last += count

    def _log(self, run: int | None, count: int) -> None:
        self._connection.executemany(
            "INSERT INTO metric VALUES(?, ?, ?)",
            [(run, f"m{number}", number * 0.1) for number in range(count)],
        )
