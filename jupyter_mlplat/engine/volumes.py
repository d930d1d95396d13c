"""Folders below `volumes/` of the state directory, which stand for the volumes of a cluster."""

import os
from collections.abc import Iterable
from pathlib import Path

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.resources.training import Mount


def volume_folder(home: Home, name: str, whose: str) -> Path:
    """Return the folder of a volume.

    Raises:
        InvalidInput: The name is none.
    """
    if not name or name != os.path.basename(name) or name.startswith("."):
        raise InvalidInput(f"Cannot run {whose}: {name!r} is no name of a volume.")
    return home.volumes / name


def make_source(home: Home, name: str, sub_path: str, whose: str) -> str:
    """Make a folder in a volume, if it is not there, and return its path.

    Raises:
        InvalidInput: The name is none, or the sub-path leads out of the volume.
    """
    folder = volume_folder(home, name, whose)
    source = os.path.normpath(folder / sub_path)
    if not f"{source}/".startswith(f"{folder}/"):
        raise InvalidInput(
            f"Cannot run {whose}: sub-path {sub_path!r} leads out of volume {name!r}."
        )
    os.makedirs(source, mode=0o700, exist_ok=True)
    return source


def mounts_of(home: Home, mounts: Iterable[Mount], whose: str) -> list[dict[str, object]]:
    """Return what the runtime is told of the folders that a program sees."""
    return [
        {
            "source": None
            if one.volume is None
            else make_source(home, one.volume, one.sub_path, whose),
            "path": one.path,
            "read_only": one.is_read_only,
        }
        for one in mounts
    ]
