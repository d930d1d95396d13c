"""Runs that are put away, and taken back."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.panel.history import fill
from tests.ui.conftest import Lab

SOON_MS = 20_000

pytestmark = [pytest.mark.ui, pytest.mark.slow]


def test_chosen_runs_are_archived_and_taken_back(page: Page, lab: Lab) -> None:
    fill(Path(lab.environment["MLPLAT_HOME"]), 12)
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_function("() => window.jupyterapp?.restored")
    page.evaluate("() => window.jupyterapp.restored")
    page.evaluate("() => window.jupyterapp.commands.execute('mlplat:open', { section: 'runs' })")
    rows = page.locator("[data-run]")
    expect(rows.first).to_contain_text("#12", timeout=SOON_MS)

    page.get_by_label("Choose runs to compare or delete").click()
    rows.nth(0).click()
    rows.nth(1).click()
    page.get_by_label("Archive the chosen runs").click()
    expect(rows.first).to_contain_text("#10", timeout=SOON_MS)

    page.get_by_label("State", exact=True).select_option("Archived")
    expect(rows).to_have_count(2, timeout=SOON_MS)
    expect(rows.first).to_contain_text("#12")
    page.get_by_label("Choose runs to compare or delete").click()
    rows.nth(0).click()
    page.get_by_label("Take the chosen runs out of the archive").click()
    expect(rows).to_have_count(1, timeout=SOON_MS)

    page.get_by_label("State", exact=True).select_option("Any state")
    expect(rows.first).to_contain_text("#12", timeout=SOON_MS)
