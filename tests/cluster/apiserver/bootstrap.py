"""What a new cluster holds: its namespaces and the roles that every cluster has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.apiserver.access import RBAC
from tests.cluster.apiserver.store import clone

if TYPE_CHECKING:
    from tests.cluster.apiserver.api import Api

Object = dict[str, Any]
READ = ["get", "list", "watch"]
WRITE = ["create", "delete", "deletecollection", "patch", "update"]


def _rule(group: str, resources: str, verbs: list[str]) -> Object:
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs}


VIEWED = [
    _rule(
        "",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
        "replicationcontrollers "
        "replicationcontrollers/scale serviceaccounts services services/status bindings "
        "events limitranges "
        "namespaces/status pods/log pods/status replicationcontrollers/status "
        "resourcequotas resourcequotas/status namespaces",
        READ,
    ),
    _rule("discovery.k8s.io", "endpointslices", READ),
    _rule(
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale "
        "deployments/status replicasets "
        "replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
        READ,
    ),
    _rule("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", READ),
    _rule("batch", "cronjobs cronjobs/status jobs jobs/status", READ),
    _rule("policy", "poddisruptionbudgets poddisruptionbudgets/status", READ),
    _rule("networking.k8s.io", "ingresses ingresses/status networkpolicies", READ),
]
EDITED = [
    _rule("", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", READ),
    _rule("", "serviceaccounts", ["impersonate"]),
    _rule("", "pods pods/attach pods/exec pods/portforward pods/proxy", WRITE),
    _rule("", "pods/eviction", ["create"]),
    _rule(
        "",
        "configmaps events persistentvolumeclaims replicationcontrollers "
        "replicationcontrollers/scale secrets "
        "serviceaccounts services services/proxy",
        WRITE,
    ),
    _rule("", "serviceaccounts/token", ["create"]),
    _rule(
        "apps",
        (
            "daemonsets deployments deployments/rollback deployments/scale replicasets "
            "replicasets/scale statefulsets statefulsets/scale"
        ),
        WRITE,
    ),
    _rule("autoscaling", "horizontalpodautoscalers", WRITE),
    _rule("batch", "cronjobs jobs", WRITE),
    _rule("policy", "poddisruptionbudgets", WRITE),
    _rule("networking.k8s.io", "ingresses networkpolicies", WRITE),
    _rule("coordination.k8s.io", "leases", [*READ, *WRITE]),
]
ADMINISTERED = [
    _rule("authorization.k8s.io", "localsubjectaccessreviews", ["create"]),
    _rule(RBAC, "rolebindings roles", [*READ, *WRITE]),
]
DISCOVERED = [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
]

ROLES: dict[str, list[Object]] = {
    "cluster-admin": [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ],
    "system:aggregate-to-view": VIEWED,
    "system:aggregate-to-edit": EDITED,
    "system:aggregate-to-admin": ADMINISTERED,
    "system:discovery": [{"nonResourceURLs": DISCOVERED, "verbs": ["get"]}],
    "system:basic-user": [
        _rule(
            "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", ["create"]
        ),
        _rule("authentication.k8s.io", "selfsubjectreviews", ["create"]),
    ],
    "system:auth-delegator": [
        _rule("authentication.k8s.io", "tokenreviews", ["create"]),
        _rule("authorization.k8s.io", "subjectaccessreviews", ["create"]),
    ],
    "system:service-account-issuer-discovery": [
        {
            "nonResourceURLs": ["/.well-known/openid-configuration", "/openid/v1/jwks"],
            "verbs": ["get"],
        }
    ],
}
AGGREGATED = {"view": ["view"], "edit": ["edit", "view"], "admin": ["admin", "edit", "view"]}
BOUND = {
    "cluster-admin": "system:masters",
    "system:discovery": "system:authenticated",
    "system:basic-user": "system:authenticated",
    "system:service-account-issuer-discovery": "system:serviceaccounts",
}


def install(api: Api) -> None:
    """Put into a new store what a new cluster holds."""

    def create(group: str, plural: str, document: Object) -> None:
        kind = api.registry.any_version(group, plural)
        assert kind is not None
        whole = {"apiVersion": kind.api_version, "kind": kind.kind, **clone(document)}
        meta = whole["metadata"]
        meta.update(
            uid=f"00000000-0000-4000-8000-{api.store.version:012d}",
            creationTimestamp=api.writer.now(),
        )
        api.store.put(kind.resource, whole)

    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        create(
            "",
            "namespaces",
            {
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )
    for name, rules in ROLES.items():
        labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
        if name.startswith("system:aggregate-to-"):
            labels[f"rbac.authorization.k8s.io/aggregate-to-{name.rpartition('-')[2]}"] = "true"
        create(RBAC, "clusterroles", {"metadata": {"name": name, "labels": labels}, "rules": rules})
    for name, parts in AGGREGATED.items():
        selectors = [
            {"matchLabels": {f"rbac.authorization.k8s.io/aggregate-to-{part}": "true"}}
            for part in parts
        ]
        create(
            RBAC,
            "clusterroles",
            {
                "metadata": {"name": name},
                "aggregationRule": {"clusterRoleSelectors": selectors},
                "rules": [],
            },
        )
    for name, group in BOUND.items():
        reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
        subject = {"apiGroup": RBAC, "kind": "Group", "name": group}
        create(
            RBAC,
            "clusterrolebindings",
            {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]},
        )
