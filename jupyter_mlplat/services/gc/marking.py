"""Which content is reachable: what is referred to, and what that refers to in turn."""

import re
from collections.abc import Iterable

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.ports.blobs import BlobStore

_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")
_OVERLAP_BYTES = len("sha256:") + 64 - 1


def digests_in(chunks: Iterable[bytes]) -> set[str]:
    """Find every digest in a document, also one that spans two chunks."""
    found: set[str] = set()
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        found.update(match.decode() for match in _DIGEST.findall(text))
        rest = text[-_OVERLAP_BYTES:]
    return found


def reachable(roots: Iterable[str], blobs: BlobStore) -> set[str]:
    """Follow manifests from these digests to all content they name.

    A manifest is JSON, so every blob that begins like an object is read; one that merely looks like
    a manifest keeps too much rather than too little.

    Raises:
        Unavailable: A manifest is damaged: what it names is unknown, so nothing is garbage.
    """
    marked: set[str] = set()
    front = set(roots)
    while front:
        marked |= front
        front = set().union(*(named_by(digest, blobs) for digest in front)) - marked
    return marked


def named_by(digest: str, blobs: BlobStore) -> set[str]:
    """Return the digests that content names, if it looks like a manifest."""
    try:
        if blobs.peek(digest, 1) != b"{":
            return set()
        return digests_in(blobs.iterate(digest))
    except NotFound:  # a digest of a source, or of content deleted long ago
        return set()
