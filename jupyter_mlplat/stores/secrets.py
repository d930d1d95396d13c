"""Secrets and config maps of a state directory: a folder each, a file a key, for their owner only.

The layout is that of a mounted Kubernetes secret, so a folder can be mounted as it is.
"""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.kit.files import make_private_directory, write_atomically
from jupyter_mlplat.resources.images import KEPT_NAME, SecretEntry, SecretKind

_NAME = re.compile(KEPT_NAME)
_FOLDERS: Mapping[SecretKind, str] = {"secret": "secrets", "config": "config-maps"}
_WORDS: Mapping[SecretKind, str] = {"secret": "secret", "config": "config map"}


class LocalSecrets:
    """Safe from any thread: each value is a file that is replaced as a whole."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, name: str, kind: SecretKind) -> Path:
        """Name the folder of a secret, which need not be there."""
        return self._root / _FOLDERS[kind] / name

    def find(self, name: str, kind: SecretKind) -> dict[str, str] | None:
        """Return all values of a secret by key; None where there is none of this name."""
        folder = self.folder(name, kind)
        if not _NAME.fullmatch(name) or not folder.is_dir():
            return None
        return {key: (folder / key).read_text("utf-8") for key in _keys(folder)}

    def changed_at(self, name: str, kind: SecretKind) -> int:
        """Return when a secret was written last, in nanoseconds; 0 where there is none."""
        if not _NAME.fullmatch(name):
            return 0
        try:
            return self.folder(name, kind).stat().st_mtime_ns
        except OSError:
            return 0

    def list(self) -> tuple[SecretEntry, ...]:
        """Return the names of all secrets with their keys."""
        return tuple(
            SecretEntry(name=folder.name, kind=kind, keys=tuple(_keys(folder)))
            for kind, place in _FOLDERS.items()
            for folder in sorted((self._root / place).glob("*"))
            if folder.is_dir()
        )

    def put(self, name: str, kind: SecretKind, values: Mapping[str, str]) -> SecretEntry:
        """Store values; keys that are not named stay."""
        folder = make_private_directory(self.folder(name, kind))
        make_private_directory(folder.parent)
        for key, value in values.items():
            write_atomically(folder / key, value.encode(), durable=True)
        os.utime(folder)
        return SecretEntry(name=name, kind=kind, keys=tuple(_keys(folder)))

    def delete(self, name: str, kind: SecretKind) -> None:
        """Delete a secret with all its keys.

        Raises:
            NotFound: There is none of this name.
        """
        folder = self.folder(name, kind)
        if not _NAME.fullmatch(name) or not folder.is_dir():
            raise NotFound(f"There is no {_WORDS[kind]} {name!r}.")
        shutil.rmtree(folder)


def _keys(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if not entry.name.endswith(".tmp"))
