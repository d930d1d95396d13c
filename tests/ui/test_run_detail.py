"""One run in full: what failed, its log, a kernel with the state before it; back after a reload."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

RUN_MS = 120_000
CELLS = (
    ("load", "parts = [1, 2, 3]"),
    ("fit", "for part in range(500):\n    print('epoch', part)\ntotal = sum(parts)"),
    (
        "fit",
        "import sys\nprint('ERROR:fit:about to fail', file=sys.stderr)\nhalf = total / (6 - total)",
    ),
)

pytestmark = [pytest.mark.ui, pytest.mark.slow]


def write_notebook(path: Path) -> None:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"mlplat": {"step": step}},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, (step, source) in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    path.write_text(json.dumps({**document, "cells": cells}))


def command(page: Page, name: str) -> None:
    page.evaluate("name => void window.jupyterapp.commands.execute(name)", name)


def prompt_of(page: Page) -> Locator:
    return page.locator(".jp-CodeConsole-promptCell .cm-content")


def test_failed_run_is_looked_into_and_stood_before(page: Page, lab: "Lab") -> None:
    write_notebook(lab.folder / "fails.ipynb")
    page.goto(lab.page_url("fails.ipynb"))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.get_by_role("tab", name="ML Platform").click()
    page.get_by_test_id("mlplat-run").click()
    expect(page.get_by_test_id("mlplat-latest-run")).to_contain_text("Failed", timeout=RUN_MS)

    command(page, "mlplat:open-run-tab")
    view = page.locator(".jp-mlplat-RunView")
    failure = view.get_by_test_id("mlplat-failure")
    expect(failure).to_contain_text("ZeroDivisionError")
    expect(failure).to_contain_text("cell 3, line 3")
    timeline = view.get_by_test_id("mlplat-timeline")
    expect(timeline.locator("[aria-current=true]")).to_contain_text("fit")
    expect(view.get_by_test_id("mlplat-outputs")).to_contain_text("division by zero")

    # The log: search from hit to hit, the first error, levels.
    view.get_by_role("tab", name="Log").click()
    log = view.get_by_role("log")
    search = view.get_by_label("Search the log")
    search.fill("epoch 1")
    search.press("Enter")
    expect(view.get_by_role("status").last).to_have_text("1 of 111")
    expect(log.locator("[data-current=true]")).to_have_text("2epoch 1")
    search.press("Shift+Enter")
    expect(log.locator("[data-current=true]")).to_contain_text("epoch 199")
    view.get_by_role("button", name="Go to the first error").click()
    expect(log.locator("[data-current=true]")).to_contain_text("ERROR:fit:about to fail")
    view.get_by_label("Show lines of level").select_option("error")
    expect(log.locator(".jp-mlplat-Log-line")).to_have_count(1)

    # By keyboard along the steps.
    timeline.locator("[aria-current=true]").focus()
    page.keyboard.press("ArrowUp")
    expect(timeline.locator("[aria-current=true]")).to_contain_text("load")

    # A kernel that stands before the failure; the cells of the step wait in its prompt.
    failure.get_by_role("button", name="Open a kernel before it").click()
    console = page.locator(".jp-CodeConsole")
    expect(console).to_contain_text("State before step fit of run", timeout=RUN_MS)
    expect(prompt_of(page)).to_contain_text("half = total / (6 - total)", timeout=RUN_MS)
    prompt_of(page).click()
    page.keyboard.press("Shift+Enter")
    expect(console).to_contain_text("ZeroDivisionError: division by zero", timeout=RUN_MS)

    # The tab is there again after a reload.
    page.wait_for_timeout(1500)  # JupyterLab saves the layout one second after it changed
    page.goto(f"{lab.url}lab/tree/fails.ipynb")
    page.locator(".lm-TabBar-tab[data-id^='jp-mlplat-view:run']").click(timeout=60_000)
    expect(page.locator(".jp-mlplat-RunView")).to_contain_text("Step fit failed")
