"""What the server itself gives an object: addresses, selectors, first states."""

from __future__ import annotations

from typing import Any

from tests.cluster.apiserver.kinds import Kind

Object = dict[str, Any]


def prepare_create(kind: Kind, document: Object) -> None:
    """Fill in what the server itself gives a new object."""
    meta = document["metadata"]
    spec = document.get("spec") or {}
    if kind.kind == "Namespace":
        document["spec"] = {
            **spec,
            "finalizers": [*dict.fromkeys([*spec.get("finalizers", []), "kubernetes"])],
        }
        document["status"] = {"phase": "Active"}
    elif kind.kind == "Pod":
        document["status"] = {"phase": "Pending"}
    elif kind.kind == "PersistentVolumeClaim":
        document["status"] = {"phase": "Pending"}
        meta.setdefault("finalizers", []).append("kubernetes.io/pvc-protection")
    elif kind.kind == "Job" and not spec.get("manualSelector"):
        ours = {
            "batch.kubernetes.io/controller-uid": meta["uid"],
            "batch.kubernetes.io/job-name": meta["name"],
        }
        former = {"controller-uid": meta["uid"], "job-name": meta["name"]}
        inner = spec["template"].setdefault("metadata", {})
        inner["labels"] = {**(inner.get("labels") or {}), **ours, **former}
        spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": meta["uid"]}}
        if not meta.get("labels"):
            meta["labels"] = dict(inner["labels"])
        document["status"] = {}
    elif kind.kind == "Service" and spec.get("type") != "ExternalName":
        if not spec.get("clusterIP"):
            number = int(meta["uid"][:4], 16)
            spec["clusterIP"] = f"10.96.{number >> 8}.{number & 255}"
        spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        document["status"] = {"loadBalancer": {}}
    elif kind.kind in (
        "Deployment",
        "DaemonSet",
        "CronJob",
        "PersistentVolume",
        "Ingress",
    ):
        document.setdefault("status", {"loadBalancer": {}} if kind.kind == "Ingress" else {})
    elif kind.kind == "StatefulSet":
        document["status"] = {"availableReplicas": 0, "replicas": 0}
    elif kind.kind == "ReplicaSet":
        document["status"] = {"replicas": 0}
    elif kind.kind == "HorizontalPodAutoscaler":
        document["status"] = {"currentMetrics": None, "desiredReplicas": 0}
    elif kind.kind == "ResourceQuota":
        document["status"] = {}


def prepare_update(kind: Kind, before: Object, document: Object) -> None:
    """Keep what the server gave an object and an update leaves out."""
    if kind.kind == "Service":
        spec, old = document.get("spec") or {}, before.get("spec") or {}
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if not spec.get(name) and name in old:
                spec[name] = old[name]
    elif kind.kind == "Namespace":
        document.setdefault("spec", {})["finalizers"] = (before.get("spec") or {}).get(
            "finalizers", []
        )
    elif kind.kind == "Job" and not (document["spec"].get("selector")):
        document["spec"]["selector"] = before["spec"]["selector"]


def quality(spec: Object) -> str:
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    resources = [container.get("resources") or {} for container in containers]
    if not any(part.get("limits") or part.get("requests") for part in resources):
        return "BestEffort"
    for part in resources:
        limits, requests = part.get("limits") or {}, part.get("requests") or {}
        if any(
            name not in limits or requests.get(name, limits[name]) != limits[name]
            for name in ("cpu", "memory")
        ):
            return "Burstable"
    return "Guaranteed"
