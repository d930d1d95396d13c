"""What lives beside the server does what its counterpart of a real cluster does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.actors.kubelet import cannot_pull, exits, out_of_memory
from tests.cluster.apiserver.failures import Failure
from tests.cluster.memory import MemoryCluster

Object = dict[str, Any]


def template(command: list[str] | None = None, **spec: Any) -> Object:
    container = {"name": "c", "image": "image:1", **({"command": command} if command else {})}
    return {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container], **spec}}


def stateful_set(**spec: Any) -> Object:
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "metadata": {"name": "nb"},
        "spec": {
            "serviceName": "nb",
            "selector": {"matchLabels": {"app": "a"}},
            "template": template(),
            "volumeClaimTemplates": [{"metadata": {"name": "home"}, "spec": claim}],
            **spec,
        },
    }


def job(**spec: Any) -> Object:
    spec.setdefault("template", template(restartPolicy="Never"))
    return {"metadata": {"name": "j"}, "spec": spec}


def pod() -> Object:
    return {**template(), "metadata": {"name": "p"}}


def pods(cluster: MemoryCluster) -> list[Object]:
    return cluster.objects.list("pods", "default")


def get(cluster: MemoryCluster, plural: str, name: str) -> Object:
    found = cluster.objects.get(plural, "default", name)
    assert found is not None
    return found


def conditions(found: Object) -> dict[str, str]:
    listed = found["status"].get("conditions", [])
    return {entry["type"]: entry.get("reason", "") for entry in listed if entry["status"] == "True"}


def test_a_stateful_set_makes_a_pod_with_its_claim(memory_cluster: MemoryCluster) -> None:
    memory_cluster.objects.create("statefulsets.apps", "default", stateful_set(replicas=2))
    memory_cluster.settle()

    assert [one["metadata"]["name"] for one in pods(memory_cluster)] == ["nb-0", "nb-1"]
    assert get(memory_cluster, "statefulsets.apps", "nb")["status"]["readyReplicas"] == 2
    assert get(memory_cluster, "persistentvolumeclaims", "home-nb-1")["status"]["phase"] == "Bound"


def test_scaling_to_nothing_keeps_the_claim(memory_cluster: MemoryCluster) -> None:
    memory_cluster.objects.create("statefulsets.apps", "default", stateful_set())
    memory_cluster.settle()

    memory_cluster.objects.patch("statefulsets.apps", "default", "nb", {"spec": {"replicas": 0}})
    memory_cluster.settle()

    assert pods(memory_cluster) == []
    assert get(memory_cluster, "persistentvolumeclaims", "home-nb-0")["status"]["phase"] == "Bound"


def test_a_new_template_replaces_the_pod(memory_cluster: MemoryCluster) -> None:
    memory_cluster.objects.create("statefulsets.apps", "default", stateful_set())
    memory_cluster.settle()
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "image:2"}]}}}}

    memory_cluster.objects.patch("statefulsets.apps", "default", "nb", patch)
    memory_cluster.settle()

    (new,) = pods(memory_cluster)
    status = get(memory_cluster, "statefulsets.apps", "nb")["status"]
    assert new["spec"]["containers"][0]["image"] == "image:2"
    assert status["currentRevision"] == status["updateRevision"]


def test_a_pod_without_a_gpu_waits_and_is_told_why(memory_cluster: MemoryCluster) -> None:
    wanted = pod()
    wanted["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "1"}}
    memory_cluster.objects.create("pods", "default", wanted)
    memory_cluster.settle()
    waiting = get(memory_cluster, "pods", "p")

    memory_cluster.add_node("gpu-1", gpus=1)
    memory_cluster.settle()

    (condition,) = waiting["status"]["conditions"]
    assert condition["reason"] == "Unschedulable"
    assert condition["message"] == (
        "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. no new claims to deallocate, "
        "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )
    assert get(memory_cluster, "pods", "p")["spec"]["nodeName"] == "gpu-1"


def test_a_claim_without_a_storage_class_says_so(memory_cluster: MemoryCluster) -> None:
    memory_cluster.objects.delete("storageclasses.storage.k8s.io", "", "standard")
    memory_cluster.objects.create("statefulsets.apps", "default", stateful_set())
    memory_cluster.settle()

    told = [event["message"] for event in memory_cluster.objects.list("events", "default")]
    assert "no persistent volumes available for this claim and no storage class is set" in told
    assert any("unbound immediate PersistentVolumeClaims" in message for message in told)


def test_an_indexed_job_runs_each_index_once(memory_cluster: MemoryCluster) -> None:
    wanted = job(completionMode="Indexed", completions=3, parallelism=2)
    memory_cluster.objects.create("jobs.batch", "default", wanted)
    memory_cluster.settle()

    status = get(memory_cluster, "jobs.batch", "j")["status"]
    assert (status["succeeded"], status["completedIndexes"]) == (3, "0-2")
    assert "Complete" in conditions(get(memory_cluster, "jobs.batch", "j"))
    assert [one["spec"]["hostname"] for one in pods(memory_cluster)] == ["j-0", "j-1", "j-2"]


def test_a_job_gives_up_after_its_retries(memory_cluster: MemoryCluster) -> None:
    memory_cluster.kubelet.expect(out_of_memory(), prefix="j-")
    memory_cluster.objects.create("jobs.batch", "default", job(backoffLimit=0))
    memory_cluster.settle()

    assert conditions(get(memory_cluster, "jobs.batch", "j"))["Failed"] == "BackoffLimitExceeded"
    (failed,) = pods(memory_cluster)
    state = failed["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["reason"], state["exitCode"]) == ("OOMKilled", 137)


def test_a_failure_policy_ends_a_job_at_once(memory_cluster: MemoryCluster) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    memory_cluster.kubelet.expect(exits(42), prefix="j-")
    wanted = job(backoffLimit=6, podFailurePolicy={"rules": [rule]})
    memory_cluster.objects.create("jobs.batch", "default", wanted)
    memory_cluster.settle()

    assert conditions(get(memory_cluster, "jobs.batch", "j"))["Failed"] == "PodFailurePolicy"


def test_what_is_owned_goes_with_its_owner(memory_cluster: MemoryCluster) -> None:
    memory_cluster.objects.create(
        "deployments.apps",
        "default",
        {
            "metadata": {"name": "d"},
            "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template()},
        },
    )
    memory_cluster.settle()
    assert len(pods(memory_cluster)) == 1

    memory_cluster.objects.delete("deployments.apps", "default", "d")
    memory_cluster.settle()

    assert memory_cluster.objects.list("replicasets.apps", "default") == []
    assert pods(memory_cluster) == []


@pytest.mark.parametrize(
    ("policy", "left"), [("Orphan", 1), ("Background", 0), ("Foreground", 0), (None, 1)]
)
def test_the_pods_of_a_job_go_or_stay_as_asked(
    memory_cluster: MemoryCluster, policy: str | None, left: int
) -> None:
    memory_cluster.objects.create("jobs.batch", "default", job())
    memory_cluster.settle()

    options = {"propagationPolicy": policy} if policy else {}
    memory_cluster.objects.delete("jobs.batch", "default", "j", **options)
    memory_cluster.settle()

    assert memory_cluster.objects.list("jobs.batch", "default") == []
    assert len(pods(memory_cluster)) == left


def test_a_namespace_takes_all_with_it(memory_cluster: MemoryCluster) -> None:
    memory_cluster.add_namespace("team")
    memory_cluster.objects.create("statefulsets.apps", "team", stateful_set())
    memory_cluster.settle()

    memory_cluster.objects.delete("namespaces", "", "team")
    with pytest.raises(Failure, match="being terminated"):
        memory_cluster.objects.create("pods", "team", pod())
    memory_cluster.settle()

    assert memory_cluster.objects.get("namespaces", "", "team") is None
    assert memory_cluster.objects.list("persistentvolumes") == []


def test_an_image_that_is_not_there_is_waited_for(memory_cluster: MemoryCluster) -> None:
    memory_cluster.kubelet.expect(cannot_pull("image:1"), image="image:1")
    memory_cluster.objects.create("pods", "default", pod())
    memory_cluster.settle()

    found = get(memory_cluster, "pods", "p")
    waiting = found["status"]["containerStatuses"][0]["state"]["waiting"]
    assert (found["status"]["phase"], waiting["reason"]) == ("Pending", "ImagePullBackOff")


def test_a_lost_node_keeps_its_pod_until_it_is_removed(memory_cluster: MemoryCluster) -> None:
    memory_cluster.objects.create("statefulsets.apps", "default", stateful_set())
    memory_cluster.settle()

    memory_cluster.kubelet.lose_node("node-1")
    memory_cluster.settle()
    (stuck,) = pods(memory_cluster)
    memory_cluster.add_node("node-2")
    memory_cluster.kubelet.remove_node("node-1")
    memory_cluster.settle()

    (fresh,) = pods(memory_cluster)
    assert "deletionTimestamp" in stuck["metadata"]
    assert fresh["spec"]["nodeName"] == "node-2"
    assert fresh["metadata"]["uid"] != stuck["metadata"]["uid"]
