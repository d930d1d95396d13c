"""What the machine of a run asks of whoever knows which task comes after which.

A notebook's steps are known beforehand (`services.pipelines.plan`); the tasks of a KFP pipeline
unfold while it runs (`unfolding`). How a single task lives is the machine's affair alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Retry, Step
from jupyter_mlplat.resources.run import Run, Task
from jupyter_mlplat.resources.workflow import Values


class Limits(Protocol):
    """How often and how long a task may try."""

    @property
    def retry(self) -> Retry: ...

    @property
    def timeout_s(self) -> float | None: ...

    @property
    def is_job(self) -> bool:
        """Tell whether the time-out is for all attempts together, as a train or tuning job's is."""


class View(Protocol):
    """A run while an event is taken. A look shows all that was yielded before it."""

    @property
    def run(self) -> Run: ...

    @property
    def at(self) -> datetime:
        """When the event happened."""

    @property
    def tasks(self) -> Mapping[str, Task]: ...

    def unfinished_in(self, parent: str | None) -> int:
        """Count the tasks of a scope that are not over; None: those of the run itself."""


class Flow(Protocol):
    """Who may go on when something has happened.

    Tasks are yielded as they are to be from now on, changed ones and new ones. One that is yielded
    QUEUED is looked up in the cache, then waits for its resources; of one that is over, `proceed`
    is told in turn.
    """

    @property
    def deadline_s(self) -> float | None:
        """How long a run may take as a whole, counted from its start; None: for ever."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what is asked for a run as a whole and is not honoured here, for people."""

    def limits(self, task: Task) -> Limits: ...

    def step_of(self, run: Run, tasks: Mapping[str, Task], task: Task) -> Step | None:
        """Return what a task runs; None: what the run's pipeline says of it."""

    def first(
        self, parameters: Mapping[str, JsonValue], left_out: frozenset[str] = frozenset()
    ) -> tuple[Task, ...] | None:
        """Return the tasks that a run begins with; None: one for each step of its pipeline.

        Raises:
            InvalidInput: A parameter is unknown, missing, or of another type.
        """

    def begin(self, view: View) -> Iterator[Task]:
        """Let all go on that can; the run has just begun, been taken up again or been reset."""

    def proceed(self, view: View, ended: Task) -> Iterator[Task]:
        """Draw the conclusions from the end of a task."""

    def again(
        self, tasks: Mapping[str, Task], fresh: Sequence[Task], redo: frozenset[str]
    ) -> Mapping[str, Task]:
        """Return the tasks to go on with after the end of a run.

        Args:
            tasks: As they ended.
            fresh: Those a new run would begin with; SKIPPED are those nobody asked for.
            redo: Those that run again although they have succeeded, with all that need them.
        """

    def lose(self, tasks: Mapping[str, Task], lost: frozenset[str]) -> Mapping[str, Task]:
        """Return the tasks to go on with, now that what some had made is gone."""

    def follows(self, step: Step, first: str) -> bool:
        """Tell whether a step is this one, or needs it, however indirectly."""

    def results(self, view: View) -> Values | None:
        """Return what the run as a whole has made; None where nothing of it is named."""


def renewed(task: Task) -> Task:
    """Return the task as if it had never run, but for the number of its last attempt."""
    return Task(
        name=task.name,
        title=task.title,
        state=task.state.PENDING,
        attempt=task.attempt,
        first_attempt=task.attempt + 1,
        cells=tuple(cell.model_copy(update=_PENDING_CELL) for cell in task.cells),
        kind=task.kind,
        parent=task.parent,
        path=task.path,
        needs=task.needs,
    )


_PENDING_CELL = {"state": "pending", "duration_s": None}
