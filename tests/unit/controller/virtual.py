"""Time that passes in an instant, and an API server in a dictionary with faults on demand."""

import asyncio
import heapq
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_mlplat.formats.kubernetes.conditions import time_of
from jupyter_mlplat_controller.api import ApiError, Event
from jupyter_mlplat_controller.kinds import POD, STATEFUL_SET
from jupyter_mlplat_controller.plans import Key, Kind, Obj, key_of

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class _NoSelector(selectors.SelectSelector):
    def select(self, timeout: float | None = None) -> list[Any]:
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer where a real loop would wait for it."""

    def __init__(self) -> None:
        self.virtual_s = 0.0
        super().__init__(_NoSelector())

    def time(self) -> float:
        return self.virtual_s

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:  # type: ignore[attr-defined]
            self._scheduled[0]._scheduled = False  # type: ignore[attr-defined]
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            heapq.heappop(self._scheduled)  # type: ignore[attr-defined]
        if not self._ready:  # type: ignore[attr-defined]
            if not self._scheduled:  # type: ignore[attr-defined]
                raise RuntimeError("Everything waits, and nothing will come.")
            when = self._scheduled[0]._when  # type: ignore[attr-defined]
            self.virtual_s = max(self.virtual_s, when)
        super()._run_once()  # type: ignore[misc]


class VirtualClock:
    """The loop's time."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_event_loop().time())

    def seconds(self) -> float:
        return asyncio.get_event_loop().time()


def clone(value: Any) -> Any:
    """Copy a JSON value; what `copy.deepcopy` does in three times the time."""
    if isinstance(value, dict):
        return {name: clone(each) for name, each in value.items()}
    return [clone(each) for each in value] if isinstance(value, list | tuple) else value


def run_virtual(main: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end; hours pass in milliseconds."""
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        with suppress(BaseException):
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()


Hook = Callable[[str, Kind, str], None]
"""Called before and after each call with its verb, kind and 'before' or 'after'; may raise."""


class Store:
    """What etcd and the API server's rules would be."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, Key], dict[str, Any]] = {}
        self.history: list[tuple[int, str, str, dict[str, Any]]] = []
        self.version = 0
        self.first_version = 0
        self.changed = asyncio.Event()

    def all(self, kind: Kind) -> list[dict[str, Any]]:
        return [body for (plural, _), body in self.objects.items() if plural == kind.plural]

    def get(self, kind: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        return self.objects.get((kind.plural, Key(namespace, name)))

    def put(self, kind: Kind, body: Obj) -> dict[str, Any]:
        """Write an object; equal content is no change."""
        place = (kind.plural, key_of(body))
        found = self.objects.get(place)
        kept: dict[str, Any] = clone(dict(body))
        metadata = kept["metadata"] = dict(kept["metadata"])
        if found is None:
            metadata["uid"] = f"uid-{self.version + 1}"
            metadata["creationTimestamp"] = time_of(START)
            metadata["generation"] = 1
        else:
            metadata["uid"] = found["metadata"]["uid"]
            metadata["generation"] = found["metadata"].get("generation", 1)
            metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
            if kept == found:
                return found
            if kept.get("spec") != found.get("spec"):
                metadata["generation"] += 1
        return self._write("ADDED" if found is None else "MODIFIED", place, kept)

    def remove(self, kind: Kind, key: Key) -> None:
        body = self.objects.pop((kind.plural, key), None)
        if body is not None:
            self._event("DELETED", kind.plural, clone(body))
            self._collect(body["metadata"]["uid"])

    def compact(self) -> None:
        """Forget the history: watches from before are answered 410."""
        self.first_version = self.version
        self.history.clear()

    def _collect(self, uid: str) -> None:
        for (plural, key), body in list(self.objects.items()):
            owners = body["metadata"].get("ownerReferences") or []
            if any(owner["uid"] == uid for owner in owners):
                self.remove(Kind("", "", "", plural), key)

    def _write(self, what: str, place: tuple[str, Key], body: dict[str, Any]) -> dict[str, Any]:
        self.objects[place] = body
        self._event(what, place[0], body)
        return body

    def _event(self, what: str, plural: str, body: dict[str, Any]) -> None:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, plural, what, clone(body)))
        self.changed.set()
        self.changed = asyncio.Event()


class FakeApi:
    """Conforms to `api.Api` over a store."""

    def __init__(self, store: Store, hook: Hook | None = None, delay_s: float = 0.0) -> None:
        self.store = store
        self.hook = hook
        self.delay_s = delay_s
        self.calls: list[tuple[str, str, str]] = []
        self.is_silent = False
        self.twist: Callable[[list[Event]], list[Event]] = list

    async def list(
        self, kind: Kind, namespace: str = "", labels: str = "", fields: str = ""
    ) -> tuple[list[Obj], str]:
        async with _Call(self, "list", kind):
            found = [
                clone(body)
                for body in self.store.all(kind)
                if _is_selected(body, namespace, labels, fields)
            ]
            return list(found), str(self.store.version)

    async def watch(
        self,
        kind: Kind,
        since: str,
        timeout_s: float,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
    ) -> AsyncIterator[Event]:
        async with _Call(self, "watch", kind):
            pass
        at, loop = int(since or 0), asyncio.get_running_loop()
        until = loop.time() + timeout_s
        while True:
            if at < self.store.first_version:
                raise ApiError(410, "Expired", "too old resource version")
            news = [each for each in self.store.history if each[0] > at]
            at = self.store.version
            events = [
                Event(what, clone(body))
                for _, plural, what, body in news
                if plural == kind.plural and _is_selected(body, namespace, labels, fields)
            ]
            if not self.is_silent:
                for event in self.twist(events):
                    yield event
            if self.is_silent:
                await asyncio.sleep(100_000)
            changed = self.store.changed
            if at < self.store.version:
                continue
            if loop.time() >= until:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await changed.wait()

    async def get(self, kind: Kind, key: Key) -> Obj:
        async with _Call(self, "get", kind):
            return clone(self._found(kind, key))

    async def create(self, kind: Kind, body: Obj) -> Obj:
        async with _Call(self, "create", kind):
            if (kind.plural, key_of(body)) in self.store.objects:
                raise ApiError(409, "AlreadyExists", f"{key_of(body).name} already exists")
            return clone(self.store.put(kind, body))

    async def replace(self, kind: Kind, body: Obj) -> Obj:
        async with _Call(self, "update", kind):
            found = self._found(kind, key_of(body))
            assert body["metadata"].get("resourceVersion"), "a replace without what was seen"
            self._compare(found, body["metadata"])
            return clone(self.store.put(kind, {**body, "status": found.get("status", {})}))

    async def patch(self, kind: Kind, key: Key, body: dict[str, Any], subresource: str) -> Obj:
        async with _Call(self, "patch", kind, subresource):
            found = self._found(kind, key)
            assert body["metadata"].get("resourceVersion"), "a patch without what was seen"
            self._compare(found, body["metadata"])
            changed = _merged(found, body)
            if subresource:
                changed = {**found, "status": changed.get("status", {})}
            return clone(self.store.put(kind, changed))

    async def delete(self, kind: Kind, key: Key, uid: str) -> None:
        async with _Call(self, "delete", kind):
            self._found(kind, key)
            self.store.remove(kind, key)

    def _found(self, kind: Kind, key: Key) -> dict[str, Any]:
        found = self.store.objects.get((kind.plural, key))
        if found is None:
            raise ApiError(404, "NotFound", f"{kind.plural} {key.name} not found")
        return found

    @staticmethod
    def _compare(found: Obj, metadata: Obj) -> None:
        if metadata["resourceVersion"] != found["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", "the object has been modified")


class _Call:
    def __init__(self, api: FakeApi, verb: str, kind: Kind, subresource: str = "") -> None:
        self.api, self.verb, self.kind = api, verb, kind
        self.resource = f"{kind.plural}/{subresource}" if subresource else kind.plural

    async def __aenter__(self) -> None:
        self.api.calls.append((self.verb, self.kind.group, self.resource))
        await asyncio.sleep(self.api.delay_s)
        if self.api.hook is not None:
            self.api.hook(self.verb, self.kind, "before")

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.api.hook is not None and error is None:
            self.api.hook(self.verb, self.kind, "after")


class Kubelet:
    """The cluster's own controllers: a StatefulSet's pod comes, is ready, and goes."""

    def __init__(self, store: Store, takes_s: float = 0.2) -> None:
        self.store = store
        self.takes_s = takes_s
        self.is_ready = True
        self.pods_made = 0

    async def run(self) -> None:
        while True:
            self._collect()
            for stateful_set in self.store.all(STATEFUL_SET):
                self._look(clone(stateful_set))
            changed = self.store.changed
            with suppress(TimeoutError):
                async with asyncio.timeout(60):
                    await changed.wait()
            await asyncio.sleep(self.takes_s)

    def _collect(self) -> None:
        """Delete what was made for owners that were gone by then."""
        uids = {body["metadata"]["uid"] for body in self.store.objects.values()}
        for (plural, key), body in list(self.store.objects.items()):
            owners = body["metadata"].get("ownerReferences") or []
            if owners and not any(owner["uid"] in uids for owner in owners):
                self.store.remove(Kind("", "", "", plural), key)

    def _look(self, stateful_set: dict[str, Any]) -> None:
        namespace, name = key_of(stateful_set)
        key = Key(namespace, f"{name}-0")
        pod = self.store.objects.get((POD.plural, key))
        spec = stateful_set["spec"]
        if pod is not None and (not spec["replicas"] or pod["spec"] != spec["template"]["spec"]):
            self.store.remove(POD, key)
            pod = None
        if pod is None and spec["replicas"]:
            self.pods_made += 1
            pod = self.store.put(POD, self._pod(stateful_set, key))
        ready = 1 if pod is not None and self.is_ready else 0
        status = {"replicas": spec["replicas"], "readyReplicas": ready}
        found = self.store.get(STATEFUL_SET, namespace, name)
        if found is not None and found.get("status") != status:
            self.store.put(STATEFUL_SET, {**found, "status": status})

    def _pod(self, stateful_set: dict[str, Any], key: Key) -> dict[str, Any]:
        template = stateful_set["spec"]["template"]
        at = time_of(VirtualClock().now())
        ready = {
            "type": "Ready",
            "status": "True" if self.is_ready else "False",
            "lastTransitionTime": at,
        }
        container = template["spec"]["containers"][0]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **clone(template["metadata"]),
                "name": key.name,
                "namespace": key.namespace,
                "ownerReferences": [
                    {
                        "kind": "StatefulSet",
                        "name": stateful_set["metadata"]["name"],
                        "uid": stateful_set["metadata"]["uid"],
                        "controller": True,
                    }
                ],
            },
            "spec": clone(template["spec"]),
            "status": {
                "phase": "Running",
                "conditions": [ready],
                "containerStatuses": [
                    {"name": container["name"], "state": {"running": {"startedAt": at}}}
                ],
            },
        }


def _is_selected(body: Obj, namespace: str, labels: str, fields: str) -> bool:
    metadata = body["metadata"]
    if namespace and metadata.get("namespace") != namespace:
        return False
    said = metadata.get("labels") or {}
    for part in filter(None, labels.split(",")):
        name, _, text = part.partition("=")
        if said.get(name) != text:
            return False
    for part in filter(None, fields.split(",")):
        path, _, text = part.partition("=")
        value: Any = body
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if str(value or "") != text:
            return False
    return True


def _merged(found: Any, changes: Any) -> Any:
    if not isinstance(changes, dict):
        return clone(changes)
    merged = dict(found) if isinstance(found, dict) else {}
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged
