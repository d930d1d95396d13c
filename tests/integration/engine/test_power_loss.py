"""Power goes while a run is under way: what had not reached the disk is made again, never believed.

A loss of power is played: every process is killed, the mark of the last flush says that it was made
in another boot, and content written since is torn.
"""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from jupyter_mlplat.resources.run import Run, RunState, TaskState

from .conftest import EngineProcess, WriteNotebook
from .history import effects_of

CELLS = [
    ("print('ran early')\nearly = 'first'", {"step": "early"}),
    ("print('ran middle')\nmiddle = early + ' second'", {"step": "middle"}),
    (
        "import os, time\nprint('ran late', flush=True)\n"
        "while not os.path.exists('gate'):\n    time.sleep(0.02)\n"
        "late = middle + ' third'",
        {"step": "late", "retries": 1, "backoff_s": 0.01},
    ),
    ("print('ran last')\nprint(late)", {"step": "last"}),
]


@pytest.fixture
def interrupted(running: EngineProcess, write_notebook: WriteNotebook) -> tuple[EngineProcess, Run]:
    """An engine, not running, whose machine lost power while `late` ran."""
    run = running.client.submit(write_notebook(*CELLS))
    deadline = time.monotonic() + 20
    while effects_of(running.home, run, "late") != ["ran late"]:
        assert time.monotonic() < deadline, running.client.get_run(run.id)
        time.sleep(0.01)
    run = running.client.get_run(run.id)
    running.kill()
    claim = running.home.attempt(run.id, "late", 1) / "claim"
    os.killpg(json.loads(claim.read_bytes())["pid"], signal.SIGKILL)
    mark = json.loads(running.home.flushed.read_bytes())
    running.home.flushed.write_text(json.dumps({**mark, "boot": "another"}))
    (running.home.root.parent / "gate").touch()
    return running, run


def test_what_reached_the_disk_is_not_made_again(interrupted: tuple[EngineProcess, Run]) -> None:
    engine, run = interrupted

    assert _go_on(engine, run) == {"early": 1, "middle": 1, "late": 2, "last": 1}


@pytest.mark.parametrize("size", [0, 3], ids=["empty", "short"])
def test_a_step_whose_value_is_torn_runs_again(
    interrupted: tuple[EngineProcess, Run], size: int
) -> None:
    engine, run = interrupted
    _tear(engine, run, "early", size)

    # `early` made the same again, so `middle` is looked up anew and found in the cache.
    assert _go_on(engine, run) == {"early": 2, "middle": 1, "late": 2, "last": 1}


def test_a_result_that_nobody_has_read_is_not_believed_when_its_values_are_gone(
    interrupted: tuple[EngineProcess, Run],
) -> None:
    engine, run = interrupted
    result = {"state": "succeeded", "bundle": "sha256:" + "1" * 64, "outputs": {}, "unbound": []}
    path = engine.home.attempt(run.id, "late", 1) / "result.json"
    path.write_text(json.dumps(result))

    assert _go_on(engine, run) == {"early": 1, "middle": 1, "late": 2, "last": 1}


def test_what_was_lost_is_not_found_in_the_cache(
    interrupted: tuple[EngineProcess, Run],
) -> None:
    engine, run = interrupted
    _tear(engine, run, "middle", 0)
    _go_on(engine, run)

    again = engine.client.submit(Path(run.notebook or ""))
    again = engine.client.wait_for_run(again.id, 30)

    assert again.state is RunState.SUCCEEDED, again.failure
    assert [task.cached for task in again.tasks] == [True, True, False, True]  # late looks at files


def _tear(engine: EngineProcess, run: Run, step: str, size: int) -> None:
    """Cut off what a step has saved."""
    result = json.loads((engine.home.attempt(run.id, step, 1) / "result.json").read_bytes())
    digest = result["outputs"][step]["digest"].removeprefix("sha256:")
    path = engine.home.blobs / digest[:2] / digest[2:]
    path.chmod(0o600)
    os.truncate(path, size)


def _go_on(engine: EngineProcess, run: Run) -> dict[str, int]:
    """Start the engine again; return how often each step of the run has run in the end."""
    engine.start()
    run = engine.client.wait_for_run(run.id, 30)
    assert run.state is RunState.SUCCEEDED, f"{run.failure}\n{engine.log()}"
    assert {task.state for task in run.tasks} == {TaskState.SUCCEEDED}
    log = engine.home.attempt(run.id, "last", 1) / "stdout.log"
    assert log.read_text() == "ran last\nfirst second third\n"
    return {
        task.name: sum(line.startswith("ran ") for line in effects_of(engine.home, run, task.name))
        for task in run.tasks
    }


def test_damaged_content_is_made_again_by_who_made_it_and_found_in_no_cache(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("early = 'first'", {"step": "early"}),
        ("print(early)", {"step": "reader", "cache": False}),
    )
    run = running.client.wait_for_run(running.client.submit(book).id, 30)
    _tear(running, run, "early", 3)

    again = running.client.wait_for_run(running.client.submit(book).id, 30)

    assert again.state is RunState.SUCCEEDED, again.failure
    assert [(task.cached, task.attempt) for task in again.tasks] == [(False, 1), (False, 2)]
    assert effects_of(running.home, again, "reader")[-1] == "first"
