"""The first half hour with the panel: see the pipeline, run it, break it, mend it, go on."""

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

NOTEBOOK = "01-tumours.ipynb"
RUN_MS = 120_000
ENDED = re.compile("Succeeded|Failed")

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(400)]


def open_notebook(page: Page, lab: "Lab") -> None:
    page.goto(lab.page_url(NOTEBOOK))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)


def edit_cell(page: Page, cell: str, old: str, new: str) -> None:
    """Change a cell's source as another editor of the document would."""
    page.evaluate(
        """([cell, old, now]) => {
            const { content } = window.jupyterapp.shell.currentWidget;
            const found = content.widgets.find(widget => widget.model.id === cell);
            const source = found.model.sharedModel.getSource();
            if (!source.includes(old)) throw new Error(`no ${old} in ${source}`);
            found.model.sharedModel.setSource(source.replace(old, now));
        }""",
        [cell, old, new],
    )


def cell(page: Page, cell_id: str) -> str:
    """Name the cell for the panel's own mark on it."""
    return f".jp-Cell[data-mlplat-step='{cell_id}']"


def test_notebook_is_seen_run_broken_mended_and_run_on(page: Page, lab: "Lab") -> None:
    open_notebook(page, lab)

    # First click: the panel. The pipeline is there, though nothing is tagged.
    page.get_by_role("tab", name="ML Platform").click()
    graph = page.locator(".jp-mlplat-Graph")
    expect(graph.get_by_role("option")).not_to_have_count(0, timeout=60_000)
    steps = graph.locator("[data-step]").evaluate_all("all => all.map(one => one.dataset.step)")
    assert steps[:2] == ["load", "clean"]
    assert len(steps) == 8
    expect(page.locator(cell(page, "load")).first).to_be_visible()

    # An edge says why it exists.
    graph.locator("[data-edge='load→clean']").focus()
    page.keyboard.press("Enter")
    details = page.get_by_test_id("mlplat-edge-details")
    expect(details).to_contain_text("biopsies")
    expect(details.locator(".jp-mlplat-Proof").first).to_be_visible()
    page.keyboard.press("Escape")

    # Second click: run.
    page.get_by_test_id("mlplat-run").click()
    latest = page.get_by_test_id("mlplat-latest-run")
    expect(latest).to_contain_text(ENDED, timeout=RUN_MS)
    expect(latest).to_contain_text("Succeeded")
    expect(graph.locator("[data-step][data-state='SUCCEEDED']")).to_have_count(8)

    # Break a cell and run again: the failing cell is marked and can be jumped to.
    edit_cell(page, "forest", "n_estimators=trees", "n_estimators=trees // 0")
    page.get_by_test_id("mlplat-run").click()
    expect(latest).to_contain_text("Run 2")
    expect(latest).to_contain_text(ENDED, timeout=RUN_MS)
    failure = page.get_by_test_id("mlplat-failure")
    expect(failure).to_contain_text("ZeroDivisionError")
    failure.get_by_role("button", name="Open cell").click()
    mark = page.locator(".jp-mlplat-CellLabel-failure")
    expect(mark).to_be_in_viewport()
    expect(mark).to_contain_text("ZeroDivisionError")
    assert active_cell(page) == "forest"

    # Mend it: the mark goes, and the run goes on from there.
    edit_cell(page, "forest", "trees // 0", "trees")
    expect(mark).to_have_count(0)
    failure.get_by_role("button", name="Retry from here").click()
    expect(latest).to_contain_text("Succeeded", timeout=RUN_MS)
    expect(failure).to_have_count(0)

    # The run keeps its outputs, its log and its metrics.
    latest.get_by_role("button").first.click()
    page.locator("[data-task='explore']").click()
    outputs = page.get_by_test_id("mlplat-outputs")
    expect(outputs.locator("img").first).to_be_visible()
    expect(page.get_by_test_id("mlplat-metrics")).to_contain_text("auc")

    page.get_by_role("button", name="Back to all runs").click()
    expect(page.get_by_role("list", name="Runs").get_by_role("listitem")).to_have_count(2)


def active_cell(page: Page) -> str:
    return page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id")
