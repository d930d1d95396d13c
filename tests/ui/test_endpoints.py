"""Endpoints in the panel: deployed, asked, their traffic moved and moved back."""

import json
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import PROGRAM

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow]

SOURCE = """
import jupyter_mlplat as mlplat
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline

frame = pd.DataFrame({"age": [20, 30, 40, 50], "town": ["Bonn", "<b>Ulm</b>", "Bonn", "O'Hara"]})
towns = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
churn = make_pipeline(towns, LogisticRegression()).fit(frame, [0, 1, 0, 1])
mlplat.log_model(churn, "churn", input_example=frame)
"""


def mlplat(lab: "Lab", *arguments: str) -> Any:
    program = [PROGRAM, *arguments, "--json"]
    done = subprocess.run(program, env=lab.environment, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def versions(lab: "Lab") -> Iterator[None]:
    """Two versions of a model that takes a number and a text."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SOURCE)])
    path = lab.folder / "churn.ipynb"
    nbformat.write(notebook, path)
    mlplat(lab, "run", str(path))
    for _ in range(2):
        mlplat(lab, "models", "register", "churn", "--run", "latest")
    yield
    for endpoint in mlplat(lab, "endpoints")["endpoints"]:  # they would outlive the engine
        mlplat(lab, "endpoints", "delete", endpoint["name"])


def execute(page: Page, command: str, **arguments: Any) -> None:
    page.evaluate("([id, args]) => jupyterapp.commands.execute(id, args)", [command, arguments])


@pytest.mark.usefixtures("versions")
def test_model_is_deployed_asked_and_its_traffic_moved(page: Page, lab: "Lab") -> None:
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.get_by_role("tab", name="ML Platform").click(timeout=60_000)
    page.get_by_role("tab", name="Endpoints").click()
    page.get_by_role("button", name="Deploy a model").click()
    page.get_by_label("Version").select_option("/1")
    page.get_by_role("button", name="Deploy", exact=True).click()

    detail = page.get_by_test_id("mlplat-endpoint")
    expect(page.locator(".jp-mlplat-Header").get_by_text("Ready")).to_be_visible(timeout=60_000)

    # What it takes is a form with the example filled in; a text is text, whatever it looks like.
    page.get_by_label("town", exact=True).fill("<img src=x onerror=alert(1)>")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("unknown categories")
    page.get_by_label("Fill in an example row").select_option("1")
    expect(page.get_by_label("town", exact=True)).to_have_value("<b>Ulm</b>")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_test_id("mlplat-prediction")).to_contain_text("Answered by revision 1")

    # A second version beside the first, by keyboard.
    execute(page, "mlplat:deploy-model", model="churn", version=2, traffic=20)
    page.get_by_role("button", name="Deploy revision").press("Enter")
    second = page.get_by_role("slider", name="Traffic of Revision 2")
    expect(second).to_have_value("20", timeout=60_000)
    second.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("slider", name="Traffic of Revision 1")).to_have_value("75")
    page.get_by_test_id("mlplat-apply-traffic").click()
    page.get_by_test_id("mlplat-undo-traffic").click()
    expect(second).to_have_value("20")
    expect(page.get_by_test_id("mlplat-apply-traffic")).to_have_count(0)

    detail.get_by_role("button", name="Promote").click()
    expect(second).to_have_value("100")
    detail.get_by_role("button", name="Roll back").click()
    expect(second).to_have_value("20", timeout=60_000)  # the first revision is started again

    # What was asked is counted.
    expect(page.locator("[data-revision='1'] .jp-mlplat-Figures")).to_contain_text("in all")


@pytest.mark.usefixtures("versions")
def test_link_opens_an_endpoint_and_its_view_comes_back(page: Page, lab: "Lab") -> None:
    mlplat(lab, "deploy", "churn", "--name", "linked")
    page.goto(f"{lab.url}lab?token={lab.token}&reset&mlplat=endpoint/linked")
    heading = page.get_by_role("heading", name="linked", exact=True)
    expect(heading).to_be_visible(timeout=60_000)

    page.get_by_role("button", name="Open in the main area").click()
    expect(heading).to_have_count(2)
    page.wait_for_timeout(1500)  # JupyterLab saves the layout one second after it changed
    page.goto(f"{lab.url}lab")
    view = page.locator(".jp-mlplat-EndpointView")
    expect(view.get_by_test_id("mlplat-try-it")).to_be_visible(timeout=60_000)

    # Every command about endpoints says what it takes.
    described = page.evaluate(
        """async () => {
          const { commands } = jupyterapp;
          const ids = commands.listCommands().filter(id => /^mlplat:.*(endpoint|traffic)/.test(id));
          const known = await Promise.all(ids.map(id => commands.describedBy(id)));
          return known.map(({ args }) => args.properties);
        }"""
    )
    assert len(described) >= 10
    assert all("endpoint" in properties for properties in described), json.dumps(described)
