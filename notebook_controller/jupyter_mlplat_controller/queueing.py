"""Which objects are to be looked at, and when: each once at a time, those that fail ever later."""

import asyncio
from collections import deque
from collections.abc import Hashable
from random import Random
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)

_FIRST_S, _LONGEST_S = 0.5, 30.0


class Queue(Generic[Item]):
    """Items to look at. What is added while it is looked at comes up again afterwards."""

    def __init__(self, random: Random) -> None:
        self._ready: deque[Item] = deque()
        self._waiting: set[Item] = set()
        self._busy: set[Item] = set()
        self._again: set[Item] = set()
        self._timers: dict[Item, asyncio.TimerHandle] = {}
        self._failures: dict[Item, int] = {}
        self._random = random
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be looked at now; timers may run."""
        return not self._ready and not self._busy

    def add(self, item: Item) -> None:
        """Look at an item as soon as may be."""
        self._stop_timer(item)
        if item in self._busy:
            self._again.add(item)
        elif item not in self._waiting:
            self._waiting.add(item)
            self._ready.append(item)
            self._wake.set()

    def add_after(self, item: Item, seconds: float) -> None:
        """Look at an item later, if nothing brings it up before; the earliest time counts."""
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        timer = self._timers.get(item)
        if timer is not None and timer.when() <= when:
            return
        self._stop_timer(item)
        self._timers[item] = loop.call_at(when, self.add, item)

    def add_failed(self, item: Item, at_least_s: float = 0.0) -> float:
        """Look at an item that failed, later each time; return when."""
        failures = self._failures[item] = self._failures.get(item, 0) + 1
        delay = min(_LONGEST_S, _FIRST_S * 2.0 ** min(failures - 1, 20))
        delay = max(delay * self._random.uniform(0.75, 1.25), at_least_s)
        self.add_after(item, delay)
        return delay

    def succeeded(self, item: Item) -> None:
        """Forget that an item failed."""
        self._failures.pop(item, None)

    async def get(self) -> Item:
        """Wait for an item; `done` has to follow."""
        while not self._ready:
            self._wake.clear()
            await self._wake.wait()
        item = self._ready.popleft()
        self._waiting.discard(item)
        self._busy.add(item)
        return item

    def done(self, item: Item) -> None:
        """Tell that an item was looked at."""
        self._busy.discard(item)
        if item in self._again:
            self._again.discard(item)
            self.add(item)

    def close(self) -> None:
        """Stop all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _stop_timer(self, item: Item) -> None:
        timer = self._timers.pop(item, None)
        if timer is not None:
            timer.cancel()
