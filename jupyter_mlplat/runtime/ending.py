"""The end of a step's process: what an interpreter does at its end that others could see."""

from __future__ import annotations

import atexit
import gc
import io
import signal
import threading
import traceback
from typing import Any

EXIT_S = 5.0
"""Exit functions may take this long, as long as Jupyter gives a kernel to shut down."""


def flush_everything() -> None:
    """Do what an interpreter does at its end that others could see.

    Exit functions, buffered writes.
    """
    _run_exit_functions()
    for item in gc.get_objects():
        if isinstance(item, (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)):
            try:
                if not item.closed:
                    item.flush()
            except (OSError, ValueError):
                continue  # a pipe whose reader has gone


def _run_exit_functions() -> None:
    """Run what was registered for the interpreter's end.

    Executors first, since others wait for their workers.
    """

    def too_late(*_: Any) -> None:
        raise TimeoutError("exit functions took too long")

    signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, EXIT_S)
    try:
        for function in reversed(getattr(threading, "_threading_atexits", ())):
            function()
        atexit._run_exitfuncs()
    except Exception:
        traceback.print_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
