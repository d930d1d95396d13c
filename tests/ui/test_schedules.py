"""A notebook that runs by itself: planned in the panel, through deaths, with copies to open."""

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import PROGRAM, kill_engine

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(400)]

NAME = "beat.ipynb"
FIRES_MS = 90_000
SUCCEEDED = ".jp-mlplat-Firing[data-state=SUCCEEDED]"


def write_notebook(path: Path) -> None:
    def cell(name: str, source: str, *tags: str) -> dict[str, Any]:
        metadata = {"tags": list(tags)}
        return {
            **{"cell_type": "code", "id": name, "metadata": metadata, "source": source},
            **{"execution_count": None, "outputs": []},
        }

    cells = [
        cell("given", 'beat = "none"', "parameters"),
        cell("told", 'print(f"beat of {beat}")'),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    path.write_text(json.dumps({**document, "cells": cells}))


def firings(lab: "Lab") -> list[dict[str, Any]]:
    done = subprocess.run(
        [PROGRAM, "schedule", "show", "beat", "--json"],
        env=lab.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout)["firings"])


def test_planned_notebook_leaves_copies_that_open_although_engine_and_server_die(
    page: Page, lab: "Lab"
) -> None:
    write_notebook(lab.folder / NAME)
    page.goto(lab.page_url(NAME))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)

    # From the notebook's toolbar to a schedule: the form knows the notebook and its parameters.
    page.locator("[data-jp-item-name=mlplat-schedule]").locator("jp-button").click()
    form = page.get_by_test_id("mlplat-schedule-form")
    expect(form.locator("[data-parameter=beat]")).to_be_visible(timeout=60_000)
    form.locator("[data-parameter=beat]").fill("{{ fire_time:%H:%M:%S }}")
    form.locator("[name=cron]").fill("0 6 * * *")
    expect(form.get_by_role("list").locator("time")).to_have_count(5, timeout=20_000)
    form.locator("[name=cron]").fill("*/7 * * * * *")  # six fields: the second comes first
    expect(form).to_contain_text("second", timeout=20_000)
    form.get_by_role("button", name="Create schedule").click()

    done = page.locator(SUCCEEDED)
    expect(done.first).to_be_visible(timeout=FIRES_MS)
    kill_engine(lab)
    before = done.count()
    lab.stop()
    lab.start()
    page.goto(lab.page_url(NAME))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.evaluate(
        "() => void window.jupyterapp.commands.execute("
        "'mlplat:open-schedule', { schedule: 'beat' })"
    )
    expect(done.nth(before)).to_be_visible(timeout=FIRES_MS)

    # The executed copy opens, with what the notebook printed and the time it was given.
    done.first.get_by_role("button", name="Executed notebook").click()
    copy = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(copy).to_contain_text("beat of ", timeout=30_000)
    expect(copy).not_to_contain_text("beat of none")
    done.first.get_by_role("button", name="Page", exact=True).click()
    page_of_run = page.locator(".jp-HTMLViewer:not(.lm-mod-hidden) iframe").content_frame
    expect(page_of_run.locator("body")).to_contain_text("beat of ", timeout=30_000)

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    time.sleep(1)
    planned = [(one["planned_at"], one["row"]) for one in firings(lab) if one["state"] != "MISSED"]
    assert len(planned) == len(set(planned)) > 1
    page.get_by_role("button", name="Back to all schedules").click()
    row = page.locator("[data-schedule=beat]")
    expect(row).to_contain_text("Paused")

    row.click()
    page.get_by_role("button", name="Delete this schedule").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No schedules yet")).to_be_visible()
