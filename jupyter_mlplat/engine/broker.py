"""Events on their way to those who listen: each once, in order, never waiting for the slow."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.engine import Event

_QUEUE_LIMIT = 1000
"""Events a listener may lag behind. Past it the stream is closed; it resumes from the store."""
_PAGE = 500
_KEEP_AWAKE_S = 15.0


class Broker:
    """Belongs to the event loop."""

    def __init__(
        self,
        store: MetadataStore,
        last: int,
        hear: Callable[[Sequence[Event]], None] = lambda events: None,
    ) -> None:
        self._store = store
        self._hear = hear  # the engine itself: told of everything first, and no listener to wait on
        self.last = last
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._catching_up: asyncio.Task[None] | None = None
        self._is_behind = False  # something was written that no look has seen yet

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def publish(self, events: Sequence[Event]) -> None:
        """Hand on events that are in the store."""
        if not events or events[-1].seq <= self.last:
            return
        if events[0].seq == self.last + 1 and self._catching_up is None:
            self._hand_on(events)
        else:
            self.look()  # others were written in between, by another thread

    def look(self) -> None:
        """Hand on what is in the store and was not told of."""
        self._is_behind = True
        if self._catching_up is None:
            self._catching_up = asyncio.get_running_loop().create_task(self._catch_up())

    async def watch(self, after: int | None) -> AsyncIterator[Event | None]:
        """Yield events after a number, or from now on; None every now and then to keep awake.

        Ends when the listener is too slow: it may come again with the last number it has seen.
        """
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_QUEUE_LIMIT)
        self._listeners.add(queue)
        try:
            # A number we never gave was lost with the machine's power: it will be given anew.
            seen = self.last if after is None else min(after, self.last)
            while seen < self.last:
                page = await asyncio.to_thread(self._store.events_after, seen, _PAGE)
                for event in page:
                    yield event
                    seen = event.seq
                if not page:
                    break
            while queue in self._listeners or not queue.empty():
                try:
                    async with asyncio.timeout(_KEEP_AWAKE_S):
                        next_one = await queue.get()
                except TimeoutError:
                    yield None
                    continue
                if next_one is None:
                    return
                if next_one.seq > seen:
                    yield next_one
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End all streams."""
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
        self._listeners.clear()
        if self._catching_up is not None:
            self._catching_up.cancel()

    def _hand_on(self, events: Sequence[Event]) -> None:
        self.last = events[-1].seq
        self._hear(events)
        for queue in list(self._listeners):
            for event in events:
                try:
                    queue.put_nowait(event)
                except asyncio.QueueFull:
                    self._listeners.discard(queue)
                    break

    async def _catch_up(self) -> None:
        try:
            while self._is_behind:
                self._is_behind = False
                while events := await asyncio.to_thread(self._store.events_after, self.last, _PAGE):
                    self._hand_on(events)
        finally:
            self._catching_up = None
