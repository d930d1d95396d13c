"""Runs one attempt of one step, as its `step.json` says."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import errno
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import (
    bundle,
    channels,
    inline,
    logs,
    program,
    ranks,
    reporting,
    settings,
    tracking,
    trial_orders,
    trial_results,
    trials,
)
from .ending import flush_everything
from .events import Events
from .failures import StepFailed, describe_error, disk_full
from .files import BlobError, Blobs, dump_json, write_atomically
from .given import take
from .guard import Guard, UnforeseenChange, describe_change
from .identity import class_identity
from .notebook import ExecutedNotebook
from .outputs import STDERR, STDOUT, LogFile, LogOrder, Recorder
from .process import NOT_OURS, claim
from .shell import ZMQInteractiveShell, make_shell
from .snapshot import Snapshot
from .trial_table import Trial

RESULT = "result"
"""The name of what a function returns, among a step's values."""

SAVE_EVERY_S = 2.0
"""A running step's executed notebook on disk is at most this old when a cell ends."""


class Attempt:
    """One attempt: its order, its files, its shell."""

    def __init__(self, directory: str, shell: ZMQInteractiveShell) -> None:
        self.directory = directory
        self.shell = shell
        self.namespace: dict[str, Any] = shell.user_ns
        with open(self.path("step.json"), "rb") as file:
            self.order: dict[str, Any] = json.load(file)
        order = self.order
        address = f"{order['run']}/{order['step']}/{order['attempt']}"
        self.blobs = Blobs(order["blobs"], order.get("flush_from_bytes", 0))
        self.events = Events(self.path("events.jsonl"), order.get("doorbell"), address)
        self.tracking = tracking.Tracking(self.events, self.blobs, self.namespace)
        self.notebook = ExecutedNotebook(order)
        self.cells: list[dict[str, Any]] = []
        self.result: dict[str, Any] = {
            "state": "succeeded",
            "error": None,
            "bundle": None,
            "outputs": {},
            "unbound": [],
            "not_kept": {},
        }
        self.snapshot: Snapshot | None = None
        self.context = contextvars.copy_context()
        self.loaded: dict[str, Any] = {}
        self.beside: dict[str, dict[str, Any]] = {}
        self.kin: dict[str, list[str]] = {}
        self.is_agent = bool(order.get("train") or order.get("tune"))
        self.began_at: float | None = None  # when ranks were started
        self.is_heard = True  # the engine reads what is told here
        self._saved_at = time.monotonic()

    def path(self, *names: str) -> str:
        """Return the path of a file of this attempt."""
        return os.path.join(self.directory, *names)

    def run(self) -> None:
        """Run the step and write its result."""
        started_at = time.time()
        self.loop = asyncio.new_event_loop()  # before logging is set up: it writes a record
        self._attempt(self._work)
        flush_everything()
        if not self.is_agent:
            self._tell_tracked()
            self._write_notebook()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.result.update(
            started_at=started_at,
            finished_at=time.time(),
            peak_memory_bytes=usage.ru_maxrss * (1024 if sys.platform == "linux" else 1),
        )
        write_atomically(self.path("result.json"), dump_json(self.result))
        self.events.ring()

    def _work(self) -> None:
        with self.shell.builtin_trap:  # imports that are replayed may ask for `get_ipython`
            self._prepare()
        if self.order.get("tune"):
            self._run_trials()
        elif self.is_agent:
            self._run_ranks()
        else:
            self._run_program()
            self._save()

    def _attempt(self, work: Callable[[], None]) -> None:
        """Do something; whatever goes wrong becomes the result's error."""
        try:
            work()
        except StepFailed as failed:
            self._fail(failed.error)
        except bundle.NotSerialisable as error:
            last = self.order["cells"][-1] if self.order["cells"] else {}
            fields = {
                "name": error.name,
                "type": error.type,
                "path": error.path,
                "way_out": error.way_out,
                "ties": [error.name],
                "cell": last.get("id"),
                "cell_index": last.get("index"),
            }
            self._fail({"code": "not-serialisable", "message": str(error), **fields})
        except (bundle.MissingInput, BlobError) as error:
            self._fail({"code": "missing-input", "message": str(error)})
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                self._fail(disk_full(error, self.order))
            else:
                traceback.print_exc()
                message = f"The step could not be run: {type(error).__name__}: {error}"
                self._fail({"code": "internal", "message": message})

    def _tell_tracked(self) -> None:
        self.result.update(
            metrics=self.tracking.metrics,
            models=self.tracking.models,
            artifacts=self.tracking.artifacts,
            cells=self.cells,
        )

    # Before the cells

    def _prepare(self) -> None:
        order, namespace = self.order, self.namespace
        tracking.current = self.tracking
        self._report_as(0, 1)
        os.environ.update(order.get("env") or {})
        _add_working_directory_to_path()
        os.chdir(order["cwd"])
        if order.get("mounts"):
            self._mount(order["mounts"])
        channels.moved = order.get("moved") or ()
        self.start = channels.Start()
        seed = dump_json(
            [order["step"], order["cells"], order.get("parameters"), order.get("inputs")]
        )
        class_identity.begin(seed.decode("utf-8"))
        given = take(
            order.get("inputs") or (),
            order.get("parameters") or {},
            namespace,
            self.blobs,
            self._replay_prelude,
        )
        self.loaded, self.beside, self.kin = given
        self._mark_loaded()
        logs.begin(travels="@modules" in order["outputs"])
        self.guard = Guard(self.loaded, self.beside, self.kin, order)
        if order.get("snapshot"):
            self.snapshot = Snapshot(namespace)

    def _mark_loaded(self) -> None:
        """Let `%autoreload` see which modules came before the cells, as it does after each cell."""
        for hook in self.shell.events.callbacks["post_execute"]:
            if hook.__module__ == "IPython.extensions.autoreload":
                hook()

    def _replay_prelude(self) -> None:
        self._replay(self.order.get("prelude") or ())
        if "@modules" in self.order["outputs"]:
            self.start.settings = settings.read()

    def _replay(self, statements: Any) -> None:
        """Replay imports of other cells: what they show was shown where they stand."""
        parts: list[Any] = [self.shell.display_pub, sys.stdout, sys.stderr]
        recorders = [part.recorder for part in parts]
        for part in parts:
            part.recorder = None
        try:
            for statement in statements:
                if statement.startswith("from __future__"):
                    self.shell.compile(statement, "<prelude>", "exec")  # holds for all later cells
                try:
                    exec(compile(statement, "<prelude>", "exec"), self.namespace)  # noqa: S102
                except Exception as error:
                    raise StepFailed(
                        "import-error",
                        f"Cannot start the step: {statement.splitlines()[0]!r}, which an "
                        f"earlier cell runs, failed here: {type(error).__name__}: {error}",
                        name=type(error).__name__,
                        value=str(error),
                    ) from error
        finally:
            for part, recorder in zip(parts, recorders):
                part.recorder = recorder

    def _mount(self, mounts: Sequence[Mapping[str, Any]]) -> None:
        from . import mounting, task_failures  # imports ctypes

        try:
            mounting.mount(mounts, self.path("mounts"))
        except task_failures.TaskFailed as failed:
            raise StepFailed(**failed.error) from failed

    # The trials of a tuning job

    def _run_trials(self) -> None:
        """Be the host of the trials; what the best one made is the step's."""
        host = self._inline_host() if self.order["tune"].get("is_inline") else self._host()
        try:
            best = host.run()
        finally:
            self._write_notebook("failed")
        metrics, made = trial_results.outcome_of(best, self.directory)
        self.result.update(made)
        self.tracking.metrics.update(metrics)
        self.result["metrics"] = metrics
        if best is not None:
            trial_results.copy_notebook(best, self.directory)

    def _host(self) -> trials.Host:
        return trials.Host(self.order, self.directory, self.events, self._be_trial)

    def _inline_host(self) -> inline.InlineHost:
        work = inline.Work(self.order, self.namespace, self.shell, self.blobs)
        self.order.pop("metrics", None)  # they are the trials'

        def keep(trial: Trial) -> None:
            folder = self.path("trials", str(trial.number))
            os.makedirs(folder, mode=0o700, exist_ok=True)
            self._attempt(self._save)
            if self.result["error"] is not None:
                raise StepFailed(**self.result["error"])
            write_atomically(os.path.join(folder, "result.json"), dump_json(self.result))

        return inline.InlineHost(self.order, self.directory, self.events, self.blobs, work, keep)

    def _be_trial(self, trial: Trial, judge: reporting.Judge | None) -> None:
        """Run what the step runs, as one trial, in a process of its own."""
        order, spec = self.order, self.order["tune"]
        self.directory, self.is_agent = trial.folder, bool(spec.get("train"))
        own = trial_orders.order_of(order, trial)
        self.order = {**own, "train": spec.get("train"), "tune": None}
        if (self.order.get("program") or {}).get("command"):
            write_atomically(self.path("step.json"), dump_json(own))  # it may log there
        self.loop = asyncio.new_event_loop()
        self.events = Events(self.path("events.jsonl"), None, "")
        self.tracking = tracking.Tracking(self.events, self.blobs, self.namespace)
        tracking.current = self.tracking
        self.notebook = ExecutedNotebook(self.order)
        self.open_logs()
        self._report_as(0, 1, judge)
        self.namespace.update(trial.parameters)

        def work() -> None:
            if self.is_agent:
                self._run_ranks()
                return
            self._run_program()
            self._tell_metrics(spec["objective"]["metric"])
            if trial_results.is_best(trial, spec):
                self._save()

        self._attempt(work)
        if not self.is_agent:
            flush_everything()
            self._tell_tracked()
            self._write_notebook()
        write_atomically(self.path("result.json"), dump_json(self.result))

    def _tell_metrics(self, objective: str) -> None:
        """Log what a function has returned, and names that are metrics and were not logged yet."""
        returned = self.namespace.get(RESULT) if (self.order.get("program") or {}) else None
        values = dict(returned) if isinstance(returned, Mapping) else {objective: returned}
        for name in self.order.pop("metrics", None) or ():
            if values.get(name) is None and name in self.namespace:
                values[name] = self.namespace[name]
        for name, value in values.items():
            if name in self.tracking.metrics or value is None or not isinstance(name, str):
                continue
            with contextlib.suppress(TypeError, ValueError):
                self.events.emit("metric", name=name, value=float(value), step=None)

    # The ranks of a train job

    def _run_ranks(self) -> None:
        """Be the agent of the ranks; rank 0's result is the step's."""
        agent = ranks.Agent(self.order, self.directory, self.events)
        self.began_at = time.time()
        os.environ["MLPLAT_BEGAN_AT"] = repr(self.began_at)
        try:
            is_mpi = agent.contract == "mpi"
            self.result.update(agent.run(self._become_mpirun if is_mpi else self._be_rank))
        except ranks.RankFailed as failed:
            self.result["cells"] = failed.result.get("cells") or []
            self._take_notebook(failed.place)
            raise
        except StepFailed:
            self._take_notebook(None)
            raise

    def be_node(self, folder: str, events: Events) -> None:
        """Be the agent of the ranks of another node than the first: what it says is its own."""
        shared, self.directory, self.events = self.directory, folder, events
        self.loop = asyncio.new_event_loop()
        self.open_logs()

        def work() -> None:
            with self.shell.builtin_trap:
                self._prepare()
            self.began_at = time.time()
            os.environ["MLPLAT_BEGAN_AT"] = repr(self.began_at)
            agent = ranks.Agent(self.order, shared, events)
            self.result.update(agent.run(self._be_rank))

        self._attempt(work)
        flush_everything()

    def _become_mpirun(self, place: ranks.Place, directory: str) -> None:
        """Let mpirun start the ranks: as the command, or as interpreters that are `rank.run`."""

        def become() -> None:
            command = (self.order.get("program") or {}).get("command") or ()
            os.environ["MLPLAT_STEP_DIRECTORY"] = self.directory
            words = ranks.mpi_words(self.order["train"], command, self.directory)
            program.become_command(words)

        self._attempt(become)
        write_atomically(os.path.join(directory, "result.json"), dump_json(self.result))
        raise SystemExit(1)

    def run_as_rank(self, place: ranks.Place, directory: str) -> int:
        """Be a rank in an interpreter of its own, that nothing is prepared in yet."""
        self.loop = asyncio.new_event_loop()
        self._attempt(self._prepare_apart)
        try:
            self._be_rank(place, directory)
        except SystemExit:
            return 1
        return 0

    def _prepare_apart(self) -> None:
        with self.shell.builtin_trap:
            self._prepare()

    def _be_rank(self, place: ranks.Place, directory: str) -> None:
        """Run what the step runs, as one of its ranks, in a process of its own."""
        self.is_agent = False
        self.loop = asyncio.new_event_loop()
        self._report_as(place.rank, place.world_size)
        if place.rank:  # only what rank 0 says is the step's
            self.directory, self.is_heard = directory, False
            self.events = Events(self.path("events.jsonl"), None, "")
            self.tracking = tracking.Tracking(self.events, self.blobs, self.namespace)
            tracking.current = self.tracking
            self.open_logs()
            self._report_as(place.rank, place.world_size)

        if self.result["error"] is None:  # it could be prepared
            self.start.environ = dict(os.environ)  # a rank's place is not for later steps

        def work() -> None:
            if self.result["error"] is not None:
                return  # it could not be prepared
            self._run_program(is_rank=True)
            if place.rank == 0:
                self._save()

        self._attempt(work)
        if self.result["error"] is None:
            flush_everything()
        self._tell_tracked()
        if place.rank == 0 or self.result["error"] is not None:
            self._write_notebook()
        write_atomically(os.path.join(directory, "result.json"), dump_json(self.result))
        if self.result["error"] is not None:
            flush_everything()
            raise SystemExit(1)

    def _take_notebook(self, place: ranks.Place | None) -> None:
        """Let the executed notebook be that of the rank that failed."""
        written = self.path("executed.ipynb")
        if place is not None and place.rank:
            with contextlib.suppress(FileNotFoundError):
                os.replace(self.path("ranks", str(place.rank), "executed.ipynb"), written)
                return
        if not os.path.exists(written):
            self._write_notebook("failed")

    def _report_as(self, rank: int, world_size: int, judge: reporting.Judge | None = None) -> None:
        """Let the program report as one of so many."""
        folder = self.order.get("checkpoints") or self.path("checkpoints")
        os.environ["MLPLAT_CHECKPOINTS"] = folder  # for commands, and what cells start
        reporting.current = reporting.Reporting(
            self.events, self.tracking, folder, rank, world_size, judge, self.began_at
        )

    # A program instead of cells

    def _run_program(self, is_rank: bool = False) -> None:
        what = self.order.get("program")
        if what is None:
            self._run_cells()
        elif what.get("command"):
            if self.is_heard:
                os.environ["MLPLAT_STEP_DIRECTORY"] = self.directory
            if is_rank:
                program.become_command(what["command"])
            program.run_command(what["command"])
        else:
            function = program.load_function(what["function"], self.blobs)
            try:
                self.namespace[RESULT] = program.call(function, what.get("arguments") or {})
            except StepFailed as failed:
                print("\n".join(failed.error.get("traceback", ())), file=sys.stderr)
                raise
            finally:
                self.recorder.finish()

    # The cells

    def _run_cells(self) -> None:
        self.cells = [
            {"id": cell["id"], "state": "pending", "duration_s": None}
            for cell in self.order["cells"]
        ]
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._run_all())
        finally:
            asyncio.set_event_loop(None)

    async def _run_all(self) -> None:
        for number, cell in enumerate(self.order["cells"]):
            error = await self._run_cell(number, cell)
            if error is not None:
                raise StepFailed(**error)
            await asyncio.sleep(0)  # tasks that cells have started go on, as in a kernel
        self.context = contextvars.copy_context()

    async def _run_cell(self, number: int, cell: Mapping[str, Any]) -> dict[str, Any] | None:
        shell, recorder = self.shell, self.recorder
        recorder.begin()
        self.notebook.start_cell(number, time.time())
        self.events.emit("cell-started", id=cell["id"])
        began = time.perf_counter()
        count = shell.execution_count
        result = await shell.run(cell["source"])
        duration = time.perf_counter() - began
        outputs = recorder.finish()
        failure = result.error_before_exec or result.error_in_exec
        ok = result.success and not shell.display_failed and not shell.exit_asked
        state = "ok" if ok else "error"
        ran = cell["source"].strip() != ""
        self.notebook.end_cell(number, state, duration, count if ran else None, outputs)
        self.cells[number].update(state=state, duration_s=round(duration, 6))
        self.events.emit("cell-finished", id=cell["id"], state=state, duration_s=round(duration, 6))
        if time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self._write_notebook("running")
        if self.snapshot is not None:
            self.snapshot.after_cell(cell["id"])
        if ok:
            return None
        return describe_error(self.order, self.shell, cell, failure, recorder.error)

    # After the cells

    def _save(self) -> None:
        try:
            changed = self.guard.check(self.namespace)
        except UnforeseenChange as change:
            raise StepFailed(**describe_change(change, self.order)) from None
        wanted: list[str] = [*self.order["outputs"], *changed]
        kept = [name for name in self.order.get("kept") or () if name not in wanted]
        names = [name for name in [*wanted, *kept] if not name.startswith("@")]
        bound = [name for name in names if name in self.namespace]
        self.result["unbound"] = [name for name in names if name not in self.namespace]
        for name in self.order.get("metrics") or ():
            self._take_metric(name)
        passed = [name for name in wanted if name.startswith("@")]
        # Some settings (numpy's, decimal's) are kept per context: the cells ran in their own.
        states = self.context.run(channels.save, passed, self.start)
        if bound or states:
            try:
                kin = self.guard.kin_after(self.namespace, bound)
                saved = bundle.save(self.namespace, bound, self.blobs, states, kin, kept)
                self.blobs.commit()
            except BaseException:
                self.blobs.discard()
                raise
            self.result.update(bundle=saved.digest, outputs=saved.outputs, not_kept=saved.not_kept)

    def _take_metric(self, name: str) -> None:
        try:
            self.tracking.log_metric(name, self.namespace[name])
        except (KeyError, TypeError, ValueError):
            return  # unbound, or not a finite number: nothing to record

    def _fail(self, error: dict[str, Any]) -> None:
        self.result.update(state="failed", error=error, failed_at=time.time())

    def _write_notebook(self, state: str = "") -> None:
        if self.snapshot is not None and not state:
            write_atomically(self.path("snapshot.json"), dump_json(self.snapshot.to_json()))
        write_atomically(
            self.path("executed.ipynb"), self.notebook.to_bytes(state or self.result["state"])
        )
        self._saved_at = time.monotonic()

    def open_logs(self) -> None:
        """Make descriptors 0, 1 and 2 those of the step."""
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        limit = self.order.get("log_limit_bytes", 100 << 20)
        for fd, name in ((STDOUT, "stdout.log"), (STDERR, "stderr.log")):
            log = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, fd)
            os.close(log)
        self.recorder = Recorder(
            LogFile(STDOUT, limit),
            LogFile(STDERR, limit),
            LogOrder(self.path("order.log")),
            self.order.get("output_limit_bytes", 10 << 20),
        )
        self.shell.record(self.recorder)


def _add_working_directory_to_path() -> None:
    """Put the working directory before the installed packages, where ipykernel puts it."""
    folders = ("site-packages", "dist-packages")
    place = next(
        (index for index, path in enumerate(sys.path) if os.path.basename(path) in folders), 0
    )
    sys.path.insert(place, "")


def run(directory: str, shell: ZMQInteractiveShell | None = None) -> int:
    """Run the attempt in this directory in this process; return the exit status."""
    if not claim(directory):
        return NOT_OURS
    attempt = Attempt(directory, shell if shell is not None else make_shell())
    attempt.open_logs()
    attempt.run()
    return 0
