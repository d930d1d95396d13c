"""The git state of a notebook's folder, asked of git itself, never for long."""

import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from jupyter_mlplat.resources.pipeline import Pipeline

_TIMEOUT_S = 2.0
_FRESH_S = 5.0  # several runs of one notebook in a row need one look


class Git:
    """Looks at folders in a thread pool and remembers the answer for a moment."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._known: dict[str, tuple[float, Future[Mapping[str, Any]]]] = {}

    def read(self, pipeline: Pipeline) -> "Future[Mapping[str, Any]]":
        """Start to find out commit, dirty state and remote; empty outside a repository."""
        folder = str(Path(pipeline.notebook).parent) if pipeline.notebook else ""
        asked_at, answer = self._known.get(folder, (-_FRESH_S, None))
        if answer is None or time.monotonic() - asked_at > _FRESH_S:
            answer = self._executor.submit(_read_state, folder)
            self._known[folder] = (time.monotonic(), answer)
        return answer


def _read_state(folder: str) -> Mapping[str, Any]:
    if not folder or not _is_in_repository(Path(folder)):
        return {}
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    remote = _git(folder, "remote", "get-url", "origin")
    return {
        "commit": commit,
        "dirty": None if status is None else bool(status),
        "remote": _without_password(remote) if remote else None,
    }


def _is_in_repository(folder: Path) -> bool:
    return any((parent / ".git").exists() for parent in (folder, *folder.parents))


def _git(folder: str, *arguments: str) -> str | None:
    # No hooks, no pagers, no prompts, and nothing that the repository's own settings could start.
    safe = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks")
    try:
        answer = subprocess.run(
            ["git", *safe, "-C", folder, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _without_password(remote: str) -> str:
    """Drop user and password of a URL: lineage is read by many."""
    scheme, separator, rest = remote.partition("://")
    if not separator:
        return remote
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
