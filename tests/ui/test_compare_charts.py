"""Runs side by side as bars and as points, drawn by JupyterLab's own Vega-Lite."""

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import PROGRAM
from tests.ui.test_graph import write_book

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow]

CELLS = {"given": "rate = 0.1", "train": "accuracy = 1 - rate\nloss = rate * rate"}


def run(lab: "Lab", rate: float) -> str:
    """Run the notebook with a rate of its own; return the run's id."""
    done = subprocess.run(
        [PROGRAM, "run", "rates.ipynb", "-p", f"rate={rate}", "--json"],
        cwd=lab.folder,
        env=lab.environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return str(json.loads(done.stdout)["run"]["id"])


def test_metrics_of_runs_are_bars_and_one_number_is_set_against_another(
    page: Page, lab: "Lab"
) -> None:
    metadata = {"train": {"mlplat": {"step": "train", "metrics": ["accuracy", "loss"]}}}
    write_book(lab, "rates.ipynb", CELLS, given={"tags": ["parameters"]}, **metadata)
    runs = [run(lab, rate) for rate in (0.1, 0.2, 0.4)]
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_selector(".jp-Launcher", timeout=60_000)

    page.evaluate("runs => window.jupyterapp.commands.execute('mlplat:compare-runs', {runs})", runs)
    charts = page.get_by_test_id("mlplat-compare-charts")
    drawn = charts.locator(".vega-embed svg").first
    expect(drawn).to_contain_text("accuracy", timeout=60_000)
    expect(drawn).to_contain_text("loss")

    charts.get_by_label("Kind of chart").select_option("points")
    charts.get_by_label("Across").select_option("parameter rate")
    charts.get_by_label("Up").select_option("metric loss")
    expect(drawn).to_contain_text("rate")
    expect(drawn).to_contain_text("#3")

    charts.locator(".vega-embed summary").click()
    expect(charts.get_by_text("Save as SVG")).to_be_visible()
    expect(charts.get_by_text("Open in Vega Editor")).to_have_count(0)
