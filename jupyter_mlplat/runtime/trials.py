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
import re
import select
import shutil
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import kin
from .asking import Tuner
from .collectors import collector_of
from .events import Events
from .failures import StepFailed
from .observing import Observations, is_better, reaches
from .reseeding import reseed

LOOK_EVERY_S = 0.1
"""As often as logs and events of running trials are looked at."""
GRACE_S = 5.0
"""A trial that is told to end may take so long; then it is killed."""
STOP = "stop"
"""A file of this name in a trial's folder asks for its end."""
_HOPELESS = 10
"""A job without any limit is given up after so many trials of which none succeeded."""
_PLACEHOLDER = re.compile(r"\$\{(trialParameters|trialSpec)\.([^}]*)\}")
_ASK, _GO_ON, _END = b"?", b"0", b"1"


class Trial:
    """One trial, as its host knows it."""

    def __init__(self, suggested: Mapping[str, Any], objective: Mapping[str, Any]) -> None:
        self.number: int = suggested["number"]
        self.parameters: dict[str, Any] = suggested["parameters"]
        self.label: dict[str, Any] = suggested.get("label") or {}
        self.state = "Pending"
        self.seen = Observations(objective)
        self.reports: list[dict[str, Any]] = []
        self.failure: str | None = None
        self.started_at: float | None = None
        self.finished_at: float | None = None
        self.folder = ""
        self.slot = 0
        self.pid = 0
        self.line: socket.socket | None = None  # it asks there whether it is to go on
        self.offset = 0  # of its events
        self.collector = collector_of({}, objective, "")
        self.result: dict[str, Any] = {}
        self.made: list[dict[str, Any]] = []  # models and files it has logged
        self.bar: float | None = None  # the best value when it began
        self.asks = False
        self.ending: str | None = None  # the state it is to end in, once it was told to end
        self.killed_at: float | None = None  # when patience ends

    @classmethod
    def of(cls, known: Mapping[str, Any], objective: Mapping[str, Any]) -> Trial:
        """Take up a trial of an earlier attempt."""
        trial = cls(known, objective)
        trial.state, trial.failure = known["state"], known.get("failure")
        trial.seen.metrics.update(known.get("metrics") or {})
        trial.reports = list(known.get("reports") or ())
        trial.folder = known.get("folder") or ""
        return trial

    @property
    def value(self) -> float | None:
        return self.seen.value

    @property
    def is_final(self) -> bool:
        return self.state not in ("Pending", "Running")

    def to_json(self) -> dict[str, Any]:
        """Return what the events tell of it."""
        return {
            "number": self.number,
            "state": self.state,
            "parameters": self.parameters,
            "value": self.value,
            "metrics": self.seen.metrics,
            "label": self.label,
            "failure": self.failure,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }

    def end_of(self, order: Mapping[str, Any]) -> tuple[str, str | None]:
        """Say how a trial ends that has done its work: by what is known of its objective."""
        metric = self.seen.objective
        if metric in self.seen.strange:
            said = self.seen.strange[metric]
            return "Failed", f"Its objective {metric!r} is {said}: a finite number is needed."
        if self.value is None and (order["tune"].get("collector") or {}).get("kind") != "none":
            return "MetricsUnavailable", self._why_unavailable(order, metric)
        return "Succeeded", None

    def _why_unavailable(self, order: Mapping[str, Any], metric: str) -> str:
        looked = ["what it logged (mlplat.log_metric, mlplat.train.report)"]
        program = order.get("program") or {}
        if program.get("function"):
            looked.append("what the function returned (a number, or numbers by name)")
        elif not program.get("command") and order.get("whole") is None:
            looked.append(f"a name {metric!r} after its cells")
        if self.collector.where:
            looked.append(self.collector.where)
        found = ", ".join(sorted(self.seen.metrics)) or "nothing"
        return (
            f"It ended without a value of {metric!r}. Looked at: {'; '.join(looked)}. Found: "
            f"{found}."
        )


Body = Callable[[Trial, "Callable[[Any, Mapping[str, float]], bool] | None"], None]
"""Does a trial's work in a process of its own, and writes `result.json` into its folder.

It is given the judge that is asked at each report whether the trial is to end, if there is one.
"""


class Table:
    """All trials of a step, and what counts of them."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self.spec: Mapping[str, Any] = order["tune"]
        self.objective: Mapping[str, Any] = self.spec["objective"]
        self.direction: str = self.objective.get("direction", "maximize")
        self.trials: dict[int, Trial] = {}
        self.best: Trial | None = None
        self.killed = 0
        self.failed = 0
        self.ended = 0  # without the killed
        self.last_failed: Trial | None = None
        for known in order.get("trials") or ():
            self.add(Trial.of(known, self.objective))
        self._began_at, self._ended_before = time.time(), self.ended

    def add(self, trial: Trial) -> None:
        """Take a trial in as it begins, and once more when it has ended."""
        self.trials[trial.number] = trial
        self.killed += trial.state == "Killed"
        self.ended += trial.is_final and trial.state != "Killed"
        if trial.state in ("Failed", "MetricsUnavailable"):
            self.failed += 1
            self.last_failed = trial
        if trial.state == "Succeeded" and is_better(
            trial.value, self.best.value if self.best else None, self.direction
        ):
            self.best = trial

    def to_json(self) -> list[dict[str, Any]]:
        """Return the table as the tuner takes it."""
        return [{**trial.to_json(), "reports": trial.reports} for trial in self.trials.values()]

    @property
    def left(self) -> int | None:
        """How many trials may still be begun; None: any number. Killed ones do not count."""
        most = self.spec.get("trials")
        return None if most is None else max(0, most - len(self.trials) + self.killed)

    @property
    def progress(self) -> dict[str, Any]:
        """How far the job is, as its `progress` event says it."""
        most = self.spec.get("trials")
        ended = self.ended
        shown = f"{ended} of {most} trials" if most else f"{ended} trials"
        if self.best is not None and self.best.value is not None:
            shown += f", best {self.objective['metric']} {self.best.value:g}"
        fraction = min(1.0, ended / most) if most else None
        took, now = time.time() - self._began_at, ended - self._ended_before
        remaining = took / now * max(0, most - ended) if most and now else None
        return {
            "fraction": fraction,
            "remaining_s": remaining,
            "position": ended,
            "message": shown,
        }

    @property
    def has_reached_goal(self) -> bool:
        value = self.best.value if self.best else None
        return reaches(value, self.objective.get("goal"), self.direction)

    def refuse_failures(self) -> None:
        """Give up when too many trials have failed.

        Raises:
            StepFailed: They have.
        """
        allowed, last = self.spec.get("failures"), self.last_failed
        if last is None:
            return
        shown = f"The last one, trial {last.number}: {last.failure}"
        if allowed is not None and self.failed > allowed:
            raise StepFailed(
                "too-many-failures",
                f"{self.failed} of {len(self.trials)} trials have failed, more than the {allowed} "
                f"that may. {shown}",
            )
        is_endless = allowed is None and self.spec.get("trials") is None
        if is_endless and self.failed >= _HOPELESS and self.best is None:
            raise StepFailed(
                "too-many-failures",
                f"{self.failed} trials have failed and none has succeeded. {shown}",
            )

    def refuse_worker(self, how: str) -> None:
        """Give up where not a trial but what runs them has failed.

        Raises:
            StepFailed: Always.
        """
        raise StepFailed(
            "internal", f"The process that runs the trials {how}. The step's log says more."
        )

    def refuse_nothing(self) -> None:
        """Refuse to end well without a single trial that did.

        Raises:
            StepFailed: There is none.
        """
        states = {trial.state for trial in self.trials.values()}
        if states & {"Succeeded", "EarlyStopped"}:
            return
        last = f" The last one: {self.last_failed.failure}" if self.last_failed else ""
        raise StepFailed(
            "no-trial-succeeded",
            f"None of {len(self.trials)} trials has succeeded.{last}",
        )


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
        trial.collector = collector_of(
            self.table.spec.get("collector") or {}, self.table.objective, trial.folder
        )
        trial.bar = self.table.best.value if self.table.best else None
        trial.state, trial.started_at = "Running", time.time()
        self.table.add(trial)
        self._events.emit("trial", **trial.to_json())
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
            self._keep_memory_limit()
        self._reap()
        for trial in self._running.values():
            if trial.line in ready and self._is_asking(trial):
                self._look(trial)
            if trial.killed_at is not None and now >= trial.killed_at:
                kin.signal_family(trial.pid, signal.SIGKILL)

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
        trial.state, trial.failure = self._judge(trial, status)
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
        line = f"trial {trial.number} {trial.state}{value}{best} [{given}]{why}\n"
        os.write(1, line.encode("utf-8", "backslashreplace"))

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


# --- what a trial does of it ----------------------------------------------------------------------


def order_of(order: Mapping[str, Any], trial: Trial) -> dict[str, Any]:
    """Return the order of one trial: the step's, with the trial's parameters in their places."""
    own = {name: value for name, value in order.items() if name not in ("trials", "earlier")}
    directory = os.path.dirname(os.path.dirname(trial.folder))
    own["checkpoints"] = folder_for_checkpoints(order, directory, trial.number)
    own["parameters"] = {**(order.get("parameters") or {}), **trial.parameters}
    if program := order.get("program"):
        own["program"] = {
            **program,
            "command": [
                substituted(word, trial, own["checkpoints"])
                for word in program.get("command") or ()
            ],
            "arguments": {**(program.get("arguments") or {}), **trial.parameters},
        }
    return own


def folder_for_checkpoints(order: Mapping[str, Any], directory: str, number: int) -> str:
    """Return the folder for a trial's checkpoints: the same in every attempt of the step."""
    root = order.get("checkpoints") or os.path.join(directory, "checkpoints")
    return os.path.join(root, f"trial-{number}")


def substituted(word: str, trial: Trial, checkpoints: str = "") -> str:
    """Put a trial's parameters, its number and its folders into a word of a command.

    Raises:
        StepFailed: It names a parameter that the space does not have.
    """
    facts = {
        "Name": f"trial-{trial.number}",
        "Number": str(trial.number),
        "Folder": trial.folder,
        "Checkpoints": checkpoints,
    }

    def value_of(found: re.Match[str]) -> str:
        what, name = found.groups()
        if what == "trialSpec":
            return facts.get(name, found[0])
        if name not in trial.parameters:
            known = ", ".join(trial.parameters)
            raise StepFailed(
                "bad-command",
                f"The command asks for parameter {name!r}, which the space does not have: {known}.",
            )
        value = trial.parameters[name]
        return value if isinstance(value, str) else json.dumps(value)

    return _PLACEHOLDER.sub(value_of, word)


def is_best(trial: Trial, spec: Mapping[str, Any]) -> bool:
    """Tell, in the trial's process, whether it did better than all that had ended when it began."""
    seen = Observations(spec["objective"])
    with contextlib.suppress(OSError):
        for name, value, _ in _logged(os.path.join(trial.folder, "events.jsonl")):
            seen.take(name, value)
    for name, value, _ in trial.collector.read(is_last=True):
        seen.take(name, value)
    direction = spec["objective"].get("direction", "maximize")
    return trial.bar is None or is_better(seen.value, trial.bar, direction)


def _logged(path: str) -> Iterator[tuple[str, Any, Any]]:
    with open(path, "rb") as file:
        for line in file:
            with contextlib.suppress(ValueError, KeyError):
                event = json.loads(line)
                if event["kind"] == "metric":
                    yield event["name"], event["value"], event.get("step")


def outcome_of(best: Trial | None, directory: str) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the metrics of the best trial, and what of its result is the step's."""
    if best is None:
        return {}, {}
    metrics = best.seen.latest
    if best.value is not None:
        metrics[best.seen.objective] = best.value
    result = read_json(os.path.join(folder_of(best, directory), "result.json"))
    wanted = ("bundle", "outputs", "unbound", "not_kept", "cells", "models", "artifacts")
    return metrics, {name: result[name] for name in wanted if name in result}


def folder_of(trial: Trial, directory: str) -> str:
    """Return the folder of a trial: in this attempt, or in the one before that has run it."""
    own = os.path.join("trials", str(trial.number))
    root = os.path.dirname(directory)
    attempts = sorted((int(name) for name in os.listdir(root) if name.isdigit()), reverse=True)
    found = [os.path.join(root, str(attempt), own) for attempt in attempts]
    return next(filter(os.path.isdir, found), os.path.join(directory, own))


def copy_notebook(best: Trial, directory: str) -> None:
    """Let the step's executed notebook be that of its best trial."""
    name = "executed.ipynb"
    with contextlib.suppress(OSError):
        draft = os.path.join(directory, f"{name}.{os.getpid()}.tmp")
        shutil.copyfile(os.path.join(folder_of(best, directory), name), draft)
        os.replace(draft, os.path.join(directory, name))


def read_json(path: str) -> dict[str, Any]:
    """Return the object in a file; an empty one if there is none."""
    try:
        with open(path, "rb") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def describe_status(status: int) -> str:
    """Say how a process ended, after 'it'."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else "unknown"
        hint = " (perhaps the system was out of memory)" if number == signal.SIGKILL else ""
        return f"was killed by signal {number}, {name}{hint},"
    return f"exited with status {os.WEXITSTATUS(status)}"


__all__ = [
    "STOP",
    "Body",
    "Host",
    "Table",
    "Trial",
    "copy_notebook",
    "describe_status",
    "folder_for_checkpoints",
    "is_best",
    "order_of",
    "outcome_of",
    "read_json",
]
