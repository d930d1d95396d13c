"""Runs attempts as processes of this machine: forked from a warm worker, or started afresh."""

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.kit.process import ProcessIdentity, identify
from jupyter_mlplat.kit.quantities import format_bytes
from jupyter_mlplat.launchers.local import endings, group
from jupyter_mlplat.launchers.local.environment import (
    IDENTITY_SLOT,
    base_environment,
    import_time_variables,
    user_umask,
)
from jupyter_mlplat.launchers.local.slice import materialise, start_script
from jupyter_mlplat.launchers.local.warm import WarmWorker, WorkerLost
from jupyter_mlplat.ports.launcher import AttemptRef, Code, Ended, Kind, StartOrder
from jupyter_mlplat.resources.workflow import ExecutedAs

WATCH_EVERY_S = 0.05
"""Between two looks at memory and logs.

A step that allocates 2 GB/s overshoots its limit by 100 MB at most.
"""

_FRESH = {"cells": "step", "component": "component"}
"""What runs an attempt of a kind without a warm worker: a module of the runtime."""

KILLED_S = 4.0
"""A process that is still there so long after SIGKILL hangs in the kernel: on a dead disk, say."""


@dataclass(eq=False, slots=True)
class _Running:
    """An attempt that has not ended, as far as we know."""

    ref: AttemptRef
    token: str
    memory_bytes: int | None = None
    process: ProcessIdentity | None = None
    started: subprocess.Popen[bytes] | None = None
    worker: WarmWorker | None = None
    pidfd: int | None = None
    executed_as: ExecutedAs | None = None
    cancelled: bool = False
    out_of_memory: bool = False
    heaviest: tuple[int, int] | None = None  # a child's pid, and the bytes it held
    adopted: bool = False
    log_limit: int = 100 << 20
    events_bytes: int = 0  # of its events file, when we looked last
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class LocalLauncher:
    """The launcher port on this machine. See `ports.launcher.Launcher` for the contract.

    Memory limits are kept by looking at what a step's processes hold, not by RLIMIT_AS: NumPy, BLAS
    and CUDA reserve address space that they never touch, and a limit on that ends healthy steps.

    Args:
        home: The state directory.
        idle_s: A warm worker unused for so long ends.
    """

    def __init__(self, home: Home, idle_s: float = 900.0) -> None:
        self._home = home
        self._idle_s = idle_s
        self._on_end: Callable[[Ended], None] = lambda _: None
        self._on_activity: Callable[[AttemptRef], None] = lambda _: None
        self._running: dict[AttemptRef, _Running] = {}
        self._by_number: dict[int, _Running] = {}
        self._by_address: dict[str, AttemptRef] = {}
        self._number = 0
        self._workers: dict[tuple[str, str, tuple[tuple[str, str], ...]], WarmWorker] = {}
        self._used_at: dict[WarmWorker, float] = {}
        self._unfit: dict[str, set[str]] = {}  # interpreter -> modules not to preload
        self._doorbell: socket.socket | None = None
        self._slice: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._closed = False

    def bind(
        self,
        on_end: Callable[[Ended], None],
        on_activity: Callable[[AttemptRef], None],
        on_wait: Callable[[AttemptRef, str | None], None] = lambda *_: None,
    ) -> None:
        """Say who hears of ends and of new events; before the first start."""
        self._on_end = on_end
        self._on_activity = on_activity

    async def prepare(self, python: str, preload: tuple[str, ...], kind: Kind = "cells") -> None:
        """Have a warm worker ready. Never fails the caller."""
        with contextlib.suppress(WorkerLost, OSError):
            await self._worker(kind, python, {}, preload)

    async def start(self, order: StartOrder) -> None:
        """Start an attempt; returns before it runs."""
        self._open_doorbell()
        running = self._enter(order.ref)
        running.memory_bytes = order.memory_bytes
        running.log_limit = order.log_limit_bytes
        self._spawn(self._start(running, order))

    async def adopt(self, ref: AttemptRef) -> None:
        """Take over an attempt that an earlier engine started, whatever became of it."""
        self._open_doorbell()
        running = self._enter(ref)
        running.adopted = True
        if endings.read_result(ref) is not None:
            self._finish(running, None)
            return
        claim = endings.revoke_or_read_claim(ref)
        if claim is None:
            self._end(running, "revoked", "not started: its engine ended before it did")
            return
        if "pid" not in claim:
            self._end(running, "revoked", "not started: revoked before")
            return
        running.process = ProcessIdentity.from_json(claim)
        running.memory_bytes = endings.memory_limit(ref)
        running.log_limit = endings.log_limit(ref)
        self._watch_process(running)

    async def cancel(self, ref: AttemptRef, grace_s: float = 5.0) -> None:
        """Stop an attempt with everything that it has started; returns when it has ended."""
        running = self._running.get(ref)
        if running is None:
            return
        running.cancelled = True
        if running.process is None:
            endings.revoke_or_read_claim(ref)  # a child that is on its way finds this and leaves
        group.signal_all(running.process, running.token, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running.ended.wait(), grace_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KILLED_S):
                while group.signal_all(running.process, running.token, signal.SIGKILL):
                    await asyncio.sleep(WATCH_EVERY_S)
                await running.ended.wait()

    async def end_all(self) -> None:
        """End every attempt at once, as far as that can be done."""
        ends = (self.cancel(ref, grace_s=0) for ref in list(self._running))
        await asyncio.gather(*ends, return_exceptions=True)

    async def close(self) -> None:
        """Let go without stopping what runs."""
        self._closed = True
        for task in (*self._tasks, *([self._watcher] if self._watcher else ())):
            task.cancel()
        for worker in list(self._workers.values()):
            worker.close()
        self._workers.clear()
        for running in self._running.values():
            self._forget_pidfd(running)
        if self._doorbell is not None:
            asyncio.get_running_loop().remove_reader(self._doorbell.fileno())
            self._doorbell.close()
            self._doorbell = None
            self._home.doorbell.unlink(missing_ok=True)

    # Starting

    async def _start(self, running: _Running, order: StartOrder) -> None:
        try:
            extra = {**order.env, IDENTITY_SLOT: running.token}
            if order.kernel is not None:
                self._start_fresh(running, sys.executable, "kernel", extra, order.kernel)
            elif hasattr(os, "fork") and sys.platform == "linux":
                await self._start_warm(running, order, extra)
            else:
                self._start_fresh(running, order.python, _FRESH[order.kind], extra)
        except OSError as error:
            self._end(
                running,
                "not-started",
                f"cannot start {order.python!r}: {error.strerror or error}. "
                "Check that this interpreter exists and may be run.",
            )

    async def _start_warm(
        self, running: _Running, order: StartOrder, extra: Mapping[str, str]
    ) -> None:
        try:
            worker = await self._worker(order.kind, order.python, order.env, order.preload)
            if running.ended.is_set():
                return
            self._number += 1
            self._by_number[self._number] = running
            running.worker, running.executed_as = worker, order.executed_as or "warm-process"
            worker.send(
                {
                    "op": "start",
                    "id": self._number,
                    "directory": str(order.ref.directory),
                    "env": dict(extra),
                }
            )
        except WorkerLost:
            running.worker = None
            self._start_fresh(running, order.python, _FRESH[order.kind], extra)
            running.executed_as = order.executed_as or running.executed_as

    def _start_fresh(
        self, running: _Running, python: str, how: str, extra: Mapping[str, str], *arguments: str
    ) -> None:
        directory = running.ref.directory
        running.executed_as = "kernel" if how == "kernel" else "process"
        with open(directory / "stderr.log", "ab") as log:
            running.started = subprocess.Popen(
                [
                    python,
                    "-I",
                    start_script(self._slice_directory()),
                    how,
                    str(directory),
                    *arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**base_environment(), **extra},
                start_new_session=True,
                umask=user_umask(),
            )
        running.process = identify(running.started.pid)
        self._watch_process(running)

    async def _worker(
        self, kind: str, python: str, env: Mapping[str, str], preload: tuple[str, ...]
    ) -> WarmWorker:
        key = (kind, python, import_time_variables(env))
        for _ in range(8):  # each round ends with one module fewer, or with a worker
            worker = self._workers.get(key)
            if worker is None or worker.is_lost:
                worker = WarmWorker(
                    python,
                    self._slice_directory(),
                    {**base_environment(), **dict(key[2]), IDENTITY_SLOT: "-" * 64},
                    self._on_report,
                    self._on_worker_lost,
                    kind,
                )
                self._workers[key] = worker
            self._used_at[worker] = asyncio.get_running_loop().time()
            unfit = self._unfit.setdefault(python, set())
            try:
                await worker.preload(tuple(name for name in preload if name not in unfit))
            except WorkerLost:
                grown = set(worker.unfit) - unfit
                unfit |= grown
                worker.close()
                if not grown:
                    raise
                continue
            return worker
        raise WorkerLost("no set of modules can be preloaded")

    def _slice_directory(self) -> Path:
        if self._slice is None or not self._slice.is_dir():
            self._slice = materialise(self._home.root)
        return self._slice

    # Watching

    def _enter(self, ref: AttemptRef) -> _Running:
        token = hashlib.sha256(os.fsencode(ref.directory)).hexdigest()
        running = self._running[ref] = _Running(ref, token)
        self._by_address[f"{ref.run}/{ref.step}/{ref.attempt}"] = ref
        if self._watcher is None:
            self._watcher = asyncio.get_running_loop().create_task(self._watch())
        return running

    def _on_report(self, report: dict[str, Any]) -> None:
        running = self._by_number.get(report["id"])
        if running is None:
            return
        if report["event"] == "started":
            running.process = ProcessIdentity(
                report["pid"], report["start_time"], identify().boot_id
            )
            if running.cancelled:
                group.signal_all(running.process, running.token, signal.SIGTERM)
        elif report["event"] == "exited":
            del self._by_number[report["id"]]
            if running.ref in self._running:  # else its result has been heard of before
                self._finish(running, report["status"])
        else:
            del self._by_number[report["id"]]
            self._end(running, "not-started", f"not started: {report['reason']}")

    def _on_worker_lost(self, worker: WarmWorker) -> None:
        """Watch the steps of a worker that has died by themselves: they go on without it."""
        for key, known in list(self._workers.items()):
            if known is worker:
                del self._workers[key]
        self._used_at.pop(worker, None)
        for number, running in list(self._by_number.items()):
            if running.worker is not worker:
                continue
            del self._by_number[number]
            if running.process is None:
                claim = endings.revoke_or_read_claim(running.ref)
                if claim is None or "pid" not in claim:
                    self._end(running, "not-started", "not started: the warm worker died")
                    continue
                running.process = ProcessIdentity.from_json(claim)
            self._watch_process(running)

    def _watch_process(self, running: _Running) -> None:
        """Hear of the end of a process that is not our child, or that is."""
        process = running.process
        if process is None:
            return
        try:
            pidfd = os.pidfd_open(process.pid)
        except (AttributeError, OSError):
            self._spawn(self._poll_process(running))
            return
        running.pidfd = pidfd
        if running.started is None and not process.is_alive:
            self._process_gone(running)  # the pid was another one's already
            return
        asyncio.get_running_loop().add_reader(pidfd, self._process_gone, running)

    async def _poll_process(self, running: _Running) -> None:
        process, started = running.process, running.started
        while started.poll() is None if started else process is not None and process.is_alive:
            await asyncio.sleep(WATCH_EVERY_S)
        self._process_gone(running)

    def _process_gone(self, running: _Running) -> None:
        self._forget_pidfd(running)
        if running.started is not None:
            group.kill_group(running.started.pid)  # before it is reaped, so that the pid is its own
            code = running.started.wait()
            self._finish(running, -code if code < 0 else code << 8)
        else:
            group.signal_all(None, running.token, signal.SIGKILL)  # what it left: nobody reaps it
            self._finish(running, None)

    def _forget_pidfd(self, running: _Running) -> None:
        if running.pidfd is not None:
            asyncio.get_running_loop().remove_reader(running.pidfd)
            os.close(running.pidfd)
            running.pidfd = None

    async def _watch(self) -> None:
        """Keep limits that a process cannot keep for itself, and end idle workers."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            for running in list(self._running.values()):
                group.cap_logs(running.ref.directory, running.log_limit)
                self._look_at_events(running)
                limit = running.memory_bytes
                if (
                    limit
                    and running.process
                    and group.memory_of(running.process.pid, limit) > limit
                ):
                    running.out_of_memory = True
                    running.heaviest = group.heaviest_child(running.process.pid)
                    group.signal_all(running.process, running.token, signal.SIGKILL)
            now = asyncio.get_running_loop().time()
            busy = {running.worker for running in self._running.values()}
            for key, worker in list(self._workers.items()):
                if worker not in busy and now - self._used_at.get(worker, now) > self._idle_s:
                    del self._workers[key]
                    worker.close()

    def _look_at_events(self, running: _Running) -> None:
        with contextlib.suppress(OSError):
            size = os.stat(f"{running.ref.directory}/events.jsonl").st_size
            if size > running.events_bytes:
                running.events_bytes = size
                self._on_activity(running.ref)

    def _open_doorbell(self) -> None:
        if self._doorbell is not None:
            return
        path = self._home.doorbell
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        doorbell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        doorbell.setblocking(False)
        doorbell.bind(str(path))
        os.chmod(path, 0o600)
        self._doorbell = doorbell
        asyncio.get_running_loop().add_reader(doorbell.fileno(), self._hear)

    def _hear(self) -> None:
        heard: set[AttemptRef] = set()
        doorbell = self._doorbell
        with contextlib.suppress(BlockingIOError):
            while doorbell is not None and len(heard) < 1000:
                address = doorbell.recv(1024).decode("utf-8", "replace")
                if (ref := self._by_address.get(address)) is not None:
                    heard.add(ref)
        for ref in heard:
            if (running := self._running.get(ref)) and (result := endings.read_result(ref)):
                self._end(running, "ended", "ended", result)  # taking the process down may lag

    # Ending

    def _finish(self, running: _Running, status: int | None) -> None:
        result = endings.read_result(running.ref)
        if result is not None:
            self._end(running, "ended", "ended", result)
        elif running.out_of_memory:
            heaviest = format_bytes(running.heaviest[1]) if running.heaviest else ""
            held = f"; the largest of its processes held {heaviest}" if heaviest else ""
            limit = format_bytes(running.memory_bytes or 0)
            self._end(running, "out-of-memory", f"out of memory (limit {limit}{held})")
        elif running.cancelled and (status is None or status >> 8 == endings.NOT_OURS):
            self._end(running, "killed", "cancelled")
        else:
            code, reason = endings.describe(status)
            self._end(running, code, f"cancelled: {reason}" if running.cancelled else reason)

    def _end(
        self,
        running: _Running,
        code: Code,
        reason: str,
        result: Mapping[str, Any] | None = None,
    ) -> None:
        ref = running.ref
        if self._running.pop(ref, None) is None or self._closed:
            return
        group.cap_logs(ref.directory, running.log_limit)  # what came since the last look
        self._forget_pidfd(running)
        self._by_address.pop(f"{ref.run}/{ref.step}/{ref.attempt}", None)
        if not self._running and self._watcher is not None and not self._workers:
            self._watcher.cancel()
            self._watcher = None
        running.ended.set()
        heaviest = running.heaviest[0] if running.heaviest else None
        self._on_end(Ended(ref, result, code, reason, running.executed_as, heaviest))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
