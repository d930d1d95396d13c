"""What shows inside the notebook: marks, the failing cell, the step editor; and how one begins."""

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.ui.test_first_run import edit_cell

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

NOTEBOOK = "00-first-pipeline.ipynb"
RUN_MS = 120_000
SUCCEEDED = "[data-state=SUCCEEDED], [data-state=CACHED]"

pytestmark = [pytest.mark.ui, pytest.mark.slow]


def test_new_user_is_led_from_an_example_to_the_outputs_of_a_run(page: Page, lab: "Lab") -> None:
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    card = page.locator(".jp-LauncherCard", has_text="Your first pipeline")
    expect(card).to_be_visible(timeout=60_000)
    page.evaluate("() => void window.jupyterapp.commands.execute('mlplat:tour')")
    tour = page.get_by_role("region", name="Guided first run")
    expect(tour).to_contain_text("Open a notebook")

    tour.get_by_role("button", name="Open an example").click()
    expect(tour).to_contain_text("See its steps", timeout=60_000)
    assert (lab.folder / "first-pipeline.ipynb").exists()
    tour.get_by_role("button", name="Show me").click()
    expect(page.locator(".jp-mlplat-Graph [role=option]").first).to_be_focused(timeout=60_000)
    page.keyboard.press("Enter")
    expect(tour).to_contain_text("Run it")
    page.get_by_test_id("mlplat-run").click()
    expect(tour).to_contain_text("Look at what came out", timeout=RUN_MS)
    page.get_by_test_id("mlplat-latest-run").get_by_role("button").first.click()
    page.locator("[data-task]").first.click()
    expect(tour).not_to_contain_text("Look at what came out")

    tour.get_by_role("button", name="End the tour").click()
    expect(tour).to_be_hidden()


def test_cells_tell_of_edits_and_failures_and_edit_their_step(page: Page, lab: "Lab") -> None:
    page.goto(lab.page_url(NOTEBOOK))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    chip = page.locator(".jp-mlplat-CellLabel-step[data-step='count']")
    expect(chip).to_be_visible(timeout=60_000)
    execute(page, "mlplat:run")
    expect(chip.locator(SUCCEEDED)).to_be_visible(timeout=RUN_MS)

    # Edited: said at once, and no longer when the edit is taken back.
    edit_cell(page, "count", "len(jar)", "(len(jar) - 400)")
    expect(chip).to_contain_text("edited")

    # A failing cell has its traceback below, folded.
    execute(page, "mlplat:run")
    failure = page.locator(".jp-mlplat-CellFailure")
    expect(failure).to_contain_text("ZeroDivisionError", timeout=RUN_MS)
    traceback = failure.locator("pre")
    expect(traceback).to_be_hidden()
    failure.get_by_role("button", name="Traceback").click()
    expect(traceback).to_contain_text("division by zero")

    # Moving the cell makes another widget of it; its marks come along.
    page.evaluate(
        """() => {
            const { content } = window.jupyterapp.shell.currentWidget;
            const at = content.widgets.findIndex(cell => cell.model.id === 'count');
            content.moveCell(at, at - 1);
            content.moveCell(at - 1, at);
        }"""
    )
    expect(failure).to_have_count(1)
    expect(chip).to_have_count(1)

    # Mended, it is retried from where it failed.
    retry = failure.get_by_role("button", name="Retry from here")
    expect(retry).to_be_visible()
    edit_cell(page, "count", "(len(jar) - 400)", "len(jar)")
    expect(failure).to_have_count(0)
    execute(page, "mlplat:retry")
    expect(chip.locator(SUCCEEDED)).to_be_visible(timeout=RUN_MS)

    # The chip opens the editor; Escape closes it and gives the focus back.
    chip.click()
    editor = page.get_by_role("dialog", name="Settings of step count")
    expect(editor.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    expect(chip).to_be_focused()
    page.keyboard.press("Enter")
    editor.get_by_label("Retries").fill("2")
    page.keyboard.press("Enter")
    expect(editor).to_have_count(0)
    saved = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets
            .find(cell => cell.model.id === 'count').model.getMetadata('mlplat')"""
    )
    assert saved["retries"] == 2


def test_two_views_of_a_notebook_carry_the_same_marks(page: Page, lab: "Lab") -> None:
    page.goto(lab.page_url(NOTEBOOK))
    page.wait_for_selector(".jp-mlplat-CellLabel-step", timeout=60_000)

    execute(page, "docmanager:clone")
    page.wait_for_timeout(500)

    notebooks = page.locator(".jp-Notebook:visible")
    expect(notebooks).to_have_count(2)
    for view in range(2):
        chips = notebooks.nth(view).locator(".jp-mlplat-CellLabel-step")
        expect(chips.first).to_have_text(re.compile("fill-the-jar"))


def execute(page: Page, command: str) -> None:
    page.evaluate("id => void window.jupyterapp.commands.execute(id)", command)
