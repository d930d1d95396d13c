"""The metadata store: runs, lineage, models, endpoints and events in one SQLite file.

`schema.py` is the truth about tables (SQLAlchemy Core; alembic migrates it). Statements are SQL
text run on the driver's connection: SQLAlchemy takes 0.4 s and 13 MB to import and is needed only
to migrate a file, so an engine that finds a current one, or none, never loads it. Each
`*_tables.py` holds the statements of one group of tables; `store.py` puts them together.
Does not live here: policy (what to keep, what may be deleted), and content (`stores.blobs`).
"""

from jupyter_mlplat.stores.metadata.store import SqlMetadataStore

__all__ = ["SqlMetadataStore"]
