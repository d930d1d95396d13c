"""How a component can fail, in words: the `error` of `result.json`."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any


class TaskFailed(Exception):
    """The task cannot go on; carries the `error` of `result.json`."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, **fields}


def describe(error: BaseException, order: Mapping[str, Any], program: str) -> dict[str, Any]:
    """Say what a component's function raised, and in which of its lines."""
    frames = traceback.extract_tb(error.__traceback__)
    own = next((place for place, frame in enumerate(frames) if frame.filename == program), 0)
    steps = traceback.StackSummary.from_list(frames[own:])
    lines = ["Traceback (most recent call last):\n", *steps.format()]
    lines += traceback.format_exception_only(type(error), error)
    line = next((frame.lineno for frame in frames[::-1] if frame.filename == program), None)
    name, value = type(error).__name__, str(error)
    where = f", line {line}" if line else ""
    return {
        "code": "task-error",
        "message": f"Task {order['task']!r}{where}: {name}: {value}",
        "name": name,
        "value": value,
        "line": line,
        "traceback": "".join(lines).splitlines(),
    }
