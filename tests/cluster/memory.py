"""The cluster in memory: server, controllers, scheduler and a kubelet, ready in a blink.

with MemoryCluster() as cluster:
    cluster.add_node("gpu-1", gpus=4)
    core = kubernetes.client.CoreV1Api(cluster.api())
    ...
    cluster.settle()                       # until the controllers have nothing left to do
    cluster.calls                          # who called what
    cluster.faults.fail(1, "conflict", verb="update")
    cluster.kubelet.expect(out_of_memory(), prefix="train-")
"""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from tests.cluster.actors.collector import GarbageCollector, Namespaces
from tests.cluster.actors.deployments import Deployments, ReplicaSets
from tests.cluster.actors.jobs import Jobs
from tests.cluster.actors.kubelet import Pretend
from tests.cluster.actors.manager import Actor, Manager
from tests.cluster.actors.objects import InMemory
from tests.cluster.actors.scheduler import Scheduler
from tests.cluster.actors.services import EndpointSlices
from tests.cluster.actors.statefulsets import StatefulSets
from tests.cluster.actors.volumes import Quotas, Volumes
from tests.cluster.apiserver.access import AUTHENTICATED, User, service_account
from tests.cluster.apiserver.api import Api, Call
from tests.cluster.apiserver.faults import Faults
from tests.cluster.apiserver.server import Server
from tests.cluster.apiserver.store import Store
from tests.cluster.cluster import write_kubeconfig

Object = dict[str, Any]


@functools.cache
def certificate() -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1, once; kubectl sends tokens over TLS only."""
    place = Path(tempfile.mkdtemp(prefix="apiserver-"))
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    files = "-keyout key.pem -out cert.pem -subj /CN=127.0.0.1 -addext"
    subprocess.run(
        [*command.split(), *files.split(), names],
        cwd=place,
        check=True,
        capture_output=True,
        timeout=30,
    )
    return place / "cert.pem", place / "key.pem"


class MemoryCluster:
    """A cluster in memory.

    `actors=False` leaves a bare API server; `kubelet` is pretended, real processes, or none.
    """

    kind = "memory"

    def __init__(
        self,
        *,
        actors: bool = True,
        kubelet: Literal["pretend", "processes", "none"] = "pretend",
        nodes: int = 1,
        storage: bool = True,
        history: int = 20_000,
        seed: int = 0,
        root: Path | None = None,
    ) -> None:
        self.core = Api(seed=seed, history=history)
        self.core.admission.gives_service_accounts = actors
        self.server = Server(self.core)
        self.objects = InMemory(self.core)
        self._secure: Server | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="cluster-")
        self.folder = Path(self._folder.name)
        self.kubelet: Pretend = Pretend(self.objects, self.core.book)
        running: list[Actor] = []
        if actors:
            running = [
                GarbageCollector(self.objects),
                Namespaces(self.objects),
                StatefulSets(self.objects),
                ReplicaSets(self.objects),
                Deployments(self.objects),
                Jobs(self.objects, seed=seed),
                Volumes(self.objects),
                Quotas(self.objects),
                EndpointSlices(self.objects),
                Scheduler(self.objects),
            ]
            if kubelet == "pretend":
                running.append(self.kubelet)
            elif kubelet == "processes":
                from tests.cluster.actors.processes import Processes

                self.processes = Processes(
                    self.objects, self.core.book, root or self.folder / "node", self
                )
                running.append(self.processes)
        self.manager = Manager(self.objects, running)
        self.with_actors = actors
        for number in range(nodes if actors else 0):
            self.add_node(f"node-{number + 1}")
        if storage:
            self.add_storage_class("standard", is_default=True)

    def __enter__(self) -> MemoryCluster:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> MemoryCluster:
        self.server.start()
        if self.with_actors:
            self.manager.start()
            self.settle()
        return self

    def stop(self) -> None:
        self.manager.stop()
        if processes := getattr(self, "processes", None):
            processes.stop()
        self.server.stop()
        if self._secure is not None:
            self._secure.stop()
        self._folder.cleanup()

    # -- the way in

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def store(self) -> Store:
        return self.core.store

    @property
    def faults(self) -> Faults:
        return self.core.faults

    @property
    def calls(self) -> list[Call]:
        return self.core.calls

    def token(self, user: str = "admin", groups: Sequence[str] = ()) -> str:
        if user == "admin":
            return self.core.admin_token
        if user.startswith("system:serviceaccount:"):
            _, _, namespace, name = user.split(":")
            return self.core.access.mint(service_account(namespace, name))
        return self.core.access.mint(User(user, (*groups, AUTHENTICATED)))

    def api(self, user: str = "admin", groups: Sequence[str] = ()) -> Any:
        from kubernetes import client

        key = {"authorization": f"Bearer {self.token(user, groups)}"}
        return client.ApiClient(client.Configuration(host=self.url, api_key=key))

    def environment(self, user: str = "admin") -> dict[str, str]:
        """Return what a program needs in its environment to find this cluster as this user."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig_for(user))}

    def secure(self) -> Server:
        """Return the same server behind TLS; started when first asked for."""
        if self._secure is None:
            self._secure = Server(self.core, *certificate()).start()
        return self._secure

    @property
    def kubeconfig(self) -> Path:
        return self.kubeconfig_for("admin")

    def kubeconfig_for(
        self, user: str, groups: Sequence[str] = (), namespace: str = "default"
    ) -> Path:
        path = self.folder / f"kubeconfig-{user.replace(':', '-').replace('/', '-')}"
        return write_kubeconfig(
            path, self.secure().url, self.token(user, groups), certificate()[0], namespace
        )

    # -- what is in it

    def settle(self, timeout_s: float = 10.0) -> None:
        """Wait until the actors have nothing left to do."""
        self.manager.settle(timeout_s)

    def add_node(
        self,
        name: str,
        *,
        cpu: str = "8",
        memory: str = "32Gi",
        gpus: int = 0,
        vendor: str = "nvidia.com/gpu",
        labels: dict[str, str] | None = None,
        taints: list[Object] | None = None,
    ) -> Object:
        """Add a node that is ready, with as many GPUs of a vendor as it shall advertise."""
        room = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "100Gi"}
        if gpus:
            room[vendor] = str(gpus)
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastTransitionTime": self.core.writer.now(),
            "lastHeartbeatTime": self.core.writer.now(),
        }
        made = self.objects.create(
            "nodes",
            "",
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": name,
                    "labels": {
                        "kubernetes.io/hostname": name,
                        "kubernetes.io/os": "linux",
                        "kubernetes.io/arch": "amd64",
                        **(labels or {}),
                    },
                },
                "spec": {"taints": taints} if taints else {},
            },
        )
        addresses = [
            {"type": "InternalIP", "address": "127.0.0.1"},
            {"type": "Hostname", "address": name},
        ]
        status = {
            "capacity": room,
            "allocatable": room,
            "conditions": [ready],
            "addresses": addresses,
        }
        return self.objects.update("nodes", {**made, "status": status}, "status")

    def add_storage_class(
        self, name: str, *, is_default: bool = False, binding: str = "Immediate"
    ) -> Object:
        """Add a StorageClass whose volumes are made at once (or for their first consumer)."""
        marks = {"storageclass.kubernetes.io/is-default-class": "true"} if is_default else {}
        return self.objects.create(
            "storageclasses.storage.k8s.io",
            "",
            {
                "metadata": {"name": name, "annotations": marks},
                "provisioner": "test.local/folders",
                "volumeBindingMode": binding,
            },
        )

    def install(self, *definitions: Object) -> None:
        """Install CustomResourceDefinitions (or any cluster-scoped objects)."""
        for definition in definitions:
            kind = self.core.registry.of(definition["apiVersion"], definition["kind"])
            assert kind is not None
            self.core.do("create", kind, "", "", definition)

    def add_namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        self.objects.create("namespaces", "", {"metadata": {"name": name, "labels": labels or {}}})
        if self.with_actors:
            self.settle()
