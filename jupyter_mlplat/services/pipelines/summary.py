"""A run as a row of a list, and a run with what came out of it."""

from collections.abc import Iterable, Mapping

from jupyter_mlplat.resources.run import (
    Metric,
    OutputValue,
    Run,
    RunResult,
    RunSummary,
    TaskState,
)
from jupyter_mlplat.services.pipelines.machine import RunStatus


def summarise(status: RunStatus, metrics: Mapping[str, float]) -> RunSummary:
    """Make the row of a run."""
    run, tally = status.run, status.tally
    return RunSummary(
        id=run.id,
        number=run.number,
        pipeline=run.pipeline,
        kind=run.kind,
        place=run.place,
        title=run.title,
        notebook=run.notebook,
        experiment=run.experiment,
        state=run.state,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_s=run.duration_s,
        tasks_total=tally.total,
        tasks_done=tally.done,
        tasks_cached=tally.cached,
        failed_step=_first_failed(status) if tally.failed else None,
        metrics=dict(metrics),
        tags=run.tags,
        note=run.note,
        archived=run.archived,
    )


def _first_failed(status: RunStatus) -> str | None:
    failed = (task for task in status.tasks.values() if task.state is TaskState.FAILED)
    return next((task.name for task in failed if task.kind == "step"), None)


def result_of(run: Run, outputs: Iterable[OutputValue], metrics: Iterable[Metric]) -> RunResult:
    """Put together what came out of a run: of each name the version of the last step that saved it.

    `run.tasks` are in the notebook's order, which is the order that counts.
    """
    place = {task.name: index for index, task in enumerate(run.tasks)}
    ordered = sorted(
        (value for value in outputs if value.step in place), key=lambda value: place[value.step]
    )
    return RunResult(
        run=run,
        outputs={value.name: value for value in ordered},
        metrics={metric.name: metric.value for metric in metrics},
    )
