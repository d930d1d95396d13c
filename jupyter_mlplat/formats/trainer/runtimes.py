"""ClusterTrainingRuntime and TrainingRuntime as runtimes of ours: data that train jobs name."""

from collections.abc import Mapping
from typing import Literal

from jupyter_mlplat.formats.kubernetes.objects import (
    Fault,
    Object,
    mapping,
    naming,
    refuse_unknown,
    shape,
    words,
)
from jupyter_mlplat.formats.kubernetes.pods import Container, pod_of
from jupyter_mlplat.formats.kubernetes.wanted import unique
from jupyter_mlplat.formats.trainer import API_VERSION, RUNTIMES
from jupyter_mlplat.formats.trainer.spec import MlPolicy, RuntimeSpec
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.training import TrainRuntime

ANCESTOR = "trainer.kubeflow.org/trainjob-ancestor-step"
TRAINER = "trainer"
NODE = "node"

Contract = Literal["torch", "mpi", "jax", "plain"]

_JOB_SET = words(
    "replicatedJobs network successPolicy failurePolicy startupPolicy suspend managedBy "
    "ttlSecondsAfterFinished coordinator volumeClaimPolicies"
)
_REPLICATED = words("name groupName replicas template dependsOn")
JOB_FIELDS = words(
    "template parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy "
    "backoffLimit backoffLimitPerIndex maxFailedIndexes selector manualSelector completionMode "
    "ttlSecondsAfterFinished suspend podReplacementPolicy managedBy"
)


def read_runtime(document: Object) -> TrainRuntime:
    """Read a runtime.

    Raises:
        InvalidInput: It is none; the message has the place of the fault.
    """
    with naming(document.what):
        check_version(document)
        if document.kind not in RUNTIMES:
            raise Fault("kind", f"needed {' or '.join(RUNTIMES)}, found {document.kind!r}")
        if not document.name:
            raise Fault("metadata.name", "is missing")
        spec = shape(RuntimeSpec, document.spec, "spec")
        policy = spec.ml_policy or MlPolicy()
        contract, notes = _contract(policy)
        job_set = mapping(spec.template.spec, "spec.template.spec")
        refuse_unknown(job_set, _JOB_SET, "spec.template.spec")
        trainer, more = _containers(job_set)
        if spec.pod_group_policy:
            more.append("gang scheduling needs nothing here: all processes start together")
        return TrainRuntime(
            name=document.name,
            title=document.annotations.get("description", "") or document.name,
            contract=contract,
            nodes=_nodes(policy),
            processes=policy.mpi.num_proc_per_node if policy.mpi else None,
            env=dict(trainer.environment.plain),
            image=trainer.image or None,
            command=trainer.words,
            mounts=trainer.mounts,
            restarts=_restarts(job_set),
            notes=unique((*notes, *trainer.notes, *more)),
        )


def check_version(document: Object) -> None:
    """Refuse an object of another version."""
    if document.api_version != API_VERSION:
        raise Fault("apiVersion", f"needed {API_VERSION!r}, found {document.api_version!r}")


def _contract(policy: MlPolicy) -> tuple[Contract, list[str]]:
    given = [name for name in ("torch", "mpi", "jax", "xgboost", "flux") if getattr(policy, name)]
    if len(given) > 1:
        raise Fault("spec.mlPolicy", f"only one policy can be configured, found {given}")
    if policy.flux is not None:
        raise Fault("spec.mlPolicy.flux", "Flux is not run here. Use torch, mpi or jax, or none")
    if policy.xgboost is not None:
        return "plain", ["the variables of XGBoost's tracker (DMLC_…) are not set here"]
    if policy.torch is not None:
        return "torch", []
    if policy.mpi is not None:
        return "mpi", ["no sshd is needed: processes are started on this machine"]
    return ("jax", []) if policy.jax is not None else ("plain", [])


def _nodes(policy: MlPolicy) -> int:
    if policy.num_nodes == 0:
        raise Fault("spec.mlPolicy.numNodes", "0 nodes would run nothing")
    return policy.num_nodes or 1


def _restarts(job_set: Mapping[str, JsonValue]) -> int:
    policy = mapping(job_set.get("failurePolicy"), "spec.template.spec.failurePolicy")
    restarts = policy.get("maxRestarts", 0)
    if not isinstance(restarts, int) or isinstance(restarts, bool) or restarts < 0:
        raise Fault("spec.template.spec.failurePolicy.maxRestarts", "needed a whole number")
    return min(restarts, 100)


def _containers(job_set: Mapping[str, JsonValue]) -> tuple[Container, list[str]]:
    """Find the trainer's container among the replicated jobs."""
    path = "spec.template.spec.replicatedJobs"
    jobs = job_set.get("replicatedJobs")
    if not isinstance(jobs, list) or not jobs:
        raise Fault(path, f"is missing: needed one with the label {ANCESTOR}: {TRAINER}")
    found: Container | None = None
    notes: list[str] = []
    for at, value in enumerate(jobs):
        place = f"{path}[{at}]"
        job = mapping(value, place)
        refuse_unknown(job, _REPLICATED, place)
        template = mapping(job.get("template"), f"{place}.template")
        labels = mapping(
            mapping(template.get("metadata"), f"{place}.template.metadata").get("labels"),
            f"{place}.template.metadata.labels",
        )
        spec = mapping(template.get("spec"), f"{place}.template.spec")
        refuse_unknown(spec, JOB_FIELDS, f"{place}.template.spec")
        pods = mapping(spec.get("template"), f"{place}.template.spec.template")
        pod = pod_of(pods.get("spec"), f"{place}.template.spec.template.spec")
        step = labels.get(ANCESTOR)
        if step == TRAINER:
            found = pod.container(NODE)
        elif step is None and job.get("name") != NODE:
            notes.append(f"not run here: replicated job {job.get('name')!r}")
    if found is None:
        raise Fault(path, f"there is none with the label {ANCESTOR}: {TRAINER}")
    return found, notes
