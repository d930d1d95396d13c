"""Trials of milliseconds: one after the other in one process, without a fork for each.

A worker, forked once, asks the tuner and runs what it suggests. A trial is written into the step's
events as soon as it has ended, not before: one that was under way when the worker was killed has
left no trace, and is asked for again. A trial that ends the worker itself has failed: which one it
was stands in memory that both share, and another worker goes on.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from . import kin, program, reporting, tracking
from .asking import Tuner
from .events import Events
from .failures import StepFailed
from .files import Blobs, dump_json, read_json, write_atomically
from .reseeding import reseed
from .shell import ZMQInteractiveShell
from .trial_orders import folder_for_checkpoints
from .trial_table import Table, Trial
from .trials import describe_status

_WITHOUT_MEMORY = ("random", "grid", "sobol")
"""Algorithms whose next trials do not depend on what came out of those before."""
_BATCH = 256
_ROOM = 1 << 16
_TELL_EVERY_S = 0.5


class Work:
    """What each trial does, again and again in one namespace.

    Args:
        order: The step's order.
        namespace: The user's; the names that are there now are put back before each trial.
        shell: Knows how cells are spelled.
        blobs: Where a function lies.

    Raises:
        StepFailed: The function cannot be loaded, or a cell is no Python.
    """

    def __init__(
        self,
        order: Mapping[str, Any],
        namespace: dict[str, Any],
        shell: ZMQInteractiveShell,
        blobs: Blobs,
    ) -> None:
        what = order.get("program")
        self.namespace = namespace
        self._before = dict(namespace)
        self._objective: str = order["tune"]["objective"]["metric"]
        self._metrics = tuple(order.get("metrics") or ())
        self._function = program.load_function(what["function"], blobs) if what else None
        self._arguments: Mapping[str, Any] = (what or {}).get("arguments") or {}
        self._codes = [] if what else [_compiled(cell, shell) for cell in order["cells"]]

    def run(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do a trial's work; return metrics by name."""
        self.namespace.clear()
        self.namespace.update(self._before)
        if self._function is not None:
            found = self._function(**{**self._arguments, **parameters})
            self.namespace["result"] = found
            if isinstance(found, Mapping):
                return found
            return {} if found is None else {self._objective: found}
        self.namespace.update(parameters)
        for code in self._codes:
            exec(code, self.namespace)  # noqa: S102
        names = (name for name in self._metrics if name in self.namespace)
        return {name: self.namespace[name] for name in names}


def _compiled(cell: Mapping[str, Any], shell: ZMQInteractiveShell) -> Any:
    source: Any = shell.transform_cell(cell["source"])  # type: ignore[no-untyped-call]
    name = shell.compile.cache(source, 0, cell["source"])
    try:
        return compile(source, name, "exec")
    except SyntaxError as error:
        raise StepFailed("cell-error", f"SyntaxError: {error}", cell=cell["id"]) from error


class InlineHost:
    """Runs the trials of a step in one process at a time.

    Args:
        order: The step's order.
        directory: Of the attempt.
        events: Where the engine reads of them.
        blobs: Where what trials log is kept.
        work: What a trial does.
        keep: Saves, in the worker, what a trial has made that was the best so far.
    """

    def __init__(
        self,
        order: Mapping[str, Any],
        directory: str,
        events: Events,
        blobs: Blobs,
        work: Work,
        keep: Callable[[Trial], None],
    ) -> None:
        self._order = order
        self._directory = directory
        self._events = events
        self._blobs = blobs
        self._trial_work, self._keep = work, keep
        self.table = Table(order)
        self._offset = _size(self._path)
        self._shared = mmap.mmap(-1, _ROOM)

    @property
    def _path(self) -> str:
        return os.path.join(self._directory, "events.jsonl")

    def run(self) -> Trial | None:
        """Run trials until it is over; return the best.

        Raises:
            StepFailed: Too many failed, none succeeded, or the tuner refuses the spec.
        """
        is_over = False
        while not is_over:
            self.table.refuse_failures()
            self._note(b"")
            status = self._wait_for(self._fork())
            self._read_back()
            is_over = status == 0
            if not is_over:
                self._fail_current(status)
        if error := read_json(self._outcome).get("error"):
            raise StepFailed(**error)
        self.table.refuse_nothing()
        return self.table.best

    # - the host -

    @property
    def _outcome(self) -> str:
        return os.path.join(self._directory, "inline.json")

    def _fork(self) -> int:
        host = os.getpid()
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        status = 70
        try:
            kin.die_with(host)
            reseed()
            try:
                self._work()
            except StepFailed as failed:
                write_atomically(self._outcome, dump_json({"error": failed.error}))
            status = 0
        except BaseException:
            os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
        finally:
            os._exit(status)

    def _wait_for(self, pid: int) -> int:
        before = signal.getsignal(signal.SIGTERM)

        def end(*_: Any) -> None:
            kin.signal_family(pid, signal.SIGKILL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

        signal.signal(signal.SIGTERM, end)
        try:
            return os.waitpid(pid, 0)[1]
        finally:
            signal.signal(signal.SIGTERM, before)

    def _read_back(self) -> None:
        """Take in what a worker has written: the events are the truth."""
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            content = file.read()
        end = content.rfind(b"\n") + 1
        self._offset += end
        for line in content[:end].splitlines():
            if b'"kind":"trial"' in line:
                self.table.add(Trial.of(json.loads(line), self.table.objective))

    def _fail_current(self, status: int) -> None:
        """Write down the trial that has ended the worker.

        Raises:
            StepFailed: None was under way: the worker itself is at fault.
        """
        said = self._shared[:].partition(b"\0")[0]
        if not said:
            self.table.refuse_worker(describe_status(status))
            return
        trial = Trial(json.loads(said), self.table.objective)
        trial.state, trial.started_at = "Failed", trial.label.pop("began", None)
        trial.failure = f"Its process {describe_status(status)} before it had finished."
        trial.finished_at = time.time()
        self._events.emit("trial", **trial.to_json())
        self._offset = _size(self._path)
        self.table.add(trial)

    def _note(self, content: bytes) -> None:
        """Say in the shared memory which trial is under way."""
        self._shared[: len(content)] = content
        self._shared[len(content) : len(content) + 1] = b"\0"

    # - the worker -

    def _work(self) -> None:
        tuner = Tuner(self._order, self.table.to_json)
        algorithm = (self.table.spec.get("algorithm") or {}).get("name")
        batch = _BATCH if algorithm in _WITHOUT_MEMORY else 1
        tell: list[dict[str, Any]] = []
        told_at = 0.0
        while True:
            left = self.table.left
            self.table.refuse_failures()
            ask = batch if left is None else min(batch, left)
            answer = tuner.exchange(tell, [], ask)
            if time.monotonic() - told_at > _TELL_EVERY_S:
                self._events.emit("progress", **self.table.progress)
                told_at = time.monotonic()
            tell = []
            for suggested in answer.trials:
                trial = self._try(suggested, tuner)
                facts = {"state": trial.state, "value": trial.value}
                tell.append({**suggested, **facts})  # the tuner may be another one by then
                if self.table.has_reached_goal:
                    answer.trials.clear()
                    break
            if not answer.trials:
                break
        tuner.close()
        self._events.emit("progress", **self.table.progress)

    def _try(self, suggested: Mapping[str, Any], tuner: Tuner) -> Trial:
        trial = Trial(suggested, self.table.objective)
        trial.started_at = time.time()
        self._note(dump_json({**suggested, "label": {**trial.label, "began": trial.started_at}}))
        told = _Told(trial, self._events, self.table.objective["metric"])
        self._take_reports(trial, told, tuner)
        try:
            for name, value in self._trial_work.run(trial.parameters).items():
                if name not in trial.seen.metrics:
                    trial.seen.take(name, value)
            trial.state, trial.failure = trial.end_of(self._order)
        except (Exception, SystemExit) as error:
            was_pruned = type(error).__name__ == "TrialPruned"
            trial.state = "EarlyStopped" if was_pruned else "Failed"
            trial.failure = None if was_pruned else f"{type(error).__name__}: {error}"
        trial.finished_at = time.time()
        before = self.table.best
        self.table.add(trial)
        self._events.emit("trial", **trial.to_json())
        if self.table.best is not before:
            self._keep(trial)
        self._note(b"")
        return trial

    def _take_reports(self, trial: Trial, told: _Told, tuner: Tuner) -> None:
        """Let what the trial logs and reports be the trial's."""
        events: Any = told
        own = tracking.Tracking(events, self._blobs, self._trial_work.namespace)

        def judge(position: Any, metrics: Mapping[str, float]) -> bool:
            value = metrics.get(self.table.objective["metric"])
            if value is None:
                return False
            report = {"number": trial.number, "position": position, "value": value}
            return trial.number in tuner.exchange([], [report], 0).stop

        tracking.current = own
        reporting.current = reporting.Reporting(
            events,
            own,
            folder_for_checkpoints(self._order, self._directory, trial.number),
            judge=judge if self.table.spec.get("early_stopping") else None,
        )


class _Told:
    """Stands for a trial's events: what it says is told of the trial."""

    def __init__(self, trial: Trial, events: Events, objective: str) -> None:
        self._trial = trial
        self._events = events
        self._objective = objective

    def emit(self, kind: str, **fields: Any) -> None:
        """Tell something of the trial."""
        number = self._trial.number
        if kind in ("model", "artifact"):
            self._events.emit(kind, **fields, trial=number)
        elif kind == "metric":
            name, value, position = fields["name"], fields["value"], fields["step"]
            self._trial.seen.take(name, value)
            if name == self._objective:
                self._trial.reports.append({"position": position, "value": value})
            self._events.emit("report", trial=number, name=name, value=value, position=position)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


__all__ = ["InlineHost", "Work"]
