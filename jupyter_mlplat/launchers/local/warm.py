"""A warm worker: the zygote of one interpreter, as the launcher sees it."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlplat.launchers.local.environment import user_umask
from jupyter_mlplat.launchers.local.slice import start_script

READY_S = 60.0
"""An interpreter that has not answered by then (cold disk, huge environment) is given up on."""


class WorkerLost(Exception):
    """The zygote has ended or does not answer."""


class WarmWorker:
    """Starts a zygote, sends it commands, hands its reports on.

    Args:
        python: The interpreter.
        slice_directory: Where the runtime lies.
        env: The environment it starts with.
        on_report: Called with every report about a step: `started`, `exited`, `refused`.
        on_lost: Called once when the zygote has ended.
        kind: What its children do: a module of the runtime.
    """

    def __init__(
        self,
        python: str,
        slice_directory: Path,
        env: Mapping[str, str],
        on_report: Callable[[dict[str, Any]], None],
        on_lost: Callable[["WarmWorker"], None],
        kind: str = "cells",
    ) -> None:
        self.python = python
        self.loaded: set[str] = set()
        self.unfit: dict[str, str] = {}  # modules that cannot be preloaded, and why
        self.is_lost = False
        self._on_report = on_report
        self._on_lost = on_lost
        self._pending = b""
        self._loop = asyncio.get_running_loop()
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._lock = asyncio.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [python, "-I", start_script(slice_directory), "zygote", str(theirs.fileno()), kind],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=dict(env),
                cwd=slice_directory,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                umask=user_umask(),
            )
        ours.setblocking(False)
        self._socket = ours
        self._loop.add_reader(ours.fileno(), self._read)
        self._ready = self._loop.create_task(self._wait_ready())

    async def preload(self, modules: tuple[str, ...]) -> None:
        """Import modules that are not imported yet.

        Raises:
            WorkerLost: The zygote has gone, or must be replaced: see `unfit`.
        """
        await asyncio.shield(self._ready)
        async with self._lock:
            missing = [
                name for name in modules if name not in self.loaded and name not in self.unfit
            ]
            if not missing:
                return
            self.send({"op": "preload", "modules": missing})
            answer = await self._answer()
            self.loaded.update(answer["loaded"])
            self.unfit.update(answer["failed"])
            if answer["threads"] > 1:
                self.unfit.update(dict.fromkeys(missing, "starts a thread when imported"))
                raise WorkerLost("a preloaded module started a thread")
            if answer["spoke"]:
                self.unfit.update(dict.fromkeys(answer["spoke"], "speaks when imported"))
                raise WorkerLost("a preloaded module speaks when imported")

    def send(self, command: Mapping[str, Any]) -> None:
        """Send a command.

        Raises:
            WorkerLost: The zygote has gone.
        """
        if self.is_lost:
            raise WorkerLost("the warm worker has ended")
        data = json.dumps(command).encode() + b"\n"
        self._socket.setblocking(True)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise WorkerLost(str(error)) from error
        finally:
            self._socket.setblocking(False)

    def close(self) -> None:
        """Let the zygote end; the steps that it forked go on."""
        if self.is_lost:
            return
        self.is_lost = True
        self._answers.put_nowait({})
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()  # it hangs in an import; its children are in sessions of their own
            self._process.wait()

    async def _wait_ready(self) -> None:
        await self._answer()

    async def _answer(self) -> dict[str, Any]:
        try:
            answer = await asyncio.wait_for(self._answers.get(), READY_S)
        except TimeoutError as error:
            self._lose()
            raise WorkerLost("the warm worker does not answer") from error
        if not answer:
            raise WorkerLost("the warm worker has ended")
        return answer

    def _read(self) -> None:
        try:
            data = self._socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            report = json.loads(line)
            if report["event"] in ("ready", "preloaded"):
                self._answers.put_nowait(report)
            else:
                self._on_report(report)

    def _lose(self) -> None:
        if not self.is_lost:
            self.close()
            self._on_lost(self)
