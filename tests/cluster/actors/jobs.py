"""The controller of Jobs: pods until enough have succeeded, or too many have failed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Any, ClassVar

from tests.cluster.actors.manager import Key, Recorder
from tests.cluster.actors.objects import (
    Objects,
    clone,
    controller_of,
    is_leaving,
    is_ready,
    phase,
    put_status,
    set_condition,
)
from tests.cluster.actors.pods import ALPHABET, create_pod, moment, now, owned_by, pod_from

Object = dict[str, Any]
JOBS = "jobs.batch"
TRACKING = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"


class Jobs:
    """Reconciles Jobs. `backoff_s` is the first wait after a failure (10 s in a real cluster)."""

    name = "job-controller"
    plurals: ClassVar[set[str] | None] = {JOBS, "pods"}

    def __init__(self, objects: Objects, backoff_s: float = 0.05, seed: int = 0) -> None:
        self.objects = objects
        self.events = Recorder(objects, self.name)
        self.backoff_s = backoff_s
        self.random = random.Random(seed)
        self._retry_at: dict[str, float] = {}

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        namespace = document["metadata"].get("namespace") or ""
        if plural == JOBS:
            return [(namespace, document["metadata"]["name"])]
        owner = controller_of(document, "Job")
        return [(namespace, owner)] if owner else []

    def reconcile(self, key: Key) -> float | None:
        namespace, name = key
        job = self.objects.get(JOBS, namespace, name)
        if job is None:
            self._release_orphans(namespace, name)
            return None
        pods = owned_by(self.objects, job)
        if is_leaving(job):
            self._release(
                [pod for pod in pods if phase(pod) in ("Succeeded", "Failed") or is_leaving(pod)]
            )
            return None
        if _condition(job, "Complete") or _condition(job, "Failed"):
            self._release(pods)
            return self._expire(job)
        return self._advance(job, pods)

    def _advance(self, job: Object, pods: list[Object]) -> float | None:
        spec, status = job["spec"], clone(job.get("status") or {})
        if spec.get("suspend"):
            self._suspend(job, status, pods)
            return None
        if not status.get("startTime"):
            status["startTime"] = now()
            self._set(status, "Suspended", "False", "JobResumed", "Job resumed", only_known=True)
        fatal = self._count(job, status, pods)
        active = [
            pod for pod in pods if phase(pod) in ("Pending", "Running") and not is_leaving(pod)
        ]
        done = self._succeeded(job, status)
        wanted = spec.get("completions")
        enough = done >= wanted if wanted is not None else done > 0 and not active
        failed = int(status.get("failed", 0))
        again: float | None = None
        if fatal is None and failed > spec["backoffLimit"]:
            fatal = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
        if (
            (limit := spec.get("activeDeadlineSeconds")) is not None
            and fatal is None
            and not enough
        ):
            left = moment(status["startTime"]) + limit - time.time()
            if left <= 0:
                fatal = ("DeadlineExceeded", "Job was active longer than specified deadline")
            else:
                again = left + 0.01
        if fatal is not None:
            return self._fail(job, status, active, pods, fatal)
        if enough:
            return self._complete(job, status, active, pods)
        if failed:
            due = self._retry_at.get(job["metadata"]["uid"], 0.0) - time.monotonic()
            if due > 0:
                self._write(job, status, active)
                self._release(_finished(pods))
                return min(due, again) if again is not None else due
        made = self._start(job, status, active, pods, done)
        if made is None:
            again = 0.2
        self._write(job, status, active + (made or []))
        self._release(_finished(pods))
        return again

    # -- counting

    def _count(self, job: Object, status: Object, pods: list[Object]) -> tuple[str, str] | None:
        """Count, once each, the pods that have ended. Returns what ends the job at once."""
        fatal: tuple[str, str] | None = None
        for pod in pods:
            gone = (
                is_leaving(pod)
                and phase(pod) not in ("Succeeded", "Failed")
                and not pod["spec"].get("nodeName")
            )
            if phase(pod) not in ("Succeeded", "Failed") and not gone:
                continue
            if TRACKING not in (pod["metadata"].get("finalizers") or []):
                continue
            if phase(pod) == "Succeeded":
                status["succeeded"] = int(status.get("succeeded", 0)) + 1
                if job["spec"]["completionMode"] == "Indexed":
                    indexes = _spread(status.get("completedIndexes", "")) | {_index(pod)}
                    status["completedIndexes"] = _packed(indexes)
                    status["succeeded"] = len(indexes)
                continue
            action, told = _policy(job, pod)
            if action == "FailJob":
                fatal = ("PodFailurePolicy", told)
            if action != "Ignore":
                status["failed"] = int(status.get("failed", 0)) + 1
                wait = self.backoff_s * 2 ** min(int(status["failed"]) - 1, 8)
                self._retry_at[job["metadata"]["uid"]] = time.monotonic() + wait
        return fatal

    @staticmethod
    def _succeeded(job: Object, status: Object) -> int:
        if job["spec"]["completionMode"] == "Indexed":
            return len(_spread(status.get("completedIndexes", "")))
        return int(status.get("succeeded", 0))

    # -- starting

    def _start(
        self, job: Object, status: Object, active: list[Object], pods: list[Object], done: int
    ) -> list[Object] | None:
        spec = job["spec"]
        wanted = spec.get("completions")
        room = spec["parallelism"] - len(active)
        if wanted is not None:
            room = min(room, wanted - done - len(active))
        elif done:
            room = 0
        terminating = [
            pod for pod in pods if is_leaving(pod) and phase(pod) not in ("Succeeded", "Failed")
        ]
        if spec["podReplacementPolicy"] == "Failed":
            room -= len(terminating)
        taken = {_index(pod) for pod in active} | _spread(status.get("completedIndexes", ""))
        free = [index for index in range(wanted or 0) if index not in taken]
        made: list[Object] = []
        for number in range(max(0, room)):
            index = (
                free[number] if spec["completionMode"] == "Indexed" and number < len(free) else None
            )
            pod = self._create(job, index)
            if pod is None:
                return made if made else None
            made.append(pod)
        for surplus in active[spec["parallelism"] :] if room < 0 else []:
            self.objects.delete(
                "pods", surplus["metadata"]["namespace"], surplus["metadata"]["name"]
            )
        return made

    def _create(self, job: Object, index: int | None) -> Object | None:
        meta = job["metadata"]
        pod = pod_from(job["spec"]["template"], job)
        inner = pod["metadata"]
        inner["finalizers"] = [TRACKING]
        prefix = meta["name"] if index is None else f"{meta['name']}-{index}"
        suffix = "".join(self.random.choices(ALPHABET, k=5))
        inner |= {"name": f"{prefix[:57]}-{suffix}", "generateName": f"{prefix}-"}
        if index is not None:
            inner["annotations"] = {**(inner.get("annotations") or {}), INDEX: str(index)}
            inner["labels"] = {**(inner.get("labels") or {}), INDEX: str(index)}
            pod["spec"]["hostname"] = f"{meta['name']}-{index}"
            variable = {
                "name": "JOB_COMPLETION_INDEX",
                "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}},
            }
            for group in ("initContainers", "containers"):
                for container in pod["spec"].get(group) or []:
                    container.setdefault("env", []).append(clone(variable))
        made = create_pod(
            self.objects, self.events, job, pod, lambda told: f"Error creating: {told}"
        )
        if made is not None:
            self.events.tell(job, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        return made

    # -- ending

    def _complete(
        self, job: Object, status: Object, active: list[Object], pods: list[Object]
    ) -> float | None:
        self._stop(active)
        told = ("CompletionsReached", "Reached expected number of succeeded pods")
        self._set(status, "SuccessCriteriaMet", "True", *told)
        self._set(status, "Complete", "True", *told)
        status["completionTime"] = now()
        self.events.tell(job, "Completed", "Job completed")
        self._write(job, status, [])
        self._release(pods)
        return None

    def _fail(
        self,
        job: Object,
        status: Object,
        active: list[Object],
        pods: list[Object],
        why: tuple[str, str],
    ) -> float | None:
        self._stop(active)
        status["failed"] = int(status.get("failed", 0)) + len(active)
        self._set(status, "FailureTarget", "True", *why)
        self._set(status, "Failed", "True", *why)
        self.events.tell(job, why[0], why[1], "Warning")
        self._write(job, status, [])
        self._release(pods)
        return None

    def _suspend(self, job: Object, status: Object, pods: list[Object]) -> None:
        self._stop([pod for pod in pods if phase(pod) in ("Pending", "Running")])
        status.pop("startTime", None)
        self._set(status, "Suspended", "True", "JobSuspended", "Job suspended")
        self._write(job, status, [])
        self._release(
            [pod for pod in pods if is_leaving(pod) or phase(pod) in ("Pending", "Running")]
        )

    def _expire(self, job: Object) -> float | None:
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is None:
            return None
        ended = _condition(job, "Complete") or _condition(job, "Failed")
        assert ended is not None
        left = moment(ended["lastTransitionTime"]) + seconds - time.time()
        if left > 0:
            return float(left + 0.01)
        meta = job["metadata"]
        self.objects.delete(JOBS, meta["namespace"], meta["name"], propagationPolicy="Foreground")
        return None

    def _stop(self, pods: list[Object]) -> None:
        for pod in pods:
            if not is_leaving(pod):
                self.objects.delete("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _release(self, pods: list[Object]) -> None:
        """Let go of pods that are counted: the job's finalizer on them has served."""
        for pod in pods:
            meta = pod["metadata"]
            fresh = self.objects.get("pods", meta["namespace"], meta["name"])
            if fresh is None or TRACKING not in (fresh["metadata"].get("finalizers") or []):
                continue
            kept = [one for one in fresh["metadata"]["finalizers"] if one != TRACKING]
            self.objects.patch(
                "pods", meta["namespace"], meta["name"], {"metadata": {"finalizers": kept or None}}
            )

    def _release_orphans(self, namespace: str, job: str) -> None:
        self._release(
            [
                pod
                for pod in self.objects.list("pods", namespace)
                if controller_of(pod, "Job") == job
            ]
        )

    # -- reporting

    @staticmethod
    def _set(
        status: Object,
        kind: str,
        value: str,
        reason: str,
        message: str,
        *,
        only_known: bool = False,
    ) -> None:
        known = any(entry["type"] == kind for entry in status.get("conditions") or [])
        if only_known and not known:
            return
        condition = {"type": kind, "status": value, "reason": reason, "message": message}
        if set_condition(status, condition, now()):
            next(entry for entry in status["conditions"] if entry["type"] == kind)[
                "lastProbeTime"
            ] = now()

    def _write(self, job: Object, status: Object, active: list[Object]) -> None:
        fresh = self.objects.get(JOBS, job["metadata"]["namespace"], job["metadata"]["name"])
        if fresh is None or fresh["metadata"]["uid"] != job["metadata"]["uid"]:
            return
        status.pop("active", None)
        if active:
            status["active"] = len(active)
        status["ready"] = sum(is_ready(pod) for pod in active)
        status["terminating"] = 0
        status["uncountedTerminatedPods"] = {}
        put_status(self.objects, JOBS, fresh, status)


def _finished(pods: list[Object]) -> list[Object]:
    return [
        pod
        for pod in pods
        if phase(pod) in ("Succeeded", "Failed")
        or (is_leaving(pod) and not pod["spec"].get("nodeName"))
    ]


def _condition(job: Object, kind: str) -> Object | None:
    for entry in (job.get("status") or {}).get("conditions") or []:
        if entry["type"] == kind and entry["status"] == "True":
            return dict(entry)
    return None


def _index(pod: Object) -> int:
    return int((pod["metadata"].get("annotations") or {}).get(INDEX, -1))


def _policy(job: Object, pod: Object) -> tuple[str, str]:
    """Find what the failure policy of a job says of a failed pod."""
    meta = pod["metadata"]
    status = pod.get("status") or {}
    ended = [
        (one["name"], one["state"]["terminated"]["exitCode"])
        for group in ("containerStatuses", "initContainerStatuses")
        for one in status.get(group) or []
        if (one.get("state") or {}).get("terminated")
    ]
    for number, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or []):
        if codes := rule.get("onExitCodes"):
            for name, code in ended:
                if codes.get("containerName") not in (None, name) or code == 0:
                    continue
                if (code in codes["values"]) == (codes["operator"] == "In"):
                    told = (
                        f"Container {name} for pod {meta['namespace']}/{meta['name']} "
                        f"failed with exit code {code} "
                        f"matching {rule['action']} rule at index {number}"
                    )
                    return rule["action"], told
        for pattern in rule.get("onPodConditions") or []:
            for condition in status.get("conditions") or []:
                if (condition["type"], condition["status"]) == (
                    pattern["type"],
                    pattern.get("status", "True"),
                ):
                    told = (
                        f"Pod {meta['namespace']}/{meta['name']} has condition {pattern['type']} "
                        f"matching {rule['action']} rule at index {number}"
                    )
                    return rule["action"], told
    return "Count", ""


def _spread(text: str) -> set[int]:
    """Read indexes as Kubernetes writes them: 0,2-4."""
    found: set[int] = set()
    for part in text.split(",") if text else []:
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _packed(indexes: set[int]) -> str:
    parts: list[str] = []
    for index in sorted(indexes):
        if index - 1 in indexes:
            continue
        last = index
        while last + 1 in indexes:
            last += 1
        parts.append(
            str(index)
            if last == index
            else f"{index}-{last}"
            if last > index + 1
            else f"{index},{last}"
        )
    return ",".join(parts)
