"""One container as a process: started, restarted, probed, stopped, and its state as the server
shows it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.cluster.actors.objects import is_ready
from tests.cluster.actors.podfiles import NotReady, expand
from tests.cluster.actors.pods import now

if TYPE_CHECKING:
    from tests.cluster.actors.processes import PodRun

Object = dict[str, Any]
clock = time.time
BACKOFF_S = 0.1  # 10 s on a real node


class Container:
    """A container of a pod. `step` brings it forward; nothing here blocks but `finish`."""

    def __init__(self, run: PodRun, spec: Object, policy: str) -> None:
        self.run, self.spec = run, spec
        self.name: str = spec["name"]
        self.is_sidecar = spec.get("restartPolicy") == "Always"
        self.policy = "Always" if self.is_sidecar else policy
        self.reason = ""  # why it was killed, where somebody knows
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = 0
        self.was_started = False
        self.is_probed = False
        self._state: Object = {"waiting": {"reason": "PodInitializing"}}
        self._last: Object = {}
        self._retry_at = 0.0
        self._probe_at = 0.0
        self._reader: threading.Thread | None = None

    # -- what it is

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def _code(self) -> int | None:
        ended = self._state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    @property
    def has_succeeded(self) -> bool:
        return self._code == 0 and self.policy != "Always"

    @property
    def has_failed(self) -> bool:
        return self._code not in (None, 0) and self.policy == "Never"

    @property
    def is_done(self) -> bool:
        return self.has_succeeded or self.has_failed

    def status(self) -> Object:
        probe = self.spec.get("readinessProbe")
        return {
            **blank(self.spec, self._state),
            "ready": (self.is_up and (self.is_probed or not probe))
            or ("terminated" in self._state and self.has_succeeded and self in self.run.inits),
            "started": self.is_up,
            "restartCount": self.restarts,
            "lastState": self._last,
        }

    # -- its life

    def step(self) -> None:
        if self.process is None:
            if not self.is_done and clock() >= self._retry_at:
                self._start()
        elif self.process.poll() is not None:
            self._ended()
        else:
            self._probe()

    def _start(self) -> None:
        files = self.run.files
        try:
            environment = {
                **self.run.kubelet.base_environment(files, self.spec),
                **files.environment(self.spec),
            }
        except NotReady as missing:
            self._state = {"waiting": {"reason": missing.reason, "message": missing.message}}
            self._retry_at = clock() + BACKOFF_S
            return
        command = self.spec.get("command") or self.run.kubelet.images.get(
            self.spec.get("image", "")
        )
        if not command:
            told = (
                "no command specified, and no program is known for image "
                f'"{self.spec.get("image")}"'
            )
            self._state = {"waiting": {"reason": "CreateContainerError", "message": told}}
            self._retry_at = clock() + 1.0
            return
        argv = [
            files.translate(expand(part, environment), self.spec)
            for part in [*command, *(self.spec.get("args") or [])]
        ]
        folder = files.translate(self.spec.get("workingDir") or str(files.home), self.spec)
        os.makedirs(folder, exist_ok=True)
        files.message_file(self.spec).touch()
        try:
            self.process = subprocess.Popen(
                argv,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            ended = {
                "exitCode": 128,
                "reason": "StartError",
                "message": str(error),
                "startedAt": now(),
                "finishedAt": now(),
            }
            self._finish_state(ended)
            return
        self.was_started = True
        self._state = {"running": {"startedAt": now()}}
        log = self.run.kubelet.book.start(self.run.pod["metadata"]["uid"], self.name)
        self._reader = threading.Thread(target=self._read, args=(self.process, log), daemon=True)
        self._reader.start()

    @staticmethod
    def _read(process: subprocess.Popen[bytes], log: Any) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
        log.close()

    def _ended(self) -> None:
        assert self.process is not None
        code = self.process.returncode
        if self._reader is not None:
            self._reader.join(1.0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # what it left behind
        self.process = None
        code = 128 - code if code < 0 else code
        started = (self._state.get("running") or {}).get("startedAt", now())
        ended: Object = {
            "exitCode": code,
            "reason": self.reason or ("Completed" if code == 0 else "Error"),
            "startedAt": started,
            "finishedAt": now(),
        }
        if message := self._message(code):
            ended["message"] = message
        self.reason, self.is_probed = "", False
        self._finish_state(ended)

    def _finish_state(self, ended: Object) -> None:
        self._state = {"terminated": ended}
        if self.policy == "Always" or (self.policy == "OnFailure" and ended["exitCode"] != 0):
            self._last = self._state
            wait = BACKOFF_S * 2 ** min(self.restarts, 6)
            self.restarts += 1
            told = f"back-off {wait:g}s restarting failed container={self.name}"
            self._state = {"waiting": {"reason": "CrashLoopBackOff", "message": told}}
            self._retry_at = clock() + wait

    def _message(self, code: int) -> str:
        path = self.run.files.message_file(self.spec)
        text = path.read_text(errors="replace")[-4096:] if path.exists() else ""
        if (
            not text
            and code
            and self.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        ):
            log = self.run.kubelet.book.of(self.run.pod["metadata"]["uid"], self.name)
            text = b"".join(line for _, line in (log.lines if log else [])[-80:]).decode(
                errors="replace"
            )[-2048:]
        return text

    # -- probing

    def _probe(self) -> None:
        probe = self.spec.get("readinessProbe")
        if not probe or clock() < self._probe_at:
            return
        self.is_probed = self._is_well(probe)
        # A test does not wait for the period of a real probe until a server is up.
        self._probe_at = clock() + (
            min(1.0, probe.get("periodSeconds", 10)) if self.is_probed else 0.1
        )

    def _is_well(self, probe: Object) -> bool:
        address = self.run.pod["status"]["podIP"]
        timeout = float(probe.get("timeoutSeconds", 1))
        try:
            if get := probe.get("httpGet"):
                scheme, path = get.get("scheme", "HTTP").lower(), get.get("path", "/")
                url = f"{scheme}://{address}:{self._port(get['port'])}{path}"
                headers = {one["name"]: one["value"] for one in get.get("httpHeaders") or []}
                with urllib.request.urlopen(
                    urllib.request.Request(url, headers=headers), timeout=timeout
                ) as answer:
                    return bool(200 <= answer.status < 400)
            if tcp := probe.get("tcpSocket"):
                with socket.create_connection((address, self._port(tcp["port"])), timeout):
                    return True
            if run := probe.get("exec"):
                return self._exec(run["command"], timeout) == 0
        except (OSError, subprocess.TimeoutExpired):
            return False
        return True

    def _port(self, port: int | str) -> int:
        if isinstance(port, int):
            return port
        return next(
            int(one["containerPort"])
            for one in self.spec.get("ports") or []
            if one.get("name") == port
        )

    def _exec(self, command: list[str], timeout: float) -> int:
        files = self.run.files
        environment = {
            **self.run.kubelet.base_environment(files, self.spec),
            **files.environment(self.spec),
        }
        argv = [files.translate(part, self.spec) for part in command]
        return subprocess.run(
            argv, env=environment, timeout=timeout, capture_output=True
        ).returncode

    # -- stopping

    def before_stop(self) -> None:
        hook = ((self.spec.get("lifecycle") or {}).get("preStop") or {}).get("exec")
        if hook and self.is_up:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                self._exec(hook["command"], 10.0)

    def send(self, number: int) -> None:
        process = self.process
        if process is not None and process.poll() is None:
            # To stop is told to the first process; killed are all.
            tell = os.killpg if number == signal.SIGKILL else os.kill
            with contextlib.suppress(ProcessLookupError):
                tell(process.pid, number)

    def finish(self, seconds: float) -> None:
        """Wait for the end, then kill; nothing is restarted any more."""
        self.policy = "Never"
        if self.process is None:
            if "terminated" in self._last and "waiting" in self._state:
                self._state = self._last
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.process.wait(5)
        self._ended()


def blank(spec: Object, state: Object) -> Object:
    image = spec.get("image", "")
    return {
        "name": spec["name"],
        "image": image,
        "imageID": image,
        "ready": False,
        "started": False,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }


__all__ = ["Container", "blank", "clock", "is_ready"]
