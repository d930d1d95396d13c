"""Someone asks which data made a model, follows a column, and draws it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.ui.test_panel import write_notebook

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

RUN_MS = 120_000
CELLS = {
    "load": "import pandas as pd\npatients = pd.DataFrame({'age': [40, 50, 60, 70], "
    "'sex': [0, 1, 0, 1], 'ill': [0, 0, 1, 1]})",
    "clean": "adults = patients[patients.age >= 18]",
    "train": "import jupyter_mlplat as mlplat\n"
    "from sklearn.linear_model import LogisticRegression\n"
    "model = LogisticRegression().fit(adults[['age', 'sex']], adults.ill)\n"
    "mlplat.log_model(model, '<b>risk</b>')",
}

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(400)]


def execute(page: Page, command: str, **arguments: str) -> None:
    page.evaluate(
        "([command, args]) => window.jupyterapp.commands.execute(command, args).then(() => null)",
        [command, arguments],
    )


def test_column_is_followed_to_the_model_in_tree_and_graph(page: Page, lab: "Lab") -> None:
    write_notebook(lab.folder / "risk.ipynb", CELLS)
    page.goto(lab.page_url("risk.ipynb"))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.get_by_role("tab", name="ML Platform").click()
    expect(page.get_by_test_id("mlplat-run")).to_be_enabled(timeout=60_000)
    page.get_by_test_id("mlplat-run").click()
    expect(page.get_by_test_id("mlplat-latest-run")).to_contain_text("Succeeded", timeout=RUN_MS)

    # Find the model, whose name stays text.
    page.get_by_role("tab", name="Lineage").click()
    page.get_by_test_id("mlplat-lineage-search").fill("risk</b>")
    page.locator("[data-subject]").filter(has_text="<b>risk</b>").click()
    tree = page.get_by_role("tree")
    root = tree.get_by_role("treeitem", name="Model, <b>risk</b>")
    expect(root).to_have_attribute("aria-expanded", "true")

    # The tree is walked by keyboard alone; what is not there yet is loaded.
    root.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    adults = tree.get_by_role("treeitem", name="Data, adults")
    expect(adults).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    expect(tree.get_by_role("treeitem", name="Data, patients")).to_be_visible()
    page.keyboard.press("Home")
    expect(root).to_be_focused()

    # A click on a column says how it got there.
    details = page.get_by_test_id("mlplat-lineage-details")
    details.get_by_role("button", name="age", exact=True).click()
    trace = page.get_by_test_id("mlplat-lineage-trace")
    expect(trace).to_contain_text("age in patients reached model <b>risk</b>")
    expect(trace).to_contain_text("through steps clean → train")

    # The graph draws the same and is there again after a reload.
    page.get_by_test_id("mlplat-lineage-graph").click()
    view = page.get_by_test_id("mlplat-lineage-view")
    cards = view.locator(".jp-mlplat-LineageCard")
    expect(cards).to_have_count(5, timeout=30_000)  # two steps back from the model
    details = view.get_by_test_id("mlplat-lineage-details")
    details.get_by_role("button", name="sex", exact=True).click()
    expect(view.get_by_test_id("mlplat-lineage-trace")).to_contain_text("sex in patients reached")
    expect(cards).to_have_count(6)
    expect(view.locator(".jp-mlplat-FlowNode[data-faded=true]")).to_have_count(1)  # load
    with page.expect_download() as download:
        view.get_by_role("button", name="SVG").click()
    drawing = Path(download.value.path()).read_text("utf-8")
    assert "&lt;b&gt;risk&lt;/b&gt;" in drawing
    assert "<b>" not in drawing
    with page.expect_download() as download:
        view.get_by_role("button", name="JSON").click()
    facts = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert {execution["name"] for execution in facts["executions"]} == set(CELLS)
    page.wait_for_timeout(1500)  # JupyterLab saves the layout one second after it changed
    page.goto(f"{lab.url}lab")
    expect(cards).to_have_count(5, timeout=60_000)

    # From a cell: where did it go?
    execute(page, "mlplat:where-used", cell="load", notebook=str(lab.folder / "risk.ipynb"))
    expect(tree.get_by_role("treeitem", name="Step, load")).to_be_visible()
    expect(tree.get_by_role("treeitem", name="Step, clean")).to_be_visible()
    assert page.evaluate("() => document.querySelector('.jp-mlplat-Panel b, svg b')") is None
