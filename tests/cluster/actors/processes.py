"""A kubelet that means it: the containers of a pod run as processes of this machine.

What is as in a cluster: order of init containers, restarts, environment, volumes (as folders),
logs, exit codes, messages, readiness probes, SIGTERM and grace, and names of services (for Python
processes). Each pod has an address of its own in 127.0.0.0/8. What is not: images (a container
needs a `command`, or an entry in `images`), isolation, limits of resources, and file systems: paths
of mounts are replaced in arguments and environment (see `podfiles`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster.actors import containers
from tests.cluster.actors.containers import Container
from tests.cluster.actors.kubelet import Pretend
from tests.cluster.actors.manager import Key
from tests.cluster.actors.objects import Failure, InMemory, clone, is_leaving, phase, set_condition
from tests.cluster.actors.podfiles import TOKEN_PLACE, Files, NotReady
from tests.cluster.actors.pods import moment, now
from tests.cluster.actors.services import pods_of

if TYPE_CHECKING:
    from tests.cluster.memory import MemoryCluster

Object = dict[str, Any]
NAMES = Path(__file__).with_name("names")


class Processes(Pretend):
    """The kubelet of all nodes.

    Pods that match an expectation (`expect`) are pretended, all others run.
    """

    def __init__(self, objects: InMemory, book: Any, root: Path, cluster: MemoryCluster) -> None:
        super().__init__(objects, book, plurals={"pods", "services"})
        self.root, self.cluster = root, cluster
        root.mkdir(parents=True, exist_ok=True)
        self.table = root / "names.json"
        self.images: dict[str, list[str]] = {}  # what runs where a container has no command
        self.environment: dict[str, str] = {}  # for every container
        self.runs: dict[str, PodRun] = {}  # by uid
        self._lock = threading.Lock()
        self._count = 0

    def keys(self, event: str, plural: str, document: Object) -> list[Key]:
        if plural == "services":
            return [("", "")]
        meta = document["metadata"]
        if event == "DELETED":
            return [("", ""), ("gone", meta["uid"])]
        return [(meta["namespace"], meta["name"])] if document["spec"].get("nodeName") else []

    def reconcile(self, key: Key) -> float | None:
        if key == ("", ""):
            self.write_names()
            return None
        if key[0] == "gone":
            if (run := self.runs.pop(key[1], None)) is not None:
                run.kill()
            return None
        pod = self.objects.get("pods", *key)
        if pod is None or pod["spec"].get("nodeName") in self.lost or self.is_away:
            return None
        if any(expected.times != 0 and expected.matches(pod) for expected in self.expectations):
            return super().reconcile(key)
        uid = pod["metadata"]["uid"]
        run = self.runs.get(uid)
        if is_leaving(pod):
            if run is None or run.is_over:
                self.forget(pod)
            else:
                run.stop(int(pod["metadata"].get("deletionGracePeriodSeconds", 30)))
        elif run is None and phase(pod) == "Pending":
            self._begin(pod)
        return None

    def _begin(self, pod: Object) -> None:
        self._count += 1
        status = clone(pod.get("status") or {})
        address = f"127.10.{self._count >> 8 & 255}.{self._count & 255 or 1}"
        status |= {
            "podIP": address,
            "podIPs": [{"ip": address}],
            "hostIP": "127.0.0.1",
            "startTime": now(),
        }
        try:
            pod = self.objects.update("pods", {**clone(pod), "status": status}, "status")
        except Failure:
            return  # it has changed: heard of again
        self.write_names()
        run = self.runs[pod["metadata"]["uid"]] = PodRun(self, pod)
        run.start()

    def forget(self, pod: Object) -> None:
        """Tell the server that a pod is gone from its node."""
        meta = pod["metadata"]
        with contextlib.suppress(Failure):
            self.objects.delete(
                "pods",
                meta["namespace"],
                meta["name"],
                gracePeriodSeconds=0,
                preconditions={"uid": meta["uid"]},
            )

    def write_names(self) -> None:
        """Write the table of names: services, and pods that a headless service names one by one."""
        table: dict[str, list[Any]] = {}
        for service in self.objects.list("services"):
            meta, spec = service["metadata"], service["spec"]
            name = f"{meta['name']}.{meta['namespace']}"
            for pod in pods_of(self.objects, service):
                address = (pod.get("status") or {}).get("podIP")
                if not address:
                    continue
                ports = {
                    str(port["port"]): named_port(pod, port["targetPort"])
                    for port in spec.get("ports") or []
                }
                ready = containers.is_ready(pod) or spec.get("clusterIP") == "None"
                if ready or spec.get("publishNotReadyAddresses"):
                    table.setdefault(name, []).append([address, ports])
                if pod["spec"].get("subdomain") == meta["name"] and pod["spec"].get("hostname"):
                    table[f"{pod['spec']['hostname']}.{name}"] = [[address, ports]]
        with self._lock:
            fresh = self.table.with_suffix(".new")
            fresh.write_text(json.dumps(table))
            fresh.replace(self.table)

    def address(self, namespace: str, service: str, port: int) -> str:
        """Find where a service is reached from outside its pods: "127.10.0.1:8888"."""
        found = self.objects.get("services", namespace, service)
        if found is None:
            raise LookupError(f"There is no service {service!r} in {namespace!r}.")
        ready = [pod for pod in pods_of(self.objects, found) if containers.is_ready(pod)]
        if not ready:
            raise LookupError(f"No pod behind service {service!r} in {namespace!r} is ready.")
        target = next(one["targetPort"] for one in found["spec"]["ports"] if one["port"] == port)
        return f"{ready[0]['status']['podIP']}:{named_port(ready[0], target)}"

    def kill(
        self, namespace: str, name: str, container: str = "", reason: str = "OOMKilled"
    ) -> None:
        """Kill a container as the kernel would for memory."""
        pod = self.objects.get("pods", namespace, name)
        assert pod is not None
        for one in self.runs[pod["metadata"]["uid"]].containers:
            if container in ("", one.name):
                one.reason = reason
                one.send(signal.SIGKILL)

    def evict(
        self, namespace: str, name: str, message: str = "The node was low on resource: memory."
    ) -> None:
        pod = self.objects.get("pods", namespace, name)
        assert pod is not None
        if (run := self.runs.get(pod["metadata"]["uid"])) is not None:
            run.silence()
        super().evict(namespace, name, message)

    def lose_node(self, node: str) -> None:
        for run in self.runs.values():
            if run.pod["spec"]["nodeName"] == node:
                run.silence()
        super().lose_node(node)

    def stop(self) -> None:
        """End every process."""
        for run in tuple(self.runs.values()):
            run.silence()
        for run in tuple(self.runs.values()):
            run.join(5)

    def base_environment(self, files: Files, container: Object) -> dict[str, str]:
        pod = files.pod
        found = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
            "HOME": str(files.home),
            "HOSTNAME": pod["spec"].get("hostname") or pod["metadata"]["name"],
            "LANG": "C.UTF-8",
            "PYTHONPATH": f"{NAMES}:{Path(__file__).parents[3]}",
            "PYTHONUNBUFFERED": "1",
            "CLUSTER_NAMES": str(self.table),
            "CLUSTER_NAMESPACE": pod["metadata"]["namespace"],
            **self.environment,
        }
        if any(mount["mountPath"] == TOKEN_PLACE for mount in container.get("volumeMounts") or []):
            account = pod["spec"].get("serviceAccountName", "default")
            user = f"system:serviceaccount:{pod['metadata']['namespace']}:{account}"
            found["KUBECONFIG"] = str(
                self.cluster.kubeconfig_for(user, namespace=pod["metadata"]["namespace"])
            )
            found["KUBERNETES_SERVICE_HOST"] = "127.0.0.1"
            found["KUBERNETES_SERVICE_PORT"] = str(self.cluster.secure().port)
        return found


def named_port(pod: Object, target: int | str) -> int:
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or []:
            if port.get("name") == target:
                return int(port["containerPort"])
    return 0


class PodRun(threading.Thread):
    """One pod on its node, from its first init container to its end."""

    def __init__(self, kubelet: Processes, pod: Object) -> None:
        super().__init__(name=f"pod-{pod['metadata']['name']}", daemon=True)
        self.kubelet, self.pod = kubelet, pod
        self.files = Files(kubelet.objects, pod, kubelet.root, self._token)
        self.inits: list[Container] = []
        self.containers: list[Container] = []
        self.is_over = False
        self._wake = threading.Event()
        self._stopping: int | None = None
        self._is_silent = False

    def _token(self, namespace: str, account: str) -> str:
        return self.kubelet.cluster.token(f"system:serviceaccount:{namespace}:{account}")

    # -- what happens to it

    def stop(self, grace_s: int) -> None:
        self._stopping = grace_s
        self._wake.set()

    def silence(self) -> None:
        """Kill all, and say nothing any more: the node is gone."""
        self._is_silent = True
        self.kill()

    def kill(self) -> None:
        for container in [*self.inits, *self.containers]:
            container.send(signal.SIGKILL)
        self._wake.set()

    # -- its life

    def run(self) -> None:
        try:
            if self._prepare():
                self._live()
        except Exception as error:
            self.kubelet.cluster.manager.errors.append(f"{self.name}: {error!r}")
            raise
        finally:
            self.is_over = True
            for container in [*self.inits, *self.containers]:
                container.send(signal.SIGKILL)
            if self._stopping is not None and not self._is_silent:
                self.kubelet.forget(self.pod)

    def _prepare(self) -> bool:
        """Wait until what the pod needs is there, and make its containers."""
        spec = self.pod["spec"]
        while not self._is_silent and self._stopping is None:
            try:
                self.files.prepare()
                always = spec["restartPolicy"]
                self.inits = [
                    Container(self, one, "Never" if always == "Never" else "OnFailure")
                    for one in spec.get("initContainers") or []
                ]
                self.containers = [Container(self, one, always) for one in spec["containers"]]
                return True
            except NotReady as missing:
                self._report_waiting(missing)
                self._pause(0.1)
        return False

    def _live(self) -> None:
        waiting = list(self.inits)
        deadline = self.pod["spec"].get("activeDeadlineSeconds")
        while not self._is_silent:
            if self._stopping is not None:
                self._stop_all(self._stopping)
                self._report("")
                return
            if deadline and containers.clock() - moment(self.pod["status"]["startTime"]) > deadline:
                self._stop_all(1)
                self._report("DeadlineExceeded")
                return
            while waiting and (
                waiting[0].has_succeeded or (waiting[0].is_sidecar and waiting[0].is_up)
            ):
                waiting.pop(0)
            active = [
                *[one for one in self.inits if one.is_sidecar and one not in waiting],
                *([waiting[0]] if waiting else self.containers),
            ]
            for container in active:
                container.step()
            self._report("")
            if any(one.has_failed for one in self.inits) or all(
                one.is_done for one in self.containers
            ):
                self._stop_all(1)
                self._report("")
                return
            self._pause(0.02)

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self._wake.clear()

    def _stop_all(self, grace_s: int) -> None:
        for container in [*self.inits, *self.containers]:
            container.before_stop()
            container.send(signal.SIGTERM)
        ends = containers.clock() + grace_s
        for container in [*self.inits, *self.containers]:
            container.finish(max(0.0, ends - containers.clock()))

    # -- what it says

    def _report_waiting(self, missing: NotReady) -> None:
        state = {"waiting": {"reason": missing.reason, "message": missing.message}}
        listed = [containers.blank(one, state) for one in self.pod["spec"]["containers"]]
        self._write({"phase": "Pending", "containerStatuses": listed})

    def _report(self, reason: str) -> None:
        status: Object = {"containerStatuses": [one.status() for one in self.containers]}
        if self.inits:
            status["initContainerStatuses"] = [one.status() for one in self.inits]
        failed = any(one.has_failed for one in self.inits)
        done = bool(self.containers) and all(one.is_done for one in self.containers)
        if reason:
            status |= {
                "phase": "Failed",
                "reason": reason,
                "message": "Pod was active on the node longer than the specified deadline",
            }
        elif failed or done:
            good = not failed and all(one.has_succeeded for one in self.containers)
            status["phase"] = "Succeeded" if good else "Failed"
        else:
            status["phase"] = (
                "Running" if any(one.was_started for one in self.containers) else "Pending"
            )
        self._write(status)

    def _write(self, status: Object) -> None:
        if self._is_silent:
            return
        meta = self.pod["metadata"]
        ready = status["phase"] == "Running" and all(
            one["ready"] for one in status["containerStatuses"]
        )
        started = all(one.has_succeeded or one.is_sidecar for one in self.inits)
        while True:
            found = self.kubelet.objects.get("pods", meta["namespace"], meta["name"])
            if found is None or found["metadata"]["uid"] != meta["uid"]:
                return
            whole = {**clone(found.get("status") or {}), **status}
            for kind, good in (
                ("PodReadyToStartContainers", True),
                ("Initialized", started),
                ("ContainersReady", ready),
                ("Ready", ready),
            ):
                set_condition(whole, {"type": kind, "status": str(good)}, now())
            if whole == found.get("status"):
                return
            try:
                self.pod = self.kubelet.objects.update(
                    "pods", {**clone(found), "status": whole}, "status"
                )
            except Failure as failure:
                if failure.code == 409:
                    continue
                return
            self.files.pod = self.pod
            if ready != containers.is_ready(found):
                self.kubelet.write_names()
            return
