"""Take a picture of every view in a real JupyterLab: `python -m tests.ui.pictures`.

To be looked at by a person. `--renew` puts those that the documentation shows into docs/images, the
rest lies in test-results/pictures. JupyterLab is started on a realistic state (`showcase.py`), then
on an empty one, then with an engine that fails. Not a test: pictures differ a little each time.
"""

import argparse
import io
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, Error, Locator, Page, Route, sync_playwright

from tests.ui import shown_servers
from tests.ui.conftest import CHROMIUM_FLAGS, ROOT, Lab, new_lab
from tests.ui.showcase import BROKEN, TUMOURS, Showcase, fill_showcase, traffic
from tests.ui.tour import PANEL, settle

IMAGES = ROOT / "docs" / "images"
WINDOW = {"width": 1440, "height": 900}
MAIN = ".jp-mlplat-Main:visible"
SLOW_MS = 60_000
PANEL_WIDTHS = {"narrow": 260, "wide": 700}
WINDOW_PANEL = 380
MOST_BYTES = 150_000
THEMES = {
    "light": "JupyterLab Light",
    "dark": "JupyterLab Dark",
    "contrast": "JupyterLab Dark High Contrast",
}
# What the documentation shows, each in the light theme and in the dark one.
KEPT = {
    *("notebook", "notebook-failure", "notebook-traceback", "notebook-step-editor", "widgets"),
    *("pipeline-menu", "pipeline-parameters-narrow", "pipeline-step-settings-narrow", "restore"),
    *("main-pipeline-step-wide", "main-run-graph-failed-wide", "main-run-failed-wide"),
    *("runs-narrow", "runs-wide", "runs-chosen-narrow", "run-failed-narrow", "run-outputs-narrow"),
    *("run-clone", "main-compare-wide", "main-run-log-wide", "model-narrow", "model-wide"),
    *("model-compared-wide", "model-delete", "empty-models-narrow", "endpoints-narrow"),
    *("endpoint-narrow", "endpoint-traffic-narrow", "endpoint-try-it-narrow", "main-endpoint-wide"),
    *("run-kfp-narrow", "schedules-narrow", "schedule-narrow", "schedule-form-wide"),
    *("lineage-narrow", "main-lineage-column-wide", "tour", "launcher"),
    *("training-narrow", "training-failed-narrow", "training-form-narrow", "main-training-wide"),
    *("tuning-form-narrow", "tuning-form-more-narrow", "main-tuning-wide"),
    "main-tuning-charts-wide",
    *("servers-narrow", "server-waiting-narrow", "server-form-wide"),
}
KEPT_LOOKS = ("light", "dark")
SECTIONS = (
    *("pipeline", "runs", "training", "tuning", "models", "endpoints", "lineage", "schedules"),
    "servers",
)

Clip = Literal["panel", "main", "window"]


class Stage:
    """A page with JupyterLab, and what there is to be shown on it."""

    def __init__(self, page: Page, lab: Lab, things: Showcase | None) -> None:
        self.page, self.lab, self.things = page, lab, things

    @property
    def show(self) -> Showcase:
        assert self.things is not None
        return self.things

    @property
    def panel(self) -> Locator:
        return self.page.locator(PANEL)

    @property
    def main(self) -> Locator:
        return self.page.locator(MAIN).last

    def open(self, notebook: str | None = TUMOURS) -> None:
        """Begin anew with one notebook as it was, or the launcher, and the panel."""
        if notebook == TUMOURS:
            shutil.copy(ROOT / "examples" / TUMOURS, self.lab.folder)
        place = "lab" if notebook is None else f"lab/tree/{notebook}"
        self.page.goto(f"{self.lab.url}{place}?token={self.lab.token}&reset")
        ready = ".jp-Launcher" if notebook is None else ".jp-Notebook .jp-Cell"
        self.page.wait_for_selector(ready, timeout=SLOW_MS)
        self.run("mlplat:open", section="pipeline")
        self.panel.wait_for()
        self.page.evaluate("() => document.activeElement?.blur()")  # no ring in pictures

    def run(self, command: str, **args: Any) -> None:
        self.page.evaluate(
            "([id, args]) => { void window.jupyterapp.commands.execute(id, args) }", [command, args]
        )

    def section(self, name: str) -> None:
        self.run("mlplat:open", section=name)
        self.panel.locator(f"[data-section='{name}'][aria-selected=true]").wait_for()
        settle(self.page)

    def link(self, link: str) -> None:
        self.run("mlplat:open-link", link=link)
        settle(self.page)

    def view(self, kind: str, **args: Any) -> None:
        """Open a view alone in the main area."""
        self.close_views()
        self.run("mlplat:open-view", view=kind, **args)
        self.main.wait_for(timeout=SLOW_MS)
        settle(self.page)
        self.page.wait_for_timeout(700)  # graphs arrange themselves

    def close_views(self) -> None:
        self.page.evaluate(
            """() => {
                for (const widget of [...window.jupyterapp.shell.widgets('main')]) {
                    if (widget.id.startsWith('jp-mlplat-view')) widget.close();
                }
            }"""
        )

    def press(self, name: str, root: Locator | None = None) -> None:
        """Press the first button, tab or option of that name."""
        base = root or self.panel
        base.locator("button, summary, [role=tab], [role=option], [role=treeitem]").filter(
            has_text=re.compile(name)
        ).or_(base.get_by_role("button", name=re.compile(name))).first.click(timeout=8000)
        settle(self.page)

    def unfold(self, name: str, root: Locator | None = None) -> None:
        fold = (root or self.panel).locator(".jp-mlplat-Fold-toggle").filter(has_text=name).first
        if fold.get_attribute("aria-expanded") != "true":
            fold.click(timeout=8000)
        settle(self.page)

    def see(self, target: Locator) -> None:
        target.first.scroll_into_view_if_needed(timeout=8000)
        self.page.wait_for_timeout(200)


Setup = Callable[[Stage], None]


@dataclass(frozen=True)
class Scene:
    """One view: how to get there, and what of the page is the picture."""

    name: str
    setup: Setup
    clip: Clip
    state: Literal["full", "empty", "error"]


SCENES: list[Scene] = []


def scene(
    name: str, clip: Clip = "panel", state: Literal["full", "empty", "error"] = "full"
) -> Callable[[Setup], Setup]:
    def add(setup: Setup) -> Setup:
        SCENES.append(Scene(name, setup, clip, state))
        return setup

    return add


# Pipeline


@scene("pipeline")
def _(stage: Stage) -> None:
    stage.open()
    stage.panel.locator("[data-step]").first.wait_for(timeout=SLOW_MS)
    settle(stage.page)


@scene("pipeline-step")
def _(stage: Stage) -> None:
    stage.panel.locator("[role=option][data-step='train-a-forest']").click()
    stage.see(stage.page.get_by_test_id("mlplat-step-details"))


@scene("pipeline-step-settings")
def _(stage: Stage) -> None:
    stage.see(stage.page.get_by_test_id("mlplat-step-details").get_by_label("Retries"))


@scene("pipeline-edge")
def _(stage: Stage) -> None:
    stage.panel.locator("[data-edge='load→clean']").focus()
    stage.page.keyboard.press("Enter")
    stage.see(stage.page.get_by_test_id("mlplat-edge-details"))


@scene("pipeline-parameters")
def _(stage: Stage) -> None:
    stage.page.keyboard.press("Escape")
    stage.unfold("Parameters")
    stage.see(stage.panel.get_by_label("trees"))


@scene("pipeline-problems")
def _(stage: Stage) -> None:
    stage.open(BROKEN)
    stage.panel.locator(".jp-mlplat-Fold").first.wait_for(timeout=SLOW_MS)
    settle(stage.page)


@scene("pipeline-menu", "window")
def _(stage: Stage) -> None:
    stage.open()
    step = stage.panel.locator("[role=option][data-step='split']")
    step.wait_for(timeout=SLOW_MS)
    settle(stage.page)
    step.click(button="right")


# Runs


@scene("runs")
def _(stage: Stage) -> None:
    stage.open()
    stage.section("runs")
    stage.panel.locator("[data-run]").first.wait_for()


@scene("runs-filtered")
def _(stage: Stage) -> None:
    stage.run("mlplat:filter-runs", text="tag:stage=prod", state="FAILED")
    stage.page.wait_for_timeout(900)


@scene("runs-none")
def _(stage: Stage) -> None:
    stage.run("mlplat:filter-runs", text="nothing is called so")
    stage.page.wait_for_timeout(900)


@scene("runs-chosen")
def _(stage: Stage) -> None:
    stage.run("mlplat:filter-runs", experiment="tumours")
    stage.page.wait_for_timeout(900)
    stage.run("mlplat:choose-runs")
    for index in (1, 2, 3):
        stage.panel.locator("[data-run]").nth(index).click()


@scene("run")
def _(stage: Stage) -> None:
    stage.run("mlplat:choose-runs", on=False)
    stage.run("mlplat:filter-runs")
    stage.link(f"run/{stage.show.best}")


@scene("run-outputs")
def _(stage: Stage) -> None:
    stage.run("mlplat:show-step", run=stage.show.best, step="evaluate")
    stage.page.wait_for_timeout(1200)
    stage.see(stage.page.get_by_test_id("mlplat-outputs"))


@scene("run-facts")
def _(stage: Stage) -> None:
    for fold in ("Metrics", "Parameters", "Values passed on"):
        stage.unfold(fold)
    stage.see(stage.panel.get_by_text("Values passed on"))


@scene("run-log")
def _(stage: Stage) -> None:
    stage.run("mlplat:show-step", run=stage.show.digits[1], step="train")
    settle(stage.page)
    stage.press("Log")
    stage.see(stage.page.get_by_test_id("mlplat-log"))


@scene("run-failed")
def _(stage: Stage) -> None:
    stage.link(f"run/{stage.show.failed}")


@scene("run-going-on")
def _(stage: Stage) -> None:
    stage.link(f"run/{stage.show.running}")


@scene("run-clone", "window")
def _(stage: Stage) -> None:
    stage.run("mlplat:clone-run", run=stage.show.best)
    stage.page.locator(".jp-mlplat-CloneForm").wait_for()


@scene("run-kfp")
def _(stage: Stage) -> None:
    stage.open()
    stage.link(f"run/{stage.show.kfp}")
    stage.run("mlplat:show-step", run=stage.show.kfp, step="metr")
    settle(stage.page)


# Jobs


@scene("training-jobs")
def _(stage: Stage) -> None:
    stage.open()
    stage.section("training")
    stage.panel.locator("[data-kind=train]").first.wait_for()


@scene("training")
def _(stage: Stage) -> None:
    stage.link(f"training/{stage.show.training}")


@scene("training-failed")
def _(stage: Stage) -> None:
    stage.link(f"training/{stage.show.broken_training}")
    stage.panel.locator("[data-rank='1']").click()
    settle(stage.page)


@scene("training-form")
def _(stage: Stage) -> None:
    stage.run("mlplat:new-training")
    stage.page.get_by_test_id("mlplat-train-form").wait_for()
    settle(stage.page)


@scene("tuning-jobs")
def _(stage: Stage) -> None:
    stage.section("tuning")
    stage.panel.locator("[data-kind=tune]").first.wait_for()


@scene("tuning")
def _(stage: Stage) -> None:
    stage.link(f"tuning/{stage.show.tuned}")


@scene("tuning-together")
def _(stage: Stage) -> None:
    stage.see(stage.panel.get_by_test_id("mlplat-importance"))


@scene("tuning-trial")
def _(stage: Stage) -> None:
    stage.panel.locator("[data-trial]").filter(has_text="0.9").first.click()
    stage.see(stage.page.get_by_test_id("mlplat-trial"))


@scene("tuning-form")
def _(stage: Stage) -> None:
    stage.run("mlplat:new-tuning")
    form = stage.page.get_by_test_id("mlplat-tune-form")
    form.get_by_role("button", name="trees", exact=True).click(timeout=SLOW_MS)
    settle(stage.page)


@scene("tuning-form-more")
def _(stage: Stage) -> None:
    form = stage.page.get_by_test_id("mlplat-tune-form")
    form.locator("[name=metric]").fill("auc")
    form.get_by_role("button", name="More").click(timeout=SLOW_MS)
    form.locator("[name=collector]").select_option("file")
    form.locator("[name=additional]").fill("loss")
    stage.unfold("Which value counts")
    stage.see(form.locator("[name=collector]"))


@scene("main-training", "main")
def _(stage: Stage) -> None:
    stage.view("training", run=stage.show.trained)
    other = stage.main.get_by_label("Draw another job with it")
    other.select_option(index=2)
    settle(stage.page)


@scene("main-tuning", "main")
def _(stage: Stage) -> None:
    stage.view("tuning", run=stage.show.tuned)


@scene("main-tuning-charts", "main")
def _(stage: Stage) -> None:
    stage.see(stage.main.get_by_test_id("mlplat-parallel"))


@scene("main-machine", "main")
def _(stage: Stage) -> None:
    stage.close_views()
    stage.run("mlplat:show-machine")
    stage.page.get_by_test_id("mlplat-machine").wait_for(timeout=SLOW_MS)
    stage.page.wait_for_timeout(1000)


# Schedules


@scene("schedules")
def _(stage: Stage) -> None:
    stage.open()
    stage.section("schedules")


@scene("schedule")
def _(stage: Stage) -> None:
    stage.run("mlplat:open-schedule", schedule="digits-weekdays")
    settle(stage.page)


@scene("schedule-form")
def _(stage: Stage) -> None:
    stage.run("mlplat:edit-schedule", schedule="digits-weekdays")
    stage.page.get_by_test_id("mlplat-schedule-form").wait_for()
    settle(stage.page)


# Models


@scene("models")
def _(stage: Stage) -> None:
    stage.open()
    stage.section("models")


@scene("model")
def _(stage: Stage) -> None:
    stage.link("model/tumour")


@scene("model-made-by")
def _(stage: Stage) -> None:
    stage.see(stage.page.get_by_test_id("mlplat-made-by"))


@scene("model-compared")
def _(stage: Stage) -> None:
    stage.link("model/tumour")
    for version in (1, 2):
        stage.panel.get_by_label(f"Compare version {version}").check()
    stage.see(stage.page.get_by_test_id("mlplat-compare"))


@scene("model-history")
def _(stage: Stage) -> None:
    stage.link("model/tumour")
    stage.unfold("Signature")
    stage.unfold("History")
    stage.see(stage.page.get_by_test_id("mlplat-history"))


@scene("model-register")
def _(stage: Stage) -> None:
    stage.run("mlplat:register-model", run=stage.show.good)
    stage.page.get_by_test_id("mlplat-register-form").wait_for()


@scene("model-delete", "window")
def _(stage: Stage) -> None:
    stage.page.keyboard.press("Escape")
    stage.run("mlplat:delete-model-version", model="tumour", version=3)
    stage.page.get_by_test_id("mlplat-impact").wait_for()


# Endpoints


@scene("endpoints")
def _(stage: Stage) -> None:
    stage.open()
    stage.section("endpoints")
    stage.page.wait_for_timeout(3000)  # the figures of the last seconds


@scene("endpoint")
def _(stage: Stage) -> None:
    stage.link("endpoint/tumour")
    stage.page.wait_for_timeout(4000)


@scene("endpoint-traffic")
def _(stage: Stage) -> None:
    slider = stage.panel.get_by_role("slider").last
    slider.focus()
    for _ in range(15):
        stage.page.keyboard.press("ArrowRight")


@scene("endpoint-try-it")
def _(stage: Stage) -> None:
    stage.press("Reset")
    form = stage.page.get_by_test_id("mlplat-try-it")
    form.get_by_role("button", name="Send").click()
    stage.page.get_by_test_id("mlplat-prediction").wait_for()
    stage.unfold("Ask it from a program")
    stage.see(stage.page.get_by_test_id("mlplat-prediction"))


@scene("endpoint-degraded")
def _(stage: Stage) -> None:
    stage.link("endpoint/triage")


@scene("endpoint-failed")
def _(stage: Stage) -> None:
    stage.link("endpoint/triage-batch")


@scene("endpoint-stopped")
def _(stage: Stage) -> None:
    stage.link("endpoint/digits-old")


@scene("endpoint-deploy")
def _(stage: Stage) -> None:
    stage.run("mlplat:deploy-model", model="tumour", version=4)
    stage.page.get_by_test_id("mlplat-deploy-form").wait_for()


# Lineage


@scene("lineage-search")
def _(stage: Stage) -> None:
    stage.open()
    stage.section("lineage")


@scene("lineage-found")
def _(stage: Stage) -> None:
    stage.page.get_by_test_id("mlplat-lineage-search").fill("tumour")
    stage.page.wait_for_timeout(1000)


@scene("lineage")
def _(stage: Stage) -> None:
    stage.run("mlplat:show-lineage", subject="model:tumour/3")
    stage.panel.get_by_role("tree").wait_for()
    settle(stage.page)


@scene("lineage-column")
def _(stage: Stage) -> None:
    stage.panel.get_by_role("treeitem", name="X_test").first.click()
    details = stage.page.get_by_test_id("mlplat-lineage-details")
    details.get_by_role("button", name="mean_area", exact=True).click()
    settle(stage.page)


# The main area


@scene("main-pipeline", "main")
def _(stage: Stage) -> None:
    stage.open()
    stage.view("pipeline", notebook=stage.show.notebook)
    stage.page.locator("[data-node]").first.wait_for()


@scene("main-pipeline-step", "main")
def _(stage: Stage) -> None:
    stage.main.locator("[data-node='split']").click()
    stage.page.wait_for_timeout(600)


@scene("main-pipeline-list", "main")
def _(stage: Stage) -> None:
    stage.page.get_by_test_id("mlplat-graph-list").click()


@scene("main-run-graph", "main")
def _(stage: Stage) -> None:
    stage.view("run-graph", run=stage.show.best)
    stage.page.locator("[data-node]").first.wait_for()


@scene("main-run-graph-failed", "main")
def _(stage: Stage) -> None:
    stage.view("run-graph", run=stage.show.failed)
    stage.page.locator("[data-node]").first.wait_for()
    stage.main.locator("[data-node='train-a-forest']").click()
    stage.page.wait_for_timeout(600)


@scene("main-run", "main")
def _(stage: Stage) -> None:
    stage.view("run", run=stage.show.best)
    stage.page.wait_for_timeout(1500)


@scene("main-run-metrics", "main")
def _(stage: Stage) -> None:
    stage.view("run", run=stage.show.digits[1])
    stage.page.wait_for_timeout(1000)
    stage.page.get_by_test_id("mlplat-metrics").get_by_role("button").first.click()
    stage.page.wait_for_timeout(800)


@scene("main-run-log", "main")
def _(stage: Stage) -> None:
    stage.close_views()
    stage.run("mlplat:open-run-tab", run=stage.show.digits[1], step="train")
    stage.main.wait_for(timeout=SLOW_MS)
    settle(stage.page)
    stage.press("Log", stage.main)
    stage.page.wait_for_timeout(500)


@scene("main-run-failed", "main")
def _(stage: Stage) -> None:
    stage.view("run", run=stage.show.failed)
    stage.page.wait_for_timeout(1000)


@scene("main-compare", "main")
def _(stage: Stage) -> None:
    stage.view("compare", runs=[stage.show.good, stage.show.best, stage.show.failed])
    stage.page.wait_for_timeout(1000)


@scene("main-compare-curves", "main")
def _(stage: Stage) -> None:
    stage.view("compare", runs=list(stage.show.digits))
    stage.page.wait_for_timeout(1500)
    charts = stage.main.locator("canvas")
    if charts.count():
        stage.see(charts)


@scene("main-endpoint", "main")
def _(stage: Stage) -> None:
    stage.view("endpoint", endpoint="tumour")
    stage.page.wait_for_timeout(4000)


@scene("main-lineage", "main")
def _(stage: Stage) -> None:
    stage.view("lineage", subject="model:tumour/3")
    stage.page.locator(".jp-mlplat-LineageCard").first.wait_for()
    stage.page.wait_for_timeout(800)


@scene("main-lineage-column", "main")
def _(stage: Stage) -> None:
    stage.view("lineage", subject="model:tumour/3")
    stage.page.locator(".jp-mlplat-LineageCard").filter(has_text="X_test").first.click()
    details = stage.main.get_by_test_id("mlplat-lineage-details")
    details.get_by_role("button", name="mean_area", exact=True).click()
    stage.page.wait_for_timeout(1500)


# In the notebook, and around it


@scene("notebook", "window")
def _(stage: Stage) -> None:
    stage.open()
    stage.page.locator(".jp-mlplat-CellLabel-step").first.wait_for(timeout=SLOW_MS)
    settle(stage.page)


@scene("notebook-step-editor", "window")
def _(stage: Stage) -> None:
    stage.page.locator(".jp-mlplat-CellLabel-step[data-step='clean']").first.click()
    stage.page.get_by_role("dialog", name=re.compile("Settings of step")).wait_for()


@scene("notebook-failure", "window")
def _(stage: Stage) -> None:
    stage.page.keyboard.press("Escape")
    stage.page.evaluate(
        """() => {
            const { content } = window.jupyterapp.shell.currentWidget;
            const cell = content.widgets.find(cell => cell.model.id === 'forest');
            const source = cell.model.sharedModel.getSource();
            cell.model.sharedModel.setSource(source.replace('=trees,', '=trees // 0,'));
        }"""
    )
    stage.run("mlplat:run")
    stage.page.locator(".jp-mlplat-CellFailure").wait_for(timeout=2 * SLOW_MS)
    stage.run("mlplat:go-to-failure")
    stage.page.wait_for_timeout(800)


@scene("notebook-traceback", "window")
def _(stage: Stage) -> None:
    failure = stage.page.locator(".jp-mlplat-CellFailure")
    failure.get_by_role("button", name="Traceback").click()
    stage.page.wait_for_timeout(500)


@scene("restore", "window")
def _(stage: Stage) -> None:
    stage.open()
    stage.page.wait_for_timeout(1000)
    stage.link(f"run/{stage.show.failed}")
    stage.press("Open a kernel before it")
    prompt = stage.page.locator(".jp-CodeConsole-promptCell .cm-content")
    prompt.get_by_text("forest").first.wait_for(timeout=2 * SLOW_MS)
    stage.page.wait_for_timeout(1000)


@scene("notice", "window")
def _(stage: Stage) -> None:
    stage.open()
    stage.panel.locator("[data-step]").first.wait_for(timeout=SLOW_MS)
    stage.page.locator("[role=tab][data-section=models]").click()
    stage.run("mlplat:run-without-cache")
    stage.page.locator(".Toastify__toast").first.wait_for(timeout=2 * SLOW_MS)


@scene("tour", "window")
def _(stage: Stage) -> None:
    stage.open()
    stage.run("mlplat:tour")
    stage.page.get_by_role("region", name="Guided first run").wait_for()
    settle(stage.page)


@scene("launcher", "window")
def _(stage: Stage) -> None:
    stage.open(None)
    stage.page.locator(".jp-LauncherCard", has_text="Your first pipeline").wait_for()
    stage.see(stage.page.locator(".jp-LauncherCard", has_text="Your first pipeline"))


@scene("widgets", "window")
def _(stage: Stage) -> None:
    cells = [
        "%load_ext jupyter_mlplat",
        f"import jupyter_mlplat as mlplat\nmlplat.run('{stage.show.digits[1]}')",
        "%mlplat runs --limit 5",
        "mlplat.model('tumour')",
        "mlplat.endpoint('tumour')",
    ]
    from tests.ui.showcase import write_notebook

    write_notebook(
        stage.lab.folder / "look.ipynb", {f"c{number}": cell for number, cell in enumerate(cells)}
    )
    stage.open("look.ipynb")
    stage.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
        " === 'idle'",
        timeout=SLOW_MS,
    )
    stage.run("notebook:run-all-cells")
    stage.page.locator(".mlplat-Card").nth(2).wait_for(timeout=SLOW_MS)
    stage.page.wait_for_timeout(2000)
    stage.page.locator(".jp-Cell").nth(1).evaluate("cell => cell.scrollIntoView()")


# Servers


def open_servers(stage: Stage, shown: list[Any], problem: str = "") -> None:
    shown_servers.show(stage.page, shown, problem)
    stage.open(None)
    stage.section("servers")


@scene("servers")
def _(stage: Stage) -> None:
    open_servers(stage, shown_servers.servers())


@scene("servers-silent")
def _(stage: Stage) -> None:
    problem = "The cluster at https://10.0.0.1:6443 does not answer: timed out."
    open_servers(stage, shown_servers.servers()[:2], problem)


@scene("servers-many")
def _(stage: Stage) -> None:
    open_servers(stage, shown_servers.many())


@scene("server-waiting")
def _(stage: Stage) -> None:
    open_servers(stage, shown_servers.servers())
    stage.run("mlplat:open-server", server="team/embeddings")
    stage.panel.locator(".jp-mlplat-ServerEvents").wait_for()


@scene("server-log")
def _(stage: Stage) -> None:
    stage.run("mlplat:show-server-log", server="team/churn")
    stage.see(stage.panel.locator(".jp-mlplat-Server-log"))


@scene("server-form")
def _(stage: Stage) -> None:
    stage.run("mlplat:new-server")
    stage.panel.get_by_test_id("mlplat-server-form").locator("[name=gpu]").wait_for()
    stage.unfold("More")
    stage.press("Add a volume")
    stage.see(stage.panel.locator("[name=name]"))


@scene("servers-run-on")
def _(stage: Stage) -> None:
    shown_servers.show(stage.page, shown_servers.servers())
    stage.open()
    stage.panel.locator("[name=run-on]").wait_for(timeout=SLOW_MS)
    stage.panel.locator("[name=run-on]").select_option("team")
    settle(stage.page)


# Before there is anything


for name in SECTIONS:

    def _empty(stage: Stage, name: str = name) -> None:
        stage.open(None)
        stage.section(name)

    SCENES.append(Scene(f"empty-{name}", _empty, "panel", "empty"))


@scene("empty-notebook", "window", "empty")
def _(stage: Stage) -> None:
    stage.lab.folder.joinpath("Untitled.ipynb").write_text(
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code",'
        ' "id": "a", "metadata": {}, "source": "", "outputs": [], "execution_count": null}]}'
    )
    stage.open("Untitled.ipynb")
    settle(stage.page)


@scene("empty-graph", "main", "empty")
def _(stage: Stage) -> None:
    stage.view("pipeline", notebook=str(stage.lab.folder / "Untitled.ipynb"))


@scene("empty-run", "main", "empty")
def _(stage: Stage) -> None:
    stage.view("run", run="run-that-is-gone")


@scene("empty-run-graph", "main", "empty")
def _(stage: Stage) -> None:
    stage.view("run-graph", run="run-that-is-gone")


@scene("empty-compare", "main", "empty")
def _(stage: Stage) -> None:
    stage.view("compare", runs=["run-that-is-gone", "run-gone-too"])


@scene("empty-endpoint", "main", "empty")
def _(stage: Stage) -> None:
    stage.view("endpoint", endpoint="nowhere")


@scene("empty-lineage", "main", "empty")
def _(stage: Stage) -> None:
    stage.view("lineage", subject="model:nothing")


@scene("empty-deploy", "panel", "empty")
def _(stage: Stage) -> None:
    stage.run("mlplat:deploy-model")
    settle(stage.page)


@scene("empty-register", "panel", "empty")
def _(stage: Stage) -> None:
    stage.run("mlplat:register-model")
    settle(stage.page)


for name in SECTIONS:

    def _error(stage: Stage, name: str = name) -> None:
        stage.open(TUMOURS)
        stage.section(name)

    SCENES.append(Scene(f"error-{name}", _error, "panel", "error"))


def answer_error(route: Route) -> None:
    body = (
        '{"code": "unavailable", "details": {},'
        ' "message": "Cannot write to the state directory: the disk is full. Free some space."}'
    )
    route.fulfill(status=503, content_type="application/json", body=body)


# Taking them


def take(
    stage: Stage, scenes: list[Scene], looks: list[str], into: Path, zoom: int, is_kept: bool
) -> Iterator[str]:
    """Play the scenes one after the other; name each picture, or what went wrong."""
    for one in scenes:
        try:
            look(stage.page, "JupyterLab Light", WINDOW_PANEL, zoom)
            one.setup(stage)
            for width_name, width in widths_of(one):
                for theme in looks:
                    # A click beside them closes menus and dialogs: windows keep their width.
                    size = None if one.clip == "window" else width
                    look(stage.page, THEMES[theme], size, zoom)
                    base = "-".join(filter(None, (one.name, width_name)))
                    folder = IMAGES if is_kept and base in KEPT and theme in KEPT_LOOKS else into
                    shoot(stage, one.clip, folder / f"{base}-{theme}.png")
                    yield f"{base}-{theme}"
        except (Error, AssertionError) as error:
            stage.page.screenshot(path=into / f"FAULT-{one.name}.png")
            yield f"{one.name}: {str(error)[:400]}"


def widths_of(one: Scene) -> list[tuple[str, int]]:
    if one.clip == "panel":
        return list(PANEL_WIDTHS.items())
    if one.clip == "main":
        return [("narrow", 840), ("wide", WINDOW_PANEL)]
    return [("", WINDOW_PANEL)]


def look(page: Page, theme: str, width: int | None, zoom: int) -> None:
    """Change the theme, and the width of the panel; what is left is the main area's."""
    page.set_viewport_size({key: value // zoom for key, value in WINDOW.items()})
    if page.evaluate("() => !window.jupyterapp"):
        return
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    page.wait_for_selector(f"body[data-jp-theme-name='{theme}']", state="attached")
    box = page.locator(PANEL).bounding_box()
    if box is not None and width is not None and abs(box["width"] - width) > 1:
        page.mouse.move(box["x"] + box["width"] + 3, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + width + 3, box["y"] + 200, steps=4)
        page.mouse.up()
        page.mouse.move(box["x"] + width + 300, box["y"] + 20)
        page.evaluate("() => getSelection().removeAllRanges()")  # what was passed on the way
    page.wait_for_timeout(700)  # the theme's own fonts and transitions


def shoot(stage: Stage, clip: Clip, path: Path) -> None:
    """Write the picture, with fewer pixels, then fewer colours, where it would be too large."""
    target = {"window": stage.page, "panel": stage.panel, "main": stage.main}[clip]
    scales: tuple[Literal["device", "css"], ...] = ("device", "css")
    for scale in scales:
        image = Image.open(io.BytesIO(target.screenshot(scale=scale))).convert("RGB")
        image.save(path, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            return
    image.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path)


@contextmanager
def new_stage(browser: Browser, lab: Lab, things: Showcase | None, scale: float) -> Iterator[Stage]:
    context = browser.new_context(viewport=WINDOW, device_scale_factor=scale)  # type: ignore[arg-type]
    try:
        yield Stage(context.new_page(), lab, things)
    finally:
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ui.pictures", description=__doc__)
    parser.add_argument(
        "--only", default="", help="scenes whose names match; begin where one opens"
    )
    parser.add_argument("--into", type=Path, default=ROOT / "test-results" / "pictures")
    parser.add_argument("--looks", default="light,dark", help=f"of {', '.join(THEMES)}")
    parser.add_argument("--zoom", type=int, default=1, help="2 for 200 %%")
    parser.add_argument("--scale", type=float, default=2, help="2 as on a fine screen")
    parser.add_argument("--renew", action="store_true", help="put those kept into docs/images")
    given = parser.parse_args()
    chosen = [one for one in SCENES if re.search(given.only, one.name)]
    looks = given.looks.split(",")
    given.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        for state in ("full", "empty", "error"):
            scenes = [one for one in chosen if one.state == state]
            if not scenes:
                continue
            with new_lab() as lab:
                things = fill_showcase(lab) if state == "full" else None
                asking = traffic(things.client) if things else nullcontext()
                with asking, new_stage(browser, lab, things, given.scale) as stage:
                    if state == "error":
                        stage.page.route("**/mlplat/api/v1/**", answer_error)
                    for line in take(stage, scenes, looks, given.into, given.zoom, given.renew):
                        print(line, flush=True)
        browser.close()


if __name__ == "__main__":
    main()
