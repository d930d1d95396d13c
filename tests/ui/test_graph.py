"""A user's story with graphs: opened by any path, and an edge leads to its two cells."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

CELLS = {"load": "rows = [1, 2, 3]", "note": "1 + 1", "add": "total = sum(rows)"}

pytestmark = [pytest.mark.ui, pytest.mark.slow]


def write_book(lab: "Lab", name: str, cells: dict[str, str], **metadata: Any) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": [
            {
                "cell_type": "code",
                "id": cell,
                "metadata": metadata.get(cell, {"mlplat": {"step": cell}}),
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for cell, source in cells.items()
        ],
    }
    (lab.folder / name).write_text(json.dumps(book))


def open_view(page: Page, notebook: str) -> None:
    page.evaluate(
        "args => window.jupyterapp.commands.execute('mlplat:open-view', args)",
        {"view": "pipeline", "notebook": notebook},
    )


def test_the_graph_of_a_closed_notebook_opens_by_either_path_or_says_why_not(
    page: Page, lab: "Lab"
) -> None:
    write_book(lab, "closed.ipynb", CELLS)
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_selector(".jp-Launcher", timeout=60_000)

    open_view(page, "./closed.ipynb")
    expect(page.locator("[data-node=add]")).to_be_visible(timeout=30_000)
    open_view(page, str(lab.folder / "closed.ipynb"))
    expect(page.get_by_role("tab", name="Graph of closed.ipynb")).to_have_count(1)

    open_view(page, "gone.ipynb")
    expect(page.get_by_text("There is no notebook gone.ipynb")).to_be_visible(timeout=30_000)
    open_view(page, "/etc/gone.ipynb")
    expect(page.get_by_text("it lies outside")).to_be_visible()


def test_an_edge_tells_why_it_is_there_and_shows_its_two_cells(page: Page, lab: "Lab") -> None:
    write_book(lab, "edges.ipynb", CELLS)
    page.goto(lab.page_url("edges.ipynb"))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.get_by_role("tab", name="ML Platform").click()
    edge = page.locator("[data-edge='load→add']")
    expect(edge).to_be_visible(timeout=60_000)
    expect(edge.locator("title")).to_contain_text("rows: proved. rows is bound in cell 1, and read")

    edge.dispatch_event("click")

    cells = page.locator(".jp-Notebook .jp-Cell")
    expect(cells.nth(2)).to_contain_class("jp-mod-active")
    expect(cells.nth(2)).to_contain_class("jp-mlplat-flash")
    expect(cells.nth(0)).to_contain_class("jp-mlplat-flash")
