"""Workspaces and their kinds in the loop: what is watched for them, and what a round sees."""

from collections.abc import Hashable, Iterable
from datetime import datetime

from jupyter_mlplat_controller.api import Api, ApiError
from jupyter_mlplat_controller.kinds import NOTEBOOK, WORKSPACE, WORKSPACE_KIND
from jupyter_mlplat_controller.mirrors import Source, World
from jupyter_mlplat_controller.notebooks.reconciler import NOTEBOOKS, PODS
from jupyter_mlplat_controller.plans import Key, Obj, Plan, controllers_of, key_of
from jupyter_mlplat_controller.profiles.reconciler import NAMESPACES
from jupyter_mlplat_controller.workspaces.reconciling import (
    Seen,
    reconcile,
    reconcile_kind,
    refused,
)
from jupyter_mlplat_controller.workspaces.translating import notebook_name


def _kind_of(workspace: Obj) -> Hashable:
    spec = workspace.get("spec")
    return str(spec.get("kind")) if isinstance(spec, dict) else ""


WORKSPACES = Source(WORKSPACE, index=_kind_of, optional=True)
WORKSPACE_KINDS = Source(WORKSPACE_KIND, optional=True)


class WorkspaceReconciler:
    """Rounds about Workspaces."""

    name = "workspace"
    sources: tuple[Source, ...] = (WORKSPACES, WORKSPACE_KINDS, NOTEBOOKS, PODS, NAMESPACES)

    def touched(self, source: Source, body: Obj, world: World) -> Iterable[Key]:
        """Say whose rounds an object may change."""
        key = key_of(body)
        if source is WORKSPACES:
            return (key,)
        if source is WORKSPACE_KINDS:
            return [key_of(one) for one in world.of(WORKSPACES).find(key.name)]
        if source is NAMESPACES:
            found = map(key_of, world.of(WORKSPACES).all())
            return [each for each in found if each.namespace == key.name]
        if source.kind == NOTEBOOK:
            return [
                Key(key.namespace, str(owner.get("name")))
                for owner in controllers_of(body)
                if owner.get("kind") == WORKSPACE.kind
            ]
        return ()  # what a pod does, its Notebook tells

    def plan(self, key: Key, world: World, now: datetime, refusal: ApiError | None) -> Plan | None:
        """Plan a round about a Workspace; None: it is gone."""
        workspace = world.of(WORKSPACES).get(key)
        if workspace is None:
            return None
        if refusal is not None:
            return refused(workspace, refusal.message or refusal.reason)
        child = notebook_name(key.name)
        namespace = world.of(NAMESPACES).get(Key("", key.namespace)) or {"metadata": {}}
        seen = Seen(
            workspace=workspace,
            kind=world.of(WORKSPACE_KINDS).get(Key("", str(_kind_of(workspace)))),
            notebook=world.of(NOTEBOOKS).get(Key(key.namespace, child)),
            pod=world.of(PODS).get(Key(key.namespace, f"{child}-0")),
            namespace_labels=namespace["metadata"].get("labels") or {},
        )
        return reconcile(seen, now)

    async def answer(self, key: Key, plan: Plan, world: World, api: Api) -> bool:
        """Nothing is asked beside."""
        return False


class WorkspaceKindReconciler:
    """Rounds about WorkspaceKinds."""

    name = "workspacekind"
    sources: tuple[Source, ...] = (WORKSPACE_KINDS, WORKSPACES)

    def touched(self, source: Source, body: Obj, world: World) -> Iterable[Key]:
        """Say whose rounds an object may change."""
        if source is WORKSPACE_KINDS:
            return (key_of(body),)
        return (Key("", str(_kind_of(body))),)

    def plan(self, key: Key, world: World, now: datetime, refusal: ApiError | None) -> Plan | None:
        """Plan a round about a kind; None: it is gone."""
        kind = world.of(WORKSPACE_KINDS).get(key)
        if kind is None or refusal is not None:
            return None
        return reconcile_kind(kind, list(world.of(WORKSPACES).find(key.name)))

    async def answer(self, key: Key, plan: Plan, world: World, api: Api) -> bool:
        """Nothing is asked beside."""
        return False
