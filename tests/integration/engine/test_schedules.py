"""Schedules and whole notebooks with a real engine, its deaths, and real kernels."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError, Unavailable
from jupyter_mlplat.resources.run import RunState
from jupyter_mlplat.resources.schedule import Firing, FiringState
from jupyter_mlplat.services.scheduling.webhooks import signature

from .conftest import EngineProcess, WriteNotebook

PARAMETERS = ("n = 1  # how many\nday = ''", {"tags": ["parameters"]})


def until(claim: Callable[[], Any], patience_s: float = 60.0) -> Any:
    deadline = time.monotonic() + patience_s
    while not (found := claim()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def request(path: Path, **given: Any) -> dict[str, Any]:
    work = {"path": str(path), "cache": False, **given.pop("work", {})}
    trigger = {"kind": "interval", "every_s": 1}
    return {"name": "often", "work": work, "trigger": trigger, "overlap": "queue", **given}


@pytest.fixture
def hook() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """An address on this machine, and what was sent to it."""
    heard: list[tuple[dict[str, str], bytes]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.slow
def test_planned_times_fire_once_through_kills_of_the_engine(
    running: EngineProcess, write_notebook: WriteNotebook, short_dir: Path
) -> None:
    log = short_dir / "log.txt"
    path = write_notebook(PARAMETERS, f"print(day, file=open({str(log)!r}, 'a'))")
    given = {"day": "{{ fire_time }}"}
    running.client.create_schedule(
        request(path, work={"parameters": given}, catch_up="all", catch_up_limit=100)
    )

    for _ in range(5):
        time.sleep(2.2)
        running.kill()
        running.start()
    running.client.pause_schedule("often")

    def is_settled() -> bool:  # what was missed may still be made up for after the pause
        before = running.client.list_firings("often", 100).firings
        time.sleep(1.5)
        now = running.client.list_firings("often", 100).firings
        return before == now and all(firing.state.is_final for firing in now)

    until(is_settled, 180)

    firings = running.client.list_firings("often", 100).firings
    written = Counter(log.read_text().split())
    assert max(written.values()) == 1
    assert len(written) == len([f for f in firings if f.state is FiringState.SUCCEEDED])
    assert {f.state for f in firings} <= {FiringState.SUCCEEDED, FiringState.MISSED}
    planned = sorted(f.planned_at for f in firings)
    gaps = {round((b - a).total_seconds()) for a, b in pairwise(planned)}
    assert gaps == {1}, "a planned second is missing from the history"


@pytest.mark.parametrize(
    "point",
    [
        "create.before",
        "create.after",
        "commit.run-submitted.before",
        "commit.run-submitted.after",
        "reply.before",
    ],
)
def test_a_firing_comes_to_one_run_wherever_the_engine_dies(
    engine: EngineProcess, write_notebook: WriteNotebook, short_dir: Path, point: str
) -> None:
    log = short_dir / "log.txt"
    path = write_notebook(PARAMETERS, f"print(n, file=open({str(log)!r}, 'a'))")
    table = [{"n": 1}, {"n": 2}, {"n": 3}]
    engine.start()
    engine.client.create_schedule(request(path, paused=True, table=table))
    engine.stop()
    engine.start(crash_at=point)

    with pytest.raises(Unavailable):
        engine.client.run_schedule("often", "key")
    assert engine.process.wait(20) != 0
    engine.start()

    def is_over() -> bool:
        found = engine.client.list_firings("often").firings
        return len(found) == 3 and all(firing.state.is_final for firing in found)

    until(is_over)
    again = engine.client.run_schedule("often", "key")
    assert [firing.state for firing in again] == [FiringState.SUCCEEDED] * 3
    assert sorted(log.read_text().split()) == ["1", "2", "3"]
    assert len(engine.client.list_runs(10)[0]) == 3


def test_a_wrong_schedule_leaves_nothing(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    path = write_notebook(PARAMETERS, "print(n)")

    for wrong, told in (
        ({"work": {"path": "/gone.ipynb"}}, "there is no such file"),
        ({"work": {"parameters": {"m": 1}}}, "'m' is not one of its parameters"),
        ({"work": {"parameters": {"n": "{{ schedule }}"}}}, "which takes int"),
        ({"notify": [{"url": "http://169.254.169.254/x"}]}, "private address"),
        ({"trigger": {"kind": "cron", "expression": "* * *"}}, "it has 3 fields"),
        ({"trigger": {"kind": "sometimes"}}, "trigger"),
    ):
        with pytest.raises(PlatformError, match=told):
            running.client.create_schedule(request(path, **wrong))

    assert running.client.list_schedules() == []


def test_a_webhook_is_told_and_can_see_who_it_was(
    engine: EngineProcess,
    write_notebook: WriteNotebook,
    hook: tuple[str, list[tuple[dict[str, str], bytes]]],
    short_dir: Path,
) -> None:
    (url, heard), key = hook, short_dir / "key"
    key.write_text("secret\n")
    engine.start(MLPLAT_WEBHOOK_ALLOW="127.0.0.1")
    path = write_notebook("1 / 0")
    notify = [{"url": url, "on": ["failed"], "key_file": str(key)}]
    trigger = {"kind": "cron", "expression": "@yearly"}
    engine.client.create_schedule(request(path, notify=notify, trigger=trigger))

    engine.client.run_schedule("often")

    headers, body = until(lambda: heard)[0]
    assert headers["X-Mlplat-Signature"] == signature(b"secret", body)
    assert json.loads(body)["outcome"] == "failed"
    assert json.loads(body)["message"] == "cell 1, line 1: ZeroDivisionError: division by zero"
    told = until(lambda: engine.client.list_firings("often").firings[0].notified["0"])
    assert told == "sent"


def test_a_changed_file_and_a_new_model_fire_once(
    running: EngineProcess, write_notebook: WriteNotebook, short_dir: Path
) -> None:
    data = short_dir / "data.csv"
    data.write_text("1")
    path = write_notebook(PARAMETERS, "print(n)")
    seen = {"parameters": {"day": "{{ event.digest }}"}}
    trigger = {"kind": "file", "path": str(data), "look_every_s": 1}
    running.client.create_schedule(request(path, work=seen, trigger=trigger))
    onwards = {"kind": "pipeline", "pipeline": "book"}
    follower = write_notebook("print('after')", name="after")
    running.client.create_schedule({**request(follower, trigger=onwards), "name": "after"})

    def begun(name: str) -> list[Firing]:
        return [one for one in running.client.list_firings(name).firings if one.run_number]

    data.write_text("22")

    (firing,) = until(lambda: begun("often"))
    run = running.client.wait_for_run(firing.run_number or 0, 60)
    assert run.state is RunState.SUCCEEDED
    assert str(run.parameters["day"]).startswith("sha256:")
    (after,) = until(lambda: running.client.list_firings("after").firings)
    assert after.event["number"] == run.number
    time.sleep(2.5)
    assert len(running.client.list_firings("often").firings) == 1


def test_a_whole_notebook_keeps_what_it_executed_and_its_page(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    path = write_notebook(
        PARAMETERS,
        "import jupyter_mlplat as mlplat\nmlplat.log_metric('twice', 2 * n)\nprint('n is', n)",
        "if n > 2:\n    raise ValueError(n)",
    )

    run = running.client.submit(path, whole=True, parameters={"n": 2})
    run = running.client.wait_for_run(run.id, 120)

    assert (run.state, run.whole) == (RunState.SUCCEEDED, True)
    assert running.client.get_result(run.id).metrics == {"twice": 4.0}
    assert b"n is 2" in running.client.read_step_log(run.id, "notebook")
    made = {artifact.name: artifact.id for artifact in running.client.list_artifacts(run.id)}
    assert made.keys() == {"book.ipynb", "book.html"}
    executed = json.loads(running.client.read_artifact(made["book.ipynb"]))
    tags = [cell["metadata"].get("tags") for cell in executed["cells"]]
    assert ["injected-parameters"] in tags
    assert b"n is 2" in running.client.read_artifact(made["book.html"])

    failed = running.client.clone_run(run.id, parameters={"n": 3})
    failed = running.client.wait_for_run(failed.id, 120)

    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.cell_index) == ("cell-error", 2)
    assert failed.failure.message == "cell 3, line 2: ValueError: 3"
    assert len(running.client.list_artifacts(failed.id)) == 2
    with pytest.raises(InvalidInput, match="'m' is not one of its parameters"):
        running.client.submit(path, whole=True, parameters={"m": 3})


def test_a_schedule_that_is_removed_is_gone(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    path = write_notebook("print(1)")
    running.client.create_schedule(request(path, paused=True))
    running.client.run_schedule("often")

    running.client.delete_schedule("often")

    with pytest.raises(NotFound, match="Cannot find schedule 'often'"):
        running.client.get_schedule("often")
    assert running.client.get_run("latest").tags == {"schedule": "often"}


@pytest.mark.slow
def test_papermills_own_program_records_a_run(
    running: EngineProcess, write_notebook: WriteNotebook, short_dir: Path
) -> None:
    path = write_notebook(PARAMETERS, "print('n is', n)", "1 / (n - 3)")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {**json.loads(path.read_text()), "metadata": {"kernelspec": kernel}}
    path.write_text(json.dumps(content))
    program = Path(sys.executable).with_name("papermill")

    def papermill(n: int) -> subprocess.CompletedProcess[str]:
        words = [
            program,
            "--engine",
            "mlplat",
            path,
            short_dir / f"out{n}.ipynb",
            "-p",
            "n",
            n,
        ]
        environment = {**os.environ, "MLPLAT_HOME": str(running.home.root)}
        return subprocess.run(
            [str(word) for word in words],
            env=environment,
            cwd=short_dir,
            capture_output=True,
            text=True,
            timeout=200,
        )

    good, bad = papermill(2), papermill(3)

    assert (good.returncode, bad.returncode) == (0, 1), good.stderr
    assert "ZeroDivisionError" in bad.stderr
    executed = json.loads((short_dir / "out2.ipynb").read_text())
    assert "n is 2" in json.dumps(executed)
    failed, succeeded = running.client.list_runs(2)[0]
    assert (succeeded.state, failed.state) == (RunState.SUCCEEDED, RunState.FAILED)
    run = running.client.get_run(failed.id)
    assert run.parameters == {"n": 3}
    assert run.failure is not None
    assert run.failure.cell == "cell-2"


@pytest.mark.slow
def test_a_whole_notebook_that_takes_too_long_is_ended_with_its_kernel(
    running: EngineProcess, write_notebook: WriteNotebook, short_dir: Path
) -> None:
    pid = short_dir / "pid"
    path = write_notebook(
        f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(300)"
    )
    trigger = {"kind": "cron", "expression": "@yearly"}
    work = {"whole": True, "reports": []}
    # So long that the kernel has started, however busy this machine is.
    running.client.create_schedule(request(path, work=work, trigger=trigger, timeout_s=40))

    running.client.run_schedule("often")
    kernel = int(until(lambda: pid.exists() and pid.read_text()))
    firing = until(lambda: (f := running.client.list_firings("often").firings[0]).timed_out and f)
    until(lambda: running.client.list_firings("often").firings[0].state is FiringState.FAILED)

    assert "limit of 40 s" in firing.message
    until(lambda: not Path(f"/proc/{kernel}").exists(), 20)
    run = running.client.get_run("latest")
    assert run.state is RunState.CANCELED
    assert [artifact.name for artifact in running.client.list_artifacts(run.id)] == []
