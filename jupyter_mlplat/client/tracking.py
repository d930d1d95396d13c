"""`log_metric`, `log_model`, `log_artifact`: kept inside a step, harmless outside a run.

Inside a step the runtime has put its tracker into `sys.modules`; it may be of another version
than this package, so it is looked up, never imported.
"""

import sys
from typing import Any

TRACKER = "jupyter_mlplat_runtime.tracking"


def log_metric(name: str, value: float, step: int | None = None) -> float:
    """Keep a number as a metric of the run; outside a run nothing happens.

    Args:
        name: What the number measures.
        value: The number.
        step: Position in a series, such as the epoch.

    Returns:
        The value, so that the call can stand in an expression.
    """
    tracker: Any = sys.modules.get(TRACKER)
    if tracker is not None:
        tracker.log_metric(name, value, step=step)
    return value


def log_model(model: Any, name: str, *, input_example: Any = None, **details: Any) -> Any:
    """Keep a fitted model as an artifact of the run, ready to be registered.

    Args:
        model: A scikit-learn estimator, an ONNX model or a predictor object.
        name: What it is called in this run.
        input_example: A few rows; the model's signature is read from them.
        **details: Anything else that should be kept beside it, as plain values.

    Returns:
        The model.
    """
    tracker: Any = sys.modules.get(TRACKER)
    if tracker is not None:
        tracker.log_model(model, name, input_example=input_example, **details)
    return model


def log_artifact(value: Any, name: str | None = None) -> Any:
    """Keep a file, or a value, as an artifact of the run.

    Args:
        value: Path of a file, or an object.
        name: What it is called; a file's own name by default.

    Returns:
        The value.
    """
    tracker: Any = sys.modules.get(TRACKER)
    if tracker is not None:
        tracker.log_artifact(value, name)
    return value
