"""Endpoints of services: which pods are behind each, as EndpointSlices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from tests.cluster.actors.manager import Key
from tests.cluster.actors.objects import Objects, is_leaving, is_ready, owner_reference, phase

Object = dict[str, Any]
SLICES = "endpointslices.discovery.k8s.io"


class EndpointSlices:
    """Keeps one slice a service."""

    name = "endpointslice-controller"
    plurals: ClassVar[set[str] | None] = {"services", "pods"}

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._services: dict[Key, Object] = {}

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        meta = document["metadata"]
        if plural == "services":
            key = (meta["namespace"], meta["name"])
            if event == "DELETED":
                self._services.pop(key, None)
            else:
                self._services[key] = document
            return [key]
        labels = meta.get("labels") or {}
        return [
            key
            for key, service in tuple(self._services.items())
            if key[0] == meta["namespace"] and _selects(service, labels)
        ]

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        service = self.objects.get("services", namespace, name)
        if service is None or not service["spec"].get("selector") or is_leaving(service):
            return None
        endpoints = [
            {
                "addresses": [pod["status"]["podIP"]],
                "conditions": {
                    "ready": is_ready(pod) and not is_leaving(pod),
                    "serving": is_ready(pod),
                    "terminating": is_leaving(pod),
                },
                "nodeName": pod["spec"]["nodeName"],
                "targetRef": {
                    "kind": "Pod",
                    "namespace": namespace,
                    "name": pod["metadata"]["name"],
                    "uid": pod["metadata"]["uid"],
                },
            }
            for pod in pods_of(self.objects, service)
            if pod.get("status", {}).get("podIP") and pod["spec"].get("nodeName")
        ]
        ports = [
            {"name": port.get("name", ""), "port": port["targetPort"], "protocol": port["protocol"]}
            for port in service["spec"].get("ports") or []
            if isinstance(port.get("targetPort"), int)
        ]
        wanted = {"addressType": "IPv4", "endpoints": endpoints, "ports": ports}
        slice_name = f"{name}-slice"
        found = self.objects.get(SLICES, namespace, slice_name)
        labels = {
            "kubernetes.io/service-name": name,
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }
        if found is None:
            meta = {
                "name": slice_name,
                "labels": labels,
                "ownerReferences": [owner_reference(service)],
            }
            self.objects.create(SLICES, namespace, {"metadata": meta, **wanted})
        elif any(found.get(field) != value for field, value in wanted.items()):
            self.objects.patch(SLICES, namespace, slice_name, wanted)
        return None


def _selects(service: Object, labels: dict[str, str]) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def pods_of(objects: Objects, service: Object) -> list[Object]:
    """List the pods behind a service that have not ended."""
    return [
        pod
        for pod in objects.list("pods", service["metadata"]["namespace"])
        if _selects(service, pod["metadata"].get("labels") or {})
        and phase(pod) not in ("Succeeded", "Failed")
    ]
