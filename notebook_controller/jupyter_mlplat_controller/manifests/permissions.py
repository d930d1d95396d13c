"""What may be done in a cluster, by whom, and what for.

A test replays the calls of the controller's tests against these: each is allowed, none is left
over. The controller reads no secret, enters no pod, impersonates nobody, and may neither `escalate`
nor `bind`: it binds only roles whose rights it holds itself (see `GRANT`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat_controller.permissions import (
    CALLS,
    PROFILE_CALLS,
    WORKSPACE_CALLS,
    Calls,
)

Manifest = dict[str, JsonValue]

AGGREGATE = "mlplat.jupyter.org/aggregate-to-profile-"
"""Before a role's short name: what bears the label with the value `true` is added to that role."""
GRANT = "mlplat.jupyter.org/aggregate-to-grants"
"""What bears this one is added to what the controller holds, as are all roles of profiles: only
what one holds oneself may be bound without the verb `bind`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Verbs on resources of one group; `why` is for who reviews them."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str = ""

    def to_manifest(self) -> Manifest:
        """Write it as a ClusterRole has it."""
        return {
            "apiGroups": [self.group],
            "resources": [*self.resources],
            "verbs": [*self.verbs],
        }


def rule(group: str, resources: str, verbs: str, why: str) -> Rule:
    """Write a rule with words for lists."""
    return Rule(group, tuple(resources.split()), tuple(verbs.split()), why)


RBAC = "rbac.authorization.k8s.io"
_READ = "get list watch"
_WRITE = "create update patch delete"

_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
_ROUTES = ("ingresses", "httproutes")
_LEASES = ("leases",)


def rules_of(calls: Calls) -> tuple[Rule, ...]:
    """Write what is called as rules: resources with the same verbs together."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for verb, group, resource in calls:
        verbs.setdefault((group, resource), set()).add(verb)
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), said in sorted(verbs.items()):
        ordered = tuple(verb for verb in _VERBS if verb in said)
        together.setdefault((group, ordered), []).append(resource)
    return tuple(
        Rule(group, tuple(resources), said) for (group, said), resources in together.items()
    )


def _about(calls: Calls, resources: Iterable[str]) -> Calls:
    return frozenset(call for call in calls if call[2] in resources)


CONTROLLER = rules_of((CALLS | WORKSPACE_CALLS) - _about(CALLS, (*_ROUTES, *_LEASES)))
"""For notebooks and workspaces; in every overlay."""

ELECTION = rules_of(_about(CALLS, _LEASES))
"""In the controller's own namespace only."""

ROUTES = rules_of(_about(CALLS, _ROUTES))
"""On top, where the controller is set up to lead routes to servers."""

PROFILES = rules_of(PROFILE_CALLS)
"""On top, where profiles are installed."""

ENGINE = (
    rule("batch", "jobs", "get list watch create patch delete", "steps, ranks, trials"),
    rule("", "pods", "get list watch delete", "states and reasons"),
    rule("", "pods/log", "get", "what they write"),
    rule("", "events", "list watch", "why a pod does not start"),
    rule("", "services", "get list create patch delete", "ranks find one another; endpoints"),
    rule("", "configmaps", "get create patch delete", "a router's table"),
    rule("", "secrets", "create patch delete", "a token for each attempt; none is read"),
    rule("apps", "deployments", "get list watch create patch delete", "endpoints"),
    rule("autoscaling", "horizontalpodautoscalers", "get list create patch delete", "endpoints"),
    rule("networking.k8s.io", "networkpolicies", "get create patch delete", "endpoints"),
    rule("kubeflow.org", "notebooks", f"{_READ} create patch delete", "the section Servers"),
)
"""Of the engine, in namespaces where it may work."""

REVIEWS = (
    rule("authorization.k8s.io", "subjectaccessreviews", "create", "may this user do that"),
    rule("mlplat.jupyter.org", "serverkinds", _READ, "what users may choose"),
    rule("kubeflow.org", "profiles", _READ, "whose namespaces there are"),
)
"""Of the engine, in the whole cluster."""

OURS = (
    "artifacts documents endpoints engine events experiments gc gpus images inventory jobs kfp "
    "leases lineage mlflow models pipelines places profiles runs schedules search secrets "
    "server-kinds servers steps train-runtimes"
)
"""Resources of ours that only the engine serves: it asks the cluster who may do what with them."""

_KINDS = "notebooks poddefaults workspaces"

OUR_VIEW = (
    rule("kubeflow.org", _KINDS, _READ, "servers"),
    rule("mlplat.jupyter.org", OURS, "get", "look at what the engine keeps"),
)
OUR_EDIT = (
    rule("kubeflow.org", _KINDS, _WRITE, "servers"),
    rule("mlplat.jupyter.org", OURS, "update", "run, train, deploy"),
)
OUR_ADMIN = (rule("mlplat.jupyter.org", OURS, "manage", "decide for others"),)
"""Added to the cluster's own roles view, edit and admin, and to those of profiles."""

VIEW = (
    rule(
        "",
        "pods services events persistentvolumeclaims configmaps resourcequotas limitranges "
        "serviceaccounts",
        _READ,
        "how servers and runs are",
    ),
    rule("", "pods/log", "get", "what they write"),
    rule("apps", "deployments statefulsets", _READ, "how servers and endpoints are"),
    rule("batch", "jobs", _READ, "how runs are"),
)
EDIT = (
    rule("", "persistentvolumeclaims configmaps", _WRITE, "data and settings"),
    rule("", "pods", "delete", "restart what hangs"),
)
"""Added to the roles of profiles. Secrets are not among them: an administrator may add them."""


def cluster_role(
    name: str, rules: Iterable[Rule], labels: dict[str, str] | None = None
) -> Manifest:
    """Write a ClusterRole."""
    metadata: Manifest = {"name": name}
    if labels:
        metadata["labels"] = {**labels}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": [one.to_manifest() for one in rules],
    }


def aggregated(name: str, *labels: str) -> Manifest:
    """Write a ClusterRole that is the sum of those that bear one of some labels.

    Its rules are the cluster's to write: said here, they would be taken away at every upgrade.
    """
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "aggregationRule": {
            "clusterRoleSelectors": [{"matchLabels": {label: "true"}} for label in labels]
        },
    }


def binding(kind: str, name: str, role: Manifest, account: str, namespace: str) -> Manifest:
    """Bind a role to a service account, in the cluster or in the namespace of the overlay."""
    metadata = role["metadata"]
    assert isinstance(metadata, dict)  # noqa: S101 - we wrote it
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": role["kind"], "name": metadata["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
