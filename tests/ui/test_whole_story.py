"""A fresh notebook to a served model and back, with what may die dying meanwhile."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import kill_engine

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
    page.wait_for_timeout(2_000)  # JupyterLab saves its state a second after it has changed
    lab.stop()
    expect(page.get_by_text("Engine does not answer")).to_be_visible(timeout=60_000)
    lab.start()
    page.goto(f"{lab.url}lab?token={lab.token}")
    panel = page.locator("#jp-mlplat-panel")
    expect(panel.get_by_role("heading", name="Runs", exact=True)).to_be_visible(timeout=60_000)
    rows = panel.get_by_role("list", name="Runs").get_by_role("listitem")
    expect(rows).to_have_count(2, timeout=60_000)

    # Another strength, and both beside each other.
    show(page, "pipeline")
    expect(graph.get_by_role("option")).not_to_have_count(0, timeout=60_000)
    panel.get_by_label("strength").fill("0.01")
    page.get_by_test_id("mlplat-run").click()
    expect(latest).to_contain_text("Run 3")
    expect(latest).to_contain_text("Succeeded", timeout=RUN_MS)
    show(page, "runs")
    panel.get_by_role("button", name="Choose runs to compare or delete").click()
    panel.get_by_role("checkbox", name="Choose run 2").check()
    panel.get_by_role("checkbox", name="Choose run 3").check()
    panel.get_by_role("button", name="Compare").click()
    comparison = page.locator(".jp-mlplat-Main").last
    expect(comparison).to_contain_text("strength", timeout=30_000)
    expect(comparison).to_contain_text("best")

    # The better one becomes the champion, the other its challenger, both at one address.
    for run, alias in ((2, "champion"), (3, "challenger")):
        register(page, run, alias)
    deploy(page, "champion", None)
    deploy(page, "challenger", 20)
    share = panel.get_by_role("spinbutton", name="Percent for Revision 2")
    expect(share).to_have_value("20", timeout=60_000)

    # Try it; move the traffic; go back.
    panel.get_by_role("button", name="Send").click()
    expect(page.get_by_test_id("mlplat-prediction")).to_contain_text("Answered by", timeout=30_000)
    share.fill("50")
    page.get_by_test_id("mlplat-apply-traffic").click()
    expect(panel.get_by_text("Traffic moved.")).to_be_visible(timeout=30_000)
    panel.get_by_role("button", name="Roll back").click()
    expect(share).to_have_value("20", timeout=30_000)

    # Where it all came from.
    show(page, "lineage")
    panel.get_by_role("button", name="iris/1").click()
    tree = panel.get_by_role("tree")
    expect(tree).to_contain_text("cell-6", timeout=30_000)
    page.get_by_test_id("mlplat-lineage-graph").click()
    expect(page.get_by_test_id("mlplat-lineage-view")).to_contain_text("irises", timeout=60_000)


def register(page: Page, run: int, alias: str) -> None:
    """Make a version of the run's model, from the Models section."""
    panel = show(page, "models")
    back = panel.get_by_role("button", name="Back to all models")
    if back.is_visible():
        back.click()
    page.get_by_test_id("mlplat-register").click()
    form = page.get_by_test_id("mlplat-register-form")
    choice = form.get_by_label("Run").locator("option", has_text=f"#{run} ").get_attribute("value")
    form.get_by_label("Run").select_option(choice)
    form.get_by_label("Name").fill("iris")
    form.get_by_role("checkbox", name=alias).check()
    form.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_test_id("mlplat-model")).to_contain_text(alias, timeout=30_000)


def deploy(page: Page, alias: str, percent: int | None) -> None:
    """Serve the version with this alias; beside the others, a share of the traffic is for it."""
    panel = show(page, "endpoints")
    panel.get_by_role("button", name="Deploy").first.click()
    form = page.get_by_test_id("mlplat-deploy-form")
    form.get_by_label("Model", exact=True).select_option("iris")
    version = form.get_by_label("Version", exact=True)
    version.select_option(version.locator("option", has_text=alias).get_attribute("value"))
    if percent is not None:
        form.get_by_label("Percent for the new revision").fill(str(percent))
    form.get_by_role("button", name=re.compile("^Deploy")).click()
    expect(page.get_by_test_id("mlplat-endpoint")).to_contain_text("Ready", timeout=60_000)
