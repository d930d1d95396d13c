"""The engine's events for all live views of a process: one stream, in threads that end."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.resources.engine import Event

# Eyes follow a few pictures a second; a fast run changes hundreds of times.
_PICTURE_INTERVAL_S = 0.3
# The stream itself tried for nine seconds before it gave up.
_PAUSE_S = 5.0


class Follower(Protocol):
    """What wants to know of changes. Called from the feed's threads."""

    def concerns(self, event: Event) -> bool:
        """Tell whether an event means a change."""

    def look(self) -> None:
        """Ask the engine anew, and show it."""

    def lose(self) -> None:
        """Show that the engine does not answer."""


class Feed:
    """Tells followers of changes as long as there are followers. Thread-safe.

    It never starts an engine: what a user stopped stays stopped.
    """

    def __init__(self, home: Path) -> None:
        self._client = EngineClient(home, start=False)
        self._followers: set[Follower] = set()
        self._changed: set[Follower] = set()
        self._awake = threading.Condition()
        self._is_running = False

    def follow(self, follower: Follower) -> None:
        """Tell a follower of every change from now on; it looks once, soon, in any case."""
        with self._awake:
            self._followers.add(follower)
            self._changed.add(follower)
            self._awake.notify_all()
            if self._is_running:
                return
            self._is_running = True
        self._start(self._listen, "mlplat-events")

    def leave(self, follower: Follower) -> None:
        """Tell a follower of nothing any more."""
        with self._awake:
            self._followers.discard(follower)
            self._changed.discard(follower)
            self._awake.notify_all()

    @property
    def followers(self) -> frozenset[Follower]:
        with self._awake:
            return frozenset(self._followers)

    def _listen(self) -> None:
        ended = threading.Event()
        self._start(lambda: self._show(ended), "mlplat-views")
        while self._goes_on():
            try:
                after = self._client.get_engine().last_event
                self._mark(lambda _: True)
                for event in self._client.watch_events(after, lambda: not self._followers):
                    self._mark(_that_concerns(event))
            except PlatformError:
                for follower in self.followers:
                    follower.lose()
                with self._awake:
                    self._awake.wait_for(lambda: not self._followers, _PAUSE_S)
        with self._awake:
            ended.set()
            self._awake.notify_all()

    def _goes_on(self) -> bool:
        with self._awake:
            self._is_running = bool(self._followers)
            return self._is_running

    def _mark(self, is_meant: Callable[[Follower], bool]) -> None:
        with self._awake:
            self._changed |= {one for one in self._followers if is_meant(one)}
            self._awake.notify_all()

    def _show(self, ended: threading.Event) -> None:
        while True:
            with self._awake:
                self._awake.wait_for(lambda: self._changed or ended.is_set())
                if ended.is_set():
                    return
                changed, self._changed = self._changed, set()
            for follower in changed:
                follower.look()
            time.sleep(_PICTURE_INTERVAL_S)

    @staticmethod
    def _start(act: Callable[[], None], name: str) -> None:
        threading.Thread(target=act, name=name, daemon=True).start()


def _that_concerns(event: Event) -> Callable[[Follower], bool]:
    return lambda follower: follower.concerns(event)


_feeds: dict[Path, Feed] = {}
_feeds_lock = threading.Lock()


def feed_of(home: Path) -> Feed:
    """Return the process's feed of a state directory."""
    with _feeds_lock:
        return _feeds.setdefault(home, Feed(home))
