"""The launcher of a cluster, without one: what it makes of what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.config import ClusterConfig
from jupyter_mlplat.errors import Forbidden, Unavailable
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.kubernetes.api import EVENTS, JOBS, NODES, PODS, SERVICES
from jupyter_mlplat.launchers.kubernetes.launcher import KubernetesLauncher, Pace
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, StartOrder
from jupyter_mlplat.resources.pipeline import Resources
from tests.fakes.cluster import FakeCluster, ended, running, unscheduled, waiting

QUICK = Pace(
    look=0.001, retry=0.001, longest_retry=0.001, refusal=0.0, uses=0.0, result=0.01, lost=0.05
)
CONFIG = ClusterConfig("lab", "i:1", volume="anna-home", pull_minutes=0.0005)


@dataclass
class Bench:
    home: Home
    cluster: FakeCluster = field(default_factory=FakeCluster)
    config: ClusterConfig = CONFIG
    ends: list[Ended] = field(default_factory=list)
    said: list[str | None] = field(default_factory=list)
    activity: int = 0

    def __post_init__(self) -> None:
        self.launcher = self.new_launcher()

    def new_launcher(self) -> KubernetesLauncher:
        async def connect() -> FakeCluster:
            return self.cluster

        launcher = KubernetesLauncher(self.config, self.home, connect, QUICK)

        def count(_: AttemptRef) -> None:
            self.activity += 1

        launcher.bind(self.ends.append, count, lambda _, reason: self.said.append(reason))
        return launcher

    def ref(self, attempt: int = 1) -> AttemptRef:
        directory = self.home.attempt("run-1", "train", attempt)
        directory.mkdir(parents=True, exist_ok=True)
        return AttemptRef("run-1", "train", attempt, directory, "lab")

    def order(self, **parts: Any) -> StartOrder:
        return StartOrder(self.ref(), "python3", (), None, None, {"A": "b"}, **parts)

    def claim(self) -> None:
        (self.ref().directory / "claim").write_text(json.dumps({"pid": 7, "start_time": 1}))

    def finish(self, state: str = "succeeded") -> None:
        (self.ref().directory / "result.json").write_text(json.dumps({"state": state}))

    async def end(self) -> Ended:
        async with asyncio.timeout(5):
            while not self.ends:
                await asyncio.sleep(0.001)
        return self.ends[0]

    async def says(self, words: str | None) -> None:
        try:
            async with asyncio.timeout(5):
                while words not in self.said:
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise AssertionError(f"{words!r} was not said: {self.said}") from None


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    home = Home(tmp_path / "h")
    home.root.mkdir()
    bench = Bench(home)
    yield bench
    await bench.launcher.close()


async def test_attempt_is_a_job_that_runs_once_as_nobody_in_particular(bench: Bench) -> None:
    await bench.launcher.start(bench.order(resources=Resources(cpu=2, memory_bytes=1 << 30, gpu=1)))
    job = await bench.cluster.job()

    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert job["spec"]["backoffLimit"] == 0
    assert job["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "jupyter-mlplat"
    assert spec["restartPolicy"] == "Never"
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["resources"] == {
        "requests": {"cpu": "2000m", "memory": str(1 << 30), "nvidia.com/gpu": "1"},
        "limits": {"memory": str(1 << 30), "nvidia.com/gpu": "1"},
    }
    assert container["command"][-1] == str(bench.ref().directory)
    assert {"name": "A", "value": "b"} in container["env"]
    assert spec["volumes"][0]["persistentVolumeClaim"] == {"claimName": "anna-home"}
    assert container["volumeMounts"][0]["mountPath"] == str(bench.home.root)


async def test_attempt_waits_runs_and_ends_with_its_result(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    bench.cluster.pod(job, **waiting("ContainerCreating"))
    await bench.says("its container to start")
    bench.cluster.pod(job, **running())
    await bench.says(None)
    bench.claim()
    (bench.ref().directory / "events.jsonl").write_text("{}\n")
    while not bench.activity:
        await asyncio.sleep(0.001)
    bench.finish()
    bench.cluster.pod(job, **ended(0))

    end = await bench.end()

    assert (end.code, end.result, end.executed_as) == ("ended", {"state": "succeeded"}, "pod")
    assert len(bench.ends) == 1


async def test_attempt_that_waits_for_a_gpu_says_so(bench: Bench) -> None:
    bench.cluster.put(
        NODES,
        {"metadata": {"name": "n"}, "status": {"allocatable": {"nvidia.com/gpu": "4"}}},
    )
    await bench.launcher.start(bench.order(resources=Resources(gpu=2)))
    job = await bench.cluster.job()
    message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
    bench.cluster.pod(job, **unscheduled(message))

    await bench.says("2 GPUs: 0 of 4 in use")

    assert not bench.ends


async def test_cluster_whose_nodes_are_nobodys_business_is_not_asked_again(bench: Bench) -> None:
    bench.cluster.fault = lambda _, kind: Forbidden("no") if kind == NODES else None
    await bench.launcher.start(bench.order(resources=Resources(gpu=2)))
    job = await bench.cluster.job()
    message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
    bench.cluster.pod(job, **unscheduled(message))

    await bench.says("2 GPUs: no node has as many free (1 node looked at)")

    await asyncio.sleep(0.01)
    assert bench.cluster.calls.count(("list", "nodes", "")) == 1


async def test_image_that_cannot_be_pulled_fails_the_attempt_after_a_while(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    bench.cluster.pod(job, **waiting("ErrImagePull", "not found"))
    await bench.says("the image 'i:1', which cannot be pulled: not found")

    end = await bench.end()

    assert end.code == "image"
    while bench.cluster.names(JOBS):
        await asyncio.sleep(0.001)
    assert "revoked" in (bench.ref().directory / "claim").read_text()


async def test_out_of_memory_is_told(bench: Bench) -> None:
    await bench.launcher.start(bench.order(resources=Resources(memory_bytes=1 << 30)))
    job = await bench.cluster.job()
    bench.claim()
    bench.cluster.pod(job, **running())
    bench.cluster.pod(job, **ended(137, "OOMKilled"))

    end = await bench.end()

    assert (end.code, end.reason) == ("out-of-memory", "out of memory (limit 1.0 GiB)")


async def test_pod_evicted_before_it_ran_costs_no_retry(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    bench.cluster.pod(job, phase="Failed", reason="Evicted", message="low on memory")

    assert (await bench.end()).code == "revoked"


async def test_pod_evicted_while_it_ran_is_a_failure(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    bench.claim()
    status = {**running(), "phase": "Failed", "reason": "Evicted", "message": "low on memory"}
    bench.cluster.pod(job, **status)

    end = await bench.end()

    assert (end.code, end.reason) == ("evicted", "evicted from its node: low on memory")


async def test_pod_that_is_deleted_ends_its_attempt(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    bench.claim()
    bench.cluster.pod(job, **running())
    await bench.says(None)
    (name,) = bench.cluster.names(PODS)
    await bench.cluster.delete(PODS, "anna", name)

    assert (await bench.end()).reason == "its pod was deleted"


async def test_refusal_of_a_pod_ends_the_attempt(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"name": job["metadata"]["name"]},
        "reason": "FailedCreate",
        "message": 'Error creating: pods "x" is forbidden: violates PodSecurity',
    }
    bench.cluster.put(EVENTS, event)

    end = await bench.end()

    assert end.code == "refused"
    assert "violates PodSecurity" in end.reason


async def test_cluster_that_is_away_is_asked_until_it_answers(bench: Bench) -> None:
    bench.cluster.fault = lambda *_: Unavailable("gone fishing")
    await bench.launcher.start(bench.order())
    await bench.says("the cluster 'lab': gone fishing")

    bench.cluster.fault = lambda *_: None
    job = await bench.cluster.job()
    bench.claim()
    bench.finish()
    bench.cluster.pod(job, **ended(0))

    assert (await bench.end()).code == "ended"


async def test_answer_that_was_lost_makes_no_second_job(bench: Bench) -> None:
    answers = iter([Unavailable("lost"), None])
    made: list[str] = []

    def fault(verb: str, kind: Any) -> Any:
        if (verb, kind) == ("get", JOBS):
            made.append(verb)
            return next(answers, None)
        return None

    bench.cluster.fault = fault
    await bench.launcher.start(bench.order())
    await bench.cluster.job()
    while len(made) < 2:
        await asyncio.sleep(0.001)

    assert len(bench.cluster.names(JOBS)) == 1
    assert not bench.ends


async def test_cluster_that_forbids_it_says_why(bench: Bench) -> None:
    bench.cluster.fault = lambda verb, _: (
        Forbidden("jobs is forbidden") if verb == "create" else None
    )
    await bench.launcher.start(bench.order())

    end = await bench.end()

    assert (end.code, end.reason) == ("refused", "the cluster refuses it: jobs is forbidden")


async def test_cancelled_attempt_is_gone(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    bench.claim()
    bench.cluster.pod(job, **running())
    await bench.says(None)

    await bench.launcher.cancel(bench.ref(), grace_s=0.01)

    end = await bench.end()
    assert (end.code, end.reason) == ("killed", "cancelled")
    assert not bench.cluster.names(JOBS)
    assert not bench.cluster.names(PODS)


async def test_cancelled_before_it_ran_never_runs_though_the_cluster_is_away(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    await bench.cluster.job()
    bench.cluster.fault = lambda *_: Unavailable("away")

    await bench.launcher.cancel(bench.ref())

    assert (await bench.end()).reason == "cancelled"
    assert "revoked" in (bench.ref().directory / "claim").read_text()
    bench.cluster.fault = lambda *_: None
    while bench.cluster.names(JOBS):
        await asyncio.sleep(0.001)


async def test_next_engine_takes_a_running_attempt_over(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    bench.claim()
    bench.cluster.pod(job, **running())
    await bench.says(None)
    await bench.launcher.close()

    bench.launcher = bench.new_launcher()
    await bench.launcher.adopt(bench.ref())
    await asyncio.sleep(0.01)
    assert not bench.ends
    bench.finish()
    bench.cluster.pod(job, **ended(0))

    assert (await bench.end()).code == "ended"


async def test_attempt_whose_job_was_never_made_is_revoked(bench: Bench) -> None:
    await bench.launcher.adopt(bench.ref())

    assert (await bench.end()).code == "revoked"


async def test_attempt_that_ended_while_no_engine_was_there_has_its_result(bench: Bench) -> None:
    bench.claim()
    bench.finish("failed")

    await bench.launcher.adopt(bench.ref())

    assert (await bench.end()).result == {"state": "failed"}


async def test_jobs_that_nobody_waits_for_are_deleted(bench: Bench) -> None:
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    await bench.launcher.close()
    await (other := bench.new_launcher()).tidy({("run-1", "train", 1)})
    assert bench.cluster.names(JOBS) == [job["metadata"]["name"]]

    await other.tidy(set())

    assert bench.cluster.names(JOBS) == []
    await other.close()


async def test_nodes_of_a_train_job_are_indexed_pods_that_find_each_other(bench: Bench) -> None:
    await bench.launcher.start(bench.order(nodes=2, resources=Resources(cpu=4, gpu=2)))
    job = await bench.cluster.job()
    while not bench.cluster.names(SERVICES):
        await asyncio.sleep(0.001)

    spec = job["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    name = job["metadata"]["name"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 2, 2)
    assert spec["template"]["spec"]["subdomain"] == name
    assert {"name": "MLPLAT_MEETING", "value": f"{name}-0.{name}:29500"} in container["env"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    service = bench.cluster.objects["services", name]
    assert service["spec"]["clusterIP"] == "None"
    assert service["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]


async def test_what_a_pod_said_before_its_step_began_is_in_the_log(bench: Bench) -> None:
    bench.cluster.log = b"python9: No module named IPython"
    await bench.launcher.start(bench.order())
    job = await bench.cluster.job()
    bench.cluster.pod(job, **ended(1))

    await bench.end()

    log = (bench.ref().directory / "stderr.log").read_text()
    assert log == "python9: No module named IPython\n"
