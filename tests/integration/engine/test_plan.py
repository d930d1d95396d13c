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
