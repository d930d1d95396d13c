"""State that is no name and yet passes from cell to cell.

Random generators, environment, working directory.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import settings


def _save_rng(start: Start) -> Any:
    state: dict[str, Any] = {"random": random.getstate()}
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        state["numpy"] = numpy.get_state(legacy=False)
    torch = sys.modules.get("torch")
    if torch is not None:
        state["torch"] = torch.get_rng_state().numpy()
    return state


def _load_rng(state: Any) -> None:
    random.setstate(state["random"])
    if "numpy" in state:
        import numpy.random

        numpy.random.set_state(state["numpy"])
    if "torch" in state:
        import torch

        torch.set_rng_state(torch.from_numpy(state["torch"]))


def _save_env(start: Start) -> Any:
    now = dict(os.environ)
    return {
        "set": {key: value for key, value in now.items() if start.environ.get(key) != value},
        # MLflow's client forgets the run that it has gone on with; the next step has its own.
        "unset": [key for key in start.environ if key not in now and key != "MLFLOW_RUN_ID"],
    }


def _load_env(state: Any) -> None:
    os.environ.update(state["set"])
    for key in state["unset"]:
        os.environ.pop(key, None)
    if "TZ" in state["set"] or "TZ" in state["unset"]:
        time.tzset()


def _save_cwd(start: Start) -> Any:
    return {"cwd": os.getcwd(), "path": list(sys.path)}


def _load_cwd(state: Any) -> None:
    folder = _here(state["cwd"])
    if moved:
        os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    sys.path[:] = [_here(path) for path in state["path"]]


moved: Sequence[tuple[str, str]] = ()
"""Folders that were elsewhere where the state was saved: there and here."""


def _here(path: str) -> str:
    for there, here in moved:
        if path == there or path.startswith(there + os.sep):
            return here + path[len(there) :]
    return path


def _save_modules(start: Start) -> Any:
    """Save settings kept in well-known modules that differ from what the process started with."""
    return settings.changed(start.settings)


def _load_modules(state: Any) -> None:
    settings.write(state)


class Start:
    """The state a step starts with, against which it saves differences."""

    def __init__(self) -> None:
        self.environ: dict[str, str] = dict(os.environ)
        self.settings: dict[tuple[str, str], Any] = {}


_SAVE: dict[str, Callable[[Start], Any]] = {
    "@rng": _save_rng,
    "@env": _save_env,
    "@cwd": _save_cwd,
    "@modules": _save_modules,
}
_LOAD: dict[str, Callable[[Any], None]] = {
    "@rng": _load_rng,
    "@env": _load_env,
    "@cwd": _load_cwd,
    "@modules": _load_modules,
}
SHIPPED = frozenset(_SAVE)
"""Channels that have a state to ship; the others only order steps."""


def save(names: list[str], start: Start) -> dict[str, Any]:
    """Return the states of those channels that have one."""
    return {name: _SAVE[name](start) for name in names if name in _SAVE}


def load(states: Mapping[str, Any]) -> None:
    """Put states in place. The working directory comes first: imports may depend on it."""
    for name in ("@cwd", "@env", "@rng", "@modules"):
        if name in states:
            _LOAD[name](states[name])
