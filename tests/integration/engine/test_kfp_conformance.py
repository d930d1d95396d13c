"""The command that counts which KFP pipelines end as upstream demands, on a folder of three."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.kfp_conformance.__main__ import main
from benchmarks.kfp_conformance.rules import demand_of, examples
from tests.unit.workflows.compiled import function, spec

ADD = "def add(a: int, b: int) -> int:\n    return a + b\n"
FAIL = "def fail(a: int, b: int) -> int:\n    raise ValueError('no')\n"


def pipeline(source: str, image: str = "python:3.11") -> dict[str, Any]:
    kinds = {"a": "NUMBER_INTEGER", "b": "NUMBER_INTEGER"}
    task = {
        "componentRef": {"name": "comp-a"},
        "inputs": {"parameters": {name: {"componentInputParameter": name} for name in kinds}},
    }
    chosen = {"producerSubtask": "a", "outputParameterKey": "Output"}
    root = spec(kinds, makes={"Output": "NUMBER_INTEGER"}) | {
        "dag": {
            "tasks": {"a": task},
            "outputs": {"parameters": {"Output": {"valueFromParameter": chosen}}},
        }
    }
    return {
        "pipelineInfo": {"name": "sums"},
        "schemaVersion": "2.1.0",
        "components": {
            "comp-a": spec(kinds, makes={"Output": "NUMBER_INTEGER"}) | {"executorLabel": "exec-a"}
        },
        "deploymentSpec": {"executors": {"exec-a": function(source, image=image)}},
        "root": root,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "valid/critical/add_numbers.yaml": pipeline(ADD),  # upstream's table states its output
        "valid/failing/fails.yaml": pipeline(FAIL),
        "valid/essential/contained.yaml": pipeline(ADD, image="nobody/knows"),
        "invalid/none.yaml": {"pipelineInfo": {"name": "x"}},
    }
    for name, document in files.items():
        path = tmp_path / "pipelines" / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(document))
    return tmp_path / "pipelines"


def test_files_are_counted_by_what_upstream_demands(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.md"

    status = main([str(folder), "--json", "--write", str(table)])

    rows = {row["file"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["valid/critical/add_numbers.yaml"]["ours"]["outputs"] == {"Output": 10}
    assert {name: row["verdict"].partition(":")[0] for name, row in rows.items()} == {
        "invalid/none.yaml": "yes",
        "valid/critical/add_numbers.yaml": "yes",
        "valid/essential/contained.yaml": "n/a",
        "valid/failing/fails.yaml": "yes",
    }
    assert status == 0
    assert "| **all** | 4 | 3 | 0 | 1 |" in table.read_text()


def test_a_file_with_a_known_issue_is_demanded_nothing(tmp_path: Path) -> None:
    file = tmp_path / "valid" / "critical" / "odd_GH-12.yaml"

    assert demand_of(file, tmp_path, examples()).state is None
    assert demand_of(file, tmp_path, examples()).known_issue == "12"
