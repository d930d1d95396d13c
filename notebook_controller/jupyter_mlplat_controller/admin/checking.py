"""What a cluster has and what it lacks, in words."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jupyter_mlplat.errors import Forbidden, NotFound, PlatformError
from jupyter_mlplat.kit.quantities import format_bytes, format_count, parse_quantity
from jupyter_mlplat_controller.admin.connection import Cluster, Manifest
from jupyter_mlplat_controller.manifests.workloads import CONTROLLER, ENGINE, PART_OF, SYSTEM
from jupyter_mlplat_controller.profiles.settings import MANAGED_BY, MANAGER

OLDEST = (1, 28)
"""Server-side apply of every field and Pod Security are settled since then."""


class Verdict(StrEnum):
    FINE = "fine"
    MISSING = "missing"  # it will not work
    WARNING = "warning"  # it works, with less
    UNKNOWN = "unknown"  # the API cannot tell, or we may not ask


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What, in a word or two.
        verdict: How it is.
        found: What was found, for people.
        advice: What to do about it; empty: nothing.
    """

    subject: str
    verdict: Verdict
    found: str
    advice: str = ""

    def to_wire(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "subject": self.subject,
            "verdict": self.verdict.value,
            "found": self.found,
            "advice": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one cluster."""

    where: str
    findings: tuple[Finding, ...]

    @property
    def is_fit(self) -> bool:
        """Tell whether nothing is missing."""
        return all(finding.verdict != Verdict.MISSING for finding in self.findings)

    def to_wire(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "where": self.where,
            "fit": self.is_fit,
            "findings": [finding.to_wire() for finding in self.findings],
        }


Look = Callable[[Cluster], Iterator[Finding]]

_INSTALLING = (
    ("", "namespaces", "create"),
    ("", "serviceaccounts", "create"),
    ("", "persistentvolumeclaims", "create"),
    ("apps", "deployments", "create"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "create"),
    ("rbac.authorization.k8s.io", "clusterroles", "create"),
    ("rbac.authorization.k8s.io", "clusterroles", "escalate"),
    ("rbac.authorization.k8s.io", "clusterrolebindings", "create"),
    ("networking.k8s.io", "networkpolicies", "create"),
    ("mlplat.jupyter.org", "serverkinds", "create"),
)
_OPERATORS = (
    ("Trainer", "trainer.kubeflow.org", "TrainJobs can be handed to it."),
    ("Kueue", "kueue.x-k8s.io", "Server kinds may name a queue (overlay kueue)."),
    ("KServe", "serving.kserve.io", "InferenceServices can be handed to it."),
    ("Gateway API", "gateway.networking.k8s.io", "Servers can get an HTTPRoute."),
)
_NOT_NEEDED = "Not there, not needed."
_ENFORCERS = ("calico", "cilium", "antrea", "weave", "kube-router", "ovn", "azure-npm", "aws-node")
_LAX = ("flannel", "kindnet")
_DEVICE = re.compile(r"^(?:[a-z0-9.-]+/)(?:.*gpu.*|mig-.*|gaudi|tpu|neuron.*)$")


def check(cluster: Cluster) -> Report:
    """Look at a cluster; what may not be looked at is told as unknown.

    Raises:
        Unavailable: It does not answer.
        Unauthenticated: It does not know who we are.
    """
    findings: list[Finding] = [*_version(cluster)]
    for subject, look in _LOOKS.items():
        try:
            findings += look(cluster)
        except Forbidden as error:
            findings.append(
                Finding(subject, Verdict.UNKNOWN, "You may not look at it.", error.message)
            )
        except PlatformError as error:
            if error.status in (401, 503):
                raise
            findings.append(Finding(subject, Verdict.UNKNOWN, error.message))
    return Report(cluster.api.where, tuple(findings))


def _version(cluster: Cluster) -> Iterator[Finding]:
    answer = cluster.api.call("GET", "/version")
    found = str(answer.get("gitVersion", "?"))
    numbers = re.match(r"v?(\d+)\.(\d+)", found)
    if numbers is None:
        yield Finding("Kubernetes", Verdict.UNKNOWN, f"It calls itself {found!r}.")
    elif (int(numbers[1]), int(numbers[2])) < OLDEST:
        yield Finding(
            "Kubernetes",
            Verdict.MISSING,
            f"It is {found}.",
            f"Needed {OLDEST[0]}.{OLDEST[1]} or newer: upgrade the cluster.",
        )
    else:
        yield Finding("Kubernetes", Verdict.FINE, f"It is {found}.")


def _rights(cluster: Cluster) -> Iterator[Finding]:
    lacking = []
    for group, resource, verb in _INSTALLING:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"group": group, "resource": resource, "verb": verb}},
        }
        answer = cluster.api.call(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review
        )
        if not (answer.get("status") or {}).get("allowed"):
            lacking.append(f"{verb} {resource}")
    if lacking:
        yield Finding(
            "Your rights",
            Verdict.MISSING,
            f"You may not {', '.join(lacking)}.",
            "Install as somebody with the role cluster-admin.",
        )
    else:
        yield Finding("Your rights", Verdict.FINE, "You may install.")


@dataclass
class _Devices:
    nodes: int = 0
    most: int = 0
    products: Counter[str] = field(default_factory=Counter)
    taints: set[str] = field(default_factory=set)


def _nodes(cluster: Cluster) -> Iterator[Finding]:
    nodes = list(cluster.list("v1", "Node"))
    ready = [one for one in nodes if _condition(one, "Ready") == "True"]
    if not ready:
        yield Finding(
            "Nodes", Verdict.MISSING, f"None of {len(nodes)} is ready.", "See `kubectl get nodes`."
        )
        return
    cpu = sum(parse_quantity(_allocatable(one).get("cpu", "0")) for one in ready)
    memory = sum(parse_quantity(_allocatable(one).get("memory", "0")) for one in ready)
    yield Finding(
        "Nodes",
        Verdict.FINE,
        f"{format_count(len(ready), 'node')} ready, with {format_count(cpu, 'CPU')} and "
        f"{format_bytes(memory)} for pods.",
    )
    devices: dict[str, _Devices] = {}
    for one in ready:
        for name, amount in _allocatable(one).items():
            if not _DEVICE.match(name) or not parse_quantity(amount):
                continue
            kind = devices.setdefault(name, _Devices())
            count = int(parse_quantity(amount))
            kind.nodes, kind.most = kind.nodes + 1, max(kind.most, count)
            labels = one["metadata"].get("labels") or {}
            kind.products[labels.get("nvidia.com/gpu.product") or "unnamed"] += count
            kind.taints |= {
                str(taint.get("key"))
                for taint in (one.get("spec") or {}).get("taints") or ()
                if taint.get("effect") in ("NoSchedule", "NoExecute")
            }
    if not devices:
        yield Finding(
            "GPUs",
            Verdict.WARNING,
            "No node offers one.",
            "Where there are some, install the vendor's device plugin or GPU operator.",
        )
    for name, kind in sorted(devices.items()):
        products = ", ".join(f"{count} × {product}" for product, count in kind.products.items())
        taints = sorted(kind.taints)
        behind = f" Their nodes are tainted: {', '.join(taints)}." if taints else ""
        yield Finding(
            "GPUs",
            Verdict.FINE,
            f"{name}: {products}, at most {kind.most} on one node.{behind}",
            "A server kind for them tolerates these taints." if taints else "",
        )


def _storage(cluster: Cluster) -> Iterator[Finding]:
    classes = list(cluster.list("storage.k8s.io/v1", "StorageClass"))
    key = "storageclass.kubernetes.io/is-default-class"
    default = [
        one["metadata"]["name"]
        for one in classes
        if (one["metadata"].get("annotations") or {}).get(key) == "true"
    ]
    names = ", ".join(str(one["metadata"]["name"]) for one in classes)
    if default:
        yield Finding("Storage", Verdict.FINE, f"The default StorageClass is {default[0]!r}.")
    elif classes:
        yield Finding(
            "Storage",
            Verdict.MISSING,
            f"No StorageClass is the default; there are {names}.",
            f"Annotate one with {key}=true, or name one in every server kind (home.storage).",
        )
    else:
        yield Finding(
            "Storage",
            Verdict.MISSING,
            "There is no StorageClass: nobody can have a home, nor the engine a place for data.",
            "Install a provisioner, e.g. your cloud's CSI driver or local-path-provisioner.",
        )


def _network(cluster: Cluster) -> Iterator[Finding]:
    agents = [str(one["metadata"]["name"]) for one in cluster.list("apps/v1", "DaemonSet")]
    enforcer = next((name for name in agents for one in _ENFORCERS if one in name), None)
    lax = next((name for name in agents for one in _LAX if one in name), None)
    if enforcer is not None:
        yield Finding(
            "Network walls",
            Verdict.UNKNOWN,
            f"Probably enforced: {enforcer!r} runs, and can. The API does not say whether it does.",
            "Try it: docs/how-to/cluster.md, “Are the walls real?”",
        )
    elif lax is not None:
        yield Finding(
            "Network walls",
            Verdict.WARNING,
            f"Probably not enforced: {lax!r} runs the network, and ignores NetworkPolicies.",
            "Add a network plugin that enforces them before users who do not trust one another.",
        )
    else:
        yield Finding(
            "Network walls",
            Verdict.UNKNOWN,
            "The API does not say whether NetworkPolicies are enforced.",
            "Try it: docs/how-to/cluster.md, “Are the walls real?”",
        )


def _security(cluster: Cluster) -> Iterator[Finding]:
    key = "pod-security.kubernetes.io/enforce"
    ours = [
        one
        for one in cluster.list("v1", "Namespace")
        if (one["metadata"].get("labels") or {}).get(MANAGED_BY) == MANAGER
    ]
    lax = [
        str(one["metadata"]["name"])
        for one in ours
        if (one["metadata"].get("labels") or {}).get(key) != "restricted"
    ]
    if lax:
        yield Finding(
            "Pod Security",
            Verdict.WARNING,
            f"Not restricted: {', '.join(lax)}.",
            f"Label them {key}=restricted; every pod of ours passes.",
        )
    elif ours:
        yield Finding(
            "Pod Security", Verdict.FINE, f"All {len(ours)} namespaces of ours are restricted."
        )
    else:
        yield Finding("Pod Security", Verdict.FINE, "Our namespaces will be restricted.")


def _operators(cluster: Cluster) -> Iterator[Finding]:
    groups = cluster.groups()
    if "metrics.k8s.io" in groups:
        yield Finding("Metrics", Verdict.FINE, "The metrics API is there.")
    else:
        yield Finding(
            "Metrics",
            Verdict.WARNING,
            "There is no metrics API: endpoints do not scale by CPU.",
            "Install metrics-server.",
        )
    for name, group, use in _OPERATORS:
        is_there = group in groups
        yield Finding(
            name, Verdict.FINE, f"Is there. {use}" if is_there else "Not there, not needed."
        )
    has_katib = bool(cluster.kinds("kubeflow.org/v1beta1").get("Experiment"))
    yield Finding(
        "Katib",
        Verdict.FINE,
        "Is there. Experiments can be handed to it." if has_katib else "Not there, not needed.",
    )


def _kubeflow(cluster: Cluster) -> Iterator[Finding]:
    rivals = {
        "notebook-controller-deployment": "Notebooks",
        "profiles-deployment": "Profiles",
        "workspaces-controller": "Workspaces",
    }
    for one in cluster.list("apps/v1", "Deployment"):
        what = rivals.get(str(one["metadata"]["name"]))
        if what is not None:
            yield Finding(
                "Kubeflow",
                Verdict.WARNING,
                f"Its own controller of {what} runs in {one['metadata']['namespace']!r}.",
                "Two controllers must not have the same objects: scale one of them to zero.",
            )


def _installation(cluster: Cluster) -> Iterator[Finding]:
    for name in (CONTROLLER, ENGINE):
        try:
            found: Manifest = cluster.api.call(
                "GET", f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/{name}"
            )
        except NotFound:
            yield Finding(
                name,
                Verdict.WARNING,
                "Not installed.",
                "jupyter mlplat cluster install --dry-run",
            )
            continue
        status: dict[str, Any] = found.get("status") or {}
        image = found["spec"]["template"]["spec"]["containers"][0]["image"]
        is_ready = bool(status.get("readyReplicas"))
        yield Finding(
            name,
            Verdict.FINE if is_ready else Verdict.WARNING,
            f"{'Runs' if is_ready else 'Is not ready'}, with {image}.",
            "" if is_ready else f"kubectl -n {SYSTEM} describe pods -l {PART_OF}",
        )


def _allocatable(node: Manifest) -> dict[str, Any]:
    return dict((node.get("status") or {}).get("allocatable") or {})


def _condition(one: Manifest, kind: str) -> str | None:
    for condition in (one.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind:
            return str(condition.get("status"))
    return None


_LOOKS: dict[str, Look] = {
    "Your rights": _rights,
    "Nodes": _nodes,
    "Storage": _storage,
    "Network walls": _network,
    "Pod Security": _security,
    "Operators": _operators,
    "Kubeflow": _kubeflow,
    "Installation": _installation,
}
