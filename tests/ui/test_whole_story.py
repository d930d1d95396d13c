"""A fresh notebook to a served model and back, with what may die dying meanwhile."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import PROGRAM

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(500)]

NAME = "irises.ipynb"
RUN_MS = 120_000
CELLS = {
    "imports": """\
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

import jupyter_mlplat as mlplat""",
    "parameters": "strength = 1.0\nseed = 3",
    "load": "data = load_iris(as_frame=True)\nirises, species = data.data, data.target",
    "split": """\
train, test, known, asked = train_test_split(irises, species, random_state=seed)
train.describe()""",
    "fit": """\
import time

time.sleep(2)  # long enough to be in the middle of
model = LogisticRegression(C=strength, max_iter=500).fit(train, known)""",
    "judge": """\
accuracy = mlplat.log_metric("accuracy", model.score(test, asked))
for step in range(1, 6):
    mlplat.log_metric("loss", 1 / step, step=step)
mlplat.log_model(model, "iris", input_example=test.head(2))
accuracy""",
}


def write_notebook(path: Path) -> None:
    cells = [
        {
            "cell_type": "code",
            "id": name,
            "metadata": {"tags": ["parameters"]} if name == "parameters" else {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for name, source in CELLS.items()
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content))


def count_clicks(page: Page) -> None:
    page.evaluate("""() => {
        window.clicks = 0;
        document.addEventListener('click', event => { window.clicks += event.isTrusted; }, true);
    }""")


def edit_cell(page: Page, cell: str, old: str, new: str) -> None:
    page.evaluate(
        """([path, cell, old, now]) => {
            const widgets = [...window.jupyterapp.shell.widgets('main')];
            const panel = widgets.find(widget => widget.context?.path === path);
            const found = panel.content.widgets.find(widget => widget.model.id === cell);
            const source = found.model.sharedModel.getSource();
            if (!source.includes(old)) throw new Error(`no ${old} in ${source}`);
            found.model.sharedModel.setSource(source.replace(old, now));
        }""",
        [NAME, cell, old, new],
    )


def show(page: Page, section: str) -> Locator:
    page.locator(f"[data-section={section}]").click()
    return page.locator("#jp-mlplat-panel")


def kill_engine(lab: "Lab") -> None:
    done = subprocess.run(
        [PROGRAM, "engine", "status", "--json"],
        env=lab.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    os.kill(json.loads(done.stdout)["engine"]["pid"], signal.SIGKILL)


def test_notebook_becomes_a_served_model_although_engine_and_server_die(
    page: Page, lab: "Lab"
) -> None:
    write_notebook(lab.folder / NAME)
    page.goto(lab.page_url(NAME))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)

    # Two clicks from a fresh notebook to a running pipeline.
    count_clicks(page)
    page.get_by_role("tab", name="ML Platform").click()
    graph = page.locator(".jp-mlplat-Graph")
    expect(graph.get_by_role("option")).not_to_have_count(0, timeout=60_000)
    page.get_by_test_id("mlplat-run").click()
    latest = page.get_by_test_id("mlplat-latest-run")
    expect(latest).to_contain_text("Run 1", timeout=RUN_MS)
    assert page.evaluate("() => window.clicks") == 2

    # The engine dies in the middle; another one finishes what it had begun.
    expect(graph.locator("[data-state='RUNNING']").first).to_be_visible(timeout=RUN_MS)
    kill_engine(lab)
    expect(latest).to_contain_text("Succeeded", timeout=RUN_MS)

    # A failure, mended where it is, and gone on from there.
    edit_cell(page, "judge", "model.score(test, asked)", "model.score(test)")
    page.get_by_test_id("mlplat-run").click()
    expect(latest).to_contain_text("Run 2")
    failure = page.get_by_test_id("mlplat-failure")
    expect(failure).to_contain_text("TypeError", timeout=RUN_MS)
    edit_cell(page, "judge", "model.score(test)", "model.score(test, asked)")
    failure.get_by_role("button", name="Retry from here").click()
    expect(latest).to_contain_text("Succeeded", timeout=RUN_MS)

    # The server goes and comes back; the panel is as it was.
    show(page, "runs")
    lab.stop()
    expect(page.get_by_text("Engine does not answer")).to_be_visible(timeout=60_000)
    lab.start()
    page.goto(f"{lab.url}lab?token={lab.token}")
    panel = page.locator("#jp-mlplat-panel")
    expect(panel.get_by_role("heading", name="Runs")).to_be_visible(timeout=60_000)
    rows = panel.get_by_role("list", name="Runs").get_by_role("listitem")
    expect(rows).to_have_count(2, timeout=60_000)
