"""Scenarios: requests whose answers a real API server gave (recordings/), and the one in memory has
to give.

Each is a list of steps. `$NAME.path` in a string stands for a value in the answer of an earlier
step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Step:
    """One request; `name` is how later steps and the recording call its answer."""

    name: str
    method: str
    path: str
    body: Any = None
    media: str = "application/json"
    user: str = "admin"
    events: int = 0  # of a watch: so many are read

    def as_key(self) -> str:
        return f"{self.name}: {self.method} {self.path}"


@dataclass
class Scenario:
    name: str
    steps: list[Step] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return f"rec-{self.name}"


def scenario(name: str, *steps: tuple[Any, ...], labels: Object | None = None) -> Scenario:
    """Write a scenario: (name, method, path, body, media, user); @ in a path is its namespace."""
    found = Scenario(name)
    space = {"metadata": {"name": found.namespace, "labels": labels or {}}}
    account = {"metadata": {"name": "default"}}
    found.steps = [
        Step("namespace", "POST", "/api/v1/namespaces", space),
        Step("account", "POST", f"/api/v1/namespaces/{found.namespace}/serviceaccounts", account),
    ]
    for step in steps:
        title, method, path, *rest = step
        found.steps.append(
            Step(title, method, path.replace("@", f"namespaces/{found.namespace}"), *rest)
        )
    return found


def meta(name: str, **more: Any) -> Object:
    return {"name": name, **more}


def config(name: str = "a", data: Object | None = None, **more: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(name, **more),
        "data": data or {"x": "1"},
    }


POD_SPEC: Object = {"containers": [{"name": "c", "image": "registry/image:1"}]}
LABELS = {"app": "a"}
TEMPLATE: Object = {"metadata": {"labels": LABELS}, "spec": POD_SPEC}
CLAIM: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def workload(kind: str, api: str, name: str = "w", **spec: Any) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": meta(name), "spec": spec}


def stateful(**more: Any) -> Object:
    spec = {"serviceName": "w", "selector": {"matchLabels": LABELS}, "template": TEMPLATE}
    return workload("StatefulSet", "apps/v1", **{**spec, **more})


def deployment(**more: Any) -> Object:
    return workload(
        "Deployment",
        "apps/v1",
        **{"selector": {"matchLabels": LABELS}, "template": TEMPLATE, **more},
    )


def job(**more: Any) -> Object:
    return workload(
        "Job", "batch/v1", **{"template": {"spec": {**POD_SPEC, "restartPolicy": "Never"}}, **more}
    )


def pod(name: str = "p", **spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta(name), "spec": {**POD_SPEC, **spec}}


CM = "/api/v1/@/configmaps"
PODS, SERVICES, CLAIMS = "/api/v1/@/pods", "/api/v1/@/services", "/api/v1/@/persistentvolumeclaims"
SETS, DEPLOYMENTS, JOBS = (
    "/apis/apps/v1/@/statefulsets",
    "/apis/apps/v1/@/deployments",
    "/apis/batch/v1/@/jobs",
)
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GADGETS = "/apis/recordings.test/v1/@/gadgets"

PLAIN = scenario(
    "plain",
    ("create", "POST", CM, config()),
    ("create-again", "POST", CM, config()),
    ("get", "GET", f"{CM}/a"),
    ("get-missing", "GET", f"{CM}/none"),
    ("merge", "PATCH", f"{CM}/a", {"data": {"x": "2", "y": "1"}}, MERGE),
    ("merge-nothing", "PATCH", f"{CM}/a", {"data": {"x": "2"}}, MERGE),
    ("update-stale", "PUT", f"{CM}/a", config(resourceVersion="$create.metadata.resourceVersion")),
    ("update", "PUT", f"{CM}/a", config(data={"x": "3"})),
    ("update-missing", "PUT", f"{CM}/b", config("b")),
    ("update-other-name", "PUT", f"{CM}/a", config("b")),
    ("update-other-uid", "PUT", f"{CM}/a", config(uid="00000000-0000-0000-0000-000000000000")),
    (
        "json-patch",
        "PATCH",
        f"{CM}/a",
        [{"op": "add", "path": "/data/z", "value": "1"}],
        JSON_PATCH,
    ),
    (
        "json-patch-test",
        "PATCH",
        f"{CM}/a",
        [{"op": "test", "path": "/data/z", "value": "2"}],
        JSON_PATCH,
    ),
    ("json-patch-path", "PATCH", f"{CM}/a", [{"op": "remove", "path": "/data/none"}], JSON_PATCH),
    ("patch-media", "PATCH", f"{CM}/a", {}, "application/json"),
    ("bad-name", "POST", CM, config("A_b")),
    ("bad-label", "POST", CM, config("b", labels={"a": "no spaces"})),
    ("bad-label-key", "POST", CM, config("b", labels={"a b": "x"})),
    ("long-label", "POST", CM, config("b", labels={"a": "x" * 64})),
    ("bad-finalizer", "POST", CM, config("b", finalizers=["hold"])),
    ("other-namespace", "POST", CM, config("b", namespace="default")),
    ("no-namespace", "POST", "/api/v1/namespaces/none/configmaps", config("b")),
    ("versioned", "POST", CM, config("b", resourceVersion="1")),
    ("nameless", "POST", CM, {"apiVersion": "v1", "kind": "ConfigMap"}),
    ("other-kind", "POST", CM, {"apiVersion": "v1", "kind": "Secret", "metadata": meta("b")}),
    ("other-version", "POST", CM, {"apiVersion": "v2", "kind": "ConfigMap", "metadata": meta("b")}),
    ("dry-run", "POST", f"{CM}?dryRun=All", config("dry")),
    ("dry-run-get", "GET", f"{CM}/dry"),
    ("strict", "POST", f"{CM}?fieldValidation=Strict", {**config("s"), "colour": "red"}),
    ("wrong-type", "POST", CM, {**config("s"), "data": {"x": 1}}),
    ("secret", "POST", "/api/v1/@/secrets", {"metadata": meta("s"), "stringData": {"k": "v"}}),
    (
        "delete-other-uid",
        "DELETE",
        f"{CM}/a",
        {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}},
    ),
    ("delete", "DELETE", f"{CM}/a"),
    ("delete-missing", "DELETE", f"{CM}/a"),
    ("unknown-resource", "GET", "/api/v1/@/nothings"),
    ("method", "POST", f"{CM}/a", config()),
)

WORKLOADS = scenario(
    "workloads",
    ("pod", "POST", PODS, pod()),
    ("pod-empty", "POST", PODS, pod(containers=[])),
    ("pod-no-image", "POST", PODS, pod("q", containers=[{"name": "c"}])),
    ("pod-container-name", "POST", PODS, pod("q", containers=[{"name": "C_c", "image": "x"}])),
    (
        "pod-volume",
        "POST",
        PODS,
        pod(
            "q",
            containers=[
                {"name": "c", "image": "x", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
            ],
        ),
    ),
    (
        "pod-gpu-request",
        "POST",
        PODS,
        pod(
            "q",
            containers=[
                {"name": "c", "image": "x", "resources": {"requests": {"nvidia.com/gpu": "1"}}}
            ],
        ),
    ),
    (
        "pod-gpu-half",
        "POST",
        PODS,
        pod(
            "q",
            containers=[
                {"name": "c", "image": "x", "resources": {"limits": {"nvidia.com/gpu": "0.5"}}}
            ],
        ),
    ),
    (
        "pod-image",
        "PATCH",
        f"{PODS}/p",
        {"spec": {"containers": [{"name": "c", "image": "y"}]}},
        STRATEGIC,
    ),
    ("pod-change", "PATCH", f"{PODS}/p", {"spec": {"restartPolicy": "Never"}}, MERGE),
    ("pod-wrong-type", "POST", PODS, pod("q", hostNetwork="yes")),
    ("pod-status", "PATCH", f"{PODS}/p/status", {"status": {"phase": "Running"}}, MERGE),
    ("pod-log", "GET", f"{PODS}/p/log"),
    ("pod-delete", "DELETE", f"{PODS}/p"),
    (
        "set",
        "POST",
        SETS,
        stateful(volumeClaimTemplates=[{"metadata": {"name": "home"}, "spec": CLAIM}]),
    ),
    ("set-selector", "POST", SETS, stateful(selector={"matchLabels": {"app": "b"}})),
    ("set-scale", "PATCH", f"{SETS}/w", {"spec": {"replicas": 0}}, MERGE),
    ("set-service", "PATCH", f"{SETS}/w", {"spec": {"serviceName": "other"}}, MERGE),
    ("set-status", "PATCH", f"{SETS}/w/status", {"status": {"replicas": 1}}, MERGE),
    ("set-get-scale", "GET", f"{SETS}/w/scale"),
    ("set-patch-scale", "PATCH", f"{SETS}/w/scale", {"spec": {"replicas": 1}}, MERGE),
    ("deployment", "POST", DEPLOYMENTS, deployment()),
    (
        "deployment-policy",
        "POST",
        DEPLOYMENTS,
        deployment(template={**TEMPLATE, "spec": {**POD_SPEC, "restartPolicy": "Never"}}),
    ),
    (
        "deployment-selector",
        "PATCH",
        f"{DEPLOYMENTS}/w",
        {"spec": {"selector": {"matchLabels": {"b": "b"}}}},
        MERGE,
    ),
    ("job", "POST", JOBS, job(completionMode="Indexed", completions=2, parallelism=2)),
    ("job-policy", "POST", JOBS, job(template={"spec": POD_SPEC})),
    (
        "job-template",
        "PATCH",
        f"{JOBS}/w",
        {"spec": {"template": {"spec": {"hostname": "h"}}}},
        MERGE,
    ),
    ("job-delete", "DELETE", f"{JOBS}/w"),
    (
        "service",
        "POST",
        SERVICES,
        {"metadata": meta("s"), "spec": {"selector": LABELS, "ports": [{"port": 80}]}},
    ),
    (
        "service-headless",
        "POST",
        SERVICES,
        {"metadata": meta("h"), "spec": {"clusterIP": "None", "selector": LABELS}},
    ),
    ("service-name", "POST", SERVICES, {"metadata": meta("1s"), "spec": {"ports": [{"port": 80}]}}),
    (
        "service-update",
        "PUT",
        f"{SERVICES}/s",
        {"metadata": meta("s"), "spec": {"selector": LABELS, "ports": [{"port": 81}]}},
    ),
    ("claim", "POST", CLAIMS, {"metadata": meta("c"), "spec": CLAIM}),
    ("claim-empty", "POST", CLAIMS, {"metadata": meta("d"), "spec": {}}),
    ("claim-change", "PATCH", f"{CLAIMS}/c", {"spec": {"accessModes": ["ReadWriteMany"]}}, MERGE),
    (
        "policy",
        "POST",
        "/apis/networking.k8s.io/v1/@/networkpolicies",
        {
            "metadata": meta("n"),
            "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]},
        },
    ),
    (
        "autoscaler",
        "POST",
        "/apis/autoscaling/v2/@/horizontalpodautoscalers",
        {
            "metadata": meta("h"),
            "spec": {
                "maxReplicas": 3,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "w"},
            },
        },
    ),
    (
        "lease",
        "POST",
        "/apis/coordination.k8s.io/v1/@/leases",
        {"metadata": meta("l"), "spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}},
    ),
)

GADGET: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gadgets.recordings.test"},
    "spec": {
        "group": "recordings.test",
        "scope": "Namespaced",
        "names": {"plural": "gadgets", "kind": "Gadget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer", "minimum": 1, "maximum": 9},
                                    "colour": {
                                        "type": "string",
                                        "default": "red",
                                        "enum": ["red", "blue"],
                                    },
                                    "label": {
                                        "type": "string",
                                        "pattern": "^[a-z]*$",
                                        "maxLength": 5,
                                    },
                                    "port": {"x-kubernetes-int-or-string": True},
                                    "free": {
                                        "type": "object",
                                        "x-kubernetes-preserve-unknown-fields": True,
                                    },
                                    "maybe": {"type": "string", "nullable": True},
                                    "tags": {
                                        "type": "array",
                                        "items": {"type": "string"},
                                        "x-kubernetes-list-type": "set",
                                    },
                                    "parts": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {
                                                "name": {"type": "string"},
                                                "count": {"type": "integer"},
                                            },
                                        },
                                    },
                                },
                            },
                            "status": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                            },
                        },
                    }
                },
            }
        ],
    },
}


def gadget(name: str = "g", **spec: Any) -> Object:
    return {
        "apiVersion": "recordings.test/v1",
        "kind": "Gadget",
        "metadata": meta(name),
        "spec": {"size": 1, **spec},
    }


CUSTOM = scenario(
    "custom",
    ("definition", "POST", DEFINITIONS, GADGET),
    ("create", "POST", GADGETS, gadget(unknown=1, free={"a": 1}, maybe=None, port="http")),
    ("strict", "POST", f"{GADGETS}?fieldValidation=Strict", gadget("h", unknown=1)),
    ("too-small", "POST", GADGETS, gadget("h", size=0)),
    ("too-big", "POST", GADGETS, gadget("h", size=10)),
    ("wrong-type", "POST", GADGETS, gadget("h", size="big")),
    ("enum", "POST", GADGETS, gadget("h", colour="green")),
    ("pattern", "POST", GADGETS, gadget("h", label="A")),
    ("too-long", "POST", GADGETS, gadget("h", label="abcdef")),
    ("missing", "POST", GADGETS, {**gadget("h"), "spec": {}}),
    ("several", "POST", GADGETS, gadget("h", size=0, colour="green")),
    ("duplicate-part", "POST", GADGETS, gadget("h", parts=[{"name": "a"}, {"name": "a"}])),
    ("duplicate-tag", "POST", GADGETS, gadget("h", tags=["a", "a"])),
    ("status-ignored", "PATCH", f"{GADGETS}/g", {"status": {"phase": "x"}}, MERGE),
    ("spec", "PATCH", f"{GADGETS}/g", {"spec": {"size": 2}}, MERGE),
    (
        "status",
        "PATCH",
        f"{GADGETS}/g/status",
        {"spec": {"size": 3}, "status": {"phase": "x"}},
        MERGE,
    ),
    ("default-again", "PATCH", f"{GADGETS}/g", {"spec": {"colour": None}}, MERGE),
    ("no-version", "PUT", f"{GADGETS}/g", gadget()),
    ("strategic", "PATCH", f"{GADGETS}/g", {}, STRATEGIC),
    ("list", "GET", GADGETS),
    ("delete", "DELETE", f"{GADGETS}/g"),
    ("undefine", "DELETE", f"{DEFINITIONS}/gadgets.recordings.test"),
)

APPLYING = scenario(
    "applying",
    ("first", "PATCH", f"{CM}/a?fieldManager=one", config(data={"x": "1", "y": "1"}), APPLY),
    ("second", "PATCH", f"{CM}/a?fieldManager=two", config(data={"z": "1"}), APPLY),
    ("conflict", "PATCH", f"{CM}/a?fieldManager=two", config(data={"x": "2"}), APPLY),
    ("conflicts", "PATCH", f"{CM}/a?fieldManager=two", config(data={"x": "2", "y": "2"}), APPLY),
    ("force", "PATCH", f"{CM}/a?fieldManager=two&force=true", config(data={"x": "2"}), APPLY),
    ("same", "PATCH", f"{CM}/a?fieldManager=two", config(data={"x": "2"}), APPLY),
    ("less", "PATCH", f"{CM}/a?fieldManager=one", config(data={"w": "1"}), APPLY),
    ("nobody", "PATCH", f"{CM}/a", config(data={"w": "1"}), APPLY),
    ("deployment", "PATCH", f"{DEPLOYMENTS}/w?fieldManager=one", deployment(replicas=1), APPLY),
    ("scaled", "PATCH", f"{DEPLOYMENTS}/w?fieldManager=hand", {"spec": {"replicas": 3}}, MERGE),
    ("scale-conflict", "PATCH", f"{DEPLOYMENTS}/w?fieldManager=one", deployment(replicas=1), APPLY),
    ("scale-left", "PATCH", f"{DEPLOYMENTS}/w?fieldManager=one", deployment(), APPLY),
    (
        "more-containers",
        "PATCH",
        f"{DEPLOYMENTS}/w?fieldManager=two",
        deployment(
            template={
                "metadata": {"labels": {"other": "b"}},
                "spec": {
                    "containers": [
                        {"name": "d", "image": "x", "env": [{"name": "A", "value": "1"}]}
                    ]
                },
            }
        ),
        APPLY,
    ),
    (
        "label",
        "PATCH",
        f"{DEPLOYMENTS}/w?fieldManager=one",
        {**deployment(), "metadata": meta("w", labels={"a": "b"}, annotations={"c": "d"})},
        APPLY,
    ),
    ("no-label", "PATCH", f"{DEPLOYMENTS}/w?fieldManager=one", deployment(), APPLY),
)

LISTS = scenario(
    "lists",
    *(
        (f"create-{name}", "POST", CM, config(name, labels=labels))
        for name, labels in (("a", {"t": "a"}), ("b", {"t": "b"}), ("c", {}))
    ),
    ("all", "GET", CM),
    ("equal", "GET", f"{CM}?labelSelector=t%3Da"),
    ("unequal", "GET", f"{CM}?labelSelector=t%21%3Da"),
    ("set", "GET", f"{CM}?labelSelector=t+in+%28a%2Cb%29"),
    ("exists", "GET", f"{CM}?labelSelector=t"),
    ("exists-not", "GET", f"{CM}?labelSelector=%21t"),
    ("by-name", "GET", f"{CM}?fieldSelector=metadata.name%3Db"),
    ("by-nonsense", "GET", f"{CM}?fieldSelector=data.x%3D1"),
    ("page", "GET", f"{CM}?limit=2"),
    ("next-page", "GET", f"{CM}?limit=2&continue=$page.metadata.continue"),
    (
        "watch",
        "GET",
        f"{CM}?watch=1&resourceVersion=$all.metadata.resourceVersion&timeoutSeconds=1",
    ),
    ("change", "PATCH", f"{CM}/a", {"metadata": {"labels": {"t": "b"}}}, MERGE),
    ("gone", "DELETE", f"{CM}/c"),
    (
        "watch-selected",
        "GET",
        f"{CM}?watch=1&resourceVersion=$all.metadata.resourceVersion&labelSelector=t%3Da&timeoutSeconds=5",
        None,
        "application/json",
        "admin",
        1,
    ),
    (
        "watch-all",
        "GET",
        f"{CM}?watch=1&resourceVersion=$all.metadata.resourceVersion&timeoutSeconds=5",
        None,
        "application/json",
        "admin",
        2,
    ),
    (
        "watch-list",
        "GET",
        f"{CM}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=5",
        None,
        "application/json",
        "admin",
        3,
    ),
    ("delete-some", "DELETE", f"{CM}?labelSelector=t%3Db"),
    ("none-left", "GET", CM),
)
LISTS.steps = [step for step in LISTS.steps if step.name != "watch"]

DELETING = scenario(
    "deleting",
    ("held", "POST", CM, config(finalizers=["test.org/hold"])),
    ("held-delete", "DELETE", f"{CM}/a"),
    ("held-again", "DELETE", f"{CM}/a"),
    (
        "held-more",
        "PATCH",
        f"{CM}/a",
        {"metadata": {"finalizers": ["test.org/hold", "test.org/more"]}},
        MERGE,
    ),
    ("held-release", "PATCH", f"{CM}/a", {"metadata": {"finalizers": None}}, MERGE),
    ("held-gone", "GET", f"{CM}/a"),
    ("deployment", "POST", DEPLOYMENTS, deployment()),
    ("foreground", "DELETE", f"{DEPLOYMENTS}/w", {"propagationPolicy": "Foreground"}),
    ("set", "POST", SETS, stateful()),
    ("orphan", "DELETE", f"{SETS}/w", {"propagationPolicy": "Orphan"}),
    ("job", "POST", JOBS, job()),
    ("background", "DELETE", f"{JOBS}/w", {"propagationPolicy": "Background"}),
    ("pod", "POST", PODS, pod(nodeName="nowhere")),
    ("pod-delete", "DELETE", f"{PODS}/p"),
    ("pod-delete-again", "DELETE", f"{PODS}/p"),
    ("pod-delete-now", "DELETE", f"{PODS}/p", {"gracePeriodSeconds": 0}),
    ("claim", "POST", CLAIMS, {"metadata": meta("c"), "spec": CLAIM}),
    ("claim-delete", "DELETE", f"{CLAIMS}/c"),
    ("service", "POST", SERVICES, {"metadata": meta("s"), "spec": {"ports": [{"port": 80}]}}),
    ("service-delete", "DELETE", f"{SERVICES}/s"),
    ("account-delete", "DELETE", "/api/v1/@/serviceaccounts/default"),
    ("namespace-delete", "DELETE", "/api/v1/namespaces/rec-deleting"),
    ("too-late", "POST", CM, config("late")),
)

JANE = "alice@example.org"
ACCESS = scenario(
    "access",
    ("list", "GET", CM, None, "application/json", JANE),
    ("get", "GET", f"{CM}/a", None, "application/json", JANE),
    ("status", "PATCH", f"{PODS}/p/status", {}, MERGE, JANE),
    ("cluster", "GET", "/api/v1/nodes", None, "application/json", JANE),
    (
        "role",
        "POST",
        f"/apis/{RBAC}/v1/@/roles",
        {
            "metadata": meta("r"),
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["configmaps"],
                    "verbs": ["get"],
                    "resourceNames": ["a"],
                },
                {"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": ["create"]},
            ],
        },
    ),
    (
        "binding",
        "POST",
        f"/apis/{RBAC}/v1/@/rolebindings",
        {
            "metadata": meta("r"),
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r"},
            "subjects": [{"kind": "User", "name": JANE}],
        },
    ),
    ("may-get", "GET", f"{CM}/a", None, "application/json", JANE),
    ("may-not-get", "GET", f"{CM}/b", None, "application/json", JANE),
    (
        "escalate",
        "POST",
        f"/apis/{RBAC}/v1/@/roles",
        {
            "metadata": meta("s"),
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
        },
        "application/json",
        JANE,
    ),
    (
        "bind",
        "POST",
        f"/apis/{RBAC}/v1/@/rolebindings",
        {
            "metadata": meta("s"),
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r"},
            "subjects": [{"kind": "User", "name": "bob"}],
        },
        "application/json",
        JANE,
    ),
    (
        "review",
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {
            "spec": {
                "user": "nobody",
                "resourceAttributes": {"verb": "get", "resource": "configmaps", "namespace": "x"},
            }
        },
    ),
    (
        "self-review",
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets", "namespace": "x"}}},
        "application/json",
        JANE,
    ),
    (
        "bad-token-review",
        "POST",
        "/apis/authentication.k8s.io/v1/tokenreviews",
        {"spec": {"token": "nonsense"}},
    ),
    (
        "change-role-ref",
        "PATCH",
        f"/apis/{RBAC}/v1/@/rolebindings/r",
        {"roleRef": {"name": "t"}},
        MERGE,
    ),
)

RESTRICTED = scenario(
    "restricted",
    ("careless", "POST", PODS, pod()),
    (
        "privileged",
        "POST",
        PODS,
        pod(containers=[{"name": "c", "image": "x", "securityContext": {"privileged": True}}]),
    ),
    (
        "host",
        "POST",
        PODS,
        pod(hostNetwork=True, hostPID=True, volumes=[{"name": "h", "hostPath": {"path": "/"}}]),
    ),
    (
        "root",
        "POST",
        PODS,
        pod(
            securityContext={
                "runAsNonRoot": True,
                "runAsUser": 0,
                "seccompProfile": {"type": "Unconfined"},
            },
            containers=[
                {
                    "name": "c",
                    "image": "x",
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
                    },
                }
            ],
        ),
    ),
    (
        "good",
        "POST",
        PODS,
        pod(
            securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            containers=[
                {
                    "name": "c",
                    "image": "x",
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        ),
    ),
    labels={"pod-security.kubernetes.io/enforce": "restricted"},
)

LIMITED = scenario(
    "limited",
    (
        "quota",
        "POST",
        "/api/v1/@/resourcequotas",
        {"metadata": meta("q"), "spec": {"hard": {"count/configmaps": "1"}}},
    ),
    (
        "limits",
        "POST",
        "/api/v1/@/limitranges",
        {
            "metadata": meta("l"),
            "spec": {
                "limits": [{"type": "Container", "max": {"cpu": "2"}, "default": {"memory": "1Gi"}}]
            },
        },
    ),
    ("defaulted", "POST", PODS, pod()),
    (
        "over",
        "POST",
        PODS,
        pod("q", containers=[{"name": "c", "image": "x", "resources": {"limits": {"cpu": "3"}}}]),
    ),
)

ALL = [PLAIN, WORKLOADS, CUSTOM, APPLYING, LISTS, DELETING, ACCESS, RESTRICTED, LIMITED]
