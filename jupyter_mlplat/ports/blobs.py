"""Content by its SHA-256, and the folders that runs leave on disk."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """A stored blob. `wanted_at` is when a writer last stored it, or found it stored already."""

    digest: str
    size_bytes: int
    wanted_at: datetime


class BlobStore(Protocol):
    """Content under its digest: written once, never changed, equal content stored once.

    Safe from any thread and process at the same time. A blob is there whole or not at all.
    """

    def has(self, digest: str) -> bool: ...

    def put_bytes(self, content: bytes) -> str:
        """Store content durably; returns its digest."""

    def put_stream(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Store content of any size durably; returns its digest and size."""

    def get_bytes(self, digest: str) -> bytes:
        """Return verified content. NotFound, or Unavailable where it no longer has this digest."""

    def iterate(self, digest: str) -> Iterator[bytes]:
        """Yield content in chunks; raises Unavailable at the end where it has not this digest."""

    def peek(self, digest: str, size_bytes: int) -> bytes:
        """Return the first bytes, unverified: enough to tell what kind of content it is."""

    def get_size(self, digest: str) -> int:
        """Return the size in bytes. Raises NotFound."""

    def list(self) -> Iterator[BlobInfo]: ...

    def delete(self, digest: str, unless_wanted_since: datetime) -> int:
        """Delete a blob unless a writer has wanted it since; returns the bytes freed."""

    def delete_damaged(self, wanted_since: datetime) -> Sequence[str]:
        """Delete what no longer has its digest, among what was stored since; returns which."""

    def keep_if_sound(self, digest: str) -> bool:
        """Tell whether content is there and has its digest; where it has not, delete it."""

    def sweep(self, older_than: datetime) -> int:
        """Delete what interrupted writers left behind; returns the bytes freed."""


class RunFolders(Protocol):
    """What runs leave on disk beside their blobs: logs, executed notebooks, results."""

    def list(self) -> Iterable[str]:
        """Return the ids of all runs that have a folder."""

    def get_size(self, run_id: str) -> int:
        """Return the bytes in a run's folder, 0 where it has none."""

    def delete(self, run_id: str) -> int:
        """Delete a run's folder; returns the bytes freed."""
