"""What the ranks of train jobs leave behind, and how the jobs are doing: for people."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from jupyter_mlplat.engine.conductor import Conductor
from jupyter_mlplat.engine.traces import LogPiece, piece_of
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.metadata import MetadataStore
from jupyter_mlplat.resources.pipeline import Pipeline, Step
from jupyter_mlplat.resources.run import Run, Task
from jupyter_mlplat.resources.training import (
    Checkpoint,
    TrainJobStatus,
    TrainRuntime,
    TrainSpec,
)
from jupyter_mlplat.runtime.reporting import is_draft, size_of
from jupyter_mlplat.services.pipelines.activity import Activity
from jupyter_mlplat.services.training.checking import refuse_mismatch, settled
from jupyter_mlplat.services.training.runtimes import merged, runtime_named
from jupyter_mlplat.services.training.status import status_of
from jupyter_mlplat.stores.runtimes import LocalTrainRuntimes


class Training:
    """Reads; safe from any thread."""

    def __init__(
        self, store: MetadataStore, home: Home, conductor: Conductor, added: LocalTrainRuntimes
    ) -> None:
        self._store = store
        self._home = home
        self._conductor = conductor
        self._added = added

    def runtimes(self) -> tuple[TrainRuntime, ...]:
        """Return the runtimes that a job may name."""
        return tuple(merged(self._added.list()).values())

    def check(self, pipeline: Pipeline) -> None:
        """Refuse train jobs that cannot be started as they were asked for.

        Raises:
            InvalidInput: A runtime is not there, or numbers of ranks contradict each other.
        """
        asked = [(step, spec) for step in pipeline.steps if (spec := _spec_of(step)) is not None]
        runtimes = merged(self._added.list()) if asked else {}
        for step, spec in asked:
            runtime = runtime_named(spec.runtime, runtimes)
            if step.train is not None:
                refuse_mismatch(step, settled(spec, runtime, int(step.settings.resources.gpu)))

    def status(self, run_id: str, step_name: str | None = None) -> TrainJobStatus:
        """Say how the step of a run is doing that runs as ranks.

        Raises:
            NotFound: There is no such run, or none of its steps is a train job.
        """
        run, step, task = self._find(run_id, step_name)
        activity = self._conductor.activity_of(run.id, step.name) or self._past(run, task)
        spec = step.train
        if spec is None:
            raise AssertionError("`_find` returns steps that are train jobs. This is a bug.")
        runtime = runtime_named(spec.runtime, merged(self._added.list()))
        spec = settled(spec, runtime, len(task.gpus) or int(step.settings.resources.gpu))
        folder = self._home.checkpoints(run.id, step.name)
        ranks = [activity.ranks[number] for number in sorted(activity.ranks)]
        checkpoints = tuple(_checkpoints(folder, activity.checkpoints))
        return status_of(run, task, spec, ranks, checkpoints)

    def read_log(
        self,
        run_id: str,
        rank: str,
        streams: tuple[str, ...],
        offset: int,
        limit: int | None,
        step_name: str | None = None,
    ) -> LogPiece:
        """Return what a rank of the last attempt wrote; rank 0 writes the step's own log.

        Raises:
            NotFound: There is no such run, train job or rank.
        """
        run, step, task = self._find(run_id, step_name)
        if not rank.isdecimal():
            raise NotFound(f"Run {run.number} has no rank {rank!r}: ranks are numbered from 0.")
        attempt = self._home.attempt(run.id, task.name, task.attempt)
        folder = attempt if int(rank) == 0 else attempt / "ranks" / str(int(rank))
        if int(rank) and not folder.is_dir():
            raise NotFound(
                f"Run {run.number} has no log of rank {rank} in step {step.name!r}: no such rank "
                "was started."
            )
        return piece_of(folder, streams, offset, limit)

    def _find(self, run_id: str, step_name: str | None) -> tuple[Run, Step, Task]:
        run = self._store.get_run(run_id)
        steps = [step for step in self._store.pipeline_of(run.id).steps if step.train is not None]
        step = next((one for one in steps if step_name in (None, one.name)), None)
        task = next((one for one in run.tasks if step is not None and one.name == step.name), None)
        if step is None or task is None:
            what = "step that is a train job" if step_name is None else f"train job {step_name!r}"
            has = ", ".join(one.name for one in steps) or "none"
            raise NotFound(f"Run {run.number} has no {what}. It has: {has}.")
        return run, step, task

    def _past(self, run: Run, task: Task) -> Activity:
        """Read again what the last attempt has told."""
        activity = Activity.of(task.name, ())
        path = self._home.attempt(run.id, task.name, task.attempt) / "events.jsonl"
        try:
            with open(path, "rb") as file:
                kept = [line for line in file if b'"kind":"rank"' in line or b"checkpoint" in line]
        except OSError:
            return activity
        activity.take(b"".join(kept))
        return activity


def _spec_of(step: Step) -> TrainSpec | None:
    """Return how a step, or each of its trials, is to train."""
    return step.tune.train if step.tune is not None else step.train


def _checkpoints(folder: Path, told: dict[str, Checkpoint]) -> Iterable[Checkpoint]:
    """Return what lies in a folder of checkpoints, the newest last."""
    try:
        entries = [entry for entry in os.scandir(folder) if not is_draft(entry.name)]
        dated = sorted((entry.stat().st_mtime, entry.name, entry.path) for entry in entries)
    except OSError:
        return
    for seconds, name, path in dated:
        yield Checkpoint(
            name=name,
            position=told[name].position if name in told else None,
            size_bytes=size_of(path),
            created_at=datetime.fromtimestamp(seconds, UTC),
        )
