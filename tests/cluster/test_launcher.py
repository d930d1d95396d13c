"""The launcher of a cluster, over HTTP: its pods become what the tests say."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.config import ClusterConfig
from jupyter_mlplat.formats.kubernetes.pod_security import violations
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.kubernetes.api import (
    CONFIG_MAPS,
    JOBS,
    Access,
    Change,
    Listing,
    Trouble,
    connect,
)
from jupyter_mlplat.launchers.kubernetes.launcher import KubernetesLauncher, Pace
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, StartOrder
from jupyter_mlplat.resources.pipeline import Resources
from tests.cluster.actors.kubelet import cannot_pull, evicted, exits, out_of_memory, runs
from tests.cluster.memory import MemoryCluster

PACE = Pace(
    look=0.02, retry=0.02, longest_retry=0.1, refusal=0.05, uses=0.05, result=0.05, lost=0.2
)
GPU = "nvidia.com/gpu"


@dataclass
class Bench:
    cluster: MemoryCluster
    home: Home
    ends: list[Ended] = field(default_factory=list)
    said: list[str | None] = field(default_factory=list)

    def open(self, **config: Any) -> None:
        place = ClusterConfig(
            "lab", "i:1", kubeconfig=str(self.cluster.kubeconfig), volume="home", **config
        )
        self.launcher = KubernetesLauncher(place, self.home, pace=PACE)
        self.launcher.bind(
            self.ends.append, lambda _: None, lambda _, reason: self.said.append(reason)
        )

    def ref(self, step: str = "train") -> AttemptRef:
        directory = self.home.attempt("run-1", step, 1)
        directory.mkdir(parents=True, exist_ok=True)
        return AttemptRef("run-1", step, 1, directory, "lab")

    async def start(self, step: str = "train", claimed: bool = True, **asked: Any) -> None:
        ref = self.ref(step)
        if claimed:
            (ref.directory / "claim").write_text(json.dumps({"pid": 7}))
        resources = Resources(**asked)
        await self.launcher.start(
            StartOrder(ref, "python3", (), None, None, {}, resources=resources)
        )

    async def end(self) -> Ended:
        await self.until(lambda: bool(self.ends), "its end")
        return self.ends[0]

    async def says(self, words: str | None) -> None:
        await self.until(lambda: words in self.said, repr(words))

    async def until(self, check: Any, what: str) -> None:
        try:
            async with asyncio.timeout(30):
                while not check():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{what} did not come: {self.said} {self.ends}") from None

    def jobs(self) -> list[str]:
        return [one["metadata"]["name"] for one in self.cluster.objects.list("jobs.batch")]

    def pods(self) -> list[dict[str, Any]]:
        return list(self.cluster.objects.list("pods"))


@pytest.fixture
async def bench(memory_cluster: MemoryCluster, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(memory_cluster, Home(tmp_path / "h"))
    bench.home.root.mkdir()
    memory_cluster.objects.create(
        "persistentvolumeclaims",
        "default",
        {
            "metadata": {"name": "home"},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        },
    )
    memory_cluster.settle()
    bench.open()
    yield bench
    await bench.launcher.close()


@pytest.fixture
def namespace_is_restricted(memory_cluster: MemoryCluster) -> Iterator[None]:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    found = memory_cluster.objects.get("namespaces", "", "default")
    assert found is not None
    metadata = {**found["metadata"], "labels": {**found["metadata"].get("labels", {}), **labels}}
    memory_cluster.objects.update("namespaces", {**found, "metadata": metadata})
    return


@pytest.mark.usefixtures("namespace_is_restricted")
async def test_pods_are_let_in_where_only_restricted_ones_are(bench: Bench) -> None:
    bench.cluster.kubelet.expect(runs())
    await bench.start(gpu=0)
    await bench.says(None)

    (pod,) = bench.pods()
    assert violations(pod["spec"]) == []


@pytest.mark.parametrize(
    ("outcome", "code", "reason"),
    [
        (out_of_memory(), "out-of-memory", "out of memory (limit 1.0 GiB)"),
        (evicted(), "evicted", "evicted from its node: The node was low on resource: memory."),
        (exits(3), "exited", "exited with status 3 before it had finished"),
        (exits(139), "killed", "killed by signal 11, SIGSEGV"),
    ],
    ids=["memory", "evicted", "status", "signal"],
)
async def test_end_without_a_result_has_its_reason(
    bench: Bench, outcome: Any, code: str, reason: str
) -> None:
    bench.cluster.kubelet.expect(outcome)
    await bench.start(memory_bytes=2**30)

    end = await bench.end()

    assert (end.code, end.reason) == (code, reason)


async def test_image_that_cannot_be_pulled_is_told_then_given_up(bench: Bench) -> None:
    await bench.launcher.close()
    bench.open(pull_minutes=0.002)
    bench.cluster.kubelet.expect(cannot_pull("i:1"))
    await bench.start(claimed=False)

    end = await bench.end()

    assert end.code == "image"
    assert "the image 'i:1', which cannot be pulled" in end.reason
    await bench.until(lambda: not bench.jobs(), "the end of its Job")


async def test_waiting_for_a_gpu_says_how_many_are_in_use(bench: Bench) -> None:
    bench.cluster.add_node("gpu-1", gpus=4)
    bench.cluster.kubelet.expect(runs())
    await bench.start("one", gpu=4)
    await bench.says(None)

    await bench.start("two", gpu=1)

    await bench.says("a GPU: 4 of 4 in use")
    assert not bench.ends
    bench.said.clear()
    await bench.launcher.cancel(bench.ref("one"), grace_s=0)
    await bench.says(None)


async def test_more_gpus_than_any_node_has_is_told_at_once(bench: Bench) -> None:
    bench.cluster.add_node("gpu-1", gpus=4)
    await bench.start(gpu=8)

    await bench.says("8 GPUs: no node has more than 4")


async def test_attempt_on_a_node_that_is_lost_is_over(bench: Bench) -> None:
    bench.cluster.kubelet.expect(runs())
    await bench.start()
    await bench.says(None)

    bench.cluster.kubelet.lose_node("node-1")

    end = await bench.end()
    assert (end.code, end.reason) == ("node-lost", "its node was lost or taken out of service")
    await bench.until(lambda: not bench.pods() and not bench.jobs(), "the end of its pod")


async def test_cluster_that_is_away_for_a_while_is_no_failure(bench: Bench) -> None:
    bench.cluster.kubelet.expect(runs())
    await bench.start()
    await bench.says(None)
    bench.cluster.faults.outage = True
    bench.cluster.faults.watches.cut()
    await bench.start("two")
    await bench.until(
        lambda: any("does not answer" in (words or "") for words in bench.said), "its trouble"
    )

    bench.cluster.faults.outage = False

    await bench.until(lambda: len(bench.pods()) == 2, "the second pod")
    (bench.ref().directory / "result.json").write_text('{"state": "succeeded"}')
    assert (await bench.end()).result == {"state": "succeeded"}


async def test_faults_and_answers_that_are_lost_make_no_second_pod(bench: Bench) -> None:
    bench.cluster.kubelet.expect(runs())
    bench.cluster.faults.fail(1, "internal", verb="create", resource="jobs", done=True)
    bench.cluster.faults.fail(2, "too_many", verb="get", resource="jobs")

    await bench.start()
    await bench.says(None)

    assert len(bench.jobs()) == len(bench.pods()) == 1


async def test_silent_watch_is_not_believed(bench: Bench) -> None:
    api = await connect(Access(kubeconfig=str(bench.cluster.kubeconfig)), silence_s=0.1)
    seen: list[Any] = []

    async def watch() -> None:
        async for update in api.watch(CONFIG_MAPS, "default"):
            seen.append(update)

    def has(name: str) -> bool:
        return any(
            isinstance(one, Listing) and any(of["metadata"]["name"] == name for of in one.objects)
            for one in seen
        )

    watching = asyncio.create_task(watch())
    try:
        await bench.until(lambda: seen, "the list")
        bench.cluster.faults.watches.silent = True
        await api.apply(CONFIG_MAPS, "default", {"metadata": {"name": "quiet"}})
        await bench.until(lambda: has("quiet"), "what was not told")
        bench.cluster.faults.watches.silent = False
        bench.cluster.faults.outage = True
        bench.cluster.faults.watches.cut()
        await bench.until(lambda: any(isinstance(one, Trouble) for one in seen), "trouble")
        bench.cluster.faults.outage = False
        seen.clear()
        await bench.until(lambda: has("quiet"), "the list after it")
        await api.delete(CONFIG_MAPS, "default", "quiet")
        await bench.until(
            lambda: (
                any(isinstance(one, Change) and one.type == "DELETED" for one in seen)
                or (isinstance(seen[-1], Listing) and not has("quiet"))
            ),
            "the end of it",
        )
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await api.close()


async def test_jobs_left_by_a_run_that_is_over_are_deleted(bench: Bench) -> None:
    bench.cluster.kubelet.expect(runs())
    await bench.start()
    await bench.says(None)
    await bench.launcher.close()
    bench.open()

    await bench.launcher.tidy({("run-1", "train", 1)})
    assert len(bench.jobs()) == 1
    await bench.launcher.tidy(set())

    api = await bench.launcher.connected()
    assert await api.list(JOBS, "default") == []
    await bench.until(lambda: not bench.pods(), "the end of its pod")
