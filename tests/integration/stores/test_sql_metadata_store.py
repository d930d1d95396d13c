"""The metadata port over SQLite: the contract."""

from pathlib import Path

from jupyter_mlplat.stores.metadata import SqlMetadataStore
from tests.contracts.metadata_store import MetadataStoreContract


class TestSqlMetadataStore(MetadataStoreContract):
    def open_copy(self, path: Path) -> SqlMetadataStore:
        store = SqlMetadataStore(path)
        store.open()
        return store
