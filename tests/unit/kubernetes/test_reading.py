"""What a cluster says, in words."""

from typing import Any

import pytest

from jupyter_mlplat.launchers.kubernetes.reading import Seen, Use, look, unschedulable, uses_of
from tests.fakes.cluster import ended, running, unscheduled, waiting

JOB: dict[str, Any] = {"metadata": {"name": "j"}, "spec": {}, "status": {}}
GPU = "nvidia.com/gpu"


def pod(status: dict[str, Any], gpus: int = 0, cpu: str = "1000m", **metadata: Any) -> Any:
    limits = {"memory": str(2 << 30), **({GPU: str(gpus)} if gpus else {})}
    resources = {"requests": {"cpu": cpu, **limits}, "limits": limits}
    spec = {"containers": [{"name": "step", "resources": resources}]}
    return {"metadata": {"name": "p", **metadata}, "spec": spec, "status": status}


def disrupted(reason: str) -> dict[str, Any]:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason}
    return {**ended(143), "conditions": [condition]}


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (ended(137, "OOMKilled"), "out-of-memory", "out of memory (limit 2.0 GiB)"),
        (ended(137), "killed", "killed by signal 9, SIGKILL"),
        (ended(139), "killed", "killed by signal 11, SIGSEGV"),
        (ended(3), "exited", "exited with status 3 before it had finished"),
        (ended(73), "revoked", "not started: its attempt had been claimed or revoked"),
        (
            ended(128, "StartError", message='exec: "python9": not found'),
            "not-started",
            'its container cannot run: exec: "python9": not found',
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."},
            "evicted",
            "evicted from its node: The node was low on memory.",
        ),
        ({"phase": "Failed", "reason": "NodeLost"}, "node-lost", "its node was lost"),
        ({"phase": "Failed", "reason": "OutOfcpu"}, "evicted", "its node had no cpu left"),
        (
            disrupted("PreemptionByScheduler"),
            "preempted",
            "preempted: work of a higher priority took its place",
        ),
        (
            disrupted("DeletionByTaintManager"),
            "node-lost",
            "its node was lost or taken out of service",
        ),
        (disrupted("EvictionByEvictionAPI"), "evicted", "evicted: its node is being emptied"),
    ],
)
def test_end_of_a_pod_is_told_as_on_this_machine(
    status: dict[str, Any], code: str, reason: str
) -> None:
    seen = look(JOB, [pod(status)])

    assert (seen.stage, seen.code, seen.reason) == ("over", code, reason)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (
            waiting("ImagePullBackOff", "Back-off pulling image"),
            "image",
            "the image 'i:1', which cannot be pulled: Back-off pulling image",
        ),
        (waiting("ContainerCreating"), "ended", "its container to start"),
        (
            waiting("CreateContainerConfigError", 'secret "s" not found'),
            "not-started",
            'its container: secret "s" not found',
        ),
        ({"phase": "Pending"}, "ended", "a node"),
    ],
)
def test_pod_that_waits_says_for_what(status: dict[str, Any], code: str, reason: str) -> None:
    assert look(JOB, [pod(status)], image="i:1") == Seen("waiting", reason, code)  # type: ignore[arg-type]


def test_image_whose_name_is_none_is_hopeless() -> None:
    assert look(JOB, [pod(waiting("InvalidImageName"))]).is_hopeless


@pytest.mark.parametrize(
    ("message", "gpus", "uses", "words"),
    [
        (
            "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient "
            "nvidia.com/gpu. preemption: 0/3 nodes are available: 3 No preemption victims found.",
            1,
            {GPU: Use(4, 4, 2)},
            "a GPU: 4 of 4 in use",
        ),
        (
            "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
            8,
            {GPU: Use(0, 12, 4)},
            "8 GPUs: no node has more than 4",
        ),
        (
            "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
            1,
            {GPU: Use(0, 0)},
            "a GPU: the cluster has none",
        ),
        (
            "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
            1,
            {},
            "a GPU: no node has one free (3 nodes looked at)",
        ),
        (
            "0/2 nodes are available: 2 Insufficient cpu, 1 Insufficient memory.",
            0,
            {GPU: Use(0, 0)},
            "CPU: asks for 8, no node has as much free; "
            "memory: asks for 2.0 GiB, no node has as much free",
        ),
        (
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
            0,
            {GPU: Use(0, 0)},
            "a node with the labels it asks for",
        ),
        (
            '0/1 nodes are available: persistentvolumeclaim "anna-home" not found.',
            0,
            {},
            "the volume claim 'anna-home', which is not there",
        ),
    ],
)
def test_scheduler_is_understood(message: str, gpus: int, uses: dict[str, Use], words: str) -> None:
    assert unschedulable(message, pod(unscheduled(message), gpus, "8000m"), uses) == words


def test_whatever_the_scheduler_says_is_passed_on() -> None:
    assert unschedulable("the moon is full", pod({}), {}) == "the moon is full"


def test_what_is_in_use_is_counted_on_nodes_that_fit() -> None:
    def node(name: str, gpus: int, pool: str) -> dict[str, Any]:
        status = {"allocatable": {GPU: str(gpus)}}
        return {"metadata": {"name": name, "labels": {"pool": pool}}, "status": status}

    holder = pod(running(), gpus=3)
    holder["spec"]["nodeName"] = "a"
    gone = pod(ended(0), gpus=1)
    gone["spec"]["nodeName"] = "a"

    found = uses_of([GPU], [node("a", 4, "x"), node("b", 8, "y")], [holder, gone], {"pool": "x"})

    assert found == {GPU: Use(3, 4, 4)}


def test_first_pod_that_failed_is_the_end_whatever_the_others_do() -> None:
    seen = look(JOB, [pod(running()), pod(ended(3))])

    assert (seen.stage, seen.code) == ("over", "exited")


def test_job_that_is_gone_with_its_pods_is_over() -> None:
    seen = look(None, [])

    assert (seen.stage, seen.code, seen.is_unclaimed) == ("over", "killed", True)


def test_quota_is_waited_for() -> None:
    refusal = (
        'Error creating: pods "j-x" is forbidden: exceeded quota: team, requested: '
        "requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4, limited: "
        "requests.nvidia.com/gpu=4"
    )

    seen = look(JOB, [], refusal=refusal)

    assert seen.stage == "waiting"
    assert "room in the quota 'team'" in seen.reason
    assert not seen.is_hopeless


def test_suspended_job_waits_for_its_turn() -> None:
    job = {**JOB, "spec": {"suspend": True}}

    assert look(job, []).reason == "its turn in the queue of the cluster"
