"""`jupyter_mlplat.train` for environments that lack the package: see there."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional


def _reporting() -> Any:
    module = sys.modules.get("jupyter_mlplat_runtime.reporting")
    return None if module is None else module.current


def report(
    step: Optional[int] = None,
    metrics: Optional[Mapping[str, float]] = None,
    progress: Optional[float] = None,
    remaining_s: Optional[float] = None,
    message: str = "",
) -> None:
    """Say how far the program is; outside a step, do nothing."""
    reporting = _reporting()
    if reporting is not None:
        reporting.report(step, metrics, progress, remaining_s, message)


def should_stop() -> bool:
    """Tell whether the program is asked to end."""
    reporting = _reporting()
    return reporting is not None and bool(reporting.should_stop())


def checkpoint_dir() -> Path:
    """Return the folder for checkpoints: the same in every attempt."""
    reporting = _reporting()
    folder = Path("checkpoints" if reporting is None else reporting.checkpoint_dir())
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def latest_checkpoint() -> Optional[Path]:
    """Return what was last written in the folder for checkpoints; None: begin anew."""
    reporting = _reporting()
    found = None if reporting is None else reporting.latest_checkpoint()
    return None if found is None else Path(found)


def dataset_dir() -> Optional[Path]:
    """Return where the job's dataset lies; None where it has none."""
    return _place("MLPLAT_DATASET")


def model_dir() -> Optional[Path]:
    """Return where the model lies that the job begins with; None where it has none."""
    return _place("MLPLAT_MODEL")


def rank() -> int:
    """Return which of the job's processes this is, from 0."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """Return how many processes the job has."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _place(variable: str) -> Optional[Path]:
    found = os.environ.get(variable)
    return Path(found) if found else None


def _pruned() -> Any:
    module = sys.modules.get("jupyter_mlplat_runtime.reporting")
    return getattr(module, "TrialPruned", None) or type("TrialPruned", (Exception,), {})


TrialPruned = _pruned()
