"""The metadata port over PostgreSQL: the contract, and what only a server can do wrong."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, Unavailable, Unsupported
from jupyter_mlplat.ports.metadata import Change, NewEvent
from jupyter_mlplat.stores.metadata.dialect import translate
from jupyter_mlplat.stores.metadata.opening import REVISION
from jupyter_mlplat.stores.metadata.postgres import PostgresConnection
from jupyter_mlplat.stores.metadata.postgres_store import PostgresMetadataStore
from jupyter_mlplat.stores.metadata.schema import metadata
from tests.contracts.catalogue import ExperimentContract, SelectingContract, StoredPipelineContract
from tests.contracts.metadata_store import MetadataStoreContract, submit
from tests.fakes.postgres import WHERE, PostgresServer, find_binaries, postgres_server

TABLES = tuple(metadata.tables)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(f"no PostgreSQL server is installed ({WHERE})")
    with postgres_server(binaries) as running:
        yield running


@pytest.fixture(scope="module")
def made(server: PostgresServer) -> str:
    """A schema, made once: emptying it is much faster."""
    store = PostgresMetadataStore(server.url, "profile-tests")
    store.open()
    store.close()
    return "profile-tests"


@pytest.fixture
def store(server: PostgresServer, made: str) -> Iterator[PostgresMetadataStore]:
    store = PostgresMetadataStore(server.url, made)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f'SET search_path = "{made}"')
        for table in TABLES:
            kept = {"store": "false", "experiment": "name <> 'default'"}.get(table, "true")
            connection.execute(f"DELETE FROM {table} WHERE {kept}")
        connection.execute("UPDATE store SET fence = 0, last_run = 0")
        connection.execute("UPDATE experiment SET archived = 0, title = 'Default'")
        connection.execute("UPDATE alembic_version SET version_num = %s", (REVISION,))
    store.open()
    yield store
    store.close()


@pytest.fixture
def other_store(server: PostgresServer, made: str) -> Iterator[PostgresMetadataStore]:
    store = PostgresMetadataStore(server.url, made)
    yield store
    store.close()


class TestPostgresMetadataStore(
    MetadataStoreContract, ExperimentContract, SelectingContract, StoredPipelineContract
):
    def open_copy(self, path: Path) -> PostgresMetadataStore:
        pytest.skip("a server is saved by its own tools")

    def test_a_backup_made_while_work_goes_on_opens_as_a_store(
        self, store: PostgresMetadataStore, tmp_path: Path
    ) -> None:
        with pytest.raises(Unsupported, match="pg_dump"):
            store.backup(tmp_path / "copy")


def test_profiles_lie_in_schemas_of_their_own(server: PostgresServer) -> None:
    anna, bea = (PostgresMetadataStore(server.url, f"of-{name}") for name in ("anna", "bea"))
    assert [anna.open(), bea.open()] == [1, 1]
    submit(anna)

    assert (anna.count_runs(), bea.count_runs()) == (1, 0)
    for store in (anna, bea):
        store.close()


@pytest.mark.parametrize("name", ["", "Anna", 'a"; DROP SCHEMA x', "a" * 64, "1a", "a\0"])
def test_only_plain_names_are_schemas(name: str) -> None:
    with pytest.raises(InvalidInput, match="small letters"):
        PostgresMetadataStore("postgresql:///x", name)


def test_write_survives_a_server_that_crashes_and_comes_back(
    server: PostgresServer, store: PostgresMetadataStore
) -> None:
    run = submit(store)
    server.stop()
    with pytest.raises(Unavailable, match="Check that the server is there"):
        store.get_run(run.id)
    with pytest.raises(Unavailable, match="nothing was lost"):
        submit(store)

    server.start()

    assert store.get_run(run.id) == run
    assert submit(store).number == 2


@pytest.mark.parametrize("is_written", [True, False], ids=["before the loss", "never"])
def test_commit_whose_answer_was_lost_is_asked_about(
    store: PostgresMetadataStore, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    execute = PostgresConnection.execute

    def lose(self: PostgresConnection, statement: str, *values: Any) -> Any:
        if statement != "COMMIT":
            return execute(self, statement, *values)
        monkeypatch.undo()
        if is_written:
            execute(self, "COMMIT")
        self.close()
        raise psycopg.OperationalError("the line broke")

    monkeypatch.setattr(PostgresConnection, "execute", lose)
    if is_written:
        store.apply(Change(events=[NewEvent("k", "s", {})]))
    else:
        with pytest.raises(Unavailable):
            store.apply(Change(events=[NewEvent("k", "s", {})]))

    assert store.last_event() == int(is_written)
    store.apply(Change(events=[NewEvent("k", "s", {})]))
    assert store.last_event() == 1 + int(is_written)


def test_engine_that_writes_is_not_overtaken(
    store: PostgresMetadataStore, other_store: PostgresMetadataStore
) -> None:
    with ThreadPoolExecutor(1) as pool, store._database.write() as connection:
        opening = pool.submit(other_store.open)
        with pytest.raises(TimeoutError):
            opening.result(0.2)
        connection.execute("UPDATE store SET last_run = 7")
        connection.execute("COMMIT")
        connection.execute("BEGIN")
        assert opening.result(10) == 2

    with pytest.raises(Conflict, match="engine number 2"):
        submit(store)
    assert submit(other_store).number == 8


def test_schema_of_another_version_is_left_alone(
    server: PostgresServer, store: PostgresMetadataStore, other_store: PostgresMetadataStore
) -> None:
    with store._database.write() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(Conflict, match="9999"):
        other_store.open()


def test_wrong_password_and_missing_database_are_said(server: PostgresServer) -> None:
    with pytest.raises(Unavailable, match="nowhere"):
        PostgresMetadataStore(server.url.replace("/postgres?", "/nowhere?"), "x").open()


@pytest.mark.parametrize(
    ("statement", "translated"),
    [
        ("SELECT ?, '?', ?", "SELECT $1, '?', $2"),
        ("a = ?2 AND b = ?1", "a = $2 AND b = $1"),
        ("a LIKE ?", "a ILIKE $1 ESCAPE ''"),
        ("a LIKE ? ESCAPE '!'", "a ILIKE $1 ESCAPE '!'"),
        ("CAST(a AS INTEGER)", "whole(a)"),
        ("? IS NULL OR a = ?", "$1::text IS NULL OR a = $2"),
    ],
)
def test_statements_are_translated(statement: str, translated: str) -> None:
    assert translate(statement) == translated
