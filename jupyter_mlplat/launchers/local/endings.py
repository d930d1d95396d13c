"""How an attempt ended, read from its directory and from what the operating system says."""

import json
import os
import signal
from typing import Any

from jupyter_mlplat.kit.files import write_atomically
from jupyter_mlplat.ports.launcher import AttemptRef, Code

NOT_OURS = 73
"""Exit status of a child that found its attempt claimed or revoked (`runtime.step.NOT_OURS`)."""


def read_result(ref: AttemptRef) -> dict[str, Any] | None:
    """Return what the step says about its end, None if it did not get to say it."""
    return _read(ref, "result.json")


def log_limit(ref: AttemptRef) -> int:
    """Return how large each log may become."""
    return int((_read(ref, "step.json") or {}).get("log_limit_bytes") or 100 << 20)


def memory_limit(ref: AttemptRef) -> int | None:
    """Return the memory that the step may use."""
    limits = (_read(ref, "step.json") or {}).get("limits") or {}
    limit = limits.get("memory_bytes")
    return None if limit is None else int(limit)


def revoke_or_read_claim(ref: AttemptRef) -> dict[str, Any] | None:
    """Revoke an attempt that nobody has claimed.

    Return the claim if somebody has, None if revoked now.
    """
    draft = ref.directory / f"claim.{os.getpid()}"
    try:
        write_atomically(draft, b'{"revoked": true}')
        os.link(draft, ref.directory / "claim")  # creates it with its content, or fails
    except FileExistsError:
        return _read(ref, "claim") or {}
    except FileNotFoundError:
        return None  # the attempt's directory is gone: nothing can claim it any more
    finally:
        draft.unlink(missing_ok=True)
    return None


def describe(status: int | None) -> tuple[Code, str]:
    """Say how a process without a result ended, from its wait status."""
    if status is None:
        return "vanished", "its process ended unseen, without a result"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
        hint = " (perhaps the system was out of memory)" if number == signal.SIGKILL else ""
        return "killed", f"killed by signal {number}, {name}{hint}"
    code = os.waitstatus_to_exitcode(status)
    if code == NOT_OURS:
        return "revoked", "not started: its attempt had been claimed or revoked"
    return "exited", f"exited with status {code} before it had finished"


def _read(ref: AttemptRef, name: str) -> dict[str, Any] | None:
    try:
        with open(f"{ref.directory}/{name}", "rb", buffering=0) as file:
            content = json.loads(file.read())
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None
