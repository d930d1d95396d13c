"""Failures of a step, in words: the `error` of `result.json`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from typing import Any

from .shell import ZMQInteractiveShell

_MISSING = re.compile(
    r"name '([^']+)' is not defined"
    r"|Can't get attribute '([^']+)' on <module '__main__'"
    r"|module '__main__' has no attribute '([^']+)'"
)


class StepFailed(Exception):
    """The step cannot go on; carries the `error` of `result.json`."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, **fields}


def describe_error(
    order: Mapping[str, Any],
    shell: ZMQInteractiveShell,
    cell: Mapping[str, Any],
    failure: BaseException | None,
    shown: dict[str, Any] | None,
) -> dict[str, Any]:
    """Say which cell failed, where and of what; `shown` is the error that the cell displayed."""
    if shell.exit_asked and failure is None:
        name, value = "KernelExit", "the cell called exit()"
    elif shown is not None:
        name, value = shown["ename"], shown["evalue"]
    else:
        name, value = type(failure).__name__, str(failure)
    missing = _missing(order, name, value)
    line = _line_of(shell, cell, failure)
    where = f"cell {cell['index'] + 1}" + (f", line {line}" if line else "")
    message = f"{where}: {name}: {value}" if value else f"{where}: {name}"
    if missing:
        maker = order["elsewhere"][missing]
        message = (
            f"Step {order['step']!r} ({where}) reads {missing!r}, which step {maker!r} "
            "made. That could not be told from the source, so it was not passed on. Put these "
            f"cells into one step, or let the cell name {missing!r} itself."
        )
    return {
        "code": "unforeseen-read" if missing else "cell-error",
        "cell": cell["id"],
        "cell_index": cell["index"],
        "line": line,
        "name": name,
        "value": value,
        "reads": [missing] if missing else [],
        "traceback": (shown or {}).get("traceback", []),
        "message": message,
    }


def _missing(order: Mapping[str, Any], name: str, value: str) -> str | None:
    """Return the name of an earlier step that an error is about, for want of it here."""
    found = _MISSING.match(value) if name in ("NameError", "AttributeError") else None
    word = found[found.lastindex or 0] if found else ""
    return word if word in (order.get("elsewhere") or {}) else None


def _line_of(
    shell: ZMQInteractiveShell, cell: Mapping[str, Any], failure: BaseException | None
) -> int | None:
    if isinstance(failure, SyntaxError):
        return failure.lineno
    name = shell.compile.get_code_name(cell["source"], "", 0)
    trace = failure.__traceback__ if failure is not None else None
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def disk_full(error: OSError, order: Mapping[str, Any]) -> dict[str, Any]:
    places = [place for place in (order["blobs"], order["cwd"]) if os.path.isdir(place)]
    fullest = min(places, key=lambda place: shutil.disk_usage(place).free, default=os.getcwd())
    where = error.filename or fullest
    return {
        "code": "disk-full",
        "message": f"Cannot save the step's results: the disk that holds {where!r} is full. "
        "Free some space, then retry.",
    }
