"""What `%mlplat` displays in JupyterLab: live, right after a reload, and without its kernel."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow]

START_MS = 60_000
STEPS = {
    "load": "rows = [3, 1, 2]",
    "train": (
        "import time, jupyter_mlplat\nfrom pathlib import Path\n"
        "for epoch in range(600):\n"
        "    jupyter_mlplat.log_metric('loss', 1 / (epoch + 1), step=epoch)\n"
        "    time.sleep(0.1)\n"
        "    if Path('go-on').exists(): break"
    ),
}
CELLS = {
    "show": "%load_ext jupyter_mlplat\n%mlplat run work.ipynb --no-wait",
    "list": "%mlplat runs",
}


def write_notebook(path: Path, cells: dict[str, str]) -> None:
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


def test_run_is_followed_reloaded_and_stays_without_its_kernel(page: Page, lab: "Lab") -> None:
    write_notebook(lab.folder / "work.ipynb", STEPS)
    write_notebook(lab.folder / "look.ipynb", CELLS)
    open_notebook(page, lab.page_url("look.ipynb"))
    wait_for_kernel(page)

    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    card = page.locator(".mlplat-Card[aria-label^='Run 1']")
    expect(card).to_be_visible(timeout=START_MS)
    state = card.locator(".mlplat-Card-state")
    expect(state).to_contain_text("running")
    expect(card).to_contain_text("loss")
    expect(card.get_by_role("row", name="load")).to_contain_text("succeeded")
    page.wait_for_timeout(1000)
    save(page)

    # After a reload it is there again and goes on; then its end is seen in both cards.
    open_notebook(page, f"{lab.url}lab/tree/look.ipynb")
    expect(state).to_contain_text("running", timeout=20_000)
    (lab.folder / "go-on").touch()
    expect(state).to_contain_text("succeeded", timeout=START_MS)
    runs = page.locator(".mlplat-Card[aria-label='Runs']")
    expect(runs).to_contain_text("succeeded")
    card.get_by_role("button", name="Open in panel").click()
    panel = page.locator("#jp-mlplat-panel")
    expect(panel.get_by_text("Succeeded").first).to_be_visible()
    save(page)

    # Without its kernel the last state stands.
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.goto("about:blank")
    open_notebook(page, f"{lab.url}lab/tree/look.ipynb")
    for output in page.locator(".jp-OutputArea-output").all():
        expect(output).to_contain_text("✓ succeeded")
        expect(output).not_to_contain_text(re.compile("running|Error"))


def open_notebook(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=START_MS)


def wait_for_kernel(page: Page) -> None:
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
        " === 'idle'",
        timeout=START_MS,
    )


def save(page: Page) -> None:
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
    page.wait_for_timeout(1500)  # JupyterLab saves the layout one second after it changed
