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
    run, tasks = status.run, status.tasks.values()
    failed = [task.name for task in tasks if task.state is TaskState.FAILED]
    return RunSummary(
        id=run.id,
        number=run.number,
        pipeline=run.pipeline,
        title=run.title,
        notebook=run.notebook,
        experiment=run.experiment,
        state=run.state,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_s=run.duration_s,
        tasks_total=len(tasks),
        tasks_done=len(tasks) - status.open_tasks,
        tasks_cached=sum([task.cached for task in tasks]),
        failed_step=failed[0] if failed else None,
        metrics=dict(metrics),
        tags=run.tags,
        note=run.note,
        archived=run.archived,
    )


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
