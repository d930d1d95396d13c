"""What a cluster says of an attempt, in the words that people know from this machine. Pure."""

import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from jupyter_mlplat.kit.quantities import format_bytes, format_count
from jupyter_mlplat.launchers.kubernetes.objects import MAIN
from jupyter_mlplat.launchers.local.endings import NOT_OURS
from jupyter_mlplat.ports.launcher import Code

Value = Mapping[str, Any]

_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
_FOR_GOOD = frozenset({"InvalidImageName", "ErrImageNeverPull"})
DELETED = "Deleted"
"""Put as the reason of a pod that is no more."""

_DISRUPTIONS: Mapping[str, tuple[Code, str]] = {
    "PreemptionByScheduler": ("preempted", "preempted: work of a higher priority took its place"),
    "DeletionByTaintManager": ("node-lost", "its node was lost or taken out of service"),
    "DeletionByPodGC": ("node-lost", "its node is gone"),
    "EvictionByEvictionAPI": ("evicted", "evicted: its node is being emptied"),
    "TerminationByKubelet": ("evicted", "evicted: its node ran short or was shut down"),
}
_POD_REASONS: Mapping[str, tuple[Code, str]] = {
    "NodeLost": ("node-lost", "its node was lost"),
    "NodeShutdown": ("node-lost", "its node was shut down"),
    "Shutdown": ("node-lost", "its node was shut down"),
    "Terminated": ("node-lost", "its node was shut down"),
    "Preempting": ("preempted", "preempted: its node needed the place for itself"),
    "DeadlineExceeded": ("deadline", "it had run for its limit"),
    DELETED: ("killed", "its pod was deleted"),
    "UnexpectedAdmissionError": ("evicted", "its node could not take it"),
}
_TAINT = re.compile(r"untolerated taint(?:\(s\))? ?\{?([^}]*)\}?")
_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" (not found|is being deleted)')


@dataclass(frozen=True, slots=True)
class Seen:
    """Where an attempt stands.

    `reason` says what a waiting attempt waits for, or how one that is over has ended. `code` is
    that of its end; of a waiting one: the end it comes to if this lasts too long.
    """

    stage: Literal["waiting", "running", "over"]
    reason: str = ""
    code: Code = "ended"
    is_hopeless: bool = False  # waiting longer will not help
    is_unclaimed: bool = False  # it may never have run; whoever has the directory knows


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a resource is taken on the nodes that count."""

    used: int
    total: int
    most: int = 0  # that one node has


def look(
    job: Value | None,
    pods: Sequence[Value],
    *,
    image: str = "",
    uses: Mapping[str, Use] | None = None,
    refusal: str = "",
) -> Seen:
    """Say where an attempt stands.

    Args:
        job: Its Job; None: it is gone.
        pods: The pods there are of it.
        image: What its pods run, for people.
        uses: Of the resources it asks for, by name, where that is known.
        refusal: What the cluster said when it would not make its pods.
    """
    seen = [_of_pod(pod, image, uses or {}) for pod in sorted(pods, key=_made_at)]
    over = [one for one in seen if one.stage == "over"]
    failed = [one for one in over if one.code != "exited" or "status 0" not in one.reason]
    condition = _failed_condition(job)
    if condition.get("reason") == "DeadlineExceeded":
        return Seen("over", "it had run for its limit", "deadline")
    if failed:
        return failed[0]
    if any(one.stage == "running" for one in seen):
        return Seen("running")
    waiting = [one for one in seen if one.stage == "waiting"]
    if waiting:
        return waiting[0]
    if over:
        return over[0]
    if job is None or condition:
        return Seen("over", "its pod was deleted", "killed", is_unclaimed=True)
    if (job.get("spec") or {}).get("suspend"):
        return Seen("waiting", "its turn in the queue of the cluster")
    if refusal:
        return _of_refusal(refusal)
    return Seen("waiting", "a pod")


def _failed_condition(job: Value | None) -> Value:
    conditions = ((job or {}).get("status") or {}).get("conditions") or ()
    return next(
        (one for one in conditions if one.get("type") == "Failed" and one.get("status") == "True"),
        {},
    )


def _of_refusal(refusal: str) -> Seen:
    quota = re.search(
        r"exceeded quota: (\S+), requested: (\S+), used: (\S+), limited: (\S+)", refusal
    )
    if quota:
        name, asked, used, limit = (word.rstrip(",") for word in quota.groups())
        words = f"room in the quota {name!r}: asks for {asked}, used are {used}, of {limit}"
        return Seen("waiting", words, "refused")
    words = refusal.removeprefix("Error creating: ")
    return Seen("waiting", f"a pod, which the cluster refuses: {words}", "refused", True)


# - one pod -


def _of_pod(pod: Value, image: str, uses: Mapping[str, Use]) -> Seen:
    status = pod.get("status") or {}
    phase = status.get("phase")
    if phase in ("Succeeded", "Failed"):
        return _of_end(pod)
    if (pod.get("metadata") or {}).get("deletionTimestamp") and _is_lost(status):
        code, reason = _disruption(status) or ("node-lost", "its node does not answer")
        return Seen("over", reason, code, is_unclaimed=not _has_run(status))
    container = _main(status)
    state = container.get("state") or {}
    if "running" in state or phase == "Running":
        return Seen("running")
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        if scheduled.get("reason") == "SchedulingGated":
            return Seen("waiting", "its turn in the queue of the cluster")
        words = unschedulable(str(scheduled.get("message") or ""), pod, uses)
        return Seen("waiting", words, "unschedulable")
    waits = [
        (one.get("state") or {}).get("waiting") or {}
        for one in (*(status.get("initContainerStatuses") or ()), container)
    ]
    for waiting in waits:
        reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
        if reason in _IMAGE:
            said = f": {_first(message)}" if message else ""
            words = f"the image {image!r}, which cannot be pulled{said}"
            return Seen("waiting", words, "image", reason in _FOR_GOOD)
        if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
            return Seen("waiting", f"its container: {_first(message)}", "not-started")
    if scheduled.get("status") == "True":
        return Seen("waiting", "its container to start")
    return Seen("waiting", "a node")


def _of_end(pod: Value) -> Seen:
    status = pod.get("status") or {}
    unclaimed = not _has_run(status)
    found = _disruption(status)
    reason = str(status.get("reason") or "")
    if reason == "Evicted":
        message = _first(str(status.get("message") or "its node ran short"))
        return Seen("over", f"evicted from its node: {message}", "evicted", is_unclaimed=unclaimed)
    if reason.startswith("OutOf"):
        words = f"its node had no {reason[5:]} left"
        return Seen("over", words, "evicted", is_unclaimed=True)
    if found or reason in _POD_REASONS:
        code, words = found or _POD_REASONS[reason]
        return Seen("over", words, code, is_unclaimed=unclaimed)
    for container in status.get("initContainerStatuses") or ():
        ended = _terminated(container)
        if ended and ended.get("exitCode"):
            said = _first(str(ended.get("message") or f"status {ended.get('exitCode')}"))
            words = f"it could not be brought to its pod: {said}"
            return Seen("over", words, "not-started", is_unclaimed=True)
    ended = _terminated(_main(status))
    if ended is None:
        words = str(status.get("message") or "its pod ended unseen")
        return Seen("over", _first(words), "vanished", is_unclaimed=unclaimed)
    return _of_container(ended, pod)


def _of_container(ended: Value, pod: Value) -> Seen:
    reason, status = str(ended.get("reason") or ""), int(ended.get("exitCode") or 0)
    if reason == "OOMKilled":
        limits = ((_spec(pod).get("resources") or {}).get("limits")) or {}
        limit = str(limits.get("memory") or "")
        shown = format_bytes(int(limit)) if limit.isdigit() else limit
        said = f"out of memory (limit {shown})" if limit else "out of memory (its node's)"
        return Seen("over", said, "out-of-memory")
    if reason == "ContainerStatusUnknown":
        return Seen("over", "its node was lost", "node-lost")
    if reason in ("StartError", "ContainerCannotRun"):
        said = _first(str(ended.get("message") or reason))
        return Seen("over", f"its container cannot run: {said}", "not-started", is_unclaimed=True)
    number = int(ended.get("signal") or (status - 128 if 128 < status < 160 else 0))
    if number:
        known = number in set(signal.Signals)
        name = signal.Signals(number).name if known else "unknown"
        return Seen("over", f"killed by signal {number}, {name}", "killed")
    if status == NOT_OURS:
        return Seen("over", "not started: its attempt had been claimed or revoked", "revoked")
    return Seen("over", f"exited with status {status} before it had finished", "exited")


def _disruption(status: Value) -> tuple[Code, str] | None:
    target = _condition(status, "DisruptionTarget")
    if target.get("status") != "True":
        return None
    return _DISRUPTIONS.get(str(target.get("reason")), ("evicted", "taken from its node"))


def _is_lost(status: Value) -> bool:
    """Tell whether a pod that is being deleted is on a node that does not answer."""
    ready = _condition(status, "Ready").get("reason")
    return status.get("phase") == "Unknown" or ready in ("NodeStatusUnknown", "NodeNotReady")


def _has_run(status: Value) -> bool:
    state = _main(status).get("state") or {}
    return "running" in state or "terminated" in state


def _main(status: Value) -> Value:
    every = status.get("containerStatuses") or ()
    return next((one for one in every if one.get("name") == MAIN), {})


def _spec(pod: Value) -> Value:
    every = (pod.get("spec") or {}).get("containers") or ()
    return next((one for one in every if one.get("name") == MAIN), {})


def _terminated(container: Value) -> Value | None:
    found: Value | None = (container.get("state") or {}).get("terminated")
    return found


def _condition(status: Value, kind: str) -> Value:
    every = status.get("conditions") or ()
    return next((one for one in every if one.get("type") == kind), {})


def _made_at(pod: Value) -> str:
    return str((pod.get("metadata") or {}).get("creationTimestamp") or "")


def _first(text: str) -> str:
    """Shorten what the cluster says to what fits into a line."""
    line = " ".join(text.split())
    return line if len(line) <= 240 else f"{line[:239]}…"


# - the scheduler's words -


def unschedulable(message: str, pod: Value, uses: Mapping[str, Use]) -> str:
    """Turn what the scheduler says into what a pod waits for: `a GPU: 4 of 4 in use`."""
    if found := _CLAIM.search(message):
        state = "is not there" if found[2] == "not found" else "is being deleted"
        return f"the volume claim {found[1]!r}, which {state}"
    if "unbound immediate PersistentVolumeClaims" in message:
        return "its volume, which is not bound yet"
    if message.startswith("no nodes available"):
        return "a node: the cluster has none"
    nodes = re.match(r"(\d+)/(\d+) nodes are available", message)
    total = int(nodes[2]) if nodes else 0
    causes = message.partition("available:")[2].partition("preemption:")[0]
    asked = {
        **((_spec(pod).get("resources") or {}).get("requests") or {}),
        **((_spec(pod).get("resources") or {}).get("limits") or {}),
    }
    parts = [(what.strip(), int(count)) for count, what in _parts(causes)]
    # Nodes that would not take it at all are not what it waits for, where others would.
    lacks = [part for part in parts if part[0].startswith("Insufficient ")]
    lacks.sort(key=lambda part: "/" not in part[0])  # devices first
    told = list(dict.fromkeys(_cause(*part, asked, uses) for part in lacks or parts))
    if not told:
        return _first(message) or "a node"
    of_all = f" ({format_count(total, 'node')} looked at)" if total and not uses else ""
    return "; ".join(told) + of_all


def _parts(causes: str) -> Iterable[tuple[str, str]]:
    """Split `1 Insufficient cpu, 2 node(s) had untolerated taint {a: b, c}.` into its causes."""
    return re.findall(r"(\d+) ((?:[^,{.]|\{[^}]*\}|\.(?=\S))+)", causes)


def _cause(what: str, count: int, asked: Mapping[str, Any], uses: Mapping[str, Use]) -> str:
    if what.startswith("Insufficient "):
        return _insufficient(what.removeprefix("Insufficient ").strip(), asked, uses)
    if "untolerated taint" in what:
        taint = (_TAINT.search(what) or ["", ""])[1].strip().rstrip(":")
        nodes = format_count(count, "node")
        return f"a node that takes it: {nodes} only what tolerates {taint or 'a taint'}"
    if "node affinity/selector" in what:
        return "a node with the labels it asks for"
    if "volume node affinity" in what:
        return "a node that its volume can be mounted on"
    if "Too many pods" in what:
        return "room for one more pod"
    if "unschedulable" in what:
        return f"a node in service: {format_count(count, 'node')} taken out of it"
    return what if "node(s)" not in what else what.replace("node(s)", "nodes")


def _insufficient(resource: str, asked: Mapping[str, Any], uses: Mapping[str, Use]) -> str:
    amount = str(asked.get(resource) or "")
    if resource in ("cpu", "memory", "ephemeral-storage"):
        noun = {"cpu": "CPU", "memory": "memory"}.get(resource, "disk")
        if resource == "memory" and amount.isdigit():
            amount = format_bytes(int(amount))
        elif resource == "cpu" and amount.endswith("m"):
            amount = f"{int(amount[:-1]) / 1000:g}"
        return f"{noun}: asks for {amount}, no node has as much free"
    is_gpu = "gpu" in resource or "/mig-" in resource
    noun = "GPU" if is_gpu else resource
    many = int(amount) if amount.isdigit() else 1
    what = (f"a {noun}" if many == 1 else f"{many} {noun}s") if is_gpu else f"{many} {noun}"
    use = uses.get(resource)
    if use is None:
        return f"{what}: no node has {'one' if many == 1 else 'as many'} free"
    if use.total == 0:
        return f"{what}: the cluster has none"
    if many > use.most:
        return f"{what}: no node has more than {use.most}"
    return f"{what}: {use.used} of {use.total} in use"


def uses_of(
    resources: Iterable[str], nodes: Iterable[Value], pods: Iterable[Value], labels: Value
) -> dict[str, Use]:
    """Count what of some resources is taken.

    Args:
        resources: Their names.
        nodes: All nodes.
        pods: All pods, of all namespaces.
        labels: What a node must have to count.
    """
    fitting = {
        node["metadata"]["name"]: (node.get("status") or {}).get("allocatable") or {}
        for node in nodes
        if labels.items() <= ((node.get("metadata") or {}).get("labels") or {}).items()
    }
    holding = [
        (pod.get("spec") or {})
        for pod in pods
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        and (pod.get("spec") or {}).get("nodeName") in fitting
    ]
    found = {}
    for name in resources:
        each = [_whole(has.get(name)) for has in fitting.values()]
        used = sum(
            _whole(((container.get("resources") or {}).get("limits") or {}).get(name))
            for spec in holding
            for container in spec.get("containers") or ()
        )
        found[name] = Use(used, sum(each), max(each, default=0))
    return found


def _whole(amount: Any) -> int:
    text = str(amount or "0")
    return int(text) if text.isdigit() else 0


def moment(text: Any) -> datetime | None:
    """Read a time as the server writes it."""
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
