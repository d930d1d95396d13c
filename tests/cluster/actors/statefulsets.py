"""The controller of StatefulSets: pods by number, one after the other, each with its claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from tests.cluster.actors.manager import Key, Recorder
from tests.cluster.actors.objects import (
    Objects,
    clone,
    controller_of,
    is_leaving,
    is_ready,
    owner_reference,
    phase,
    put_status,
)
from tests.cluster.actors.pods import create_pod, owned_by, pod_from, template_hash

Object = dict[str, Any]
STATEFUL = "statefulsets.apps"


class StatefulSets:
    """Reconciles StatefulSets."""

    name = "statefulset-controller"
    plurals: ClassVar[set[str] | None] = {STATEFUL, "pods"}

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.events = Recorder(objects, self.name)

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        namespace = document["metadata"].get("namespace") or ""
        if plural == STATEFUL:
            return [(namespace, document["metadata"]["name"])]
        owner = controller_of(document, "StatefulSet")
        return [(namespace, owner)] if owner else []

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        found = self.objects.get(STATEFUL, namespace, name)
        if found is None or is_leaving(found):
            return None
        spec = found["spec"]
        revision = f"{name}-{template_hash(spec['template'])}"
        pods = {pod["metadata"]["name"]: pod for pod in owned_by(self.objects, found)}
        again = self._step(found, pods, revision)
        self._report(found, revision)
        return again

    def _step(self, found: Object, pods: dict[str, Object], revision: str) -> float | None:
        spec, meta = found["spec"], found["metadata"]
        first = (spec.get("ordinals") or {}).get("start", 0)
        wanted = [f"{meta['name']}-{number}" for number in range(first, first + spec["replicas"])]
        orderly = spec["podManagementPolicy"] == "OrderedReady"
        surplus = sorted((name for name in pods if name not in wanted), key=_number, reverse=True)
        for name in surplus:
            if not is_leaving(pods[name]):
                self._delete(found, name)
            if orderly:
                return None
        for name in wanted:
            pod = pods.get(name)
            if pod is not None and phase(pod) in ("Failed", "Succeeded"):
                self.events.tell(
                    found,
                    "RecreatingFailedPod",
                    (
                        f"StatefulSet {meta['namespace']}/{meta['name']} is recreating failed "
                        f"Pod {name}"
                    ),
                    "Warning",
                )
                self._delete(found, name)
                return None
            if pod is None:
                self._claims(found, name)
                if not self._create(found, name, revision):
                    return 0.2
                if orderly:
                    return None
            elif orderly and (is_leaving(pod) or not is_ready(pod)):
                self._repair(found, pod, revision)
                return None
        if spec["updateStrategy"]["type"] == "RollingUpdate":
            bound = (spec["updateStrategy"].get("rollingUpdate") or {}).get("partition", 0)
            for name in reversed(wanted):
                pod = pods.get(name)
                if pod is None or _number(name) < bound:
                    continue
                if pod["metadata"]["labels"].get("controller-revision-hash") != revision:
                    if not is_leaving(pod):
                        self._delete(found, name)
                    return None
                if is_leaving(pod) or not is_ready(pod):
                    return None
        return None

    def _repair(self, found: Object, pod: Object, revision: str) -> None:
        """Replace a pod of an old revision that never became ready."""
        stale = pod["metadata"]["labels"].get("controller-revision-hash") != revision
        if (
            stale
            and not is_leaving(pod)
            and found["spec"]["updateStrategy"]["type"] == "RollingUpdate"
        ):
            self._delete(found, pod["metadata"]["name"])

    def _create(self, found: Object, name: str, revision: str) -> bool:
        meta = found["metadata"]
        pod = pod_from(found["spec"]["template"], found)
        pod["metadata"] |= {"name": name, "generateName": f"{meta['name']}-"}
        pod["metadata"]["labels"] = {
            **(pod["metadata"].get("labels") or {}),
            "apps.kubernetes.io/pod-index": str(_number(name)),
            "controller-revision-hash": revision,
            "statefulset.kubernetes.io/pod-name": name,
        }
        pod["spec"]["hostname"] = name
        if service := found["spec"].get("serviceName"):
            pod["spec"]["subdomain"] = service
        volumes = [
            volume
            for volume in pod["spec"].get("volumes") or []
            if volume["name"] not in self._templates(found)
        ]
        for template in self._templates(found):
            claim = {"claimName": f"{template}-{name}"}
            volumes.append({"name": template, "persistentVolumeClaim": claim})
        if volumes:
            pod["spec"]["volumes"] = volumes
        made = create_pod(
            self.objects,
            self.events,
            found,
            pod,
            lambda told: f"create Pod {name} in StatefulSet {meta['name']} failed error: {told}",
        )
        if made is not None:
            self.events.tell(
                found,
                "SuccessfulCreate",
                f"create Pod {name} in StatefulSet {meta['name']} successful",
            )
        return made is not None

    @staticmethod
    def _templates(found: Object) -> list[str]:
        return [
            template["metadata"]["name"]
            for template in found["spec"].get("volumeClaimTemplates") or []
        ]

    def _claims(self, found: Object, pod: str) -> None:
        namespace = found["metadata"]["namespace"]
        for template in found["spec"].get("volumeClaimTemplates") or []:
            name = f"{template['metadata']['name']}-{pod}"
            if self.objects.get("persistentvolumeclaims", namespace, name) is not None:
                continue
            claim = clone(template)
            claim.pop("status", None)
            labels = found["spec"]["selector"].get("matchLabels") or {}
            claim["metadata"] = {
                **claim["metadata"],
                "name": name,
                "labels": {**(claim["metadata"].get("labels") or {}), **labels},
            }
            if found["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete":
                claim["metadata"]["ownerReferences"] = [owner_reference(found)]
            self.objects.create("persistentvolumeclaims", namespace, claim)

    def _delete(self, found: Object, name: str) -> None:
        meta = found["metadata"]
        self.objects.delete("pods", meta["namespace"], name)
        self.events.tell(
            found, "SuccessfulDelete", f"delete Pod {name} in StatefulSet {meta['name']} successful"
        )

    def _report(self, found: Object, revision: str) -> None:
        fresh = self.objects.get(
            STATEFUL, found["metadata"]["namespace"], found["metadata"]["name"]
        )
        if fresh is None or fresh["metadata"]["uid"] != found["metadata"]["uid"]:
            return
        pods = [
            pod
            for pod in owned_by(self.objects, fresh)
            if phase(pod) not in ("Failed", "Succeeded")
        ]
        ready = [pod for pod in pods if is_ready(pod) and not is_leaving(pod)]
        new = [
            pod
            for pod in pods
            if pod["metadata"]["labels"].get("controller-revision-hash") == revision
        ]
        former = fresh.get("status") or {}
        current = former.get("currentRevision") or revision
        if len(new) == len(pods):
            current = revision
        status: Object = {
            **former,
            "observedGeneration": found["metadata"].get("generation", 1),
            "replicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready),
            "updatedReplicas": len(new),
            "currentReplicas": sum(
                pod["metadata"]["labels"].get("controller-revision-hash") == current for pod in pods
            ),
            "currentRevision": current,
            "updateRevision": revision,
            "collisionCount": former.get("collisionCount", 0),
        }
        for name in ("readyReplicas", "updatedReplicas", "currentReplicas"):
            if not status[name]:
                del status[name]
        put_status(self.objects, STATEFUL, fresh, status)


def _number(name: str) -> int:
    number = name.rpartition("-")[2]
    return int(number) if number.isdigit() else -1
