"""Runs one attempt of one task of a KFP pipeline, as its `step.json` says.

Needs the standard library alone: it runs in whatever environment the task asks for. A Python
component's function is called here, in a process forked for it; a command, or a container, is
started from here and waited for.
"""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from . import artifacts, importing, installing, masking, task_failures, zygote
from .ending import flush_everything
from .events import Events
from .files import BlobError, Blobs, dump_json, write_atomically
from .process import NOT_OURS, claim
from .task_failures import TaskFailed
from .turns import LogStream, Turns

STDOUT, STDERR = 1, 2
SLICE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kfp_slice")
"""Where the `kfp` of components lies."""

_METRICS = "system.Metrics"


class Attempt:
    """One attempt: its order, its files, its result."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        with open(self.path("step.json"), "rb") as file:
            self.order: dict[str, Any] = json.load(file)
        order = self.order
        address = f"{order['run']}/{order['step']}/{order['attempt']}"
        self.blobs = Blobs(order["blobs"], order.get("flush_from_bytes", 0))
        self.events = Events(self.path("events.jsonl"), order.get("doorbell"), address)
        self.program = self.path("program", "ephemeral_component.py")
        self.result: dict[str, Any] = {
            "state": "succeeded",
            "error": None,
            "results": None,
            "metrics": {},
            "notes": order.get("notes") or [],
        }
        self.end_masking: Callable[[], None] = _nothing
        self.python: str | None = None  # of an environment built for a command

    def path(self, *names: str) -> str:
        """Return the path of a file of this attempt."""
        return os.path.join(self.directory, *names)

    def run(self) -> None:
        """Run the task and write its result."""
        started_at = time.time()
        try:
            self._prepare()
            self._carry_out()
            _join_threads()
            self._collect()
        except TaskFailed as failed:
            self._fail(failed.error)
        except BlobError as error:
            self._fail({"code": "missing-input", "message": str(error)})
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what = "the disk is full. Free some space, then retry." if full else str(error)
            code = "disk-full" if full else "internal"
            self._fail({"code": code, "message": f"Cannot run task {self.order['task']!r}: {what}"})
        flush_everything()
        self.end_masking()
        self.result.update(started_at=started_at, finished_at=time.time())
        write_atomically(self.path("result.json"), dump_json(self.result))
        self.events.ring()

    def _fail(self, error: dict[str, Any]) -> None:
        self.result.update(state="failed", error=error)
        text = "\n".join(error.get("traceback") or [error["message"]])
        print(text, file=sys.stderr, flush=True)

    # Before

    def open_logs(self) -> None:
        """Make descriptors 0, 1 and 2 those of the task, and Python's streams write to them."""
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        for fd, name in ((STDOUT, "stdout.log"), (STDERR, "stderr.log")):
            log = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, fd)
            os.close(log)
        self.turns = turns = Turns(self.path("order.log"))
        for name, fd in (("stdout", STDOUT), ("stderr", STDERR)):
            stream = io.TextIOWrapper(
                io.BufferedWriter(LogStream(fd, turns)),
                encoding="utf-8",
                errors="backslashreplace",
                line_buffering=True,
            )
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

    def _prepare(self) -> None:
        order = self.order
        os.environ.update(order.get("env") or {})
        secrets = [os.environ.get(name, "") for name in order.get("secrets") or ()]
        for folder in order.get("masked") or ():
            secrets += _texts_in(folder)
        self.end_masking = masking.masked((STDOUT, STDERR), secrets, self.turns)
        if order.get("environment"):
            self._enter_environment(order["environment"])
        for given in order["inputs"]:
            artifacts.fetch(self.blobs, given["digest"], given["is_folder"], given["path"])
        outputs = order["outputs"]
        for path in (outputs["file"], *(one["path"] for one in outputs["parameters"].values())):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        for made in outputs["artifacts"].values():
            os.makedirs(os.path.dirname(made["path"]), exist_ok=True)
        os.makedirs(order["cwd"], exist_ok=True)
        os.chdir(order["cwd"])
        if order.get("mounts"):
            from . import mounting  # imports ctypes

            mounting.mount(order["mounts"], self.path("mounts"))

    def _enter_environment(self, wanted: dict[str, Any]) -> None:
        """Have the environment built, and go on in it: as this very process."""
        python = installing.build(wanted)
        if self.order["how"] != "function":
            self.python = python
            return
        here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
        self.order["environment"] = None
        write_atomically(self.path("step.json"), dump_json(self.order))
        os.execv(  # noqa: S606
            python, [python, "-I", here, "component", self.directory, "claimed"]
        )

    # The work

    def _carry_out(self) -> None:
        how = self.order["how"]
        if how == "function":
            self._call_function(self.order["function"])
        elif how == "import":
            self.result["results"] = importing.run(self.order, self.blobs)
        elif how == "folder":
            self.result["results"] = _look_after_folder(self.order["folder"])
        else:
            self._run_command(self.order["command"])

    def _call_function(self, function: Mapping[str, Any]) -> None:
        """Call a Python component's function, as `kfp.dsl.executor_main` does."""
        os.makedirs(os.path.dirname(self.program), exist_ok=True)
        with open(self.program, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(function["source"])
        os.environ["_KFP_RUNTIME"] = "true"
        os.environ["PYTHONPATH"] = _with_slice(os.environ)  # for kernels and scripts it starts
        sys.argv = [self.program, *function["arguments"]]
        logging.basicConfig(
            stream=sys.stdout,
            level=logging.INFO,
            format="[KFP Executor %(asctime)s %(levelname)s]: %(message)s",
        )
        from kfp.dsl import executor_main  # type: ignore[import-not-found,unused-ignore]

        try:
            executor_main.run(self.program, function["name"], self.order["executor_input"])
        except SystemExit as exited:
            if exited.code not in (None, 0):
                message = f"Task {self.order['task']!r} ended itself: sys.exit({exited.code!r})."
                raise TaskFailed("task-error", message, name="SystemExit") from None
        except BaseException as error:
            raise TaskFailed(**task_failures.describe(error, self.order, self.program)) from None

    def _run_command(self, command: Mapping[str, Any]) -> None:
        """Run a command and wait for it; its processes write to the task's logs by themselves."""
        environment = dict(os.environ)
        if command.get("with_slice"):
            environment["PYTHONPATH"] = _with_slice(environment)
        if command.get("python"):
            shims = self._python_shims(self.python or command["python"])
            environment["PATH"] = shims + os.pathsep + environment.get("PATH", os.defpath)
        shared = f"{SLICE}:/kfp-slice:ro"
        argv = [shared if word == "{slice}" else word for word in command["argv"]]
        signal.signal(signal.SIGTERM, lambda *_: None)  # goes to the command as well: it decides
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, env=environment, cwd=command.get("cwd")
            )
        except OSError as error:
            raise TaskFailed(
                "not-started",
                f"Cannot start {command['argv'][0]!r} of task {self.order['task']!r}: "
                f"{error.strerror or error}.",
            ) from error
        status = self.turns.wait(process)
        if status < 0:
            name = signal.Signals(-status).name
            raise TaskFailed(
                "killed",
                f"The command of task {self.order['task']!r} was ended by "
                f"signal {-status}, {name}.",
            )
        if status:
            raise TaskFailed(
                "task-error",
                f"The command of task {self.order['task']!r} exited with status {status}. "
                "Its log says more.",
            )

    def _python_shims(self, python: str) -> str:
        """Make a folder where `python3` and `pip` are those of the task's environment."""
        folder = self.path("bin")
        os.makedirs(folder, exist_ok=True)
        for name, argument in (
            ("python", ""),
            ("python3", ""),
            ("pip", "-m pip"),
            ("pip3", "-m pip"),
        ):
            shim = os.path.join(folder, name)
            with open(shim, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\nexec '{python}' {argument} \"$@\"\n")
            os.chmod(shim, stat.S_IRWXU)
        # The `sh` of most images (ash, bash) knows more than Debian's: `[ a == b ]`, for one.
        bash = shutil.which("bash")
        if bash is not None:
            os.symlink(bash, os.path.join(folder, "sh"))
        return folder

    # After

    def _collect(self) -> None:
        """Take in what the task has made: parameters, artifacts with their metadata."""
        if self.result["results"] is None:
            said = self._executor_output()
            self.result["results"] = {
                "parameters": self._parameters(said.get("parameterValues") or {}),
                "artifacts": {
                    name: self._artifacts(name, declared, (said.get("artifacts") or {}).get(name))
                    for name, declared in self.order["outputs"]["artifacts"].items()
                },
            }
        self.blobs.commit()
        for made in self.result["results"]["artifacts"].values():
            for artifact in made:
                if artifact["type"] == _METRICS:
                    self.result["metrics"].update(artifacts.scalars(artifact["metadata"]))

    def _executor_output(self) -> dict[str, Any]:
        path = self.order["outputs"]["file"]
        try:
            with open(path, encoding="utf-8") as file:
                said = json.load(file)
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise TaskFailed(
                "bad-result",
                f"Task {self.order['task']!r} has written an executor output that cannot be read: "
                f"{error}.",
            ) from error
        return said if isinstance(said, dict) else {}

    def _parameters(self, said: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, declared in self.order["outputs"]["parameters"].items():
            if name in said:
                values[name] = said[name]
                continue
            try:
                values[name] = artifacts.read_parameter(declared["path"], declared["type"])
            except FileNotFoundError:
                if not declared.get("optional"):
                    raise TaskFailed(
                        "missing-output",
                        f"Task {self.order['task']!r} has not made its output {name!r}: its "
                        "function returned None for it, or nothing was written to its path.",
                    ) from None
            except ValueError as error:
                raise TaskFailed(
                    "bad-result",
                    f"Output {name!r} of task {self.order['task']!r} is no {declared['type']}: "
                    f"{error}.",
                ) from error
        return values

    def _artifacts(
        self, name: str, declared: Mapping[str, Any], said: Mapping[str, Any] | None
    ) -> list[dict[str, Any]]:
        """Return what lies behind an output: one artifact, or as many as the task speaks of."""
        given = (said or {}).get("artifacts") or [{}]
        return [self._artifact(name, declared, one) for one in given]

    def _artifact(
        self, name: str, declared: Mapping[str, Any], said: Mapping[str, Any]
    ) -> dict[str, Any]:
        uri = said.get("uri") or declared["uri"]
        custom = said.get("custom_path") or said.get("customPath") or ""
        path = custom or artifacts.local_path(uri)
        metadata = {**(declared.get("metadata") or {}), **(said.get("metadata") or {})}
        stored = artifacts.store(self.blobs, path) if path else None
        return {
            "name": said.get("name") or name,
            "type": declared["type"],
            "uri": uri,
            "metadata": metadata,
            "digest": stored.digest if stored else None,
            "size_bytes": stored.size if stored else None,
            "is_folder": bool(stored and stored.is_folder),
            "custom_path": custom or None,
        }


def _nothing() -> None: ...


def _with_slice(environment: Mapping[str, str]) -> str:
    """Return a PYTHONPATH on which the `kfp` of components comes first."""
    return os.pathsep.join(filter(None, [SLICE, environment.get("PYTHONPATH", "")]))


def _texts_in(folder: str) -> list[str]:
    """Return the values of a secret that is mounted, and their lines."""
    texts: list[str] = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            text = file.read().strip()
        texts += [text, *text.splitlines()]
    return texts


def _look_after_folder(folder: Mapping[str, Any]) -> dict[str, Any]:
    """Make or delete a named folder that stands for a volume."""
    import shutil

    if folder["action"] == "create":
        os.makedirs(folder["path"], mode=0o700, exist_ok=True)
        print(f"Made volume {folder['name']!r}: {folder['path']}")
    else:
        shutil.rmtree(folder["path"], ignore_errors=True)
        print(f"Deleted volume {folder['name']!r}: {folder['path']}")
    return {"parameters": dict(folder.get("outputs") or {}), "artifacts": {}}


def _join_threads() -> None:
    """Wait for what an interpreter waits for at its end: threads that are no daemons."""
    current = threading.current_thread()
    for thread in threading.enumerate():
        if thread is not current and not thread.daemon:
            thread.join()


class Work(zygote.Work):
    """Tasks of KFP pipelines, for the children of a zygote."""

    def __init__(self) -> None:
        sys.path.insert(0, SLICE)
        __import__("kfp.dsl.executor_main")

    def run(self, directory: str) -> int:
        return _run(directory)


def run(directory: str, claimed: str = "") -> int:
    """Run the attempt in this directory in this process; return the exit status."""
    sys.path.insert(0, SLICE)
    return _run(directory, bool(claimed))


def _run(directory: str, is_claimed: bool = False) -> int:
    if not is_claimed and not claim(directory):
        return NOT_OURS
    attempt = Attempt(directory)
    attempt.open_logs()
    attempt.run()
    return 0


__all__ = ["Attempt", "Work", "run"]
