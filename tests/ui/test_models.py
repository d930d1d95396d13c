"""A model's life in the panel: logged, registered, named, compared, taken back, deleted."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from jupyter_mlplat.client.engine import EngineClient

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

NOTEBOOK = "01-tumours.ipynb"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> `x` {{7*7}}"

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(400)]


def execute(page: Page, command: str, **arguments: Any) -> None:
    page.evaluate(
        "([id, args]) => void window.jupyterapp.commands.execute(id, args)", [command, arguments]
    )


def troubles(page: Page) -> list[str]:
    """Name what axe-core finds wrong with the panel."""
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('#jp-mlplat-panel')")
    return [violation["id"] for violation in found["violations"]]


def run(client: EngineClient, path: Path, **parameters: object) -> str:
    submitted = client.submit(str(path), parameters=parameters)
    return client.wait_for_run(submitted.id, 120).id


def test_a_logged_model_is_registered_named_compared_and_deleted(page: Page, lab: "Lab") -> None:
    client = EngineClient(lab.environment["MLPLAT_HOME"])
    page.goto(lab.page_url(NOTEBOOK))
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    execute(page, "mlplat:open", section="models")
    expect(page.get_by_text("No models yet")).to_be_visible(timeout=60_000)

    # The model that the run logged is offered as soon as the run has ended.
    first = run(client, lab.folder / NOTEBOOK)
    page.get_by_test_id("mlplat-register-suggested").click()
    form = page.get_by_test_id("mlplat-register-form")
    expect(form.get_by_label("Name")).to_have_value("tumour")
    form.get_by_label("champion").check()
    form.get_by_label("Description of this version").fill(HOSTILE)
    assert troubles(page) == []
    form.get_by_role("button", name="Register", exact=True).click()
    version = page.get_by_test_id("mlplat-version")
    expect(version).to_contain_text(HOSTILE)
    expect(page.get_by_test_id("mlplat-made-by")).to_contain_text("Run 1")
    expect(page.get_by_test_id("mlplat-signature")).to_contain_text("FP64")

    # What others do shows by itself; metrics stand side by side.
    second = run(client, lab.folder / NOTEBOOK, seed=3)
    client.register_model("tumour", run_id=second)
    expect(page.locator("[data-version='2']")).to_be_visible()
    expect(page.get_by_test_id("mlplat-compare").locator("[data-best=true]").first).to_be_visible()

    # The description, by keyboard.
    page.get_by_title("Edit the description").click()
    page.get_by_label("Description of the model").fill("Benign or not")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_title("Edit the description")).to_contain_text("Benign or not")

    # The champion moves by its menu, and back.
    page.locator("[data-alias=champion]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    history = page.get_by_test_id("mlplat-history")
    expect(history).to_contain_text("champion moved from version 1 to 2")
    assert client.get_model("tumour").aliases == {"champion": 2}
    page.get_by_test_id("mlplat-undo-alias").click()
    expect(history).to_contain_text("champion moved from version 2 to 1")
    assert client.get_model("tumour").aliases == {"champion": 1}
    assert troubles(page) == []

    # Before it goes, what goes with it is told; keeping it is one key.
    execute(page, "mlplat:delete-model-version", version=1)
    impact = page.get_by_test_id("mlplat-impact")
    expect(impact).to_contain_text("Alias champion")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(impact).to_have_count(0)
    execute(page, "mlplat:delete-model-version", model="tumour/1")
    page.get_by_role("button", name="Delete anyway").click()
    expect(page.locator("[data-version='1']")).to_have_count(0)
    assert client.get_model("tumour").aliases == {}

    # A run offers what it logged, too.
    execute(page, "mlplat:open-run", run=first)
    logged = page.get_by_test_id("mlplat-logged-models")
    logged.get_by_role("button", name="Register").click()
    expect(form.get_by_label("Name")).to_have_value("tumour")
    form.get_by_label("Name").press("Escape")

    # A link opens it, a download has its name, and once deleted it is gone from the list.
    execute(page, "mlplat:open-link", link="model/tumour/2")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download version 2").click()
    assert download.value.suggested_filename == "tumour-2.skops"
    execute(page, "mlplat:delete-model", model="tumour")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No models yet")).to_be_visible(timeout=60_000)
    assert page.title() != "owned"
