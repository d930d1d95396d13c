"""Compiled KFP pipelines are read wherever a notebook is."""

import json
from pathlib import Path

import pytest

from jupyter_mlplat.engine.notebooks import Notebooks
from jupyter_mlplat.errors import InvalidInput, NotFound

PIPELINE = {
    "pipelineInfo": {"name": "greet"},
    "schemaVersion": "2.1.0",
    "components": {"comp-a": {"executorLabel": "exec-a"}},
    "deploymentSpec": {"executors": {"exec-a": {"container": {"image": "python:3.11"}}}},
    "root": {"dag": {"tasks": {"a": {"componentRef": {"name": "comp-a"}}}}},
}


@pytest.mark.parametrize("name", ["p.yaml", "p.YML", "p.json"])
def test_a_file_is_read_by_its_suffix(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(PIPELINE))
    notebooks = Notebooks()

    pipeline = notebooks.compile(str(path), None, "auto")

    assert pipeline.name == "greet"
    assert pipeline.ir == {"pipeline_spec": PIPELINE}
    assert notebooks.compile(str(path), None, "auto") is pipeline


def test_content_may_be_the_document_itself() -> None:
    pipeline = Notebooks().compile(None, {"pipeline_spec": PIPELINE}, "auto")

    assert [step.name for step in pipeline.steps] == ["a"]


def test_what_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text("a: 1\n")

    with pytest.raises(InvalidInput, match="no valid KFP pipeline: schemaVersion: is missing"):
        Notebooks().compile(str(path), None, "auto")
    with pytest.raises(NotFound):
        Notebooks().compile(str(tmp_path / "none.yaml"), None, "auto")
