"""Subresources that are no part of their object: scale, binding, eviction, tokens, the end of a
namespace."""

from __future__ import annotations

from typing import Any

from tests.cluster.apiserver import patches, reviews
from tests.cluster.apiserver.access import Access
from tests.cluster.apiserver.failures import bad_request, conflict, not_allowed, not_found
from tests.cluster.apiserver.requests import Reply, Request, decode
from tests.cluster.apiserver.selectors import label_selector
from tests.cluster.apiserver.store import clone, stamp
from tests.cluster.apiserver.writing import Writer

Object = dict[str, Any]


def handle(request: Request, writer: Writer, access: Access) -> Reply | None:
    """Answer a request for a subresource of its own; None where it is handled as part of its
    object."""
    if request.subresource in ("", "status", "ephemeralcontainers", "resize", "log"):
        return None
    kind = request.kind
    found = writer.store.get(kind.resource, request.namespace, request.name)
    if found is None:
        raise not_found(kind, request.name)
    if request.subresource == "scale":
        return _scale(request, writer, found)
    if request.subresource == "finalize" and request.verb == "update":
        return _finalize(request, writer, found)
    if request.verb != "create":
        raise not_allowed()
    document = request.document()
    if request.subresource == "token":
        answered = reviews.token_request(document, found, access, writer.clock(), stamp)
        return Reply(answered, 201)
    if request.subresource == "binding":
        return _bind(request, writer, found, document)
    return _evict(request, writer, found, document)


def _read(document: Object, path: str, default: Any = None) -> Any:
    found: Any = document
    for step in path.strip(".").split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return default if found is None else found


def _scale(request: Request, writer: Writer, found: Object) -> Reply:
    paths = writer.definitions.scales.get(request.kind.resource) or {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
    }
    shown = _shown(found, paths)
    if request.verb == "get":
        return Reply(shown)
    if request.verb == "update":
        wanted = request.document()
    else:
        body = decode(request.body, "application/json")
        wanted = (
            patches.json_patch(shown, body)
            if "json-patch" in request.media
            else patches.merge(shown, body)
        )
    version = (wanted.get("metadata") or {}).get("resourceVersion")
    if version and version != found["metadata"]["resourceVersion"]:
        raise conflict(request.kind, request.name)
    document = clone(found)
    part = document
    *steps, last = paths["specReplicasPath"].strip(".").split(".")
    for step in steps:
        part = part.setdefault(step, {})
    part[last] = int((wanted.get("spec") or {}).get("replicas", 0))
    return Reply(_shown(writer.update_object(request, found, document), paths))


def _shown(found: Object, paths: Object) -> Object:
    meta = {
        name: found["metadata"][name]
        for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        if name in found["metadata"]
    }
    wanted = int(_read(found, paths["specReplicasPath"], 0))
    status: Object = {"replicas": int(_read(found, paths["statusReplicasPath"], 0))}
    if "labelSelectorPath" in paths:
        if selector := _read(found, paths["labelSelectorPath"]):
            status["selector"] = selector
    elif labels := _read(found, ".spec.selector.matchLabels"):
        status["selector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": {"replicas": wanted} if wanted else {},
        "status": status,
    }


def _finalize(request: Request, writer: Writer, found: Object) -> Reply:
    document = request.document()
    kept = clone(found)
    kept["spec"] = {
        **kept.get("spec", {}),
        "finalizers": (document.get("spec") or {}).get("finalizers") or [],
    }
    if found["metadata"].get("deletionTimestamp") and not kept["spec"]["finalizers"]:
        return Reply(writer.store.remove(request.kind.resource, kept))
    return Reply(writer.store.put(request.kind.resource, kept))


def _bind(request: Request, writer: Writer, found: Object, document: Object) -> Reply:
    node = (document.get("target") or {}).get("name")
    if not node:
        raise bad_request("target.name: Required value")
    if found["spec"].get("nodeName"):
        told = f"pod {request.name} is already assigned to node {found['spec']['nodeName']!r}"
        raise conflict(request.kind, request.name, told)
    bound = clone(found)
    bound["spec"]["nodeName"] = node
    status = bound.setdefault("status", {})
    status["conditions"] = [
        entry for entry in status.get("conditions") or [] if entry["type"] != "PodScheduled"
    ]
    status["conditions"].append(
        {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": writer.now(),
        }
    )
    writer.store.put(request.kind.resource, bound)
    return Reply(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201},
        201,
    )


def _evict(request: Request, writer: Writer, found: Object, document: Object) -> Reply:
    for budget in writer.store.list(("policy", "poddisruptionbudgets"), request.namespace):
        matches = label_selector((budget.get("spec") or {}).get("selector"))
        allowed = (budget.get("status") or {}).get("disruptionsAllowed", 0)
        if matches(found["metadata"].get("labels") or {}) and allowed <= 0:
            from tests.cluster.apiserver.failures import too_many

            failure = too_many(10)
            failure.message = "Cannot evict pod as it would violate the pod's disruption budget."
            raise failure
    options = document.get("deleteOptions") or {}
    writer.deleter.one(request, found, options)
    return Reply(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201},
        201,
    )
