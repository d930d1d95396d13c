"""Runs among many: found, chosen, compared, noted, linked to, cloned."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.panel.history import fill
from tests.ui.conftest import Lab

RUNS = 1200
SOON_MS = 20_000

pytestmark = [pytest.mark.ui, pytest.mark.slow]


@pytest.fixture(scope="module")
def history(lab: Lab) -> None:
    """Runs of the past, written before the engine first starts."""
    fill(Path(lab.environment["MLPLAT_HOME"]), RUNS)


def open_runs(page: Page, lab: Lab, query: str = "&reset") -> None:
    page.goto(f"{lab.url}lab?token={lab.token}{query}")
    page.wait_for_function("() => window.jupyterapp?.restored")
    page.evaluate("() => window.jupyterapp.restored")
    if query == "&reset":  # an empty main area gets a launcher later, and that takes the focus
        expect(page.locator(".jp-Launcher")).to_be_focused(timeout=SOON_MS)
    page.evaluate("() => window.jupyterapp.commands.execute('mlplat:open', { section: 'runs' })")


@pytest.mark.usefixtures("history")
def test_a_run_among_many_is_found_compared_and_kept(page: Page, lab: Lab) -> None:
    open_runs(page, lab)
    rows = page.locator("[data-run]")
    expect(rows.first).to_contain_text(f"#{RUNS}", timeout=SOON_MS)
    expect(page.get_by_text("1,200 runs")).to_be_visible()

    rows.first.focus()
    page.keyboard.press("End")
    focused = page.locator("[data-run]:focus")
    expect(focused).to_have_attribute("data-index", str(RUNS - 1), timeout=SOON_MS)
    assert rows.count() < 60

    page.get_by_label("Filter runs").press_sequentially("tag:stage=prod ")
    expect(page.get_by_text(re.compile(r"^\d+ runs match$"))).to_be_visible()
    expect(page.get_by_label("Tags asked for")).to_have_text("stage=prod")

    page.get_by_label("Choose runs to compare or delete").click()
    rows.nth(0).click()
    rows.nth(2).click(modifiers=["Shift"])
    page.get_by_role("button", name="Compare").click()
    table = page.locator(".jp-mlplat-Comparison-table")
    expect(table.locator("thead th")).to_have_count(3)
    expect(table).to_contain_text("accuracy")

    page.wait_for_timeout(1500)  # JupyterLab saves its layout a second after a change
    open_runs(page, lab, "")
    expect(table.locator("thead th")).to_have_count(3, timeout=SOON_MS)


@pytest.mark.usefixtures("history")
def test_a_note_a_link_and_a_clone(page: Page, lab: Lab, browser: Browser) -> None:
    open_runs(page, lab)
    page.locator("[data-run]").nth(1).click(timeout=SOON_MS)

    page.get_by_label("Write a note").click()
    page.keyboard.type("<img src=x onerror=alert(1)> best")
    page.keyboard.press("Control+Enter")
    page.get_by_label("Add a tag").click()
    page.keyboard.type("kept=yes")
    page.keyboard.press("Enter")
    notes = page.locator(".jp-mlplat-Notes")
    expect(notes).to_contain_text("<img src=x onerror=alert(1)> best")
    expect(notes.get_by_label("Tags", exact=True)).to_contain_text("kept=yes")

    run = page.evaluate(
        "() => window.jupyterapp.commands.execute('mlplat:copy-run-link').then(() =>"
        " fetch('/mlplat/api/v1/runs?tags=' + encodeURIComponent('{\"kept\": \"yes\"}'))"
        ".then(answer => answer.json()).then(page => page.runs[0].id))"
    )
    other = browser.new_context().new_page()
    other.goto(f"{lab.url}lab?token={lab.token}&mlplat=run/{run}")
    expect(other.locator(".jp-mlplat-Notes")).to_contain_text("best", timeout=2 * SOON_MS)
    other.context.close()

    page.get_by_label("Run this code again with changes").click()
    form = page.locator(".jp-mlplat-CloneForm")
    form.get_by_label("alpha").fill("0.75")
    page.locator(".jp-Dialog").get_by_role("button", name="Run").click()
    title = page.get_by_role("heading", name=f"Run {RUNS + 1}")
    expect(title).to_be_visible(timeout=SOON_MS)
    page.locator("#jp-mlplat-panel").get_by_role("button", name="Parameters").click()
    expect(page.locator(".jp-mlplat-Facts")).to_contain_text("0.75")
