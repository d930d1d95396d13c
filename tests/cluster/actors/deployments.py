"""The controllers of ReplicaSets and Deployments."""

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
    set_condition,
)
from tests.cluster.actors.pods import create_pod, now, owned_by, pod_from, template_hash

Object = dict[str, Any]
DEPLOYMENTS, REPLICA_SETS = "deployments.apps", "replicasets.apps"
REVISION = "deployment.kubernetes.io/revision"


class ReplicaSets:
    """Keeps as many pods of a template as are wanted."""

    name = "replicaset-controller"
    plurals: ClassVar[set[str] | None] = {REPLICA_SETS, "pods"}

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.events = Recorder(objects, self.name)

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        namespace = document["metadata"].get("namespace") or ""
        if plural == REPLICA_SETS:
            return [(namespace, document["metadata"]["name"])]
        owner = controller_of(document, "ReplicaSet")
        return [(namespace, owner)] if owner else []

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        found = self.objects.get(REPLICA_SETS, namespace, name)
        if found is None or is_leaving(found):
            return None
        pods = [
            pod
            for pod in owned_by(self.objects, found)
            if not is_leaving(pod) and phase(pod) not in ("Failed", "Succeeded")
        ]
        wanted = found["spec"]["replicas"]
        refused = ""
        for _ in range(wanted - len(pods)):
            pod = pod_from(found["spec"]["template"], found)
            pod["metadata"]["generateName"] = f"{name}-"
            told: list[str] = []

            def failed(message: str, told: list[str] = told) -> str:
                told.append(message)
                return f"Error creating: {message}"

            made = create_pod(self.objects, self.events, found, pod, failed)
            if made is None:
                refused = told[0] if told else ""
                break
            self.events.tell(found, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        pods.sort(key=lambda pod: (is_ready(pod), bool(pod["spec"].get("nodeName"))))
        for pod in pods[: max(0, len(pods) - wanted)]:
            self.objects.delete("pods", namespace, pod["metadata"]["name"])
            self.events.tell(found, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        self._report(found, refused)
        return 0.2 if refused else None

    def _report(self, found: Object, refused: str) -> None:
        fresh = self.objects.get(
            REPLICA_SETS, found["metadata"]["namespace"], found["metadata"]["name"]
        )
        if fresh is None:
            return
        pods = [
            pod
            for pod in owned_by(self.objects, fresh)
            if not is_leaving(pod) and phase(pod) not in ("Failed", "Succeeded")
        ]
        ready = sum(is_ready(pod) for pod in pods)
        status = clone(fresh.get("status") or {})
        status["observedGeneration"] = found["metadata"].get("generation", 1)
        status["replicas"] = status["fullyLabeledReplicas"] = len(pods)
        status["readyReplicas"] = status["availableReplicas"] = ready
        for name in ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"):
            if not status[name]:
                del status[name]
        status["conditions"] = [
            entry for entry in status.get("conditions") or [] if entry["type"] != "ReplicaFailure"
        ]
        if refused:
            set_condition(
                status,
                {
                    "type": "ReplicaFailure",
                    "status": "True",
                    "reason": "FailedCreate",
                    "message": refused,
                },
                now(),
            )
        if not status["conditions"]:
            del status["conditions"]
        put_status(self.objects, REPLICA_SETS, fresh, status)


class Deployments:
    """Moves a Deployment from one ReplicaSet to the next, never below what shall be available."""

    name = "deployment-controller"
    plurals: ClassVar[set[str] | None] = {DEPLOYMENTS, REPLICA_SETS}

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.events = Recorder(objects, self.name)

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        namespace = document["metadata"].get("namespace") or ""
        if plural == DEPLOYMENTS:
            return [(namespace, document["metadata"]["name"])]
        owner = controller_of(document, "Deployment")
        return [(namespace, owner)] if owner else []

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        found = self.objects.get(DEPLOYMENTS, namespace, name)
        if found is None or is_leaving(found):
            return None
        uid = found["metadata"]["uid"]
        sets = [
            one
            for one in self.objects.list(REPLICA_SETS, namespace)
            if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences") or [])
        ]
        mark = template_hash(found["spec"]["template"])
        new = next(
            (one for one in sets if one["metadata"]["labels"].get("pod-template-hash") == mark),
            None,
        )
        old = [one for one in sets if one is not new]
        wanted = (
            found["spec"]["replicas"] if not found["spec"].get("paused") or new is not None else 0
        )
        recreate = found["spec"]["strategy"]["type"] == "Recreate"
        if recreate and any(
            (one.get("status") or {}).get("replicas") or one["spec"]["replicas"] for one in old
        ):
            for one in old:
                self._scale(one, 0)
        elif new is None:
            new = self._create(found, mark, wanted, len(sets))
        else:
            self._scale(new, wanted)
            available = (new.get("status") or {}).get("availableReplicas", 0)
            keep = max(0, wanted - available)
            for one in old:
                here = min(one["spec"]["replicas"], keep)
                keep -= here
                self._scale(one, here)
        self._tidy(found, old)
        self._report(found, new, old)
        return None

    def _create(self, found: Object, mark: str, replicas: int, count: int) -> Object:
        meta = found["metadata"]
        template = clone(found["spec"]["template"])
        labels = {
            **((template.get("metadata") or {}).get("labels") or {}),
            "pod-template-hash": mark,
        }
        template.setdefault("metadata", {})["labels"] = labels
        selector = clone(found["spec"]["selector"])
        selector.setdefault("matchLabels", {})["pod-template-hash"] = mark
        name = f"{meta['name']}-{mark}"
        most = replicas
        if found["spec"]["strategy"]["type"] == "RollingUpdate":
            surge = found["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
            share = int(str(surge).removesuffix("%"))
            most += -(-replicas * share // 100) if str(surge).endswith("%") else share
        made = self.objects.create(
            REPLICA_SETS,
            meta["namespace"],
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": name,
                    "labels": labels,
                    "annotations": {
                        REVISION: str(count + 1),
                        "deployment.kubernetes.io/desired-replicas": str(replicas),
                        "deployment.kubernetes.io/max-replicas": str(most),
                    },
                    "ownerReferences": [owner_reference(found)],
                },
                "spec": {"replicas": replicas, "selector": selector, "template": template},
            },
        )
        revision = {"metadata": {"annotations": {REVISION: str(count + 1)}}}
        self.objects.patch(DEPLOYMENTS, meta["namespace"], meta["name"], revision, "status")
        self.events.tell(
            found, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {replicas}"
        )
        return made

    def _scale(self, one: Object, replicas: int) -> None:
        if one["spec"]["replicas"] != replicas:
            meta = one["metadata"]
            self.objects.patch(
                REPLICA_SETS, meta["namespace"], meta["name"], {"spec": {"replicas": replicas}}
            )

    def _tidy(self, found: Object, old: list[Object]) -> None:
        empty = [
            one
            for one in old
            if not one["spec"]["replicas"] and not (one.get("status") or {}).get("replicas")
        ]
        empty.sort(key=lambda one: int((one["metadata"].get("annotations") or {}).get(REVISION, 0)))
        for one in empty[: max(0, len(empty) - found["spec"]["revisionHistoryLimit"])]:
            self.objects.delete(REPLICA_SETS, one["metadata"]["namespace"], one["metadata"]["name"])

    def _report(self, found: Object, new: Object | None, old: list[Object]) -> None:
        meta = found["metadata"]
        fresh = self.objects.get(DEPLOYMENTS, meta["namespace"], meta["name"])
        if fresh is None:
            return
        every = [one.get("status") or {} for one in ([new] if new else []) + old]
        wanted = fresh["spec"]["replicas"]
        updated = ((new or {}).get("status") or {}).get("replicas", 0)
        counts = {
            "replicas": sum(status.get("replicas", 0) for status in every),
            "updatedReplicas": updated,
            "readyReplicas": sum(status.get("readyReplicas", 0) for status in every),
            "availableReplicas": sum(status.get("availableReplicas", 0) for status in every),
        }
        counts["unavailableReplicas"] = max(
            0, max(wanted, counts["replicas"]) - counts["availableReplicas"]
        )
        status = clone(fresh.get("status") or {})
        for name, count in counts.items():
            status.pop(name, None)
            if count:
                status[name] = count
        status["observedGeneration"] = meta.get("generation", 1)
        enough = counts["availableReplicas"] >= wanted - (wanted // 4 if wanted > 3 else 0)
        available = (
            {
                "status": "True",
                "reason": "MinimumReplicasAvailable",
                "message": "Deployment has minimum availability.",
            }
            if enough
            else {
                "status": "False",
                "reason": "MinimumReplicasUnavailable",
                "message": "Deployment does not have minimum availability.",
            }
        )
        name = new["metadata"]["name"] if new else meta["name"]
        done = updated == wanted == counts["replicas"] == counts["availableReplicas"]
        progress = (
            {
                "reason": "NewReplicaSetAvailable",
                "message": f'ReplicaSet "{name}" has successfully progressed.',
            }
            if done
            else {"reason": "ReplicaSetUpdated", "message": f'ReplicaSet "{name}" is progressing.'}
        )
        for condition in (
            {"type": "Available", **available},
            {"type": "Progressing", "status": "True", **progress},
        ):
            if set_condition(status, condition, now()):
                next(one for one in status["conditions"] if one["type"] == condition["type"])[
                    "lastUpdateTime"
                ] = now()
        failures = [
            one
            for state in every
            for one in state.get("conditions") or []
            if one["type"] == "ReplicaFailure"
        ]
        status["conditions"] = [
            one for one in status["conditions"] if one["type"] != "ReplicaFailure"
        ] + failures[:1]
        put_status(self.objects, DEPLOYMENTS, fresh, status)
