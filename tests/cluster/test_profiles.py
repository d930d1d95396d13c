"""Installed as our manifests say, and run with just their rights: profiles and workspaces."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.errors import Forbidden
from jupyter_mlplat.resources.servers import Contributor, ProfileState
from jupyter_mlplat_controller.admin.connection import Cluster, Connection
from jupyter_mlplat_controller.admin.installing import install, objects_of
from jupyter_mlplat_controller.admin.profiles import create_profile, delete_profile
from jupyter_mlplat_controller.permissions import CALLS, PROFILE_CALLS, WORKSPACE_CALLS
from tests.cluster.cluster import eventually, write_kubeconfig
from tests.cluster.memory import MemoryCluster
from tests.unit.profiles.test_workspaces import workspace, workspace_kind

ACCOUNT = "system:serviceaccount:mlplat-system:mlplat-controller"
ENGINE = "system:serviceaccount:mlplat-system:mlplat-engine"


@contextmanager
def controller(cluster: MemoryCluster, log: Path) -> Iterator[None]:
    settings = {
        "MLPLAT_CONTROLLER_OWN_NAMESPACE": "mlplat-system",
        "MLPLAT_CONTROLLER_PROFILES": "true",
        "MLPLAT_CONTROLLER_WORKSPACES": "true",
        "MLPLAT_CONTROLLER_PORT": "0",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlplat_controller"],
            env={**os.environ, **cluster.environment(ACCOUNT), **settings},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            print(log.read_text()[-4000:])


def may(cluster: Cluster, user: str, verb: str, resource: str, namespace: str) -> bool:
    group, _, plural = resource.rpartition("/")
    attributes = {"group": group, "resource": plural, "verb": verb, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(cluster.api.call("POST", path, review)["status"]["allowed"])


def test_profile_and_workspace_live_with_the_rights_that_are_installed(
    memory_cluster: MemoryCluster, tmp_path: Path
) -> None:
    cluster = Cluster(Connection(kubeconfig=str(memory_cluster.kubeconfig)))
    install(cluster, objects_of("profiles"), is_dry=False)

    with controller(memory_cluster, tmp_path / "log"):
        made = create_profile(
            cluster,
            "ann",
            "ann@x",
            contributors=[Contributor(user="bob", role="view")],
            quota={"requests.nvidia.com/gpu": "1"},
        )
        assert made.state == ProfileState.READY, made.message

        def reviews() -> bool:
            return may(cluster, "ann@x", "create", "kubeflow.org/notebooks", "ann")

        eventually(reviews)
        assert may(cluster, "ann@x", "manage", "mlplat.jupyter.org/runs", "ann")
        assert not may(cluster, "ann@x", "create", "kubeflow.org/notebooks", "default")
        assert may(cluster, "bob", "get", "mlplat.jupyter.org/runs", "ann")
        assert not may(cluster, "bob", "update", "mlplat.jupyter.org/runs", "ann")
        assert may(cluster, ENGINE, "create", "batch/jobs", "ann")
        assert not may(cluster, ENGINE, "create", "batch/jobs", "kube-system")
        assert may(cluster, ENGINE, "create", "authorization.k8s.io/subjectaccessreviews", "")

        claims = [{**_claim("home")}, {**_claim("data")}]
        for one in (workspace_kind(), *claims, workspace()):
            body = {**one, "metadata": {k: v for k, v in one["metadata"].items()
                                        if k in ("name", "namespace")}}  # fmt: skip
            cluster.apply(body)
        path = "/apis/kubeflow.org/v1beta1/namespaces/ann/workspaces/lab"

        def told() -> Any:
            status = cluster.api.call("GET", path).get("status") or {}
            return status.get("stateMessage") if status.get("state") != "Pending" else None

        message = eventually(told, timeout_s=30)
        assert message
        delete_profile(cluster, "ann")
        eventually(
            lambda: (
                not [one for one in cluster.list("v1", "Namespace")
                     if one["metadata"]["name"] == "ann"]
            ),
            timeout_s=30,
        )  # fmt: skip

    calls = [call for call in memory_cluster.calls if call.user == ACCOUNT and call.resource]
    assert [call for call in calls if call.code == 403] == []
    used = {
        (
            call.verb,
            call.group,
            f"{call.resource}/{call.subresource}" if call.subresource else call.resource,
        )
        for call in calls
    }
    assert used <= CALLS | PROFILE_CALLS | WORKSPACE_CALLS


def test_controller_cannot_lift_itself(memory_cluster: MemoryCluster, tmp_path: Path) -> None:
    admin = Cluster(Connection(kubeconfig=str(memory_cluster.kubeconfig)))
    install(admin, objects_of("profiles"), is_dry=False)
    address = admin.api.where
    token = memory_cluster.token(ACCOUNT)
    given = write_kubeconfig(tmp_path / "config", address, token, _authority(memory_cluster))
    itself = Cluster(Connection(kubeconfig=str(given)))
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "more", "namespace": "mlplat"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "User", "name": "eve", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    place = "/apis/rbac.authorization.k8s.io/v1/namespaces/mlplat/rolebindings"

    with pytest.raises(Forbidden):
        itself.api.call("POST", place, binding)
    with pytest.raises(Forbidden):
        itself.api.call("GET", "/api/v1/namespaces/mlplat/secrets")
    role = {**binding["roleRef"], "name": "mlplat-profile-admin"}
    assert itself.api.call("POST", place, {**binding, "roleRef": role})["metadata"]["uid"]


def _claim(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "ann"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def _authority(cluster: MemoryCluster) -> Path | None:
    import yaml

    found = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    authority = found.get("certificate-authority")
    return Path(authority) if authority else None
