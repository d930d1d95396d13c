"""A controller beside a fresh API server: load it, and read the audit log."""

import asyncio
import ssl
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import yaml

from tests.cluster.real import RealCluster, real_cluster

NAMESPACE = "bench"
OPERATOR, USER = "operator", "admin"
READY_S, SETTLE_S = 60, 5
_ITSELF = {"leases", "subjectaccessreviews", "selfsubjectaccessreviews"}

Start = Callable[[RealCluster, Path], subprocess.Popen[bytes]]


class ControllerFailed(Exception):
    """A controller ended, or did not do its work; the text holds its last words."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one controller did with one load."""

    latencies_s: Sequence[float]
    calls: Mapping[str, int]
    objects: int
    cpu_s: float
    memory_bytes: int

    def quantile(self, share: float) -> float:
        """Return the time from the answer to a create to the StatefulSet, in seconds."""
        ranked = sorted(self.latencies_s)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    @property
    def median_s(self) -> float:
        return statistics.median(self.latencies_s)

    @property
    def calls_each(self) -> float:
        return sum(self.calls.values()) / self.objects


def measure(start: Start, definitions: Sequence[Path], count: int, rate: float) -> Measured:
    """Create Notebooks at this rate in a control plane of their own, and see what comes of them.

    Only etcd and the API server run: what is measured is the controller, not what Kubernetes
    makes of its StatefulSets.

    Raises:
        ControllerFailed: It ended, or made no StatefulSet of some Notebook.
    """
    with real_cluster(audit=True, without=("kube-controller-manager", "kube-scheduler")) as cluster:
        for path in definitions:
            _create_definition(cluster, path)
        cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        assert cluster.folder is not None
        log = cluster.folder / "controller.log"
        process = start(cluster, log)
        try:
            _until(lambda: _watches(cluster), READY_S, process, log)
            time.sleep(SETTLE_S)
            asyncio.run(_load(cluster, count, rate))
            _until(lambda: _made(cluster) >= count, READY_S + count / 10, process, log)
            _until_silent(cluster)
            spent = _spent(process)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return _read(cluster, count, *spent)


def _create_definition(cluster: RealCluster, path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        if document and document.get("kind") == "CustomResourceDefinition":
            where = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            cluster.request("POST", where, document)


async def _load(cluster: RealCluster, count: int, rate: float) -> None:
    """Create them at an even rate, whatever the answers take."""
    trust = ssl.create_default_context(cadata=cluster.authority)
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {cluster.token(USER)}"},
        connector=aiohttp.TCPConnector(ssl=trust, limit=20),
    ) as session:

        async def create(number: int) -> None:
            url = f"{cluster.url}/apis/kubeflow.org/v1/namespaces/{NAMESPACE}/notebooks"
            async with session.post(url, json=notebook(f"nb-{number:04}")) as answer:
                if answer.status != 201:
                    raise ControllerFailed(f"A Notebook was refused: {await answer.text()}")

        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(began + number / rate - time.monotonic())
                group.create_task(create(number))


def notebook(name: str) -> dict[str, object]:
    """Return a Notebook as Kubeflow's own sample has it, within what *restricted* allows."""
    container = {
        "name": name,
        "image": "jupyter:1",
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
    }
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Notebook",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def _watches(cluster: RealCluster) -> bool:
    """Whether the controller has begun: a list is written down at once, a watch when it ends."""
    return any(
        call["user"]["username"] == OPERATOR
        and call["verb"] == "list"
        and call.get("objectRef", {}).get("resource") == "notebooks"
        for call in cluster.calls()
    )


def _made(cluster: RealCluster) -> int:
    return len(_stateful_sets(cluster))


def _stateful_sets(cluster: RealCluster) -> dict[str, str]:
    """Return the Notebook of each StatefulSet, by its name."""
    found = cluster.request("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets")
    return {
        each["metadata"]["name"]: owner["name"]
        for each in found["items"]
        for owner in each["metadata"].get("ownerReferences", [])
        if owner["kind"] == "Notebook"
    }


def _until(
    is_so: Callable[[], bool], limit_s: float, process: subprocess.Popen[bytes], log: Path
) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        if process.poll() is not None or time.monotonic() > deadline:
            told = "ended" if process.poll() is not None else f"took over {limit_s:.0f} s"
            words = log.read_text(errors="replace")[-2000:]
            raise ControllerFailed(f"The controller {told}. Its last words:\n{words}")
        time.sleep(0.5)


def _until_silent(cluster: RealCluster) -> None:
    """Wait until the controller has asked nothing for a while, a minute at most."""
    assert cluster.folder is not None
    seen, since, began = -1, time.monotonic(), time.monotonic()
    while time.monotonic() - since < SETTLE_S and time.monotonic() - began < READY_S:
        time.sleep(0.5)
        found = sum(1 for call in cluster.calls() if _is_work(call))
        if found != seen:
            seen, since = found, time.monotonic()


def _spent(process: subprocess.Popen[bytes]) -> tuple[float, int]:
    whole = [psutil.Process(process.pid)]
    whole += whole[0].children(recursive=True)
    times = [one.cpu_times() for one in whole]
    cpu = sum(time.user + time.system for time in times)
    return cpu, sum(one.memory_info().rss for one in whole)


def _read(cluster: RealCluster, count: int, cpu_s: float, memory_bytes: int) -> Measured:
    owners = _stateful_sets(cluster)
    created: dict[str, float] = {}
    made: dict[str, float] = {}
    calls: Counter[str] = Counter()
    for call in cluster.calls():
        what = call.get("objectRef", {})
        at = datetime.fromisoformat(call["stageTimestamp"]).timestamp()
        if call["responseStatus"]["code"] == 201:  # a create, or an apply that has become one
            if what["resource"] == "notebooks":
                created[what["name"]] = at
            elif what["resource"] == "statefulsets":
                made.setdefault(owners[what["name"]], at)
        if created and _is_work(call):
            path = "/".join(filter(None, (what.get("resource"), what.get("subresource"))))
            calls[f"{call['verb']} {path}"] += 1
    if missing := created.keys() - made.keys():
        raise ControllerFailed(f"{len(missing)} of {count} Notebooks have no StatefulSet.")
    latencies = [made[name] - at for name, at in created.items()]
    return Measured(latencies, calls, count, cpu_s, memory_bytes)


def _is_work(call: Mapping[str, Any]) -> bool:
    """Whether the controller asked this for some Notebook; it watches and leads for itself."""
    is_own = call["user"]["username"] == OPERATOR and call["verb"] != "watch"
    return is_own and call.get("objectRef", {}).get("resource", "leases") not in _ITSELF
