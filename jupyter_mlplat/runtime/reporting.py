"""What a training program says of itself and may ask: `jupyter_mlplat.train` inside a step.

The public functions find the running step here, through
`sys.modules["jupyter_mlplat_runtime.reporting"].current`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from .events import Events
from .tracking import Tracking

current: Reporting | None = None
"""The step, rank or trial that this process runs."""

Judge = Callable[[Any, Mapping[str, float]], bool]
"""Is told of every report, with its position and metrics; says whether the trial is to end."""


class TrialPruned(Exception):
    """The trial does worse than others did by now: it ends here, and what it reported counts."""


class Reporting:
    """Takes reports of the program of a step, and knows its place among others.

    Args:
        events: Where the engine reads.
        tracking: Where metrics are logged; None: nobody hears of what this process reports.
        checkpoints: The folder that all attempts share; made when it is first asked for.
        rank: Which of the processes this is. Only what rank 0 reports is kept.
        world_size: How many processes there are.
        judge: Says whether a trial is to end early.
        began_at: When the ranks were started: what is written later is none they begin with.
    """

    def __init__(
        self,
        events: Events | None,
        tracking: Tracking | None,
        checkpoints: str,
        rank: int = 0,
        world_size: int = 1,
        judge: Judge | None = None,
        began_at: float | None = None,
    ) -> None:
        self.rank = rank
        self.began_at = began_at
        self.world_size = world_size
        self.judge = judge
        self.is_told_to_stop = False
        self._events = events
        self._tracking = tracking
        self._checkpoints = checkpoints
        self._first: tuple[float, float] | None = None  # (moment, fraction) first reported
        self._folder_time = 0
        self._known: tuple[str, int] | None = None  # newest checkpoint, and when it was written
        self._hears_signal = False

    def report(
        self,
        step: int | None = None,
        metrics: Mapping[str, Any] | None = None,
        progress: float | None = None,
        remaining_s: float | None = None,
        message: str = "",
    ) -> None:
        """Say how far the program is.

        Raises:
            ValueError: `progress` is not between 0 and 1, or a metric is no finite number.
            TrialPruned: This trial is to end early.
        """
        numbers = {name: float(value) for name, value in (metrics or {}).items()}
        if self.rank == 0 and self._tracking is not None and self._events is not None:
            for name, value in numbers.items():
                self._tracking.log_metric(name, value, step)
            self._tell_progress(self._events, step, progress, remaining_s, message)
            self._tell_checkpoint(self._events, step)
        if self.judge is not None and self.judge(step, numbers):
            self.is_told_to_stop = True
            at = "" if step is None else f" at {step}"
            raise TrialPruned(f"Ended early{at}: other trials did better by then.")

    def should_stop(self) -> bool:
        """Tell whether the program is asked to end: it was paused or cancelled, a trial pruned.

        A program that asks is given some seconds to write a checkpoint and to leave.
        """
        if not self._hears_signal and threading.current_thread() is threading.main_thread():
            self._hears_signal = True
            signal.signal(signal.SIGTERM, self._hear)
        return self.is_told_to_stop

    def checkpoint_dir(self) -> str:
        """Return the folder for checkpoints: the same one in every attempt of the step."""
        os.makedirs(self._checkpoints, exist_ok=True)
        return self._checkpoints

    def latest_checkpoint(self) -> str | None:
        """Return the path of the checkpoint that was written last, None if there is none.

        All ranks of an attempt are told the same, however far the others are already.
        """
        return newest(self._checkpoints, self.began_at)

    def _hear(self, *_: Any) -> None:
        self.is_told_to_stop = True

    def _tell_progress(
        self,
        events: Events,
        step: int | None,
        fraction: float | None,
        remaining_s: float | None,
        message: str,
    ) -> None:
        if fraction is not None:
            fraction = float(fraction)
            if not 0.0 <= fraction <= 1.0:
                raise ValueError(
                    f"Cannot report progress={fraction!r}: it is the fraction done, from 0 to 1."
                )
            remaining_s = self._estimate(fraction) if remaining_s is None else remaining_s
        if fraction is None and remaining_s is None and step is None and not message:
            return
        events.emit(
            "progress",
            fraction=fraction,
            remaining_s=None if remaining_s is None else max(0.0, float(remaining_s)),
            position=None if step is None else int(step),
            message=str(message)[:1000],
        )

    def _estimate(self, fraction: float) -> float | None:
        """Say how long the rest takes if it goes on as it did since the first report."""
        now = time.monotonic()
        if self._first is None or fraction < self._first[1]:
            self._first = (now, fraction)
        began, first = self._first
        return (now - began) * (1.0 - fraction) / (fraction - first) if fraction > first else None

    def _tell_checkpoint(self, events: Events, step: int | None) -> None:
        try:
            changed = os.stat(self._checkpoints).st_mtime_ns
        except OSError:
            return
        if changed == self._folder_time:
            return
        self._folder_time = changed
        found = newest(self._checkpoints)
        if found is None:
            return
        known = (found, os.stat(found).st_mtime_ns)
        if known != self._known:
            self._known = known
            name = os.path.basename(found)
            events.emit("checkpoint", name=name, position=step, size_bytes=size_of(found))


def newest(folder: str, until: float | None = None) -> str | None:
    """Return what was last written in a folder of checkpoints; drafts do not count."""
    try:
        entries = [entry for entry in os.scandir(folder) if not is_draft(entry.name)]
        dated = [(entry.stat().st_mtime, entry.name, entry.path) for entry in entries]
    except OSError:
        return None
    return max((one for one in dated if until is None or one[0] <= until), default=(0, "", None))[2]


def is_draft(name: str) -> bool:
    """Tell whether a file or folder is still being written, by its name."""
    return name.startswith((".", "_")) or name.endswith((".tmp", ".part", ".partial"))


def size_of(path: str) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    try:
        if not os.path.isdir(path):
            return os.stat(path).st_size
        return sum(size_of(entry.path) for entry in os.scandir(path))
    except OSError:
        return 0


__all__ = ["Judge", "Reporting", "TrialPruned", "current", "is_draft", "newest", "size_of"]
