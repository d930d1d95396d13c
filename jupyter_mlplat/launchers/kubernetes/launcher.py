"""Runs attempts as Jobs of a cluster, and tells how they went as the local launcher does."""

import asyncio
import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlplat.config import ClusterConfig
from jupyter_mlplat.errors import (
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    Unauthenticated,
    Unavailable,
)
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.kubernetes import exchange as exchanges
from jupyter_mlplat.launchers.kubernetes.api import (
    EVENTS,
    JOBS,
    NODES,
    PODS,
    SECRETS,
    SERVICES,
    Access,
    Change,
    ClusterApi,
    Listing,
    Object,
    Trouble,
    connect,
)
from jupyter_mlplat.launchers.kubernetes.objects import (
    address_of,
    job_name,
    job_of,
    secret_of,
    selector_of,
    service_of,
)
from jupyter_mlplat.launchers.kubernetes.reading import DELETED, Seen, Use, look, uses_of
from jupyter_mlplat.launchers.kubernetes.receiving import HttpExchange
from jupyter_mlplat.launchers.local import endings
from jupyter_mlplat.ports.launcher import AttemptRef, Code, Ended, Kind, StartOrder

_log = logging.getLogger(__name__)

_NOT_ITS_FAULT: frozenset[Code] = frozenset({"evicted", "preempted", "node-lost", "killed"})
"""Ends of an attempt that never ran: another one is made, and none is counted."""

_WORDS_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are looked at, in seconds."""

    look: float = 0.5  # at events files
    retry: float = 1.0  # between calls that the cluster did not answer
    longest_retry: float = 15.0
    refusal: float = 3.0  # a Job without a pod for so long may have been refused one
    uses: float = 10.0  # between counts of what is in use
    result: float = 5.0  # a result written on another node is seen here so much later at most
    lost: float = 15.0  # beyond its grace, a pod that is to end is on a node that does not answer


@dataclass(eq=False, slots=True)
class _Attempt:
    """An attempt that has not ended, as far as we know."""

    ref: AttemptRef
    name: str
    job: Object | None = None
    is_made: bool = False  # its Job was there
    pods: dict[str, Object] = field(default_factory=dict)
    nodes: int = 1
    log_limit: int = 100 << 20
    events_bytes: int = 0
    since: float = 0.0  # when it was entered
    said: str | None = None
    is_running: bool = False
    is_cancelled: bool = False
    is_ending: bool = False
    trouble: tuple[Code, float] | None = None  # which, and since when
    refusal: str = ""
    looked_for_refusal: float = 0.0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> tuple[str, str, int]:
        return self.ref.run, self.ref.step, self.ref.attempt


class KubernetesLauncher:
    """The launcher port on a cluster. See `ports.launcher.Launcher` for the contract.

    What decides is the attempt directory: its `claim` says whether the attempt may run, its
    `result.json` how it ended. The cluster is asked for the rest: why a pod waits, and what ended
    one that left no result. It may be away for any time; nothing here waits for it.

    Args:
        config: The place.
        home: The state directory.
        connect_to: Finds the cluster; at the first need.
        pace: How often things are looked at.
    """

    def __init__(
        self,
        config: ClusterConfig,
        home: Home,
        connect_to: Callable[[], Coroutine[Any, Any, ClusterApi]] | None = None,
        pace: Pace = Pace(),
    ) -> None:
        self._config = config
        self._home = home
        access = Access(config.context, config.kubeconfig, config.namespace)
        self._connect: Callable[[], Coroutine[Any, Any, ClusterApi]] = connect_to or (
            lambda: connect(access)
        )
        self._pace = pace
        self._exchange: exchanges.Exchange = exchanges.VolumeExchange(config, home)
        if config.exchange == "http":
            self._exchange = HttpExchange(config)
        self._on_end: Callable[[Ended], None] = lambda _: None
        self._on_activity: Callable[[AttemptRef], None] = lambda _: None
        self._on_wait: Callable[[AttemptRef, str | None], None] = lambda *_: None
        self._attempts: dict[tuple[str, str, int], _Attempt] = {}
        self._api: ClusterApi | None = None
        self._connecting = asyncio.Lock()
        self._engine = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching: list[asyncio.Task[None]] = []
        self._uses: dict[str, Use] = {}
        self._uses_at = -1e9
        self._may_count = True
        self._closed = False

    def bind(
        self,
        on_end: Callable[[Ended], None],
        on_activity: Callable[[AttemptRef], None],
        on_wait: Callable[[AttemptRef, str | None], None] = lambda *_: None,
    ) -> None:
        self._on_end, self._on_activity, self._on_wait = on_end, on_activity, on_wait

    async def prepare(self, python: str, preload: tuple[str, ...], kind: Kind = "cells") -> None:
        """Do nothing: a pod cannot be forked."""

    async def connected(self) -> ClusterApi:
        """Return the cluster, found at the first call.

        Raises:
            PlatformError: The settings name none that there is.
        """
        async with self._connecting:
            if self._api is None:
                self._api = await self._connect()
                self._engine = await asyncio.to_thread(exchanges.identity_of, self._home)
            return self._api

    async def start(self, order: StartOrder) -> None:
        """Start an attempt; returns before there is a pod."""
        attempt = self._enter(order.ref)
        attempt.nodes, attempt.log_limit = order.nodes, order.log_limit_bytes
        self._say(attempt, f"a pod on {self._config.name!r}")
        self._spawn(self._create(attempt, order))

    async def adopt(self, ref: AttemptRef) -> None:
        """Take over an attempt that an earlier engine started, whatever became of it."""
        attempt = self._enter(ref)
        self._spawn(self._take_over(attempt))

    async def cancel(self, ref: AttemptRef, grace_s: float = 5.0) -> None:
        """Stop an attempt; returns when it has ended, or soon where the cluster does not answer."""
        attempt = self._attempts.get((ref.run, ref.step, ref.attempt))
        if attempt is None:
            return
        attempt.is_cancelled = True
        # A pod that is on its way finds this and leaves.
        claim = await asyncio.to_thread(endings.revoke_or_read_claim, ref)
        self._spawn(self._remove(attempt, grace_s))
        if claim is None or "pid" not in claim:
            self._end(attempt, "killed", "cancelled")
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(attempt.ended.wait(), grace_s + self._pace.lost)

    def heard_of(self, address: tuple[str, str, int]) -> None:
        """Look at an attempt at once: its pod has told something."""
        if (attempt := self._attempts.get(address)) is not None:
            self._on_activity(attempt.ref)
            self._spawn(self._look_for_result(attempt))

    async def end_all(self) -> None:
        """End every attempt, as far as that can be done."""
        ends = (self.cancel(attempt.ref, grace_s=0) for attempt in list(self._attempts.values()))
        await asyncio.gather(*ends, return_exceptions=True)

    async def tidy(self, running: Collection[tuple[str, str, int]]) -> None:
        """Delete Jobs of attempts that nobody waits for: of runs that are over, or deleted."""
        api = await self.connected()
        for job in await api.list(JOBS, self._namespace(api), labels=selector_of(self._engine)):
            address = address_of(job)
            if address in running or address in self._attempts or _is_finished(job):
                continue
            _log.info("Deleting Job %s, which nobody waits for", job["metadata"]["name"])
            name, uid = job["metadata"]["name"], job["metadata"].get("uid")
            await api.delete(JOBS, self._namespace(api), name, uid=uid)

    async def close(self) -> None:
        """Let go without stopping what runs."""
        self._closed = True
        tasks = [*self._tasks, *self._watching]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._api is not None:
            await self._api.close()

    # - beginning -

    def _enter(self, ref: AttemptRef) -> _Attempt:
        attempt = _Attempt(ref, job_name(ref), since=time.monotonic())
        self._attempts[attempt.address] = attempt
        if not self._watching:
            for work in (self._watch(JOBS), self._watch(PODS), self._look()):
                self._watching.append(asyncio.get_running_loop().create_task(work))
        return attempt

    async def _create(self, attempt: _Attempt, order: StartOrder) -> None:
        token = hashlib.sha256(os.fsencode(order.ref.directory)).hexdigest()
        try:
            program = await asyncio.to_thread(self._exchange.program, order, attempt.name)
        except OSError as error:
            self._end(attempt, "not-started", f"its pod cannot be prepared: {error}")
            return

        async def make() -> Object:
            api = await self.connected()
            namespace = self._namespace(api)
            job = job_of(self._config, order, self._engine, token, program)
            with contextlib.suppress(Conflict):  # an earlier try has made it
                await api.create(JOBS, namespace, job)
            made = await api.get(JOBS, namespace, attempt.name)
            if values := self._exchange.secrets(order.ref):
                await api.apply(SECRETS, namespace, secret_of(made, values))
            if order.nodes > 1:
                await api.apply(SERVICES, namespace, service_of(made))
            return made

        made = await self._insist(attempt, make)
        if made is None:
            return
        attempt.job, attempt.is_made = made, True
        self._judge(attempt)

    async def _take_over(self, attempt: _Attempt) -> None:
        ref = attempt.ref
        if await asyncio.to_thread(endings.read_result, ref) is not None:
            await self._finish(attempt, Seen("over", "ended"))
            return
        attempt.log_limit = await asyncio.to_thread(endings.log_limit, ref)

        async def find() -> list[Object]:
            api = await self.connected()
            try:
                return [await api.get(JOBS, self._namespace(api), attempt.name)]
            except NotFound:
                return []

        found = await self._insist(attempt, find)
        if found is None:
            return
        if not found:
            # An earlier engine may have asked for it just before it ended: it will find this.
            claim = await asyncio.to_thread(endings.revoke_or_read_claim, ref)
            if claim is None or "pid" not in claim:
                self._end(attempt, "revoked", "not started: its engine ended before it did")
                return
            await self._finish(attempt, Seen("over", "its Job was deleted unseen", "vanished"))
            return
        attempt.job, attempt.is_made = found[0], True
        attempt.nodes = int((found[0].get("spec") or {}).get("completions") or 1)
        api = await self.connected()
        with contextlib.suppress(PlatformError):  # then the watch tells of them
            for pod in await api.list(PODS, self._namespace(api), labels=_label(attempt)):
                if address_of(pod) == attempt.address:
                    attempt.pods[pod["metadata"]["name"]] = pod
        self._judge(attempt)

    async def _insist(self, attempt: _Attempt, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Ask the cluster until it answers; None: the attempt has ended meanwhile, or by this."""
        wait_s = self._pace.retry
        while not attempt.ended.is_set() and not attempt.is_cancelled:
            try:
                return await call()
            except (Unavailable, Unauthenticated) as error:
                self._say(attempt, f"the cluster {self._config.name!r}: {error.message}")
            except Forbidden as error:
                if "exceeded quota" not in error.message:
                    self._end(attempt, "refused", f"the cluster refuses it: {error.message}")
                    return None
                self._say(attempt, f"room in a quota: {error.message}")
            except PlatformError as error:
                self._end(attempt, "refused", f"the cluster refuses it: {error.message}")
                return None
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self._pace.longest_retry)
        return None

    # - watching -

    async def _watch(self, kind: Any) -> None:
        """Hear of Jobs or pods for as long as we are here."""
        wait_s = self._pace.retry
        while True:
            try:
                api = await self.connected()
                labels = selector_of(self._engine)
                async for update in api.watch(kind, self._namespace(api), labels=labels):
                    wait_s = self._pace.retry
                    self._hear(kind is JOBS, update)
            except PlatformError as error:
                _log.warning("Cannot watch %s of %r: %s", kind.plural, self._config.name, error)
            except Exception:
                _log.exception("Watching %s of %r failed", kind.plural, self._config.name)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, self._pace.longest_retry)

    def _hear(self, is_job: bool, update: Listing | Change | Trouble) -> None:
        match update:
            case Trouble(error):
                _log.warning("The cluster %r: %s", self._config.name, error.message)
                for attempt in self._attempts.values():
                    if not attempt.is_running:
                        words = f"the cluster {self._config.name!r}: {error.message}"
                        self._say(attempt, words)
            case Listing(objects):
                self._take_all(is_job, objects)
            case Change(type, value):
                if (found := self._find(value)) is not None:
                    self._take(found, is_job, value, is_gone=type == "DELETED")
                    self._judge(found)

    def _take_all(self, is_job: bool, objects: Collection[Object]) -> None:
        named: dict[str, Object] = {one["metadata"]["name"]: one for one in objects}
        for attempt in list(self._attempts.values()):
            if is_job:
                if attempt.name in named:
                    self._take(attempt, True, named[attempt.name])
                elif attempt.is_made:
                    self._spawn(self._see_whether_gone(attempt))
                    continue
            else:
                for name in [name for name in attempt.pods if name not in named]:
                    self._take(attempt, False, attempt.pods[name], is_gone=True)
        if not is_job:
            for pod in objects:
                if (found := self._find(pod)) is not None:
                    self._take(found, False, pod)
        for attempt in list(self._attempts.values()):
            self._judge(attempt)

    async def _see_whether_gone(self, attempt: _Attempt) -> None:
        """Ask for a Job that a list does not have: the list may be older than the Job."""
        api = await self.connected()
        try:
            attempt.job = await api.get(JOBS, self._namespace(api), attempt.name)
        except NotFound:
            attempt.job = None
        except PlatformError:
            return
        self._judge(attempt)

    def _take(
        self, attempt: _Attempt, is_job: bool, value: Object, *, is_gone: bool = False
    ) -> None:
        if is_job:
            attempt.is_made = True
            attempt.job = None if is_gone else value
            return
        status = value.get("status") or {}
        if is_gone and status.get("phase") not in ("Succeeded", "Failed"):
            value = {**value, "status": {**status, "phase": "Failed", "reason": DELETED}}
        attempt.pods[value["metadata"]["name"]] = value

    def _find(self, value: Object) -> _Attempt | None:
        address = address_of(value)
        return None if address is None else self._attempts.get(address)

    async def _look(self) -> None:
        """Look at what is not told: events files, refusals, and how much is in use."""
        while True:
            await asyncio.sleep(self._pace.look)
            try:
                await self._look_once()
            except (PlatformError, OSError) as error:
                _log.info("Could not look after attempts on %r: %s", self._config.name, error)

    async def _look_once(self) -> None:
        running = {
            one.ref: one for one in self._attempts.values() if one.is_running and not one.is_ending
        }
        if running:
            sizes = {ref: one.events_bytes for ref, one in running.items()}
            limits = {ref: one.log_limit for ref, one in running.items()}
            for ref, size in (await asyncio.to_thread(exchanges.grown, sizes, limits)).items():
                running[ref].events_bytes = size
                self._on_activity(ref)
            for attempt in running.values():
                await self._look_for_result(attempt)
        now = time.monotonic()
        for attempt in list(self._attempts.values()):
            if attempt.is_made and not attempt.pods and not attempt.is_ending:
                if now - max(attempt.since, attempt.looked_for_refusal) > self._pace.refusal:
                    attempt.looked_for_refusal = now
                    await self._look_for_refusal(attempt)
            elif attempt.trouble and not attempt.is_ending:
                if attempt.trouble[0] == "unschedulable":
                    await self._count_uses()
                self._judge(attempt)  # its patience may be at an end

    async def _look_for_result(self, attempt: _Attempt) -> None:
        """End an attempt whose result is there: taking the pod down may lag."""
        if attempt.is_ending or attempt.ended.is_set() or attempt.nodes > 1:
            return
        if await asyncio.to_thread(endings.read_result, attempt.ref) is not None:
            attempt.is_ending = True
            await self._finish(attempt, Seen("over", "ended"))

    async def _look_for_refusal(self, attempt: _Attempt) -> None:
        api = await self.connected()
        fields = f"involvedObject.kind=Job,involvedObject.name={attempt.name}"
        events = await api.list(EVENTS, self._namespace(api), fields=fields)
        told = [str(one.get("message")) for one in events if one.get("reason") == "FailedCreate"]
        attempt.refusal = told[-1] if told else ""
        self._judge(attempt)

    async def _count_uses(self) -> None:
        """Count GPUs of the cluster, where we may see its nodes and pods."""
        if not self._may_count or time.monotonic() - self._uses_at < self._pace.uses:
            return
        self._uses_at = time.monotonic()
        api = await self.connected()
        names = [self._config.gpu, *filter(None, [self._config.gpu_share])]
        try:
            nodes, pods = await api.list(NODES, None), await api.list(PODS, None)
        except Forbidden:
            self._may_count = False
            return
        self._uses = uses_of(names, nodes, pods, self._config.node_selector)

    # - judging -

    def _judge(self, attempt: _Attempt) -> None:
        """See where an attempt stands by what is known of it now."""
        if attempt.ended.is_set() or attempt.is_ending or not attempt.is_made:
            return
        seen = look(
            attempt.job,
            list(attempt.pods.values()),
            image=self._config.image,
            uses=self._uses,
            refusal=attempt.refusal,
        )
        if seen.stage == "over":
            attempt.is_ending = True
            self._spawn(self._finish_as(attempt, seen))
        elif seen.stage == "running":
            attempt.trouble = None
            if not attempt.is_running:
                attempt.is_running = True
                self._on_wait(attempt.ref, None)
        else:
            self._wait_for(attempt, seen)

    def _wait_for(self, attempt: _Attempt, seen: Seen) -> None:
        """Say what an attempt waits for, and give it up once that is in vain."""
        self._say(attempt, seen.reason)
        if seen.code == "ended":
            attempt.trouble = None
            return
        now = time.monotonic()
        if attempt.trouble is None or attempt.trouble[0] != seen.code:
            attempt.trouble = (seen.code, now)
        minutes = self._config.wait_minutes
        if seen.code in ("image", "not-started"):
            minutes = self._config.pull_minutes
        is_over = minutes is not None and now - attempt.trouble[1] >= minutes * 60
        if seen.is_hopeless or is_over:
            attempt.is_ending = True
            self._spawn(self._give_up(attempt, seen))

    async def _give_up(self, attempt: _Attempt, seen: Seen) -> None:
        await asyncio.to_thread(endings.revoke_or_read_claim, attempt.ref)
        self._spawn(self._remove(attempt, 0))
        self._end(attempt, seen.code, f"it waited in vain for {seen.reason}")

    async def _finish_as(self, attempt: _Attempt, seen: Seen) -> None:
        """End an attempt; that its Job has failed may be told before what became of its pod."""
        if seen.is_unclaimed and seen.code == "killed":  # no pod was in view
            with contextlib.suppress(PlatformError):
                api = await self.connected()
                for pod in await api.list(PODS, self._namespace(api), labels=_label(attempt)):
                    if address_of(pod) == attempt.address:
                        attempt.pods[pod["metadata"]["name"]] = pod
                now = look(attempt.job, list(attempt.pods.values()))
                seen = now if now.stage == "over" else seen
        await self._finish(attempt, seen)

    async def _finish(self, attempt: _Attempt, seen: Seen) -> None:
        """Take in the end of an attempt: its result is what counts."""
        ref = attempt.ref
        until = time.monotonic() + (self._pace.result if seen.code in ("ended", "exited") else 0)
        while True:
            result = await asyncio.to_thread(exchanges.result_of, ref, attempt.nodes)
            if result is not None or time.monotonic() >= until:
                break
            await asyncio.sleep(min(self._pace.look, self._pace.result))
        if result is not None:
            self._end(attempt, "ended", "ended", result)
            return
        if attempt.is_cancelled:
            self._end(attempt, "killed", "cancelled")
            return
        if seen.is_unclaimed and seen.code in _NOT_ITS_FAULT:
            claim = await asyncio.to_thread(endings.revoke_or_read_claim, ref)
            if claim is None or "pid" not in claim:
                self._spawn(self._remove(attempt, 0))
                self._end(attempt, "revoked", f"not started: {seen.reason}")
                return
        if seen.code in ("exited", "not-started", "killed"):
            await self._keep_words(attempt)
        if attempt.job is not None and not _is_finished(attempt.job):  # on a node that is lost, say
            self._spawn(self._remove(attempt, 0))
        self._end(attempt, seen.code if seen.code != "ended" else "vanished", seen.reason)

    async def _keep_words(self, attempt: _Attempt) -> None:
        """Keep what containers said that the step itself has not written into its logs."""
        api = await self.connected()
        for name, pod in list(attempt.pods.items()):
            spec = pod.get("spec") or {}
            for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
                words = b""
                with contextlib.suppress(PlatformError, TimeoutError):
                    async with asyncio.timeout(self._pace.result):
                        pieces = api.follow_log(
                            self._namespace(api), name, container["name"], follow=False
                        )
                        async for piece in pieces:
                            words = (words + piece)[-_WORDS_BYTES:]
                if words.strip():
                    await asyncio.to_thread(exchanges.keep_words, attempt.ref, words)

    # - ending -

    async def _remove(self, attempt: _Attempt, grace_s: float) -> None:
        """Delete a Job with its pods, however long the cluster does not answer."""
        wait_s, is_asked = self._pace.retry, False
        while True:
            try:
                api = await self.connected()
                namespace = self._namespace(api)
                await api.delete(JOBS, namespace, attempt.name)
                pods = await api.list(PODS, namespace, labels=_label(attempt))
                own = [pod for pod in pods if address_of(pod) == attempt.address]
                if not own:
                    if not attempt.ended.is_set():
                        await self._finish(attempt, Seen("over", "cancelled", "killed"))
                    return
                for pod in own:
                    grace = 0 if is_asked else grace_s
                    await api.delete(PODS, namespace, pod["metadata"]["name"], grace_s=grace)
                if is_asked:
                    await asyncio.sleep(wait_s)
                    continue
                is_asked = True
                # What has not gone by then is on a node that does not answer: it is struck off.
                until = time.monotonic() + grace_s + self._pace.lost
                while time.monotonic() < until and not attempt.ended.is_set():
                    await asyncio.sleep(self._pace.look)
            except PlatformError as error:
                _log.info("Cannot delete Job %s yet: %s", attempt.name, error)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, self._pace.longest_retry)

    def _end(
        self,
        attempt: _Attempt,
        code: Code,
        reason: str,
        result: Mapping[str, Any] | None = None,
    ) -> None:
        if self._attempts.pop(attempt.address, None) is None or self._closed:
            return
        attempt.ended.set()
        self._spawn(asyncio.to_thread(self._exchange.close, attempt.ref))
        if attempt.is_cancelled and code not in ("ended", "killed"):
            reason = f"cancelled: {reason}"
        self._on_end(Ended(attempt.ref, result, code, reason, "pod"))

    def _say(self, attempt: _Attempt, reason: str) -> None:
        if attempt.said != reason and not attempt.ended.is_set():
            attempt.said = reason
            self._on_wait(attempt.ref, reason)

    def _namespace(self, api: ClusterApi) -> str:
        return self._config.namespace or api.namespace

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("Work on %r failed", self._config.name, exc_info=error)


def _label(attempt: _Attempt) -> str:
    return f"batch.kubernetes.io/job-name={attempt.name}"


def _is_finished(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(
        one.get("type") in ("Complete", "Failed") and one.get("status") == "True"
        for one in conditions
    )
