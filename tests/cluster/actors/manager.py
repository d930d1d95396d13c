"""The manager: one thread that hands keys to actors, again and again, until each has nothing left
to do."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from tests.cluster.actors.objects import Failure, Objects

Object = dict[str, Any]
Key = tuple[str, ...]


class Actor(Protocol):
    """Reconciles one key at a time."""

    name: str

    @property
    def plurals(self) -> set[str] | None:
        """The kinds it hears of; None: all."""

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        """Say which keys a change concerns.

        Called under the lock of the store: quick, and reading nothing.
        """

    def reconcile(self, key: Key) -> float | None:
        """Bring one key closer to what is wanted; returns seconds after which to look again."""


@dataclass
class Recorder:
    """Writes events, the same one only once with a count, as real components do."""

    objects: Objects
    component: str
    _known: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def tell(self, about: Object, reason: str, message: str, kind: str = "Normal") -> None:
        meta = about["metadata"]
        namespace = meta.get("namespace") or "default"
        key = (meta["uid"], reason, message)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            if name := self._known.get(key):
                found = self.objects.get("events", namespace, name)
                if found is not None:
                    count = {"count": int(found.get("count", 1)) + 1, "lastTimestamp": now}
                    self.objects.patch("events", namespace, name, count)
                    return
            made = self.objects.create(
                "events",
                namespace,
                {
                    "apiVersion": "v1",
                    "kind": "Event",
                    "metadata": {
                        "name": f"{meta['name'][:200]}.{time.time_ns():x}",
                        "namespace": namespace,
                    },
                    "involvedObject": {
                        "apiVersion": about["apiVersion"],
                        "kind": about["kind"],
                        "name": meta["name"],
                        "namespace": meta.get("namespace", ""),
                        "uid": meta["uid"],
                        "resourceVersion": meta["resourceVersion"],
                    },
                    "reason": reason,
                    "message": message,
                    "type": kind,
                    "source": {"component": self.component},
                    "firstTimestamp": now,
                    "lastTimestamp": now,
                    "count": 1,
                    "reportingComponent": self.component,
                    "reportingInstance": "",
                },
            )
            self._known[key] = made["metadata"]["name"]
        except Failure:
            pass  # an event is a courtesy: a namespace that goes takes none


class Manager:
    """Runs actors. Every failure but a conflict and a gone object is kept in `errors`."""

    def __init__(self, objects: Objects, actors: Iterable[Actor]) -> None:
        self.objects = objects
        self.actors = list(actors)
        self.errors: list[str] = []
        self._turn = threading.Condition()
        self._queue: dict[tuple[int, Key], None] = {}
        self._later: list[tuple[float, int, tuple[int, Key]]] = []
        self._number = itertools.count()
        self._busy: tuple[int, Key] | None = None
        self._tries: dict[tuple[int, Key], int] = {}
        self._retrying: set[tuple[int, Key]] = set()  # lost a race: tried again at once
        self._is_stopped = False
        self._is_paused = False
        self._stops: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name="actors", daemon=True)

    def start(self) -> Manager:
        for index, actor in enumerate(self.actors):
            self._hear(index, actor)
        self._thread.start()
        return self

    def _hear(self, index: int, actor: Actor) -> None:
        def heard(event: str, plural: str, document: Object) -> None:
            keys = list(actor.keys(event, plural, document))
            if keys:
                with self._turn:
                    for key in keys:
                        self._queue[index, key] = None
                    self._turn.notify_all()

        self._stops.append(self.objects.hear(heard, actor.plurals))

    def add(self, actor: Actor) -> None:
        """Bring in one more actor while the others run."""
        self.actors.append(actor)
        self._hear(len(self.actors) - 1, actor)

    def poke(self, actor: Actor, key: Key, after_s: float = 0.0) -> None:
        """Have a key looked at, now or later."""
        task = (self.actors.index(actor), key)
        with self._turn:
            if after_s > 0:
                heapq.heappush(self._later, (time.monotonic() + after_s, next(self._number), task))
            else:
                self._queue[task] = None
            self._turn.notify_all()

    def stop(self) -> None:
        for stop in self._stops:
            stop()
        with self._turn:
            self._is_stopped = True
            self._turn.notify_all()
        if self._thread.is_alive():
            self._thread.join(10)

    def pause(self) -> None:
        """Let nothing happen until `resume`: the controllers are away."""
        with self._turn:
            self._is_paused = True
            while self._busy is not None:
                self._turn.wait(0.01)

    def resume(self) -> None:
        with self._turn:
            self._is_paused = False
            self._turn.notify_all()

    def settle(self, timeout_s: float = 10.0, quiet_s: float = 0.0) -> None:
        """Wait until no actor has anything to do now (what is due later does not count)."""
        ends = time.monotonic() + timeout_s
        with self._turn:
            while self._queue or self._busy is not None or self._retrying or self._due(quiet_s):
                left = ends - time.monotonic()
                if left <= 0:
                    waiting = [(self.actors[index].name, key) for index, key in [*self._queue][:5]]
                    raise TimeoutError(
                        f"The actors did not settle within {timeout_s} s: still at "
                        f"{waiting}, errors {self.errors[-1:]}."
                    )
                self._turn.wait(min(left, 0.05))

    def _due(self, quiet_s: float) -> bool:
        return bool(self._later) and self._later[0][0] <= time.monotonic() + quiet_s

    def _run(self) -> None:
        while True:
            with self._turn:
                self._busy = None
                self._turn.notify_all()
                task = self._next()
                if task is None:
                    return
                self._busy = task
            index, key = task
            again: float | None = None
            try:
                self._retrying.discard(task)
                again = self.actors[index].reconcile(key)
                self._tries.pop(task, None)
            except Failure as failure:
                again = self._again(task)
                if failure.code in (404, 409, 410):
                    self._retrying.add(task)
                else:
                    self.errors.append(f"{self.actors[index].name} {key}: {failure.message}")
            except Exception:
                again = self._again(task)
                self.errors.append(traceback.format_exc())
            if again is not None:
                with self._turn:
                    heapq.heappush(
                        self._later, (time.monotonic() + again, next(self._number), task)
                    )

    def _again(self, task: tuple[int, Key]) -> float:
        tries = self._tries[task] = self._tries.get(task, 0) + 1
        return float(min(0.005 * 2 ** min(tries, 10), 5.0))

    def _next(self) -> tuple[int, Key] | None:
        while not self._is_stopped:
            now = time.monotonic()
            while self._later and self._later[0][0] <= now:
                self._queue[heapq.heappop(self._later)[2]] = None
            if self._queue and not self._is_paused:
                task = next(iter(self._queue))
                del self._queue[task]
                return task
            wait = self._later[0][0] - now if self._later else None
            self._turn.wait(wait)
        return None
