"""TrainJobs and runtimes of Kubeflow's Trainer, read."""

from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.objects import object_of, read_objects
from jupyter_mlplat.formats.kubernetes.pods import Demand, FromStore
from jupyter_mlplat.formats.trainer.jobs import read_train_job
from jupyter_mlplat.formats.trainer.runtimes import read_runtime
from jupyter_mlplat.resources.training import Initializer, TrainRequest, TrainSpec
from tests.unit.formats.kubeflow_documents import RUNTIME, TRAIN_JOB, changed, runtimes


def request_of(path: str = "metadata/name", value: Any = "multi-node") -> TrainRequest:
    wanted = read_train_job(changed(TRAIN_JOB, path, value), runtimes)
    assert isinstance(wanted.request, TrainRequest)
    return wanted.request


def test_train_job_is_a_request() -> None:
    wanted = read_train_job(object_of(TRAIN_JOB), runtimes)
    request = wanted.request

    assert isinstance(request, TrainRequest)
    assert request.payload.command == ("python3", "-c", "print(1)")
    assert request.train == TrainSpec(runtime="torch-distributed", nodes=3, processes=2)
    assert request.env == {"MODE": "fast"}
    assert request.document == TRAIN_JOB
    assert wanted.demand == Demand(cpu=6, memory_bytes=3 * 2**30)
    assert wanted.image is None


@pytest.mark.parametrize(
    ("command", "words", "processes"),
    [
        (["torchrun", "train.py", "-x"], ("python", "train.py", "-x"), 2),
        (["torchrun", "--nproc_per_node=4", "-m", "pkg"], ("python", "-m", "pkg"), 4),
        (["python", "-m", "torch.distributed.run", "t.py"], ("python", "t.py"), 2),
        (["python", "t.py"], ("python", "t.py"), 1),
        (["echo", "$(MODE)", "$$(MODE)"], ("echo", "fast", "$(MODE)"), 1),
    ],
    ids=str,
)
def test_launcher_is_taken_from_the_command(
    command: list[str], words: tuple[str, ...], processes: int
) -> None:
    request = request_of("spec/trainer/command", command)

    assert request.payload.command == words
    assert request.train.processes == processes


def test_suspended_job_with_deadline_and_dataset() -> None:
    spec = {
        **TRAIN_JOB["spec"],
        "suspend": True,
        "activeDeadlineSeconds": 60,
        "initializer": {
            "dataset": {
                "storageUri": "s3://bucket/data",
                "env": [{"name": "A", "value": "1"}],
                "secretRef": {"name": "keys"},
            }
        },
    }
    wanted = read_train_job(changed(TRAIN_JOB, "spec", spec), runtimes)
    request = wanted.request

    assert isinstance(request, TrainRequest)
    assert (request.is_paused, request.timeout_s) == (True, 60)
    assert request.train.dataset == Initializer(uri="s3://bucket/data", env={"A": "1"})
    assert wanted.stored == (FromStore("secret", "keys", of="dataset"),)


@pytest.mark.parametrize(
    ("path", "value", "where", "what"),
    [
        ("apiVersion", "trainer.kubeflow.org/v2", "apiVersion", "needed 'trainer.kubeflow.org/v1"),
        ("metadata/name", "Upper", "metadata.name", "is no name"),
        ("metadata/name", ..., "metadata.name", "is missing"),
        ("metadata/colour", "red", "metadata.colour", "there is no such field"),
        ("spec/runtimeRef/name", "none", "spec.runtimeRef.name", "there is no Cluster"),
        ("spec/runtimeRef", ..., "spec.runtimeRef", "is missing"),
        ("spec/trainer/numNodes", "3", "spec.trainer.numNodes", "needed a whole number, found"),
        ("spec/trainer/numNodes", 0, "spec.trainer.numNodes", "0 nodes"),
        ("spec/trainer/numNodes", 9999, "spec.trainer.numNodes", "more than 1024"),
        ("spec/trainer/numProcPerNode", 9999, "spec", "processes: input should be less than or"),
        ("spec/trainer/nodes", 3, "spec.trainer.nodes", "there is no such field"),
        ("spec/trainer/command", ..., "spec.trainer.command", "is missing"),
        ("spec/trainer/command", ["torchrun", "--x"], "spec.trainer.command", "--x is not known"),
        ("spec/trainer/env/0/value", 1, "spec.trainer.env[0].value", "Write it in quotes"),
        ("spec/trainer/env/0/name", "PET_NNODES", "spec.trainer.env[0].name", "by the runtime"),
        ("spec/managedBy", "me", "spec.managedBy", "needed 'trainer.kubeflow.org/trainjob-contr"),
        (
            "spec/trainer/resourcesPerNode/requests/cpu",
            "many",
            "spec.trainer.resourcesPerNode.requests.cpu",
            "no number of cores",
        ),
    ],
)
def test_fault_is_told_with_its_path(path: str, value: Any, where: str, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        request_of(path, value)

    assert caught.value.details["path"] == where
    assert what in caught.value.message
    assert "TrainJob" in caught.value.message


def test_patches_of_pods_are_noted_and_wrong_ones_refused() -> None:
    def job(spec: dict[str, Any]) -> Any:
        template = {"spec": {"template": {"spec": spec}}}
        jobs = {"template": {"spec": {"replicatedJobs": [{"name": "node", "template": template}]}}}
        patches = [{"manager": "me", "trainingRuntimeSpec": jobs}]
        return changed(TRAIN_JOB, "spec/runtimePatches", patches)

    notes = read_train_job(job({"nodeSelector": {"a": "b"}}), runtimes).notes
    assert notes == ("ignored, as only a cluster has it: node selector",)

    env = [{"name": "A", "value": "b"}]
    with pytest.raises(InvalidInput, match=r"spec\.trainer\.env"):
        read_train_job(job({"containers": [{"name": "node", "env": env}]}), runtimes)
    with pytest.raises(InvalidInput, match=r"nodeSelektor: there is no such field"):
        read_train_job(job({"nodeSelektor": {}}), runtimes)


def test_runtime_is_data() -> None:
    runtime = read_runtime(object_of(RUNTIME))

    assert (runtime.name, runtime.contract, runtime.nodes) == ("torch-volcano", "torch", 2)
    assert (runtime.image, runtime.restarts) == ("pytorch/pytorch:2.13", 3)
    assert runtime.notes == ("gang scheduling needs nothing here: all processes start together",)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("spec/mlPolicy/jax", {}, "spec.mlPolicy"),
        ("spec/mlPolicy", {"flux": {}}, "spec.mlPolicy.flux"),
        ("spec/template/spec/replicatedJobs", [], "spec.template.spec.replicatedJobs"),
        ("spec/template/spec/replicatedJob", [], "spec.template.spec.replicatedJob"),
    ],
)
def test_fault_of_a_runtime_is_told_with_its_path(path: str, value: Any, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_runtime(changed(RUNTIME, path, value))

    assert caught.value.details["path"] == where


def test_several_documents_and_lists_are_read_one_by_one() -> None:
    items = "kind: List\napiVersion: v1\nitems: [{kind: B, apiVersion: v1}]\n"
    text = f"kind: A\napiVersion: v1\n---\n---\n{items}"

    assert [one.kind for one in read_objects(text)] == ["A", "B"]


@pytest.mark.parametrize("text", ["", "3", "kind: A", "- a", "a: &x [*x]", "{", "kind: [1]"])
def test_text_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_objects(text)
