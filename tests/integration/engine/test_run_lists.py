"""Runs as people keep them: found again, noted, tagged and cloned, through a real engine."""

import time

import pytest

from jupyter_mlplat.errors import InvalidInput, NotFound

from .conftest import EngineProcess, WriteNotebook


def _listed(engine: EngineProcess, **query: object) -> tuple[list[int], int]:
    answer = engine.client._get("runs.list", query=query)
    return [run["number"] for run in answer["runs"]], answer["total"]


def test_a_note_and_tags_are_kept_told_of_and_found(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client = running.client
    run = client.submit(write_notebook("x = 1"), tags={"stage": "draft", "owner": "me"})
    client.wait_for_run(run.id, 60)
    client.submit(write_notebook("y = 1", name="other"))

    edited = client.edit_run(run.id, note="<b>best</b>", tags={"stage": "prod", "owner": None})

    assert (edited.note, edited.tags) == ("<b>best</b>", {"stage": "prod"})
    assert client.get_run(run.id) == edited
    assert _listed(running, tags='{"stage": "prod"}') == ([1], 1)
    assert _listed(running, text="BEST") == ([1], 1)
    assert _listed(running, text="owner=") == ([], 0)
    assert _listed(running, sort="pipeline", order="desc", limit=1) == ([2], 2)
    facets = client._get("runs.facets")
    assert facets["tags"] == {"stage": ["prod"]}


def test_a_run_that_goes_on_can_be_edited(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client = running.client
    run = client.submit(write_notebook("import time\ntime.sleep(1.5)"))
    while not client.get_run(run.id).started_at:
        time.sleep(0.02)

    client.edit_run(run.id, note="while it ran")

    done = client.wait_for_run(run.id, 60)
    assert (done.note, done.state.value) == ("while it ran", "SUCCEEDED")


def test_a_clone_runs_the_code_of_then_with_other_parameters(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client = running.client
    book = write_notebook(
        ("alpha = 2", {"tags": ["parameters"]}),
        ("print('old', alpha)", {"step": "say"}),
        ("print('more')", {"step": "more"}),
    )
    run = client.submit(book, parameters={"alpha": 3}, tags={"stage": "draft"})
    client.wait_for_run(run.id, 60)
    book.unlink()

    same = client.wait_for_run(client.clone_run(run.id, cache=False).id, 60)
    other = client.clone_run(run.number, parameters={"alpha": 5}, until="say")
    other = client.wait_for_run(other.id, 60)

    assert client.read_step_log(same.id, "say") == b"old 3\n"
    assert client.read_step_log(other.id, "say") == b"old 5\n"
    assert [task.state.value for task in other.tasks] == ["SUCCEEDED", "SKIPPED"]
    assert (other.clone_of, other.tags, other.until) == (run.id, {"stage": "draft"}, "say")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"sort": "luck"}, "needed 'newest', 'duration'"),
        ({"sort": "metric:"}, "metric:NAME"),
        ({"order": "up"}, "needed 'asc' or 'desc'"),
        ({"tags": "[1]"}, "needed a JSON object"),
        ({"sort": "duration", "before": 3}, "Use 'offset'"),
    ],
)
def test_a_list_that_cannot_be_made_is_refused(
    running: EngineProcess, query: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        _listed(running, **query)


def test_what_is_not_there_cannot_be_edited_or_cloned(running: EngineProcess) -> None:
    with pytest.raises(NotFound):
        running.client.edit_run("7", note="x")
    with pytest.raises(NotFound):
        running.client.clone_run("7")
    with pytest.raises(InvalidInput):
        running.client.edit_run("7", tags={"no spaces": "x"})
