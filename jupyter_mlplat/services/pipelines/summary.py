"""A run as a row of a list, and a run with what came out of it."""

from collections.abc import Iterable, Mapping

from jupyter_mlplat.resources.run import (
    Metric,
    OutputValue,
    Run,
    RunResult,
    RunSummary,
    Task,
    TaskState,
)


def summarise(run: Run, tasks: Iterable[Task], metrics: Mapping[str, float]) -> RunSummary:
    """Make the row of a run."""
    total = done = cached = 0
    failed: str | None = None
    for task in tasks:
        total += 1
        done += task.state.is_final
        cached += task.cached
        if task.state is TaskState.FAILED and failed is None:
            failed = task.name
    return RunSummary(
        id=run.id,
        number=run.number,
        pipeline=run.pipeline,
        notebook=run.notebook,
        experiment=run.experiment,
        state=run.state,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_s=run.duration_s,
        tasks_total=total,
        tasks_done=done,
        tasks_cached=cached,
        failed_step=failed,
        metrics=dict(metrics),
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
