"""A kubelet that pretends: pods become what a test says they become, at once.

    kubelet.expect(cannot_pull("nobody/has:this"), image="nobody/has:this")
    kubelet.expect(runs(), component="notebook")      # by label app.kubernetes.io/component
    kubelet.expect(out_of_memory(), name="train-0")
    kubelet.exit("ns", "train-0", 1)                  # of a pod that runs
    kubelet.evict("ns", "train-0", "The node was low on resource: memory.")
    kubelet.lose_node("gpu-1")

Where nothing is expected, a pod that restarts always runs, and any other succeeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

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

Object = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What becomes of a pod: it runs, ends, or waits for a reason."""

    phase: str = "Running"
    is_ready: bool = True
    exit_code: int | None = None
    reason: str = ""
    message: str = ""
    waiting: bool = False
    log: str = ""


def runs(log: str = "", *, is_ready: bool = True) -> Outcome:
    return Outcome(log=log, is_ready=is_ready)


def exits(code: int, reason: str = "", log: str = "", message: str = "") -> Outcome:
    told = reason or ("Completed" if code == 0 else "Error")
    return Outcome("Succeeded" if code == 0 else "Failed", False, code, told, message, log=log)


def out_of_memory() -> Outcome:
    return exits(137, "OOMKilled")


def waits(reason: str, message: str = "") -> Outcome:
    return Outcome("Pending", False, reason=reason, message=message, waiting=True)


def cannot_pull(image: str = "") -> Outcome:
    return waits("ImagePullBackOff", f'Back-off pulling image "{image}"')


def evicted(message: str = "The node was low on resource: memory.") -> Outcome:
    return Outcome("Failed", False, None, "Evicted", message)


@dataclass
class Expectation:
    matches: Callable[[Object], bool]
    outcome: Outcome
    times: int | None = None


@dataclass
class Pretend:
    """A kubelet for all nodes of a cluster."""

    objects: Objects
    book: Any = None  # the LogBook of the server in memory
    expectations: list[Expectation] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    is_away: bool = False
    name: str = "kubelet"
    plurals: set[str] = field(default_factory=lambda: {"pods"})

    def __post_init__(self) -> None:
        self.events = Recorder(self.objects, self.name)
        self._logged: set[str] = set()
        self._number = 1

    # -- what tests say

    def expect(
        self,
        outcome: Outcome,
        *,
        name: str | None = None,
        prefix: str | None = None,
        namespace: str | None = None,
        image: str | None = None,
        component: str | None = None,
        labels: dict[str, str] | None = None,
        times: int | None = None,
    ) -> None:
        """Say what becomes of the pods that match; what was said last holds first."""

        def matches(pod: Object) -> bool:
            meta = pod["metadata"]
            found = meta.get("labels") or {}
            images = [container.get("image") for container in pod["spec"]["containers"]]
            wanted = {
                **(labels or {}),
                **({"app.kubernetes.io/component": component} if component else {}),
            }
            return (
                name in (None, meta["name"])
                and (prefix is None or meta["name"].startswith(prefix))
                and namespace in (None, meta["namespace"])
                and (image is None or image in images)
                and all(found.get(key) == value for key, value in wanted.items())
            )

        self.expectations.insert(0, Expectation(matches, outcome, times))

    def become(self, namespace: str, name: str, outcome: Outcome) -> None:
        """Make something of one pod now."""
        pod = self.objects.get("pods", namespace, name)
        if pod is None:
            raise LookupError(f"There is no pod {name!r} in {namespace!r}.")
        self._write(pod, outcome)

    def exit(self, namespace: str, name: str, code: int, reason: str = "") -> None:
        self.become(namespace, name, exits(code, reason))

    def evict(
        self, namespace: str, name: str, message: str = "The node was low on resource: memory."
    ) -> None:
        self.become(namespace, name, evicted(message))

    def lose_node(self, node: str) -> None:
        """Let a node go silent: it is not ready, and its pods are told to go but never do."""
        self.lost.add(node)
        found = self.objects.get("nodes", "", node)
        if found is not None:
            status = clone(found.get("status") or {})
            told = {
                "type": "Ready",
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
            set_condition(status, told, now())
            found = self.objects.update("nodes", {**clone(found), "status": status}, "status")
            spec = clone(found.get("spec") or {})
            taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
            schedule = {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}
            spec["taints"] = [*(spec.get("taints") or []), taint, schedule]
            self.objects.update("nodes", {**clone(found), "spec": spec})
        for pod in self.objects.list("pods"):
            if pod["spec"].get("nodeName") == node and phase(pod) in ("Pending", "Running"):
                status = clone(pod["status"])
                set_condition(
                    status, {"type": "Ready", "status": "False", "reason": "NodeNotReady"}, now()
                )
                disrupted = {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "DeletionByTaintManager",
                    "message": "Taint manager: deleting due to NoExecute taint",
                }
                set_condition(status, disrupted, now())
                put_status(self.objects, "pods", pod, status)
                self.objects.delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])

    def remove_node(self, node: str) -> None:
        """Take a lost node away for good: its pods are forgotten."""
        self.objects.delete("nodes", "", node)
        for pod in self.objects.list("pods"):
            if pod["spec"].get("nodeName") == node:
                status = {**clone(pod["status"]), "phase": "Failed", "reason": "NodeLost"}
                put_status(self.objects, "pods", pod, status)
                meta = pod["metadata"]
                self.objects.delete("pods", meta["namespace"], meta["name"], gracePeriodSeconds=0)

    # -- what it does

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        meta = document["metadata"]
        return (
            [(meta["namespace"], meta["name"])]
            if event != "DELETED" and document["spec"].get("nodeName")
            else []
        )

    def reconcile(self, key: Key) -> float | None:
        pod = self.objects.get("pods", *key)
        if pod is None or pod["spec"].get("nodeName") in self.lost or self.is_away:
            return None
        meta = pod["metadata"]
        if is_leaving(pod):
            if phase(pod) not in ("Succeeded", "Failed") and meta.get("finalizers"):
                self._write(pod, exits(143, "Error"))
            uid = {"uid": meta["uid"]}
            self.objects.delete("pods", *key, gracePeriodSeconds=0, preconditions=uid)
            return None
        if phase(pod) != "Pending" or (pod.get("status") or {}).get("containerStatuses"):
            return None
        self._write(pod, self._outcome(pod))
        return None

    def _outcome(self, pod: Object) -> Outcome:
        for expected in self.expectations:
            if expected.times != 0 and expected.matches(pod):
                if expected.times is not None:
                    expected.times -= 1
                return expected.outcome
        return runs() if pod["spec"]["restartPolicy"] == "Always" else exits(0)

    def _write(self, pod: Object, outcome: Outcome) -> None:
        status = self._status(pod, outcome)
        try:
            put_status(self.objects, "pods", pod, status)
        except Failure as failure:
            if failure.code not in (404, 409):
                raise
            return
        if outcome.waiting and "Pull" in outcome.reason:
            self.events.tell(pod, "Failed", f"Error: {outcome.reason}", "Warning")
        elif outcome.reason == "Evicted":
            self.events.tell(pod, "Evicted", outcome.message, "Warning")
        if self.book is not None and outcome.phase != "Pending":
            self._log(pod, outcome)

    def _log(self, pod: Object, outcome: Outcome) -> None:
        uid = pod["metadata"]["uid"]
        for container in pod["spec"]["containers"]:
            log = self.book.of(uid, container["name"]) or self.book.start(uid, container["name"])
            if outcome.log and uid not in self._logged:
                log.write(outcome.log)
            if outcome.phase in ("Succeeded", "Failed"):
                log.close()
        self._logged.add(uid)

    def _status(self, pod: Object, outcome: Outcome) -> Object:
        at = now()
        status = clone(pod.get("status") or {})
        status["phase"] = outcome.phase
        status.setdefault("startTime", at)
        status.setdefault("hostIP", "127.0.0.1")
        if "podIP" not in status and outcome.phase != "Pending":
            self._number += 1
            status["podIP"] = f"10.244.{self._number >> 8 & 255}.{self._number & 255}"
            status["podIPs"] = [{"ip": status["podIP"]}]
        if outcome.reason == "Evicted":
            status["reason"], status["message"] = outcome.reason, outcome.message
        done = outcome.phase in ("Succeeded", "Failed")
        why: Object = {}
        if done:
            why = {"reason": "PodCompleted" if outcome.phase == "Succeeded" else "PodFailed"}
        elif not outcome.is_ready:
            names = " ".join(container["name"] for container in pod["spec"]["containers"])
            why = {
                "reason": "ContainersNotReady",
                "message": f"containers with unready status: [{names}]",
            }
        for kind in ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"):
            good = kind in ("PodReadyToStartContainers", "Initialized") or outcome.is_ready
            told = {} if good else why
            set_condition(
                status, {"type": kind, "status": str(good), "lastProbeTime": None, **told}, at
            )
        former = {one["name"]: one for one in status.get("containerStatuses") or []}
        status["containerStatuses"] = [
            self._container(container, outcome, former.get(container["name"], {}), at)
            for container in pod["spec"]["containers"]
        ]
        if inits := pod["spec"].get("initContainers"):
            ended = {
                "terminated": {
                    "exitCode": 0,
                    "reason": "Completed",
                    "startedAt": at,
                    "finishedAt": at,
                }
            }
            status["initContainerStatuses"] = [
                {
                    "name": one["name"],
                    "image": one["image"],
                    "imageID": one["image"],
                    "ready": True,
                    "restartCount": 0,
                    "state": ended,
                }
                for one in inits
            ]
        return status

    @staticmethod
    def _container(container: Object, outcome: Outcome, former: Object, at: str) -> Object:
        state: Object
        if outcome.waiting:
            told = {"reason": outcome.reason, "message": outcome.message}
            state = {"waiting": {key: value for key, value in told.items() if value}}
        elif outcome.exit_code is not None:
            started = ((former.get("state") or {}).get("running") or {}).get("startedAt", at)
            ended = {
                "exitCode": outcome.exit_code,
                "reason": outcome.reason,
                "startedAt": started,
                "finishedAt": at,
            }
            state = {
                "terminated": {**ended, **({"message": outcome.message} if outcome.message else {})}
            }
        elif outcome.reason == "Evicted":
            ended = {"exitCode": 137, "reason": "Error", "startedAt": at, "finishedAt": at}
            state = {"terminated": ended}
        else:
            state = {
                "running": {
                    "startedAt": ((former.get("state") or {}).get("running") or {}).get(
                        "startedAt", at
                    )
                }
            }
        return {
            "name": container["name"],
            "image": container.get("image", ""),
            "imageID": container.get("image", ""),
            "ready": outcome.is_ready,
            "started": outcome.phase == "Running",
            "restartCount": former.get("restartCount", 0),
            "state": state,
            "lastState": {},
        }
