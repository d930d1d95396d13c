"""The program against an API server: look, install, upgrade, make profiles, remove."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_mlplat.cli import main
from jupyter_mlplat_controller.admin.connection import Cluster, Connection
from jupyter_mlplat_controller.admin.installing import install, objects_of, uninstall
from tests.cluster.memory import MemoryCluster

Manifest = dict[str, Any]
Program = Callable[..., tuple[int, Any]]


@pytest.fixture
def memory(request: pytest.FixtureRequest) -> Iterator[MemoryCluster]:
    """A bare API server; with controllers and a node for tests that are marked `lively`."""
    with MemoryCluster(actors=getattr(request, "param", False)) as cluster:
        yield cluster


lively = pytest.mark.parametrize("memory", [True], indirect=True, ids=["lively"])


@pytest.fixture
def cluster(memory: MemoryCluster) -> Cluster:
    return Cluster(Connection(kubeconfig=str(memory.kubeconfig)))


@pytest.fixture
def program(
    memory: MemoryCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    monkeypatch.setenv("KUBECONFIG", str(memory.kubeconfig))

    def run(*words: str) -> tuple[int, Any]:
        code = main([*words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def actions(steps: list[Manifest]) -> set[str]:
    return {str(step["action"]) for step in steps}


@lively
def test_installing_twice_changes_nothing_and_a_dry_run_nothing_at_all(
    program: Program, cluster: Cluster, memory: MemoryCluster
) -> None:
    _, dry = program("cluster", "install", "--overlay", "profiles")
    before = len(list(cluster.list("v1", "Namespace")))
    _, first = program("cluster", "install", "--overlay", "profiles", "--apply")
    memory.settle()
    _, again = program("cluster", "install", "--overlay", "profiles", "--apply")
    code, report = program("cluster", "check")

    assert (dry["dry_run"], actions(dry["steps"]), before) == (True, {"create"}, 4)
    assert actions(first["steps"]) == {"create"}
    assert actions(again["steps"]) == {"keep"}
    assert (code, report["fit"]) == (0, True)
    found = {one["subject"]: one["verdict"] for one in report["findings"]}
    assert found["mlplat-controller"] == found["mlplat-engine"] == "fine"


def test_another_overlay_removes_what_is_no_longer_part_of_it(cluster: Cluster) -> None:
    install(cluster, objects_of("profiles"), is_dry=False)

    steps = install(cluster, objects_of("minimal"), is_dry=False)

    removed = {step.name for step in steps if step.action == "remove"}
    assert "mlplat-controller-grants" in removed
    changed = [(step.kind, step.name) for step in steps if step.action == "change"]
    assert changed == [("Deployment", "mlplat-system/mlplat-controller")]
    assert list(cluster.list("kubeflow.org/v1", "Profile")) == []  # the definition stays


def test_what_an_administrator_changed_in_a_kind_outlives_an_upgrade(
    cluster: Cluster,
) -> None:
    install(cluster, objects_of("minimal"), is_dry=False)
    path = "/apis/mlplat.jupyter.org/v1alpha1/serverkinds/small"
    patch = {"spec": {"title": "Tiny"}}
    cluster.api.call("PATCH", path, patch, "application/merge-patch+json")

    steps = install(cluster, objects_of("minimal"), is_dry=False)

    assert [step.name for step in steps if step.action == "leave"] == ["small"]
    assert cluster.api.call("GET", path)["spec"]["title"] == "Tiny"


def test_definitions_of_kubeflow_are_left_as_they_are(cluster: Cluster) -> None:
    theirs = next(
        one for one in objects_of("minimal") if one["metadata"]["name"] == "notebooks.kubeflow.org"
    )
    del theirs["metadata"]["labels"]
    cluster.apply(theirs)

    steps = install(cluster, objects_of("minimal"), is_dry=False)

    assert [step.name for step in steps if step.action == "leave"] == ["notebooks.kubeflow.org"]


def test_overlay_of_ones_own_is_installed(cluster: Cluster, tmp_path: Any) -> None:
    (tmp_path / "all.yaml").write_text(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: mine}\n"
        "---\napiVersion: kueue.x-k8s.io/v1beta1\nkind: LocalQueue\n"
        "metadata: {name: q, namespace: mine}\n"
    )
    (tmp_path / "kustomization.yaml").write_text("resources: [all.yaml]\n")

    steps = install(cluster, objects_of(str(tmp_path)), is_dry=False)

    assert [(step.action, step.name) for step in steps] == [("create", "mine"), ("skip", "mine/q")]


def test_uninstalling_leaves_what_holds_and_guards_work(cluster: Cluster) -> None:
    install(cluster, objects_of("minimal"), is_dry=False)

    steps = uninstall(cluster, with_data=False, is_dry=False)

    left = {(step.kind, step.name) for step in steps if step.action == "leave"}
    assert ("PersistentVolumeClaim", "mlplat-system/mlplat-engine") in left
    assert ("NetworkPolicy", "mlplat/mlplat-default-deny") in left
    assert ("CustomResourceDefinition", "notebooks.kubeflow.org") in left
    assert list(cluster.list("apps/v1", "Deployment", "mlplat-system")) == []


@lively
def test_uninstalling_with_data_leaves_nothing(cluster: Cluster, memory: MemoryCluster) -> None:
    install(cluster, objects_of("profiles"), is_dry=False)

    uninstall(cluster, with_data=True, is_dry=False)
    memory.settle()
    cluster.forget()

    assert cluster.kinds("kubeflow.org/v1") == {}
    assert [
        one["metadata"]["name"]
        for one in cluster.list("v1", "Namespace")
        if one["metadata"]["name"].startswith("mlplat")
    ] == []


def test_profile_is_created_shown_and_deleted(program: Program, cluster: Cluster) -> None:
    program("cluster", "install", "--overlay", "profiles", "--apply")

    code, made = program(
        *("profiles", "create", "ann", "--owner", "ann@x", "--contributor", "bob=view"),
        *("--quota", "cpu=2", "--egress", "internet", "--no-wait"),
    )
    _, listed = program("profiles")
    refused, error = program("profiles", "create", "ann", "--owner", "eve", "--no-wait")
    kept, _ = program("profiles", "delete", "ann")
    gone, _ = program("profiles", "delete", "ann", "--with-data")

    assert (code, made["owner"], made["state"]) == (0, "ann@x", "PENDING")
    assert made["contributors"] == [{"user": "bob", "role": "view"}]
    assert made["quota"] == [{"resource": "cpu", "most": "2", "used": "0"}]
    assert [one["name"] for one in listed["profiles"]] == ["ann"]
    assert (refused, error["error"]["code"]) == (2, "conflict")
    assert (kept, gone) == (2, 0)
    assert program("profiles")[1] == {"profiles": []}


def test_cluster_without_profiles_says_how_to_get_them(program: Program) -> None:
    code, answer = program("profiles", "list")

    assert code == 2
    assert "cluster install --overlay profiles" in answer["error"]["message"]


def test_check_counts_gpus_by_kind_and_names_their_taints(
    program: Program, memory: MemoryCluster
) -> None:
    memory.add_node("gpu-1", gpus=4)

    _, report = program("cluster", "check")

    (gpus,) = [one for one in report["findings"] if one["subject"] == "GPUs"]
    assert gpus["found"].startswith("nvidia.com/gpu: 4 ×")


def test_user_who_may_not_look_is_told_so_and_the_rest_goes_on(
    memory: MemoryCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in memory.environment("nobody").items():
        monkeypatch.setenv(name, value)

    code = main(["cluster", "check", "--json"])

    found = {
        one["subject"]: one["verdict"] for one in json.loads(capsys.readouterr().out)["findings"]
    }
    assert code == 1
    assert found["Your rights"] == "missing"
    assert found["Nodes"] == "unknown"
