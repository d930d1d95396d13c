"""Files that a reader sees whole or not at all, and the blob store as a step sees it."""

from __future__ import annotations

import hashlib
import mmap
import os
from json import dumps, loads  # as they are before a notebook patches them
from typing import Any, NamedTuple, Union

Buffer = Union[bytes, bytearray, memoryview, "mmap.mmap"]

MAP_FROM_BYTES = 1 << 20
"""Blobs from this size on are mapped instead of read.

Copy-on-write pages cost nothing until touched.
"""


def write_atomically(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a file under another name, then give it its own."""
    temporary = f"{path}.{os.getpid()}.tmp"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)
    os.replace(temporary, path)


def write_all(fd: int, data: Buffer) -> None:
    """Write every byte: `os.write` may take only a part of a large buffer."""
    rest = memoryview(data).cast("B") if not isinstance(data, bytes) else memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def dump_json(value: Any) -> bytes:
    """Encode as UTF-8 JSON that any parser takes: no NaN, no lone surrogates."""
    try:
        text = dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except ValueError:  # UnicodeEncodeError is one, too
        text = dumps(without_nan(value), allow_nan=False, separators=(",", ":"))
        return text.encode("ascii")


def read_json(path: str) -> dict[str, Any]:
    """Return the object in a file; an empty one if there is none."""
    try:
        with open(path, "rb") as file:
            content = loads(file.read())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def without_nan(value: Any) -> Any:
    """Spell the numbers that JSON lacks as strings: "NaN", "Infinity", "-Infinity"."""
    if isinstance(value, float) and value - value != 0.0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return value


class BlobError(Exception):
    """A blob is missing or is not what its name says."""


class _Pending(NamedTuple):
    """A blob that nobody sees yet."""

    fd: int
    temporary: str
    final: str
    size: int


class Blobs:
    """The content-addressed store: `<root>/ab/cdef…` holds the bytes whose SHA-256 is `abcdef…`.

    `put` writes under a temporary name; `commit` makes all of them visible at once.

    Args:
        root: The store's folder.
        flush_from_bytes: Blobs from this size on are flushed to the disk by `commit`, 0: all, None:
            none. Whoever tells of a result that rests on others flushes those first.
    """

    def __init__(self, root: str, flush_from_bytes: int | None = 0) -> None:
        self.root = root
        self.flush_from_bytes = flush_from_bytes
        self._pending: list[_Pending] = []
        self._manifests: dict[str, dict[str, Any]] = {}
        self._known: dict[str, int] = {}  # digest -> size, of what was put
        self._own = os.urandom(4).hex()  # other pods may write here, too, with the same pid

    def path(self, digest: str) -> str:
        """Say where a blob lies."""
        scheme, _, name = digest.partition(":")
        if scheme != "sha256" or len(name) != 64 or not name.isalnum():
            raise BlobError(f"{digest!r} is not a digest of the form sha256:<64 hex digits>.")
        return os.path.join(self.root, name[:2], name[2:])

    def put(self, *parts: Buffer) -> str:
        """Store bytes, given in parts, and return their digest.

        They are in the store after `commit`.
        """
        hashed = hashlib.sha256()
        for part in parts:
            hashed.update(part)
        digest = "sha256:" + hashed.hexdigest()
        if digest in self._known:
            return digest
        size = self._known[digest] = sum(memoryview(part).nbytes for part in parts)
        final = self.path(digest)
        try:
            os.utime(final)  # already there: its age is what keeps the garbage collector away
            return digest
        except FileNotFoundError:
            pass
        temporary = f"{final}.{os.getpid()}-{self._own}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            fd = os.open(temporary, flags, 0o400)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(final), mode=0o700, exist_ok=True)
            fd = os.open(temporary, flags, 0o400)
        self._pending.append(_Pending(fd, temporary, final, size))
        for part in parts:
            write_all(fd, part)
        return digest

    def size(self, digest: str) -> int:
        """Return the size in bytes of a blob that was put here."""
        return self._known[digest]

    def commit(self) -> None:
        """Make everything that was put visible; large ones are on the disk first."""
        pending, self._pending = self._pending, []
        least = self.flush_from_bytes
        for blob in pending:
            if least is not None and blob.size >= least:
                os.fdatasync(blob.fd) if hasattr(os, "fdatasync") else os.fsync(blob.fd)
            os.close(blob.fd)
        for blob in pending:
            os.replace(blob.temporary, blob.final)
        if least == 0:
            for folder in {os.path.dirname(blob.final) for blob in pending}:
                fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)

    def touch(self) -> None:
        """Let all that was put count as wanted from now on: it took a while to put."""
        for digest in self._known:
            os.utime(self.path(digest))

    def discard(self) -> None:
        """Forget what was put since the last `commit`."""
        pending, self._pending = self._pending, []
        self._known.clear()
        for blob in pending:
            os.close(blob.fd)
            os.unlink(blob.temporary)

    def get(self, digest: str) -> bytes:
        """Read a blob and check that it is what its name says.

        Raises:
            BlobError: It is missing or damaged.
        """
        data = self._take(digest)
        return data if isinstance(data, bytes) else bytes(data)

    def get_manifest(self, digest: str) -> dict[str, Any]:
        """Return a blob that is a JSON object; it is read and parsed once.

        Raises:
            BlobError: It is missing or damaged.
        """
        if digest not in self._manifests:
            self._manifests[digest] = loads(self.get(digest))
        return self._manifests[digest]

    def load(self, digest: str) -> Buffer:
        """Return a writable private copy of a blob: a bytearray, or pages mapped copy-on-write.

        Raises:
            BlobError: It is missing or damaged.
        """
        data = self._take(digest)
        return bytearray(data) if isinstance(data, bytes) else data

    def _take(self, digest: str) -> bytes | mmap.mmap:
        """Read a small blob or map a large one, and check it."""
        data: bytes | mmap.mmap
        try:
            fd = os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BlobError(
                f"Cannot read blob {digest}: it is not in the store at {self.root!r}."
            ) from None
        try:
            size = os.fstat(fd).st_size
            if size >= MAP_FROM_BYTES:
                data = mmap.mmap(fd, 0, access=mmap.ACCESS_COPY)
            else:
                data = os.read(fd, size)
        finally:
            os.close(fd)
        self._check(digest, data)
        return data

    def _check(self, digest: str, data: Buffer) -> None:
        found = "sha256:" + hashlib.sha256(data).hexdigest()
        if found != digest:
            raise BlobError(
                f"Cannot use blob {digest}: its content hashes to {found}, so it is damaged. "
                "Run the step that made it again."
            )
