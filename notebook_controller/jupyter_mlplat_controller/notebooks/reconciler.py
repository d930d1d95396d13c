"""Notebooks in the loop: what is watched for them, what a round sees, what is asked beside."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.objects import object_of
from jupyter_mlplat.formats.notebooks import SERVER_KIND as KIND_NOTE
from jupyter_mlplat.formats.notebooks.documents import (
    PodDefault,
    read_pod_default,
    read_server_kind,
)
from jupyter_mlplat.formats.notebooks.servers import path_of
from jupyter_mlplat.resources.servers import ServerKind
from jupyter_mlplat_controller.api import Api, ApiError
from jupyter_mlplat_controller.clock import Clock
from jupyter_mlplat_controller.kinds import (
    CLAIM,
    EVENT,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    NODE,
    NOTEBOOK,
    POD,
    POD_DEFAULT,
    SERVER_KIND,
    SERVICE,
    STATEFUL_SET,
)
from jupyter_mlplat_controller.mirrors import Named, Source, World
from jupyter_mlplat_controller.notebooks.choosing import Offer
from jupyter_mlplat_controller.notebooks.culling import Activity
from jupyter_mlplat_controller.notebooks.explaining import GpuUse, gpus_of
from jupyter_mlplat_controller.notebooks.objects import (
    COMPONENT,
    MANAGED_BY,
    MANAGER,
    OURS,
    Names,
)
from jupyter_mlplat_controller.notebooks.reconciling import (
    ASK_ACTIVITY,
    ASK_GPUS,
    Seen,
    reconcile,
)
from jupyter_mlplat_controller.notebooks.restricting import Rules
from jupyter_mlplat_controller.plans import Key, Obj, Plan, key_of, version_of
from jupyter_mlplat_controller.settings import Settings

_EVENTS = {
    "StatefulSet": {"FailedCreate"},
    "Pod": {"FailedMount", "FailedAttachVolume"},
    "PersistentVolumeClaim": {"ProvisioningFailed", "FailedBinding"},
}
_GPU_S = 20.0
_MOST_NODES = 64


def _keep_event(event: Obj) -> Obj | None:
    involved = event.get("involvedObject") or {}
    if event.get("reason") not in _EVENTS.get(str(involved.get("kind")), ()):
        return None
    kept = {name: event.get(name) for name in ("involvedObject", "reason", "message", "metadata")}
    return {**kept, "time": event.get("lastTimestamp") or event.get("eventTime") or ""}


def _keep_claim(claim: Obj) -> Obj:
    """Keep what is asked of claims: there may be many that are none of ours."""
    metadata, spec = claim["metadata"], claim.get("spec") or {}
    fields = ("name", "namespace", "labels", "ownerReferences", "uid", "resourceVersion")
    return {
        "metadata": {name: metadata[name] for name in fields if metadata.get(name)},
        "name": metadata["name"],
        "phase": (claim.get("status") or {}).get("phase"),
        "storage": spec.get("storageClassName") or spec.get("volumeName") or "",
    }


def _keep_pod(pod: Obj) -> Obj:
    metadata = {name: text for name, text in pod["metadata"].items() if name != "managedFields"}
    return {**pod, "metadata": metadata}


def _namespace(body: Obj) -> Hashable:
    return key_of(body).namespace


def _involved(event: Obj) -> Hashable:
    involved = event.get("involvedObject") or {}
    return (key_of(event).namespace, involved.get("name"))


NOTEBOOKS = Source(NOTEBOOK, index=_namespace)
STATEFUL_SETS = Source(STATEFUL_SET, labels=OURS)
SERVICES = Source(SERVICE, labels=OURS)
POLICIES = Source(NETWORK_POLICY, labels=f"{MANAGED_BY}={MANAGER}", index=_namespace)
"""Of servers and of profiles: what is kept of a kind is kept once."""
INGRESSES = Source(INGRESS, labels=OURS)
HTTP_ROUTES = Source(HTTP_ROUTE, labels=OURS)
CLAIMS = Source(CLAIM, keep=_keep_claim, index=_namespace)
PODS = Source(POD, labels=f"{COMPONENT}=notebook", keep=_keep_pod)
EVENTS = Source(EVENT, fields="type=Warning", keep=_keep_event, index=_involved)
POD_DEFAULTS = Source(POD_DEFAULT, index=_namespace, optional=True)
SERVER_KINDS = Source(SERVER_KIND, optional=True)


class Prober(Protocol):
    """Asks a server what it does."""

    async def ask(self, url: str, now: datetime) -> Activity:
        """Return what it says; that it could not be asked is an answer, too."""
        ...


class NotebookReconciler:
    """Rounds about Notebooks."""

    name = "notebook"
    primary = NOTEBOOKS

    def __init__(self, settings: Settings, prober: Prober, clock: Clock) -> None:
        self._settings = settings
        self._prober = prober
        self._clock = clock
        self._servers: dict[Key, Key] = {}
        self._activity: dict[Key, tuple[Activity, str]] = {}
        self._gpus: dict[str, tuple[GpuUse, float]] = {}
        self._kinds: dict[str, tuple[str, ServerKind | InvalidInput]] = {}
        self._presets: dict[Key, tuple[str, PodDefault | InvalidInput]] = {}
        self._rules = Rules(
            images=settings.images,
            secrets=settings.secrets,
            accounts=settings.accounts,
            fs_group=settings.fs_group,
            user=settings.run_as_user,
        )
        routes = {"ingress": (INGRESSES,), "gateway": (HTTP_ROUTES,)}.get(settings.route, ())
        self._route = next(iter(routes), None)
        self.sources: tuple[Source, ...] = (
            NOTEBOOKS,
            STATEFUL_SETS,
            SERVICES,
            CLAIMS,
            PODS,
            EVENTS,
            POD_DEFAULTS,
            SERVER_KINDS,
            *((POLICIES,) if settings.network_policy else ()),
            *routes,
        )

    def touched(self, source: Source, body: Obj, world: World) -> Iterable[Key]:
        """Say whose rounds an object may change."""
        key = key_of(body)
        match source.kind:
            case k if k == NOTEBOOK:
                self._servers[Key(key.namespace, Names.of(body).server)] = key
                return (key,)
            case k if k == SERVER_KIND:
                return [
                    key_of(each)
                    for each in world.of(NOTEBOOKS).all()
                    if _names_kind(each, key.name)
                ]
            case k if k == POD_DEFAULT:
                return [key_of(each) for each in world.of(NOTEBOOKS).find(key.namespace)]
            case k if k == CLAIM and not _is_home(body):
                return [key_of(each) for each in world.of(NOTEBOOKS).find(key.namespace)]
            case k if k == EVENT:
                if _keep_event(body) is None:
                    return ()
                name = str((body.get("involvedObject") or {}).get("name"))
                return self._of(key.namespace, name)
            case _:
                return self._of(key.namespace, key.name)

    def plan(self, key: Key, world: World, now: datetime, refusal: ApiError | None) -> Plan | None:
        """Plan a round about a Notebook; None: it is gone."""
        notebook = world.of(NOTEBOOKS).get(key)
        if notebook is None:
            self._activity.pop(key, None)
            return None
        names = Names.of(notebook)
        self._servers[Key(key.namespace, names.server)] = key
        server = Key(key.namespace, names.server)
        pod = world.of(PODS).get(Key(key.namespace, names.pod))
        activity, of_pod = self._activity.get(key, (None, ""))
        claims = Named(world.of(CLAIMS), key.namespace)
        seen = Seen(
            notebook=notebook,
            settings=self._settings,
            stateful_set=world.of(STATEFUL_SETS).get(server),
            service=world.of(SERVICES).get(server),
            home=world.of(CLAIMS).get(Key(key.namespace, names.home)),
            policy=world.of(POLICIES).get(server) if self._settings.network_policy else None,
            route=world.of(self._route).get(server) if self._route else None,
            pod=pod,
            claims=claims,
            events=self._events(names, world),
            offer=self._offer(key.namespace, claims, world),
            activity=activity if pod is not None and of_pod == _uid(pod) else None,
            gpus={name: use for name, (use, _) in self._gpus.items()},
            refusal=refusal.message or refusal.reason if refusal is not None else "",
        )
        return reconcile(seen, now)

    async def answer(self, key: Key, plan: Plan, world: World, api: Api) -> bool:
        """Ask what a plan wants to know; tell whether there is news for another round."""
        notebook = world.of(NOTEBOOKS).get(key)
        if notebook is None:
            return False
        names, news = Names.of(notebook), False
        pod = world.of(PODS).get(Key(key.namespace, names.pod))
        if ASK_ACTIVITY in plan.questions and pod is not None:
            url = (
                f"http://{names.server}.{key.namespace}.svc.{self._settings.cluster_domain}"
                f"{path_of(key.namespace, key.name)}"
            )
            said = await self._prober.ask(url, self._clock.now())
            before, of_pod = self._activity.get(key, (None, ""))
            if said.fault and before is not None and of_pod == _uid(pod):
                said = replace(said, faults=before.faults + 1)
            self._activity[key] = (said, _uid(pod))
            news = True
        if ASK_GPUS in plan.questions:
            for resource in gpus_of(pod):
                known = self._gpus.get(resource)
                if known is None or self._clock.seconds() - known[1] >= _GPU_S:
                    self._gpus[resource] = (await _use(api, resource), self._clock.seconds())
                    news = news or known is None or known[0] != self._gpus[resource][0]
        return news

    def _of(self, namespace: str, name: str) -> Iterable[Key]:
        """Find the Notebook by the name of one of its objects."""
        for server in (name, name.removesuffix("-0"), name.removesuffix("-home")):
            found = self._servers.get(Key(namespace, server))
            if found is not None:
                return (found,)
        return ()

    def _events(self, names: Names, world: World) -> tuple[Obj, ...]:
        found = [
            event
            for name in (names.server, names.pod, names.home)
            for event in world.of(EVENTS).find((names.namespace, name))
        ]
        return tuple(sorted(found, key=lambda event: str(event.get("time"))))

    def _offer(self, namespace: str, claims: Collection[str], world: World) -> Offer:
        presets, broken = [], {}
        for body in world.of(POD_DEFAULTS).find(namespace):
            preset = self._preset(body)
            if isinstance(preset, PodDefault):
                presets.append(preset)
            else:
                broken[key_of(body).name] = preset.message
        return Offer(
            kinds={key_of(body).name: self._kind(body) for body in world.of(SERVER_KINDS).all()},
            presets=tuple(presets),
            broken_presets=broken,
            claims=claims,
            rules=self._rules,
            handwritten=self._settings.handwritten,
            annotations=self._settings.annotations,
        )

    def _kind(self, body: Obj) -> ServerKind | InvalidInput:
        name, version = key_of(body).name, version_of(body)
        known = self._kinds.get(name)
        if known is None or known[0] != version:
            known = self._kinds[name] = (version, _read(read_server_kind, body))
        return known[1]

    def _preset(self, body: Obj) -> PodDefault | InvalidInput:
        key, version = key_of(body), version_of(body)
        known = self._presets.get(key)
        if known is None or known[0] != version:
            known = self._presets[key] = (version, _read(read_pod_default, body))
        return known[1]


def _read(read: Any, body: Obj) -> Any:
    try:
        return read(object_of(dict(body)))
    except InvalidInput as error:
        return error


def _names_kind(notebook: Obj, kind: str) -> bool:
    metadata = notebook["metadata"]
    notes: Mapping[str, str] = metadata.get("annotations") or {}
    labels: Mapping[str, str] = metadata.get("labels") or {}
    return kind in (notes.get(KIND_NOTE), labels.get(KIND_NOTE))


def _is_home(claim: Obj) -> bool:
    labels: Mapping[str, str] = claim["metadata"].get("labels") or {}
    return labels.get(COMPONENT) == "notebook"


def _uid(pod: Obj) -> str:
    return str(pod["metadata"].get("uid"))


async def _use(api: Api, resource: str) -> GpuUse:
    """Count a cluster's devices, and those that pods hold; only nodes that have some are asked."""
    nodes, _ = await api.list(NODE)
    used = total = 0
    with_devices = []
    for node in nodes:
        count = _count((node.get("status") or {}).get("allocatable"), resource)
        if count:
            total += count
            with_devices.append(key_of(node).name)
    for name in with_devices[:_MOST_NODES]:
        pods, _ = await api.list(POD, fields=f"spec.nodeName={name}")
        used += sum(_held(pod, resource, name) for pod in pods)
    return GpuUse(used, total)


def _held(pod: Obj, resource: str, node: str) -> int:
    spec = pod.get("spec") or {}
    if spec.get("nodeName") != node or (pod.get("status") or {}).get("phase") in (
        "Succeeded",
        "Failed",
    ):
        return 0
    return sum(
        _count((each.get("resources") or {}).get("limits"), resource)
        for each in spec.get("containers") or []
    )


def _count(amounts: Any, resource: str) -> int:
    said = str((amounts or {}).get(resource, "0"))
    return int(said) if said.isdecimal() else 0
