"""Imports an artifact: names what lies somewhere, and fetches it where the task asks for that."""

from __future__ import annotations

import os
import shutil
import urllib.request
from collections.abc import Mapping
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from . import artifacts
from .files import Blobs
from .task_failures import TaskFailed

TIMEOUT_S = 60.0
"""A server that is silent for so long has gone."""


def run(order: Mapping[str, Any], blobs: Blobs) -> dict[str, Any]:
    """Import what `order["import"]` says; returns the task's results.

    Raises:
        TaskFailed: It cannot be fetched.
    """
    wanted = order["import"]
    uri = wanted["uri"]
    artifact: dict[str, Any] = {
        "name": wanted["name"],
        "type": wanted["type"],
        "uri": uri,
        "metadata": dict(wanted.get("metadata") or {}),
        "digest": None,
        "size_bytes": None,
        "is_folder": False,
        "custom_path": None,
    }
    path = artifacts.local_path(uri)
    if wanted.get("into"):
        path = artifact["custom_path"] = fetch(uri, wanted["into"])
        print(f"Fetched {uri} to {path}")
    elif path is None and urlsplit(uri).scheme in ("http", "https", "data"):
        path = fetch(uri, wanted["beside"])
        print(f"Fetched {uri}")
    if path is not None:
        stored = artifacts.store(blobs, path)
        if stored is not None:
            artifact.update(
                digest=stored.digest, size_bytes=stored.size, is_folder=stored.is_folder
            )
        elif wanted.get("into"):
            raise TaskFailed("import-failed", f"Cannot import {uri!r}: nothing is there.")
    if artifact["digest"] is None:
        print(f"Imported {uri} by name; its content stays where it is")
    return {"parameters": {}, "artifacts": {wanted["output"]: [artifact]}}


def fetch(uri: str, folder: str) -> str:
    """Copy what a URI names into a folder; returns where it lies now.

    Raises:
        TaskFailed: There is nothing, or no way to get it.
    """
    os.makedirs(folder, exist_ok=True)
    scheme = urlsplit(uri).scheme
    name = os.path.basename(unquote(urlsplit(uri).path).rstrip("/")) or "artifact"
    target = os.path.join(folder, name)
    try:
        local = artifacts.local_path(uri)
        if local is not None:
            _copy(local, target)
        elif scheme in ("http", "https", "data"):
            with urllib.request.urlopen(uri, timeout=TIMEOUT_S) as came:  # noqa: S310
                _write(came, target)
        else:
            _fetch_by_fsspec(uri, scheme, target)
    except (OSError, ValueError) as error:
        raise TaskFailed("import-failed", f"Cannot import {uri!r}: {error}.") from error
    return target


def _write(source: BinaryIO, target: str) -> None:
    with open(target, "wb") as file:
        shutil.copyfileobj(source, file)


def _copy(path: str, target: str) -> None:
    if os.path.isdir(path):
        shutil.copytree(path, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(path, target)


def _fetch_by_fsspec(uri: str, scheme: str, target: str) -> None:
    try:
        import fsspec
    except ImportError:
        raise TaskFailed(
            "import-failed",
            f"Cannot import {uri!r}: reading {scheme}:// needs the package fsspec.",
        ) from None
    try:
        system, path = fsspec.core.url_to_fs(uri)
        system.get(path, target, recursive=system.isdir(path))
    except ImportError as error:
        raise TaskFailed(
            "import-failed", f"Cannot import {uri!r}: {error}. Install that package."
        ) from error
    except Exception as error:
        raise TaskFailed(
            "import-failed", f"Cannot import {uri!r}: {type(error).__name__}: {error}"
        ) from error
