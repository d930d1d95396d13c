"""The objects that an attempt is on a cluster: pure functions of its order and its place.

Pods pass Pod Security *restricted*: no privileges, no root, no token of the cluster.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.config import ClusterConfig
from jupyter_mlplat.kit.names import label_value, object_name
from jupyter_mlplat.launchers.local.environment import IDENTITY_SLOT
from jupyter_mlplat.ports.launcher import AttemptRef, StartOrder
from jupyter_mlplat.resources.pipeline import Resources

PREFIX = "mlplat.jupyter.org"
OWNED = {"app.kubernetes.io/managed-by": "jupyter-mlplat"}
ENGINE = f"{PREFIX}/engine"
"""Label: whose object it is, of several engines in one namespace."""

ADDRESS = f"{PREFIX}/address"
"""Annotation: run, step and attempt in full."""

MAIN = "step"
"""Name of the container that runs the step."""

GRACE_S = 30
MEETING_PORT = 29500  # as torchrun's own
_DEFAULT_USER = 1000
_KUEUE = "kueue.x-k8s.io/queue-name"
_NAME_SPACE = 52  # of a Job: its pods are its name, an index and five characters


@dataclass(frozen=True, slots=True)
class Program:
    """What the pods of an attempt run, and what they see.

    `first` is what the container that goes before runs, if there is one.
    """

    command: Sequence[str]
    volumes: Sequence[Mapping[str, Any]] = ()
    mounts: Sequence[Mapping[str, Any]] = ()
    env: Sequence[Mapping[str, Any]] = ()
    first: Sequence[str] = ()


def job_name(ref: AttemptRef) -> str:
    """Name the Job of an attempt; always the same, so there is never a second one."""
    return object_name(ref.run, ref.step, str(ref.attempt), longest=_NAME_SPACE)


def labels_of(ref: AttemptRef, engine: str, component: str) -> dict[str, str]:
    return {
        **OWNED,
        "app.kubernetes.io/component": component,
        ENGINE: engine,
        f"{PREFIX}/run": label_value(ref.run),
        f"{PREFIX}/step": label_value(ref.step),
        f"{PREFIX}/attempt": str(ref.attempt),
    }


def selector_of(engine: str) -> str:
    """Select all that one engine has made for attempts."""
    component = "app.kubernetes.io/component in (step,train,trial)"
    return f"{ENGINE}={engine},{component}"


def address_of(job: Mapping[str, Any]) -> tuple[str, str, int] | None:
    """Read which attempt an object is for; None: it does not say."""
    said = ((job.get("metadata") or {}).get("annotations") or {}).get(ADDRESS, "")
    parts = said.split("/")
    if len(parts) != 3 or not parts[2].isdigit():
        return None
    return parts[0], parts[1], int(parts[2])


def job_of(
    config: ClusterConfig, order: StartOrder, engine: str, token: str, program: Program
) -> dict[str, Any]:
    """Make the Job of an attempt: one pod for each node of the job.

    Args:
        config: The place.
        order: What to start.
        engine: Whose it is.
        token: Names the attempt in the step's environment.
        program: What its pods run.
    """
    ref, nodes = order.ref, order.nodes
    name = job_name(ref)
    labels = labels_of(ref, engine, "train" if nodes > 1 else "step")
    annotations = {ADDRESS: f"{ref.run}/{ref.step}/{ref.attempt}"}
    queue = {_KUEUE: config.queue} if config.queue else {}
    spec: dict[str, Any] = {
        "backoffLimit": 0,
        "completions": nodes,
        "parallelism": nodes,
        "ttlSecondsAfterFinished": int(config.keep_minutes * 60),
        "template": {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": pod_of(config, order, token, program, name),
        },
    }
    if nodes > 1:
        spec["completionMode"] = "Indexed"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": {**labels, **queue}, "annotations": annotations},
        "spec": spec,
    }


def pod_of(
    config: ClusterConfig, order: StartOrder, token: str, program: Program, name: str
) -> dict[str, Any]:
    """Make the spec of an attempt's pods."""
    resources = resources_of(config, order.resources or Resources(), order.nodes)
    has_shared_memory = order.nodes > 1 or (order.resources or Resources()).gpu > 0
    shared: list[dict[str, Any]] = []
    shared_mounts: list[dict[str, Any]] = []
    if has_shared_memory:  # data loaders pass batches through it; a container has 64 MiB
        shared = [{"name": "shm", "emptyDir": {"medium": "Memory"}}]
        shared_mounts = [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
    given = {
        "HOME": "/tmp",  # noqa: S108 - the image's may belong to another user
        "PYTHONHASHSEED": "0",
        **config.env,
        **order.env,
        IDENTITY_SLOT: token,
    }
    env: list[Mapping[str, Any]] = [
        *({"name": key, "value": value} for key, value in given.items()),
        *_network(name, order.nodes),
        *program.env,
    ]
    common = {
        "image": config.image,
        "env": env,
        "volumeMounts": [*program.mounts, *shared_mounts],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    user = config.user or os.getuid() or _DEFAULT_USER
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # Signals reach the step as on this machine: process 1 would not hear of SIGTERM.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {**common, "name": MAIN, "command": list(program.command), "resources": resources}
        ],
        "volumes": [*program.volumes, *shared],
    }
    if program.first:
        small = {"requests": {"cpu": "50m", "memory": "64Mi"}}
        spec["initContainers"] = [
            {**common, "name": "fetch", "command": list(program.first), "resources": small}
        ]
    if order.nodes > 1:
        spec["subdomain"] = name
    optional = {
        "serviceAccountName": config.service_account,
        "nodeSelector": dict(config.node_selector),
        "tolerations": [dict(one) for one in config.tolerations],
        "imagePullSecrets": [{"name": one} for one in config.pull_secrets],
        "priorityClassName": config.priority_class,
    }
    return spec | {key: value for key, value in optional.items() if value}


def resources_of(config: ClusterConfig, asked: Resources, nodes: int = 1) -> dict[str, Any]:
    """Write what a step asks for, one node's share of it.

    Memory and GPUs are limits; cores are what it is given at least, so that idle ones are used.
    """
    requests: dict[str, str] = {"cpu": f"{math.ceil(asked.cpu / nodes * 1000)}m"}
    limits: dict[str, str] = {}
    if asked.memory_bytes is not None:
        limits["memory"] = requests["memory"] = str(math.ceil(asked.memory_bytes / nodes))
    if asked.gpu:
        is_share = asked.gpu < 1 and config.gpu_share is not None
        name = config.gpu_share if is_share and config.gpu_share else config.gpu
        limits[name] = requests[name] = str(math.ceil(asked.gpu / nodes))
    return {"requests": requests} | ({"limits": limits} if limits else {})


def service_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Make the headless Service by which the pods of a train job find each other."""
    metadata = job["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": metadata["name"],
            "labels": dict(metadata["labels"]),
            "ownerReferences": [owner_of(job)],
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,  # they meet before any of them is ready
            "selector": {"batch.kubernetes.io/job-name": metadata["name"]},
            "ports": [{"name": "meeting", "port": MEETING_PORT}],
        },
    }


def secret_of(job: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Make the Secret that goes with a Job, and goes when it does."""
    metadata = job["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": metadata["name"],
            "labels": dict(metadata["labels"]),
            "ownerReferences": [owner_of(job)],
        },
        "type": "Opaque",
        "stringData": dict(values),
    }


def owner_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Refer to a Job as an owner."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _network(name: str, nodes: int) -> list[dict[str, Any]]:
    """Say where the ranks of a train job meet; a pod's node is its `JOB_COMPLETION_INDEX`."""
    if nodes == 1:
        return []
    return [
        {"name": "MLPLAT_MEETING", "value": f"{name}-0.{name}:{MEETING_PORT}"},
    ]
