"""A KFP pipeline in the panel: its tasks below what they lie in, what each was given and made."""

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import PROGRAM, RESULTS
from tests.unit.workflows.compiled import function
from tests.unit.workflows.pipelines import dag, ir_of, leaf, task

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

SQUARE = "def square(x: int) -> int:\n    print('squaring', x)\n    return x * x\n"
TOTAL = "def total(all: list) -> int:\n    return sum(all)\n"

pytestmark = [pytest.mark.ui, pytest.mark.slow]


def pipeline() -> dict[str, Any]:
    body = dag(
        {"item": "int"},
        {"out": ("int", "square.Output")},
        square=task("square", x="in:item"),
        large=task("branch", "square", x="in:item", when="inputs.parameter_values['x'] > 2"),
    )
    root = dag(
        outputs={"sum": ("int", "total.Output")},
        loop=task("body", each="[1, 2, 3]"),
        total=task("total", all="loop.out"),
    )
    square = {**leaf({"x": "int"}, {"Output": "int"}), "executorLabel": "square"}
    ir = ir_of(
        root,
        body=body,
        branch=dag({"x": "int"}, again=task("square", x="in:x")),
        square=square,
        total={**leaf({"all": "list"}, {"Output": "int"}), "executorLabel": "total"},
    )
    executors = {"square": function(SQUARE), "total": function(TOTAL)}
    ir["pipeline_spec"]["deploymentSpec"]["executors"] = executors
    return ir


def test_the_tasks_of_a_kfp_run_are_shown_below_what_they_lie_in(page: Page, lab: "Lab") -> None:
    (lab.folder / "squares.json").write_text(json.dumps(pipeline()))
    done = subprocess.run(
        [PROGRAM, "run", "squares.json", "--json"],
        cwd=lab.folder,
        env=lab.environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    run = json.loads(done.stdout)["run"]
    assert run["results"]["parameters"] == {"sum": 14}

    page.goto(f"{lab.url}lab?token={lab.token}&reset&mlplat=run/{run['id']}")
    page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
    steps = page.locator(".jp-mlplat-Steps")
    rows = steps.locator(".jp-mlplat-TaskRow")
    expect(rows.first).to_be_visible(timeout=30_000)
    expect(steps.locator("[data-task='loop']")).to_contain_text("4 of 4")
    expect(steps.locator("[data-task='loop.0.large']")).to_contain_text("Skipped")

    steps.locator("[data-task='loop.2.large']").click()
    steps.locator("[data-task='loop.2.large.again']").click()
    values = page.locator(".jp-mlplat-TaskValues")
    expect(values.get_by_label("Made")).to_contain_text("9")
    expect(values.get_by_label("Given")).to_contain_text("3")
    page.screenshot(path=RESULTS / "kfp-run-panel.png")

    page.evaluate("() => void window.jupyterapp.commands.execute('mlplat:open-run-tab')")
    timeline = page.get_by_test_id("mlplat-timeline")
    expect(timeline.locator("[data-task='loop.1.square']")).to_be_visible()
    loop = timeline.locator("[data-task='loop']")
    loop.click()
    expect(timeline.locator("[data-task='loop.1.square']")).to_have_count(0)
    loop.click()
    page.screenshot(path=RESULTS / "kfp-run-tab.png")
