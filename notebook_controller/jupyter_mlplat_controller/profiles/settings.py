"""What an administrator decides for all profiles at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_mlplat.resources.base import JsonValue

MANAGER = "jupyter-mlplat"
GROUP = "mlplat.jupyter.org"

CONTRIBUTORS = f"{GROUP}/contributors"
LIMITS = f"{GROUP}/limits"
EGRESS = f"{GROUP}/egress"
GATEWAY = f"{GROUP}/gateway"
PROFILE = f"{GROUP}/profile"
COMPONENT = "app.kubernetes.io/component"
MANAGED_BY = "app.kubernetes.io/managed-by"
NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label by which Kubernetes itself names every namespace; nobody can forge it."""

NAMESPACE_LABELS = {
    "app.kubernetes.io/part-of": "kubeflow-profile",
    "katib.kubeflow.org/metrics-collector-injection": "enabled",
    "serving.kubeflow.org/inferenceservice": "enabled",
    "pipelines.kubeflow.org/enabled": "true",
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/audit": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}
"""Upstream's, without Istio's, and the standard that every pod of ours passes."""

Peer = Mapping[str, JsonValue]

_CLUSTER_DNS: tuple[Peer, ...] = (
    {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    },
    {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: "openshift-dns"}}},
    {"ipBlock": {"cidr": "169.254.20.10/32"}},
)
"""CoreDNS where Kubernetes and OpenShift put it, and the address of a cache on each node."""


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """How namespaces of profiles are made.

    Attributes:
        system_namespace: Where controller and engine run.
        engine_port: Where the engine listens.
        exchange_port: Where it listens to the pods of its steps.
        labels: Set on namespaces, unless a namespace says otherwise.
        default_requests: What a container gets that asks for nothing: a quota demands requests.
        default_limits: What such a container may use at most.
        dns: Who answers for names.
        api_server: Addresses of the API server, for profiles that ask for it.
        reserved: Names no profile may have, besides those that belong to Kubernetes.
    """

    system_namespace: str = "mlplat-system"
    engine_port: int = 8787
    exchange_port: int = 8899
    labels: Mapping[str, str] = field(default_factory=lambda: NAMESPACE_LABELS)
    default_requests: Mapping[str, str] = field(
        default_factory=lambda: {"cpu": "100m", "memory": "256Mi"}
    )
    default_limits: Mapping[str, str] = field(default_factory=lambda: {"cpu": "2", "memory": "4Gi"})
    dns: tuple[Peer, ...] = _CLUSTER_DNS
    api_server: tuple[str, ...] = ()
    reserved: frozenset[str] = frozenset(
        {"default", "kubeflow", "istio-system", "knative-serving", "cert-manager"}
    )
