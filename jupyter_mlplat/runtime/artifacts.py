"""Artifacts of a component: brought to where it reads them, put into the store when it has ended.

A file is one blob. A folder is a manifest, a JSON object that names the digest of each file in it.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from .files import BlobError, Blobs, dump_json

FOLDER = "mlplat.folder"
"""What the manifest of a folder calls itself."""

_LINK_FROM_BYTES = 1 << 20
"""Smaller files are copied: a copy costs as little as a link, and nobody can write to the store."""


class Stored(NamedTuple):
    """Content that lies in the store."""

    digest: str
    size: int
    is_folder: bool


def fetch(blobs: Blobs, digest: str, is_folder: bool, path: str) -> None:
    """Lay content where a component reads it, for reading only.

    Raises:
        BlobError: It is missing or damaged.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not is_folder:
        _fetch_file(blobs, digest, path, 0o444)
        return
    manifest = json.loads(blobs.get(digest))
    if manifest.get("kind") != FOLDER:
        raise BlobError(f"Cannot use blob {digest}: it is no folder.")
    os.makedirs(path, exist_ok=True)
    for name, (file_digest, _, is_executable) in manifest["files"].items():
        target = _inside(path, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _fetch_file(blobs, file_digest, target, 0o555 if is_executable else 0o444)
    for name in manifest["folders"]:
        os.makedirs(_inside(path, name), exist_ok=True)


def _inside(path: str, name: str) -> str:
    target = os.path.normpath(os.path.join(path, name))
    if not target.startswith(path + os.sep):
        raise BlobError(f"Cannot use a folder with a file {name!r}: that lies outside of it.")
    return target


def _fetch_file(blobs: Blobs, digest: str, path: str, mode: int) -> None:
    data = blobs.load(digest)
    if isinstance(data, mmap.mmap) and len(data) >= _LINK_FROM_BYTES:
        data.close()
        try:
            os.link(blobs.path(digest), path)
            return
        except OSError:
            shutil.copyfile(blobs.path(digest), path)
    else:
        with open(path, "wb") as file:
            file.write(data)
    os.chmod(path, mode)


def store(blobs: Blobs, path: str) -> Stored | None:
    """Put what lies at a path into the store; None where nothing does. `commit` makes it visible.

    Raises:
        OSError: It cannot be read, or is neither a file nor a folder.
    """
    if os.path.isdir(path):
        return _store_folder(blobs, path)
    if not os.path.exists(path):
        return None
    if not os.path.isfile(path):
        raise OSError(f"Cannot keep {path!r}: it is neither a file nor a folder.")
    digest, size = _store_file(blobs, path)
    return Stored(digest, size, is_folder=False)


def _store_folder(blobs: Blobs, path: str) -> Stored:
    files: dict[str, list[Any]] = {}
    empty: list[str] = []
    total = 0
    for folder, folders, names in os.walk(path, followlinks=False):
        folders.sort()
        if not folders and not names and folder != path:
            empty.append(os.path.relpath(folder, path))
        for name in sorted(names):
            file = os.path.join(folder, name)
            if not os.path.isfile(file):
                continue  # sockets, links that lead nowhere
            digest, size = _store_file(blobs, file)
            total += size
            key = os.path.relpath(file, path)
            files[key] = [digest, size, os.access(file, os.X_OK)]
    manifest = {"kind": FOLDER, "version": 1, "files": files, "folders": empty}
    return Stored(blobs.put(dump_json(manifest)), total, is_folder=True)


def _store_file(blobs: Blobs, path: str) -> tuple[str, int]:
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            return blobs.put(b""), 0
        if size < _LINK_FROM_BYTES:
            data = file.read()
            return blobs.put(data), len(data)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
            return blobs.put(pages), size


def local_path(uri: str) -> str | None:
    """Return the path that a URI names on this machine; None for one that lies elsewhere."""
    if uri.startswith("file:"):
        return unquote(urlsplit(uri).path)
    return uri if uri.startswith("/") else None


def read_parameter(path: str, kind: str) -> Any:
    """Read a parameter as a component has written it to a file, as KFP's launcher does.

    Raises:
        ValueError: The text is no value of the type.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if kind in ("STRING", ""):
        return text
    if kind == "BOOLEAN":
        word = text.strip().lower()
        if word in ("1", "t", "true"):
            return True
        if word in ("0", "f", "false"):
            return False
        raise ValueError(f"{text!r} is neither true nor false")
    if kind in ("NUMBER_INTEGER", "NUMBER_DOUBLE"):
        return plain_number(float(text)) if kind == "NUMBER_INTEGER" else float(text)
    return json.loads(text)


def plain_number(value: float) -> float | int:
    """Return a whole number as an integer."""
    return int(value) if value.is_integer() else value


def scalars(metadata: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers among an artifact's metadata."""
    return {
        name: float(value)
        for name, value in metadata.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value - value == 0
    }
