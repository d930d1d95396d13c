"""The trials of a step that is tuned: asked for, forked here, watched, ended, written down.

The step's process is their host: it has prepared what they need, so a trial costs a fork. What to
try next is asked of the tuner (`asking`). A trial has a folder of its own with its logs, its events
and its result; whatever becomes of it is told in the step's events as soon as it is known, so that
an attempt that comes after this one goes on from there. However the host ends, its trials end with
it, and what they have started ends with them.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from . import kin
from .asking import Tuner
from .collectors import collector_of
from .events import Events
from .failures import StepFailed
from .files import read_json
from .reseeding import reseed
from .trial_orders import folder_for_checkpoints
from .trial_table import Table, Trial

LOOK_EVERY_S = 0.1
"""As often as logs and events of running trials are looked at."""
GRACE_S = 5.0
"""A trial that is told to end may take so long; then it is killed."""
STOP = "stop"
"""A file of this name in a trial's folder asks for its end."""
_ASK, _GO_ON, _END = b"?", b"0", b"1"


Body = Callable[[Trial, "Callable[[Any, Mapping[str, float]], bool] | None"], None]
"""Does a trial's work in a process of its own, and writes `result.json` into its folder.

It is given the judge that is asked at each report whether the trial is to end, if there is one.
"""


class Host:
    """Runs the trials of a step.

    Args:
        order: The step's order; `tune` says what is wanted, `trials` what there is already.
        directory: Of the attempt.
        events: Where the engine reads of them.
        body: What a trial does.
    """

    def __init__(
        self, order: Mapping[str, Any], directory: str, events: Events, body: Body
    ) -> None:
        self.order = order
        self.table = Table(order)
        self.tuner = Tuner(order, self.table.to_json)
        self._directory = directory
        self._events = events
        self._body = body
        self._running: dict[int, Trial] = {}  # by pid
        self._tell: list[dict[str, Any]] = []
        self._report: list[dict[str, Any]] = []
        self._over: str | None = None
        self._is_judged = bool(self.table.spec.get("early_stopping"))
        self._slots = list(range(self.table.spec.get("parallel") or 1))
        self._is_told_to_end = False
        self._wakeups: list[socket.socket] = []
        self._looked_at = 0.0

    def run(self) -> Trial | None:
        """Run trials until it is over; return the best.

        Raises:
            StepFailed: Too many failed, none succeeded, or the tuner refuses the spec.
        """
        kin.adopt_orphans()
        gc.collect()
        gc.freeze()
        self._listen()
        try:
            self._go_on()
        finally:
            self._end_all("Killed", "The job has ended.", grace_s=0.0)
            self.tuner.close()
            self._hear_no_more()
        if self._is_told_to_end:  # as a step ends that knows nothing of signals
            os.kill(os.getpid(), signal.SIGTERM)
        self.table.refuse_nothing()
        return self.table.best

    # - the round -

    def _go_on(self) -> None:
        while True:
            self.table.refuse_failures()
            if self._is_told_to_end:
                self._end_all("Killed", "The job was told to end.", GRACE_S)
                return
            if self.table.has_reached_goal:
                best = self.table.best
                number = best.number if best else 0
                self._end_all("Killed", f"Trial {number} has reached the goal.", GRACE_S)
                return
            room = len(self._slots) if self._over is None else 0
            left = self.table.left
            begun = self._exchange(room if left is None else min(room, left))
            if not self._running and not begun:
                return
            self._wait()

    def _exchange(self, ask: int) -> bool:
        """Tell the tuner the news and begin what it suggests; True if it suggests something."""
        if not (ask or self._tell or self._report):
            self._answer_askers()
            return False
        tell, report = self._tell, self._report
        self._tell, self._report = [], []
        answer = self.tuner.exchange(tell, report, ask)
        if answer.over is not None:
            self._over = answer.over
        for number in answer.stop:
            self._stop_early(number)
        self._answer_askers()
        for suggested in answer.trials:
            self._begin(Trial(suggested, self.table.objective))
        return bool(answer.trials)

    # - beginning -

    def _begin(self, trial: Trial) -> None:
        trial.folder = os.path.join(self._directory, "trials", str(trial.number))
        os.makedirs(trial.folder, mode=0o700, exist_ok=True)
        self._copy_checkpoints(trial)
        trial.slot = self._slots.pop(0)
        trial.bar = self.table.best.value if self.table.best else None
        trial.state, trial.started_at = "Running", time.time()
        self.table.add(trial)
        self._events.emit("trial", **trial.to_json())
        self._start(trial)

    def _start(self, trial: Trial) -> None:
        """Fork a trial: for the first time, or once more after it has failed."""
        trial.tries += 1
        trial.collector = collector_of(
            self.table.spec.get("collector") or {}, self.table.objective, trial.folder
        )
        ours, theirs = socket.socketpair()
        host = os.getpid()
        sys.stdout.flush()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # threads of BLAS pools, which handle a fork
                pid = os.fork()
        except OSError as error:
            ours.close()
            theirs.close()
            raise StepFailed(
                "not-started",
                f"Cannot start trial {trial.number}: {error.strerror}. Ask for fewer at once.",
            ) from error
        if pid == 0:
            status = 70
            try:
                kin.die_with(host)
                ours.close()
                self._become(trial, theirs)
                status = 0
            except BaseException:
                os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
            finally:
                os._exit(status)
        theirs.close()
        ours.setblocking(False)
        trial.pid, trial.line = pid, ours
        self._running[pid] = trial

    def _become(self, trial: Trial, line: socket.socket) -> None:
        """Be the trial, in a process of its own."""
        self._hear_no_more()
        self.tuner.forget()
        for other in self._running.values():
            if other.line is not None:
                other.line.close()
        kin.adopt_orphans()
        reseed()
        os.environ["MLPLAT_TRIAL"] = str(trial.number)
        os.environ["MLPLAT_TRIAL_DIR"] = trial.folder
        tracking = (self.order.get("env") or {}).get("MLFLOW_TRACKING_URI", "")
        if "/in/" in tracking and os.environ.get("MLFLOW_TRACKING_URI") == tracking:
            os.environ["MLFLOW_TRACKING_URI"] = f"{tracking}/{trial.number}"
        if devices := self._devices_of(trial.slot):
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(devices)

        def judge(position: Any, metrics: Mapping[str, float]) -> bool:
            if self.table.objective["metric"] not in metrics:
                return False
            line.sendall(_ASK)
            return line.recv(1) == _END

        self._body(trial, judge if self._is_judged else None)

    def _devices_of(self, slot: int) -> list[str]:
        """Divide the step's devices among the trials that run at once."""
        held = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
        if not self.order.get("gpus") or not held:
            return []
        share = held[slot :: self.table.spec.get("parallel") or 1]
        return share or [held[slot % len(held)]]

    def _copy_checkpoints(self, trial: Trial) -> None:
        """Let a trial go on from the checkpoints of another one, where its label says so."""
        parent = trial.label.get("parent")
        source = self.checkpoints_of(parent) if isinstance(parent, int) else None
        target = self.checkpoints_of(trial.number)
        if source and os.path.isdir(source) and not os.path.exists(target):
            draft = f"{target}.{os.getpid()}.tmp"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(source, draft, symlinks=True)
            os.replace(draft, target)

    def checkpoints_of(self, number: int) -> str:
        """Return the folder for a trial's checkpoints."""
        return folder_for_checkpoints(self.order, self._directory, number)

    # - watching -

    def _wait(self) -> None:
        """Sleep until something happens, then see to it."""
        lines = [trial.line for trial in self._running.values() if trial.line is not None]
        timeout = max(0.0, self._looked_at + LOOK_EVERY_S - time.monotonic())
        ready, _, _ = select.select([self._wakeups[0], *lines], [], [], timeout)
        if self._wakeups[0] in ready:
            with contextlib.suppress(BlockingIOError):
                self._wakeups[0].recv(4096)
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            for trial in self._running.values():
                self._look(trial)
                if trial.ending is None and os.path.exists(os.path.join(trial.folder, STOP)):
                    self._tell_to_end(trial, "Killed", "It was stopped by hand.")
                self._keep_time_limit(trial)
            self._keep_memory_limit()
        self._reap()
        for trial in self._running.values():
            if trial.line in ready and self._is_asking(trial):
                self._look(trial)
            if trial.killed_at is not None and now >= trial.killed_at:
                kin.signal_family(trial.pid, signal.SIGKILL)

    def _keep_time_limit(self, trial: Trial) -> None:
        limit = self.table.spec.get("trial_timeout_s")
        took = time.time() - (trial.started_at or 0.0)
        if limit and took >= limit and trial.ending is None:
            why = f"It was stopped: it had run for its limit of {limit:g} s."
            self._tell_to_end(trial, "Failed", why)

    def _keep_memory_limit(self) -> None:
        """End the largest trial where the job holds more memory than it may."""
        limit = self.order.get("trials_memory_bytes")
        if not limit or sum(map(kin.resident_of, self._running)) <= limit:
            return
        held = {pid: kin.memory_of(pid) for pid in self._running}
        if held and sum(held.values()) > limit:
            pid = max(held, key=lambda one: held[one])
            trial = self._running[pid]
            if trial.ending is None:
                trial.ending = "Failed"
                trial.failure = (
                    f"It ran out of memory: it held {held[pid] >> 20} MiB, the job may hold "
                    f"{limit >> 20} MiB, all its trials together."
                )
            kin.signal_family(pid, signal.SIGKILL)

    def _is_asking(self, trial: Trial) -> bool:
        if trial.line is None:
            return False
        try:
            said = trial.line.recv(64)
        except (BlockingIOError, ConnectionError):
            return False
        if not said:  # it has closed its end
            trial.line.close()
            trial.line = None
            return False
        trial.asks = True
        return True

    def _answer_askers(self) -> None:
        for trial in self._running.values():
            if trial.asks and trial.line is not None:
                trial.asks = False
                with contextlib.suppress(OSError):
                    trial.line.send(_END if trial.ending == "EarlyStopped" else _GO_ON)

    def _look(self, trial: Trial, is_last: bool = False) -> None:
        """Take in what a trial has told and shown since the last look."""
        try:
            with open(os.path.join(trial.folder, "events.jsonl"), "rb") as file:
                file.seek(trial.offset)
                content = file.read()
        except OSError:
            content = b""
        end = content.rfind(b"\n") + 1
        trial.offset += end
        for line in content[:end].split(b"\n"):
            with contextlib.suppress(ValueError):
                self._take(trial, json.loads(line))
        for name, value, position in trial.collector.read(is_last):
            self._observe(trial, name, value, position)

    def _take(self, trial: Trial, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "metric":
            self._observe(trial, event["name"], event["value"], event.get("step"), event["t"])
        elif kind in ("model", "artifact"):
            trial.made.append(event)
        elif kind in ("input", "output"):  # through MLflow's API
            self._events.emit(kind, artifact_id=event["artifact_id"], name=event["name"])

    def _observe(
        self, trial: Trial, name: str, value: Any, position: Any, at: float | None = None
    ) -> None:
        number = trial.seen.take(name, value)
        if number is None:
            return
        if name == self.table.objective["metric"]:
            report = {"position": position, "value": number}
            trial.reports.append(report)
            if self._is_judged:
                self._report.append({"number": trial.number, **report})
        self._events.emit("report", trial=trial.number, name=name, value=number, position=position)

    # - ending -

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            trial = self._running.pop(pid, None)
            if trial is not None:
                self._end(trial, status)

    def _end(self, trial: Trial, status: int) -> None:
        """Write down how a trial ended, and end what it has left."""
        self._look(trial, is_last=True)
        if trial.line is not None:
            trial.line.close()
            trial.line = None
        for pid in kin.children_of(os.getpid()):
            if pid not in self._running and pid != self.tuner.pid:
                kin.signal_family(pid, signal.SIGKILL)
        trial.result.update(read_json(os.path.join(trial.folder, "result.json")))
        state, failure = self._judge(trial, status)
        if state == "Failed" and trial.ending is None and self._is_to_try_again(trial):
            self._write(f"trial {trial.number} failed and is run again: {failure}")
            trial.begin_again()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(trial.folder, "result.json"))
            self._start(trial)
            return
        trial.state, trial.failure = state, failure
        trial.finished_at = time.time()
        self._slots.append(trial.slot)
        self._slots.sort()
        for made in trial.made:
            fields = {key: value for key, value in made.items() if key not in ("t", "kind")}
            self._events.emit(made["kind"], **fields, trial=trial.number)
        best = self.table.best
        self.table.add(trial)
        self._events.emit("trial", **trial.to_json())
        self._tell.append({"number": trial.number, "state": trial.state, "value": trial.value})
        if self.table.best is not best:
            name = self.table.objective["metric"]
            self._events.emit("metric", name=name, value=trial.value, step=trial.number)
        self._events.emit("progress", **self.table.progress)
        self._say(trial)

    def _is_to_try_again(self, trial: Trial) -> bool:
        return trial.tries <= (self.table.spec.get("trial_retries") or 0)

    def _judge(self, trial: Trial, status: int) -> tuple[str, str | None]:
        """Say which state a trial has ended in, and why if not well."""
        error = trial.result.get("error")
        was_pruned = isinstance(error, dict) and error.get("name") == "TrialPruned"
        if was_pruned or trial.ending == "EarlyStopped":
            return "EarlyStopped", None
        if trial.ending is not None:
            return trial.ending, trial.failure
        if self._is_told_to_end and trial.result.get("state") != "succeeded":
            return "Killed", "The job was told to end."  # and all of its group with it
        if isinstance(error, dict):
            return "Failed", str(error.get("message"))
        if not trial.result.get("state"):
            return "Failed", f"Its process {describe_status(status)} before it had finished."
        return trial.end_of(self.order)

    def _say(self, trial: Trial) -> None:
        """Write a line into the step's log."""
        value = "" if trial.value is None else f" {self.table.objective['metric']}={trial.value:g}"
        best = " (best so far)" if trial is self.table.best else ""
        given = " ".join(f"{name}={value}" for name, value in trial.parameters.items())
        why = f": {trial.failure}" if trial.failure else ""
        self._write(f"trial {trial.number} {trial.state}{value}{best} [{given}]{why}")

    @staticmethod
    def _write(line: str) -> None:
        os.write(1, f"{line}\n".encode("utf-8", "backslashreplace"))

    def _stop_early(self, number: int) -> None:
        trial = self.table.trials.get(number)
        if trial is None or trial.pid not in self._running or trial.ending is not None:
            return
        if trial.asks:  # it waits for the answer, and ends by itself
            trial.ending, trial.killed_at = "EarlyStopped", time.monotonic() + GRACE_S
        else:
            self._tell_to_end(trial, "EarlyStopped", None)

    def _tell_to_end(self, trial: Trial, state: str, why: str | None) -> None:
        trial.ending, trial.failure = state, why
        trial.killed_at = time.monotonic() + GRACE_S
        kin.signal_family(trial.pid, signal.SIGTERM)

    def _end_all(self, state: str, why: str, grace_s: float) -> None:
        """End all trials that run and wait until they have."""
        for trial in self._running.values():
            if trial.ending is None:
                self._tell_to_end(trial, state, why)
            trial.killed_at = time.monotonic() + grace_s
        while self._running:
            self._wait()
            self._answer_askers()

    # - signals -

    def _listen(self) -> None:
        self._wakeups = list(socket.socketpair())
        for end in self._wakeups:
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeups[1].fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._hear_end)

    def _hear_end(self, *_: Any) -> None:
        self._is_told_to_end = True

    def _hear_no_more(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for end in self._wakeups:
            end.close()
        self._wakeups = []


def describe_status(status: int) -> str:
    """Say how a process ended, after 'it'."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
        hint = " (perhaps the system was out of memory)" if number == signal.SIGKILL else ""
        return f"was killed by signal {number}, {name}{hint},"
    return f"exited with status {os.WEXITSTATUS(status)}"
