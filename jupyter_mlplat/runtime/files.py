"""Files that a reader sees whole or not at all, and the blob store as a step sees it."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from typing import Any, Union

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
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except ValueError:  # UnicodeEncodeError is one, too
        text = json.dumps(without_nan(value), allow_nan=False, separators=(",", ":"))
        return text.encode("ascii")


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


class Blobs:
    """The content-addressed store: `<root>/ab/cdef…` holds the bytes whose SHA-256 is `abcdef…`.

    `put` writes under a temporary name; `commit` makes all of them durable and visible at once, so
    that a step pays for one round of flushes however many values it saves.
    """

    def __init__(self, root: str, durable: bool = True) -> None:
        self.root = root
        self.durable = durable
        self._pending: list[tuple[int, str, str]] = []  # open file, temporary path, final path
        self._known: dict[str, int] = {}  # digest -> size, of what was put

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
        self._known[digest] = sum(memoryview(part).nbytes for part in parts)
        final = self.path(digest)
        try:
            os.utime(final)  # already there: its age is what keeps the garbage collector away
            return digest
        except FileNotFoundError:
            pass
        os.makedirs(os.path.dirname(final), mode=0o700, exist_ok=True)
        temporary = f"{final}.{os.getpid()}.tmp"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o400)
        self._pending.append((fd, temporary, final))
        for part in parts:
            write_all(fd, part)
        return digest

    def size(self, digest: str) -> int:
        """Return the size in bytes of a blob that was put here."""
        return self._known[digest]

    def commit(self) -> None:
        """Make everything that was put durable, then visible."""
        folders: set[str] = set()
        pending, self._pending = self._pending, []
        for fd, _, _ in pending:
            if self.durable:
                os.fdatasync(fd) if hasattr(os, "fdatasync") else os.fsync(fd)
            os.close(fd)
        for _, temporary, final in pending:
            os.replace(temporary, final)
            folders.add(os.path.dirname(final))
        if self.durable:
            for folder in folders:
                fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)

    def discard(self) -> None:
        """Forget what was put since the last `commit`."""
        pending, self._pending = self._pending, []
        self._known.clear()
        for fd, temporary, _ in pending:
            os.close(fd)
            os.unlink(temporary)

    def get(self, digest: str) -> bytes:
        """Read a blob and check that it is what its name says.

        Raises:
            BlobError: It is missing or damaged.
        """
        return bytes(self.load(digest)) if self._is_large(digest) else self._read(digest)

    def load(self, digest: str) -> Buffer:
        """Return a writable private copy of a blob: a bytearray, or pages mapped copy-on-write.

        Raises:
            BlobError: It is missing or damaged.
        """
        if not self._is_large(digest):
            return bytearray(self._read(digest))
        fd = os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC)
        try:
            pages = mmap.mmap(fd, 0, access=mmap.ACCESS_COPY)
        finally:
            os.close(fd)
        self._check(digest, pages)
        return pages

    def _is_large(self, digest: str) -> bool:
        try:
            return os.stat(self.path(digest)).st_size >= MAP_FROM_BYTES
        except FileNotFoundError:
            raise BlobError(
                f"Cannot read blob {digest}: it is not in the store at {self.root!r}."
            ) from None

    def _read(self, digest: str) -> bytes:
        with open(self.path(digest), "rb") as file:
            data = file.read()
        self._check(digest, data)
        return data

    def _check(self, digest: str, data: Buffer) -> None:
        found = "sha256:" + hashlib.sha256(data).hexdigest()
        if found != digest:
            raise BlobError(
                f"Cannot use blob {digest}: its content hashes to {found}, so it is damaged. "
                "Run the step that made it again."
            )
