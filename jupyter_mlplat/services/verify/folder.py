"""The notebook's folder, the same for each way of running it."""

import hashlib
import os
import shutil
from collections import deque
from pathlib import Path

COPY_LIMIT_BYTES = 64 << 20
"""Files beyond this many bytes in all, or larger than a sixteenth of it, are linked, not copied."""

ENTRY_LIMIT = 2_000
"""Files and folders beyond this many are linked: a notebook may lie in somebody's home."""

_IGNORED = frozenset({".git", ".ipynb_checkpoints", "__pycache__", "node_modules", ".venv", "venv"})


class Folder:
    """A copy of a folder at a fixed place, which can be put back to how it was.

    Each way runs in the very same path, so that a path in an output is no difference.

    Args:
        source: The notebook's folder; None: start with an empty one.
        place: Where the copies live; created, must not exist.
    """

    def __init__(self, source: Path | None, place: Path) -> None:
        self.path = place
        self._source = source
        self._before: dict[str, str] = {}

    def reset(self) -> None:
        """Make the folder what it was."""
        if self.path.exists():
            shutil.rmtree(self.path)
        self.path.mkdir(mode=0o700, parents=True)
        if self._source is not None:
            _copy(self._source, self.path)
        self._before = _digests(self.path)

    def changes(self) -> dict[str, str | None]:
        """Return the files that were written (digest) or deleted (None) since the last reset."""
        after = _digests(self.path)
        written: dict[str, str | None] = {
            name: digest for name, digest in after.items() if self._before.get(name) != digest
        }
        return written | {name: None for name in self._before if name not in after}


def _copy(source: Path, target: Path) -> None:
    room, count = COPY_LIMIT_BYTES, 0
    folders = deque([(source, target)])  # nearest first: what the notebook uses lies close to it
    while folders:
        here, there = folders.popleft()
        for entry in _entries(here):
            count += 1
            place = there / entry.name
            if entry.is_dir(follow_symlinks=False):
                if _is_left_out(here, entry.name):
                    continue
                if count <= ENTRY_LIMIT:
                    place.mkdir(mode=0o700)
                    folders.append((Path(entry.path), place))
                    continue
            elif not entry.is_file():
                continue
            elif count <= ENTRY_LIMIT and _is_copied(entry, place, room):
                room -= place.stat().st_size
                continue
            place.symlink_to(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except (FileNotFoundError, PermissionError):  # gone meanwhile, or not the user's
        return []


def _is_copied(entry: os.DirEntry[str], place: Path, room: int) -> bool:
    """Copy a file if there is room for it; one that cannot be read is linked like a large one."""
    try:
        if entry.stat().st_size > min(room, COPY_LIMIT_BYTES // 16):
            return False
        shutil.copy2(entry.path, place)
    except (FileNotFoundError, PermissionError):
        return False
    return True


def _is_left_out(directory: Path, name: str) -> bool:
    """Tell whether a folder is none of the notebook's; above all a state directory."""
    return name in _IGNORED or (directory / name / "engine.lock").exists()


def _digests(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for directory, names, files in os.walk(folder):
        names[:] = [name for name in names if name not in _IGNORED]
        for name in files:
            path = Path(directory) / name
            if path.is_symlink() or not path.is_file():
                continue
            relative = str(path.relative_to(folder))
            found[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
