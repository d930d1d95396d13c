"""Time, as a value: tests let it pass in an instant."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jupyter_mlplat.kit.clock import utc_now


class Clock(Protocol):
    """What time it is. Sleeping is asyncio's."""

    def now(self) -> datetime:
        """Return the present moment, UTC."""
        ...

    def seconds(self) -> float:
        """Return seconds that never run back, and that pass while the process is stopped."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's."""

    def now(self) -> datetime:
        """Return the present moment, UTC."""
        return utc_now()

    def seconds(self) -> float:
        """Return seconds since the machine started, those it slept included."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
