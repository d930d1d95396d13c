"""A KFP pipeline from the command line: run, failed, gone on with, stopped."""

import json
import time
from typing import Any

import pytest

from tests.integration.cli.conftest import Workplace
from tests.unit.workflows.compiled import function
from tests.unit.workflows.pipelines import dag, ir_of, leaf, task

WORK = """
def work(x: int, folder: str) -> int:
    import os, time
    print('ran')
    if x == 2 and not os.path.exists(os.path.join(folder, 'mended')):
        raise RuntimeError('broken')
    while os.path.exists(os.path.join(folder, 'hold')):
        time.sleep(0.05)
    return 10 * x
"""
CLEAN = "def clean(status: dict):\n    print(status['state'])\n"


def _pipeline() -> dict[str, Any]:
    body = dag(
        {"item": "int", "folder": "str"},
        {"out": ("int", "work.Output")},
        work=task("work", x="in:item", folder="in:folder"),
    )
    root = dag(
        {"folder": "str"},
        {"all": ("list", "loop.out")},
        loop=task("body", each="[1, 2, 3]", folder="in:folder"),
        clean=task("clean", "loop", status="status:loop", exit=True),
    )
    ir = ir_of(
        root,
        body=body,
        work={**leaf({"x": "int", "folder": "str"}, {"Output": "int"}), "executorLabel": "work"},
        clean={**leaf({"status": "status"}), "executorLabel": "clean"},
    )
    executors = {"work": function(WORK), "clean": function(CLEAN)}
    ir["pipeline_spec"]["deploymentSpec"]["executors"] = executors
    return ir


@pytest.fixture
def pipeline(workplace: Workplace) -> str:
    (workplace.folder / "pipeline.json").write_text(json.dumps(_pipeline()))
    return f"folder={workplace.folder}"


def test_a_failed_pipeline_goes_on_where_it_failed(workplace: Workplace, pipeline: str) -> None:
    done = workplace.mlplat("run", "pipeline.json", "-p", pipeline, "--no-cache")
    assert done.returncode == 1
    assert "RuntimeError: broken" in done.stderr.decode()
    failed = workplace.ask("runs", "show", "latest")["run"]
    assert failed["failure"]["message"].startswith("Task 'loop/1/work'")
    (workplace.folder / "mended").touch()

    answer = workplace.ask("retry", str(failed["number"]))

    assert answer["results"]["parameters"] == {"all": [10, 20, 30]}
    attempts = {one["name"]: one["attempt"] for one in answer["run"]["tasks"]}
    assert attempts == {
        "loop": 0,
        "clean": 2,
        "loop.0": 0,
        "loop.1": 0,
        "loop.2": 0,
        "loop.0.work": 1,
        "loop.1.work": 2,
        "loop.2.work": 1,
    }
    shown = workplace.mlplat("runs", "show", "latest").stdout.decode()
    assert "all=[10, 20, 30]" in shown
    row = workplace.ask("runs")["runs"][0]
    assert (row["tasks_total"], row["tasks_done"]) == (4, 4)


def test_a_stopped_pipeline_leaves_nothing_running(workplace: Workplace, pipeline: str) -> None:
    (workplace.folder / "mended").touch()
    (workplace.folder / "hold").touch()
    run = workplace.ask("run", "pipeline.json", "-p", pipeline, "--no-cache", "--no-wait")["run"]
    time.sleep(1)

    workplace.ask("cancel", str(run["number"]))

    deadline = time.monotonic() + 20
    while (now := workplace.ask("runs", "show", str(run["number"]))["run"])["state"] != "CANCELED":
        assert time.monotonic() < deadline, now
        time.sleep(0.1)
    (workplace.folder / "hold").unlink()
    assert {one["state"] for one in now["tasks"]} <= {"CANCELED", "SUCCEEDED"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "parameter 'folder' is missing"),
        (("-p", "nothing=1"), "nothing"),
        (("-p", "folder=/", "--until", "gone"), "it has no such step"),
    ],
    ids=["missing", "unknown", "no such task"],
)
def test_what_cannot_run_is_refused_before_it_begins(
    workplace: Workplace, pipeline: str, arguments: tuple[str, ...], said: str
) -> None:
    before = len(workplace.ask("runs")["runs"])

    done = workplace.mlplat("run", "pipeline.json", *arguments)

    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert len(workplace.ask("runs")["runs"]) == before
