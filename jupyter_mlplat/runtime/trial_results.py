"""What is made of a trial's work: whether it is the best, and what of the best is the step's."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from .files import read_json
from .observing import Observations, is_better
from .trial_table import Trial


def is_best(trial: Trial, spec: Mapping[str, Any]) -> bool:
    """Tell, in the trial's process, whether it did better than all that had ended when it began."""
    seen = Observations(spec["objective"])
    with contextlib.suppress(OSError):
        for name, value, _ in _logged(os.path.join(trial.folder, "events.jsonl")):
            seen.take(name, value)
    for name, value, _ in trial.collector.read(is_last=True):
        seen.take(name, value)
    direction = spec["objective"].get("direction", "maximize")
    return trial.bar is None or is_better(seen.value, trial.bar, direction)


def _logged(path: str) -> Iterator[tuple[str, Any, Any]]:
    with open(path, "rb") as file:
        for line in file:
            with contextlib.suppress(ValueError, KeyError):
                event = json.loads(line)
                if event["kind"] == "metric":
                    yield event["name"], event["value"], event.get("step")


def outcome_of(best: Trial | None, directory: str) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the metrics of the best trial, and what of its result is the step's."""
    if best is None:
        return {}, {}
    metrics = best.seen.latest
    if best.value is not None:
        metrics[best.seen.objective] = best.value
    result = read_json(os.path.join(folder_of(best, directory), "result.json"))
    wanted = ("bundle", "outputs", "unbound", "not_kept", "cells", "models", "artifacts")
    return metrics, {name: result[name] for name in wanted if name in result}


def folder_of(trial: Trial, directory: str) -> str:
    """Return the folder of a trial: in this attempt, or in the one before that has run it."""
    own = os.path.join("trials", str(trial.number))
    root = os.path.dirname(directory)
    attempts = sorted((int(name) for name in os.listdir(root) if name.isdigit()), reverse=True)
    found = [os.path.join(root, str(attempt), own) for attempt in attempts]
    return next(filter(os.path.isdir, found), os.path.join(directory, own))


def copy_notebook(best: Trial, directory: str) -> None:
    """Let the step's executed notebook be that of its best trial."""
    name = "executed.ipynb"
    with contextlib.suppress(OSError):
        draft = os.path.join(directory, f"{name}.{os.getpid()}.tmp")
        shutil.copyfile(os.path.join(folder_of(best, directory), name), draft)
        os.replace(draft, os.path.join(directory, name))
