"""What a run would do, asked of a real engine before and after it has run."""

from .conftest import EngineProcess, WriteNotebook
from .test_runs import _run


def _will(engine: EngineProcess, path: object, **options: object) -> dict[str, str]:
    plan = engine.client.plan(str(path), **options)
    return {step.name: step.will for step in plan.steps}


def test_the_plan_says_what_the_run_then_does(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    cells = [
        ("x = [1, 2, 3]", {"step": "load"}),
        ("total = sum(x)", {"step": "add"}),
        ("score = total / 100", {"step": "score"}),
    ]
    book = write_notebook(*cells)
    assert _will(running, book) == {"load": "run", "add": "run", "score": "run"}
    _run(running, book)
    assert _will(running, book) == {"load": "cached", "add": "cached", "score": "cached"}

    book = write_notebook(cells[0], ("total = sum(x) + 0", {"step": "add"}), cells[2])
    plan = running.client.plan(book)
    run = _run(running, book)

    assert {step.name: step.will for step in plan.steps} == {
        "load": "cached",
        "add": "run",
        "score": "unknown",
    }
    assert plan.steps[1].stale == "cell 1 changed since run 1"
    assert [task.cached for task in run.tasks] == [True, False, True], "6 is 6 either way"


def test_from_a_step_on_all_runs_anew_and_only_one_where_asked(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("x = [1, 2, 3]", {"step": "load"}),
        ("total = sum(x)", {"step": "add"}),
        ("score = total / 100", {"step": "score"}),
        ("other = 1", {"step": "other"}),
    )
    _run(running, book)

    planned = _will(running, book, from_step="add")
    run = _run(running, book, from_step="add")
    only = _run(running, book, from_step="add", until="add")

    assert planned == {"load": "cached", "add": "run", "score": "run", "other": "skip"}
    assert [(task.state, task.cached) for task in run.tasks] == [
        ("SUCCEEDED", True),
        ("SUCCEEDED", False),
        ("SUCCEEDED", False),
        ("SKIPPED", False),
    ]
    assert run.tasks[1].cache is not None
    assert run.tasks[1].cache.reason == "this run was asked to run all from 'add' on anew"
    assert [task.state for task in only.tasks] == ["SUCCEEDED", "SUCCEEDED", "SKIPPED", "SKIPPED"]
    assert _will(running, book, cache=False)["load"] == "run"


def test_only_one_step_runs_on_what_the_others_left_even_if_they_changed(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    add, score = ("total = sum(x)", {"step": "add"}), ("score = total / 100", {"step": "score"})
    clock = ("import time\nx = [1, int(time.time())]", {"step": "load"})
    asked = {"from_step": "add", "until": "add", "reuse": "last"}
    book = write_notebook(clock, add, score)
    assert _will(running, book, **asked) == {"load": "run", "add": "run", "score": "skip"}
    first = _run(running, book)

    book = write_notebook((clock[0] + "\nx.append(1)", clock[1]), add, score)
    plan = running.client.plan(str(book), **asked)
    only = _run(running, book, **asked)
    again = running.client.plan(str(book))

    assert {step.name: step.will for step in plan.steps} == {
        "load": "cached",
        "add": "run",
        "score": "skip",
    }
    load = only.tasks[0]
    assert (load.cached, load.bundle, only.tasks[1].cached) == (True, first.tasks[0].bundle, False)
    assert load.cache is not None
    assert plan.steps[0].is_left
    assert plan.steps[0].reason == load.cache.reason
    assert load.cache.reason.startswith("as run 1 left it; not cached: reads the clock")
    assert again.steps[0].stale == "cell 1 changed since run 1", "it has not run as it is now"
    made = {value.name: value.artifact_id for value in running.client.list_outputs(only.id)}
    assert made["x"] == next(
        value.artifact_id for value in running.client.list_outputs(first.id) if value.name == "x"
    )
