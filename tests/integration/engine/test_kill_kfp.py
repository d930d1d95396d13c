"""The engine is killed at every named point of a KFP run: loop, branch, retry, exit handler."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.engine.crashpoints import POINTS
from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat.resources.run import Run, RunState
from tests.unit.workflows.compiled import function
from tests.unit.workflows.pipelines import dag, ir_of, leaf, task

from .conftest import EngineProcess
from .history import check_history, effects_of, read_history

# What a run comes by only where it is canceled, paused, retried or taken up; no task has cells.
_ELSEWHERE = (
    *("cancel-asked", "pause-asked", "resume-asked", "retry-asked", "run-resumed"),
    *("stop", "adopt", "task-progressed"),
)
PLAIN = [(point, 1) for point in POINTS if not any(word in point for word in _ELSEWHERE)]
LATER = [
    (f"commit.{kind}.{side}", turn)
    for kind in ("attempt-ended", "task-admitted")
    for side in ("before", "after")
    for turn in (3, 5)
]

NUMBERS = "def numbers() -> list:\n    print('ran')\n    return [1, 2]\n"
FLAKY = """
def flaky(x: int, folder: str) -> int:
    import os
    print('ran', flush=True)
    mark = os.path.join(folder, f'tried-{x}')
    if not os.path.exists(mark):
        open(mark, 'w').close()
        raise RuntimeError('the first time')
    return x * x
"""
EXTRA = "def extra(x: int):\n    print('ran')\n"
TOTAL = "def total(all: list) -> int:\n    print('ran')\n    return sum(all)\n"
CLEAN = "def clean(status: dict):\n    print('ran')\n    assert status['state'] == 'COMPLETE'\n"
EXPECTED = {
    "handled.numbers": 1,
    "handled.loop.0.flaky": 2,
    "handled.loop.1.flaky": 2,
    "handled.loop.1.large.extra": 1,
    "handled.total": 1,
    "clean": 1,
}


def _pipeline() -> dict[str, Any]:
    branch = dag({"x": "int"}, extra=task("extra", x="in:x"))
    body = dag(
        {"item": "int", "folder": "str", "items": "list?"},
        {"out": ("int", "flaky.Output")},
        flaky=task("flaky", x="in:item", folder="in:folder", tries=1),
        large=task("branch", "flaky", x="in:item", when="inputs.parameter_values['x'] > 1"),
    )
    handled = dag(
        {"folder": "str"},
        {"sum": ("int", "total.Output")},
        numbers=task("numbers"),
        loop=task("body", each="items", items="numbers.Output", folder="in:folder"),
        total=task("total", all="loop.out"),
    )
    root = dag(
        {"folder": "str"},
        {"sum": ("int", "handled.sum")},
        handled=task("handled", folder="in:folder"),
        clean=task("clean", "handled", status="status:handled", exit=True),
    )
    ir = ir_of(
        root,
        handled=handled,
        body=body,
        branch=branch,
        numbers={**leaf(outputs={"Output": "list"}), "executorLabel": "numbers"},
        flaky={
            **leaf({"x": "int", "folder": "str"}, {"Output": "int"}),
            "executorLabel": "flaky",
        },
        extra={**leaf({"x": "int"}), "executorLabel": "extra"},
        total={**leaf({"all": "list"}, {"Output": "int"}), "executorLabel": "total"},
        clean={**leaf({"status": "status"}), "executorLabel": "clean"},
    )
    sources = {"numbers": NUMBERS, "flaky": FLAKY, "extra": EXTRA, "total": TOTAL, "clean": CLEAN}
    executors = {name: function(source) for name, source in sources.items()}
    ir["pipeline_spec"]["deploymentSpec"]["executors"] = executors
    return ir


@pytest.fixture
def crashing(short_dir: Path) -> Iterator[EngineProcess]:
    (short_dir / "pipeline.json").write_text(json.dumps(_pipeline()), "utf-8")
    engine = EngineProcess(short_dir / "home")
    yield engine
    if engine.is_alive:
        engine.kill()


def _submit(engine: EngineProcess) -> Run:
    folder = engine.home.root.parent
    return engine.client.submit(
        folder / "pipeline.json", parameters={"folder": str(folder)}, idempotency_key="the-run"
    )


def _wait_for_crash(engine: EngineProcess) -> bool:
    deadline = time.monotonic() + 30
    while engine.is_alive and time.monotonic() < deadline:
        try:
            if engine.client.get_run(1).state.is_final:
                time.sleep(0.1)
                return not engine.is_alive
        except Unavailable:
            break
        time.sleep(0.02)
    engine.process.wait(10)
    return True


@pytest.mark.parametrize(("point", "turn"), [*PLAIN, *LATER])
def test_a_kfp_run_survives_the_death_of_its_engine(
    crashing: EngineProcess, point: str, turn: int
) -> None:
    crashing.start(f"{point}:{turn}", MLPLAT_CPU="1" if "waits" in point else "2")
    try:
        _submit(crashing)
    except Unavailable:
        crashing.process.wait(10)
    has_died = _wait_for_crash(crashing)
    assert has_died or turn > 1, f"the run never came to {point}"
    if not crashing.is_alive:
        crashing.start()

    run = crashing.client.wait_for_run(_submit(crashing).id, 40)

    assert run.state is RunState.SUCCEEDED, run.failure
    assert run.results is not None
    assert run.results.parameters == {"sum": 5}
    assert crashing.stop() == 0
    check_history(*read_history(crashing.home))
    ran = {step.name: len(effects_of(crashing.home, run, step.name)) for step in run.steps}
    assert ran == EXPECTED
    skipped = next(one for one in run.tasks if one.name == "handled.loop.0.large")
    assert skipped.state == "SKIPPED"
