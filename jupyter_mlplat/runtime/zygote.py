"""The parent of warm workers.

Imports what an environment has once, then forks a child per step in milliseconds.

It talks JSON lines over a socket (file descriptor given as argument): commands in, reports out. It
ends when the socket does; the steps that it forked go on.

Commands: `{"op": "preload", "modules": […]}`, `{"op": "start", "id": n, "directory": "…", "env":
    {…}}`.
Reports: `ready`, `preloaded` (what was imported, what failed, what spoke while being imported,
threads), `started` (pid, start time), `exited` (wait status, peak memory), `refused` (cannot fork).
"""

from __future__ import annotations

import asyncio.runners  # noqa: F401  imported for the children
import contextlib
import gc
import importlib
import importlib.util
import io
import json
import os
import select
import signal
import socket
import sys
import sysconfig
import threading
import time
import traceback
import warnings
from collections import deque
from typing import Any, Protocol

from .files import dump_json
from .pages import Populate, Ranges, can_populate
from .process import boot_id, start_time
from .reseeding import reseed

IDENTITY_SLOT = "MLPLAT_ATTEMPT"
"""Environment variable that names the attempt.

Its room in the initial environment is filled in after each fork.
"""
SPARES = 3
"""Children that wait for an order, 6 MB each: one is taken while others get ready."""


class Work(Protocol):
    """What the children of a zygote are for. `cells.Work` and `component.Work` are such."""

    rehearses: bool = False
    """Whether a child can find out ahead of time which memory the work writes to."""

    def warm_up(self) -> None:
        """Do what is slow the first time; in the zygote, and again in each child."""

    def rehearse(self, told: socket.socket) -> None:
        """Do some work as a child does, and tell which pages that has written to."""

    def read_pages(self, heard: socket.socket) -> Ranges:
        """Return what a rehearsal has told."""
        return []

    def run(self, directory: str) -> int:
        """Run the attempt in this directory; return the exit status."""


class Zygote:
    """Imports, forks, reports.

    Args:
        channel: The engine is at its other end.
        work: What is done in the children.
    """

    def __init__(self, channel: socket.socket, work: Work) -> None:
        self.channel = channel
        self.work = work
        self._children: dict[int, int] = {}  # pid -> id of the order
        self._spares: deque[tuple[int, socket.socket]] = deque()
        self._can_populate = work.rehearses and can_populate()
        self._populate: Populate | None = None  # what a step writes to, once a scout has told
        self._scout: socket.socket | None = None
        self._wake, wake = socket.socketpair()
        wake.setblocking(False)
        self._wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self._wake_sender = wake
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        work.warm_up()
        boot_id()
        gc.collect()
        gc.freeze()

    def serve(self) -> None:
        """Obey until the engine is gone."""
        self.report("ready", pid=os.getpid(), python="{}.{}.{}".format(*sys.version_info[:3]))
        pending = b""
        while True:
            ready, _, _ = select.select(self._watched(), [], [], 0)
            if not ready:
                self._prepare()  # only now: whoever waits comes first
                ready, _, _ = select.select(self._watched(), [], [])
            if self._wake in ready:
                self._wake.recv(4096)
                self._reap()
            if self._scout in ready:
                self._hear_scout()
            if self.channel in ready:
                data = self.channel.recv(1 << 16)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))

    def _watched(self) -> list[socket.socket]:
        return [self.channel, self._wake, *filter(None, [self._scout])]

    def report(self, event: str, **fields: Any) -> None:
        """Send a report; the engine may be gone."""
        try:
            self.channel.sendall(dump_json({"event": event, **fields}) + b"\n")
        except OSError:
            return

    def _obey(self, command: dict[str, Any]) -> None:
        if command["op"] == "preload":
            self.report("preloaded", **self._preload(command["modules"]))
        elif command["op"] == "start":
            self._start(command["id"], command["directory"], command["env"])

    def _preload(self, modules: list[str]) -> dict[str, Any]:
        self._drop_spares()
        self._drop_scout()
        self._populate = None
        loaded: list[str] = []
        failed: dict[str, str] = {}
        spoke: list[str] = []
        for name in modules:
            if name in sys.modules:
                loaded.append(name)
                continue
            if not is_installed(name):
                failed[name] = "not in the environment's packages"
                continue
            said, trouble = _import_quietly(name)
            if trouble:
                failed[name] = trouble
            elif said:
                spoke.append(name)
            else:
                loaded.append(name)
        gc.collect()
        gc.freeze()
        return {
            "loaded": loaded,
            "failed": failed,
            "spoke": spoke,
            "threads": threading.active_count(),
        }

    def _start(self, number: int, directory: str, env: dict[str, str]) -> None:
        pid = self._send_spare(directory, env)
        if pid is None:
            pid = self._fork(number)
        if pid is None:
            return
        if pid == 0:
            self._become_step(directory, env)
        self._children[pid] = number
        self.report("started", id=number, pid=pid, start_time=start_time(pid))

    def _fork(self, number: int | None) -> int | None:
        """Fork, or report why not."""
        reason = None
        if threading.active_count() > 1:
            reason = "a preloaded module started a thread"
        else:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # threads of BLAS pools, which handle a fork
                    return os.fork()
            except OSError as error:
                reason = f"cannot fork: {error.strerror}"
        if number is not None:
            self.report("refused", id=number, reason=reason)
        return None

    def _prepare(self) -> None:
        """Have children ready that are past what is slow.

        Forking is cheap, touching shared pages first is not.
        """
        if self._can_populate and self._populate is None and self._scout is None:
            self._send_scout()
        if len(self._spares) > SPARES // 2:
            return
        while len(self._spares) < SPARES:  # in one go: after a fork our own pages are shared, too
            ours, theirs = socket.socketpair()
            pid = self._fork(None)
            if pid == 0:
                ours.close()
                self._wait_as_spare(theirs)
            theirs.close()
            if pid is None:
                ours.close()
                return
            self._spares.append((pid, ours))

    def _drop_spares(self) -> None:
        while self._spares:
            self._spares.popleft()[1].close()  # it reads the end of its socket and leaves

    def _send_spare(self, directory: str, env: dict[str, str]) -> int | None:
        while self._spares:
            pid, channel = self._spares.popleft()
            with channel:
                try:
                    channel.sendall(dump_json({"directory": directory, "env": env}) + b"\n")
                except OSError:
                    continue
            return pid
        return None

    def _wait_as_spare(self, orders: socket.socket) -> None:
        try:
            if self._populate is not None:
                self._populate()
                self._leave_zygote()
            else:
                self._leave_zygote()
                self.work.warm_up()
            with orders, orders.makefile("rb") as file:
                line = file.readline()
            if not line.endswith(b"\n"):
                os._exit(0)
            order = json.loads(line)
        except BaseException:
            os._exit(70)
        self._become_step(order["directory"], order["env"])

    # The scout

    def _send_scout(self) -> None:
        """Let a child run a step of ours and tell which pages it wrote to."""
        ours, theirs = socket.socketpair()
        pid = self._fork(None)
        if pid == 0:
            try:
                ours.close()
                self._leave_zygote()
                self.work.rehearse(theirs)
            finally:
                os._exit(0)
        theirs.close()
        if pid is None:
            ours.close()
            self._can_populate = False
        else:
            self._scout = ours

    def _hear_scout(self) -> None:
        if self._scout is None:
            return
        pages = self.work.read_pages(self._scout)
        self._drop_scout()
        if pages:
            self._populate = Populate(pages)
            self._drop_spares()  # the next ones know more
        else:
            self._can_populate = False  # it failed: children rehearse, as they did so far

    def _drop_scout(self) -> None:
        if self._scout is not None:
            self._scout.close()
            self._scout = None

    def _leave_zygote(self) -> None:
        """Shed what makes this process the zygote, after a fork."""
        if self.channel.fileno() < 0:
            return
        os.setsid()
        self.channel.close()
        self._drop_spares()
        self._drop_scout()
        signal.set_wakeup_fd(-1)
        self._wake.close()
        self._wake_sender.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _become_step(self, directory: str, env: dict[str, str]) -> None:
        status = 70
        try:
            self._leave_zygote()
            adopt_environment(env)
            reseed()
            gc.enable()
            status = self.work.run(directory)
        except BaseException:
            os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            pid = ended.si_pid
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)  # what it left, while its pid cannot be another's
            _, status, usage = os.wait4(pid, 0)
            self._spares = deque(spare for spare in self._spares if spare[0] != pid)
            number = self._children.pop(pid, None)
            if number is not None:
                self.report(
                    "exited", id=number, pid=pid, status=status, peak=usage.ru_maxrss * 1024
                )


def _import_quietly(name: str) -> tuple[bool, str | None]:
    """Import a module; tell whether it said anything, and why it failed.

    A module that speaks or warns when it is imported must be imported in the cell that does so:
    there it is an output.
    """
    said = io.StringIO()
    out, err = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = said
    try:
        importlib.import_module(name)
    except BaseException as error:
        return False, f"{type(error).__name__}: {error}"
    finally:
        sys.stdout, sys.stderr = out, err
    return bool(said.getvalue()), None


def is_installed(name: str) -> bool:
    """Tell whether a module belongs to the interpreter or its installed packages.

    Not to somebody's folder.
    """
    root = name.partition(".")[0]
    if root in sys.builtin_module_names:
        return True
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    paths = list(spec.submodule_search_locations or ()) or [spec.origin or ""]
    homes = {
        os.path.realpath(sysconfig.get_path(key))
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    homes |= {
        os.path.realpath(path)
        for path in sys.path
        if path.endswith(("site-packages", "dist-packages"))
    }
    return any(os.path.realpath(paths[0]).startswith(home + os.sep) for home in homes)


def adopt_environment(env: dict[str, str]) -> None:
    """Take over a step's environment.

    And let `/proc/<pid>/environ` name the attempt even without an `exec`.

    Grandchildren that leave the process group are found by that name.
    """
    os.environ.update(env)
    if "TZ" in env:
        time.tzset()
    token = env.get(IDENTITY_SLOT)
    if token is None or sys.platform != "linux":
        return
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    begin, end = int(fields[47]), int(fields[48])
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(begin)
        block = memory.read(end - begin)
        slot = block.find(f"{IDENTITY_SLOT}=".encode("ascii"))
        room = block.find(b"\x00", slot) - slot - len(IDENTITY_SLOT) - 1 if slot >= 0 else 0
        if room >= len(token):
            memory.seek(begin + slot + len(IDENTITY_SLOT) + 1)
            memory.write(token.encode("ascii"))


def run(fd: str, kind: str = "cells") -> None:
    """Serve the engine at the other end of a socket with work of a kind: a module beside this."""
    gc.disable()
    for variable in ("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(variable, None)
    module = importlib.import_module(f".{kind}", __package__)
    Zygote(socket.socket(fileno=int(fd)), module.Work()).serve()
