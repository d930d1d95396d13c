"""The only writer of runs: takes events, asks the machine, commits, then lets things happen.

`Conductor` is synchronous and belongs to one thread (`engine.stage` runs it). What has queued up is
one batch and one commit: in a chain, the end of a step and the start of the next one are written
together. What has to be done afterwards comes out as deeds.
"""

import contextlib
import logging
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from jupyter_mlplat.engine.attempts import LOOK_BYTES, attempt_ref, prepare_attempt, read_events
from jupyter_mlplat.engine.batch import (
    AdoptDeed,
    AgainDeed,
    Batch,
    Deed,
    FinalDeed,
    LookDeed,
    ReplyDeed,
    StartDeed,
    StopDeed,
    WakeDeed,
)
from jupyter_mlplat.engine.crashpoints import CrashPoints
from jupyter_mlplat.engine.facts import Facts
from jupyter_mlplat.engine.holders import describe
from jupyter_mlplat.engine.items import (
    ActivitySeen,
    Asked,
    Call,
    Cancel,
    Delete,
    DropLeases,
    Edit,
    Item,
    Pause,
    Resume,
    Retry,
    Submit,
    TakeLease,
    Tell,
    TimeCame,
    WaitSeen,
)
from jupyter_mlplat.engine.leases import Leases
from jupyter_mlplat.engine.ledger import Ledger
from jupyter_mlplat.engine.live import LiveRun, load_run
from jupyter_mlplat.engine.power import PowerLoss
from jupyter_mlplat.engine.reserve import Reserve
from jupyter_mlplat.errors import Conflict, PlatformError, Unavailable
from jupyter_mlplat.kit.clock import from_unix, utc_now
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.launcher import AttemptRef, Ended
from jupyter_mlplat.ports.metadata import Change, MetadataStore, NewEvent, NewReport
from jupyter_mlplat.resources.catalogue import Experiment
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.inventory import MachineInventory
from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.run import (
    Failure,
    RetryRequest,
    Run,
    RunState,
    Task,
    TaskState,
)
from jupyter_mlplat.services.pipelines import messages as msg
from jupyter_mlplat.services.pipelines.activity import Activity
from jupyter_mlplat.services.pipelines.admission import LEASE, Admission, Inventory, Key
from jupyter_mlplat.services.pipelines.findings import finding_of, heeds
from jupyter_mlplat.services.pipelines.machine import RunStatus, advance
from jupyter_mlplat.services.pipelines.outcomes import (
    cells_of,
    not_started,
    notes_of,
    outcome_of,
)
from jupyter_mlplat.services.pipelines.plan import flow_of
from jupyter_mlplat.services.pipelines.recording import results_in
from jupyter_mlplat.services.pipelines.submission import edited, new_retry
from jupyter_mlplat.stores.leases import LocalLeases

_log = logging.getLogger(__name__)

_FULL_BYTES = 2**20  # less than this, and a result with its notebook cannot be written
_COMMIT_PAUSE_S = 1.0  # between tries while the disk is full
_GRACE_S = 5.0  # as long as Jupyter gives a kernel to shut down
_PAUSE_GRACE_S = 30.0  # for a checkpoint, as long as Kubernetes gives a pod

Outcome = tuple[Sequence[Deed], Sequence[Event]]
"""What to do, and what to tell, now that it is durable."""

_COMMIT_KINDS: dict[type[Any], str] = {
    msg.Submitted: "run-submitted",
    msg.Resumed: "run-resumed",
    msg.Lost: "run-resumed",
    msg.CacheAnswered: "cache-answered",
    msg.Admitted: "task-admitted",
    msg.Waits: "task-waits",
    msg.Progressed: "task-progressed",
    msg.Pends: "task-pends",
    msg.AttemptEnded: "attempt-ended",
    msg.TimerDue: "timer-due",
    msg.CancelAsked: "cancel-asked",
    msg.PauseAsked: "pause-asked",
    msg.ResumeAsked: "resume-asked",
    msg.RetryAsked: "retry-asked",
}


class Conductor:
    """Feeds the machines of all live runs. Not thread-safe: it belongs to the thread that runs it.

    Args:
        store: Where transitions are committed.
        home: Where attempt directories lie.
        facts: What is known of interpreters, packages and files.
        inventory: What the machine has to give.
        crash: Where to die, for the tests that kill the engine.
        reserve: Space to give up when the disk is full.
        flush: Makes what steps have stored survive a loss of power; before a run's end is told.
        power_loss: Says what is gone, if power was lost since the last flush.
        sleep: Waits between tries of a commit that the disk refuses.
    """

    def __init__(
        self,
        store: MetadataStore,
        home: Home,
        facts: Facts,
        inventory: Inventory,
        crash: CrashPoints | None = None,
        reserve: Reserve | None = None,
        flush: Callable[[], None] = lambda: None,
        power_loss: PowerLoss | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._home = home
        self._facts = facts
        self._admission = Admission(inventory)
        self.leases = Leases(self._admission, LocalLeases(home.leases))
        self._crash = crash or CrashPoints()
        self._reserve = reserve or Reserve(home.reserve)
        self._flush = flush
        self._is_unflushed = True  # steps may have stored something since; an earlier engine's, too
        self._power_loss = power_loss
        self._sleep = sleep
        self._runs: dict[str, LiveRun] = {}
        self._todo: deque[tuple[LiveRun, msg.Instruction]] = deque()
        self._enqueued: list[Key] = []
        self._ledger = Ledger(store, facts)
        self._flow_of = partial(flow_of, runs=str(home.runs), inventory=inventory)
        self.trouble: str | None = None
        self.is_closing = False  # set from outside: do not wait for the disk any longer

    @property
    def runs(self) -> int:
        return len(self._runs)

    @property
    def is_at_work(self) -> bool:
        """Tell whether a run goes on: one that is paused needs nobody until it is resumed."""
        states = [live.status.run.state for live in list(self._runs.values())]
        return bool(self.running_tasks) or any(state is not RunState.PAUSED for state in states)

    @property
    def running_tasks(self) -> int:
        return sum(len(live.activities) for live in list(self._runs.values()))

    def recover(self) -> Outcome:
        """Take up every run that an earlier engine left unfinished."""
        batch = Batch()
        self.leases.recover()
        for run in self._store.unfinished_runs():
            if run.kind == "tracked":  # its code goes on by itself, and says when it ends
                continue
            try:
                live = load_run(self._store, run, self._facts.read_git, self._flow_of)
                lost = self._power_loss.lost_steps(run) if self._power_loss else frozenset()
            except Exception as error:
                self._give_up(run, error)
                continue
            self._runs[run.id] = live
            if lost:
                self._lose(batch, live, lost)
            for task in live.status.tasks.values():
                if task.state is TaskState.RUNNING and task.kind == "step":
                    demand = self._facts.demand_of(live.step(task.name), run.place)
                    key, label = (live.id, task.name), _label(live, task.name)
                    self._admission.hold(key, demand, task.gpus, label)
            self._send(batch, live, msg.Resumed(utc_now()))
        return self._finish(batch)

    def _lose(self, batch: Batch, live: LiveRun, lost: frozenset[str]) -> None:
        """Let steps run again whose results are no longer there."""
        self._store.forget_cached(live.id, lost)
        self._send(batch, live, msg.Lost(utc_now(), lost))
        live.keep_saved(
            task.name for task in live.status.tasks.values() if task.state is TaskState.SUCCEEDED
        )

    def _give_up(self, run: Run, error: Exception) -> None:
        """End a run that cannot be read, so that it does not keep the others from going on."""
        _log.error("Cannot take run %d up again", run.number, exc_info=error)
        message = (
            f"Run {run.number} could not be taken up again: {type(error).__name__}: {error}. "
            "engine.log has the details. Submit it anew."
        )
        ended = {
            "state": RunState.FAILED,
            "finished_at": utc_now(),
            "failure": Failure(code="internal", message=message),
            "tasks": (),
        }
        self._store.apply(Change(runs=[run.model_copy(update=ended)]))

    def process(self, items: Iterable[Item]) -> Outcome:
        """Take what has happened, as one commit.

        Raises:
            Conflict: A newer engine has taken the store over: stop at once.
        """
        deeds: list[Deed] = []
        events: list[Event] = []
        batch = Batch()
        for item in items:
            if isinstance(item, Retry | Delete | Edit) and not batch.is_empty:
                # They look at the store, so what has happened before must be there.
                done, told = self._finish(batch)
                deeds.extend(done)
                events.extend(told)
                batch = Batch()
            try:
                self._take(batch, item)
            except Exception as error:
                self._refuse(batch, item, error)
        last_deeds, last_events = self._finish(batch)
        return [*deeds, *last_deeds], [*events, *last_events]

    def running_attempts(self) -> list[tuple[str, str, int]]:
        """Return run, step and number of every attempt that runs."""
        return [
            (live.id, step, live.status.tasks[step].attempt)
            for live in list(self._runs.values())
            for step in list(live.activities)
        ]

    def describe(self) -> MachineInventory:
        """Say who holds what of the machine, and who waits for what."""
        return describe(self._admission, dict(self._runs), self.leases)

    def activity_of(self, run_id: str, step: str) -> Activity | None:
        """Return what is known of an attempt that runs; only to be read."""
        live = self._runs.get(run_id)
        return live.activities.get(step) if live else None

    def archive_experiment(self, experiment: str, *, is_archived: bool) -> Experiment:
        """Put an experiment and its runs away, those at work too; or take it back."""
        found = self._store.archive_experiment(experiment, is_archived=is_archived)
        for live in self._runs.values():
            run = live.status.run
            if is_archived and run.experiment == found.name:
                run = run.model_copy(update={"archived": True})
                live.status = replace(live.status, run=run)
        return found

    # - taking items -

    def _take(self, batch: Batch, item: Item) -> None:
        match item:
            case Ended():
                self._end(batch, item)
            case ActivitySeen():
                self._look(batch, item.ref)
            case WaitSeen(ref, reason):
                if live := self._runs.get(ref.run):
                    pends = msg.Pends(utc_now(), ref.step, ref.attempt, reason)
                    self._send(batch, live, pends)
            case TimeCame():
                if live := self._runs.get(item.run):
                    self._send(batch, live, item.event)
            case Tell():
                batch.events.append(NewEvent(item.kind, item.subject, item.data))
            case Submit():
                self._submit(batch, item)
            case Cancel():
                self._cancel(batch, item)
            case Pause() | Resume():
                self._hold(batch, item)
            case Retry():
                self._retry(batch, item)
            case Delete():
                self._delete(batch, item)
            case Edit():
                self._edit(batch, item)
            case Call():
                result = item.function()
                self._ledger.forget()  # it may have deleted some
                batch.deeds.append(ReplyDeed(item.reply, lambda: result))
            case TakeLease():
                lease = item.lease
                batch.events += self.leases.take(lease)
                self._enqueued.append((LEASE, lease.id))
                batch.deeds.append(
                    ReplyDeed(item.reply, lambda: self.leases.find(lease.id) or lease)
                )
            case DropLeases():
                batch.events += self.leases.drop(item.leases)
                batch.deeds.append(ReplyDeed(item.reply, lambda: None))

    def _refuse(self, batch: Batch, item: Item, error: Exception) -> None:
        """Let one bad thing harm nothing but itself."""
        if isinstance(error, Conflict) and "newer_fence" in error.details:
            raise error
        if isinstance(item, Asked):
            if not isinstance(error, PlatformError):
                _log.exception("Could not do what was asked: %r", item)
            item.reply.set_exception(error)
            return
        _log.exception("Could not take %r", item)
        if isinstance(item, Ended) and (live := self._runs.get(item.ref.run)):
            failure = Failure(
                code="internal",
                message=f"Step {item.ref.step!r} ended, but its end could not be recorded: "
                f"{type(error).__name__}: {error}. engine.log has the details.",
                step=item.ref.step,
            )
            outcome = msg.Failed(failure)
            live.activities.pop(item.ref.step, None)
            self._send(
                batch,
                live,
                msg.AttemptEnded(utc_now(), item.ref.step, item.ref.attempt, outcome),
            )

    def _submit(self, batch: Batch, item: Submit) -> None:
        self._reach("create.before")
        run, is_new = self._store.create_run(
            item.run,
            item.pipeline,
            item.idempotency_key,
            item.request_digest,
            (),
            item.firing,
        )
        self._reach("create.after")
        if not is_new:
            batch.deeds.append(ReplyDeed(item.reply, lambda: run))
            return
        flow = item.flow or self._flow_of(item.pipeline)
        status = RunStatus.of(flow, run)
        git = self._facts.read_git(item.pipeline)
        live = LiveRun(status, item.pipeline, git, item.plan_anew)
        self._runs[run.id] = live
        if run.state is RunState.PAUSED:
            batch.announce(live)
        else:
            self._send(batch, live, msg.Submitted(utc_now()))
        self._answer_with(batch, item, live)

    def _cancel(self, batch: Batch, item: Cancel) -> None:
        run = self._store.get_run(item.run)
        live = self._runs.get(run.id)
        if live is None:
            batch.deeds.append(ReplyDeed(item.reply, lambda: run))
            return
        self._send(batch, live, msg.CancelAsked(utc_now()))
        self._answer_with(batch, item, live)

    def _hold(self, batch: Batch, item: Pause | Resume) -> None:
        """Pause a run, or resume it; one that is as is asked for stays so."""
        run = self._store.get_run(item.run)
        live = self._runs.get(run.id)
        word = "pause" if isinstance(item, Pause) else "resume"
        state = live.status.run.state if live is not None else run.state
        if live is None or state is RunState.CANCELING:
            message = f"Cannot {word} run {run.number}: it is {state}."
            hint = " Retry it instead." if state in (RunState.FAILED, RunState.CANCELED) else ""
            raise Conflict(message + hint)
        kind = msg.PauseAsked if isinstance(item, Pause) else msg.ResumeAsked
        self._send(batch, live, kind(utc_now()))
        self._answer_with(batch, item, live)

    def _retry(self, batch: Batch, item: Retry) -> None:
        run = self._store.get_run(item.run)
        if run.id in self._runs:
            run = self._runs[run.id].status.document()
        old = self._store.pipeline_of(run.id)
        new = item.pipeline or old
        live = load_run(self._store, run, self._facts.read_git, self._flow_of, new)
        inventory, flow = self._facts.inventory_of(run.place), live.status.flow
        event = new_retry(run, old, new, live.saved, item.request, inventory, utc_now(), flow)
        if new.digest != old.digest:
            batch.replace_pipeline(run.id, new)
        live.plan_anew = item.plan_anew
        self._runs[run.id] = live
        self._send(batch, live, event)
        live.keep_saved(live.status.tasks)
        self._answer_with(batch, item, live)

    def _delete(self, batch: Batch, item: Delete) -> None:
        run = self._store.get_run(item.run)
        if not run.state.is_final or run.id in self._runs:
            raise Conflict(
                f"Cannot delete run {run.number}: it is {run.state}. Cancel it first, "
                "or wait until it has ended."
            )
        self._store.delete_run(run.id)
        batch.events.append(NewEvent("run.deleted", run.id, {"number": run.number}))
        batch.deeds.append(ReplyDeed(item.reply, lambda: run))

    def _edit(self, batch: Batch, item: Edit) -> None:
        """Change what people say of a run, whether it goes on or is over."""
        run = self._store.get_run(item.run)
        batch.kinds.add("edited")
        if live := self._runs.get(run.id):
            live.status = replace(live.status, run=edited(live.status.run, item.patch))
            batch.changed_runs.add(live.id)
            batch.runs[live.id] = live
            self._answer_with(batch, item, live)
            return
        new = edited(run, item.patch)
        batch.edited.append(new)
        said = ("tags", "note", "experiment", "archived")
        told = {name: getattr(new, name) for name in said}
        row = self._store.summary_of(run.id).model_copy(update=told)
        batch.events.append(NewEvent("run.updated", run.id, row.model_dump(mode="json")))
        batch.deeds.append(ReplyDeed(item.reply, lambda: new))

    def _answer_with(self, batch: Batch, item: Asked, live: LiveRun) -> None:
        batch.deeds.append(ReplyDeed(item.reply, lambda: live.status.document()))

    def _learn(self, batch: Batch, live: LiveRun) -> bool:
        """Go on with a run that failed for what its source does not say: its steps have shown it.

        Returns:
            Whether the run goes on. Every time the plan differs, by names that it had left out, so
            there is an end to it.
        """
        run, old = live.status.document(), live.pipeline
        finding = finding_of(old, run.failure) if run.state is RunState.FAILED else None
        if finding is None or live.plan_anew is None:
            return False
        try:
            new = live.plan_anew([finding])
            if new.digest == old.digest or not heeds(new, finding):
                return False
            request, inventory = RetryRequest(), self._facts.inventory_of(run.place)
            event = new_retry(run, old, new, live.saved, request, inventory, utc_now())
        except PlatformError as error:
            _log.warning("Run %d could not be planned anew: %s", run.number, error)
            return False
        live.replace_pipeline(new)
        batch.replace_pipeline(run.id, new)
        self._send(batch, live, event)
        live.keep_saved(live.status.tasks)
        data = {"run_id": run.id, "finding": finding.model_dump(mode="json")}
        batch.events.append(NewEvent("run.replanned", run.id, data))
        return True

    # - running attempts -

    def _look(self, batch: Batch, ref: AttemptRef) -> None:
        """Take in what a running attempt has told of itself."""
        live = self._runs.get(ref.run)
        task = live.status.tasks.get(ref.step) if live else None
        if live is None or task is None or task.attempt != ref.attempt:
            return
        activity = live.activities.get(ref.step)
        if activity is None:
            return
        if _take_piece(activity, ref):
            batch.deeds.append(LookDeed(ref))
        batch.log(live, activity.drain())
        self._take_trials(batch, live, activity)
        self._tell_ranks(batch, live, activity)
        cells = tuple(activity.cells.values())
        progress = activity.progress_due(time.monotonic())
        seen = msg.Progressed(utc_now(), ref.step, ref.attempt, cells, progress)
        self._send(batch, live, seen)

    def _tell_ranks(self, batch: Batch, live: LiveRun, activity: Activity) -> None:
        for rank in activity.take_ranks():
            data = {"run_id": live.id, "step": activity.step, "rank": rank.to_wire()}
            batch.events.append(NewEvent("rank.updated", str(rank.rank), data))

    def _end(self, batch: Batch, ended: Ended) -> None:
        live = self._runs.get(ended.ref.run)
        task = live.status.tasks.get(ended.ref.step) if live else None
        is_meant = task and task.state is TaskState.RUNNING and task.attempt == ended.ref.attempt
        if live is None or task is None or not is_meant:
            return
        step, result = live.step(task.name), ended.result or {}
        activity = live.activities.setdefault(task.name, _activity_of(task))
        if _take_piece(activity, ended.ref):
            batch.log(live, activity.drain())
            batch.deeds.append(AgainDeed(ended))
            return
        del live.activities[task.name]
        activity.end_trials(utc_now())
        self._take_trials(batch, live, activity)
        self._tell_ranks(batch, live, activity)
        if self._make_again(batch, live, step, result):
            return
        cells = cells_of(result, tuple(activity.cells.values()))
        now = utc_now()
        self._send(
            batch,
            live,
            msg.AttemptEnded(
                at=_moment(result.get("finished_at")) or now,
                step=task.name,
                attempt=task.attempt,
                outcome=outcome_of(
                    ended,
                    cells,
                    not result and self._is_disk_full(),
                    activity.ranks.values(),
                ),
                started_at=_moment(result.get("started_at")),
                cells=cells,
                executed_as=ended.executed_as,
                notes=notes_of(result),
                progress=activity.progress,
            ),
        )
        if ended.code != "revoked":
            self._ledger.write_end(batch, live, step, ended, activity.logged, now)
        live.forget(task.name)

    def _take_trials(self, batch: Batch, live: LiveRun, activity: Activity) -> None:
        trials, reports = activity.take_trials()
        for trial in trials:
            batch.trials[live.id, activity.step, trial.number] = trial
        batch.reports += [
            NewReport(live.id, activity.step, number, mark, report)
            for number, mark, report in reports
        ]

    def _trials_before(self, batch: Batch, live: LiveRun, step: Step) -> list[dict[str, object]]:
        """Return the trials of a step's earlier attempts, with what they told of the objective.

        None of them runs again.
        """
        if step.tune is None:
            return []
        own, metric = (live.id, step.name), step.tune.objective.metric
        trials = {trial.number: trial for trial in self._store.trials_of(*own)}
        trials |= {key[2]: trial for key, trial in batch.trials.items() if key[:2] == own}
        told = {
            number: list(reports)
            for number, reports in self._store.reports_of_metric(*own, metric).items()
        }
        for new in batch.reports:
            if (new.run, new.step, new.report.name) == (*own, metric):
                told.setdefault(new.trial, []).append(new.report)
        return [
            {
                **trials[number].to_wire(),
                "reports": [
                    {"position": report.position, "value": report.value}
                    for report in told.get(number, ())
                ],
            }
            for number in sorted(trials)
        ]

    def _make_again(
        self, batch: Batch, live: LiveRun, step: Step, result: Mapping[str, Any]
    ) -> bool:
        """Let those run again whose results a step could not read, once each; True if there are."""
        error = result.get("error")
        if not isinstance(error, Mapping) or error.get("code") != "missing-input":
            return False
        needed = [(given.step, live.bundle_of(given)) for given in step.inputs]
        needed += live.makers_of(step)
        lost = {
            name
            for name, digest in needed
            if name not in live.made_again and digest and not self._facts.is_whole(digest)
        }
        if lost:
            _log.warning(
                "Run %d: content is damaged or gone; again %s", live.status.run.number, sorted(lost)
            )
            live.made_again |= lost
            self._lose(batch, live, frozenset(lost))
        return bool(lost)

    def _is_disk_full(self) -> bool:
        with contextlib.suppress(OSError):
            return shutil.disk_usage(self._home.root).free < _FULL_BYTES
        return False

    # - driving the machines -

    def _send(self, batch: Batch, live: LiveRun, event: msg.RunEvent) -> None:
        """Feed a machine, and do at once what it asks of the conductor itself."""
        batch.kinds.add(_COMMIT_KINDS[type(event)])
        was_created = live.status.run.state is RunState.PENDING
        transition = advance(live.status, event)
        batch.note(live, transition)
        live.status = transition.status
        if was_created and live.status.run.state is not RunState.PENDING:
            batch.created.append(live.id)
        self._todo.extend((live, instruction) for instruction in transition.instructions)

    def _settle(self, batch: Batch) -> None:
        """Carry on until nothing more can be decided now."""
        while True:
            while self._todo:
                self._obey(batch, *self._todo.popleft())
            for (owner, name), grant in self._admission.grants():
                if owner == LEASE:
                    batch.events.append(self.leases.hold(name, grant, utc_now()))
                else:
                    event = msg.Admitted(utc_now(), name, grant.gpus)
                    self._send(batch, self._runs[owner], event)
            if not self._todo:
                break
        for owner, name in dict.fromkeys([*self._enqueued, *self._admission.changed_reasons()]):
            reason = self._admission.reason((owner, name))
            if reason and owner == LEASE:
                batch.events += self.leases.wait(name, reason)
            elif reason and owner in self._runs:
                self._send(batch, self._runs[owner], msg.Waits(utc_now(), name, reason))
        self._enqueued.clear()

    def _obey(self, batch: Batch, live: LiveRun, instruction: msg.Instruction) -> None:
        match instruction:
            case msg.Consult(step):
                self._consult(batch, live, live.step(step))
            case msg.Enqueue(step):
                demand = self._facts.demand_of(live.step(step), live.status.run.place)
                self._admission.enqueue((live.id, step), demand, _label(live, step))
                self._enqueued.append((live.id, step))
            case msg.Release(step):
                self._admission.release((live.id, step))
            case msg.Start(step):
                self._start(batch, live, live.step(step))
            case msg.Adopt(step, attempt):
                ref = self._ref_of(live, step, attempt)
                activity = _activity_of(live.status.tasks[step])
                while _take_piece(activity, ref):  # told to the listeners by the earlier engine
                    pass
                del activity.logged.metrics[: self._store.count_metrics(live.id, step)]
                self._take_trials(batch, live, activity)  # which may not have written all of them
                activity.take_ranks()
                live.activities[step] = activity
                batch.deeds.append(AdoptDeed(ref))
            case msg.Stop(step, attempt):
                grace_s = _PAUSE_GRACE_S if live.status.tasks[step].is_stopping else _GRACE_S
                ref = self._ref_of(live, step, attempt)
                batch.deeds.append(StopDeed(ref, grace_s))
            case msg.Wake(at, step, attempt, kind):
                batch.deeds.append(WakeDeed(live.id, step, attempt, kind, at))

    def _ref_of(self, live: LiveRun, step: str, attempt: int) -> AttemptRef:
        return attempt_ref(self._home, live.id, step, attempt, live.status.run.place)

    def _consult(self, batch: Batch, live: LiveRun, step: Step) -> None:
        explanation, entry = self._ledger.consult(live, step)
        if entry is not None:
            self._ledger.write_hit(batch, live, step, entry, utc_now())
        answer = msg.CacheAnswered(utc_now(), step.name, explanation)
        if entry is not None:
            not_kept = entry.result["not_kept"]
            results = results_in(entry)
            answer = replace(answer, bundle=entry.bundle, not_kept=not_kept, results=results)
        self._send(batch, live, answer)
        if entry is not None:
            live.forget(step.name)

    def _start(self, batch: Batch, live: LiveRun, step: Step) -> None:
        task = live.status.tasks[step.name]
        self._reach("step-file.before")
        try:
            trials = self._trials_before(batch, live, step)
            order = prepare_attempt(self._home, live, step, self._facts, trials)
        except (OSError, PlatformError) as error:
            failure = not_started(step.name, error)
            ended = msg.AttemptEnded(utc_now(), step.name, task.attempt, msg.Failed(failure))
            self._send(batch, live, ended)
            return
        self._reach("step-file.after")
        live.activities[step.name] = _activity_of(task)
        if task.attempt > 1 and not _goes_on(self._home, live, step):
            batch.log_anew(live.id, step.name)
        self._is_unflushed = True
        batch.deeds.append(StartDeed(order))

    # - committing -

    def _finish(self, batch: Batch) -> Outcome:
        self._settle(batch)
        while [live for live in batch.runs.values() if self._learn(batch, live)]:
            self._settle(batch)
        over = [live.id for live in batch.runs.values() if live.status.run.state.is_final]
        if over:
            batch.kinds.add("run-ended")
        events = () if batch.is_empty else self._commit(batch, is_over=bool(over))
        for run in over:
            self._runs.pop(run, None)
            batch.deeds.append(FinalDeed(run))
        return batch.deeds, events

    def _commit(self, batch: Batch, is_over: bool) -> Sequence[Event]:
        """Write a batch, however long the disk refuses: nothing may happen that is not written.

        Where a run is over, what its steps have stored is flushed first: to say so is to promise.
        """
        change = batch.change()
        self._reach_commit(batch, "before")
        while True:
            try:
                if is_over and self._is_unflushed:
                    self._reach("flush.before")
                    self._flush()
                    self._is_unflushed = self.running_tasks > 0
                    self._reach("flush.after")
                events = self._store.apply(change)
                break
            except Unavailable as error:
                if self.trouble is None:
                    _log.error("Cannot write down what has happened, trying on: %s", error)
                self.trouble = error.message
                self._reserve.give_up()
                if self.is_closing:
                    raise
                self._sleep(_COMMIT_PAUSE_S)
        if self.trouble is not None:
            _log.warning("Writing works again")
            self.trouble = None
            self._reserve.hold()
        self._reach_commit(batch, "after")
        return events

    def _reach_commit(self, batch: Batch, side: str) -> None:
        if self._crash.is_armed:
            for kind in sorted(batch.kinds):
                self._crash.reach(f"commit.{kind}.{side}")

    def _reach(self, point: str) -> None:
        if self._crash.is_armed:
            self._crash.reach(point)


def _goes_on(home: Home, live: LiveRun, step: Step) -> bool:
    """Tell whether an attempt goes on from a checkpoint: then its curves do, too."""
    if step.train is None:
        return False
    folder = home.checkpoints(live.id, step.name)
    return folder.is_dir() and any(folder.iterdir())


def _activity_of(task: Task) -> Activity:
    return Activity.of(task.name, task.cells, task.attempt)


def _take_piece(activity: Activity, ref: AttemptRef) -> bool:
    """Take in the next piece of an events file; True where there is more."""
    before = activity.offset
    content = read_events(ref, before)
    activity.take(content)
    return len(content) >= LOOK_BYTES and activity.offset > before


def _label(live: LiveRun, step: str) -> str:
    return f"run {live.status.run.number}, step {step!r}"


def _moment(seconds: Any) -> datetime | None:
    """Read a time of the child's; it may have written anything."""
    try:
        return from_unix(float(seconds))
    except (TypeError, ValueError, OverflowError, OSError):
        return None
