"""One schema of a PostgreSQL server, with the transactions that one SQLite file has."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_mlplat.errors import Conflict, PlatformError, Unavailable, Unsupported
from jupyter_mlplat.stores.metadata.connection import Connection, Cursor
from jupyter_mlplat.stores.metadata.database import Database
from jupyter_mlplat.stores.metadata.dialect import translate, translate_schema
from jupyter_mlplat.stores.metadata.opening import REVISION, SCHEMA

if TYPE_CHECKING:
    import psycopg

_log = logging.getLogger(__name__)

FUNCTIONS = Path(__file__).with_name("postgres.sql")
_CONNECT_TIMEOUT_S = 5
_PATIENCE_S = 20.0  # to find out what became of a commit whose answer was lost
_PAUSE_S = 0.2
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TABLE = "'store'"


class PostgresDatabase(Database):
    """A schema of its own in a database, written by one engine.

    Every transaction is on the server's disk before it is told, whatever it was asked for: a server
    may end without this machine noticing. A commit whose answer got lost is asked about, not
    guessed. Connections that broke are made anew.
    """

    def __init__(self, url: str, schema: str) -> None:
        super().__init__(Path(schema))
        self._url, self._schema = url, schema
        self._number = ""  # of the transaction that is being written

    @property
    def name(self) -> str:
        return f"{self._schema} in the PostgreSQL database"

    def open_current(self) -> int:
        """Make the schema if there is none, and take the next fencing number.

        Raises:
            Unavailable: The server does not answer, or does not let us in.
            Conflict: Another version has written the schema.
        """
        with self._lock, self._translated():
            connection = self._connect()
            try:
                fence = self._take_over(connection)
            except BaseException:
                connection.close()
                raise
            self._writer = cast(Any, connection)
            return fence

    def close(self) -> None:
        with self._lock:
            writer, self._writer = self._writer, None
            self._close_idle()
            if writer is not None:
                writer.close()

    def _take_over(self, connection: "PostgresConnection") -> int:
        connection.execute("BEGIN")
        try:
            # Two engines that open at once do it one after the other; writers of the older one
            # have ended, or find the new number.
            connection.run(f"SELECT pg_advisory_xact_lock({self._lock_number})")
            connection.run(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
            there = connection.run(
                "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'store'",
                (self._schema,),
            ).fetchone()
            if there is None:
                self._create(connection)
            (found,) = connection.run("SELECT version_num FROM alembic_version").fetchone()
            if found != REVISION:
                raise Conflict(
                    f"Cannot open schema {self.name}: it is revision {found}, this version of "
                    f"jupyter-mlplat needs {REVISION}. Use the version that wrote it, or name "
                    "another schema.",
                    found=found,
                    known=REVISION,
                )
            (fence,) = connection.run(
                "UPDATE store SET fence = fence + 1 RETURNING fence"
            ).fetchone()
            connection.execute("COMMIT")
            return int(fence)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _create(self, connection: "PostgresConnection") -> None:
        for script in (FUNCTIONS.read_text(), translate_schema(SCHEMA.read_text())):
            connection.run_script(script)
        connection.run_script(
            "INSERT INTO store(id, fence, last_run) VALUES(1, 0, 0);"  # noqa: S608
            "CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY);"
            f"INSERT INTO alembic_version VALUES('{REVISION}');"
            "INSERT INTO experiment(name, id, title, description, archived, created_at) "
            "SELECT 'default', 'experiment-' || left(replace(gen_random_uuid()::text, '-', ''), 26)"
            ", 'Default', 'Runs that name no experiment.', 0, extract(epoch FROM now());"
        )

    @property
    def _lock_number(self) -> str:
        return f"hashtextextended('mlplat ' || current_database() || '{self._schema}', 0)"

    # - the steps of a transaction -

    def _begin(self, connection: Connection, durable: bool) -> None:
        connection.execute("BEGIN")

    def _check_fence(self, connection: Connection) -> None:
        mine = cast(PostgresConnection, connection)
        (number,) = mine.run(
            f"SELECT pg_current_xact_id()::text, pg_advisory_xact_lock_shared({self._lock_number})"
        ).fetchone()[:1]
        self._number = number
        super()._check_fence(connection)

    def _commit(self, connection: Connection) -> None:
        try:
            connection.execute("COMMIT")
        except self._driver.OperationalError as error:
            if not self._is_committed(error):
                raise

    def _is_committed(self, error: Exception) -> bool:
        """Find out what became of a commit after the line broke.

        Raises:
            Conflict: It cannot be found out: whoever goes on might go on from what never was.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(self._driver.Error):
                connection = self._connect()
                try:
                    (state,) = connection.run(
                        "SELECT pg_xact_status($1::text::xid8)", (self._number,)
                    ).fetchone()
                finally:
                    connection.close()
                if state != "in progress":
                    return bool(state == "committed")
            time.sleep(_PAUSE_S)
        raise Conflict(
            f"Cannot tell whether the last change was written to {self.name}: the server went away "
            "over it. The engine begins anew from what is there."
        ) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._translated():
            self._refuse_closed()
            connection = self._begun_reader()
            try:
                yield connection
            finally:
                try:
                    connection.execute("ROLLBACK")
                    self._give_back(cast(Any, connection))
                except self._driver.Error:
                    connection.close()

    def _begun_reader(self) -> "PostgresConnection":
        while self._idle:  # they may have broken while nobody used them
            with contextlib.suppress(IndexError):
                connection = cast(PostgresConnection, self._idle.pop())
                try:
                    connection.execute(_READ)
                    return connection
                except self._driver.OperationalError:
                    connection.close()
        connection = self._connect()
        connection.execute(_READ)
        return connection

    def _open_writer(self) -> Any:
        writer = cast("PostgresConnection | None", super()._open_writer())
        if writer is not None and writer.is_broken:
            writer.close()
            self._writer = cast(Any, self._connect())
        return self._writer

    @property
    def _driver(self) -> Any:
        return _driver()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._driver.Error as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> PlatformError:
        state = getattr(error, "sqlstate", None) or ""
        what = str(error).strip().partition("\n")[0]
        if state in ("53100", "53200"):
            return Unavailable(
                f"Cannot write to schema {self.name}: the server has no room ({what}). Give it "
                "more and try again: nothing was lost.",
                reason="disk-full",
            )
        return Unavailable(
            f"Cannot use schema {self.name}: {what}. Check that the server is there and lets this "
            "engine in, then try again: nothing was lost.",
            reason="io",
        )

    def _connect(self, query_only: bool = False) -> "PostgresConnection":  # type: ignore[override]
        raw = _driver().connect(
            self._url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_S,
            cursor_factory=_driver().RawCursor,
            application_name="jupyter-mlplat",
            options=f'-c search_path="{self._schema}" -c synchronous_commit=on',
            keepalives_idle=30,
        )
        return PostgresConnection(raw)


class PostgresConnection:
    """A `Connection`: takes SQLite's statements."""

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        self._raw = raw
        raw.adapters.register_loader("numeric", _number_loader())

    @property
    def in_transaction(self) -> bool:
        return not self._raw.closed and self._raw.info.transaction_status != 0

    @property
    def is_broken(self) -> bool:
        return self._raw.closed

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor:
        return self.run(translate(statement), values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Cursor:
        cursor = self._raw.cursor()
        cursor.executemany(cast(Any, translate(statement)), [_plain(row) for row in rows])
        return cast(Cursor, cursor)

    def run(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        """Run a statement of PostgreSQL's own."""
        return cast(Cursor, self._raw.execute(cast(Any, statement), _plain(values)))

    def run_script(self, script: str) -> None:
        """Run several of them."""
        self._raw.execute(cast(Any, script))

    def close(self) -> None:
        self._raw.close()


def _plain(values: Sequence[Any]) -> list[Any]:
    """Give what SQLite takes without a word: yes and no as numbers; a text cannot hold a NUL."""
    return [
        int(value)
        if isinstance(value, bool)
        else value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        if isinstance(value, str) and "\0" in value
        else value
        for value in values
    ]


def _number_loader() -> Any:
    from psycopg.adapt import Loader

    class NumberLoader(Loader):
        """Sums of whole numbers come as `numeric`."""

        def load(self, data: Any) -> int | float:
            text = bytes(data)
            return int(text) if text.lstrip(b"-").isdigit() else float(text)

    return NumberLoader


_loading = threading.Lock()


def _driver() -> Any:
    with _loading:
        try:
            import psycopg
        except ImportError as error:
            raise Unsupported(
                "Cannot use PostgreSQL: psycopg is not installed. Install jupyter_mlplat[postgres]."
            ) from error
        return psycopg
