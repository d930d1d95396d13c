"""What people may do in a profile, as a cluster's roles say."""

import pytest
from kubernetes import client

from jupyter_mlplat.engine.api.identity import User
from jupyter_mlplat.engine.api.permissions import Permissions
from jupyter_mlplat.errors import Forbidden, Unavailable
from jupyter_mlplat.launchers.kubernetes.reviewing import ClusterReviewer
from jupyter_mlplat.ports.reviewing import GROUP
from jupyter_mlplat.resources.routes import BY_NAME
from tests.cluster.cluster import Cluster
from tests.cluster.memory import MemoryCluster

ROLES = "rbac.authorization.k8s.io"


def allow(cluster: Cluster, namespace: str, subject: dict[str, str], verbs: list[str]) -> None:
    api = cluster.api()
    client.CoreV1Api(api).create_namespace({"metadata": {"name": namespace}})
    rbac = client.RbacAuthorizationV1Api(api)
    rules = [{"apiGroups": [GROUP], "resources": ["*"], "verbs": verbs}]
    name = {"metadata": {"name": "mlplat"}}
    rbac.create_namespaced_role(namespace, {**name, "rules": rules})
    reference = {"apiGroup": ROLES, "kind": "Role", "name": "mlplat"}
    subjects = [{"apiGroup": ROLES, **subject}]
    rbac.create_namespaced_role_binding(
        namespace, {**name, "roleRef": reference, "subjects": subjects}
    )


async def test_roles_of_the_cluster_decide(api_server: MemoryCluster) -> None:
    allow(api_server, "anna", {"kind": "User", "name": "anna"}, ["get", "update"])
    allow(api_server, "team", {"kind": "Group", "name": "staff"}, ["get"])
    reviewer = ClusterReviewer(api_server.kubeconfig)
    permissions = Permissions(reviewer)
    anna, bea = User("anna", ("staff",)), User("bea", ("staff",))

    await permissions.check(anna, "anna", BY_NAME["runs.submit"])
    await permissions.check(bea, "team", BY_NAME["runs.list"])
    for user, profile, route in (
        (anna, "anna", "gc.run"),
        (anna, "team", "runs.submit"),
        (bea, "anna", "runs.list"),
        (bea, "nowhere", "events.watch"),
    ):
        with pytest.raises(Forbidden, match=f"'{user.name}' may not"):
            await permissions.check(user, profile, BY_NAME[route])
    await reviewer.close()


async def test_nobody_passes_while_the_cluster_is_away() -> None:
    with MemoryCluster(actors=False, storage=False) as cluster:
        allow(cluster, "anna", {"kind": "User", "name": "anna"}, ["get"])
        reviewer = ClusterReviewer(cluster.kubeconfig)
        permissions = Permissions(reviewer)
        await permissions.check(User("anna"), "anna", BY_NAME["runs.list"])

    with pytest.raises(Unavailable, match="API server does not answer"):
        await permissions.check(User("anna"), "anna", BY_NAME["models.list"])
    await reviewer.close()
