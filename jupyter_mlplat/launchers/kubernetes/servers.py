"""Notebook servers of a cluster: Notebook objects written, and read with what belongs to them.

A controller makes servers of the objects; here nothing runs. Conforms to `ports/cluster.py`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from jupyter_mlplat.errors import Conflict, Forbidden, InvalidInput, NotFound, PlatformError
from jupyter_mlplat.formats.kubernetes.conditions import time_of
from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.formats.notebooks import (
    GROUP,
    OUR_GROUP,
    SERVER_KIND,
    STOP_REASON,
    STOPPED,
    WARNED_AT,
)
from jupyter_mlplat.formats.notebooks.documents import moment_of, read_server_kind
from jupyter_mlplat.formats.notebooks.servers import notebook_of, server_of
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.kit.names import label_value
from jupyter_mlplat.launchers.kubernetes.api import (
    CLAIMS,
    EVENTS,
    PODS,
    ClusterApi,
    Kind,
    Object,
    Objects,
    Trouble,
)
from jupyter_mlplat.resources.clusters import (
    PlacedServer,
    PresetOffer,
    ServerEvent,
    ServerHistory,
    ServerMount,
    ServerOffer,
)
from jupyter_mlplat.resources.servers import Profile, ServerKind, ServerRequest

NOTEBOOKS = Kind(f"{GROUP}/v1", "Notebook", "notebooks")
PRESETS = Kind(f"{GROUP}/v1alpha1", "PodDefault", "poddefaults")
PROFILES = Kind(f"{GROUP}/v1", "Profile", "profiles", is_namespaced=False)
SERVER_KINDS = Kind(f"{OUR_GROUP}/v1alpha1", "ServerKind", "serverkinds", is_namespaced=False)

NOTEBOOK_LABEL = f"{OUR_GROUP}/notebook"
_MOST_EVENTS = 50
_MOST_LOG_BYTES = 1_000_000


class KubernetesServers:
    """The notebook servers of one namespace.

    Args:
        name: The place.
        connect: Gives the link to the cluster, whoever else has it, too.
        address: Below which a browser reaches servers, such as `https://notebooks.example.org`.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Awaitable[ClusterApi]],
        address: str | None = None,
    ) -> None:
        self._name = name
        self._connect = connect
        self._address = address

    @property
    def name(self) -> str:
        return self._name

    async def profile(self) -> str:
        return (await self._connect()).namespace

    async def list_servers(self) -> Sequence[PlacedServer]:
        api = await self._connect()
        notebooks, kinds, pods = await asyncio.gather(
            self._all(NOTEBOOKS), self._kinds(), self._maybe(PODS, labels=NOTEBOOK_LABEL)
        )
        by_server = {_label(pod): pod for pod in pods}
        return [
            self._read(notebook, kinds, by_server.get(label_value(_name(notebook))))
            for notebook in notebooks
            if _namespace(notebook) == api.namespace
        ]

    async def get_server(self, name: str) -> PlacedServer:
        notebook, kinds, pod = await asyncio.gather(
            self._notebook(name), self._kinds(), self._pod(name)
        )
        return self._read(notebook, kinds, pod)

    async def create_server(self, request: ServerRequest, creator: str) -> PlacedServer:
        api = await self._connect()
        body = notebook_of(request, api.namespace, creator)
        try:
            made = await api.create(NOTEBOOKS, api.namespace, body)
        except Conflict as error:
            raise Conflict(
                f"Cannot create server {request.name!r}: {api.namespace!r} has one of that name. "
                "Choose another name, or start the one that is there."
            ) from error
        except NotFound as error:
            raise self._without_controller(error) from error
        return self._read(made, await self._kinds(), None)

    async def start_server(self, name: str) -> PlacedServer:
        if STOPPED not in _notes(await self._notebook(name)):
            return await self.get_server(name)
        return await self._note(name, {STOPPED: None, STOP_REASON: None, WARNED_AT: None})

    async def stop_server(self, name: str) -> PlacedServer:
        if STOPPED in _notes(await self._notebook(name)):
            return await self.get_server(name)
        return await self._note(name, {STOPPED: time_of(utc_now())})

    async def delete_server(self, name: str, *, with_home: bool) -> None:
        api = await self._connect()
        homes = await self._claims(name) if with_home else []
        if not await api.delete(NOTEBOOKS, api.namespace, name):
            raise self._missing(name)
        for claim in homes:
            await api.delete(CLAIMS, api.namespace, _name(claim))

    async def read_history(self, name: str) -> ServerHistory:
        notebook, pod = await asyncio.gather(self._notebook(name), self._pod(name))
        about = [name, *([_name(pod)] if pod else [f"{name}-0"])]
        asked = [self._maybe(EVENTS, fields=f"involvedObject.name={each}") for each in about]
        *told, claims = await asyncio.gather(*asked, self._maybe(CLAIMS))
        events = [
            event
            for subject, found in zip(about, told, strict=True)
            for event in found
            if _subject(event) == subject
        ]
        mounts = _mounts(pod or _template(notebook), claims)
        if pod is None:
            homes = [claim for claim in claims if _label(claim) == label_value(name)]
            mounts = [_home_of(claim) for claim in homes] + mounts
        return ServerHistory(events=tuple(_events(events)), mounts=tuple(mounts))

    async def read_log(self, name: str, lines: int) -> bytes:
        await self._notebook(name)
        pod = await self._pod(name)
        if pod is None:
            raise Conflict(
                f"Server {name!r} writes nothing: it does not run. Start it, or see its events."
            )
        api = await self._connect()
        container = _map(next(iter(_list(_map(pod.get("spec")).get("containers"))), None))
        pieces: deque[bytes] = deque()
        size = 0
        log = api.follow_log(api.namespace, _name(pod), container.get("name"), follow=False)
        try:
            async for piece in log:
                pieces.append(piece)
                size += len(piece)
                while size - len(pieces[0]) > _MOST_LOG_BYTES:
                    size -= len(pieces.popleft())
        except InvalidInput:
            return b""  # its container has not been started yet
        return b"".join(b"".join(pieces).splitlines(keepends=True)[-lines:])

    async def read_offer(self) -> ServerOffer:
        api = await self._connect()
        kinds, presets, claims = await asyncio.gather(
            self._kinds(), self._maybe(PRESETS), self._maybe(CLAIMS)
        )
        offered = [kind for kind in kinds.values() if _is_offered(kind, api.namespace)]
        return ServerOffer(
            place=self._name,
            kinds=tuple(sorted(offered, key=lambda kind: (kind.rank, kind.name))),
            presets=tuple(
                PresetOffer(
                    name=_name(preset), title=str(_map(preset.get("spec")).get("desc") or "")
                )
                for preset in presets
            ),
            claims=tuple(sorted(map(_name, claims))),
        )

    async def list_profiles(self) -> Sequence[Profile]:
        api = await self._connect()
        found = [_profile_of(each) for each in await self._maybe(PROFILES)]
        if any(profile.name == api.namespace for profile in found):
            return found
        return [Profile(name=api.namespace, owner=""), *found]

    async def watch(self) -> AsyncIterator[None]:
        api = await self._connect()
        changed = asyncio.Event()
        changed.set()

        async def hear(kind: Kind, labels: str) -> None:
            async with contextlib.aclosing(  # type: ignore[type-var]
                api.watch(kind, api.namespace, labels=labels)
            ) as updates:
                async for update in updates:
                    if not isinstance(update, Trouble) or kind is NOTEBOOKS:
                        changed.set()

        hearing = [
            asyncio.create_task(hear(NOTEBOOKS, "")),
            asyncio.create_task(hear(PODS, NOTEBOOK_LABEL)),
        ]
        try:
            while True:
                await changed.wait()
                changed.clear()
                yield
        finally:
            for task in hearing:
                task.cancel()
            await asyncio.gather(*hearing, return_exceptions=True)

    # - inside -

    async def _all(self, kind: Kind, *, labels: str = "", fields: str = "") -> Objects:
        api = await self._connect()
        namespace = api.namespace if kind.is_namespaced else None
        try:
            return await api.list(kind, namespace, labels=labels, fields=fields)
        except NotFound as error:
            raise self._without_controller(error) from error

    async def _maybe(self, kind: Kind, *, labels: str = "", fields: str = "") -> Objects:
        """List what helps to say more, and is done without where one may not see it."""
        try:
            return await self._all(kind, labels=labels, fields=fields)
        except (Forbidden, NotFound):
            return []

    async def _kinds(self) -> Mapping[str, ServerKind]:
        found = {}
        for each in await self._maybe(SERVER_KINDS):
            with contextlib.suppress(PlatformError):  # one that is wrong is no one else's trouble
                kind = read_server_kind(object_of(dict(each)))
                found[kind.name] = kind
        return found

    async def _notebook(self, name: str) -> Object:
        api = await self._connect()
        try:
            return await api.get(NOTEBOOKS, api.namespace, name)
        except NotFound as error:
            raise self._missing(name) from error

    async def _pod(self, name: str) -> Object | None:
        labels = f"{NOTEBOOK_LABEL}={label_value(name)}"
        return next(iter(await self._maybe(PODS, labels=labels)), None)

    async def _claims(self, name: str) -> Objects:
        return await self._all(CLAIMS, labels=f"{NOTEBOOK_LABEL}={label_value(name)}")

    async def _note(self, name: str, notes: Mapping[str, str | None]) -> PlacedServer:
        api = await self._connect()
        patch = {"metadata": {"annotations": dict(notes)}}
        try:
            changed = await api.patch(NOTEBOOKS, api.namespace, name, patch)
        except NotFound as error:
            raise self._missing(name) from error
        kinds, pod = await asyncio.gather(self._kinds(), self._pod(name))
        return self._read(changed, kinds, pod)

    def _read(
        self, notebook: Object, kinds: Mapping[str, ServerKind], pod: Object | None
    ) -> PlacedServer:
        document = object_of(dict(notebook))
        named = document.annotations.get(SERVER_KIND) or document.labels.get(SERVER_KIND) or ""
        server = server_of(document, kinds.get(named), pod)
        if _map(notebook.get("metadata")).get("deletionTimestamp"):
            told = {"state": "STOPPING", "reason": "Deleting", "message": "It is being deleted."}
            server = server.model_validate({**server.to_wire(), **told})
        address = self._address and self._address.rstrip("/") + server.url
        return PlacedServer(**server.model_dump(), place=self._name, address=address)

    def _missing(self, name: str) -> NotFound:
        return NotFound(f"There is no server {name!r} on cluster {self._name!r}.")

    def _without_controller(self, error: PlatformError) -> NotFound:
        return NotFound(
            f"Cluster {self._name!r} knows no notebook servers: its administrator has to install "
            "the controller first, with: jupyter mlplat cluster install.",
            **error.details,
        )


def _is_offered(kind: ServerKind, namespace: str) -> bool:
    return not kind.profiles or any(fnmatchcase(namespace, each) for each in kind.profiles)


def _events(events: Objects) -> list[ServerEvent]:
    told = [
        ServerEvent(
            at=moment_of(
                event.get("lastTimestamp")
                or _map(event.get("series")).get("lastObservedTime")
                or event.get("eventTime")
                or _map(event.get("metadata")).get("creationTimestamp")
            ),
            is_warning=event.get("type") == "Warning",
            reason=str(event.get("reason") or ""),
            message=str(event.get("message") or event.get("note") or ""),
            count=int(event.get("count") or _map(event.get("series")).get("count") or 1),
        )
        for event in events
    ]
    told.sort(key=lambda event: event.at.timestamp() if event.at else 0.0, reverse=True)
    return told[:_MOST_EVENTS]


def _mounts(pod: Object, claims: Objects) -> list[ServerMount]:
    """Read which volume claims a pod mounts, and how these are."""
    spec = _map(pod.get("spec"))
    named = {
        str(volume.get("name")): _map(volume.get("persistentVolumeClaim"))
        for volume in map(_map, _list(spec.get("volumes")))
        if volume.get("persistentVolumeClaim")
    }
    by_name = {_name(claim): claim for claim in claims}
    container = _map(next(iter(_list(spec.get("containers"))), None))
    found = []
    for mount in map(_map, _list(container.get("volumeMounts"))):
        if (volume := named.get(str(mount.get("name")))) is not None:
            name = str(volume.get("claimName", ""))
            found.append(
                ServerMount(
                    claim=name,
                    path=str(mount.get("mountPath", "")),
                    is_writable=not (mount.get("readOnly") or volume.get("readOnly")),
                    **_facts(by_name.get(name)),
                )
            )
    return found


def _home_of(claim: Object) -> ServerMount:
    return ServerMount(claim=_name(claim), path="", **{**_facts(claim), "is_home": True})


def _facts(claim: Object | None) -> dict[str, Any]:
    if claim is None:
        return {}
    status, spec = _map(claim.get("status")), _map(claim.get("spec"))
    asked = _map(_map(spec.get("resources")).get("requests"))
    return {
        "size": str(_map(status.get("capacity")).get("storage") or asked.get("storage") or ""),
        "phase": str(status.get("phase") or "Pending"),
        "is_home": bool(_label(claim)),
    }


def _profile_of(profile: Object) -> Profile:
    owner = _map(_map(profile.get("spec")).get("owner"))
    return Profile(name=_name(profile), owner=str(owner.get("name", "")))


def _template(notebook: Object) -> Object:
    return _map(_map(notebook.get("spec")).get("template"))


def _subject(event: Object) -> str:
    return str(_map(event.get("involvedObject")).get("name", ""))


def _notes(found: Object) -> Mapping[str, Any]:
    return _map(_map(found.get("metadata")).get("annotations"))


def _label(found: Object) -> str:
    labels = _map(_map(found.get("metadata")).get("labels"))
    return str(labels.get(NOTEBOOK_LABEL, ""))


def _name(found: Object) -> str:
    return str(_map(found.get("metadata")).get("name", ""))


def _namespace(found: Object) -> str:
    return str(_map(found.get("metadata")).get("namespace", ""))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
