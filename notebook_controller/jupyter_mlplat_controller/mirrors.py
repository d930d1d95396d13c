"""Copies of what the API server has, kept true by lists and watches.

A watch is short and bounded: the server ends it, and it goes on from where it was. One that is
silent beyond its bound, one whose history is gone, and any after a while is followed by a list;
what is missing from a list was deleted, whatever a watch said. Events that repeat or arrive late
are known by their version and change nothing.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from jupyter_mlplat_controller.api import Api, ApiError
from jupyter_mlplat_controller.clock import Clock
from jupyter_mlplat_controller.plans import Key, Kind, Obj, key_of, uid_of, version_of

log = logging.getLogger(__name__)

_SLACK_S = 10.0
_ABSENT_S = 60.0  # a kind that is not installed may be, later
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 20.0
_STRAY_S = 30.0


@dataclass(frozen=True, slots=True)
class Source:
    """Which objects are mirrored, and how.

    Attributes:
        kind: Their kind.
        labels, fields: Selectors.
        keep: What of an object is kept in memory; None of it: the object is of no interest.
        index: What objects are found by beside their key.
        optional: The kind need not be installed.
    """

    kind: Kind
    labels: str = ""
    fields: str = ""
    keep: Callable[[Obj], Obj | None] | None = None
    index: Callable[[Obj], Hashable] | None = None
    optional: bool = False


Heard = Callable[[Source, Obj], None]


class Mirror:
    """The objects of one source."""

    def __init__(self, source: Source, heard: Heard, clock: Clock) -> None:
        self.source = source
        self.is_synced = False
        self.heard_at = clock.seconds()
        self._heard = heard
        self._clock = clock
        self._objects: dict[Key, Obj] = {}
        self._indexed: defaultdict[Hashable, dict[Key, Obj]] = defaultdict(dict)
        self._strays: dict[Key, tuple[Obj, float]] = {}
        self._gone: dict[Key, Obj] = {}

    def get(self, key: Key) -> Obj | None:
        """Return an object; also one that is not selected but was met a moment ago."""
        if (found := self._objects.get(key)) is not None:
            return found
        stray, until = self._strays.get(key, (None, 0.0))
        if stray is not None and until <= self._clock.seconds():
            del self._strays[key]
            return None
        return stray

    def all(self) -> Iterable[Obj]:
        """Return all objects."""
        return self._objects.values()

    def find(self, value: Hashable) -> Iterable[Obj]:
        """Return the objects whose index is this value."""
        return self._indexed.get(value, {}).values()

    def learn(self, body: Obj) -> None:
        """Take note of an object as it was just answered, before a watch tells of it.

        Whom it concerns is told now: what a watch says of the same version later is no news.
        """
        self._put(body, told=True)

    def meet(self, body: Obj) -> None:
        """Take note of an object that is in the way and may not be selected."""
        if not self._put_if_known(body):
            self._strays[key_of(body)] = (body, self._clock.seconds() + _STRAY_S)

    def forget(self, key: Key) -> None:
        """Take note that an object is not there."""
        self._remove(key)

    async def follow(self, api: Api, namespace: str, silence_s: float, relist_s: float) -> None:
        """Mirror for ever."""
        source, failures = self.source, 0
        version, listed_at = "", float("-inf")
        while True:
            began = self._clock.seconds()
            try:
                if not version or began - listed_at >= relist_s:
                    found, version = await api.list(
                        source.kind, namespace, source.labels, source.fields
                    )
                    self._replace(found)
                    listed_at, failures = began, 0
                    self.heard_at = self._clock.seconds()
                    self.is_synced = True
                version = await self._watch(api, namespace, version, silence_s)
                failures = 0
            except ApiError as error:
                if error.is_expired:
                    version = ""
                    continue
                if error.is_missing and source.optional:
                    self._replace([])
                    self.is_synced, version = True, ""
                    self.heard_at = self._clock.seconds()
                    await asyncio.sleep(_ABSENT_S)
                    continue
                failures += 1
                if failures > 2:
                    version = ""  # where it stood may be the trouble
                log.warning("%s are not heard of: %s", source.kind.plural, error)
                delay = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2 ** min(failures, 10))
                await asyncio.sleep(max(delay, min(error.retry_after_s or 0, _ABSENT_S)))

    async def _watch(self, api: Api, namespace: str, version: str, silence_s: float) -> str:
        """Follow one watch to its end; empty: a list has to follow."""
        source, bound_s = self.source, max(1.0, silence_s - _SLACK_S)
        began = self._clock.seconds()
        events = api.watch(source.kind, version, bound_s, namespace, source.labels, source.fields)
        try:
            async with asyncio.timeout(silence_s) as silence:
                async for event in events:
                    silence.reschedule(asyncio.get_running_loop().time() + silence_s)
                    self.heard_at = self._clock.seconds()
                    if event.type == "DELETED":
                        self._deleted(event.object)
                    elif event.type in ("ADDED", "MODIFIED"):
                        self._put(event.object, told=True)
                    version = version_of(event.object) or version
        except TimeoutError:
            log.info("The watch of %s fell silent: they are listed anew.", source.kind.plural)
            return ""
        self.heard_at = self._clock.seconds()
        if self._clock.seconds() - began < 1:
            await asyncio.sleep(1.0)  # a server that ends watches at once is not to be flooded
        return version

    def _replace(self, found: Iterable[Obj]) -> None:
        there = set()
        self._gone.clear()
        for body in found:
            there.add(key_of(body))
            self._put(body, told=True, listed=True)
        for key in [key for key in self._objects if key not in there]:
            gone = self._objects[key]
            self._remove(key)
            self._heard(self.source, gone)

    def _deleted(self, body: Obj) -> None:
        known = self._objects.get(key_of(body))
        if known is None or (uid_of(known) != uid_of(body) and _is_newer(known, body)):
            return  # its successor of the same name is here already
        if _is_newer(known, body):
            return
        self._remove(key_of(body))
        self._gone[key_of(body)] = {"metadata": {"resourceVersion": version_of(body)}}
        self._heard(self.source, body)

    def _put(self, body: Obj, told: bool = False, listed: bool = False) -> None:
        known = self._objects.get(key_of(body))
        if known is not None and version_of(known) == version_of(body):
            return
        if (gone := self._gone.get(key_of(body))) is not None and not _is_newer(body, gone):
            return  # told of late: it was deleted since
        if known is not None and not listed and not _is_newer(body, known):
            return
        if (
            known is not None
            and listed
            and _is_newer(known, body)
            and uid_of(known) == uid_of(body)
        ):
            return  # learnt after the list was made
        kept = body if self.source.keep is None else self.source.keep(body)
        self._remove(key_of(body))
        if kept is None:
            return
        self._strays.pop(key_of(body), None)
        self._objects[key_of(body)] = kept
        if self.source.index is not None:
            self._indexed[self.source.index(kept)][key_of(body)] = kept
        if told:
            self._heard(self.source, body)

    def _put_if_known(self, body: Obj) -> bool:
        if key_of(body) not in self._objects:
            return False
        self._put(body)
        return True

    def _remove(self, key: Key) -> None:
        known = self._objects.pop(key, None)
        if known is not None and self.source.index is not None:
            value = self.source.index(known)
            self._indexed[value].pop(key, None)
            if not self._indexed[value]:
                del self._indexed[value]


class Named(Mapping[str, Obj]):
    """The objects of a namespace by name, looked up when they are asked for."""

    def __init__(self, mirror: Mirror, namespace: str) -> None:
        self._mirror = mirror
        self._namespace = namespace

    def __getitem__(self, name: str) -> Obj:
        found = self._mirror.get(Key(self._namespace, name))
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (key_of(each).name for each in self._mirror.find(self._namespace))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class World:
    """All mirrors, one for each source."""

    def __init__(self, sources: Iterable[Source], heard: Heard, clock: Clock) -> None:
        self._mirrors = {source: Mirror(source, heard, clock) for source in dict.fromkeys(sources)}
        self._by_kind: dict[Kind, Mirror] = {}
        for source, mirror in self._mirrors.items():
            self._by_kind.setdefault(source.kind, mirror)

    def __iter__(self) -> Iterator[Mirror]:
        return iter(self._mirrors.values())

    def of(self, source: Source) -> Mirror:
        """Return the mirror of a source."""
        return self._mirrors[source]

    def of_kind(self, kind: Kind) -> Mirror | None:
        """Return the mirror that objects of a kind are written to; None: none is kept."""
        return self._by_kind.get(kind)

    @property
    def is_synced(self) -> bool:
        """Whether everything was listed once: before, nothing may be decided."""
        return all(mirror.is_synced for mirror in self)


def _is_newer(one: Obj, other: Obj) -> bool:
    """Compare two versions of objects; those that are no numbers are as they arrived."""
    a, b = version_of(one), version_of(other)
    if a.isdecimal() and b.isdecimal():
        return int(a) > int(b)
    return a != b
