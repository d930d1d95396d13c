"""Reads the event log and the attempt directories, and says what should never have happened."""

from collections import defaultdict
from pathlib import Path

from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.resources.engine import Event
from jupyter_mlplat.resources.run import Run, RunState, Task, TaskState
from jupyter_mlplat.stores.metadata.store import SqlMetadataStore

_NEXT: dict[TaskState, set[TaskState]] = {
    TaskState.PENDING: set(TaskState) - {TaskState.FAILED},  # tasks of a scope begin as PENDING
    TaskState.QUEUED: {TaskState.QUEUED, TaskState.RUNNING, TaskState.SUCCEEDED}
    | {TaskState.FAILED, TaskState.CANCELED},
    TaskState.RUNNING: {TaskState.RUNNING, TaskState.QUEUED, TaskState.SUCCEEDED}
    | {TaskState.FAILED, TaskState.CANCELED},
}


def read_history(home: Home) -> tuple[list[Event], list[Run]]:
    """Read everything an engine that has ended left."""
    store = SqlMetadataStore(home.database)
    store.open()
    try:
        events = list(store.events_after(0, 1_000_000))
        runs = [store.get_run(row.id) for row in store.list_runs(limit=1000)]
    finally:
        store.close()
    return events, runs


def check_history(events: list[Event], runs: list[Run]) -> None:
    """Assert that every history is one that the machine allows, and ends as the store says."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    tasks: dict[tuple[str, str], list[Task]] = defaultdict(list)
    states: dict[str, list[RunState]] = defaultdict(list)
    created: list[str] = []
    for event in events:
        if event.kind == "task.updated":
            task = Task.model_validate(event.data["task"])
            tasks[str(event.data["run_id"]), task.name].append(task)
        elif event.kind == "run.updated":
            states[event.subject].append(RunState(str(event.data["state"])))
        elif event.kind == "run.created":
            created.append(event.subject)
    assert len(created) == len(set(created)), "a run began twice"
    for run in runs:
        assert run.id in created
        assert states[run.id][-1] is run.state
        for task in run.tasks:
            _check_task(tasks[run.id, task.name])
            assert tasks[run.id, task.name][-1] == task


def _check_task(history: list[Task]) -> None:
    state, attempt, first = TaskState.PENDING, 0, 1
    for task in history:
        never_ran = attempt == 0 and state is not TaskState.SUCCEEDED
        is_retried = state.is_final and (task.first_attempt > first or never_ran)
        if not is_retried:
            assert not state.is_final, f"{task.name} changed after it had ended"
            assert task.state in _NEXT[state], f"{task.name}: {state} became {task.state}"
        assert task.attempt - attempt in (0, 1), f"{task.name} left out an attempt"
        if task.attempt > attempt:
            assert task.state is TaskState.RUNNING or len(history) > 1
        state, attempt, first = task.state, task.attempt, task.first_attempt


def effects_of(home: Home, run: Run, step: str) -> list[str]:
    """Return what all attempts of a step have printed: one line each time its code ran."""
    lines: list[str] = []
    root = home.runs / run.id / step
    for log in sorted(root.glob("*/stdout.log"), key=lambda path: int(path.parent.name)):
        lines += log.read_text("utf-8").splitlines()
    return lines


def processes_in(home: Home) -> list[int]:
    """Return the processes of steps that still run out of a state directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            environment = (path.parent / "environ").read_bytes()
        except OSError:
            continue
        if str(home.runs).encode() in environment:
            found.append(int(path.parent.name))
    return found
