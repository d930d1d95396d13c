"""A user's story with the Pipeline section: look ahead, run a part, reshape, compile to a file."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

RUN_MS = 120_000
CELLS = {
    "load": "x = [1, 2, 3]",
    "add": "total = sum(x)",
    "again": "twice = 2 * total",
    "score": "score = twice / 100",
}

pytestmark = [pytest.mark.ui, pytest.mark.slow]


def open_book(page: Page, lab: "Lab", name: str) -> None:
    """Open a notebook of four steps, one of which has two cells."""
    steps = {"again": "add"}
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": cell,
            "metadata": {"mlplat": {"step": steps.get(cell, cell)}},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for cell, source in CELLS.items()
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": cells,
    }
    (lab.folder / name).write_text(json.dumps(book))
    page.goto(lab.page_url(name))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.get_by_role("tab", name="ML Platform").click()
    expect(step(page, "score")).to_be_visible(timeout=60_000)


def step(page: Page, name: str) -> Any:
    return page.locator(f"[role=option][data-step='{name}']")


def test_the_plan_is_seen_before_a_run_and_a_part_can_be_run(page: Page, lab: "Lab") -> None:
    open_book(page, lab, "plan.ipynb")
    plan = page.get_by_test_id("mlplat-plan")
    expect(plan).to_have_text("3 of 3 will run", timeout=20_000)
    page.get_by_test_id("mlplat-run").click()
    expect(plan).to_have_text("Nothing to run: all is cached", timeout=RUN_MS)

    page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets[1]
            .model.sharedModel.setSource('total = sum(x) + 1')"""
    )

    expect(plan).to_contain_text("1 of 3 will run · 1 more may", timeout=20_000)
    expect(step(page, "add")).to_contain_text("Changed")
    expect(step(page, "load")).to_have_attribute("data-outlook", "cached")
    step(page, "add").click(button="right")
    page.get_by_role("menuitem", name="Run Only This Step").click()
    latest = page.get_by_test_id("mlplat-latest-run")
    expect(latest).to_contain_text("Run 2 · Succeeded", timeout=RUN_MS)
    expect(step(page, "score")).to_contain_text("Will run")


def test_steps_are_merged_by_drag_split_renamed_and_written_to_a_file(
    page: Page, lab: "Lab"
) -> None:
    open_book(page, lab, "shape.ipynb")

    step(page, "score").drag_to(step(page, "load"))
    page.get_by_role("dialog").get_by_role("button", name="Merge").click()
    expect(page.get_by_text("they would wait for each other")).to_be_visible(timeout=20_000)

    step(page, "score").drag_to(step(page, "add"))
    page.get_by_role("dialog").get_by_role("button", name="Merge").click()
    expect(step(page, "score")).to_have_count(0, timeout=20_000)
    page.get_by_role("button", name="Undo").click()
    expect(step(page, "score")).to_be_visible(timeout=20_000)

    execute(page, "mlplat:split-step", {"cell": "again"})
    expect(step(page, "add-2")).to_be_visible(timeout=20_000)
    execute(page, "mlplat:rename-step", {"step": "add-2", "name": "twice"})
    expect(step(page, "twice")).to_be_visible(timeout=20_000)

    execute(page, "mlplat:compile-to-file", {})
    text = (lab.folder / "shape.pipeline.yaml").read_text()
    assert all(f"comp-{name}" in text for name in ("load", "add", "twice", "score"))
    expect(page.get_by_text("Wrote shape.pipeline.yaml.")).to_be_visible(timeout=20_000)
    execute(page, "mlplat:compile-to-file", {"form": "json"})
    document = json.loads((lab.folder / "shape.pipeline.json").read_text())
    assert [step["name"] for step in document["steps"]] == ["load", "add", "twice", "score"]


def execute(page: Page, command: str, args: dict[str, Any]) -> None:
    page.evaluate(
        "([command, args]) => window.jupyterapp.commands.execute(command, args)", [command, args]
    )


def test_the_graph_in_the_main_area_is_walked_by_keyboard_and_comes_back(
    page: Page, lab: "Lab"
) -> None:
    open_book(page, lab, "graph.ipynb")
    page.get_by_role("button", name="Open the graph in the main area").click()
    load, add = page.locator("[data-node=load]"), page.locator("[data-node=add]")
    expect(add).to_be_visible(timeout=20_000)

    load.focus()
    page.keyboard.press("ArrowDown")
    expect(add).to_be_focused()
    page.keyboard.press(" ")
    details = page.get_by_role("complementary", name="Details")
    expect(details).to_contain_text("twice")
    page.get_by_test_id("mlplat-graph-list").click()
    expect(page.get_by_role("list", name="Steps of graph")).to_contain_text("needs add")

    page.wait_for_timeout(1500)  # JupyterLab saves the layout one second after it changed
    page.goto(f"{lab.url}lab")
    expect(page.locator("[data-node=score]")).to_be_visible(timeout=60_000)
