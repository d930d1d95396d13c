"""The controller as a process, on an API server, with no more rights than it declares."""

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client

from jupyter_mlplat_controller.permissions import CALLS
from tests.cluster.cluster import Cluster, eventually
from tests.cluster.memory import MemoryCluster

ACCOUNT = "system:serviceaccount:jupyter-mlplat:controller"
RBAC = "rbac.authorization.k8s.io"
SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definition(group: str, version: str, kind: str, plural: str, scope: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"spec": SCHEMA, "status": SCHEMA},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, of a test"},
        },
        "spec": {
            "group": group,
            "scope": scope,
            "names": {
                "kind": kind,
                "plural": plural,
                "singular": kind.lower(),
                "listKind": f"{kind}List",
            },
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
            ],
        },
    }


DEFINITIONS = (
    definition("kubeflow.org", "v1", "Notebook", "notebooks", "Namespaced"),
    definition("kubeflow.org", "v1alpha1", "PodDefault", "poddefaults", "Namespaced"),
    definition("mlplat.jupyter.org", "v1alpha1", "ServerKind", "serverkinds", "Cluster"),
)
KIND = {
    "apiVersion": "mlplat.jupyter.org/v1alpha1",
    "kind": "ServerKind",
    "metadata": {"name": "gpu"},
    "spec": {
        "images": [{"name": "lab", "image": "registry.example.org/lab:1"}],
        "gpus": [{"name": "any", "default": 1}],
        "cpu": {"default": "100m", "most": "4"},
        "memory": {"default": "128Mi", "most": "8Gi"},
        "home": {"size": "1Gi"},
    },
}


class Desk:
    """What a user and an administrator do in a cluster."""

    def __init__(self, cluster: Any, namespace: str) -> None:
        self.api = cluster.api()
        self.custom = client.CustomObjectsApi(self.api)
        self.core = client.CoreV1Api(self.api)
        self.apps = client.AppsV1Api(self.api)
        self.namespace = namespace

    def prepare(self) -> None:
        """Install definitions, the namespaces, and rights that are just those declared."""
        extensions = client.ApiextensionsV1Api(self.api)
        made: list[tuple[Callable[..., Any], Any]] = [
            (extensions.create_custom_resource_definition, each) for each in DEFINITIONS
        ]
        for name in ("jupyter-mlplat", self.namespace):
            metadata = {"name": name}
            made.append((self.core.create_namespace, {"metadata": metadata}))
        rules = [
            {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
            for verb, group, resource in sorted(CALLS)
        ]
        role = {"metadata": {"name": "controller"}, "rules": rules}
        binding = {
            "metadata": {"name": "controller"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "controller"},
            "subjects": [
                {"kind": "ServiceAccount", "name": "controller", "namespace": "jupyter-mlplat"}
            ],
        }
        rbac = client.RbacAuthorizationV1Api(self.api)
        made += [(rbac.create_cluster_role, role), (rbac.create_cluster_role_binding, binding)]

        def account(body: Any) -> None:
            self.core.create_namespaced_service_account("jupyter-mlplat", body)

        made.append((account, {"metadata": {"name": "controller"}}))
        for create, body in made:
            try:
                create(body)
            except client.ApiException as error:
                if error.status != 409:
                    raise

        def offer() -> bool:
            try:
                self.custom.create_cluster_custom_object(
                    "mlplat.jupyter.org", "v1alpha1", "serverkinds", KIND
                )
            except client.ApiException as error:
                return error.status == 409
            return True

        eventually(offer)

    def ask(self, name: str, kind: str | None = "gpu") -> None:
        notes = {"mlplat.jupyter.org/server-kind": kind} if kind else {}
        container = {"name": name, "image": "ghcr.io/kubeflow/jupyter:latest"}
        body = {
            "apiVersion": "kubeflow.org/v1",
            "kind": "Notebook",
            "metadata": {"name": name, "annotations": notes},
            "spec": {"template": {"spec": {"containers": [container]}}},
        }
        self.custom.create_namespaced_custom_object(
            "kubeflow.org", "v1", self.namespace, "notebooks", body
        )

    def note(self, name: str, **notes: str | None) -> None:
        body = {"metadata": {"annotations": notes}}
        self.custom.patch_namespaced_custom_object(
            "kubeflow.org", "v1", self.namespace, "notebooks", name, body
        )

    def delete(self, name: str) -> None:
        self.custom.delete_namespaced_custom_object(
            "kubeflow.org", "v1", self.namespace, "notebooks", name
        )

    def said(self, name: str) -> tuple[str, str]:
        found = self.custom.get_namespaced_custom_object(
            "kubeflow.org", "v1", self.namespace, "notebooks", name
        )
        for each in found.get("status", {}).get("conditions", []):
            if each["type"] == "ServerReady":
                return each["reason"], each["message"]
        return "", ""

    def until(self, name: str, reason: str) -> str:
        """Wait until a server is said to be so, and return the words."""
        eventually(lambda: self.said(name)[0] == reason, timeout_s=20)
        return self.said(name)[1]


@contextmanager
def controller(cluster: Any, log: Path, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlplat_controller", *flags],
            env=cluster.environment(ACCOUNT),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            finally:
                print(log.read_text()[-4000:])
    assert process.returncode == 0


def test_a_gpu_goes_from_who_stops_to_who_waits(
    memory_cluster: MemoryCluster, tmp_path: Path, unused_tcp_port: int
) -> None:
    memory_cluster.add_node("gpu-1", gpus=1)
    desk = Desk(memory_cluster, "ada")
    desk.prepare()
    with controller(memory_cluster, tmp_path / "log", "--port", str(unused_tcp_port)):
        desk.ask("one")
        assert desk.until("one", "Ready") == "It is running."
        desk.ask("two")
        desk.until("two", "WaitingForGpu")
        eventually(lambda: "1 of 1 in use" in desk.said("two")[1])
        desk.note("one", **{"kubeflow-resource-stopped": "2026-01-05T08:00:00Z"})
        desk.until("one", "Stopped")
        desk.until("two", "Ready")
        claims = desk.core.list_namespaced_persistent_volume_claim("ada").items
        assert {claim.metadata.name for claim in claims} == {"one-home", "two-home"}
        desk.delete("two")
        eventually(
            lambda: (
                [each.metadata.name for each in desk.core.list_namespaced_pod("ada").items] == []
            )
        )
        names = [each.metadata.name for each in desk.apps.list_namespaced_stateful_set("ada").items]
        assert names == ["one"]
        with urllib.request.urlopen(f"http://127.0.0.1:{unused_tcp_port}/metrics") as answer:
            figures = answer.read().decode()
        assert 'notebook_create_total{namespace="ada"} 2.0' in figures
        assert "mlplat_controller_leads 1.0" in figures
    refused = [call for call in memory_cluster.calls if call.code == 403]
    assert refused == []
    used = {
        (
            call.verb,
            call.group,
            f"{call.resource}/{call.subresource}" if call.subresource else call.resource,
        )
        for call in memory_cluster.calls
        if call.user == ACCOUNT and call.resource
    }
    assert used <= CALLS
    lease = client.CoordinationV1Api(memory_cluster.api()).read_namespaced_lease(
        "jupyter-mlplat-controller", "jupyter-mlplat"
    )
    assert not lease.spec.holder_identity  # given back, so that another may lead at once


def test_a_server_is_made_of_what_it_should_be(cluster: Cluster, tmp_path: Path) -> None:
    desk = Desk(cluster, "made-of")
    desk.prepare()
    with controller(cluster, tmp_path / "log", "--port", "0"):
        desk.ask("hand", kind=None)
        desk.ask("typo", kind="gpuu")
        assert "Choose one of: gpu" in desk.until("typo", "UnknownKind")
        eventually(lambda: desk.said("hand")[0])
        found = desk.apps.read_namespaced_stateful_set("hand", "made-of")
        assert found.spec.replicas == 1
        service = desk.core.read_namespaced_service("hand", "made-of")
        assert (service.spec.ports[0].port, service.spec.ports[0].target_port) == (80, 8888)
        policies = client.NetworkingV1Api(desk.api)
        assert policies.read_namespaced_network_policy("hand", "made-of")
        before = found.metadata.resource_version, service.metadata.resource_version
        desk.ask("other", kind=None)
        eventually(lambda: desk.said("other")[0])
        after = desk.apps.read_namespaced_stateful_set("hand", "made-of").spec.template
        assert after == found.spec.template
        assert (
            desk.core.read_namespaced_service("hand", "made-of").metadata.resource_version
            == (before[1])
        )
        desk.delete("hand")


def test_names_that_services_cannot_have_are_served(
    memory_cluster: MemoryCluster, tmp_path: Path
) -> None:
    desk = Desk(memory_cluster, "ada")
    desk.prepare()
    names = ["n" * 60, "1-starts-with-a-digit"]
    with controller(memory_cluster, tmp_path / "log", "--port", "0", "--lease", ""):
        for name in names:
            desk.ask(name, kind=None)
        for name in names:
            desk.until(name, "Ready")
