"""The notebook's folder, the same for each way of running it."""

import hashlib
import os
import shutil
from pathlib import Path

COPY_LIMIT_BYTES = 64 << 20
"""Files beyond this many bytes in all, and data sets larger than a sixteenth of it, are linked instead of copied."""

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
    room = COPY_LIMIT_BYTES
    for directory, names, files in os.walk(source):
        names[:] = [name for name in names if not _is_left_out(Path(directory), name)]
        below = target / os.path.relpath(directory, source)
        below.mkdir(mode=0o700, exist_ok=True)
        for name in files:
            original = Path(directory) / name
            if not original.is_file():
                continue
            size = original.stat().st_size
            if size > min(room, COPY_LIMIT_BYTES // 16):
                (below / name).symlink_to(original)
            else:
                room -= size
                shutil.copy2(original, below / name)


def _is_left_out(directory: Path, name: str) -> bool:
    """Tell whether a folder is none of the notebook's; above all a state directory, where copies lie."""
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
