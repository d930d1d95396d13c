"""The scheduler: finds a node for each pod, or says in the real one's words why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

from tests.cluster.actors.manager import Key, Recorder
from tests.cluster.actors.objects import (
    Failure,
    Objects,
    clone,
    is_leaving,
    phase,
    put_status,
    set_condition,
)
from tests.cluster.actors.pods import now
from tests.cluster.actors.volumes import CLAIMS, CLASSES, claims_of
from tests.cluster.apiserver.admission import pod_resources
from tests.cluster.apiserver.quantities import parse

Object = dict[str, Any]
# Preempting other pods does not help against these.
HOPELESS = (
    "node(s) had untolerated taint",
    "node(s) didn't match Pod's node",
    "node(s) were unschedulable",
)


class Scheduler:
    """Binds pods to nodes; tries again whenever a node, a claim or another pod changes."""

    name = "default-scheduler"
    plurals: ClassVar[set[str] | None] = {"pods", "nodes", CLAIMS}

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.events = Recorder(objects, self.name)
        self._unplaced: set[Key] = set()

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        meta = document["metadata"]
        if plural != "pods":
            return [*self._unplaced]
        key = (meta["namespace"], meta["name"])
        if event == "DELETED" or phase(document) in ("Succeeded", "Failed"):
            self._unplaced.discard(key)
            return [*self._unplaced]
        return [] if document["spec"].get("nodeName") else [key]

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        pod = self.objects.get("pods", namespace, name)
        if pod is None or pod["spec"].get("nodeName") or is_leaving(pod):
            self._unplaced.discard(key)
            return None
        if pod["spec"].get("schedulerName", self.name) != self.name:
            return None
        if pod["spec"].get("schedulingGates"):
            return None
        node, why = self._place(pod)
        if node is None:
            self._unplaced.add(key)
            self._complain(pod, why)
            return None
        self._unplaced.discard(key)
        target = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"kind": "Node", "name": node},
        }
        try:
            self.objects.post("pods", namespace, name, "binding", target)
        except Failure as failure:
            if failure.code == 409:
                return None
            raise
        self.events.tell(pod, "Scheduled", f"Successfully assigned {namespace}/{name} to {node}")
        return None

    def _place(self, pod: Object) -> tuple[str | None, str]:
        nodes = self.objects.list("nodes")
        if not nodes:
            return None, "no nodes available to schedule pods"
        head = f"0/{len(nodes)} nodes are available: "
        if told := self._claims(pod):
            return None, f"{head}{told}. not found"
        reasons: Counter[str] = Counter()
        fitting: list[tuple[int, str]] = []
        pods = self.objects.list("pods")
        for node in nodes:
            here = [
                other
                for other in pods
                if other["spec"].get("nodeName") == node["metadata"]["name"]
                and phase(other) not in ("Succeeded", "Failed")
            ]
            found = self._obstacles(pod, node, here)
            if found:
                reasons.update(found)
            else:
                fitting.append((len(here), node["metadata"]["name"]))
        if fitting:
            return min(fitting)[1], ""
        listed = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
        hopeless = sum(count for reason, count in reasons.items() if reason.startswith(HOPELESS))
        victims = len(nodes) - min(hopeless, len(nodes))
        parts = [
            f"{count} {told}"
            for count, told in (
                (victims, "No preemption victims found for incoming pod"),
                (len(nodes) - victims, "Preemption is not helpful for scheduling"),
            )
            if count
        ]
        return (
            None,
            (
                f"{head}{listed}. no new claims to deallocate, "
                f"preemption: 0/{len(nodes)} nodes are available: "
                f"{', '.join(sorted(parts))}."
            ),
        )

    def _claims(self, pod: Object) -> str:
        namespace = pod["metadata"]["namespace"]
        for name in claims_of(pod):
            claim = self.objects.get(CLAIMS, namespace, name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if is_leaving(claim):
                return f'persistentvolumeclaim "{name}" is being deleted'
            if (claim.get("status") or {}).get("phase") == "Bound":
                continue
            named = claim["spec"].get("storageClassName")
            found = self.objects.get(CLASSES, "", named) if named else None
            if found is None or found.get("volumeBindingMode", "Immediate") == "Immediate":
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    def _obstacles(self, pod: Object, node: Object, here: list[Object]) -> list[str]:
        spec = pod["spec"]
        tolerations = spec.get("tolerations") or []
        if (node.get("spec") or {}).get("unschedulable"):
            return ["node(s) were unschedulable"]
        for taint in (node.get("spec") or {}).get("taints") or []:
            if taint["effect"] in ("NoSchedule", "NoExecute") and not any(
                tolerates(one, taint) for one in tolerations
            ):
                return ["node(s) had untolerated taint(s)"]
        if not matches_node(spec, node):
            return ["node(s) didn't match Pod's node affinity/selector"]
        room = (node.get("status") or {}).get("allocatable") or {}
        lacking: list[str] = []
        if len(here) >= int(parse(room.get("pods", "110")) or 110):
            lacking.append("Too many pods")
        used: dict[str, Decimal] = {}
        for other in here:
            for name, amount in pod_resources(other["spec"], "requests").items():
                used[name] = used.get(name, Decimal(0)) + amount
        for name, amount in pod_resources(spec, "requests").items():
            if amount > (parse(room.get(name, "0")) or Decimal(0)) - used.get(name, Decimal(0)):
                lacking.append(f"Insufficient {name}")
        return lacking

    def _complain(self, pod: Object, why: str) -> None:
        status = clone(pod.get("status") or {})
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": why,
            "lastProbeTime": None,
            "observedGeneration": pod["metadata"].get("generation", 1),
        }
        if set_condition(status, condition, now()):
            put_status(self.objects, "pods", pod, status)
            self.events.tell(pod, "FailedScheduling", why, "Warning")


def tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return bool(
        toleration.get("key") == taint["key"]
        and (toleration.get("value") or "") == (taint.get("value") or "")
    )


def matches_node(spec: Object, node: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if not affinity:
        return True
    return any(
        all(_matches(rule, labels) for rule in term.get("matchExpressions") or [])
        for term in affinity.get("nodeSelectorTerms") or []
    )


def _matches(rule: Object, labels: dict[str, str]) -> bool:
    key, values = rule["key"], rule.get("values") or []
    found = labels.get(key)
    return {
        "In": found in values,
        "NotIn": found not in values,
        "Exists": found is not None,
        "DoesNotExist": found is None,
        "Gt": found is not None
        and found.isdigit()
        and bool(values)
        and int(found) > int(values[0]),
        "Lt": found is not None
        and found.isdigit()
        and bool(values)
        and int(found) < int(values[0]),
    }[rule["operator"]]
