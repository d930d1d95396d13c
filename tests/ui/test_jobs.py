"""From a notebook to a train job and a tuning job, begun in the panel, watched, and registered."""

import importlib.util
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import kill_engine
from tests.ui.tour import PANEL

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(400)]

ENDS_MS = 240_000
ENDED = re.compile("Succeeded|Failed")
SHOWN_MS = 20_000
TRAIN = "descend.ipynb"
TUNE = "forest.ipynb"
CARDS = "cards.ipynb"
SESSION = "window.jupyterapp.shell.currentWidget.sessionContext"
CELLS = {
    TRAIN: {
        "parameters": "epochs = 3",
        "train": (
            "import os, time, jupyter_mlplat as mlplat\n"
            "rank = os.environ.get('RANK', '0')\n"
            "print(f'I am rank {rank}')\n"
            "for epoch in range(epochs):\n"
            "    time.sleep(0.2)\n"
            "    mlplat.train.report(\n"
            "        step=epoch, metrics={'loss': 1 / (epoch + 1)}, progress=(epoch + 1) / epochs\n"
            "    )\n"
            "(mlplat.train.checkpoint_dir() / f'epoch-{epochs}.txt').write_text('done')"
        ),
    },
    TUNE: {
        "parameters": "depth = 3\nleaves = 0.1",
        "fit": (
            "import jupyter_mlplat as mlplat\n"
            "from sklearn.datasets import load_iris\n"
            "from sklearn.tree import DecisionTreeClassifier\n"
            "x, y = load_iris(return_X_y=True)\n"
            "tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaves).fit(x, y)\n"
            "mlplat.log_metric('accuracy', tree.score(x, y))\n"
            "mlplat.log_model(tree, 'tree', input_example=x[:1].tolist())"
        ),
    },
    CARDS: {
        "load": "%load_ext jupyter_mlplat",
        "wait": (
            "%%mlplat tune --trials 3 --no-wait x=int(1,3) --maximize y\n"
            "import os, time\n"
            "while not os.path.exists('go-' + os.environ['MLPLAT_TRIAL']):\n"
            "    time.sleep(0.05)\n"
            "y = x"
        ),
    },
}


def write_notebook(path: Path) -> None:
    def cell(name: str, source: str) -> dict[str, Any]:
        metadata = {"tags": [name]} if name == "parameters" else {"mlplat": {"step": name}}
        return {
            **{"cell_type": "code", "id": name, "metadata": metadata, "source": source},
            **{"execution_count": None, "outputs": []},
        }

    cells = [cell(name, source) for name, source in CELLS[path.name].items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    path.write_text(json.dumps({**document, "cells": cells}))


def open_lab(page: Page, lab: "Lab", notebook: str, section: str) -> None:
    write_notebook(lab.folder / notebook)
    page.goto(lab.page_url(notebook))
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.evaluate(
        "section => void window.jupyterapp.commands.execute('mlplat:open', { section })", section
    )
    page.locator(f"{PANEL} [data-section='{section}'][aria-selected=true]").wait_for()


def begin(page: Page, when_empty: str) -> None:
    """Ask for the form of a new job, whether there are some already or not."""
    name = re.compile(f"^({when_empty}|New)$")
    page.locator(PANEL).get_by_role("button", name=name).click(timeout=SHOWN_MS)


def test_step_is_trained_by_two_processes_and_found_again_after_a_reload(
    page: Page, lab: "Lab"
) -> None:
    open_lab(page, lab, TRAIN, "training")
    begin(page, "Train a notebook")
    form = page.get_by_test_id("mlplat-train-form")
    expect(form.locator("[name=path]")).to_have_value(TRAIN)
    form.locator("[name=source]").select_option("notebook")
    expect(form.get_by_role("button", name="Parameters")).to_be_visible(timeout=SHOWN_MS)
    form.get_by_role("button", name="Parameters").click()
    form.locator("[data-parameter=epochs]").fill("many")
    expect(form.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    form.locator("[data-parameter=epochs]").fill("4")
    form.locator("[name=runtime]").fill("plain")
    form.locator("[name=processes]").fill("2")
    steps = form.locator("[name=step]")
    if steps.count():
        steps.select_option("train")
    form.get_by_role("button", name="Train", exact=True).click()

    job = page.get_by_test_id("mlplat-training")
    expect(job.get_by_role("status").first).to_contain_text("Succeeded", timeout=ENDS_MS)
    ranks = page.get_by_test_id("mlplat-ranks")
    expect(ranks.locator("[data-state=succeeded]")).to_have_count(2, timeout=SHOWN_MS)
    ranks.locator("[data-rank='1']").click()
    expect(page.get_by_test_id("mlplat-log")).to_contain_text("I am rank 1", timeout=SHOWN_MS)
    expect(page.get_by_test_id("mlplat-curves")).to_contain_text("loss")
    expect(page.get_by_test_id("mlplat-curves")).to_contain_text("0.25")

    page.get_by_role("button", name="Open in the main area").click()
    main = page.locator(".jp-mlplat-Main:visible")
    expect(main).to_contain_text("Train job 1", timeout=SHOWN_MS)
    page.wait_for_timeout(1500)  # the layout is saved
    page.goto(f"{lab.url}lab?token={lab.token}")
    expect(main).to_contain_text("Train job 1", timeout=60_000)


def test_card_of_a_job_stays_right_through_reload_engine_and_kernel(page: Page, lab: "Lab") -> None:
    write_notebook(lab.folder / CARDS)
    page.goto(lab.page_url(CARDS))
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_function(f"() => {SESSION}.session?.kernel?.status === 'idle'", timeout=60_000)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    card = page.locator(".mlplat-Card[aria-label^='Tuning job']")
    expect(card).to_contain_text("0 of 3", timeout=60_000)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
    page.wait_for_timeout(1500)  # the layout is saved

    page.goto(f"{lab.url}lab/tree/{CARDS}")
    expect(card).to_contain_text("0 of 3", timeout=60_000)
    (lab.folder / "go-1").touch()
    expect(card).to_contain_text("1 of 3", timeout=60_000)

    kill_engine(lab)
    (lab.folder / "go-2").touch()
    expect(card).to_contain_text("2 of 3", timeout=60_000)

    page.evaluate(f"() => {SESSION}.session.kernel.restart()")
    output = page.locator(".jp-OutputArea-output").filter(has_text="Tuning job")
    expect(card).to_have_count(0, timeout=SHOWN_MS)
    expect(output).to_contain_text("2 of 3")
    (lab.folder / "go-3").touch()
    expect(output).to_contain_text("succeeded", timeout=60_000)
    expect(output).to_contain_text("3 of 3")
    output.get_by_role("button", name="Open in panel").click()
    expect(page.locator(PANEL)).to_contain_text("3 of 3", timeout=SHOWN_MS)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")
    assert "succeeded" in (lab.folder / CARDS).read_text()


@pytest.mark.parametrize(
    ("notebook", "step", "said"),
    [
        pytest.param(
            "02-distributed-training.ipynb",
            "digits",
            "test_accuracy",
            marks=pytest.mark.skipif(
                importlib.util.find_spec("torch") is None, reason="torch is not installed"
            ),
        ),
        ("03-tuning.ipynb", "tumour-search", "test_auc"),
    ],
)
def test_example_runs_from_the_panel_with_its_job_as_a_step(
    page: Page, lab: "Lab", notebook: str, step: str, said: str
) -> None:
    page.goto(lab.page_url(notebook))
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.evaluate("() => void window.jupyterapp.commands.execute('mlplat:open')")
    expect(page.locator(f".jp-mlplat-Graph [data-step='{step}']")).to_be_visible(timeout=60_000)
    page.get_by_test_id("mlplat-run").click()
    latest = page.get_by_test_id("mlplat-latest-run")
    expect(latest).to_contain_text(ENDED, timeout=ENDS_MS)
    expect(latest).to_contain_text("Succeeded")

    page.get_by_role("tab", name="Runs").click()
    page.locator("[data-run]").first.click(timeout=SHOWN_MS)
    expect(page.locator(PANEL)).to_contain_text(said, timeout=SHOWN_MS)


def test_notebook_is_tuned_and_its_best_model_registered(page: Page, lab: "Lab") -> None:
    open_lab(page, lab, TUNE, "tuning")
    begin(page, "Tune a notebook")
    form = page.get_by_test_id("mlplat-tune-form")
    form.get_by_role("button", name="depth", exact=True).click(timeout=SHOWN_MS)
    depth = form.locator(".jp-mlplat-Dimension[data-parameter=depth]")
    depth.locator("[data-field=minimum]").fill("9")
    depth.locator("[data-field=maximum]").fill("8")
    expect(depth).to_contain_text("The end lies below the beginning.")
    depth.locator("[data-field=minimum]").fill("1")
    form.locator("[name=metric]").fill("accuracy")
    form.locator("[name=trials]").fill("6")
    form.locator("[name=algorithm]").select_option("random")
    form.get_by_role("button", name="Tune", exact=True).click()

    job = page.get_by_test_id("mlplat-tuning")
    expect(job.get_by_role("status").first).to_contain_text("Succeeded", timeout=ENDS_MS)
    expect(page.get_by_test_id("mlplat-trial-counts")).to_contain_text("6 of 6 done")
    table = page.get_by_test_id("mlplat-trials")
    expect(table.locator("[data-trial]")).to_have_count(6)
    table.get_by_role("columnheader", name="accuracy").get_by_role("button").click()
    table.locator("[data-trial]").first.click()
    expect(page.get_by_test_id("mlplat-trial")).to_contain_text("depth")
    expect(page.get_by_test_id("mlplat-parallel")).to_be_visible()

    page.get_by_role("button", name="Register best").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("iris-tree")
    dialog.get_by_role("button", name="Register").click()
    expect(page.get_by_test_id("mlplat-model")).to_contain_text("accuracy", timeout=SHOWN_MS)

    page.evaluate("() => void window.jupyterapp.commands.execute('mlplat:open-tuning')")
    page.get_by_role("button", name="Re-run best").click()
    expect(page.get_by_test_id("mlplat-trial-counts")).to_contain_text(
        "1 of 1 done", timeout=ENDS_MS
    )
