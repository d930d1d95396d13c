"""How a train job is doing: its ranks, checkpoints and conditions, as Trainer v2 has them."""

from collections.abc import Iterable, Sequence

from jupyter_mlplat.resources.run import Run, RunState, Task, TaskState
from jupyter_mlplat.resources.training import (
    Checkpoint,
    Condition,
    RankStatus,
    TrainJobStatus,
    TrainSpec,
)


def status_of(
    run: Run,
    task: Task,
    spec: TrainSpec,
    ranks: Iterable[RankStatus],
    checkpoints: Sequence[Checkpoint],
) -> TrainJobStatus:
    """Return the status of a step that is a train job.

    Args:
        run: With its state.
        task: The step's.
        spec: What it was asked to be.
        ranks: What its last attempt has told of them.
        checkpoints: What lies in its folder.
    """
    is_running = task.state is TaskState.RUNNING
    return TrainJobStatus(
        spec=spec,
        step=task.name,
        ranks=tuple(rank if is_running else _ended(rank) for rank in ranks),
        progress=task.progress,
        checkpoints=tuple(checkpoints),
        conditions=conditions_of(run, task),
        restarts=max(0, task.attempt - task.first_attempt),
    )


def _ended(rank: RankStatus) -> RankStatus:
    """Say of a rank that nobody saw end that it was stopped: its step is over, so it is."""
    if rank.state in ("pending", "running"):
        return rank.model_copy(update={"state": "stopped", "exit": rank.exit or "with its step"})
    return rank


def conditions_of(run: Run, task: Task) -> tuple[Condition, ...]:
    """Return the conditions that upstream's controller would have set.

    Source:
        kubeflow/trainer `trainjob_types.go` and JobSet's reasons, which it takes over.
    """
    found = []
    if run.paused_at is not None:
        found.append(
            Condition(
                type="Suspended",
                reason="Suspended",
                message="TrainJob is suspended",
                at=run.paused_at,
            )
        )
    elif run.resumed_at is not None:
        found.append(
            Condition(
                type="Suspended",
                status="False",
                reason="Resumed",
                message="TrainJob is resumed",
                at=run.resumed_at,
            )
        )
    if task.state is TaskState.SUCCEEDED:
        message = "All jobs completed successfully"
        found.append(
            Condition(
                type="Complete", reason="AllJobsCompleted", message=message, at=task.finished_at
            )
        )
    elif task.state is TaskState.FAILED or run.state is RunState.FAILED:
        failure = task.failure or run.failure
        code = failure.code if failure is not None else ""
        found.append(
            Condition(
                type="Failed",
                reason="DeadlineExceeded" if code == "timeout" else "FailedJobs",
                message=failure.message if failure is not None else "",
                at=task.finished_at or run.finished_at,
            )
        )
    return tuple(found)
