"""Shows folders to a task at paths of its own, `/data` say, without touching the machine's.

The task gets a view of the file system that only its processes have: a mount namespace of Linux,
with a new root in which everything lies where it does, and the folders where the task wants them.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .task_failures import TaskFailed

_NEWNS, _NEWUSER = 0x20000, 0x10000000  # of clone(2)
_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 32, 4096, 16384, 1 << 18  # of mount(2)


def mount(mounts: Iterable[Mapping[str, Any]], staging: str) -> None:
    """Enter a view with these mounts; `source` None is an empty folder.

    Args:
        mounts: `source`, `path` and `read_only` of each.
        staging: A folder of the attempt that nothing else uses.

    Raises:
        TaskFailed: This system does not allow it.
    """
    wanted = {os.path.normpath(one["path"]): one for one in mounts}
    if not wanted:
        return
    try:
        _enter(wanted, staging)
    except OSError as error:
        paths = ", ".join(map(repr, wanted))
        raise TaskFailed(
            "not-started",
            f"Cannot show the task its folders at {paths}: {error.strerror or error}. This system "
            "does not allow mounts of one's own (Linux with user namespaces does). Run the task in "
            "podman or docker.",
        ) from error


def _enter(wanted: Mapping[str, Mapping[str, Any]], staging: str) -> None:
    if not sys.platform.startswith("linux"):
        raise OSError(0, "this is not Linux")
    here = os.getcwd()
    _unshare()
    _mount("none", "/", None, _REC | _PRIVATE)
    root = os.path.join(staging, "root")
    os.makedirs(root)
    _mount("tmpfs", root, "tmpfs", 0)
    for number, one in enumerate(wanted.values()):
        if one["source"] is None:
            os.makedirs(os.path.join(staging, str(number)), exist_ok=True)
    _expose("/", root, list(wanted))
    for number, (path, one) in enumerate(wanted.items()):
        source = one["source"] or os.path.join(staging, str(number))
        target = root + path
        _mount(source, target, None, _BIND | _REC)
        if one.get("read_only"):
            _mount("none", target, None, _BIND | _REMOUNT | _RDONLY)
    os.chroot(root)
    os.chdir(here)


def _unshare() -> None:
    """Leave the machine's mounts: as root at once, others in a user namespace of their own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and libc.unshare(_NEWNS) == 0:
        return
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEWNS | _NEWUSER) != 0:
        _fail()
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _expose(real: str, target: str, paths: list[str]) -> None:
    """Let a folder of the new root hold what the real one does, with room for mounts below it."""
    below: dict[str, list[str]] = {}
    for path in paths:
        first, _, rest = os.path.relpath(path, real).partition("/")
        below.setdefault(first, []).extend([path] if rest else [])
    for entry in os.scandir(real) if os.path.isdir(real) else ():
        place = os.path.join(target, entry.name)
        if entry.name in below and not entry.is_symlink():
            continue
        if entry.is_symlink():
            if entry.name not in below:
                os.symlink(os.readlink(entry.path), place)
        elif entry.is_dir():
            os.mkdir(place)
            _mount(entry.path, place, None, _BIND | _REC)
        else:
            open(place, "w").close()
            _mount(entry.path, place, None, _BIND)
    for first, deeper in below.items():
        place = os.path.join(target, first)
        os.makedirs(place, exist_ok=True)
        if deeper:
            _expose(os.path.join(real, first), place, deeper)


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mount(
        source.encode(),
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        None,
    )
    if done != 0:
        _fail(target)


def _fail(path: str = "") -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), path or None)
