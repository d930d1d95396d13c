"""Interpreters and container tools of this machine, looked for once."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from functools import cache

_PROBE = "import json, sys; print(json.dumps([sys.executable, sys.version_info[:2]]))"
_TIMEOUT_S = 10.0  # a daemon that is starting answers within a few seconds, or never
_TOOLS = ("podman", "docker")
_LOOK_AGAIN_S = 30.0  # somebody may have started the daemon since


def own_version() -> str:
    """Return the minor version of the engine's own Python."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


@cache
def python_of_version(version: str) -> str | None:
    """Find an interpreter of a minor version; a name on PATH that does not run is none."""
    if version == own_version():
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, "-I", "-c", _PROBE], capture_output=True, timeout=_TIMEOUT_S, check=True
        )
        executable, minor = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return str(executable) if f"{minor[0]}.{minor[1]}" == version else None


class ContainerTool:
    """Finds podman or docker, whichever works. Safe from any thread; a look takes a while.

    What was found is kept; where nothing was, the next one who asks looks again after a while.

    Args:
        name: Only this one; empty: whichever there is.
    """

    def __init__(self, name: str = "") -> None:
        self._names = (name,) if name else _TOOLS
        self._lock = threading.Lock()
        self._looked_at: float | None = None
        self._found: str | None = None

    def find(self) -> str | None:
        """Return the path of a tool that can start containers; None where none can."""
        with self._lock:
            now = time.monotonic()
            is_old = self._looked_at is None or now - self._looked_at > _LOOK_AGAIN_S
            if self._found is None and is_old:
                self._found = next(filter(None, map(_working, self._names)), None)
                self._looked_at = time.monotonic()
        return self._found


def _working(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, "info"], capture_output=True, timeout=_TIMEOUT_S, check=False, env=os.environ
        )
    except (OSError, subprocess.SubprocessError):
        return None
    said = done.stdout.decode("utf-8", "replace")  # docker's client alone answers, too
    works = done.returncode == 0 and ("Server:" in said or "host:" in said)
    return path if works and "Cannot connect" not in said else None
