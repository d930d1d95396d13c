"""Watches and followed logs: streams that live on the loop of the server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import orjson

from tests.cluster.apiserver import reading
from tests.cluster.apiserver.api import Api, Watching
from tests.cluster.apiserver.faults import WatchFaults
from tests.cluster.apiserver.logs import Reading
from tests.cluster.apiserver.store import Change

Object = dict[str, Any]
_END: Any = object()


async def events(api: Api, watching: Watching, heard: asyncio.Queue[Any]) -> AsyncIterator[bytes]:
    """Write the events of a watch, one a line, until its time is over or it is cut."""
    request, faults = watching.request, api.faults.watches
    if watching.error is not None:
        yield line("ERROR", watching.error.status())
        return
    matches = reading.selector(request)
    bookmarks = request.query.get("allowWatchBookmarks", "").lower() in ("1", "true")
    seconds = float(request.query.get("timeoutSeconds") or 0) or random.uniform(1800, 3600)
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    marked = loop.time() + faults.bookmark_s
    version = watching.version

    for document in watching.present or []:
        yield line("ADDED", document)
    if (
        watching.present is not None
        and request.query.get("sendInitialEvents", "").lower() == "true"
    ):
        yield bookmark(watching, version, {"k8s.io/initial-events-end": "true"})
    disorder = Disorder(faults, api.faults.random)
    for change in watching.changes if not faults.silent else ():
        for shown in disorder.pass_on(reading.event_of(change, matches, request.kind)):
            yield shown
    while True:
        until = min(ends, marked) if bookmarks else ends
        try:
            change = await asyncio.wait_for(heard.get(), max(0.0, until - loop.time()))
        except TimeoutError:
            if loop.time() >= ends:
                break
            marked = loop.time() + faults.bookmark_s
            if not faults.silent:
                yield bookmark(watching, version)
            continue
        if change is _END:
            break
        version = change.version
        if faults.silent:
            continue
        if faults.rates.get("cut") and api.faults.random.random() < faults.rates["cut"]:
            break
        for shown in disorder.pass_on(reading.event_of(change, matches, request.kind)):
            yield shown


def line(kind: str, document: Object) -> bytes:
    return orjson.dumps({"type": kind, "object": document}) + b"\n"


def bookmark(watching: Watching, version: int, annotations: Object | None = None) -> bytes:
    kind = watching.request.kind
    meta: Object = {"resourceVersion": str(version)}
    if annotations:
        meta["annotations"] = annotations
    return line("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta})


class Disorder:
    """Duplicates, holds back and repeats events as the dials say."""

    def __init__(self, faults: WatchFaults, chance: random.Random) -> None:
        self.faults = faults
        self.chance = chance
        self.held: Object | None = None
        self.past: list[Object] = []

    def pass_on(self, event: Object | None) -> list[bytes]:
        if event is None:
            return []
        out = [event]
        rates = self.faults.rates
        if rates:
            if self.chance.random() < rates.get("drop", 0):
                out = []
            if self.chance.random() < rates.get("duplicate", 0):
                out.append(event)
            if self.past and self.chance.random() < rates.get("stale", 0):
                old = self.chance.choice(self.past)
                out.append({**old, "type": "MODIFIED"} if old["type"] == "ADDED" else old)
            self.past = [*self.past[-20:], event]
            if self.held is not None:
                out, self.held = [*out, self.held], None
            elif out and self.chance.random() < rates.get("reorder", 0):
                self.held = out.pop()
        return [orjson.dumps(shown) + b"\n" for shown in out]


def listen(
    api: Api, watching: Watching, loop: asyncio.AbstractEventLoop
) -> tuple[asyncio.Queue[Any], Any]:
    """Subscribe a watch to the store, from the change after the one it began with on."""
    heard: asyncio.Queue[Any] = asyncio.Queue()
    request = watching.request
    resource, namespace = request.kind.resource, request.namespace

    def hear(change: Change) -> None:
        if change.resource != resource or change.version <= watching.version:
            return
        if namespace and change.object["metadata"].get("namespace") != namespace:
            return
        loop.call_soon_threadsafe(heard.put_nowait, change)

    def cut() -> None:
        loop.call_soon_threadsafe(heard.put_nowait, _END)

    with api.store.lock:
        for change in api.store.since(watching.version) if watching.error is None else ():
            hear(change)
        stop = api.store.subscribe(hear)
    api.faults.watches.cutters.append(cut)

    def end() -> None:
        stop()
        api.faults.watches.cutters.remove(cut)

    return heard, end


async def follow(reading_: Reading) -> AsyncIterator[bytes]:
    """Write a log, and what is added to it until its container ends."""
    loop = asyncio.get_running_loop()
    fresh = asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(fresh.set)

    reading_.log.listeners.append(wake)
    try:
        data, seen = reading_.first()
        yield data
        while reading_.follow:
            fresh.clear()
            data, seen, closed = reading_.next(seen)
            if data:
                yield data
            elif closed:
                return
            else:
                await fresh.wait()
    finally:
        reading_.log.listeners.remove(wake)
