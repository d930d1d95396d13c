"""How many requests one user may send, so that nobody keeps the engine from the others."""

import time
from collections import OrderedDict
from collections.abc import Callable

from jupyter_mlplat.errors import QuotaExceeded

_BURST_S = 10.0
_LIMIT = 10_000


class Rates:
    """A bucket each: it fills steadily, every request takes one out. Belongs to the event loop."""

    def __init__(self, per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second * _BURST_S)
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> None:
        """Count one request.

        Raises:
            QuotaExceeded: There were too many.
        """
        now = self._now()
        left, seen = self._left.pop(who, (self._most, now))
        left = min(self._most, left + (now - seen) * self._per_second)
        self._left[who] = (max(0.0, left - 1), now)
        if len(self._left) > _LIMIT:
            self._left.popitem(last=False)
        if left < 1:
            raise QuotaExceeded(
                f"Too many requests of {who!r}: {self._per_second:g} per second are answered. "
                "Wait a second; follow events instead of asking again and again."
            )
