"""A cluster without a server: what `launchers.kubernetes.api.ClusterApi` promises, and no more."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from typing import Any

from jupyter_mlplat.errors import Conflict, NotFound, PlatformError
from jupyter_mlplat.launchers.kubernetes.api import (
    JOBS,
    PODS,
    Change,
    Kind,
    Listing,
    Object,
    Trouble,
    Update,
)

JOB_LABEL = "batch.kubernetes.io/job-name"


class FakeCluster:
    """Keeps objects; pods come and change only as a test says."""

    namespace = "anna"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.fault: Callable[[str, Kind], PlatformError | None] = lambda *_: None
        self._watchers: list[tuple[Kind, asyncio.Queue[Update]]] = []
        self._number = 0
        self.log = b""

    # - the port -

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        self._call("get", kind, name)
        if (kind.plural, name) not in self.objects:
            raise NotFound(f'{kind.plural} "{name}" not found')
        return copy.deepcopy(self.objects[kind.plural, name])

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> "list[Object]":
        self._call("list", kind, "")
        return self._all(kind, labels, fields)

    async def create(self, kind: Kind, namespace: str | None, body: Object) -> Object:
        self._call("create", kind, body["metadata"]["name"])
        if (kind.plural, body["metadata"]["name"]) in self.objects:
            raise Conflict("already exists", reason="AlreadyExists")
        return self.put(kind, body)

    async def apply(self, kind: Kind, namespace: str | None, body: Object) -> Object:
        self._call("apply", kind, body["metadata"]["name"])
        return self.put(kind, body)

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Object, *, part: str = ""
    ) -> Object:
        raise NotImplementedError

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        *,
        propagation: str = "Background",
        grace_s: float | None = None,
        uid: str | None = None,
    ) -> bool:
        self._call("delete", kind, name)
        found = self.objects.pop((kind.plural, name), None)
        if found is not None:
            self._tell(kind, Change("DELETED", found))
        return found is not None

    async def watch(
        self, kind: Kind, namespace: str | None, *, labels: str = ""
    ) -> AsyncIterator[Update]:
        queue: asyncio.Queue[Update] = asyncio.Queue()
        self._watchers.append((kind, queue))
        yield Listing(tuple(self._all(kind, labels)))
        while True:
            yield await queue.get()

    async def follow_log(
        self, namespace: str, pod: str, container: str | None = None, *, follow: bool = True
    ) -> AsyncIterator[bytes]:
        yield self.log

    async def version(self) -> str:
        return "v1.36.2"

    async def close(self) -> None:
        self._watchers.clear()

    # - what tests do -

    def put(self, kind: Kind, body: Object) -> dict[str, Any]:
        """Write an object as the server would, and tell those who watch."""
        self._number += 1
        made = copy.deepcopy(dict(body))
        metadata = made.setdefault("metadata", {})
        metadata.setdefault("uid", f"uid-{self._number}")
        metadata.setdefault("creationTimestamp", f"2026-01-01T00:00:{self._number % 60:02}Z")
        metadata["resourceVersion"] = str(self._number)
        is_new = (kind.plural, metadata["name"]) not in self.objects
        self.objects[kind.plural, metadata["name"]] = made
        self._tell(kind, Change("ADDED" if is_new else "MODIFIED", made))
        return made

    def names(self, kind: Kind) -> "list[str]":
        return [name for plural, name in self.objects if plural == kind.plural]

    async def job(self) -> dict[str, Any]:
        """Wait for the one Job there is."""
        while not self.names(JOBS):
            await asyncio.sleep(0)
        (name,) = self.names(JOBS)
        return self.objects[JOBS.plural, name]

    def pod(self, job: Object, index: int = 0, **status: Any) -> dict[str, Any]:
        """Make a pod of a Job, or put another status into it."""
        name = f"{job['metadata']['name']}-{index}"
        template = job["spec"]["template"]
        labels = {**template["metadata"]["labels"], JOB_LABEL: job["metadata"]["name"]}
        metadata = {**template["metadata"], "name": name, "labels": labels}
        return self.put(PODS, {"metadata": metadata, "spec": template["spec"], "status": status})

    def tell_trouble(self, error: PlatformError) -> None:
        for _, queue in self._watchers:
            queue.put_nowait(Trouble(error))

    def _call(self, verb: str, kind: Kind, name: str) -> None:
        self.calls.append((verb, kind.plural, name))
        if (error := self.fault(verb, kind)) is not None:
            raise error

    def _all(self, kind: Kind, labels: str = "", fields: str = "") -> "list[Object]":
        wanted = dict(one.split("=", 1) for one in labels.split(",") if "=" in one)
        named = dict(one.split("=", 1) for one in fields.split(",") if "=" in one)
        return [
            copy.deepcopy(one)
            for (plural, _), one in self.objects.items()
            if plural == kind.plural
            and wanted.items() <= (one["metadata"].get("labels") or {}).items()
            and (
                "involvedObject.name" not in named
                or one.get("involvedObject", {}).get("name") == named["involvedObject.name"]
            )
        ]

    def _tell(self, kind: Kind, change: Change) -> None:
        for watched, queue in self._watchers:
            if watched == kind:
                queue.put_nowait(copy.deepcopy(change))


def running() -> dict[str, Any]:
    return {
        "phase": "Running",
        "containerStatuses": [{"name": "step", "state": {"running": {}}}],
    }


def ended(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "reason": reason, **more}}
    phase = "Succeeded" if code == 0 else "Failed"
    return {"phase": phase, "containerStatuses": [{"name": "step", "state": state}]}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [{"name": "step", "state": state}],
    }


def unscheduled(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return {"phase": "Pending", "conditions": [{**condition, "message": message}]}
