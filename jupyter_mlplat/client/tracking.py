"""`log_metric`, `log_model`, `log_artifact`: kept inside a step, harmless outside a run.

Inside a step the runtime's own tracking module is in `sys.modules`; it came with the engine and may
be of another version than this package, so it is looked up, never imported.
"""

import json
import os
import sys
from functools import cache
from typing import Any

from jupyter_mlplat.errors import InvalidInput

_MODULE = "jupyter_mlplat_runtime.tracking"


def log_metric(name: str, value: float, step: int | None = None) -> float:
    """Keep a number as a metric of the run; outside a run nothing happens.

    Args:
        name: What the number measures.
        value: The number; finite.
        step: Position in a series, such as the epoch.

    Returns:
        The value, so that the call can stand in an expression.
    """
    if (tracking := _find_tracking()) is not None:
        tracking.log_metric(name, value, step=step)
    return value


def log_model(model: Any, name: str, *, input_example: Any = None, signature: Any = None) -> Any:
    """Keep a fitted model as an artifact of the run, ready to be registered.

    Args:
        model: A scikit-learn estimator, an ONNX model, or an object with a `predict` method.
        name: What it is called in this run.
        input_example: A few rows; the signature is read from them.
        signature: What it takes and gives, where an example cannot say it.

    Returns:
        The model.
    """
    if (tracking := _find_tracking()) is not None:
        tracking.log_model(model, name, input_example=input_example, signature=signature)
    return model


def log_artifact(value: Any, name: str | None = None) -> Any:
    """Keep a file, or a value, as an artifact of the run.

    Args:
        value: Path of a file, or an object.
        name: What it is called; needed for objects, a file's own name by default.

    Returns:
        The value.

    Raises:
        InvalidInput: An object was given without a name.
    """
    if name is None:
        if not isinstance(value, str | os.PathLike):
            raise InvalidInput(
                f"Cannot log a {type(value).__name__} as an artifact without a name. "
                "Give one: mlplat.log_artifact(value, 'name')."
            )
        name = os.path.basename(value)
    if (tracking := _find_tracking()) is not None:
        tracking.log_artifact(value, name)
    return value


def is_inside_step() -> bool:
    """Tell whether this process runs a step."""
    return _find_tracking() is not None


def _find_tracking() -> Any:
    """Return the tracking of the step that this process runs, or None."""
    return getattr(sys.modules.get(_MODULE), "current", None) or tracking_of_kernel()


@cache
def tracking_of_kernel() -> Any:
    """Return the tracking of the run that this process is the kernel or a command of, or None.

    A notebook that is run whole has a kernel of its own, which is told where to log.
    """
    directory = os.environ.get("MLPLAT_STEP_DIRECTORY")
    if not directory or not os.path.isfile(os.path.join(directory, "step.json")):
        return None
    from jupyter_mlplat.runtime import events, files, tracking

    with open(os.path.join(directory, "step.json"), "rb") as file:
        order = json.load(file)
    told = events.Events(os.path.join(directory, "events.jsonl"), None, "")
    blobs = files.Blobs(order["blobs"], order.get("flush_from_bytes", 0))
    return tracking.Tracking(told, blobs, vars(sys.modules["__main__"]))
