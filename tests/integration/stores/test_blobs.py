"""Content under its digest."""

import os
import stat
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_mlplat.errors import InvalidInput, NotFound, Unavailable
from jupyter_mlplat.kit.digests import digest_bytes
from jupyter_mlplat.ports.blobs import BlobInfo
from jupyter_mlplat.stores.blobs import LocalBlobStore

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobStore:
    return LocalBlobStore(tmp_path / "blobs")


def age(path: Path) -> None:
    os.utime(path, (LONG_AGO.timestamp(), LONG_AGO.timestamp()))


@pytest.mark.parametrize("content", [b"", b"x", b"\0\xff" * 2_000_000], ids=["empty", "x", "4 MB"])
def test_content_comes_back_as_it_went_in(blobs: LocalBlobStore, content: bytes) -> None:
    digest = blobs.put_bytes(content)

    assert digest == digest_bytes(content)
    assert blobs.get_bytes(digest) == content
    assert (blobs.has(digest), blobs.get_size(digest)) == (True, len(content))
    assert blobs.peek(digest, 1) == content[:1]


def test_a_stream_is_stored_under_the_digest_of_the_whole(blobs: LocalBlobStore) -> None:
    assert blobs.put_stream(iter([b"ab", b"", b"c"])) == (digest_bytes(b"abc"), 3)


def test_files_lie_where_steps_write_them_and_only_the_owner_may_read_them(
    blobs: LocalBlobStore, tmp_path: Path
) -> None:
    digest = blobs.put_bytes(b"abc")

    path = tmp_path / "blobs" / digest[7:9] / digest[9:]
    assert blobs.path(digest) == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in path.parents[:2]] == [0o700, 0o700]


def test_equal_content_is_stored_once_and_nothing_else_is_left(
    blobs: LocalBlobStore, tmp_path: Path
) -> None:
    digests = {blobs.put_bytes(b"abc"), blobs.put_stream([b"a", b"bc"])[0], blobs.put_bytes(b"abc")}

    assert len(digests) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [blobs.path(*digests)]


def test_content_stored_again_is_wanted_from_now_on(blobs: LocalBlobStore) -> None:
    digest = blobs.put_bytes(b"abc")
    for store_again in (lambda: blobs.put_bytes(b"abc"), lambda: blobs.put_stream([b"abc"])):
        age(blobs.path(digest))
        start = datetime.now(UTC) - timedelta(seconds=5)

        store_again()

        (info,) = blobs.list()
        assert (info.digest, info.size_bytes) == (digest, 3)
        assert info.wanted_at > start


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "abc",
        "sha256:",
        "sha256:" + "A" * 64,
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 64 + "\n",
        "sha256:../../" + "0" * 58,
        "md5:" + "0" * 64,
    ],
)
def test_nothing_but_a_digest_becomes_a_path(blobs: LocalBlobStore, digest: str) -> None:
    for use in (blobs.path, blobs.has, blobs.get_bytes, blobs.get_size):
        with pytest.raises(InvalidInput, match="this is no digest"):
            use(digest)


def test_content_that_is_not_there_is_named(blobs: LocalBlobStore) -> None:
    digest = digest_bytes(b"never stored")

    assert not blobs.has(digest)
    for use in (blobs.get_bytes, blobs.get_size, lambda digest: blobs.peek(digest, 1)):
        with pytest.raises(NotFound, match=digest):
            use(digest)
    assert blobs.delete(digest, FOREVER) == 0
    assert list(blobs.list()) == []


@pytest.mark.parametrize("damage", [b"ab", b"abd", b"abcd", b""])
def test_changed_content_is_never_returned(blobs: LocalBlobStore, damage: bytes) -> None:
    digest = blobs.put_bytes(b"abc")
    blobs.path(digest).chmod(0o600)
    blobs.path(digest).write_bytes(damage)

    with pytest.raises(Unavailable, match="Cannot trust content"):
        blobs.get_bytes(digest)


def test_a_writer_that_fails_leaves_nothing(blobs: LocalBlobStore, tmp_path: Path) -> None:
    def breaking() -> "list[bytes]":
        yield b"abc"  # type: ignore[misc]
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        blobs.put_stream(breaking())

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_killed_writers_left_is_swept_once_it_is_old(
    blobs: LocalBlobStore, tmp_path: Path
) -> None:
    digest = blobs.put_bytes(b"abc")
    leftovers = [tmp_path / "blobs" / ".1", blobs.path(digest).with_name(".2")]
    for path in leftovers:
        path.write_bytes(b"half")
    age(leftovers[0])

    assert blobs.sweep(older_than=datetime.now(UTC) - timedelta(hours=1)) == 4
    assert blobs.sweep(older_than=FOREVER) == 4
    assert blobs.get_bytes(digest) == b"abc"


def test_a_blob_is_deleted_unless_it_was_wanted_since(blobs: LocalBlobStore) -> None:
    digest = blobs.put_bytes(b"abc")

    assert blobs.delete(digest, unless_wanted_since=LONG_AGO) == 0
    assert blobs.has(digest)
    assert blobs.delete(digest, unless_wanted_since=FOREVER) == 3
    assert not blobs.has(digest)


def test_foreign_files_are_neither_listed_nor_deleted(
    blobs: LocalBlobStore, tmp_path: Path
) -> None:
    foreign = [tmp_path / "blobs" / "README", tmp_path / "blobs" / "ab" / "notes.txt"]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")

    assert list(blobs.list()) == []
    assert blobs.sweep(FOREVER) == 0
    assert all(path.exists() for path in foreign)


def test_a_blob_that_writers_store_while_it_is_collected_is_there_in_the_end(
    blobs: LocalBlobStore,
) -> None:
    """Deleting races with storing, over and over: what was stored last must be readable."""
    content = b"contended" * 100
    digest = blobs.put_bytes(content)
    stop = threading.Event()

    def collect() -> None:
        while not stop.is_set():
            blobs.delete(digest, unless_wanted_since=datetime.now(UTC) - timedelta(seconds=60))

    collectors = [threading.Thread(target=collect) for _ in range(2)]
    for thread in collectors:
        thread.start()
    try:
        for _ in range(200):
            with suppress(FileNotFoundError):  # deleted already
                age(blobs.path(digest))
            blobs.put_bytes(content)
    finally:
        stop.set()
        for thread in collectors:
            thread.join()

    assert blobs.get_bytes(digest) == content
    assert list(blobs.list()) == [BlobInfo(digest, len(content), next(blobs.list()).wanted_at)]


def test_damaged_content_that_is_young_is_deleted(blobs: LocalBlobStore) -> None:
    sound, torn, old = (blobs.put_bytes(content) for content in (b"sound", b"torn", b"old"))
    for digest in (torn, old):
        blobs.path(digest).chmod(0o600)
        os.truncate(blobs.path(digest), 1)
    age(blobs.path(old))

    assert blobs.delete_damaged(datetime.now(UTC) - timedelta(hours=1)) == [torn]
    assert [blobs.has(digest) for digest in (sound, torn, old)] == [True, False, True]
