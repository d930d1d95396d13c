"""The folders of runs: `runs/<run>/<step>/<attempt>/`."""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from jupyter_mlplat.errors import InvalidInput

_RUN_ID = re.compile(r"[a-z]+-[0-9a-z]{10,40}")


class LocalRunFolders:
    """The `RunFolders` port over a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self) -> Iterable[str]:
        if not self._root.is_dir():
            return []
        return sorted(path.name for path in self._root.iterdir() if _RUN_ID.fullmatch(path.name))

    def get_size(self, run_id: str) -> int:
        return sum(
            os.lstat(os.path.join(folder, name)).st_size
            for folder, _, names in os.walk(self._path(run_id))
            for name in names
        )

    def delete(self, run_id: str) -> int:
        freed, path = self.get_size(run_id), self._path(run_id)
        if path.is_dir():
            shutil.rmtree(path)  # does not follow symbolic links, whatever a step has planted
        return freed

    def _path(self, run_id: str) -> Path:
        if not _RUN_ID.fullmatch(run_id):
            raise InvalidInput(
                f"Cannot use {run_id!r} as a run id: it is none. Give an id such as "
                "'run-01jd3x8c5v'."
            )
        return self._root / run_id
