"""What a manifest refers to is reachable."""

from collections.abc import Iterable, Iterator

import pytest

from jupyter_mlplat.errors import NotFound, Unavailable
from jupyter_mlplat.kit.digests import digest_text
from jupyter_mlplat.services.gc.marking import digests_in, reachable

A, B, C, D = (digest_text(letter) for letter in "abcd")


class MemoryBlobs:
    """Just enough of a blob store: contents under names a test chooses."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self._contents = contents

    def peek(self, digest: str, size_bytes: int) -> bytes:
        if digest not in self._contents:
            raise NotFound(digest)
        return self._contents[digest][:size_bytes]

    def iterate(self, digest: str) -> Iterator[bytes]:
        if self._contents[digest].endswith(b"damaged"):
            raise Unavailable("damaged")
        yield self._contents[digest]


@pytest.mark.parametrize("cut", [1, 7, 35, 70, 71, 72, 1000])
def test_digests_are_found_wherever_chunks_are_cut(cut: int) -> None:
    text = f'{{"a": "{A}", "b": ["{B}", "{C}{D}"], "no": "sha256:123"}}'.encode()

    def chunks() -> Iterable[bytes]:
        return (text[start : start + cut] for start in range(0, len(text), cut))

    assert digests_in(chunks()) == {A, B, C, D}


def test_a_manifest_keeps_its_leaves_and_theirs() -> None:
    blobs = MemoryBlobs(
        {A: b'{"leaves": ["' + B.encode() + b'"]}', B: b'{"x": "' + C.encode() + b'"}', C: b"\x93"}
    )

    assert reachable([A], blobs) == {A, B, C}  # type: ignore[arg-type]


def test_content_that_is_no_object_keeps_nothing_else() -> None:
    blobs = MemoryBlobs({A: b"[" + B.encode()})

    assert reachable([A], blobs) == {A}  # type: ignore[arg-type]


def test_missing_content_and_cycles_are_no_obstacle() -> None:
    blobs = MemoryBlobs({A: b"{" + B.encode(), B: b"{" + A.encode() + C.encode()})

    assert reachable([A, D], blobs) == {A, B, C, D}  # type: ignore[arg-type]


def test_a_damaged_manifest_stops_the_collection() -> None:
    blobs = MemoryBlobs({A: b"{damaged"})

    with pytest.raises(Unavailable):
        reachable([A], blobs)  # type: ignore[arg-type]
