"""Blobs on the local disk: `blobs/ab/cdef…`, by SHA-256.

The layout and the rules for writers are those of docs/architecture.md: steps write here too, with a
writer of their own (`runtime`).
"""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError, Unavailable
from jupyter_mlplat.kit import clock, digests, files
from jupyter_mlplat.ports.blobs import BlobInfo

_PREFIX = "sha256:"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FOLDER = re.compile(r"[0-9a-f]{2}")
_FILE = re.compile(r"[0-9a-f]{62}")
_CHUNK_BYTES = 1 << 20
_BLOB_MODE = 0o400


class LocalBlobStore:
    """The `BlobStore` port over a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, digest: str) -> Path:
        """Say where a blob lies, or would lie.

        Raises:
            InvalidInput: Not a digest of ours; nothing else ever becomes part of a path.
        """
        if not _DIGEST.fullmatch(digest):
            raise InvalidInput(
                f"Cannot look up content {digest!r}: this is no digest. Give 'sha256:' and 64 "
                "lower-case hexadecimal digits."
            )
        name = digest.removeprefix(_PREFIX)
        return self._root / name[:2] / name[2:]

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def put_bytes(self, content: bytes) -> str:
        digest = digests.digest_bytes(content)
        if not _renew(self.path(digest)):
            self.put_stream((content,))
        return digest

    def put_stream(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        temporary = None
        try:
            # The digest decides the folder and is known last.
            files.make_private_directory(self._root)
            temporary = self._root / f".{secrets.token_hex(8)}"
            digest, size = _write(temporary, chunks)
            path = self.path(digest)
            if not _renew(path):
                files.make_private_directory(path.parent)
                os.replace(temporary, path)
                files.sync_directory(path.parent)
        except OSError as error:
            raise self._explain("store content", error) from error
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
        return digest, size

    def get_bytes(self, digest: str) -> bytes:
        return b"".join(self.iterate(digest))

    def iterate(self, digest: str) -> Iterator[bytes]:
        hasher = hashlib.sha256()
        try:
            with self.path(digest).open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    hasher.update(chunk)
                    yield chunk
        except FileNotFoundError as error:
            raise _missing(digest) from error
        except OSError as error:
            raise self._explain(f"read content {digest!r}", error) from error
        found = _PREFIX + hasher.hexdigest()
        if found != digest:
            raise Unavailable(
                f"Cannot trust content {digest!r}: what lies in {str(self.path(digest))!r} has "
                f"the digest {found!r}, so the file was changed or the disk is failing. Delete the "
                "file and run the step that made it again, with its cache off.",
                reason="damaged",
                digest=digest,
            )

    def peek(self, digest: str, size_bytes: int) -> bytes:
        try:
            with self.path(digest).open("rb") as file:
                return file.read(size_bytes)
        except FileNotFoundError as error:
            raise _missing(digest) from error

    def get_size(self, digest: str) -> int:
        try:
            return self.path(digest).stat().st_size
        except FileNotFoundError as error:
            raise _missing(digest) from error

    def list(self) -> Iterator[BlobInfo]:
        for folder in _children(self._root):
            if _FOLDER.fullmatch(folder.name) and folder.is_dir(follow_symlinks=False):
                for file in _children(folder):
                    if _FILE.fullmatch(file.name):
                        with suppress(FileNotFoundError):  # deleted meanwhile
                            status = file.stat(follow_symlinks=False)
                            yield BlobInfo(
                                _PREFIX + folder.name + file.name,
                                status.st_size,
                                clock.from_unix(status.st_mtime),
                            )

    def delete(self, digest: str, unless_wanted_since: datetime) -> int:
        path = self.path(digest)
        doomed = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            if path.stat().st_mtime >= unless_wanted_since.timestamp():
                return 0
            path.rename(doomed)
        except FileNotFoundError:
            return 0
        # A writer may have touched it between the look and the rename: then it goes back.
        status = doomed.stat()
        if status.st_mtime >= unless_wanted_since.timestamp():
            doomed.rename(path)
            return 0
        doomed.unlink()
        return status.st_size

    def delete_damaged(self, wanted_since: datetime) -> Sequence[str]:
        return [
            blob.digest
            for blob in self.list()
            if blob.wanted_at >= wanted_since and not self.keep_if_sound(blob.digest)
        ]

    def keep_if_sound(self, digest: str) -> bool:
        try:
            for _ in self.iterate(digest):
                pass
        except NotFound:
            return False
        except Unavailable as error:
            if error.details.get("reason") != "damaged":
                raise
            self.path(digest).unlink(missing_ok=True)
            return False
        return True

    def sweep(self, older_than: datetime) -> int:
        freed = 0
        for folder in (self._root, *self._root.glob("[0-9a-f][0-9a-f]")):
            for file in _children(folder):
                if file.name.startswith(".") and file.is_file(follow_symlinks=False):
                    freed += _delete_older(Path(file), older_than)
        return freed

    def _explain(self, action: str, error: OSError) -> PlatformError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Unavailable(
                f"Cannot {action}: the disk of {str(self._root)!r} is full. Free some space and "
                "try again: nothing is half written.",
                reason="disk-full",
            )
        return Unavailable(
            f"Cannot {action} in {str(self._root)!r}: {error.strerror}. Check the folder's "
            "permissions and its disk, then try again.",
            reason="io",
        )


def _renew(path: Path) -> bool:
    """Say that a blob is wanted again; False where there is none."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _write(path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    hasher, size = hashlib.sha256(), 0
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _BLOB_MODE)
    with os.fdopen(handle, "wb") as file:
        for chunk in chunks:
            hasher.update(chunk)
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return _PREFIX + hasher.hexdigest(), size


def _delete_older(path: Path, moment: datetime) -> int:
    with suppress(FileNotFoundError):  # its writer has finished meanwhile
        status = path.stat()
        if status.st_mtime < moment.timestamp():
            path.unlink()
            return status.st_size
    return 0


def _children(folder: os.PathLike[str]) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _missing(digest: str) -> NotFound:
    return NotFound(
        f"Cannot find content {digest!r}: it was never stored here, or it was deleted. Run the "
        "step that made it again.",
        digest=digest,
    )
