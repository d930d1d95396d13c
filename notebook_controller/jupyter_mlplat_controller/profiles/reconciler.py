"""Profiles in the loop: what is watched for them, and what a round sees."""

from collections.abc import Hashable, Iterable
from datetime import datetime

from jupyter_mlplat_controller.api import Api, ApiError
from jupyter_mlplat_controller.kinds import (
    LIMIT_RANGE,
    NAMESPACE,
    PROFILE,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
)
from jupyter_mlplat_controller.mirrors import Source, World
from jupyter_mlplat_controller.notebooks.reconciler import POLICIES
from jupyter_mlplat_controller.plans import Key, Kind, Obj, Plan, key_of
from jupyter_mlplat_controller.profiles.access import names_of
from jupyter_mlplat_controller.profiles.deciding import Seen
from jupyter_mlplat_controller.profiles.reconciling import reconcile, refused
from jupyter_mlplat_controller.profiles.settings import (
    COMPONENT,
    MANAGED_BY,
    MANAGER,
    ProfileSettings,
)
from jupyter_mlplat_controller.settings import Settings

_OURS = f"{MANAGED_BY}={MANAGER},{COMPONENT}=profile"


def _namespace(body: Obj) -> Hashable:
    return key_of(body).namespace


def _of(kind: Kind) -> Source:
    return Source(kind, labels=_OURS, index=_namespace)


PROFILES = Source(PROFILE, optional=True)
NAMESPACES = Source(NAMESPACE)
OWNED = (
    POLICIES,
    _of(RESOURCE_QUOTA),
    _of(LIMIT_RANGE),
    _of(SERVICE_ACCOUNT),
    _of(ROLE_BINDING),
)


class ProfileReconciler:
    """Rounds about Profiles."""

    name = "profile"
    sources: tuple[Source, ...] = (PROFILES, NAMESPACES, *OWNED)

    def __init__(self, settings: Settings) -> None:
        self._settings = ProfileSettings(
            system_namespace=settings.own_namespace,
            engine_port=settings.engine_port,
            api_server=settings.api_server,
        )

    def touched(self, source: Source, body: Obj, world: World) -> Iterable[Key]:
        """Say whose rounds an object may change: a profile's name is its namespace's."""
        key = key_of(body)
        return (Key("", key.namespace or key.name),)

    def plan(self, key: Key, world: World, now: datetime, refusal: ApiError | None) -> Plan | None:
        """Plan a round about a Profile; None: it is gone, or there was never one."""
        profile = world.of(PROFILES).get(key)
        if profile is None:
            return None
        if refusal is not None:
            return refused(profile, refusal.message or refusal.reason)
        objects = [dict(one) for source in OWNED for one in _found(world, source, key.name)]
        namespace = world.of(NAMESPACES).get(key)
        seen = Seen(None if namespace is None else dict(namespace), tuple(objects))
        return reconcile(profile, seen, self._settings)

    async def answer(self, key: Key, plan: Plan, world: World, api: Api) -> bool:
        """Nothing is asked beside."""
        return False


def _found(world: World, source: Source, namespace: str) -> Iterable[Obj]:
    """Return what is there: what is ours, and what is in the way of it."""
    mirror = world.of(source)
    found = {key_of(one).name: one for one in mirror.find(namespace)}
    for name in names_of(source.kind.kind):
        one = mirror.get(Key(namespace, name))
        if one is not None:
            found.setdefault(name, one)
    return found.values()
