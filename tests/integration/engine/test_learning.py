"""What only running shows of a cell is learned, and the run goes on with a plan that knows it."""

from jupyter_mlplat.resources.run import RunState

from .conftest import EngineProcess, WriteNotebook

HIDDEN_CHANGE = (
    "import gc\nfor o in gc.get_objects():\n"
    "    if type(o) is list and len(o) == len(xs) and o[0] == 'marked':\n        o.reverse()\ndel o"
)
CELLS = (
    ("xs = ['marked', 1]", {"step": "make"}),
    (HIDDEN_CHANGE, {"step": "change"}),
    ("print(xs)", {"step": "show"}),
)


def test_a_run_goes_on_after_a_change_that_the_source_does_not_show(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client = running.client

    run = client.wait_for_run(client.submit(str(write_notebook(*CELLS))).id, 60)

    assert (run.state, run.failure) == (RunState.SUCCEEDED, None)
    assert client.read_step_log(run.id, "show") == b"[1, 'marked']\n"
    assert {task.name: task.attempt for task in run.tasks}["change"] == 2
    edges = {(edge.source, edge.target): edge for edge in client.get_run_pipeline(run.id).edges}
    assert [reason.proof for reason in edges["change", "show"].reasons] == ["observed"]


def test_what_was_learned_is_known_to_later_runs_and_engines(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client, book = running.client, write_notebook(*CELLS)
    client.wait_for_run(client.submit(str(book)).id, 60)
    running.stop()
    running.start()

    run = client.wait_for_run(client.submit(str(book), cache=False).id, 60)

    assert run.state is RunState.SUCCEEDED
    assert {task.name: task.attempt for task in run.tasks} == {"make": 1, "change": 1, "show": 1}


def test_a_read_that_the_source_does_not_show_is_given_what_it_reads(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client = running.client
    book = write_notebook(
        ("unit = 'cm'", {"step": "make"}),
        ("def show():\n    print(_hidden())", {"step": "define"}),
        (
            "import types\n_hidden = types.FunctionType(compile('un' + 'it', '', 'eval'), "
            "show.__globals__)\nshow()",
            {"step": "show"},
        ),
    )

    run = client.wait_for_run(client.submit(str(book)).id, 60)

    assert (run.state, run.failure) == (RunState.SUCCEEDED, None)
    assert client.read_step_log(run.id, "show") == b"cm\n"


def test_steps_that_share_what_cannot_be_passed_on_become_one(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client = running.client
    book = write_notebook(
        "h = [getattr(__import__('thread' + 'ing'), 'Lock')()]",
        "print(len(h))",
        "print('apart')",
    )

    run = client.wait_for_run(client.submit(str(book), split="cell").id, 60)

    assert (run.state, run.failure) == (RunState.SUCCEEDED, None)
    assert [(task.name, task.state.value) for task in run.tasks] == [
        ("cell-1", "SUCCEEDED"),
        ("cell-3", "SUCCEEDED"),
    ]
    assert client.read_step_log(run.id, "cell-1") == b"1\n"


def test_a_run_that_was_canceled_is_not_taken_up_again(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    client = running.client
    book = write_notebook(*CELLS[:2], ("import time\ntime.sleep(60)\nxs", {"step": "wait"}))
    run = client.submit(str(book))

    client.cancel_run(run.id)

    assert client.wait_for_run(run.id, 60).state is RunState.CANCELED
