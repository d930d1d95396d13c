"""Forms: parameters of a run, settings of a step; and a step that is run alone."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.ui.test_graph import write_book

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow]

RUN_MS = 120_000
GIVEN = "n: int = 3  # how many\nkind: Literal['sum', 'mean'] = 'sum'\nnames = ['a']"
CELLS = {"given": GIVEN, "load": "rows = list(range(n))", "add": "total = sum(rows), kind"}


def open_book(page: Page, lab: "Lab", name: str) -> None:
    write_book(lab, name, CELLS, given={"tags": ["parameters"]})
    page.goto(lab.page_url(name))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.get_by_role("tab", name="ML Platform").click()
    expect(page.locator("[role=option][data-step='add']")).to_be_visible(timeout=60_000)


def set_source(page: Page, cell: int, source: str) -> None:
    page.evaluate(
        """([cell, source]) => window.jupyterapp.shell.currentWidget.content.widgets[cell]
            .model.sharedModel.setSource(source)""",
        [cell, source],
    )


def test_a_wrong_parameter_is_told_at_its_field_and_keeps_run_disabled(
    page: Page, lab: "Lab"
) -> None:
    open_book(page, lab, "form.ipynb")
    form = page.locator(".jp-mlplat-ParameterForm")
    number, run = form.get_by_role("spinbutton", name="n"), page.get_by_test_id("mlplat-run")

    number.fill("")
    form.get_by_role("textbox", name="names").fill("[1,")
    expect(form.get_by_role("alert")).to_have_text(
        ["Give a whole number.", 'Give a JSON value, such as [1, 2] or {"a": 1}.']
    )
    expect(run).to_be_disabled()
    assert form.get_by_role("combobox", name="kind").locator("option").all_inner_texts() == [
        "sum",
        "mean",
    ]

    number.fill("4")
    form.get_by_role("textbox", name="names").fill("[1]")
    form.get_by_role("combobox", name="kind").select_option("mean")
    run.click()
    latest = page.get_by_test_id("mlplat-latest-run")
    expect(latest).to_contain_text("Succeeded", timeout=RUN_MS)


def test_a_step_is_run_alone_on_what_the_ones_before_it_left(page: Page, lab: "Lab") -> None:
    open_book(page, lab, "alone.ipynb")
    page.locator("[role=option][data-step='add']").click()
    button, plan = page.get_by_test_id("mlplat-run-only"), page.get_by_test_id("mlplat-only-plan")
    expect(plan).to_contain_text("load must be computed first", timeout=20_000)
    expect(button).to_have_text("Run this and 1 before it")

    button.click()
    latest = page.get_by_test_id("mlplat-latest-run")
    expect(latest).to_contain_text("Succeeded", timeout=RUN_MS)
    expect(plan).to_have_text("Run only this: what it needs is in the cache.", timeout=20_000)
    set_source(page, 1, "rows = list(range(n + 1))")
    expect(plan).to_contain_text("load is taken as run", timeout=20_000)
    expect(button).to_have_text("Run only this")

    details = page.get_by_test_id("mlplat-step-details")
    details.get_by_role("button", name="Add a variable").click()
    page.keyboard.type("MODE")
    details.get_by_label("Value of MODE").fill("fast")
    details.get_by_label("Metrics").fill("total")
    details.get_by_role("button", name="Apply").click()
    saved = """() => window.jupyterapp.shell.currentWidget.content.widgets[2]
        .model.getMetadata('mlplat')"""
    page.wait_for_function(f"() => ({saved})()?.env?.MODE === 'fast'")
    assert page.evaluate(saved)["metrics"] == ["total"]
    page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.undo()")
    page.wait_for_function(f"() => ({saved})()?.env === undefined")
