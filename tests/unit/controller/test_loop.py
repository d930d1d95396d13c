"""The loop under faults: kills at every call, errors, silence, two controllers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import pytest

from jupyter_mlplat_controller.api import ApiError, Event
from jupyter_mlplat_controller.controller import Controller
from jupyter_mlplat_controller.kinds import (
    CLAIM,
    LEASE,
    NETWORK_POLICY,
    NOTEBOOK,
    POD,
    SERVER_KIND,
    SERVICE,
    STATEFUL_SET,
)
from jupyter_mlplat_controller.leading import Leader
from jupyter_mlplat_controller.notebooks.culling import Activity
from jupyter_mlplat_controller.notebooks.reconciler import NotebookReconciler
from jupyter_mlplat_controller.permissions import CALLS
from jupyter_mlplat_controller.plans import Key, Kind
from jupyter_mlplat_controller.settings import Settings
from tests.unit.controller.virtual import FakeApi, Hook, Kubelet, Store, VirtualClock, run_virtual

SETTINGS = Settings(lease="", requests_per_s=1e9, workers=4)
CALM = replace(SETTINGS, silence_s=7200.0, relist_s=1e9)
"""Where hours pass and nothing is wrong with the API server."""
MADE = (STATEFUL_SET, SERVICE, NETWORK_POLICY, CLAIM)
ALL_CALLS: set[tuple[str, str, str]] = set()


class Killed(BaseException):
    """kill -9."""


class Prober:
    def __init__(self) -> None:
        self.busy = ""
        self.fault = ""
        self.asked = 0

    async def ask(self, url: str, now: datetime) -> Activity:
        self.asked += 1
        await asyncio.sleep(0.01)
        return Activity(now, busy=self.busy, fault=self.fault, faults=1 if self.fault else 0)


class Cluster:
    """A store, its own controllers, and ours, which may be killed and comes back."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.store, self.settings, self.prober = Store(), settings, Prober()
        self.kubelet = Kubelet(self.store)
        self.apis: list[FakeApi] = []
        self.starts = 0
        self.store.put(
            SERVER_KIND,
            {
                "apiVersion": SERVER_KIND.api_version,
                "kind": "ServerKind",
                "metadata": {"name": "small"},
                "spec": {
                    "images": [{"name": "lab", "image": "registry.example.org/lab:1"}],
                    "idle": {"cull": "1h", "warn": "10m"},
                },
            },
        )

    def controller(self, hook: Hook | None = None, leader: Any = None) -> Controller:
        api = FakeApi(self.store, hook)
        self.apis.append(api)
        clock = VirtualClock()
        reconciler = NotebookReconciler(self.settings, self.prober, clock)
        made = Controller(
            api, [reconciler], self.settings, clock, leader and leader(api), random=Random(1)
        )
        return made

    async def keep_running(self, hook: Hook | None = None) -> None:
        """Run a controller; one that was killed is followed by another, with an empty memory."""
        while True:
            self.starts += 1
            try:
                await self.controller(hook).run()
            except* Killed:
                pass
            await asyncio.sleep(0.5)

    def notebook(self, name: str, kind: str | None = "small", namespace: str = "ada") -> None:
        notes = {"mlplat.jupyter.org/server-kind": kind} if kind else {}
        pod = {"containers": [{"name": name, "image": "ghcr.io/kubeflow/jupyter:latest"}]}
        self.store.put(
            NOTEBOOK,
            {
                "apiVersion": NOTEBOOK.api_version,
                "kind": "Notebook",
                "metadata": {"name": name, "namespace": namespace, "annotations": notes},
                "spec": {"template": {"spec": pod}},
            },
        )

    def note(self, name: str, namespace: str = "ada", **notes: str | None) -> None:
        """Annotate a Notebook, as a user's client does."""
        found = self.store.get(NOTEBOOK, namespace, name)
        assert found is not None
        said = {**(found["metadata"].get("annotations") or {})}
        for key, text in notes.items():
            full = {"stopped": "kubeflow-resource-stopped"}.get(
                key, f"mlplat.jupyter.org/{key.replace('_', '-')}"
            )
            said.pop(full, None)
            if text is not None:
                said[full] = text
        self.store.put(NOTEBOOK, {**found, "metadata": {**found["metadata"], "annotations": said}})

    def said(self, name: str, kind: str = "ServerReady", namespace: str = "ada") -> str:
        found = self.store.get(NOTEBOOK, namespace, name) or {}
        for each in (found.get("status") or {}).get("conditions", []):
            if each["type"] == kind:
                return str(each["reason"])
        return ""

    def notes(self, name: str) -> dict[str, str]:
        found = self.store.get(NOTEBOOK, "ada", name)
        assert found is not None
        return dict(found["metadata"].get("annotations") or {})

    async def until(self, what: Callable[[], bool], within_s: float = 60) -> float:
        """Wait until something holds; return how long it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not what():
            if loop.time() - began > within_s:
                raise AssertionError(f"not within {within_s} s: {self.dump()}")
            await asyncio.sleep(0.25)
        return loop.time() - began

    def dump(self) -> dict[str, Any]:
        return {
            key.name: (body.get("status") or {}).get("conditions")
            for (plural, key), body in self.store.objects.items()
            if plural == "notebooks"
        }

    def check(self, count: int) -> None:
        """One of everything for each server, and nothing without an owner but homes."""
        for kind in MADE:
            assert len(self.store.all(kind)) == count, kind.plural
        assert len(self.store.all(POD)) == count
        uids = {body["metadata"]["uid"] for body in self.store.all(NOTEBOOK)}
        for kind in (STATEFUL_SET, SERVICE, NETWORK_POLICY):
            for body in self.store.all(kind):
                assert body["metadata"]["ownerReferences"][0]["uid"] in uids


def in_cluster(
    story: Callable[[Cluster], Awaitable[None]],
    hook: Hook | None = None,
    settings: Settings = SETTINGS,
) -> Cluster:
    cluster = Cluster(settings)

    async def main() -> None:
        tasks = [
            asyncio.ensure_future(cluster.kubelet.run()),
            asyncio.ensure_future(cluster.keep_running(hook)),
        ]
        try:
            await story(cluster)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    run_virtual(main())
    for api in cluster.apis:
        ALL_CALLS.update(api.calls)
    return cluster


async def life(cluster: Cluster) -> None:
    """A server's life: made, up, stopped, started, deleted, made again."""
    cluster.notebook("nb")
    await cluster.until(lambda: cluster.said("nb") == "Ready")
    cluster.note("nb", stopped="2026-01-05T08:00:00Z")
    await cluster.until(lambda: cluster.said("nb") == "Stopped" and not cluster.store.all(POD))
    cluster.note("nb", stopped=None)
    await cluster.until(lambda: cluster.said("nb") == "Ready")
    cluster.store.remove(NOTEBOOK, Key("ada", "nb"))
    await asyncio.sleep(2)
    assert [len(cluster.store.all(kind)) for kind in MADE] == [0, 0, 0, 1]  # the home is kept
    cluster.notebook("nb")
    await cluster.until(lambda: cluster.said("nb") == "Ready")
    cluster.check(1)


def test_a_server_lives_through_all_its_states() -> None:
    in_cluster(life)


def test_a_server_costs_no_more_calls_than_upstreams_controller() -> None:
    async def story(cluster: Cluster) -> None:
        cluster.notebook("hand", kind=None)
        await cluster.until(lambda: cluster.said("hand") == "Ready")
        await asyncio.sleep(120)

    cluster = in_cluster(story, settings=CALM)

    calls = [call for call in cluster.apis[0].calls if call[0] not in ("list", "watch")]
    # Upstream: StatefulSet, Service and a status for each of six events from create to ready.
    assert calls[:4] == [
        ("create", "networking.k8s.io", "networkpolicies"),
        ("create", "apps", "statefulsets"),
        ("create", "", "services"),
        ("patch", "kubeflow.org", "notebooks/status"),
    ]
    assert len(calls) <= 6


def calls_of_a_life() -> int:
    cluster = in_cluster(life)
    return sum(len(api.calls) for api in cluster.apis)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_controller_killed_at_any_call_leaves_one_of_everything(when: str) -> None:
    kills = 0
    for number in range(calls_of_a_life()):
        left = number

        def hook(verb: str, kind: Kind, at: str) -> None:
            nonlocal left
            if at != when:
                return
            left -= 1
            if left == -1:
                raise Killed

        kills += in_cluster(life, hook).starts - 1
    assert kills >= 30


SEEDS = range(60)


@pytest.mark.parametrize("block", [SEEDS[number : number + 20] for number in range(0, 60, 20)])
def test_seeded_faults_of_the_api_server_end_well(block: range) -> None:
    faults = 0
    for seed in block:
        faults += storm(seed)
    assert faults > 15 * len(block)


def storm(seed: int) -> int:
    """Fail calls at random for a minute, then look whether all is well a minute later."""
    random, faults, over = Random(seed), 0, False

    def hook(verb: str, kind: Kind, at: str) -> None:
        nonlocal faults
        if over or random.random() > 0.25:
            return
        faults += 1
        raise random.choice(
            [
                ApiError(409, "Conflict", "modified"),
                ApiError(410, "Expired", "too old"),
                ApiError(429, "TooManyRequests", "slow down", 1.0),
                ApiError(500, "InternalError", "etcd"),
                ApiError(504, "Timeout", "timeout"),
                ApiError(0, "Unreachable", "reset"),
            ]
        )

    async def story(cluster: Cluster) -> None:
        nonlocal over

        def twist(events: list[Event]) -> list[Event]:
            if over:
                return events
            twisted = [event for event in events for _ in range(random.choice([1, 1, 2]))]
            random.shuffle(twisted)
            return twisted

        for _ in range(12):
            name = f"nb-{random.randrange(3)}"
            if cluster.store.get(NOTEBOOK, "ada", name) is None:
                cluster.notebook(name, random.choice(["small", None]))
            elif random.random() < 0.3:
                cluster.store.remove(NOTEBOOK, Key("ada", name))
            else:
                cluster.note(name, stopped=random.choice([None, "2026-01-05T08:00:00Z"]))
            for api in cluster.apis:
                api.is_silent = random.random() < 0.1
                api.twist = twist
            if random.random() < 0.2:
                cluster.store.compact()
            await asyncio.sleep(random.uniform(0, 5))
        over = True
        for api in cluster.apis:
            api.is_silent = False
        expected = {
            body["metadata"]["name"]: not any(
                "stopped" in name for name in body["metadata"].get("annotations") or {}
            )
            for body in cluster.store.all(NOTEBOOK)
        }

        def is_well() -> bool:
            pods = {body["metadata"]["name"] for body in cluster.store.all(POD)}
            return pods == {f"{name}-0" for name, is_up in expected.items() if is_up} and all(
                cluster.said(name) == ("Ready" if is_up else "Stopped")
                for name, is_up in expected.items()
            )

        await cluster.until(is_well, within_s=75)
        await asyncio.sleep(30)
        assert is_well()
        assert len(cluster.store.all(STATEFUL_SET)) == len(expected)
        assert len(cluster.store.all(SERVICE)) == len(expected)

    in_cluster(story, hook)
    return faults


def test_an_object_nobody_can_make_sense_of_stops_no_other() -> None:
    async def story(cluster: Cluster) -> None:
        for number, pod in enumerate([None, [], 7, {"containers": {"a": 1}}, {"containers": [3]}]):
            cluster.notebook(f"bad-{number}", kind=None)
            found = cluster.store.get(NOTEBOOK, "ada", f"bad-{number}")
            assert found is not None
            cluster.store.put(NOTEBOOK, {**found, "spec": {"template": {"spec": pod}}})
        cluster.notebook("good")
        await cluster.until(lambda: cluster.said("good") == "Ready")
        for number in range(5):
            assert cluster.said(f"bad-{number}") == "SpecInvalid"

    in_cluster(story)


def test_what_the_api_server_refuses_is_told_and_tried_ever_later() -> None:
    def hook(verb: str, kind: Kind, at: str) -> None:
        if verb == "create" and kind == STATEFUL_SET and at == "before":
            raise ApiError(422, "Invalid", "spec.template: Invalid value")

    async def story(cluster: Cluster) -> None:
        cluster.notebook("nb")
        await cluster.until(lambda: cluster.said("nb") == "PodRefused")
        await asyncio.sleep(600)
        tried = [call for call in cluster.apis[0].calls if call[2] == "statefulsets"]
        assert len([call for call in tried if call[0] == "create"]) < 35

    in_cluster(story, hook)


def test_a_watch_that_falls_silent_is_followed_by_a_list() -> None:
    async def story(cluster: Cluster) -> None:
        await asyncio.sleep(1)
        cluster.apis[0].is_silent = True
        cluster.notebook("nb")
        await asyncio.sleep(5)
        assert cluster.said("nb") == ""
        cluster.apis[0].is_silent = False  # new watches are well; those that hang still hang
        await cluster.until(lambda: cluster.said("nb") == "Ready", within_s=120)

    in_cluster(story)


def test_what_was_deleted_while_nobody_listened_is_made_again() -> None:
    async def story(cluster: Cluster) -> None:
        cluster.notebook("nb")
        await cluster.until(lambda: cluster.said("nb") == "Ready")
        api = cluster.apis[0]
        api.twist = lambda events: []
        cluster.store.remove(SERVICE, Key("ada", "nb"))
        await asyncio.sleep(1)
        api.twist = list
        cluster.store.compact()
        await cluster.until(lambda: bool(cluster.store.all(SERVICE)), within_s=200)

    in_cluster(story)


def test_two_minutes_without_an_api_server_are_survived() -> None:
    is_gone = False

    def hook(verb: str, kind: Kind, at: str) -> None:
        if is_gone:
            raise ApiError(0, "Unreachable", "connection refused")

    async def story(cluster: Cluster) -> None:
        nonlocal is_gone
        cluster.notebook("nb")
        await cluster.until(lambda: cluster.said("nb") == "Ready")
        is_gone, before = True, len(cluster.apis[0].calls)
        cluster.note("nb", stopped="2026-01-05T08:00:00Z")
        cluster.store.compact()
        await asyncio.sleep(120)
        assert len(cluster.apis[0].calls) - before < 250  # it does not hammer
        is_gone = False
        await cluster.until(lambda: cluster.said("nb") == "Stopped")
        assert cluster.starts == 1

    in_cluster(story, hook)


def test_an_object_of_others_is_left_alone_and_told_of() -> None:
    async def story(cluster: Cluster) -> None:
        foreign = {
            "metadata": {"name": "nb", "namespace": "ada"},
            "spec": {"replicas": 0, "selector": {}, "template": {"metadata": {}, "spec": {}}},
        }
        before = cluster.store.put(STATEFUL_SET, foreign)
        cluster.notebook("nb")
        await cluster.until(lambda: cluster.said("nb") == "NameTaken")
        await asyncio.sleep(90)
        found = cluster.store.get(STATEFUL_SET, "ada", "nb")
        assert found is not None
        assert found["spec"] == before["spec"]
        cluster.store.remove(STATEFUL_SET, Key("ada", "nb"))
        await cluster.until(lambda: cluster.said("nb") == "Ready", within_s=120)

    in_cluster(story)


def test_an_idle_server_is_warned_then_stopped_then_woken() -> None:
    async def story(cluster: Cluster) -> None:
        cluster.notebook("nb")
        await cluster.until(lambda: cluster.said("nb") == "Ready")
        cluster.prober.busy = "1 kernel at work"
        await asyncio.sleep(3 * 3600)
        assert cluster.said("nb") == "Ready"
        cluster.prober.busy = ""
        await asyncio.sleep(55 * 60)
        assert cluster.said("nb", "IdleWarning") == "Idle"
        await cluster.until(lambda: cluster.said("nb") == "Culled", within_s=900)
        assert not cluster.store.all(POD)
        assert len(cluster.store.all(CLAIM)) == 1
        cluster.note("nb", wake_requested="2026-01-06T08:00:00Z")
        await cluster.until(lambda: cluster.said("nb") == "Ready")
        await asyncio.sleep(300)
        assert not [name for name in cluster.notes("nb") if "wake" in name or "stop" in name]

    in_cluster(story, settings=CALM)


def test_a_server_that_does_not_answer_is_not_stopped_as_idle() -> None:
    async def story(cluster: Cluster) -> None:
        cluster.prober.fault = "it does not answer"
        cluster.notebook("nb")
        await asyncio.sleep(10 * 3600)
        assert cluster.said("nb") == "Ready"
        assert cluster.said("nb", "IdleWarning") == "ActivityUnknown"

    in_cluster(story, settings=CALM)


def test_settings_changed_by_others_wait_for_the_next_start() -> None:
    async def story(cluster: Cluster) -> None:
        cluster.notebook("nb")
        await cluster.until(lambda: cluster.said("nb") == "Ready")
        kind = cluster.store.get(SERVER_KIND, "", "small")
        assert kind is not None
        images = [{"name": "lab", "image": "registry.example.org/lab:2"}]
        cluster.store.put(SERVER_KIND, {**kind, "spec": {**kind["spec"], "images": images}})
        await cluster.until(lambda: cluster.said("nb", "RestartNeeded") == "SettingsChanged")
        assert cluster.kubelet.pods_made == 1
        cluster.note("nb", stopped="2026-01-05T08:00:00Z")
        await cluster.until(lambda: cluster.said("nb") == "Stopped")
        cluster.note("nb", stopped=None)
        await cluster.until(lambda: cluster.said("nb") == "Ready")
        (pod,) = cluster.store.all(POD)
        assert pod["spec"]["containers"][0]["image"] == "registry.example.org/lab:2"
        assert cluster.said("nb", "RestartNeeded") == ""

    in_cluster(story)


def test_of_two_controllers_one_acts_and_one_that_was_stopped_past_its_lease_does_not() -> None:
    async def main() -> None:
        cluster = Cluster(replace(SETTINGS, lease="controller"))
        stopped: set[str] = set()
        writes: list[str] = []

        def hook(name: str) -> Hook:
            def each(verb: str, kind: Kind, at: str) -> None:
                if name in stopped:
                    raise ApiError(0, "Unreachable", "stopped")
                if verb in ("create", "update", "patch") and kind != LEASE and at == "before":
                    writes.append(name)

            return each

        def leader(name: str) -> Callable[[FakeApi], Leader]:
            key = Key("jupyter-mlplat", "controller")
            return lambda api: Leader(api, key, name, 15, VirtualClock())

        tasks = [asyncio.ensure_future(cluster.kubelet.run())]
        for name in ("one", "two"):
            tasks.append(asyncio.ensure_future(cluster.controller(hook(name), leader(name)).run()))
            await asyncio.sleep(1)
        cluster.notebook("a")
        await cluster.until(lambda: cluster.said("a") == "Ready")
        assert set(writes) == {"one"}
        stopped.add("one")
        cluster.notebook("b")
        await cluster.until(lambda: cluster.said("b") == "Ready")
        writes.clear()
        stopped.clear()  # it goes on, with what it remembers
        cluster.notebook("c")
        await cluster.until(lambda: cluster.said("c") == "Ready")
        await asyncio.sleep(60)
        assert set(writes) == {"two"}
        cluster.check(3)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run_virtual(main())


def test_every_call_is_declared_and_every_declared_call_is_made() -> None:
    in_cluster(life)
    made = {call for call in ALL_CALLS if call[2] != "leases"}
    declared = {call for call in CALLS if call[2] not in ("leases", "ingresses", "httproutes")}

    assert made <= declared, made - declared
