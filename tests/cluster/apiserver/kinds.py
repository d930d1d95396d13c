"""The kinds a server knows: a table of those built in, and those that definitions add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

# version, plural, kind, n(amespaced) or c(luster), subresources, short names; a review is only
# created
BUILT_IN = """
v1 configmaps ConfigMap n - cm
v1 endpoints Endpoints n - ep
v1 events Event n - ev
v1 limitranges LimitRange n - limits
v1 namespaces Namespace c status,finalize ns
v1 nodes Node c status no
v1 persistentvolumeclaims PersistentVolumeClaim n status pvc
v1 persistentvolumes PersistentVolume c status pv
v1 pods Pod n status,log,eviction,binding,ephemeralcontainers,resize po
v1 podtemplates PodTemplate n - -
v1 replicationcontrollers ReplicationController n status,scale rc
v1 resourcequotas ResourceQuota n status quota
v1 secrets Secret n - -
v1 serviceaccounts ServiceAccount n token sa
v1 services Service n status svc
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration c - -
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration c - -
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition c status crd,crds
apps/v1 controllerrevisions ControllerRevision n - -
apps/v1 daemonsets DaemonSet n status ds
apps/v1 deployments Deployment n status,scale deploy
apps/v1 replicasets ReplicaSet n status,scale rs
apps/v1 statefulsets StatefulSet n status,scale sts
authentication.k8s.io/v1 selfsubjectreviews SelfSubjectReview review - -
authentication.k8s.io/v1 tokenreviews TokenReview review - -
authorization.k8s.io/v1 localsubjectaccessreviews LocalSubjectAccessReview nreview - -
authorization.k8s.io/v1 selfsubjectaccessreviews SelfSubjectAccessReview review - -
authorization.k8s.io/v1 selfsubjectrulesreviews SelfSubjectRulesReview review - -
authorization.k8s.io/v1 subjectaccessreviews SubjectAccessReview review - -
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler n status hpa
batch/v1 cronjobs CronJob n status cj
batch/v1 jobs Job n status -
coordination.k8s.io/v1 leases Lease n - -
discovery.k8s.io/v1 endpointslices EndpointSlice n - -
events.k8s.io/v1 events Event n - ev
networking.k8s.io/v1 ingressclasses IngressClass c - -
networking.k8s.io/v1 ingresses Ingress n status ing
networking.k8s.io/v1 networkpolicies NetworkPolicy n - netpol
node.k8s.io/v1 runtimeclasses RuntimeClass c - -
policy/v1 poddisruptionbudgets PodDisruptionBudget n status pdb
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding c - -
rbac.authorization.k8s.io/v1 clusterroles ClusterRole c - -
rbac.authorization.k8s.io/v1 rolebindings RoleBinding n - -
rbac.authorization.k8s.io/v1 roles Role n - -
scheduling.k8s.io/v1 priorityclasses PriorityClass c - pc
storage.k8s.io/v1 storageclasses StorageClass c - sc
"""

Resource = tuple[
    str, str
]  # group and plural: where objects are kept, whatever version is asked for


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource in one version, as the discovery documents list it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    subresources: frozenset[str] = frozenset()
    short: tuple[str, ...] = ()
    singular: str = ""
    list_kind: str = ""
    categories: tuple[str, ...] = ()
    custom: bool = False
    review: bool = False
    selectable: tuple[str, ...] = ()

    @property
    def resource(self) -> Resource:
        # The two groups of Event are two views of one list.
        return (
            ("", "events")
            if self.plural == "events" and not self.custom
            else (self.group, self.plural)
        )

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def verbs(self) -> tuple[str, ...]:
        return ("create",) if self.review else VERBS


def _built_in() -> Iterator[Kind]:
    for line in BUILT_IN.split("\n"):
        if not line:
            continue
        api_version, plural, kind, scope, subresources, short = line.split()
        group, _, version = api_version.rpartition("/")
        yield Kind(
            group=group,
            version=version,
            plural=plural,
            kind=kind,
            namespaced=scope.startswith("n"),
            subresources=frozenset() if subresources == "-" else frozenset(subresources.split(",")),
            short=() if short == "-" else tuple(short.split(",")),
            singular=kind.lower(),
            list_kind=f"{kind}List",
            categories=("all",) if plural in ALL else (),
            review=scope.endswith("review"),
        )


ALL = frozenset(
    [
        "pods",
        "replicationcontrollers",
        "services",
        "daemonsets",
        "deployments",
        "replicasets",
        "statefulsets",
        "horizontalpodautoscalers",
        "cronjobs",
        "jobs",
    ]
)


@dataclass
class Registry:
    """All kinds of one server."""

    kinds: dict[tuple[str, str, str], Kind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in _built_in():
            self.add(kind)

    def add(self, kind: Kind) -> None:
        self.kinds[kind.group, kind.version, kind.plural] = kind

    def remove(self, group: str, plural: str) -> None:
        for key in [key for key in self.kinds if (key[0], key[2]) == (group, plural)]:
            del self.kinds[key]

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self.kinds.get((group, version, plural))

    def of(self, api_version: str, kind: str) -> Kind | None:
        """Find a kind by what an object says of itself (or an owner reference of an owner)."""
        group, _, version = api_version.rpartition("/")
        for candidate in self.kinds.values():
            if (candidate.group, candidate.version, candidate.kind) == (group, version, kind):
                return candidate
        return None

    def any_version(self, group: str, plural: str) -> Kind | None:
        for candidate in self.kinds.values():
            if (candidate.group, candidate.plural) == (group, plural):
                return candidate
        return None

    def groups(self) -> dict[str, list[str]]:
        """List the versions of each group, in the order they were added."""
        found: dict[str, list[str]] = {}
        for group, version, _ in self.kinds:
            versions = found.setdefault(group, [])
            if version not in versions:
                versions.append(version)
        return found

    def namespaced(self) -> list[Kind]:
        """List each namespaced resource once."""
        seen = {
            kind.resource: kind
            for kind in self.kinds.values()
            if kind.namespaced and not kind.review
        }
        return list(seen.values())
