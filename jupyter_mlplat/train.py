"""For programs that train: say how far they are, keep checkpoints, know their place among others.

    import jupyter_mlplat as mlplat

    for epoch in range(epochs):
        loss = train_one(model)
        mlplat.train.report(step=epoch, metrics={"loss": loss}, progress=(epoch + 1) / epochs)

Everything here also works outside a run: then nothing is told to anybody, and checkpoints go to the
folder `checkpoints` beside the program.
"""

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mlplat.client.tracking import tracking_of_kernel

_MODULE = "jupyter_mlplat_runtime.reporting"
_OUTSIDE = "checkpoints"
_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")
_SIZES = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")


def report(
    step: int | None = None,
    metrics: Mapping[str, float] | None = None,
    progress: float | None = None,
    remaining_s: float | None = None,
    message: str = "",
) -> None:
    """Say how far the program is. What rank 0 says is kept, and shown while it runs.

    Args:
        step: Training step or epoch.
        metrics: Numbers by name; each is a metric of the run, at this step.
        progress: Fraction that is done, from 0 to 1.
        remaining_s: Seconds it may still take; estimated from `progress` where not given.
        message: For people.

    Raises:
        ValueError: `progress` is not between 0 and 1, or a metric is no finite number.
        TrialPruned: This is a trial of a tuning job, and it is to end early.
    """
    if (reporting := _find_reporting()) is not None:
        reporting.report(step, metrics, progress, remaining_s, message)


def should_stop() -> bool:
    """Tell whether the program is asked to end: to be paused, cancelled, or pruned as a trial.

    A program that asks now and then is given some seconds to write a checkpoint and to leave;
    one that never asks is ended at once.
    """
    reporting = _find_reporting()
    return reporting is not None and bool(reporting.should_stop())


def checkpoint_dir() -> Path:
    """Return the folder for checkpoints: the same in every attempt, so that one can go on."""
    reporting = _find_reporting()
    if reporting is not None:
        return Path(reporting.checkpoint_dir())
    folder = Path(_OUTSIDE)
    folder.mkdir(exist_ok=True)
    return folder


def latest_checkpoint() -> Path | None:
    """Return what was last written in the folder for checkpoints; None: begin anew.

    Names that begin with `.` or `_`, or end with `.tmp`, `.part` or `.partial`, are drafts. Write
    under such a name and rename it when it is whole, so that a kill leaves no half checkpoint.
    """
    reporting = _find_reporting()
    if reporting is not None:
        found = reporting.latest_checkpoint()
    else:
        from jupyter_mlplat.runtime.reporting import newest

        found = newest(_OUTSIDE)
    return None if found is None else Path(found)


def dataset_dir() -> Path | None:
    """Return where the job's dataset lies; None where it has none."""
    return _place("MLPLAT_DATASET")


def model_dir() -> Path | None:
    """Return where the model lies that the job begins with; None where it has none."""
    return _place("MLPLAT_MODEL")


def rank() -> int:
    """Return which of the job's processes this is, from 0."""
    found = (os.environ[name] for name in _RANKS if name in os.environ)
    return int(next(found, "0"))


def world_size() -> int:
    """Return how many processes the job has."""
    found = (os.environ[name] for name in _SIZES if name in os.environ)
    return int(next(found, "1"))


def _place(variable: str) -> Path | None:
    found = os.environ.get(variable)
    return Path(found) if found else None


def _find_reporting() -> Any:
    """Return what takes the reports of this process, or None outside a run."""
    return getattr(sys.modules.get(_MODULE), "current", None) or _reporting_of_program()


@cache
def _reporting_of_program() -> Any:
    """Return the same for a program that a step has started: a command, a notebook's kernel."""
    tracking = tracking_of_kernel()
    folder = os.environ.get("MLPLAT_CHECKPOINTS")
    if not folder:
        return None
    from jupyter_mlplat.runtime import reporting

    began = os.environ.get("MLPLAT_BEGAN_AT")
    began_at = float(began) if began else None
    place = (rank(), world_size())
    events = None if tracking is None else tracking.events
    return reporting.Reporting(events, tracking, folder, *place, began_at=began_at)


def _pruned() -> Any:
    """Return the class that `report` raises in this process."""
    if _MODULE in sys.modules:
        return sys.modules[_MODULE].TrialPruned
    from jupyter_mlplat.runtime import reporting

    return reporting.TrialPruned


TrialPruned = _pruned()
"""Raised by `report` in a trial that is to end early."""

__all__ = [
    "TrialPruned",
    "checkpoint_dir",
    "dataset_dir",
    "latest_checkpoint",
    "model_dir",
    "rank",
    "report",
    "should_stop",
    "world_size",
]
