"""Kubeflow's documents: what they ask for is done, and what became of it is told their way."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.formats.katib import EXPERIMENT, OPTIMIZATION_JOB
from jupyter_mlplat.formats.katib.writing import trial_name, write_trial, write_tuning_job
from jupyter_mlplat.formats.kubernetes.wanted import Wanted
from jupyter_mlplat.formats.trainer import TRAIN_JOB
from jupyter_mlplat.formats.trainer.writing import write_runtime, write_train_job
from jupyter_mlplat.ports.metadata import RunFilter, RunOrder, TrialOrder
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.documents import AppliedDocument, ApplyRequest
from jupyter_mlplat.resources.run import Run, RunKind, RunSummary
from jupyter_mlplat.resources.training import TrainRuntime
from jupyter_mlplat.resources.tuning import Trial, TuneSpec
from jupyter_mlplat.services.documents.comparing import Change, change_of, with_budget_of
from jupyter_mlplat.services.documents.fitting import Job, fit
from jupyter_mlplat.services.documents.reading import (
    Entry,
    Kept,
    Known,
    faults_of,
    in_order,
    read_file,
)
from jupyter_mlplat.services.training.runtimes import merged

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

KINDS: Mapping[str, str] = {
    word: kind
    for kind, names in {
        TRAIN_JOB: "trainjobs trainjob",
        EXPERIMENT: "experiments experiment",
        OPTIMIZATION_JOB: "optimizationjobs optimizationjob",
        "Trial": "trials trial",
        "Runtime": "runtimes runtime clustertrainingruntimes clustertrainingruntime "
        "trainingruntimes trainingruntime",
    }.items()
    for word in names.split()
}
"""What may be asked for, as kubectl spells it too."""

_RUN_KINDS: Mapping[str, RunKind] = {
    TRAIN_JOB: "train",
    EXPERIMENT: "tune",
    OPTIMIZATION_JOB: "tune",
}
_MOST_SEEN = 1000  # runs of one name that are looked through for the newest
_MOST_TRIALS = 10_000


class Documents:
    """Does what documents ask for. Belongs to the engine's loop; reads in its threads."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    async def apply(self, request: ApplyRequest) -> tuple[AppliedDocument, ...]:
        """Do what all documents of a text ask for, or nothing where one is not understood.

        Raises:
            InvalidInput: One is not understood, or cannot be run here.
            Conflict: An object of this name is there and cannot become what is asked for.
        """
        entries, jobs = await self._engine.read(self._read, request.text)
        applied: dict[int, AppliedDocument] = {}
        for entry in in_order(entries):
            applied[id(entry)] = await self._apply(entry, jobs.get(id(entry)), request.dry_run)
        return tuple(applied[id(entry)] for entry in entries)

    async def delete(self, kind: str, name: str) -> None:
        """Forget an object: a job with its run, which is stopped first; or a runtime.

        Raises:
            NotFound: There is none of this name.
        """
        found = _kind(kind)
        if found == "Runtime":
            await self._engine.read(self._engine.runtimes.delete, name)
            return
        if found == "Trial":
            raise InvalidInput("Cannot delete a trial: it belongs to its experiment. Delete that.")
        run = await self._engine.read(self.find, found, name)
        if not run.state.is_final:
            await self._engine.cancel(run.id)
            with self._engine.stage.expect_final(run.id) as final:
                current = await self._engine.read(self._engine.store.get_run, run.id)
                if not current.state.is_final:
                    await final
        await self._engine.delete(run.id)

    def get(self, kind: str, name: str) -> dict[str, JsonValue]:
        """Return an object with its status.

        Raises:
            NotFound: There is none of this name.
        """
        found = _kind(kind)
        if found == "Runtime":
            runtimes = {runtime.name: runtime for runtime in self._runtimes()}
            if name not in runtimes:
                raise NotFound(f"There is no runtime {name!r}. There is: {', '.join(runtimes)}.")
            return write_runtime(runtimes[name])
        if found == "Trial":
            return self._trial(name)
        return self._document(self.find(found, name))

    def list_all(self, kind: str, of: str, limit: int) -> list[dict[str, JsonValue]]:
        """Return objects of a kind, newest first; trials of one job only.

        Raises:
            InvalidInput: There is no such kind, or trials of nothing are asked for.
        """
        found = _kind(kind)
        if found == "Runtime":
            return [write_runtime(runtime) for runtime in self._runtimes()]
        if found == "Trial":
            if not of:
                raise InvalidInput(
                    "Cannot list trials: say of which job, such as trials of 'random'."
                )
            run = self.find(EXPERIMENT, of, or_optimization_job=True)
            spec = self._engine.tuning.status(run.id).spec
            trials = self._trials(run)[:limit]
            return [write_trial(run.document, run, spec, trial) for trial in trials]
        rows = self._rows(found, "", limit)
        runs = [self._engine.store.get_run(row.id) for row in rows]
        return [self._document(run) for run in runs if _is_of(run, found)]

    def find(self, kind: str, name: str, or_optimization_job: bool = False) -> Run:
        """Return the newest run that is the object of a name.

        Raises:
            NotFound: There is none.
        """
        run = self._find(kind, name)
        if run is None and or_optimization_job:
            run = self._find(OPTIMIZATION_JOB, name)
        if run is None:
            raise NotFound(f"There is no {kind} {name!r}. See: jupyter mlplat get {kind.lower()}s")
        return run

    # - doing -

    def _read(self, text: str) -> tuple[list[Entry], dict[int, Job]]:
        engine = self._engine
        known = Known(
            runtimes={runtime.name: runtime for runtime in self._runtimes()},
            find_kept=engine.secrets.find,
        )
        entries = read_file(text, known)
        rules = engine.image_map.rules()
        jobs = {
            id(entry): fit(entry.means, rules, known, engine.inventory)
            for entry in entries
            if isinstance(entry.means, Wanted)
        }
        for entry in entries:
            if (job := jobs.get(id(entry))) is not None:
                with faults_of(entry):
                    engine.check_job(job)
        return entries, jobs

    async def _apply(self, entry: Entry, job: Job | None, is_dry: bool) -> AppliedDocument:
        document, means = entry.document, entry.means
        if is_dry:
            notes = job.notes if job is not None else getattr(means, "notes", ())
            return AppliedDocument(
                kind=document.kind, name=document.name, outcome="checked", notes=notes
            )
        if job is not None:
            return await self._apply_job(entry, job)
        if isinstance(means, TrainRuntime):
            was_there = await self._engine.read(self._engine.runtimes.put, means)
            return AppliedDocument(
                kind=document.kind,
                name=document.name,
                outcome="configured" if was_there else "created",
                notes=means.notes,
            )
        return await self._engine.read(self._keep, entry)

    def _keep(self, entry: Entry) -> AppliedDocument:
        document, means = entry.document, entry.means
        if not isinstance(means, Kept):
            raise AssertionError(f"{document.kind} is no secret. This is a bug.")
        was = self._engine.secrets.find(document.name, means.kind)
        self._engine.secrets.put(document.name, means.kind, means.values)
        return AppliedDocument(
            kind=document.kind,
            name=document.name,
            outcome="created"
            if was is None
            else "unchanged"
            if was == {**was, **means.values}
            else "configured",
        )

    async def _apply_job(self, entry: Entry, job: Job) -> AppliedDocument:
        document = entry.document
        old = await self._engine.read(self._find, document.kind, document.name)
        if old is None:
            run = await self._engine.submit_job(job, None)
            return _applied(document.kind, run, "created", job.notes)
        tune = await self._engine.read(self._tune_of, old)
        match change_of(old, document.raw, tune):
            case Change.NONE:
                return _applied(document.kind, old, "unchanged", job.notes)
            case Change.SUSPEND:
                return _applied(document.kind, await self._engine.pause(old.id), "configured")
            case Change.RESUME:
                return _applied(document.kind, await self._engine.resume(old.id), "configured")
            case Change.BUDGET:
                pipeline = await self._engine.read(self._engine.store.pipeline_of, old.id)
                more = with_budget_of(pipeline, document.raw)
                run = await self._engine.go_on_with(old.id, more)
                return _applied(document.kind, run, "configured", job.notes)
        raise Conflict(
            f"Cannot change {document.what}: it is run {old.number}, and of one that has begun "
            "only spec.suspend can be changed, and the budget of an Experiment that is over and "
            "may be resumed. Delete it first, or give the new one another name.",
            run=old.id,
        )

    # - looking -

    def _runtimes(self) -> Sequence[TrainRuntime]:
        return tuple(merged(self._engine.runtimes.list()).values())

    def _find(self, kind: str, name: str) -> Run | None:
        for row in self._rows(kind, name, _MOST_SEEN):
            if row.pipeline == name:
                run = self._engine.store.get_run(row.id)
                if _is_of(run, kind):
                    return run
        return None

    def _rows(self, kind: str, name: str, limit: int) -> Sequence[RunSummary]:
        where = RunFilter(kinds=(_RUN_KINDS[kind],), text=name, archived=False)
        return self._engine.store.list_runs(where, RunOrder(), limit=limit)

    def _document(self, run: Run) -> dict[str, JsonValue]:
        engine = self._engine
        if run.kind == "train":
            status = engine.training.status(run.id)
            metrics = engine.store.summary_of(run.id).metrics
            return write_train_job(run.document, run, status, metrics)
        tuning = engine.tuning.status(run.id)
        return write_tuning_job(run.document, run, tuning.spec, self._trials(run), tuning.best)

    def _tune_of(self, run: Run) -> TuneSpec | None:
        return self._engine.tuning.status(run.id).spec if run.kind == "tune" else None

    def _trials(self, run: Run) -> tuple[Trial, ...]:
        page = self._engine.tuning.list_trials(
            run.id, "", (), TrialOrder(), limit=_MOST_TRIALS, offset=0
        )
        return page.trials

    def _trial(self, name: str) -> dict[str, JsonValue]:
        job, _, number = name.rpartition("-")
        run = self.find(EXPERIMENT, job, or_optimization_job=True)
        for trial in self._trials(run):
            if trial_name(job, trial.number) == name:
                spec = self._engine.tuning.status(run.id).spec
                return write_trial(run.document, run, spec, trial)
        raise NotFound(f"There is no trial {name!r}: job {job!r} has no trial {number}.")


def _applied(kind: str, run: Run, outcome: str, notes: tuple[str, ...] = ()) -> AppliedDocument:
    return AppliedDocument.model_validate(
        {
            "kind": kind,
            "name": run.pipeline,
            "outcome": outcome,
            "run": run.id,
            "number": run.number,
            "notes": notes,
        }
    )


def _kind(word: str) -> str:
    found = KINDS.get(word.lower())
    if found is None:
        words = ", ".join(dict.fromkeys(word for word in KINDS if word.endswith("s")))
        raise InvalidInput(f"There are no {word!r}. There are: {words}.")
    return found


def _is_of(run: Run, kind: str) -> bool:
    """Tell whether a run is an object of a kind; made otherwise, a tuning job is an Experiment."""
    made_from = (run.document or {}).get("kind")
    if made_from is None:
        return kind != OPTIMIZATION_JOB
    return made_from == kind
