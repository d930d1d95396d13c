"""Where the conductor plays: its thread, and the event loop's side that carries its deeds out.

The thread does all that may wait for a disk, so the event loop never does. Deeds are carried out in
order per attempt: a stop never overtakes the start it is meant for.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from jupyter_mlplat.engine.batch import (
    AdoptDeed,
    AgainDeed,
    Deed,
    FinalDeed,
    LookDeed,
    ReplyDeed,
    StartDeed,
    StopDeed,
    WakeDeed,
)
from jupyter_mlplat.engine.conductor import Conductor
from jupyter_mlplat.engine.crashpoints import CrashPoints
from jupyter_mlplat.engine.items import ActivitySeen, Item, TimeCame, WaitSeen
from jupyter_mlplat.kit.clock import seconds_between, utc_now
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, Launcher
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.services.pipelines.messages import TimerDue

_log = logging.getLogger(__name__)

_PROGRESS_INTERVAL_S = 0.1
"""As often as a running step's progress is written down: often enough for an eye, and a step that
is over sooner costs nothing."""
_BATCH_LIMIT = 256  # items in one commit, so that one flood does not keep others waiting


class Stage:
    """Runs a conductor. Everything but `put` belongs to the event loop.

    Args:
        conductor: Who decides.
        launcher: Who starts and stops attempts.
        publish: Is told of events in their order, in the event loop.
        fail: Is called, in the event loop, when the conductor cannot go on.
        crash: Where to die, for the tests that kill the engine.
    """

    def __init__(
        self,
        conductor: Conductor,
        launcher: Launcher,
        publish: Callable[[Sequence[Event]], None],
        fail: Callable[[BaseException], None],
        crash: CrashPoints | None = None,
    ) -> None:
        self._conductor = conductor
        self._launcher = launcher
        self._publish = publish
        self._fail = fail
        self._crash = crash or CrashPoints()
        self._inbox: SimpleQueue[Item | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._play, name="conductor", daemon=True)
        self._work: dict[AttemptRef, asyncio.Task[None]] = {}
        self._active: set[AttemptRef] = set()  # have told something since the last look
        self._look_later: asyncio.TimerHandle | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        launcher.bind(self._on_end, self._on_activity, self._on_wait)

    def start(self) -> None:
        """Take up what an earlier engine left, then whatever comes."""
        self._thread.start()

    def put(self, item: Item) -> None:
        """Tell the conductor of something; from any thread."""
        self._inbox.put(item)

    async def close(self) -> None:
        """Let the conductor finish what it has, and stop it. What runs goes on."""
        self._conductor.is_closing = True
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)
        for handle in (*self._timers, *filter(None, [self._look_later])):
            handle.cancel()
        for task in self._work.values():
            task.cancel()
        await asyncio.gather(*self._work.values(), return_exceptions=True)

    @contextmanager
    def expect_final(self, run: str) -> Iterator["asyncio.Future[None]"]:
        """Give a future that is done when the run ends from now on.

        Look at the run's state after entering, not before: what ended before is not told again.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        waiting = self._waiting.setdefault(run, set())
        waiting.add(future)
        try:
            yield future
        finally:
            waiting.discard(future)
            future.cancel()
            if not waiting and self._waiting.get(run) is waiting:
                del self._waiting[run]

    # - the conductor's thread -

    def _play(self) -> None:
        try:
            self._deliver(*self._conductor.recover())
            while (batch := self._next_batch()) is not None:
                self._deliver(*self._conductor.process(batch))
        except BaseException as error:
            self._post(self._fail, error)

    def _next_batch(self) -> list[Item] | None:
        """Wait for something to happen; return all that has happened by then."""
        items: list[Item] = []
        item = self._inbox.get()
        while item is not None:
            items.append(item)
            if self._inbox.empty() or len(items) == _BATCH_LIMIT:
                return items
            item = self._inbox.get()
        if items:  # the end of the show is kept for the next time
            self._inbox.put(None)
            return items
        return None

    def _deliver(self, deeds: Sequence[Deed], events: Sequence[Event]) -> None:
        if deeds or events:
            self._post(self._carry_out, deeds, events)

    def _post(self, function: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: the next engine reads it all from the store
            _log.debug("The event loop is closed; %s is left to the next engine.", function)

    # - the event loop -

    def _carry_out(self, deeds: Sequence[Deed], events: Sequence[Event]) -> None:
        for deed in deeds:
            self._do(deed)
        self._reach("publish.before")
        self._publish(events)
        self._reach("publish.after")

    def _do(self, deed: Deed) -> None:
        match deed:
            case StartDeed(order):
                self._chain(order.ref, "start", self._launcher.start(order))
            case AdoptDeed(ref):
                self._chain(ref, "adopt", self._launcher.adopt(ref))
            case StopDeed(ref, grace_s):
                self._chain(ref, "stop", self._launcher.cancel(ref, grace_s))
            case LookDeed(ref):
                self.put(ActivitySeen(ref))
            case AgainDeed(ended):
                self.put(ended)
            case WakeDeed():
                self._set_timer(deed)
            case FinalDeed(run):
                for future in self._waiting.pop(run, ()):
                    if not future.done():
                        future.set_result(None)
            case ReplyDeed(reply, make):
                self._reach("reply.before")
                if reply.set_running_or_notify_cancel():
                    reply.set_result(make())
                self._reach("reply.after")

    def _chain(self, ref: AttemptRef, name: str, work: Coroutine[Any, Any, None]) -> None:
        before = self._work.get(ref)

        async def do() -> None:
            if before is not None:
                await asyncio.wait([before])
            self._reach(f"{name}.before")
            await work
            self._reach(f"{name}.after")

        task = self._loop.create_task(do())
        self._work[ref] = task
        task.add_done_callback(lambda done: self._worked(ref, name, done))

    def _worked(self, ref: AttemptRef, name: str, task: "asyncio.Task[None]") -> None:
        if self._work.get(ref) is task:
            del self._work[ref]
        if task.cancelled() or (error := task.exception()) is None:
            return
        _log.error("Could not %s %s", name, ref, exc_info=error)
        if name == "start":
            self._on_end(Ended(ref, None, "not-started", f"{type(error).__name__}: {error}"))

    def _set_timer(self, deed: WakeDeed) -> None:
        self._reach("wake.before")
        event = TimerDue(deed.at, deed.step, deed.attempt, deed.kind)

        def ring() -> None:
            self._timers.discard(handle)
            self.put(TimeCame(deed.run, event))

        # The loop's clock is monotonic: setting the wall clock moves no timer that is set.
        handle = self._loop.call_later(seconds_between(utc_now(), deed.at), ring)
        self._timers.add(handle)
        self._reach("wake.after")

    def _on_end(self, ended: Ended) -> None:
        self._active.discard(ended.ref)
        self.put(ended)

    def _on_activity(self, ref: AttemptRef) -> None:
        self._active.add(ref)
        if self._look_later is None:
            self._look_later = self._loop.call_later(_PROGRESS_INTERVAL_S, self._look)

    def _on_wait(self, ref: AttemptRef, reason: str | None) -> None:
        self.put(WaitSeen(ref, reason))

    def _look(self) -> None:
        self._look_later = None
        for ref in self._active:
            self.put(ActivitySeen(ref))
        self._active.clear()

    def _reach(self, point: str) -> None:
        if self._crash.is_armed:
            self._crash.reach(point)
