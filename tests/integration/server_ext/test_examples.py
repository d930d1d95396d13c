"""Examples to start from: read from the Jupyter data folders, without an engine."""

import json
from pathlib import Path

import pytest

from jupyter_mlplat.errors import NotFound
from jupyter_mlplat_server.examples import Examples
from tests.fakes.engine import FakeEngine
from tests.integration.server_ext.conftest import Server


def write(folder: Path, name: str, *cells: str) -> None:
    folder.mkdir(exist_ok=True)
    described = [{"cell_type": "markdown", "source": text.splitlines(True)} for text in cells]
    Path(folder, f"{name}.ipynb").write_text(json.dumps({"cells": described}))


def test_example_is_described_by_its_heading_and_the_paragraph_below(tmp_path: Path) -> None:
    write(tmp_path / "a", "beans", "# A jar\n\nOf\nbeans.\n\nAnd more.", "## Fill")
    write(tmp_path / "a", "plain", "No heading.")

    listed = Examples([tmp_path / "a", tmp_path / "none"]).list()

    assert [(one.name, one.title, one.summary) for one in listed.examples] == [
        ("beans", "A jar", "Of beans."),
        ("plain", "plain", "No heading."),
    ]


def test_folder_that_comes_first_wins(tmp_path: Path) -> None:
    write(tmp_path / "mine", "beans", "# Mine")
    write(tmp_path / "yours", "beans", "# Yours")

    listed = Examples([tmp_path / "mine", tmp_path / "yours"]).list()

    assert [one.title for one in listed.examples] == ["Mine"]


def test_file_that_is_no_notebook_is_passed_over(tmp_path: Path) -> None:
    Path(tmp_path, "broken.ipynb").write_text("{")
    Path(tmp_path, "empty.ipynb").write_text('{"cells": []}')
    examples = Examples([tmp_path])

    assert examples.list().examples == ()
    with pytest.raises(NotFound, match="no example 'broken'"):
        examples.get("broken")


def test_server_gives_the_examples_without_an_engine(server: Server, engine: FakeEngine) -> None:
    status, listed = server.ask("GET", "/mlplat/examples")
    assert status == 200
    names = [example["name"] for example in listed["examples"]]  # type: ignore[index]
    assert names[:2] == ["00-first-pipeline", "01-tumours"]

    status, notebook = server.ask("GET", f"/mlplat/examples/{names[0]}")

    assert status == 200
    assert notebook["cells"][0]["source"][0].startswith("# Your first pipeline")  # type: ignore[index]
    assert engine.asked == []


@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fetc%2fpasswd", "%00", "../examples"])
def test_other_name_is_not_found(server: Server, name: str) -> None:
    assert server.send("GET", f"/mlplat/examples/{name}").status == 404


@pytest.mark.parametrize("path", ["/mlplat/examples", "/mlplat/examples/01-tumours"])
def test_stranger_gets_no_example(server: Server, path: str) -> None:
    assert server.send("GET", path, token=None).status == 403
    assert server.send("POST", path, {}).status == 405
