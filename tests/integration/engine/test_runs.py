"""Runs, asked for through the API of a real engine."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound
from jupyter_mlplat.resources.run import Run, RunState, TaskState

from .conftest import EngineProcess, WriteNotebook, notebook_of
from .history import check_history, effects_of, read_history


def _run(engine: EngineProcess, path: object, **more: object) -> Run:
    run = engine.client.submit(str(path), **more)  # type: ignore[arg-type]
    run = engine.client.wait_for_run(run.id, 60)
    assert run.state.is_final
    return run


def _states(run: Run) -> dict[str, str]:
    return {task.name: task.state.value for task in run.tasks}


def _is_running(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_values_pass_from_step_to_step_and_come_out(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("alpha = 2  # how much", {"tags": ["parameters"]}),
        ("x = [1, 2, 3]", {"step": "load"}),
        ("total = sum(x) * alpha\nprint('total', total)", {"step": "add"}),
        ("score = total / 100", {"step": "score", "metrics": "score"}),
    )

    run = _run(running, book, parameters={"alpha": 5})

    result = running.client.get_result(run.number)
    assert _states(run) == dict.fromkeys(["load", "add", "score"], "SUCCEEDED")
    assert {name: value.preview for name, value in result.outputs.items()}["total"] == "30"
    assert result.metrics == {"score": 0.3}
    assert running.client.read_step_log(run.id, "add") == b"total 30\n"
    assert [cell["outputs"] for cell in running.client.get_step_notebook(run.id, "add")["cells"]]


def test_steps_that_do_not_need_each_other_run_at_the_same_time(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    nap = "import time\ntime.sleep(0.5)\n"
    book = write_notebook(
        ("x = 1", {"step": "source"}),
        (nap + "a = x", {"step": "left"}),
        (nap + "b = x", {"step": "right"}),
    )

    run = _run(running, book)

    tasks = {task.name: task for task in run.tasks}
    starts = [tasks[name].started_at for name in ("left", "right")]
    ends = [tasks[name].finished_at for name in ("left", "right")]
    assert max(filter(None, starts)) < min(filter(None, ends))


def test_a_task_says_how_it_ran(running: EngineProcess, write_notebook: WriteNotebook) -> None:
    book = write_notebook(
        ("x = 1", {"step": "warm"}), ("print(2)", {"step": "other", "kernel": "python3"})
    )

    run = _run(running, book)
    tasks = {task.name: task for task in run.tasks}
    cached = _run(running, book).tasks[0]

    assert (tasks["warm"].executed_as, tasks["other"].executed_as) == ("warm-process", "kernel")
    assert running.client.read_step_log(run.id, "other") == b"2\n", "the kernel's own warnings"
    assert (cached.cached, cached.executed_as) == (True, None)


def test_a_failing_cell_is_named_and_what_needs_it_is_skipped(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("x = {}", {"step": "load"}),
        ("y = 1\nz = x['missing']", {"step": "use"}),
        ("w = z", {"step": "after"}),
        ("v = len(x)", {"step": "beside"}),
    )

    run = _run(running, book)

    assert run.state is RunState.FAILED
    assert _states(run) == {
        "load": "SUCCEEDED",
        "use": "FAILED",
        "after": "SKIPPED",
        "beside": "SUCCEEDED",
    }
    assert run.failure is not None
    assert (run.failure.step, run.failure.cell, run.failure.line) == ("use", "cell-1", 2)
    assert run.failure.error_name == "KeyError"


def test_a_retry_goes_on_from_the_failed_step_with_the_mended_code(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    cells = [
        ("print('ran')\nx = 1", {"step": "load", "cache": False}),
        ("y = x / 0", {"step": "use"}),
        ("z = y", {"step": "after"}),
    ]
    run = _run(running, write_notebook(*cells))
    cells[1] = ("y = x / 2", {"step": "use"})
    book = write_notebook(*cells)

    running.client.retry_run(run.id, book)
    again = running.client.wait_for_run(run.id, 60)

    assert again.state is RunState.SUCCEEDED, again.failure
    assert [(task.name, task.attempt) for task in again.tasks] == [
        ("load", 1),
        ("use", 2),
        ("after", 1),
    ]
    assert effects_of(running.home, again, "load") == ["ran"]
    assert running.client.get_result(run.id).outputs["z"].preview == "0.5"


def test_a_retry_with_changed_code_runs_the_changed_step_and_what_depends_on_it(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    cells = [
        ("x = 1", {"step": "first", "cache": False}),
        ("y = 2", {"step": "other", "cache": False}),
        ("z = x + y\nassert z == 30", {"step": "join", "cache": False}),
    ]
    run = _run(running, write_notebook(*cells))
    cells[0] = ("x = 28", {"step": "first", "cache": False})

    running.client.retry_run(run.id, write_notebook(*cells))
    again = running.client.wait_for_run(run.id, 60)

    assert again.state is RunState.SUCCEEDED, again.failure
    assert {task.name: task.attempt for task in again.tasks} == {"first": 2, "other": 1, "join": 2}


def test_an_equal_run_is_taken_from_the_cache_and_says_so(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    first = write_notebook(
        ("x = [3, 1, 2]", {"step": "load"}),
        ("y = sorted(x)", {"step": "sort"}),
        ("z = y[0]", {"step": "least"}),
    )
    one, two = _run(running, first), _run(running, first)
    second = write_notebook(
        ("x = [3, 2, 1]  # otherwise, and with a comment", {"step": "load"}),
        ("y = sorted(x)", {"step": "sort"}),
        ("z = y[0]", {"step": "least"}),
    )

    three = _run(running, second)

    assert [task.cached for task in two.tasks] == [True, True, True]
    assert two.tasks[0].cache is not None
    assert two.tasks[0].cache.reason == f"same code, same inputs as run {one.number}"
    load, sort, least = three.tasks
    assert (load.cached, sort.cached, least.cached) == (False, False, True), "no early cut-off"
    assert load.cache is not None
    assert (load.cache.hit, load.cache.changed) == (False, ("cell 1",))
    assert sort.cache is not None
    assert sort.cache.changed == ("input x",)
    assert running.client.get_result(three.id).outputs["z"].preview == "1"


def test_a_step_that_reads_files_is_not_taken_from_the_cache_unless_it_says_so(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(("text = open('data.txt').read()", {"step": "read"}))
    (book.parent / "data.txt").write_text("one")
    _run(running, book)
    (book.parent / "data.txt").write_text("two")

    run = _run(running, book)

    assert not run.tasks[0].cached
    assert running.client.get_result(run.id).outputs["text"].preview == "'two'"


def test_cancel_stops_a_whole_process_tree(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    code = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '100'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    book = write_notebook((code, {"step": "forks"}), ("after = 1", {"step": "after"}))
    run = running.client.submit(book)
    deadline = time.monotonic() + 20
    while not (pid := running.client.read_step_log(run.id, "forks", "stdout").strip()):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    running.client.cancel_run(run.id)
    ended = running.client.wait_for_run(run.id, 30)

    assert ended.state is RunState.CANCELED
    assert _states(ended)["forks"] == "CANCELED"
    assert not _is_running(int(pid)), "the grandchild is still there"
    assert running.client.cancel_run(run.id).state is RunState.CANCELED, "cancel is idempotent"


def test_a_step_that_takes_too_long_is_stopped_and_says_its_limit(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(("import time\ntime.sleep(60)", {"step": "sleeps", "timeout": 0.5}))

    run = _run(running, book)

    assert run.state is RunState.FAILED
    assert run.failure is not None
    assert run.failure.code == "timeout"
    assert "its limit of 0.5 s" in run.failure.message


def test_a_step_that_dies_by_a_signal_says_which(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    run = _run(running, write_notebook((code, {"step": "dies"})))

    assert run.failure is not None
    assert run.failure.code == "killed"
    assert "signal 9" in run.failure.message


def test_a_step_that_needs_too_much_memory_says_its_limit(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    code = "import time\nblock = bytearray(400_000_000)\ntime.sleep(20)"
    run = _run(running, write_notebook((code, {"step": "grows", "memory": "200Mi"})))

    assert run.failure is not None
    assert run.failure.code == "out-of-memory"
    assert "200 MiB" in run.failure.message


def test_a_failed_step_is_tried_again_with_back_off(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(("1 / 0", {"step": "fails", "retries": 2, "backoff_s": 0.05}))

    run = _run(running, book)

    assert run.state is RunState.FAILED
    assert run.tasks[0].attempt == 3
    assert running.stop() == 0
    events, runs = read_history(running.home)
    check_history(events, runs)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alhpa": 1}, "'alhpa' is not one of its parameters. It has: alpha."),
        ({"alpha": "x"}, "'alpha' takes int (its default is 1), found str 'x'"),
        ({"alpha": True}, "'alpha' takes int (its default is 1), found bool True"),
    ],
    ids=["unknown", "text", "truth"],
)
def test_wrong_parameters_are_refused_before_anything_is_stored(
    running: EngineProcess,
    write_notebook: WriteNotebook,
    parameters: dict[str, object],
    message: str,
) -> None:
    book = write_notebook(("alpha = 1", {"tags": ["parameters"]}), "x = alpha")

    with pytest.raises(InvalidInput, match="Cannot run 'book'") as refused:
        running.client.submit(book, parameters=parameters)

    assert message in refused.value.message
    assert running.client.list_runs() == ([], None)


def test_what_can_never_run_here_is_refused(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(("x = 1", {"step": "huge", "gpu": 8}))

    with pytest.raises(InvalidInput) as refused:
        running.client.submit(book)

    assert "asks for 8 GPUs, this machine has none that is known here" in refused.value.message


def test_a_notebook_that_is_none_is_refused_with_what_it_is(running: EngineProcess) -> None:
    folder = running.home.root.parent
    (folder / "text.ipynb").write_text("no json")
    (folder / "list.ipynb").write_text("[]")
    (folder / "new.ipynb").write_text(json.dumps(notebook_of([]) | {"nbformat": 5}))
    (folder / "bytes.ipynb").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(NotFound, match="there is no such file"):
        running.client.submit(folder / "none.ipynb")
    for name, reason in {
        "text": "it is not JSON",
        "list": "found JSON of type list",
        "new": "its format is nbformat 5",
        "bytes": "not text in UTF-8",
        "": "it is a folder",
    }.items():
        with pytest.raises(InvalidInput, match=reason):
            running.client.submit(folder / f"{name}.ipynb" if name else folder)


def test_one_key_is_one_run_however_often_it_is_sent(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook("x = 1")

    def submit(_: int) -> str:
        return running.client.submit(book, idempotency_key="once").id

    with ThreadPoolExecutor(10) as pool:
        ids = set(pool.map(submit, range(40)))

    assert len(ids) == 1
    assert len(running.client.list_runs()[0]) == 1
    with pytest.raises(Conflict, match="another request"):
        running.client.submit(book, idempotency_key="once", experiment="other")


def test_the_event_stream_tells_a_run_from_any_point(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(("x = 1", {"step": "a"}), ("y = x", {"step": "b"}))
    told: list[tuple[int, str]] = []
    done = threading.Event()

    def listen() -> None:
        for event in running.client.watch_events(0, done.is_set):
            told.append((event.seq, event.kind))
            if event.kind == "run.updated" and event.data["state"] == "SUCCEEDED":
                done.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    run = _run(running, book)
    assert done.wait(10)

    assert [seq for seq, _ in told] == list(range(1, len(told) + 1))
    assert told[0][1] == "run.created"
    resumed = next(iter(running.client.watch_events(told[2][0])))
    assert (resumed.seq, resumed.kind) == told[3]
    assert run.state is RunState.SUCCEEDED


def test_logs_are_followed_while_a_step_writes(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    code = "import time\nfor i in range(3):\n    print('line', i, flush=True)\n    time.sleep(0.2)"
    run = running.client.submit(write_notebook((code, {"step": "writes"})))

    lines = list(running.client.follow_logs(run.id, follow=True))

    assert "".join(line.text for line in lines) == "line 0\nline 1\nline 2\n"
    assert len(lines) > 1, "nothing came before the end"
    assert {(line.step, line.attempt, line.stream) for line in lines} == {("writes", 1, "stdout")}


def test_a_run_can_be_deleted_only_when_it_is_over(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    run = running.client.submit(write_notebook("import time\ntime.sleep(30)"))
    with pytest.raises(Conflict, match="Cancel it first"):
        running.client.delete_run(run.id)
    running.client.cancel_run(run.id)
    running.client.wait_for_run(run.id, 30)

    running.client.delete_run(run.id)

    with pytest.raises(NotFound):
        running.client.get_run(run.id)


def test_until_runs_only_what_a_step_needs(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("x = 1", {"step": "a"}), ("y = x", {"step": "b"}), ("z = y", {"step": "c"})
    )

    run = _run(running, book, until="b")

    assert run.state is RunState.SUCCEEDED
    assert _states(run) == {"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "SKIPPED"}


def test_lineage_leads_from_a_value_back_to_the_cells_that_made_it(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(("x = 20", {"step": "make"}), ("y = x + 1", {"step": "use"}))
    run = _run(running, book)
    value = running.client.get_result(run.id).outputs["y"]
    assert value.artifact_id is not None

    lineage = running.client.get_lineage(value.artifact_id, "upstream")

    assert {execution.name for execution in lineage.executions} == {"make", "use"}
    assert {artifact.name for artifact in lineage.artifacts} == {"x", "y"}
    code = {execution.name: execution.code for execution in lineage.executions}
    assert set(code["use"].cells) == {"cell-1"}
    assert code["use"].environment is not None


def test_sixty_steps_that_need_nothing_share_two_cores(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    cells = [(f"x{i} = {i}", {"step": f"s{i}"}) for i in range(60)]
    run = _run(running, write_notebook(*cells))

    assert {task.state for task in run.tasks} == {TaskState.SUCCEEDED}
    assert run.state is RunState.SUCCEEDED


def test_files_that_cells_write_have_the_users_permissions(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    umask = os.umask(0)
    os.umask(umask)
    book = write_notebook(
        "import os, pathlib\nplace = pathlib.Path('made.txt')\nplace.write_text('x')\n"
        "print(oct(place.stat().st_mode & 0o777))"
    )

    run = _run(running, book)

    expected = f"{oct(0o666 & ~umask)}\n".encode()
    assert running.client.read_step_log(run.id, run.tasks[0].name) == expected
