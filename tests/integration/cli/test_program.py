"""The command line with a real engine, from a notebook to its lineage."""

import json
import os
import pty
import select
import signal
import subprocess
import time

import pytest

from jupyter_mlplat.client.engine import EngineClient
from tests.integration.cli.conftest import PROGRAM, Workplace


def test_run_prints_states_outputs_and_metrics(workplace: Workplace) -> None:
    workplace.write(
        "small.ipynb",
        "import jupyter_mlplat as mlplat\nsquares = [i * i for i in range(n)]",
        "total = len(squares)\nmlplat.log_metric('total', total);",
        parameters="n = 3\nwho = 'nobody'",
    )

    document = workplace.ask("run", "small.ipynb", "--cell-steps", "-p", "n=5", "-p", "who=7")

    assert document["run"]["state"] == "SUCCEEDED"
    assert document["run"]["parameters"] == {"n": 5, "who": "7"}
    assert document["metrics"] == {"total": 5.0}
    assert set(document["outputs"]) == {"squares", "total"}
    assert document["outputs"]["squares"]["value"] == [0, 1, 4, 9, 16]
    assert document["outputs"]["total"]["value"] == 5


def test_marked_cells_run_as_the_steps_they_name(workplace: Workplace) -> None:
    workplace.write(
        "marked.ipynb",
        "%load_ext jupyter_mlplat",
        "%%mlplat step --name load --cpu 1\nrows = [1, 2, 3]",
        "%mlplat run",
        "%%mlplat step --name count\ntotal = len(rows)",
    )

    document = workplace.ask("run", "marked.ipynb")
    report = workplace.ask("verify", "marked.ipynb")

    tasks = {task["name"]: task["state"] for task in document["run"]["tasks"]}
    assert (tasks["load"], tasks["count"]) == ("SUCCEEDED", "SUCCEEDED")
    assert document["outputs"]["total"]["value"] == 3
    assert report["equal"] is True
    assert len(workplace.ask("runs", "--text", "marked")["runs"]) == 1


def test_verify_finds_no_difference_beside_a_state_directory(workplace: Workplace) -> None:
    workplace.write("same.ipynb", "x = [1]", "y = x\ny.append(2)", "print(x)")

    report = workplace.ask("verify", "same.ipynb", "--cell-steps")

    assert (report["equal"], report["differences"]) == (True, [])


def test_log_is_what_the_step_wrote_to_the_byte(workplace: Workplace) -> None:
    workplace.write(
        "noisy.ipynb",
        "import os\nos.write(1, bytes(range(256)) + b'\\x1b]0;t\\x07');",
    )

    run = workplace.ask("run", "noisy.ipynb")["run"]
    done = workplace.mlplat("logs", run["id"], "--step", run["tasks"][0]["name"])

    assert done.stdout == bytes(range(256)) + b"\x1b]0;t\x07"


def test_failing_cell_is_named_and_a_retry_goes_on_from_there(workplace: Workplace) -> None:
    workplace.write("mend.ipynb", "x = 1", "y = x / 0")

    failed = workplace.mlplat("run", "mend.ipynb", "--cell-steps", "--json")
    document = json.loads(failed.stdout)
    workplace.write("mend.ipynb", "x = 1", "y = x / 4")
    mended = workplace.ask("retry", document["run"]["id"], "--notebook", "mend.ipynb")

    assert failed.returncode == 1
    assert b"ZeroDivisionError" in failed.stderr
    assert b"cell 2, line 1: ZeroDivisionError: division by zero" in failed.stderr
    assert [task["state"] for task in document["run"]["tasks"]] == ["SUCCEEDED", "FAILED"]
    assert mended["run"]["id"] == document["run"]["id"]
    assert mended["outputs"]["y"]["value"] == 0.25


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("run", "none.ipynb"), b"there is no such file"),
        (("compile", "text.ipynb"), b"text.ipynb"),
        (("run", "small.ipynb", "-p", "n=many"), b"'n'"),
        (("run", "small.ipynb", "-p", "stranger=1"), b"'stranger'"),
        (("runs", "show", "999"), b"999"),
        (("logs", "latest", "--step", "nowhere"), b"nowhere"),
        (("lineage", "nothing/1"), b"nothing"),
        (("deploy", "nothing"), b"nothing"),
        (("predict", "nothing", "[[1]]"), b"nothing"),
    ],
)
def test_wrong_input_exits_2_with_one_line(
    workplace: Workplace, argv: tuple[str, ...], told: bytes
) -> None:
    workplace.write("small.ipynb", "x = n", parameters="n = 3")
    (workplace.folder / "text.ipynb").write_text("no notebook")

    done = workplace.mlplat(*argv)

    assert done.returncode == 2, done.stderr
    assert done.stdout == b""
    assert done.stderr.startswith(b"jupyter mlplat: ")
    assert told in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_terminal_is_drawn_over_and_holds_the_result_in_the_end(workplace: Workplace) -> None:
    workplace.write("slow.ipynb", "import time\ntime.sleep(0.5)\nx = 1", "y = x + 1")

    code, screen = in_terminal(workplace, "run", "slow.ipynb", "--cell-steps", "--no-cache")

    assert code == 0
    assert b"\x1b[3A\r\x1b[J" in screen
    final = screen.rpartition(b"\x1b[J")[2].decode()
    assert "✓ succeeded" in final
    assert screen.count(b"\n") < 400


def test_interrupt_leaves_the_run_going_and_says_how_to_stop_it(workplace: Workplace) -> None:
    workplace.write("long.ipynb", "import time\nfor _ in range(600): time.sleep(0.1)")

    code, screen = in_terminal(workplace, "run", "long.ipynb", interrupt_at=b"1 of long")

    run = workplace.ask("runs", "show", "latest")["run"]
    assert code == 130
    assert f"Run {run['number']} goes on.".encode() in screen
    assert f"Stop it: jupyter mlplat cancel {run['number']}".encode() in screen
    assert run["state"] == "RUNNING"
    assert workplace.ask("cancel", "latest")["run"]["state"] in ("CANCELING", "CANCELED")


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["lines", "json"])
def test_engine_killed_under_a_waiting_command_is_no_error(
    workplace: Workplace, options: tuple[str, ...]
) -> None:
    workplace.write("patient.ipynb", "import time\ntime.sleep(2)\nx = 1", "y = x + 1")
    process = subprocess.Popen(
        [*PROGRAM, "run", "patient.ipynb", "--cell-steps", "--no-cache", *options],
        cwd=workplace.folder,
        env=workplace.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    client, deadline = EngineClient(workplace.home), time.monotonic() + 60
    while not (engine := client.get_engine()).running_tasks:
        assert time.monotonic() < deadline
        time.sleep(0.02)

    os.kill(engine.pid, signal.SIGKILL)
    out, err = process.communicate(timeout=120)

    assert (process.returncode, err) == (0, b"")
    run = workplace.ask("runs", "show", "latest")["run"]
    assert run["state"] == "SUCCEEDED"
    assert run["id"].encode() in out


def test_reader_that_has_seen_enough_is_no_error(workplace: Workplace) -> None:
    workplace.write("wide.ipynb", *(f"v{i} = {i}" for i in range(400)))
    process = subprocess.Popen(
        [*PROGRAM, "compile", "wide.ipynb", "--json", "--cell-steps"],
        cwd=workplace.folder,
        env=workplace.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    assert process.stdout
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr
    errors = process.stderr.read()
    process.stderr.close()

    assert (process.wait(60), errors) == (1, b"")


def in_terminal(
    workplace: Workplace, *argv: str, interrupt_at: bytes | None = None
) -> tuple[int, bytes]:
    """Run a command at a terminal; return its exit code and everything it drew."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another process
        os.chdir(workplace.folder)
        os.execve(PROGRAM[0], [*PROGRAM, *argv], workplace.environment(TERM="xterm", COLUMNS="100"))
    screen, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        try:
            piece = os.read(terminal, 65536) if ready else b""
        except OSError:
            break  # the other side has closed
        screen += piece
        if interrupt_at and interrupt_at.split(b" ", 1)[1] in screen:
            os.kill(pid, signal.SIGINT)
            interrupt_at = None
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), screen
