"""How an attempt gets to its pods, and what came of it back: the directory contract over a volume.

`docs/architecture.md` says what lies in an attempt directory. With a volume that the engine's state
directory lies on, pods work in that very directory, and nothing has to be carried.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlplat.config import ClusterConfig
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.kubernetes.objects import Program
from jupyter_mlplat.launchers.local import endings, group
from jupyter_mlplat.launchers.local.slice import materialise, start_script
from jupyter_mlplat.ports.launcher import AttemptRef, StartOrder


class Exchange(Protocol):
    """Brings an attempt to its pods. Every method may wait for a disk: call it in a thread."""

    def program(self, order: StartOrder, name: str) -> Program:
        """Say what the pods of a Job run, and what they see."""

    def secrets(self, ref: AttemptRef) -> Mapping[str, str]:
        """Return what goes into the Secret of the Job; nothing: it needs none."""

    def close(self, ref: AttemptRef) -> None:
        """Take nothing more from the pods of an attempt, which is over."""


class VolumeExchange:
    """The state directory lies on a volume that pods mount where the engine has it."""

    def __init__(self, config: ClusterConfig, home: Home) -> None:
        self._config = config
        self._home = home

    def program(self, order: StartOrder, name: str) -> Program:
        start = start_script(materialise(self._home.root))
        how = "kernel" if order.kernel else "node" if order.nodes > 1 else "step"
        words = [order.python, "-I", start, how, str(order.ref.directory)]
        claim = self._config.volume or ""
        path = self._config.volume_path or str(self._home.root)
        return Program(
            command=words + ([order.kernel] if order.kernel else []),
            volumes=[{"name": "home", "persistentVolumeClaim": {"claimName": claim}}],
            mounts=[{"name": "home", "mountPath": path}],
        )

    def secrets(self, ref: AttemptRef) -> Mapping[str, str]:
        return {}

    def close(self, ref: AttemptRef) -> None:
        """Do nothing: a pod that is over writes no more."""


def grown(directories: Mapping[AttemptRef, int], log_limits: Mapping[AttemptRef, int]) -> Any:
    """Return the sizes of events files that have grown, by attempt; keeps logs within limits."""
    found: dict[AttemptRef, int] = {}
    for ref, before in directories.items():
        group.cap_logs(ref.directory, log_limits[ref])
        with contextlib.suppress(OSError):
            size = os.stat(ref.directory / "events.jsonl").st_size
            if size > before:
                found[ref] = size
    return found


def keep_words(ref: AttemptRef, words: bytes) -> None:
    """Put what a pod said before its step began where one looks for it."""
    with contextlib.suppress(OSError), open(ref.directory / "stderr.log", "ab") as log:
        log.write(words if words.endswith(b"\n") else words + b"\n")


def result_of(ref: AttemptRef, ranks: int = 1) -> dict[str, Any] | None:
    """Return what the attempt says of its end; of a job of several nodes, what failed first says.

    A node's failure ends the others, which may then say that they were told to end.
    """
    result = endings.read_result(ref)
    if ranks == 1:
        return result
    failed = [node for node in _nodes(ref.directory) if node.get("error")]
    first = min(failed, key=lambda node: float(node.get("failed_at") or 0), default=None)
    if first is None:
        return result
    return {**(result or {}), "state": "failed", "error": first["error"]}


def _nodes(directory: Path) -> Iterable[dict[str, Any]]:
    for path in sorted(directory.glob("nodes/*/result.json")):
        with contextlib.suppress(OSError, ValueError):
            content = json.loads(path.read_bytes())
            if isinstance(content, dict):
                yield content


def identity_of(home: Home) -> str:
    """Return who this engine is among those that share a namespace; written once."""
    path = home.root / "identity"
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(8))
    return path.read_text().strip() or "unknown"
