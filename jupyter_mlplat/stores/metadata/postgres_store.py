"""The `MetadataStore` port over PostgreSQL: the same statements, in a schema of its own."""

import re
from collections.abc import Sequence
from pathlib import Path

from jupyter_mlplat.errors import InvalidInput, Unsupported
from jupyter_mlplat.stores.metadata.postgres import PostgresDatabase
from jupyter_mlplat.stores.metadata.store import SqlMetadataStore

_SCHEMA = re.compile(r"[a-z][a-z0-9_-]{0,62}")


class PostgresMetadataStore(SqlMetadataStore):
    """Keeps what is known in one schema of a PostgreSQL database.

    Args:
        url: Of the database: `postgresql://…`.
        schema: Made when there is none; nobody else writes to it.
    """

    _database: PostgresDatabase

    def __init__(self, url: str, schema: str) -> None:
        if not _SCHEMA.fullmatch(schema):
            raise InvalidInput(
                f"Cannot use schema {schema!r}: needed small letters, digits, '-' and '_', at most "
                "63, with a letter first."
            )
        self._database = PostgresDatabase(url, schema)

    def open(self) -> int:
        """Make the schema if there is none, and take the next fencing number.

        Raises:
            Unavailable: The server does not answer, or does not let us in.
            Conflict: Another version has written the schema.
        """
        self._database.fence = self._database.open_current()
        return self._database.fence

    def damaged_files(self) -> Sequence[Path]:
        return []

    def backup(self, path: Path) -> None:
        """Refuse: a server is saved by its own tools."""
        raise Unsupported("Cannot copy a PostgreSQL schema here. Use pg_dump --schema.")
