"""A folder in the store as one file to download: a tar archive, made while it is read."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.ports.blobs import BlobStore

FOLDER = "mlplat.folder"  # as `runtime.artifacts` writes it
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class Archive:
    """What a folder's manifest names, ready to be streamed; `size_bytes` is known before."""

    blobs: BlobStore
    entries: tuple[tuple[bytes, str | None, int], ...]  # (header, digest, size)

    @property
    def size_bytes(self) -> int:
        return sum(len(head) + size + -size % _BLOCK for head, _, size in self.entries) + 2 * _BLOCK

    def __iter__(self) -> Iterator[bytes]:
        for head, digest, size in self.entries:
            yield head
            if digest is not None:
                yield from self.blobs.iterate(digest)
                yield bytes(-size % _BLOCK)
        yield bytes(2 * _BLOCK)


def archive_of(blobs: BlobStore, digest: str, name: str) -> Archive:
    """Return the archive of a folder; all in it lies below a folder of this name.

    Raises:
        NotFound: The content is no folder, or something of it is gone.
    """
    manifest = json.loads(blobs.get_bytes(digest))
    if not isinstance(manifest, dict) or manifest.get("kind") != FOLDER:
        raise NotFound(f"{digest} is no folder.")
    entries: list[tuple[bytes, str | None, int]] = []
    for path in manifest.get("folders", ()):
        entries.append((_header(name, path, 0, 0o755, tarfile.DIRTYPE), None, 0))
    for path, (file, _, is_executable) in manifest["files"].items():
        size = blobs.get_size(file)
        mode = 0o755 if is_executable else 0o644
        entries.append((_header(name, path, size, mode, tarfile.REGTYPE), file, size))
    return Archive(blobs, tuple(entries))


def _header(name: str, path: str, size: int, mode: int, kind: bytes) -> bytes:
    safe = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
    entry = tarfile.TarInfo("/".join([name.replace("/", "_"), *safe]))
    entry.size, entry.mode, entry.type = size, mode, kind
    return entry.tobuf(tarfile.PAX_FORMAT)
