"""What is asked of a run's step that is tuned: its trials, their logs, to stop one."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlplat.engine.importances import Importances
from jupyter_mlplat.engine.traces import LogPiece, piece_of
from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.metadata import MetadataStore, TrialOrder
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.resources.pipeline import Step
from jupyter_mlplat.resources.run import Run
from jupyter_mlplat.resources.tuning import (
    Trial,
    TrialDetail,
    TrialPage,
    TrialState,
    TuneSpec,
    TuningStatus,
)
from jupyter_mlplat.services.jobs.tuning import best_trial, over_of

STOP = "stop"
"""A file of this name in a trial's folder asks for its end."""


@dataclass(frozen=True, slots=True)
class _Tuned:
    """A step that is tuned, and the run whose trials are its own."""

    run: Run
    step: Step
    spec: TuneSpec
    source: str  # another run where the step was taken from the cache


@dataclass(frozen=True, slots=True)
class Tuning:
    """Answers; safe from any thread."""

    store: MetadataStore
    home: Home
    importances: Importances

    def status(self, run: str, step: str = "", patience_s: float = 0.0) -> TuningStatus:
        """Say how a tuning job stands.

        Args:
            run: Its id.
            step: The one that is tuned; may be left out where there is only one.
            patience_s: How long to wait for the importance of parameters, once the job is over.

        Raises:
            NotFound: There is no such run or step.
            InvalidInput: The step is not tuned.
        """
        tuned = self._find(run, step)
        counts = self.store.count_trials(tuned.source, tuned.step.name)
        best = best_trial(self.store, tuned.source, tuned.step.name, tuned.spec)
        succeeded = TrialState.SUCCEEDED
        shares = self.importances.of(
            (tuned.source, tuned.step.name),
            counts.get(succeeded, 0),
            tuned.spec,
            lambda: self.store.trials_of(tuned.source, tuned.step.name, [succeeded]),
            is_over=tuned.run.state.is_final,
            patience_s=patience_s,
        )
        return TuningStatus(
            spec=tuned.spec,
            step=tuned.step.name,
            counts={state.value: count for state, count in counts.items()},
            best=best,
            importance=shares,
            over=over_of(tuned.run, tuned.spec, counts, best),
        )

    def list_trials(
        self,
        run: str,
        step: str,
        states: Collection[TrialState],
        order: TrialOrder,
        *,
        limit: int,
        offset: int,
    ) -> TrialPage:
        """Return a page of trials."""
        tuned = self._find(run, step)
        name = tuned.step.name
        trials = self.store.trials_of(tuned.source, name, states, order, limit=limit, offset=offset)
        counts = self.store.count_trials(tuned.source, name)
        total = sum(count for state, count in counts.items() if not states or state in states)
        end = offset + len(trials)
        following = str(end) if len(trials) == limit and end < total else None
        return TrialPage(trials=tuple(trials), next=following, total=total)

    def detail(self, run: str, step: str, number: int) -> TrialDetail:
        """Return a trial with all that it has told and made.

        Raises:
            NotFound: There is no such run, step or trial.
        """
        tuned = self._find(run, step)
        trial = self.store.get_trial(tuned.source, tuned.step.name, number)
        reports = self.store.reports_of_trial(tuned.source, tuned.step.name, number)
        artifacts = self._artifacts(tuned, number)
        return TrialDetail(trial=trial, reports=tuple(reports), artifacts=tuple(artifacts))

    def read_log(
        self,
        run: str,
        step: str,
        number: int,
        streams: tuple[str, ...],
        offset: int,
        limit: int | None,
    ) -> LogPiece:
        """Return what a trial wrote, exactly; of several streams one after another."""
        tuned = self._find(run, step)
        self.store.get_trial(tuned.source, tuned.step.name, number)
        folder = self._folder(tuned, number)
        return piece_of(folder, streams, offset, limit)

    def stop_trial(self, run: str, step: str, number: int) -> Trial:
        """Ask for the end of a trial that runs; the job goes on with others.

        Raises:
            Conflict: It does not run.
        """
        tuned = self._find(run, step)
        trial = self.store.get_trial(tuned.source, tuned.step.name, number)
        folder = self._folder(tuned, number)
        if trial.state.is_final or folder is None:
            raise Conflict(
                f"Cannot stop trial {number} of run {tuned.run.number}: it is {trial.state}. Only "
                "a trial that runs can be stopped."
            )
        (folder / STOP).touch()
        return trial

    def _find(self, run: str, step: str) -> _Tuned:
        found = self.store.get_run(run)
        pipeline = self.store.pipeline_of(found.id)
        tuned = {one.name: one for one in pipeline.steps if one.tune is not None}
        if step and step not in {one.name for one in pipeline.steps}:
            raise NotFound(f"Cannot find step {step!r} of run {found.number}.")
        chosen = tuned.get(step) if step else next(iter(tuned.values()), None)
        if chosen is None or chosen.tune is None:
            raise InvalidInput(
                f"Cannot look at trials of run {found.number}: it is a {found.kind} run, and "
                f"{f'its step {step!r}' if step else 'none of its steps'} is tuned.",
                run=found.id,
            )
        source = found.id
        for task in found.tasks:
            if task.name == chosen.name and task.cached and task.cache and task.cache.run_id:
                source = task.cache.run_id
        return _Tuned(found, chosen, chosen.tune, source)

    def _artifacts(self, tuned: _Tuned, number: int) -> list[Artifact]:
        made = self.store.artifacts_of_run(tuned.source)
        return [artifact for artifact in made if artifact.metadata.get("trial") == number]

    def _folder(self, tuned: _Tuned, number: int) -> Path | None:
        """Return where a trial ran: in the newest attempt that has a folder for it."""
        root = self.home.runs / tuned.source / tuned.step.name
        attempts = [int(path.name) for path in root.glob("*") if path.name.isdigit()]
        for attempt in sorted(attempts, reverse=True):
            folder = root / str(attempt) / "trials" / str(number)
            if folder.is_dir():
                return folder
        return None
