"""Lineage, asked for through the API of a real engine."""

import json
from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput, NotFound

from .conftest import EngineProcess, WriteNotebook


def ask(engine: EngineProcess, route: str, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(engine.client.fetch(route, {}, query))
    return answer


def test_a_column_is_on_record_and_a_cell_says_where_it_went(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("import pandas as pd\npatients = pd.DataFrame({'age': [1, 2]})", {"step": "load"}),
        ("old = patients[patients.age > 1]", {"step": "clean"}),
        ("count = len(old)", {"step": "count"}),
    )
    run = running.client.submit(str(book))
    running.client.wait_for_run(run.id, 60)

    found = ask(running, "lineage.search", text="patients")["subjects"]
    used = ask(
        running,
        "lineage.explore",
        subject="cell:cell-0",
        notebook=str(book),
        direction="downstream",
        depth="9",
    )
    ways = ask(running, "lineage.between", **{"from": found[0]["subject"], "to": "value:count"})

    artifacts = {artifact["name"]: artifact for artifact in used["artifacts"]}
    assert {execution["name"] for execution in used["executions"]} == {"load", "clean", "count"}
    assert artifacts["patients"]["metadata"]["columns"] == ["age"]
    assert artifacts["old"]["metadata"]["columns"] == ["age"]
    assert "columns" not in artifacts["count"]["metadata"]
    assert used["runs"] == [
        {
            "id": run.id,
            "number": run.number,
            "pipeline": "book",
            "notebook": str(book),
            "created_at": used["runs"][0]["created_at"],
        }
    ]
    assert {execution["name"] for execution in ways["executions"]} == {"clean", "count"}
    assert not ways["truncated"]


def test_one_node_is_the_subject_and_the_rest_is_counted(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(("x = 1", {"step": "a"}), ("y = x", {"step": "b"}))
    running.client.wait_for_run(running.client.submit(str(book)).id, 60)

    found = ask(running, "lineage.explore", subject="value:x", limit="1")

    (only,) = found["artifacts"]
    assert found["roots"] == [only["id"]]
    assert found["executions"] == []
    assert found["beyond"] == {only["id"]: {"upstream": 1, "downstream": 1}}
    assert found["truncated"]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({}, InvalidInput),
        ({"subject": "x"}, InvalidInput),
        ({"subject": "value:x", "direction": "sideways"}, InvalidInput),
        ({"subject": "value:x", "limit": "0"}, InvalidInput),
        ({"subject": "value:x", "depth": "-1"}, InvalidInput),
        ({"subject": "value:x"}, NotFound),
        ({"subject": "model:<script>"}, InvalidInput),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    running: EngineProcess, query: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(running, "lineage.explore", **query)
