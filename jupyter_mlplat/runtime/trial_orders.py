"""What one trial is told to do: the step's order, with the trial's parameters in their places."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from .failures import StepFailed
from .trial_table import Trial

_PLACEHOLDER = re.compile(r"\$\{(trialParameters|trialSpec)\.([^}]*)\}")


def order_of(order: Mapping[str, Any], trial: Trial) -> dict[str, Any]:
    """Return the order of one trial: the step's, with the trial's parameters in their places."""
    own = {name: value for name, value in order.items() if name not in ("trials", "earlier")}
    directory = os.path.dirname(os.path.dirname(trial.folder))
    own["checkpoints"] = folder_for_checkpoints(order, directory, trial.number)
    own["parameters"] = {**(order.get("parameters") or {}), **trial.parameters}
    if program := order.get("program"):
        own["program"] = {
            **program,
            "command": [
                substituted(word, trial, own["checkpoints"])
                for word in program.get("command") or ()
            ],
            "arguments": {**(program.get("arguments") or {}), **trial.parameters},
        }
    return own


def folder_for_checkpoints(order: Mapping[str, Any], directory: str, number: int) -> str:
    """Return the folder for a trial's checkpoints: the same in every attempt of the step."""
    root = order.get("checkpoints") or os.path.join(directory, "checkpoints")
    return os.path.join(root, f"trial-{number}")


def substituted(word: str, trial: Trial, checkpoints: str = "") -> str:
    """Put a trial's parameters, its number and its folders into a word of a command.

    Raises:
        StepFailed: It names a parameter that the space does not have.
    """
    facts = {
        "Name": f"trial-{trial.number}",
        "Number": str(trial.number),
        "Folder": trial.folder,
        "Checkpoints": checkpoints,
    }

    def value_of(found: re.Match[str]) -> str:
        what, name = found.groups()
        if what == "trialSpec":
            return facts.get(name, found[0])
        if name not in trial.parameters:
            known = ", ".join(trial.parameters)
            raise StepFailed(
                "bad-command",
                f"The command asks for parameter {name!r}, which the space does not have: {known}.",
            )
        value = trial.parameters[name]
        return value if isinstance(value, str) else json.dumps(value)

    return _PLACEHOLDER.sub(value_of, word)
