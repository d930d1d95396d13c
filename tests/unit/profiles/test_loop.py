"""Profiles and Workspaces in the controller's loop: under faults, with just its rights."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any

import pytest

from jupyter_mlplat_controller.api import ApiError
from jupyter_mlplat_controller.controller import Controller
from jupyter_mlplat_controller.kinds import (
    LIMIT_RANGE,
    NAMESPACE,
    NETWORK_POLICY,
    NOTEBOOK,
    PROFILE,
    RESOURCE_QUOTA,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    WORKSPACE,
    WORKSPACE_KIND,
)
from jupyter_mlplat_controller.notebooks.culling import Activity
from jupyter_mlplat_controller.notebooks.reconciler import NotebookReconciler
from jupyter_mlplat_controller.permissions import CALLS, PROFILE_CALLS, WORKSPACE_CALLS
from jupyter_mlplat_controller.plans import Key, Kind
from jupyter_mlplat_controller.profiles.reconciler import ProfileReconciler
from jupyter_mlplat_controller.settings import Settings
from jupyter_mlplat_controller.workspaces.reconciler import (
    WorkspaceKindReconciler,
    WorkspaceReconciler,
)
from tests.unit.controller.virtual import FakeApi, Hook, Kubelet, Store, VirtualClock, run_virtual
from tests.unit.profiles.test_workspaces import workspace, workspace_kind

SETTINGS = Settings(lease="", requests_per_s=1e9, workers=4, profiles=True, workspaces=True)
PROFILE_MADE: set[tuple[str, str, str]] = set()
WORKSPACE_MADE: set[tuple[str, str, str]] = set()


class Killed(BaseException):
    """kill -9."""


class Idle:
    """A server that has been idle since it was started."""

    async def ask(self, url: str, now: datetime) -> Activity:
        return Activity(now)


class Cluster:
    def __init__(self, hook: Hook | None, of_workspaces: bool) -> None:
        self.store, self.hook, self.of_workspaces = Store(), hook, of_workspaces
        self.apis: list[FakeApi] = []

    async def run(self) -> None:
        while True:
            api, clock = FakeApi(self.store, self.hook), VirtualClock()
            self.apis.append(api)
            mine: list[Any] = [ProfileReconciler(SETTINGS)]
            if self.of_workspaces:
                notebooks = NotebookReconciler(SETTINGS, Idle(), clock)
                mine = [notebooks, WorkspaceReconciler(), WorkspaceKindReconciler()]
            with suppress(BaseExceptionGroup):
                await Controller(api, mine, SETTINGS, clock, random=Random(1)).run()
            await asyncio.sleep(0.5)

    def put(self, kind: Kind, body: Any) -> None:
        self.store.put(kind, body)

    def status(self, kind: Kind, name: str, namespace: str = "") -> dict[str, Any]:
        return dict((self.store.get(kind, namespace, name) or {}).get("status") or {})

    async def until(self, what: Callable[[], Any], within_s: float = 120) -> None:
        for _ in range(int(within_s * 4)):
            if what():
                return
            await asyncio.sleep(0.25)
        raise AssertionError({key: body.get("status") for key, body in self.store.objects.items()})


def in_cluster(
    story: Callable[[Cluster], Awaitable[None]],
    hook: Hook | None = None,
    of_workspaces: bool = False,
) -> Cluster:
    cluster = Cluster(hook, of_workspaces)

    async def main() -> None:
        kubelet = asyncio.ensure_future(Kubelet(cluster.store).run())
        ours = asyncio.ensure_future(cluster.run())
        await asyncio.sleep(0)
        try:
            await story(cluster)
        finally:
            for task in (kubelet, ours):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    run_virtual(main())
    for api in cluster.apis:
        (WORKSPACE_MADE if of_workspaces else PROFILE_MADE).update(api.calls)
    return cluster


def profile(name: str = "ann", **fields: Any) -> dict[str, Any]:
    annotations = fields.pop("annotations", {})
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Profile",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"owner": {"kind": "User", "name": f"{name}@example.org"}, **fields},
    }


def conditions(cluster: Cluster, name: str = "ann") -> set[str]:
    return {one["type"] for one in cluster.status(PROFILE, name).get("conditions", ())}


async def life(cluster: Cluster) -> None:
    """A profile's life: made, with a guest and a quota, without, deleted."""
    guest = {"mlplat.jupyter.org/contributors": '[{"name": "bob"}]'}
    quota = {"hard": {"cpu": "2"}}
    cluster.put(PROFILE, profile(annotations=guest, resourceQuotaSpec=quota))
    await cluster.until(
        lambda: conditions(cluster) == {"Successful"} and len(cluster.store.all(ROLE_BINDING)) == 5
    )
    for kind, name, field, value in (
        (RESOURCE_QUOTA, "kf-resource-quota", "spec", {"hard": {"cpu": "99"}}),
        (LIMIT_RANGE, "mlplat-limit-range", "spec", {"limits": []}),
        (SERVICE_ACCOUNT, "default-editor", "automountServiceAccountToken", True),
        (ROLE_BINDING, "namespaceAdmin", "subjects", [{"kind": "User", "name": "eve"}]),
    ):
        found = cluster.store.get(kind, "ann", name) or {}
        cluster.put(kind, {**found, field: value})
        await cluster.until(
            lambda kind=kind, name=name, field=field, value=value: (
                (cluster.store.get(kind, "ann", name) or {}).get(field) != value
            )
        )
    found = cluster.store.get(NAMESPACE, "", "ann") or {}
    labels = {name: text for name, text in found["metadata"]["labels"].items() if "/" not in name}
    cluster.put(NAMESPACE, {**found, "metadata": {**found["metadata"], "labels": labels}})
    await cluster.until(
        lambda: (cluster.store.get(NAMESPACE, "", "ann") or {})["metadata"]["labels"] != labels
    )
    await ask(cluster, profile(annotations={"mlplat.jupyter.org/egress": "internet"}))
    await cluster.until(
        lambda: (
            len(cluster.store.all(ROLE_BINDING)) == 4
            and not cluster.store.all(RESOURCE_QUOTA)
            and cluster.store.get(NETWORK_POLICY, "ann", "mlplat-internet")
        )
    )
    await ask(cluster, profile())
    await cluster.until(lambda: not cluster.store.get(NETWORK_POLICY, "ann", "mlplat-internet"))


async def ask(cluster: Cluster, wanted: dict[str, Any]) -> None:
    found = cluster.store.get(PROFILE, "", "ann") or {}
    metadata = {**found["metadata"], **wanted["metadata"]}
    cluster.put(PROFILE, {**found, "metadata": metadata, "spec": wanted["spec"]})


def check(cluster: Cluster) -> None:
    assert len(cluster.store.all(NAMESPACE)) == 1
    assert len(cluster.store.all(SERVICE_ACCOUNT)) == 2
    names = [one["metadata"]["name"] for one in cluster.store.all(NETWORK_POLICY)]
    assert len(names) == len(set(names)) == 6


def test_profile_lives() -> None:
    cluster = in_cluster(life)

    check(cluster)
    writes = [call for api in cluster.apis for call in api.calls if call[0] in ("create", "delete")]
    assert writes.count(("create", "", "namespaces")) == 1


def test_profile_that_is_killed_at_any_call_converges() -> None:
    calls = sum(len(api.calls) for api in in_cluster(life).apis)
    for at in range(0, 2 * calls, max(1, calls // 12)):
        seen = 0

        def kill(verb: str, kind: Kind, when: str, at: int = at) -> None:
            nonlocal seen
            seen += 1
            if seen == at:
                raise Killed

        check(in_cluster(life, kill))


@pytest.mark.parametrize("seed", range(8))
def test_profile_converges_when_the_api_server_fails(seed: int) -> None:
    random = Random(seed)

    def fail(verb: str, kind: Kind, when: str) -> None:
        if random.random() < 0.15:
            code = random.choice([409, 410, 429, 500, 504])
            raise ApiError(code, {409: "Conflict", 410: "Expired"}.get(code, ""), "as dialled")

    check(in_cluster(life, fail))


def test_bad_profiles_stand_in_nobodys_way() -> None:
    async def story(cluster: Cluster) -> None:
        cluster.put(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace",
                                "metadata": {"name": "taken"}})  # fmt: skip
        cluster.put(PROFILE, profile("taken"))
        cluster.put(PROFILE, profile("kube-mine"))
        cluster.put(PROFILE, {**profile("odd"), "spec": {"owner": ["x"], "more": 1}})
        cluster.put(PROFILE, profile("ann"))
        await cluster.until(lambda: conditions(cluster) == {"Successful"})
        for name in ("taken", "kube-mine", "odd"):
            await cluster.until(lambda name=name: conditions(cluster, name) == {"Failed"})

    cluster = in_cluster(story)

    assert {one["metadata"]["name"] for one in cluster.store.all(NAMESPACE)} == {"taken", "ann"}
    assert {one["metadata"]["namespace"] for one in cluster.store.all(ROLE_BINDING)} == {"ann"}


def test_role_binding_in_the_way_is_told_of_and_not_touched() -> None:
    theirs = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "namespaceAdmin", "namespace": "ann"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
    }

    async def story(cluster: Cluster) -> None:
        cluster.put(ROLE_BINDING, theirs)
        cluster.put(PROFILE, profile())
        await cluster.until(lambda: conditions(cluster) == {"Failed"})

    cluster = in_cluster(story)

    found = cluster.store.get(ROLE_BINDING, "ann", "namespaceAdmin") or {}
    assert found["roleRef"] == theirs["roleRef"]


def change(cluster: Cluster, **spec: Any) -> None:
    found = cluster.store.get(WORKSPACE, "ann", "lab") or {}
    cluster.put(WORKSPACE, {**found, "spec": {**found["spec"], **spec}})


def state(cluster: Cluster) -> str:
    return str(cluster.status(WORKSPACE, "lab", "ann").get("state"))


async def work(cluster: Cluster) -> None:
    """A workspace's life: running, paused, resumed, paused because it is idle."""
    cluster.put(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace",
                            "metadata": {"name": "ann", "labels": {"tier": "dev"}}})  # fmt: skip
    cluster.put(WORKSPACE_KIND, workspace_kind())
    cluster.put(WORKSPACE, workspace())
    await cluster.until(lambda: state(cluster) == "Running")
    assert cluster.status(WORKSPACE, "lab", "ann")["pauseTime"] == 0
    change(cluster, paused=True)
    await cluster.until(lambda: state(cluster) == "Paused")
    assert cluster.status(WORKSPACE, "lab", "ann")["pauseTime"] > 0
    change(cluster, paused=False, podTemplate=workspace(image="scipy:2")["spec"]["podTemplate"])
    await cluster.until(lambda: state(cluster) == "Running")
    await cluster.until(lambda: state(cluster) == "Paused", within_s=4 * 3600)
    spec = (cluster.store.get(WORKSPACE, "ann", "lab") or {})["spec"]
    assert spec["paused"] is True


def test_workspace_lives_as_a_notebook() -> None:
    cluster = in_cluster(work, of_workspaces=True)

    assert len(cluster.store.all(NOTEBOOK)) == len(cluster.store.all(STATEFUL_SET)) == 1
    kind = cluster.status(WORKSPACE_KIND, "jupyterlab")
    assert kind["workspaces"] == 1
    status = cluster.status(WORKSPACE, "lab", "ann")
    assert status["pendingRestart"] is False
    assert status["activity"]["rules"]["pauseWorkspace"]["eligibleAfter"] > 0


def test_workspace_of_an_unknown_kind_says_so_until_it_is_there() -> None:
    async def story(cluster: Cluster) -> None:
        cluster.put(WORKSPACE, workspace())
        await cluster.until(lambda: state(cluster) == "Error")
        cluster.put(WORKSPACE_KIND, workspace_kind())
        await cluster.until(lambda: state(cluster) == "Running")
        cluster.store.remove(WORKSPACE, Key("ann", "lab"))
        await cluster.until(lambda: not cluster.store.all(STATEFUL_SET))

    in_cluster(story, of_workspaces=True)


def test_right_to_a_call_is_held_if_and_only_if_it_is_made() -> None:
    """Runs last: it looks at the calls of all tests above."""
    needed = {call for call in PROFILE_MADE if call[0] != "get"}
    declared = {call for call in PROFILE_CALLS if call[0] != "get"}
    shared = {call for call in CALLS if call[2] == "networkpolicies"}

    assert declared <= needed <= declared | shared
    made = {call for call in WORKSPACE_MADE if call[0] != "get"}
    rights = {call for call in WORKSPACE_CALLS if call[0] != "get"}
    assert rights <= made <= rights | CALLS
