"""The engine is killed at every named point of a run; afterwards everything is as it should be."""

import contextlib
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlplat.engine.crashpoints import POINTS
from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat.resources.run import Run, RunState, TaskState

from .conftest import EngineProcess, notebook_of
from .history import check_history, effects_of, processes_in, read_history

FLAKY = """
import os
here = os.path.dirname(os.readlink('/proc/self/fd/1'))
root = os.path.dirname(here)
logs = [os.path.join(root, name, 'stdout.log') for name in os.listdir(root)]
has_run = any(os.path.exists(log) and os.path.getsize(log) for log in logs)
print('ran flaky', flush=True)
if not has_run:
    raise RuntimeError('the first time')
flaky = x
"""
CELLS = [
    ("print('ran source')\nx = 1", {"step": "source", "cache": False}),
    ("print('ran known')\nknown = x + 1", {"step": "known"}),
    (
        "import time\nprint('ran slow', flush=True)\ntime.sleep(0.25)\nslow = x",
        {"step": "slow", "cache": False},
    ),
    (FLAKY, {"step": "flaky", "cache": False, "retries": 1, "backoff_s": 0.05}),
    ("print('ran join')\ntotal = known + slow + flaky", {"step": "join", "cache": False}),
]
RUNS_OF = {"source": 1, "known": 0, "slow": 1, "flaky": 2, "join": 1}

# What the plain run does not come by.
WHEN_CANCELED = {"commit.cancel-asked", "stop"}
WHEN_PAUSED = {"commit.pause-asked", "commit.resume-asked", "stop"}
WHEN_RETRIED = {"commit.retry-asked"}
WHEN_CREATED_ONLY = {"commit.run-resumed"}
WHEN_ADOPTING = {"adopt"}


def _stem(point: str) -> str:
    return point.rpartition(".")[0]


@pytest.fixture(scope="module")
def warm() -> Iterator[Path]:
    """A state directory in which `known` has been run, so that it is in the cache."""
    root = Path(tempfile.mkdtemp(prefix="mlpw-"))
    (root / "book.ipynb").write_text(_text(CELLS), "utf-8")
    engine = EngineProcess(root / "home").start()
    run = engine.client.submit(root / "book.ipynb")
    assert engine.client.wait_for_run(run.id, 60).state is RunState.SUCCEEDED
    assert engine.stop() == 0
    yield root
    shutil.rmtree(root)


def _text(cells: list[tuple[str, dict[str, object]]]) -> str:
    return json.dumps(notebook_of(cells))


@pytest.fixture
def crashing(warm: Path, short_dir: Path) -> Iterator[EngineProcess]:
    """An engine, not started, on a copy of the warm state directory."""
    shutil.copytree(warm, short_dir, dirs_exist_ok=True)
    engine = EngineProcess(short_dir / "home")
    yield engine
    if engine.is_alive:
        engine.kill()


def _submit(engine: EngineProcess) -> None:
    """Submit; the engine may die before it answers, so submit again, with the same key."""
    book = engine.home.root.parent / "book.ipynb"
    try:
        engine.client.submit(book, idempotency_key="the-run")
    except Unavailable:
        engine.process.wait(10)


def _finish(engine: EngineProcess) -> Run:
    """Restart the engine as often as it dies, and wait for the end of the run."""
    if not engine.is_alive:
        engine.start()
    book = engine.home.root.parent / "book.ipynb"
    run = engine.client.submit(book, idempotency_key="the-run")
    assert run.number == 2, "the key did not lead back to the run"
    run = engine.client.wait_for_run(run.id, 30)
    assert run.state.is_final, f"the run is stuck: {run}\n{engine.log()}"
    return run


def _wait_for_crash(engine: EngineProcess) -> bool:
    """Wait until the engine has died, or the run has ended without coming by the point."""
    deadline = time.monotonic() + 20
    while engine.is_alive and time.monotonic() < deadline:
        try:
            if engine.client.get_run(2).state.is_final:
                time.sleep(0.1)
                return not engine.is_alive
        except Unavailable:
            break
        time.sleep(0.02)
    engine.process.wait(10)
    return True


def _check(engine: EngineProcess, run: Run, expected: dict[str, int]) -> None:
    assert engine.stop() == 0
    check_history(*read_history(engine.home))
    ran = {task.name: len(effects_of(engine.home, run, task.name)) for task in run.tasks}
    assert ran == expected


PLAIN = [
    point
    for point in POINTS
    if _stem(point)
    not in WHEN_CANCELED | WHEN_PAUSED | WHEN_RETRIED | WHEN_CREATED_ONLY | WHEN_ADOPTING
]


@pytest.mark.parametrize("point", PLAIN)
def test_a_run_survives_the_death_of_its_engine(crashing: EngineProcess, point: str) -> None:
    crashing.start(point, MLPLAT_CPU="1" if "waits" in point else "2")
    _submit(crashing)
    assert _wait_for_crash(crashing), f"the run never came to {point}"

    run = _finish(crashing)

    assert run.state is RunState.SUCCEEDED, run.failure
    assert {task.name for task in run.tasks if task.cached} == {"known"}
    _check(crashing, run, RUNS_OF)


@pytest.mark.parametrize("turn", [2, 3, 5])
@pytest.mark.parametrize("point", ["commit.attempt-ended.before", "commit.attempt-ended.after"])
def test_a_run_survives_at_later_turns_too(crashing: EngineProcess, point: str, turn: int) -> None:
    crashing.start(f"{point}:{turn}")
    _submit(crashing)
    _wait_for_crash(crashing)

    run = _finish(crashing)

    assert run.state is RunState.SUCCEEDED, run.failure
    _check(crashing, run, RUNS_OF)


def _start_and_wait_for(engine: EngineProcess, step: str) -> None:
    _submit(engine)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        tasks = {task.name: task for task in engine.client.get_run(2).tasks}
        if tasks[step].state is TaskState.RUNNING:
            return
        time.sleep(0.005)
    raise AssertionError(f"{step} did not start")


@pytest.mark.parametrize("point", [p for p in POINTS if _stem(p) in WHEN_CREATED_ONLY])
def test_a_run_that_was_only_stored_begins_once(crashing: EngineProcess, point: str) -> None:
    crashing.start("create.after")
    _submit(crashing)
    crashing.spawn(point)
    crashing.process.wait(20)

    run = _finish(crashing)

    assert run.state is RunState.SUCCEEDED, run.failure
    _check(crashing, run, RUNS_OF)


@pytest.mark.parametrize("point", [p for p in POINTS if _stem(p) in WHEN_ADOPTING])
def test_an_adopting_engine_may_die_as_well(crashing: EngineProcess, point: str) -> None:
    crashing.start()
    _start_and_wait_for(crashing, "slow")
    crashing.kill()
    crashing.spawn(point)
    crashing.process.wait(20)

    run = _finish(crashing)

    assert run.state is RunState.SUCCEEDED, run.failure
    _check(crashing, run, RUNS_OF)


@pytest.mark.parametrize("point", [p for p in POINTS if _stem(p) in WHEN_CANCELED])
def test_a_cancelled_run_stays_cancelled(crashing: EngineProcess, point: str) -> None:
    crashing.start(point)
    _start_and_wait_for(crashing, "slow")
    with contextlib.suppress(Unavailable):
        crashing.client.cancel_run(2)
    crashing.process.wait(10)
    crashing.start()
    if not crashing.client.get_run(2).state.is_final:
        crashing.client.cancel_run(2)

    run = _finish(crashing)

    assert run.state in (RunState.CANCELED, RunState.SUCCEEDED)
    ran = {task.name: len(effects_of(crashing.home, run, task.name)) for task in run.tasks}
    assert all(ran[name] <= times for name, times in RUNS_OF.items())
    assert crashing.stop() == 0
    check_history(*read_history(crashing.home))


@pytest.mark.parametrize("point", [p for p in POINTS if _stem(p) in WHEN_PAUSED])
def test_a_paused_run_goes_on_once_it_is_resumed(crashing: EngineProcess, point: str) -> None:
    crashing.start(point)
    _start_and_wait_for(crashing, "slow")
    with contextlib.suppress(Unavailable):
        crashing.client.pause_run(2)
        crashing.client.resume_run(2)
    with contextlib.suppress(subprocess.TimeoutExpired):
        crashing.process.wait(10)
    if not crashing.is_alive:
        crashing.start()
    crashing.client.resume_run(2)

    run = _finish(crashing)

    assert run.state is RunState.SUCCEEDED, run.failure
    assert (run.paused_at, run.resumed_at is None) == (None, point == "commit.pause-asked.before")
    ran = {task.name: len(effects_of(crashing.home, run, task.name)) for task in run.tasks}
    assert ran["slow"] in (1, 2)  # what a pause stops starts anew
    assert {**ran, "slow": 1, "flaky": 2} == RUNS_OF
    assert crashing.stop() == 0
    check_history(*read_history(crashing.home))


@pytest.mark.parametrize("has_settled", [True, False])
def test_a_paused_run_stays_paused_whatever_becomes_of_its_engine(
    crashing: EngineProcess, has_settled: bool
) -> None:
    crashing.start()
    _start_and_wait_for(crashing, "slow")
    crashing.client.pause_run(2)
    if has_settled:
        time.sleep(0.3)
    crashing.kill()
    crashing.start()
    time.sleep(0.5)

    run = crashing.client.get_run(2)
    assert run.state is RunState.PAUSED
    assert TaskState.RUNNING not in {task.state for task in run.tasks}
    assert processes_in(crashing.home) == []
    crashing.client.resume_run(2)
    assert _finish(crashing).state is RunState.SUCCEEDED


@pytest.mark.parametrize("point", [p for p in POINTS if _stem(p) in WHEN_RETRIED])
def test_a_retry_is_taken_whole_or_not_at_all(crashing: EngineProcess, point: str) -> None:
    crashing.start(point)
    _submit(crashing)
    crashing.client.wait_for_run(2, 30)
    with contextlib.suppress(Unavailable):
        crashing.client.retry_run(2, from_step="slow")
    crashing.process.wait(10)
    crashing.start()
    run = crashing.client.wait_for_run(2, 30)
    if point.endswith("before"):
        crashing.client.retry_run(2, from_step="slow")

    run = _finish(crashing)

    assert run.state is RunState.SUCCEEDED
    _check(crashing, run, {**RUNS_OF, "slow": 2, "join": 2})


@pytest.mark.parametrize("point", [p for p in POINTS if _stem(p) in WHEN_RETRIED])
def test_a_retry_with_other_code_is_taken_whole_or_not_at_all(
    crashing: EngineProcess, point: str
) -> None:
    """Code and states are one commit: never the new code with the states of the old."""
    crashing.start(point)
    _submit(crashing)
    crashing.client.wait_for_run(2, 30)
    before = crashing.client.get_run_pipeline(2)
    book = crashing.home.root.parent / "book.ipynb"
    book.write_text(_text([*CELLS, ("more = total", {"step": "more"})]), "utf-8")
    with contextlib.suppress(Unavailable):
        crashing.client.retry_run(2, book)
    crashing.process.wait(10)
    crashing.start()

    run, pipeline = crashing.client.wait_for_run(2, 30), crashing.client.get_run_pipeline(2)

    is_taken = point.endswith("after")
    assert run.state is RunState.SUCCEEDED
    assert (pipeline == before) is not is_taken
    assert [task.name for task in run.tasks] == [*RUNS_OF, *(["more"] if is_taken else [])]


@pytest.mark.parametrize("seed", range(10))
def test_a_run_survives_death_at_any_instant(crashing: EngineProcess, seed: int) -> None:
    moments = random.Random(seed)
    crashing.start()
    _submit(crashing)
    for _ in range(moments.randint(1, 2)):
        time.sleep(moments.uniform(0, 0.5))
        crashing.kill()
        crashing.start()

    run = _finish(crashing)

    assert run.state is RunState.SUCCEEDED, run.failure
    _check(crashing, run, RUNS_OF)


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_what_was_under_way_is_in_the_cache_afterwards(
    crashing: EngineProcess, delay: float
) -> None:
    path = crashing.home.root.parent / "slow.ipynb"
    path.write_text(_text([("import time\ntime.sleep(0.2)\nx = 1", {"step": "slow"})]), "utf-8")
    crashing.start()
    run = crashing.client.submit(path)
    time.sleep(delay)
    crashing.kill()
    crashing.start()
    crashing.client.wait_for_run(run.id, 60)

    again = crashing.client.wait_for_run(crashing.client.submit(path).id, 60)

    assert [task.cached for task in again.tasks] == [True]
