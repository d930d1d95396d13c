"""Create and migrate the schema. Imported only when there is something to do."""

import sqlite3
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from jupyter_mlplat.stores.metadata.database import BEGIN_WRITE
from jupyter_mlplat.stores.metadata.schema import metadata

SCRIPTS = Path(__file__).parent / "migrations"


def create(connection: sqlite3.Connection, revision: str) -> None:
    """Create all tables in an empty file and stamp it, in one transaction."""
    dialect = sqlite.dialect()
    connection.execute(BEGIN_WRITE)
    with connection:
        for table in metadata.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=dialect)))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
        connection.execute("INSERT INTO store(id, fence, last_run) VALUES(1, 0, 0)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES(?)", (revision,))


def upgrade(connection: sqlite3.Connection, revision: str) -> None:
    """Run the migrations from the file's revision up to this one, in one transaction.

    Raises:
        sqlite3.Error: A migration failed; the file is as it was.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    directory = ScriptDirectory.from_config(config)
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    environment = EnvironmentContext(
        config,
        directory,
        fn=lambda found, _: directory._upgrade_revs(revision, found),
    )
    try:
        with environment, engine.connect() as bound:
            bound.exec_driver_sql(BEGIN_WRITE)
            environment.configure(connection=bound, transactional_ddl=True)
            environment.run_migrations()
            bound.commit()
    except DBAPIError as error:
        raise error.orig or error from error
