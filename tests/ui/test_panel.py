"""What the panel owes its users besides the story: layout, keyboard, safety, long lists."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

NOTEBOOK = "01-tumours.ipynb"
RUN_MS = 120_000

pytestmark = [pytest.mark.ui, pytest.mark.slow]


def open_panel(page: Page, lab: "Lab", notebook: str = NOTEBOOK) -> None:
    page.goto(lab.page_url(notebook))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.get_by_role("tab", name="ML Platform").click()


def test_section_comes_back_after_a_reload(page: Page, lab: "Lab") -> None:
    open_panel(page, lab)
    page.get_by_role("tab", name="Runs").click()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    page.wait_for_timeout(1500)  # JupyterLab saves the layout one second after it changed

    page.goto(f"{lab.url}lab/tree/{NOTEBOOK}")

    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=60_000)


def test_panel_is_driven_by_keyboard_alone(page: Page, lab: "Lab") -> None:
    page.goto(lab.page_url(NOTEBOOK))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)

    page.keyboard.press("Control+Alt+p")
    expect(page.locator("[role=option][data-step='load']")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("tab", name="Pipeline")).to_be_focused()
    for stop in ("mlplat-verify", "mlplat-run"):
        page.keyboard.press("Tab")
        expect(page.get_by_test_id(stop)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="More actions")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Open the graph in the main area")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.get_by_test_id("mlplat-edge-details")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("mlplat-edge-details")).to_have_count(0)


def test_settings_of_a_step_become_cell_metadata(page: Page, lab: "Lab") -> None:
    open_panel(page, lab)
    page.locator("[role=option][data-step='train-a-forest']").click()
    details = page.get_by_test_id("mlplat-step-details")

    details.get_by_label("Name").fill("forest")
    details.get_by_label("Memory").fill("2Gi")
    details.get_by_label("Retries").fill("2")
    details.get_by_role("button", name="Apply").click()

    expect(page.locator("[role=option][data-step='forest']")).to_be_visible()
    saved = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets
            .find(cell => cell.model.id === 'forest').model.getMetadata('mlplat')"""
    )
    assert saved == {"title": "Train a forest", "step": "forest", "memory": "2Gi", "retries": 2}


def test_syntax_error_is_listed_with_a_way_to_its_cell(page: Page, lab: "Lab") -> None:
    open_panel(page, lab)
    expect(page.locator("[role=option]")).to_have_count(8, timeout=60_000)

    page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets
            .find(cell => cell.model.id === 'choose').model.sharedModel.setSource('best = (')"""
    )

    problems = page.get_by_test_id("mlplat-problems")
    expect(problems).to_contain_text("never closed", timeout=20_000)
    expect(page.get_by_test_id("mlplat-run")).to_be_disabled()
    problems.get_by_role("button", name="Go to cell").first.click()
    page.wait_for_function(
        """() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id === 'choose'"""
    )


def test_hostile_output_stays_text(page: Page, lab: "Lab") -> None:
    notebook = Path(lab.folder, "hostile.ipynb")
    notebook.write_text(HOSTILE)
    open_panel(page, lab, notebook.name)
    page.get_by_test_id("mlplat-run").click()
    latest = page.get_by_test_id("mlplat-latest-run")
    expect(latest).to_contain_text("Succeeded", timeout=RUN_MS)

    latest.get_by_role("button").first.click()
    page.locator("[data-task]").first.click()
    expect(page.get_by_test_id("mlplat-outputs")).to_contain_text("harmless")
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_test_id("mlplat-log")).to_contain_text("<img src=x onerror")

    assert page.evaluate("() => window.hacked") is None


HOSTILE = """{
 "nbformat": 4, "nbformat_minor": 5,
 "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
 "cells": [{"cell_type": "code", "id": "evil", "metadata": {}, "execution_count": null,
  "outputs": [], "source": "from IPython.display import HTML, Javascript, display\\n\
print('<img src=x onerror=\\"window.hacked=1\\">')\\n\
display(Javascript('window.hacked=2'))\\n\
HTML('<b>harmless</b><img src=x onerror=\\"window.hacked=3\\"><script>window.hacked=4</script>')"}]
}
"""


def test_code_that_cannot_be_seen_is_observed_once_it_has_run(page: Page, lab: "Lab") -> None:
    cells = {
        "load": "%load_ext jupyter_mlplat\nx, name = [1], 'y'",
        "compute": "exec(f'{name} = x[0] + 1')",
        "show": "print(x, y)",
    }
    write_notebook(lab.folder / "unseen.ipynb", cells)
    open_panel(page, lab, "unseen.ipynb")
    unknown = page.get_by_role("button", name="Unknown to the compiler")
    expect(unknown).to_be_visible(timeout=60_000)
    edge = page.locator("[data-edge='compute→show']")
    expect(edge).to_have_attribute("data-proof", "assumed")

    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
        " === 'idle'"
    )
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")

    expect(unknown).to_have_count(0, timeout=60_000)
    expect(edge).to_have_attribute("data-proof", "observed")
    count = page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.widgets[2].model.executionCount"
    )
    assert count == 3  # asking the kernel leaves no trace
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    expect(unknown).to_be_visible(timeout=60_000)


def write_notebook(path: Path, cells: dict[str, str]) -> None:
    """Write a notebook of code cells by id, each a step of its own."""
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "cell_type": "code",
                "id": cell,
                "metadata": {"mlplat": {"step": cell}},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for cell, source in cells.items()
        ],
    }
    path.write_text(json.dumps(content))
