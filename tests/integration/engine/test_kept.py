"""Final values that nothing needs are kept where that can be done, and missed where it cannot."""

from jupyter_mlplat.client.views import nouns, text
from jupyter_mlplat.resources.run import Run, RunState, TaskState

from .conftest import EngineProcess, WriteNotebook

LOCKED = "import threading\nbox = {'lock': getattr(threading, 'Lo' + 'ck')()}"
"""A lock that the compiler does not see."""
REASON = "dict because of box['lock'] (_thread.lock): cannot pickle '_thread.lock' object"


def _run(engine: EngineProcess, path: object) -> Run:
    run = engine.client.submit(str(path))
    return engine.client.wait_for_run(run.id, 60)


def test_final_value_that_cannot_be_saved_fails_no_step(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook((f"{LOCKED}\ny = 2", {"step": "make"}))

    first, second = _run(running, book), _run(running, book)

    assert first.state is RunState.SUCCEEDED, first.failure
    assert first.tasks[0].not_kept == {"box": REASON}
    assert (second.tasks[0].cached, second.tasks[0].not_kept) == (True, {"box": REASON})
    assert running.client.get_result(first.id).outputs["y"].preview == "2"
    shown = text.draw(nouns.view_run(first))
    assert f"'box' of step 'make' was not kept: {REASON}. No step needs it." in shown


def test_value_that_a_later_step_needs_must_be_saved(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook((LOCKED, {"step": "make"}), ("print(box)", {"step": "use"}))

    run = _run(running, book)

    assert run.state is RunState.SUCCEEDED, run.failure
    assert [len(step.cells) for step in running.client.get_run_pipeline(run.id).steps] == [2]
    assert [[cell.state for cell in task.cells] for task in run.tasks] == [["ok", "ok"]]


def test_value_of_unknown_kind_is_an_output(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook("import fractions, functools\nhalf = functools.reduce(max, [1, 2])")

    run = _run(running, book)

    assert running.client.get_result(run.id).outputs["half"].preview == "2"


def test_cached_step_is_taken_when_fewer_of_its_values_are_needed_and_not_when_more_are(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    make = ("import io\ntext = io.StringIO('a')\ny = [2]", {"step": "make"})
    _run(running, write_notebook(make, ("z = y[0]", {"step": "use"})))

    fewer = _run(running, write_notebook(make))
    more = _run(running, write_notebook(make, ("print(text.getvalue(), y)", {"step": "use"})))

    assert fewer.tasks[0].cached
    cache = more.tasks[0].cache
    assert cache is not None
    assert cache.reason == "'text' was not saved in run 1, and later steps need it now"


def test_retry_keeps_a_step_whose_saved_values_are_all_that_is_needed_now(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    load = ("rows = [3, 1, 2]\nmore = list(rows)", {"step": "load", "cache": False})
    book = write_notebook(load, ("rows.srot()\nprint(more)", {"step": "sort"}))
    failed = _run(running, book)
    write_notebook(load, ("rows.sort()", {"step": "sort"}))

    running.client.retry_run(failed.id, book)
    run = running.client.wait_for_run(failed.id, 60)

    assert run.state is RunState.SUCCEEDED, run.failure
    assert [(task.state, task.attempt) for task in run.tasks] == [
        (TaskState.SUCCEEDED, 1),
        (TaskState.SUCCEEDED, 2),
    ]
