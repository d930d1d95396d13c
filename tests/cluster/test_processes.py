"""The kubelet of processes: pods that truly run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import eventually
from tests.cluster.memory import MemoryCluster

Object = dict[str, Any]
WORK = {"name": "work", "mountPath": "/work"}


@pytest.fixture
def cluster() -> Iterator[MemoryCluster]:
    with MemoryCluster(kubelet="processes") as found:
        yield found


def pod(*containers: Object, **spec: Any) -> Object:
    listed = [{"name": "c", "image": "any", **container} for container in containers]
    spec.setdefault("restartPolicy", "Never")
    return {"metadata": {"name": "p"}, "spec": {"containers": listed, **spec}}


def run(cluster: MemoryCluster, wanted: Object) -> Object:
    """Run a pod to its end."""
    cluster.objects.create("pods", "default", wanted)

    def ended() -> Object | None:
        found = cluster.objects.get("pods", "default", "p")
        return found if found and found["status"]["phase"] in ("Succeeded", "Failed") else None

    found: Object = eventually(ended, 20)
    return found


def log(cluster: MemoryCluster, found: Object) -> str:
    kept = cluster.core.book.of(found["metadata"]["uid"], "c")
    assert kept is not None
    return b"".join(line for _, line in kept.lines).decode()


def test_a_pod_finds_its_volumes_environment_and_inits_done(cluster: MemoryCluster) -> None:
    cluster.objects.create(
        "secrets", "default", {"metadata": {"name": "s"}, "stringData": {"k": "v"}}
    )
    env = [
        {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "BOTH", "value": "$(WHO)-$(KEY)"},
    ]
    first = {"name": "i", "image": "any", "command": ["sh", "-c", "echo made > /work/x"]}
    main = {"command": ["sh", "-c", "cat /work/x; echo $BOTH"], "env": env, "volumeMounts": [WORK]}

    found = run(
        cluster,
        pod(
            main,
            initContainers=[{**first, "volumeMounts": [WORK]}],
            volumes=[{"name": "work", "emptyDir": {}}],
        ),
    )

    assert found["status"]["phase"] == "Succeeded"
    assert log(cluster, found) == "made\np-v\n"


def test_an_end_is_told_with_code_and_message(cluster: MemoryCluster) -> None:
    script = "echo why > /dev/termination-log; exit 3"

    found = run(cluster, pod({"command": ["sh", "-c", script]}))

    state = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert found["status"]["phase"] == "Failed"
    assert (state["exitCode"], state["reason"], state["message"]) == (3, "Error", "why\n")


def test_a_pod_that_is_deleted_may_say_goodbye(cluster: MemoryCluster) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    made = cluster.objects.create("pods", "default", pod({"command": ["sh", "-c", script]}))
    eventually(lambda: "up" in log(cluster, made), 20)

    cluster.objects.delete("pods", "default", "p")
    eventually(lambda: cluster.objects.get("pods", "default", "p") is None, 20)

    assert log(cluster, made) == "up\nbye\n"


def test_a_service_is_found_by_its_name(cluster: MemoryCluster) -> None:
    ports = [{"port": 80, "targetPort": 8080}]
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    cluster.objects.create("services", "default", service)
    server = {
        "command": [sys.executable, "-m", "http.server", "--bind", "0.0.0.0", "8080"],
        "readinessProbe": {"tcpSocket": {"port": 8080}},
    }
    web = pod(server)
    web["metadata"] = {"name": "web", "labels": {"app": "web"}}
    cluster.objects.create("pods", "default", web)
    eventually(lambda: cluster.processes.address("default", "web", 80), 20)
    script = "import urllib.request as r; print(r.urlopen('http://web.default.svc').status)"

    found = run(cluster, pod({"command": ["python", "-c", script]}))

    assert log(cluster, found) == "200\n"
