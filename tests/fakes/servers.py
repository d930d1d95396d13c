"""A cluster as `ports/cluster.py` has it, and an API server of nothing but dictionaries."""

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jupyter_mlplat.errors import Conflict, NotFound, PlatformError
from jupyter_mlplat.launchers.kubernetes.api import Change, Kind, Listing, Object, Objects
from jupyter_mlplat.resources.clusters import PlacedServer, ServerHistory, ServerOffer
from jupyter_mlplat.resources.servers import Profile, ServerKind, ServerRequest

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_server(name: str = "lab", **changes: Any) -> PlacedServer:
    fields = {
        "name": name,
        "place": "team",
        "profile": "anna",
        "kind": "gpu",
        "state": "RUNNING",
        "reason": "Ready",
        "message": "It is running.",
        "url": f"/notebook/anna/{name}/",
        "address": f"https://hub.example.org/notebook/anna/{name}/",
        "image": "torch:2",
        "created_at": NOON,
    }
    return PlacedServer.model_validate({**fields, **changes})


def a_kind(name: str = "gpu", **changes: Any) -> ServerKind:
    return ServerKind.model_validate(
        {"name": name, "images": [{"name": "torch", "image": "torch:2"}], **changes}
    )


class FakeCluster:
    """Servers in a dictionary; `problem` is what every call raises."""

    def __init__(self, name: str = "team", *servers: PlacedServer) -> None:
        self.name = name
        self.servers = {server.name: server for server in servers}
        self.problem: PlatformError | None = None
        self.signs: asyncio.Queue[None] = asyncio.Queue()
        self.deleted: list[tuple[str, bool]] = []

    def put(self, server: PlacedServer) -> None:
        self.servers[server.name] = server
        self.signs.put_nowait(None)

    async def profile(self) -> str:
        self._ask()
        return "anna"

    async def list_servers(self) -> Sequence[PlacedServer]:
        self._ask()
        return list(self.servers.values())

    async def get_server(self, name: str) -> PlacedServer:
        self._ask()
        if name not in self.servers:
            raise NotFound(f"There is no server {name!r}.")
        return self.servers[name]

    async def create_server(self, request: ServerRequest, creator: str) -> PlacedServer:
        made = a_server(
            request.name, place=self.name, creator=creator, state="PENDING", reason="Starting"
        )
        self.put(made)
        return made

    async def start_server(self, name: str) -> PlacedServer:
        return await self._become(name, state="PENDING", reason="Starting")

    async def stop_server(self, name: str) -> PlacedServer:
        return await self._become(name, state="STOPPING", reason="Stopping")

    async def delete_server(self, name: str, *, with_home: bool) -> None:
        await self.get_server(name)
        self.deleted.append((name, with_home))
        del self.servers[name]
        self.signs.put_nowait(None)

    async def read_history(self, name: str) -> ServerHistory:
        await self.get_server(name)
        return ServerHistory(events=())

    async def read_log(self, name: str, lines: int) -> bytes:
        await self.get_server(name)
        return b"".join(b"line %d\n" % number for number in range(lines))

    async def read_offer(self) -> ServerOffer:
        self._ask()
        return ServerOffer(place=self.name, kinds=(a_kind(),))

    async def list_profiles(self) -> Sequence[Profile]:
        return [Profile(name="anna", owner="anna")]

    async def watch(self) -> AsyncIterator[None]:
        yield
        while True:
            await self.signs.get()
            yield

    def _ask(self) -> None:
        if self.problem is not None:
            raise self.problem

    async def _become(self, name: str, **changes: str) -> PlacedServer:
        changed = (await self.get_server(name)).model_copy(update=changes)
        self.put(PlacedServer.model_validate(changed.to_wire()))
        return self.servers[name]


class FakeApi:
    """Objects by kind and name, in one namespace; merge patches, labels by equality."""

    namespace = "anna"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.logs: dict[str, bytes] = {}
        self.problems: dict[str, PlatformError] = {}
        self.changes: asyncio.Queue[Change] = asyncio.Queue()

    def add(self, kind: Kind, name: str, **fields: Any) -> dict[str, Any]:
        metadata = {
            "name": name,
            "creationTimestamp": "2026-11-20T12:00:00Z",
            **fields.pop("metadata", {}),
        }
        if kind.is_namespaced:
            metadata["namespace"] = self.namespace
        made = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **fields}
        self.objects[kind.plural, name] = made
        return made

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        self._ask(kind)
        if (kind.plural, name) not in self.objects:
            raise NotFound(f"{kind.plural} {name!r} not found")
        return copy.deepcopy(self.objects[kind.plural, name])

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Objects:
        self._ask(kind)
        name, _, value = labels.partition("=")
        return [
            copy.deepcopy(found)
            for (plural, _), found in self.objects.items()
            if plural == kind.plural
            and (not name or name in (of := found["metadata"].get("labels", {})))
            and (not value or of.get(name) == value)
        ]

    async def create(self, kind: Kind, namespace: str | None, body: Object) -> Object:
        self._ask(kind)
        metadata: Mapping[str, Any] = body["metadata"]
        if (kind.plural, metadata["name"]) in self.objects:
            raise Conflict("already exists")
        rest = {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}
        return self.add(kind, metadata["name"], **copy.deepcopy(rest))

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Object, *, part: str = ""
    ) -> Object:
        await self.get(kind, namespace, name)
        return _merge(self.objects[kind.plural, name], body)

    async def delete(self, kind: Kind, namespace: str | None, name: str, **options: Any) -> bool:
        self._ask(kind)
        return self.objects.pop((kind.plural, name), None) is not None

    async def watch(
        self, kind: Kind, namespace: str | None, *, labels: str = ""
    ) -> AsyncIterator[Listing | Change]:
        yield Listing(())
        while True:
            yield await self.changes.get()

    async def follow_log(
        self, namespace: str, pod: str, container: str | None = None, *, follow: bool = True
    ) -> AsyncIterator[bytes]:
        yield self.logs[pod]

    async def close(self) -> None:
        pass

    def _ask(self, kind: Kind) -> None:
        if (problem := self.problems.get(kind.plural)) is not None:
            raise problem


def _merge(target: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in patch.items():
        if isinstance(value, Mapping):
            _merge(target.setdefault(key, {}), value)
        elif value is None:
            target.pop(key, None)
        else:
            target[key] = value
    return target
