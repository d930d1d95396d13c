"""What of the platform works in Jupyter Notebook, where it is installed: `pip install notebook`."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.ui.conftest import Lab, serving

pytestmark = [pytest.mark.ui, pytest.mark.slow]

RUN_MS = 120_000


@pytest.fixture(scope="module")
def notebook() -> Iterator[Lab]:
    pytest.importorskip("notebook", reason="Jupyter Notebook is not installed")
    yield from serving("notebook", "JupyterNotebookApp")


def test_marks_toolbar_panel_and_views_work_in_notebook_7(notebook: Lab, browser: Browser) -> None:
    # No fixture `page`: an error of Notebook's own settings would count as ours.
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{notebook.url}notebooks/00-first-pipeline.ipynb?token={notebook.token}")
    chip = page.locator(".jp-mlplat-CellLabel-step[data-step='count']")
    expect(chip).to_be_visible(timeout=60_000)

    page.locator(".jp-NotebookPanel-toolbar [data-command='mlplat:run']").click()
    expect(chip.locator("[data-state=SUCCEEDED]")).to_be_visible(timeout=RUN_MS)

    page.evaluate("() => void window.jupyterapp.commands.execute('mlplat:open')")
    page.get_by_role("button", name="Open the graph in the main area").click()
    node = page.locator("[data-node=judge]")
    expect(node).to_be_visible(timeout=30_000)
    box = node.bounding_box()
    assert box is not None
    assert box["height"] > 10, "there is room for it below the notebook"
    page.context.close()
