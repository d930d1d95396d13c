"""Marks on cells stay right while the notebook is scrolled, split, merged and undone."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.test_graph import write_book

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow]

CELLS = 60


def chip(page: Page, step: str) -> Locator:
    return page.locator(f".jp-mlplat-CellLabel-step[data-step='{step}']")


def scroll_to(page: Page, cell: int) -> None:
    page.evaluate(
        "index => window.jupyterapp.shell.currentWidget.content.scrollToItem(index, 'center')",
        cell,
    )


def execute(page: Page, command: str) -> None:
    page.evaluate("id => void window.jupyterapp.commands.execute(id)", command)


def test_marks_outlive_scrolling_in_a_windowed_notebook(page: Page, lab: "Lab") -> None:
    write_book(lab, "long.ipynb", {f"s{n}": f"x{n} = {n}\n" * 12 for n in range(CELLS)})
    saved = page.request.put(
        f"{lab.url}lab/api/settings/@jupyterlab/notebook-extension:tracker",
        headers={"Authorization": f"token {lab.token}"},
        data={"raw": '{"windowingMode": "full"}'},
    )
    assert saved.ok, saved.text()
    page.goto(lab.page_url("long.ipynb"))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    expect(chip(page, "s0")).to_be_visible(timeout=60_000)

    for _ in range(2):
        scroll_to(page, CELLS - 1)
        expect(chip(page, f"s{CELLS - 1}")).to_be_in_viewport()
        expect(chip(page, "s1")).not_to_be_in_viewport()
        scroll_to(page, 0)
        expect(chip(page, "s1")).to_be_in_viewport()
        expect(chip(page, "s1")).to_have_count(1)


def test_marks_follow_cells_that_are_split_merged_and_brought_back(page: Page, lab: "Lab") -> None:
    write_book(lab, "split.ipynb", {"load": "a = 1\nb = 2", "add": "c = a + b", "end": "d = c"})
    page.goto(lab.page_url("split.ipynb"))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    expect(chip(page, "end")).to_be_visible(timeout=60_000)
    cells = page.locator(".jp-Notebook .jp-Cell")
    marked = page.locator(".jp-Notebook .jp-Cell[data-mlplat-step='load']")

    # Both halves of a cell belong to its step; only the first has the chip.
    cells.first.locator(".cm-line").nth(1).click()
    page.keyboard.press("Home")
    execute(page, "notebook:split-cell-at-cursor")
    expect(cells).to_have_count(4)
    expect(marked).to_have_count(2)
    expect(chip(page, "load")).to_have_count(1)

    # The half takes the step of the cell it is merged with.
    execute(page, "notebook:merge-cell-below")
    expect(cells).to_have_count(3)
    expect(marked).to_have_count(1)

    execute(page, "notebook:undo-cell-action")
    expect(cells).to_have_count(4)
    expect(marked).to_have_count(2)
    execute(page, "notebook:undo-cell-action")
    expect(cells).to_have_count(3)
    expect(marked).to_have_count(1)
    for step in ("load", "add", "end"):
        expect(chip(page, step)).to_have_count(1)
