"""How a server is, in words that its user can act on."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.kit.quantities import format_count
from jupyter_mlplat.resources.servers import ServerReason
from jupyter_mlplat_controller.plans import Obj

_INSUFFICIENT = re.compile(r"(\d+) Insufficient ([\w./-]*\w)")
_NO_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_BEING_DELETED = re.compile(r'persistentvolumeclaim "([^"]+)" is being deleted')
_QUOTA = re.compile(
    r"exceeded quota: (?P<name>[^,]+), requested: (?P<asked>.*), used: (?P<used>.*), "
    r"limited: (?P<most>.*)"
)
_PLAIN_RESOURCES = {"cpu", "memory", "ephemeral-storage", "pods"}
_PULL_FAILED = {
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
}
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class GpuUse:
    """How many devices of a kind the cluster has, and how many of them are taken."""

    used: int
    total: int


@dataclass(frozen=True, slots=True)
class Said:
    """A reason and a sentence; `ready`: the server answers."""

    reason: ServerReason
    message: str
    ready: bool = False


def explain(
    pod: Obj | None, claims: Sequence[Obj], events: Sequence[Obj], gpus: Mapping[str, GpuUse]
) -> Said:
    """Say how a server is that is to run.

    Args:
        pod: Its pod; None: there is none yet.
        claims: The volume claims that its pod mounts, as far as they are there.
        events: Warnings about its StatefulSet, pod and claims, the newest last.
        gpus: How the cluster's devices are used, as far as that was asked.
    """
    if pod is None:
        return _without_pod(events)
    status = _map(pod.get("status"))
    if _map(pod.get("metadata")).get("deletionTimestamp"):
        return Said(ServerReason.STARTING, "Its former pod is being ended; then it starts anew.")
    if status.get("phase") == "Failed" or status.get("reason") == "NodeLost":
        return _failed(status)
    conditions = {each.get("type"): each for each in _maps(status.get("conditions"))}
    scheduled = _map(conditions.get("PodScheduled"))
    if scheduled.get("status") == "False":
        return _unscheduled(scheduled, claims, events, gpus)
    ready = _map(conditions.get("Ready"))
    if ready.get("status") == "True":
        return Said(ServerReason.READY, "It is running.", ready=True)
    if ready.get("reason") == "NodeLost" or (
        ready.get("status") == "Unknown" and scheduled.get("status") == "True"
    ):
        return Said(
            ServerReason.NODE_LOST,
            f"Its node {_map(pod.get('spec')).get('nodeName', '')!r} does not answer. It is moved "
            "when the cluster gives the node up; to start it anew at once, stop and start it.",
        )
    return _of_containers(pod, status, events)


def gpus_of(pod: Obj | None) -> list[str]:
    """Name the devices that a pod waits for, as the scheduler says it."""
    status = _map(_map(pod).get("status"))
    for each in _maps(status.get("conditions")):
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            found = _INSUFFICIENT.findall(str(each.get("message", "")))
            return sorted({name for _, name in found} - _PLAIN_RESOURCES)
    return []


def _without_pod(events: Sequence[Obj]) -> Said:
    for event in reversed(events):
        message = str(event.get("message", ""))
        if _about(event) == "StatefulSet" and event.get("reason") == "FailedCreate":
            if said := of_quota(message):
                return said
            if "forbidden" in message or "denied" in message or "violates" in message:
                return Said(
                    ServerReason.POD_REFUSED,
                    f"The cluster refuses its pod: {_short(message)}. Tell your administrator.",
                )
            return Said(ServerReason.FAILED, f"Its pod cannot be made: {_short(message)}.")
    return Said(ServerReason.STARTING, "It is being started.")


def of_quota(message: str) -> Said | None:
    """Say that a quota is in the way, where the API server's words are about one."""
    quota = _QUOTA.search(message)
    return Said(ServerReason.QUOTA_EXCEEDED, _quota(quota)) if quota else None


def _quota(quota: re.Match[str]) -> str:
    asked, used, most = (_amounts(quota[part]) for part in ("asked", "used", "most"))
    parts = [
        f"{_resource(name)}: {used.get(name, '0')} of {most.get(name, '?')} are used, "
        f"and this asks for {amount}"
        for name, amount in asked.items()
    ]
    return (
        f"The quota of your profile does not allow it: {'; '.join(parts)}. Stop another server or "
        "choose less."
    )


def _amounts(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): amount.strip() for name, _, amount in pairs if amount}


def _resource(name: str) -> str:
    plain = name.removeprefix("requests.").removeprefix("limits.")
    return "GPUs" if plain.endswith("/gpu") else {"cpu": "CPUs"}.get(plain, plain)


def _unscheduled(
    scheduled: Obj, claims: Sequence[Obj], events: Sequence[Obj], gpus: Mapping[str, GpuUse]
) -> Said:
    message = str(scheduled.get("message", ""))
    if scheduled.get("reason") == "SchedulingGated":
        return Said(
            ServerReason.WAITING_IN_QUEUE,
            "It waits in the queue until there is room in the quota of its cluster queue.",
        )
    if missing := _NO_CLAIM.search(message):
        return Said(
            ServerReason.VOLUME_MISSING,
            f"There is no volume {missing[1]!r} here. Make it, or choose without it.",
        )
    if gone := _BEING_DELETED.search(message):
        return Said(
            ServerReason.VOLUME_MISSING, f"The volume {gone[1]!r} is being deleted. Choose another."
        )
    if said := _of_claims(claims, events):
        return said
    found = {name for _, name in _INSUFFICIENT.findall(message)}
    for name in sorted(found - _PLAIN_RESOURCES):
        return Said(ServerReason.WAITING_FOR_GPU, _waits_for_gpu(name, gpus.get(name)))
    if "cpu" in found or "memory" in found:
        what = " and ".join(name for name in ("cpu", "memory") if name in found)
        return Said(
            ServerReason.WAITING_FOR_ROOM,
            f"No node has enough free {what} for it now. It starts when there is; or choose less.",
        )
    if "untolerated taint" in message or "didn't match" in message:
        return Said(
            ServerReason.WAITING_FOR_NODE,
            f"No node of the cluster is one it may run on: {_short(message)}. Choose another kind, "
            "or ask your administrator.",
        )
    return Said(ServerReason.WAITING_FOR_NODE, f"It waits for a node: {_short(message)}.")


def _waits_for_gpu(name: str, use: GpuUse | None) -> str:
    what = "a GPU" if name.endswith("/gpu") else f"{name}"
    if use is None:
        return f"Waiting for {what}: none is free now. It starts when one is."
    if not use.total:
        return (
            f"Waiting for {what}: the cluster has no {name} at all. Choose another kind, or ask "
            "your administrator."
        )
    free = use.total - use.used
    if free <= 0:
        return f"Waiting for {what}: {use.used} of {use.total} in use. It starts when one is free."
    return (
        f"Waiting for {what}: {use.used} of {use.total} in use, and what is free does not lie on "
        "one node with the CPUs and memory it asks for."
    )


def _of_claims(claims: Sequence[Obj], events: Sequence[Obj]) -> Said | None:
    for claim in claims:
        if claim.get("phase") != "Pending":
            continue
        name = claim.get("name")
        if not claim.get("storage"):
            return Said(
                ServerReason.NO_STORAGE_CLASS,
                f"The volume {name!r} cannot be made: this cluster has no default StorageClass. "
                "Ask your administrator for one, or for a kind that names one.",
            )
        for event in reversed(events):
            if _about(event) == "PersistentVolumeClaim" and _involved(event).get("name") == name:
                message = str(event.get("message", ""))
                is_missing = "storageclass" in message and "not found" in message
                return Said(
                    ServerReason.NO_STORAGE_CLASS
                    if is_missing
                    else ServerReason.WAITING_FOR_VOLUME,
                    f"The volume {name!r} cannot be made yet: {_short(message)}.",
                )
    return None


def _of_containers(pod: Obj, status: Obj, events: Sequence[Obj]) -> Said:
    statuses = [
        *_maps(status.get("initContainerStatuses")),
        *_maps(status.get("containerStatuses")),
    ]
    for each in statuses:
        waiting = _map(_map(each.get("state")).get("waiting"))
        reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        if reason in _PULL_FAILED:
            return Said(
                ServerReason.IMAGE_PULL_FAILED,
                f"Its image {each.get('image')!r} cannot be fetched: {_short(message) or reason}. "
                "Check its name; where it needs a login, ask your administrator.",
            )
        if "runAsNonRoot" in message or "non-root" in message or "run as root" in message:
            return Said(
                ServerReason.POD_REFUSED,
                f"Its image {each.get('image')!r} runs as root, or as a user without a number, "
                "which servers may not. Use an image with a numeric USER other than 0.",
            )
        if reason == "CrashLoopBackOff":
            return _crashed(pod, each)
        if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
            return Said(ServerReason.FAILED, f"It cannot be started: {_short(message) or reason}.")
    for event in reversed(events):
        if _about(event) == "Pod" and event.get("reason") in ("FailedMount", "FailedAttachVolume"):
            return Said(
                ServerReason.WAITING_FOR_VOLUME,
                f"A volume cannot be mounted yet: {_short(str(event.get('message', '')))}.",
            )
    if any("running" in _map(each.get("state")) for each in statuses):
        return Said(ServerReason.STARTING, "Its container runs; the server does not answer yet.")
    images = {each.get("image") for each in statuses} - {None}
    image = next(iter(sorted(map(str, images))), "")
    return Said(
        ServerReason.PULLING_IMAGE,
        f"Its node fetches the image{f' {image!r}' if image else ''} and mounts its volumes.",
    )


def _crashed(pod: Obj, status: Obj) -> Said:
    last = _map(_map(status.get("lastState")).get("terminated"))
    if last.get("reason") == "OOMKilled":
        limit = next(
            (
                _map(_map(each.get("resources")).get("limits")).get("memory")
                for each in _maps(_map(pod.get("spec")).get("containers"))
                if each.get("name") == status.get("name")
            ),
            None,
        )
        return Said(
            ServerReason.OUT_OF_MEMORY,
            f"It used more than its {limit or 'limit'} of memory and was ended; it is started "
            "again. Choose more memory, or load less at once.",
        )
    times = format_count(int(status.get("restartCount") or 0), "time")
    message = _short(str(last.get("message") or ""))
    return Said(
        ServerReason.CRASHING,
        f"It ended with code {last.get('exitCode', '?')}, {times} so far; it is started again. "
        f"{f'It said: {message}. ' if message else ''}Look at its log.",
    )


def _failed(status: Obj) -> Said:
    message = _short(str(status.get("message") or ""))
    if status.get("reason") == "Evicted":
        return Said(
            ServerReason.EVICTED,
            f"Its node had to make room and ended it: {message or 'no reason is given'}. It is "
            "started anew.",
        )
    if status.get("reason") in ("NodeLost", "NodeShutdown", "Terminated", "Preempting"):
        return Said(
            ServerReason.NODE_LOST,
            f"Its node went away ({status.get('reason')}). It is started on another.",
        )
    return Said(ServerReason.FAILED, f"Its pod failed: {message or status.get('reason') or '?'}.")


def _about(event: Obj) -> str:
    return str(_involved(event).get("kind", ""))


def _involved(event: Obj) -> Obj:
    return _map(event.get("involvedObject"))


def _short(text: str) -> str:
    line = " ".join(text.split()).rstrip(". ")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
