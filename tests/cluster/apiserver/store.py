"""The store: objects by resource, one counter of versions, and the history that watches replay.

An object that was put is never changed again: readers may keep it, writers put a new one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from tests.cluster.apiserver.kinds import Resource

Object = dict[str, Any]
Many = list  # within classes that have a method of that name
Key = tuple[str, str]  # namespace ("" for cluster-scoped objects) and name


def clone(document: Object) -> Object:
    """Copy a document deeply; faster than copy.deepcopy, and what is not JSON fails here."""
    copy: Object = orjson.loads(orjson.dumps(document))
    return copy


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(document: Object) -> Key:
    meta = document["metadata"]
    return meta.get("namespace") or "", meta["name"]


@dataclass(frozen=True, slots=True)
class Change:
    """One write: what was put or removed, and what was there before."""

    version: int
    resource: Resource
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object
    before: Object | None


class Store:
    """Objects of all resources.

    Safe for use by several threads; hold `lock` to read and write as one.
    """

    def __init__(self, history: int = 20_000) -> None:
        self.lock = threading.RLock()
        self.version = 1
        self.compacted = 0  # changes up to this version are forgotten
        self.history: deque[Change] = deque()
        self._keep = history
        self._objects: dict[Resource, dict[Key, Object]] = {}
        self._listeners: Many[Callable[[Change], None]] = []

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self._objects.get(resource, {}).get((namespace, name))

    def list(self, resource: Resource, namespace: str | None = None) -> Many[Object]:
        """List objects by namespace and name; None means all namespaces."""
        with self.lock:
            found = self._objects.get(resource, {})
            return [found[key] for key in sorted(found) if namespace is None or key[0] == namespace]

    def resources(self) -> Many[Resource]:
        return [resource for resource, objects in self._objects.items() if objects]

    def put(self, resource: Resource, document: Object) -> Object:
        """Store a document under a new version; the document is the store's from now on."""
        with self.lock:
            objects = self._objects.setdefault(resource, {})
            key = key_of(document)
            before = objects.get(key)
            self.version += 1
            document["metadata"]["resourceVersion"] = str(self.version)
            objects[key] = document
            kind: Literal["ADDED", "MODIFIED"] = "MODIFIED" if before is not None else "ADDED"
            self._tell(Change(self.version, resource, kind, document, before))
            return document

    def remove(self, resource: Resource, document: Object) -> Object:
        """Forget an object; its last state, under the version of the removal, is what
        watchers see."""
        with self.lock:
            before = self._objects.get(resource, {}).pop(key_of(document))
            self.version += 1
            last = {**document, "metadata": {**document["metadata"]}}
            last["metadata"]["resourceVersion"] = str(self.version)
            self._tell(Change(self.version, resource, "DELETED", last, before))
            return last

    def since(self, version: int) -> Many[Change]:
        """List the changes after a version, oldest first. The caller checks `compacted`."""
        with self.lock:
            found: Many[Change] = []
            for change in reversed(self.history):
                if change.version <= version:
                    break
                found.append(change)
            return found[::-1]

    def compact(self, version: int | None = None) -> None:
        """Forget history up to a version (by default: all of it), as etcd does now and then."""
        with self.lock:
            self.compacted = self.version if version is None else version
            while self.history and self.history[0].version <= self.compacted:
                self.history.popleft()

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call a listener at every change, under the lock and in order; returns how to stop it."""
        with self.lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self.lock:
                self._listeners.remove(listener)

        return stop

    def _tell(self, change: Change) -> None:
        self.history.append(change)
        if len(self.history) > self._keep:
            self.compacted = self.history.popleft().version
        for listener in tuple(self._listeners):
            listener(change)
