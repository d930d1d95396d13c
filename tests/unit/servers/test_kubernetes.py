"""Notebook objects of a cluster as servers."""

import asyncio
import json
from typing import Any

import pytest

from jupyter_mlplat.errors import Conflict, Forbidden, NotFound
from jupyter_mlplat.formats.notebooks import SERVER_KIND, SERVER_READY, STOPPED
from jupyter_mlplat.launchers.kubernetes.api import CLAIMS, EVENTS, PODS, Change
from jupyter_mlplat.launchers.kubernetes.servers import (
    NOTEBOOK_LABEL,
    NOTEBOOKS,
    PRESETS,
    PROFILES,
    SERVER_KINDS,
    KubernetesServers,
)
from jupyter_mlplat.resources.servers import ServerRequest, ServerState
from tests.fakes.servers import FakeApi


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    api.add(
        SERVER_KINDS, "gpu", spec={"images": [{"name": "torch", "image": "torch:2"}], "rank": 2}
    )
    api.add(SERVER_KINDS, "cpu", spec={"images": [{"name": "py", "image": "py:3"}], "rank": 1})
    api.add(SERVER_KINDS, "other", spec={"images": [{"image": "x"}]})  # cannot be read
    api.add(
        SERVER_KINDS,
        "staff",
        spec={"images": [{"name": "py", "image": "py:3"}], "profiles": ["staff-*"]},
    )
    return api


def servers(api: FakeApi) -> KubernetesServers:
    async def connect() -> Any:
        return api

    return KubernetesServers("team", connect, "https://hub.example.org/")


def add_notebook(api: FakeApi, name: str, **status: Any) -> dict[str, Any]:
    notes = {SERVER_KIND: "gpu"}
    spec = {"template": {"spec": {"containers": [{"name": name, "image": "by-kind"}]}}}
    return api.add(NOTEBOOKS, name, metadata={"annotations": notes}, spec=spec, status=status)


def add_pod(api: FakeApi, name: str) -> None:
    mounts = [
        {"name": "home", "mountPath": "/home/jovyan"},
        {"name": "data", "mountPath": "/data", "readOnly": True},
    ]
    volumes = [
        {"name": "home", "persistentVolumeClaim": {"claimName": f"{name}-home"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "lost"}},
        {"name": "shm", "emptyDir": {}},
    ]
    container = {
        "name": name,
        "image": "torch:2",
        "volumeMounts": mounts,
        "resources": {"limits": {"nvidia.com/gpu": "2"}, "requests": {"cpu": "4"}},
    }
    api.add(
        PODS,
        f"{name}-0",
        metadata={"labels": {NOTEBOOK_LABEL: name}},
        spec={"nodeName": "node-1", "containers": [container], "volumes": volumes},
        status={},
    )
    api.add(
        CLAIMS,
        f"{name}-home",
        metadata={"labels": {NOTEBOOK_LABEL: name}},
        spec={"resources": {"requests": {"storage": "10Gi"}}},
        status={"phase": "Bound", "capacity": {"storage": "12Gi"}},
    )


def test_server_is_told_with_its_pod_and_where_a_browser_finds_it(api: FakeApi) -> None:
    message = "Waiting for a GPU: 4 of 4 in use."
    condition = {
        "type": SERVER_READY,
        "status": "False",
        "reason": "WaitingForGpu",
        "message": message,
    }
    add_notebook(api, "lab", conditions=[condition])
    add_pod(api, "lab")

    (server,) = asyncio.run(servers(api).list_servers())

    assert (server.state, server.reason) == (ServerState.PENDING, "WaitingForGpu")
    assert server.message == message
    assert (server.place, server.profile, server.kind) == ("team", "anna", "gpu")
    assert server.gpu is not None
    assert (server.gpu.resource, server.gpu.count) == ("nvidia.com/gpu", 2)
    assert server.address == "https://hub.example.org/notebook/anna/lab/"


def test_server_that_is_being_deleted_says_so(api: FakeApi) -> None:
    notebook = add_notebook(api, "lab", readyReplicas=1)
    notebook["metadata"]["deletionTimestamp"] = "2026-11-20T12:00:00Z"

    server = asyncio.run(servers(api).get_server("lab"))

    assert (server.state, server.reason) == (ServerState.STOPPING, "Deleting")


def test_stop_and_start_are_the_annotation_that_kubeflow_has(api: FakeApi) -> None:
    add_notebook(api, "lab", readyReplicas=1)
    cluster = servers(api)

    stopping = asyncio.run(cluster.stop_server("lab"))
    notes = api.objects["notebooks", "lab"]["metadata"]["annotations"]
    since = notes[STOPPED]
    asyncio.run(cluster.stop_server("lab"))
    assert notes[STOPPED] == since  # stopping twice changes nothing
    asyncio.run(cluster.start_server("lab"))

    assert stopping.state is ServerState.STOPPING
    assert STOPPED not in notes


def test_created_server_is_a_notebook_of_its_kind(api: FakeApi) -> None:
    request = ServerRequest.model_validate(
        {"name": "lab", "kind": "gpu", "options": {"gpu": {"count": 1}}, "cull_after": "2h"}
    )

    made = asyncio.run(servers(api).create_server(request, "anna"))

    notes = api.objects["notebooks", "lab"]["metadata"]["annotations"]
    assert made.state is ServerState.PENDING
    assert notes[SERVER_KIND] == "gpu"
    assert json.loads(notes["mlplat.jupyter.org/options"]) == {"gpu": {}}
    with pytest.raises(Conflict, match="has one of that name"):
        asyncio.run(servers(api).create_server(request, "anna"))


def test_offer_has_what_this_profile_may_choose(api: FakeApi) -> None:
    api.add(PRESETS, "proxy", spec={"desc": "Use the proxy"})
    api.add(CLAIMS, "data")

    offer = asyncio.run(servers(api).read_offer())

    assert [kind.name for kind in offer.kinds] == ["cpu", "gpu"]
    assert [(one.name, one.title) for one in offer.presets] == [("proxy", "Use the proxy")]
    assert offer.claims == ("data",)


def test_history_is_the_servers_own_newest_first_with_its_volumes(api: FakeApi) -> None:
    add_notebook(api, "lab")
    add_pod(api, "lab")
    for name, subject, at, reason in (
        ("a", "lab-0", "2026-11-20T12:00:00Z", "Scheduled"),
        ("b", "lab-0", "2026-11-20T12:01:00Z", "Failed"),
        ("c", "other-0", "2026-11-20T12:02:00Z", "Pulled"),
    ):
        api.add(
            EVENTS,
            name,
            type="Warning" if reason == "Failed" else "Normal",
            involvedObject={"name": subject},
            reason=reason,
            message=f"{reason}.",
            lastTimestamp=at,
        )

    history = asyncio.run(servers(api).read_history("lab"))

    told = [(event.reason, event.is_warning) for event in history.events]
    assert told == [("Failed", True), ("Scheduled", False)]
    assert [
        (mount.path, mount.size, mount.phase, mount.is_home, mount.is_writable)
        for mount in history.mounts
    ] == [("/home/jovyan", "12Gi", "Bound", True, True), ("/data", "", "", False, False)]


def test_home_is_deleted_only_where_that_is_asked_for(api: FakeApi) -> None:
    for name in ("lab", "own"):
        add_notebook(api, name)
        add_pod(api, name)
    cluster = servers(api)

    asyncio.run(cluster.delete_server("lab", with_home=False))
    asyncio.run(cluster.delete_server("own", with_home=True))

    left = {key for key in api.objects if key[0] in ("notebooks", "persistentvolumeclaims")}
    assert left == {("persistentvolumeclaims", "lab-home")}
    with pytest.raises(NotFound, match="no server 'lab' on cluster 'team'"):
        asyncio.run(cluster.delete_server("lab", with_home=False))


def test_log_is_its_last_lines_and_none_where_nothing_runs(api: FakeApi) -> None:
    add_notebook(api, "lab")
    with pytest.raises(Conflict, match="it does not run"):
        asyncio.run(servers(api).read_log("lab", 2))
    add_pod(api, "lab")
    api.logs["lab-0"] = b"one\ntwo\nthree\n"

    assert asyncio.run(servers(api).read_log("lab", 2)) == b"two\nthree\n"


def test_what_one_may_not_see_is_done_without(api: FakeApi) -> None:
    add_notebook(api, "lab", readyReplicas=1)
    for kind in (SERVER_KINDS, PODS, PROFILES):
        api.problems[kind.plural] = Forbidden("anna cannot list them")
    cluster = servers(api)

    (server,) = asyncio.run(cluster.list_servers())

    assert server.state is ServerState.RUNNING
    assert [profile.name for profile in asyncio.run(cluster.list_profiles())] == ["anna"]


def test_cluster_without_the_controller_says_what_is_missing(api: FakeApi) -> None:
    api.problems["notebooks"] = NotFound("the server could not find the requested resource")

    with pytest.raises(NotFound, match="jupyter mlplat cluster install"):
        asyncio.run(servers(api).list_servers())


def test_watch_gives_a_sign_at_first_and_at_each_change(api: FakeApi) -> None:
    async def scenario() -> None:
        signs = servers(api).watch()
        async with asyncio.timeout(5):
            await anext(signs)
            await anext(signs)  # both lists have come by
            api.changes.put_nowait(Change("ADDED", {}))
            await anext(signs)
        await signs.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())
