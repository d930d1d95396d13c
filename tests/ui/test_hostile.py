"""Nothing user-made is ever markup: hostile text in every field, every view opened."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route

from jupyter_mlplat.client.engine import EngineClient
from tests.ui.tour import OURS, PANEL, Things, tour

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

pytestmark = [pytest.mark.ui, pytest.mark.slow, pytest.mark.timeout(300)]


def evil(field: str) -> str:
    """Text that runs `hacked` or asks another host where it is taken for markup."""
    return (
        f"planted-{field}<img src=x onerror=\"hacked('{field}')\">"
        f"<script>hacked('{field}')</script><a href=\"javascript:hacked('{field}')\">x</a>"
        f"<img src=https://evil.example/{field}>"
    )


# No slash: a file's name can hold none.
FILE = "planted-file<img src=x onerror=hacked('file')>.ipynb"
LOG = "\x1b[31m\x1b]8;;https://evil.example/osc\x07link\x1b]8;;\x07\x1b[2J" + evil("log")
HTML = (
    "<b>planted-html</b><img src=x onerror=\"hacked('html')\"><script>hacked('html')</script>"
    '<iframe src="https://evil.example/frame"></iframe><a href="javascript:hacked(1)">link</a>'
    '<img src="https://evil.example/img"><img srcset="https://evil.example/set 2x">'
    '<svg onload="hacked(\'svg\')"><image href="https://evil.example/svg"/></svg>'
    '<div style="background: url(https://evil.example/style)">planted-style</div>'
    '<form action="https://evil.example/form"><input autofocus onfocus="hacked(2)"></form>'
    '<link rel=stylesheet href="https://evil.example/css"><style>@import "https://evil.example/s";</style>'
    '<video src="https://evil.example/video" autoplay></video><object data="https://evil.example/o"></object>'
)
CELLS: dict[str, tuple[dict[str, Any], str]] = {
    "choose": ({"tags": ["parameters"]}, f"text = {evil('parameter')!r}  # {evil('comment')}"),
    "plant": (
        {"mlplat": {"step": "plant", "title": evil("title")}},
        "\n".join(
            [
                "import jupyter_mlplat as mlplat, pandas as pd",
                "from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display",
                "from sklearn.dummy import DummyClassifier",
                f"print({LOG!r})",
                f"display(HTML({HTML!r}), Javascript('hacked(3)'), Markdown({evil('markdown')!r}))",
                'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg" onload="hacked(4)"/>\'))',
                f"display(Latex({evil('latex')!r}))",
                f"display({{'text/html': {HTML!r}, 'text/plain': {evil('plain')!r}}}, raw=True)",
                f"value = {evil('value')!r} + text[:0]",
                f"frame = pd.DataFrame({{{evil('column')!r}: [{evil('entry')!r}]}})",
                f"mlplat.log_metric({evil('metric')!r}, 0.5)",
                "mlplat.log_metric('loss', 0.5); mlplat.log_metric('loss', 0.4)",
                f"mlplat.log_artifact(HTML({HTML!r}).data, 'page')",
                "model = DummyClassifier().fit([[0.0], [1.0]], [0, 1])",
                "mlplat.log_model(model, 'm', input_example=[[0.0]])",
                "frame",
            ]
        ),
    ),
    "break": (
        {"mlplat": {"step": "break"}},
        f"print(value, frame)\nraise ValueError({evil('error')!r})",
    ),
}
JOB = "\n".join(
    [
        "import jupyter_mlplat as mlplat",
        f"print({LOG!r})",
        f"mlplat.train.report(step=1, metrics={{{evil('job-metric')!r}: 1.0}}, "
        f"progress=0.5, message={evil('message')!r})",
        f"mlplat.train.report(step=2, metrics={{{evil('job-metric')!r}: 2.0}})",
        f"raise ValueError({evil('trial')!r})",
    ]
)
TUNE = {
    "objective": {"metric": evil("job-metric")},
    "space": [{"name": "x", "type": "categorical", "values": [evil("choice"), "b"]}],
    "algorithm": {"name": "random"},
    "trials": 2,
}
# What each of these fields holds must be seen as it was written.
SEEN = (
    "title",
    "parameter",
    "log",
    "metric",
    "value",
    "error",
    "note",
    "description",
    "job",
    "trial",
)
WATCH = "window.hackedBy = []; window.hacked = field => { window.hackedBy.push(String(field)) };"


@pytest.fixture
def things(lab: "Lab") -> Iterator[Things]:
    yield plant(lab)
    # An endpoint outlives the engine.
    EngineClient(lab.environment["MLPLAT_HOME"]).delete_endpoint("evil")


def test_hostile_text_in_every_field_stays_text(page: Page, lab: "Lab", things: Things) -> None:
    asked: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.route("**/mlplat/api/v1/endpoints*", plant_messages)
    page.route("**/mlplat/api/v1/endpoints/evil", plant_messages)
    page.add_init_script(WATCH)
    page.goto(f"{lab.url}lab?token={lab.token}&reset")
    page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
    open_notebook(page)
    seen = ""

    for place in tour(page, things):
        assert page.evaluate("() => window.hackedBy") == [], place
        assert dialogs == [], place
        assert page.evaluate(MADE, OURS) == [], place
        foreign = {url for url in asked if is_foreign(url)}
        assert foreign == set(), place
        seen += page.evaluate(TEXT, OURS)

    missing = [field for field in SEEN if f"planted-{field}<img src=x" not in seen]
    assert missing == []


def open_notebook(page: Page) -> None:
    page.evaluate(
        "path => void window.jupyterapp.commands.execute('docmanager:open', { path })", FILE
    )
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.evaluate("() => void window.jupyterapp.commands.execute('mlplat:open')")
    page.locator(f"{PANEL} [data-step]").first.wait_for(timeout=60_000)


def plant(lab: "Lab") -> Things:
    """Fill the state directory: runs, a model, an endpoint, notes and tags."""
    client = EngineClient(lab.environment["MLPLAT_HOME"])
    path = lab.folder / FILE
    write_notebook(path)
    tags = {"planted": evil("tag")[:60]}
    good = client.submit(path, until="plant", tags=tags, parameters={"text": evil("given")})
    bad = client.submit(path, tags=tags)
    good, bad = client.wait_for_run(good.id, 120), client.wait_for_run(bad.id, 120)
    assert (good.state, bad.state) == ("SUCCEEDED", "FAILED"), (good.failure, bad.failure)
    for run in (good, bad):
        client.edit_run(run.id, note=evil("note"))
    client.register_model("evil", run_id=good.id, aliases=["champion"], description=evil("version"))
    client.describe_model("evil", evil("description"))
    client.deploy("evil")
    job = {"payload": {"cell": JOB}, "title": evil("job"), "note": evil("note")}
    training = client.train({**job, "train": {"runtime": "plain", "processes": 2}})
    tuning = client.tune({**job, "tune": TUNE})
    client.wait_for_run(training.id, 120)
    client.wait_for_run(tuning.id, 120)
    return Things(
        of_view={"training": {"run": training.id}, "tuning": {"run": tuning.id}},
        links=(
            f"training/{training.id}",
            f"tuning/{tuning.id}",
            f"run/{good.id}",
            f"run/{bad.id}",
            "model/evil",
            "endpoint/evil",
            f"lineage/{bad.id}",
        ),
        arguments={
            "run": bad.id,
            "runs": [good.id, bad.id],
            "notebook": FILE,
            "model": "evil",
            "endpoint": "evil",
            "subject": "models:evil:1",
        },
    )


def write_notebook(path: Path) -> None:
    kernel = {"name": "python3", "display_name": evil("kernel"), "language": "python"}
    cells = [
        {
            "cell_type": "code",
            "id": cell,
            "metadata": metadata,
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for cell, (metadata, source) in CELLS.items()
    ]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    path.write_text(json.dumps({**content, "cells": cells}))


def plant_messages(route: Route) -> None:
    """Put hostile text where the engine passes on what a model's loading said."""
    response = route.fetch()
    try:
        body = response.json()
    except ValueError:
        route.fulfill(response=response)
        return
    for endpoint in body.get("endpoints", [body]):
        endpoint["message"] = evil("message")
        for revision in endpoint.get("revisions", []):
            revision["message"] = evil("revision")
    route.fulfill(response=response, body=json.dumps(body))


def is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1"


# Elements that were made from planted text, anywhere on the page, and what may never be in ours.
MADE = """ours => {
    const found = [];
    const isCode = value => /^[\\s\\x00-\\x1f]*(javascript|vbscript|data:text\\/html)/i.test(value);
    for (const one of document.querySelectorAll('*')) {
        for (const { name, value } of one.attributes) {
            const isHandler = name.startsWith('on') && /hacked|evil/.test(value);
            const isLink = /^(href|src|srcdoc|action|formaction|data|xlink:href)$/.test(name);
            // JupyterLab makes links of addresses in texts; nothing asks for them by itself.
            const isAsked = value.includes('evil.example') && one.localName !== 'a';
            if (isHandler || (isLink && (isCode(value) || isAsked))) {
                found.push(`${one.tagName} ${name}=${value.slice(0, 80)}`);
            }
        }
    }
    for (const root of document.querySelectorAll(ours)) {
        for (const one of root.querySelectorAll('script, iframe, object, embed, form[action]')) {
            found.push(one.outerHTML.slice(0, 120));
        }
    }
    return found;
}"""
TEXT = """ours => [...document.querySelectorAll(ours)].map(one => one.innerText + ' ' +
    [...one.querySelectorAll('input, textarea')].map(field => field.value).join(' ')).join(' ')"""
