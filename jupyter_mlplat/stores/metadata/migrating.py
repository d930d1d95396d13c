"""Bring an older file up to date. Imported only then: SQLAlchemy takes 0.4 s to load."""

import sqlite3
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from jupyter_mlplat.stores.metadata.database import BEGIN_WRITE

SCRIPTS = Path(__file__).parent / "migrations"


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
