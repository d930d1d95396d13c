"""Stands in for `jupyter_mlplat` in environments that lack it, so that cells may always log.

Copied into the slice as `jupyter_mlplat`; the installed package wins where there is one.
"""

import importlib
import sys
from typing import Any, Optional


def _tracking() -> Any:
    module = sys.modules.get("jupyter_mlplat_runtime.tracking")
    return None if module is None else module.current


def log_metric(name: str, value: float, step: Optional[int] = None) -> None:
    """Record a number of the run; outside a step, do nothing."""
    tracking = _tracking()
    if tracking is not None:
        tracking.log_metric(name, value, step)


def log_model(model: Any, name: str, *, input_example: Any = None, signature: Any = None) -> None:
    """Save a model of the run; outside a step, do nothing."""
    tracking = _tracking()
    if tracking is not None:
        tracking.log_model(model, name, input_example=input_example, signature=signature)


def log_artifact(path_or_value: Any, name: str) -> None:
    """Save a file or a value of the run; outside a step, do nothing."""
    tracking = _tracking()
    if tracking is not None:
        tracking.log_artifact(path_or_value, name)


def __getattr__(name: str) -> Any:
    if name not in ("train", "TrialPruned"):
        raise AttributeError(f"module 'jupyter_mlplat' has no attribute {name!r}")
    train = importlib.import_module(f"{__name__}.train")
    return train if name == "train" else train.TrialPruned


def load_ipython_extension(shell: Any) -> None:
    """Take `%load_ext jupyter_mlplat`: a step has what it needs of it."""
