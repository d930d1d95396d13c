"""One node of a train job whose nodes are pods: the first is the step, the others are its help.

All pods of a job run this with the same attempt directory. What a node beside the first one writes
lies below `nodes/<number>`; its ranks write where ranks always write.
"""

from __future__ import annotations

import json
import os

from . import ranks, step
from .events import Events
from .files import dump_json, write_atomically
from .process import NOT_OURS, claim
from .shell import make_shell


def run(directory: str) -> int:
    """Be the node that the cluster says; return the exit status."""
    node = ranks.Meeting.from_environment().node or 0
    if node == 0:
        status = step.run(directory)
        return status or _failed(os.path.join(directory, "result.json"))
    folder = os.path.join(directory, "nodes", str(node))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if _is_revoked(directory) or not claim(folder):
        return NOT_OURS
    attempt = step.Attempt(directory, make_shell())
    attempt.be_node(folder, Events(os.path.join(folder, "events.jsonl"), None, ""))
    write_atomically(os.path.join(folder, "result.json"), dump_json(attempt.result))
    return 1 if attempt.result["error"] is not None else 0


def _is_revoked(directory: str) -> bool:
    try:
        with open(os.path.join(directory, "claim"), "rb") as file:
            return bool(json.load(file).get("revoked"))
    except (OSError, ValueError):
        return False


def _failed(path: str) -> int:
    """Return a status by which the cluster ends the other nodes once this one has failed."""
    try:
        with open(path, "rb") as file:
            return 0 if json.load(file).get("state") == "succeeded" else 1
    except (OSError, ValueError):
        return 1
