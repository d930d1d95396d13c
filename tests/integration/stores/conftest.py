from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlplat.stores.metadata import SqlMetadataStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlMetadataStore]:
    store = SqlMetadataStore(tmp_path / "home" / "metadata.db")
    store.open()
    yield store
    store.close()


@pytest.fixture
def other_store(tmp_path: Path) -> Iterator[SqlMetadataStore]:
    """Another engine on the same file, not open yet."""
    store = SqlMetadataStore(tmp_path / "home" / "metadata.db")
    yield store
    store.close()
