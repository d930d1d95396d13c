"""The engine as a process: one per state directory, hard to harm, easy to find again."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlplat.client.connection import UnixConnection
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.routes import PREFIX, ROUTES, Route
from jupyter_mlplat.resources.run import RunState

from .conftest import EngineProcess, WriteNotebook


def _ask(
    engine: EngineProcess,
    verb: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    connection = UnixConnection(engine.home.socket, 10)
    try:
        connection.request(verb, path, body, headers or {})
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def test_a_second_engine_says_who_has_it_and_leaves(running: EngineProcess) -> None:
    second = subprocess.run(
        [sys.executable, "-I", "-m", "jupyter_mlplat.engine", "--home", running.home.root],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert second.returncode == 3
    assert f"process {running.process.pid}, version 0.1.0, since 20" in second.stderr
    assert running.client.ping() is not None


def test_only_the_owner_gets_at_anything(running: EngineProcess) -> None:
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (running.home.root, running.home.socket, running.home.database)
    }

    assert modes == {"home": 0o700, "engine.sock": 0o600, "metadata.db": 0o600}


def test_a_state_directory_with_a_long_path_works_as_well(short_dir: Path) -> None:
    engine = EngineProcess(short_dir / ("long-" * 20) / "home").start()
    try:
        assert len(str(engine.home.socket)) < 100
        assert json.loads(engine.home.lock.read_text())["socket"] == str(engine.home.socket)
        assert engine.client.get_engine().home == str(engine.home.root)
    finally:
        assert engine.stop() == 0


def test_settings_that_are_wrong_are_named_and_end_it(engine: EngineProcess) -> None:
    engine.home.root.mkdir(parents=True)
    engine.home.settings.write_text("[engine]\nmemry = '2Gi'\n")

    engine.start()

    assert engine.process.wait(20) == 2
    assert "'memry' is no setting of the engine" in engine.log()


def test_a_run_outlives_the_engine_that_was_asked_to_stop(
    running: EngineProcess, write_notebook: WriteNotebook
) -> None:
    book = write_notebook(
        ("import time\ntime.sleep(1.0)\nx = 1", {"step": "slow"}), ("y = x", {"step": "after"})
    )
    run = running.client.submit(book)
    deadline = time.monotonic() + 20
    while not (running.home.attempt(run.id, "slow", 1) / "claim").exists():
        assert time.monotonic() < deadline, running.client.get_run(run.id)
        time.sleep(0.01)

    assert running.stop() == 0
    running.start()

    assert running.client.wait_for_run(run.id, 30).state is RunState.SUCCEEDED
    assert running.client.get_run(run.id).tasks[0].attempt == 1


def test_it_comes_to_rest_and_stays_small_when_nothing_runs(running: EngineProcess) -> None:
    def cpu_s() -> float:
        fields = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def share_of_a_core() -> float:
        before, began = cpu_s(), time.monotonic()
        time.sleep(2.0)
        return (cpu_s() - before) / (time.monotonic() - began)

    # What it prepares after its start takes as long as the machine is busy; then it must be quiet.
    assert any(share_of_a_core() < 0.01 for _ in range(15))
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    assert resident < 100 * 1024


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_write_wants_json_and_every_route_a_local_host(
    running_once: EngineProcess, route: Route
) -> None:
    path = PREFIX + route.path.replace("{", "").replace("}", "")

    foreign, _, body = _ask(running_once, route.verb, path, b"{}", {"Host": "evil.example"})
    assert foreign == 403, body
    if route.verb != "GET":
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, body = _ask(running_once, route.verb, path, b"a=b", form)
        assert status == 400
        assert "application/json" in json.loads(body)["message"]


@pytest.fixture(scope="module")
def running_once() -> Iterator[EngineProcess]:
    root = Path(tempfile.mkdtemp(prefix="mlpo-"))
    engine = EngineProcess(root / "home").start(MLPLAT_BODY_LIMIT="64Ki")
    yield engine
    engine.stop()
    shutil.rmtree(root)


def test_a_body_over_the_limit_is_refused(running_once: EngineProcess) -> None:
    headers = {"Content-Type": "application/json"}
    large = b'{"notebook": "' + b"x" * 100_000 + b'"}'

    status, _, body = _ask(running_once, "POST", f"{PREFIX}/runs", large, headers)

    assert status == 413
    assert "larger than 65536 bytes" in json.loads(body)["message"]


def test_a_body_that_is_no_document_is_refused_with_what_is_wrong(
    running_once: EngineProcess,
) -> None:
    headers = {"Content-Type": "application/json"}

    status, _, body = _ask(
        running_once, "POST", f"{PREFIX}/runs", b'{"pth": "/x", "cache": "perhaps"}', headers
    )

    assert status == 400
    message = json.loads(body)["message"]
    assert "pth: Extra inputs are not permitted" in message
    assert "cache: Input should be a valid boolean" in message


@pytest.mark.parametrize(
    "segment",
    [
        "..",
        "%2e%2e",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%5cx",
        "a%00b",
        "%ff",
        "x%0ay",
        "latest%2f..",
    ],
)
@pytest.mark.parametrize(
    "route",
    [
        "/runs/{}",
        "/runs/{}/steps/a/log",
        "/runs/1/steps/{}/log",
        "/runs/1/steps/{}/notebook",
        "/artifacts/{}/content",
        "/lineage/{}",
        "/models/{}",
        "/endpoints/{}/log",
    ],
)
def test_no_path_segment_leads_anywhere_else(
    running_once: EngineProcess, route: str, segment: str
) -> None:
    status, _, body = _ask(running_once, "GET", PREFIX + route.format(segment))

    assert status in (400, 404), body
    assert b"root:" not in body


def test_an_unknown_route_and_a_wrong_verb_are_not_found(running_once: EngineProcess) -> None:
    for verb, path in (("GET", "/"), ("GET", f"{PREFIX}/nothing"), ("PATCH", f"{PREFIX}/runs")):
        headers = {"Content-Type": "application/json"}
        status, answered, body = _ask(running_once, verb, path, b"{}", headers)
        assert (status, json.loads(body)["code"]) == (404, "not-found")
        assert answered["x-content-type-options"] == "nosniff"


def test_a_caller_that_sends_rubbish_harms_nobody(running_once: EngineProcess) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(running_once.home.socket))
        caller.sendall(b"\x16\x03\x01\x00 rubbish\r\n\r\n")
        caller.settimeout(10)
        assert caller.recv(100).startswith((b"HTTP/1.1 400", b""))

    assert running_once.client.ping() is not None


def test_an_error_of_the_engine_keeps_its_class(running_once: EngineProcess) -> None:
    with pytest.raises(InvalidInput, match="needed one or more of PENDING"):
        running_once.client.list_runs(state="WRONG")


def test_it_starts_quickly(engine: EngineProcess) -> None:
    engine.start()

    # Processor time, because the tests of others may keep both cores busy.
    fields = Path(f"/proc/{engine.process.pid}/stat").read_text().rpartition(") ")[2].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    assert used < 1.5
    assert engine.client.get_engine().fence == 1


def test_it_ends_with_its_steps_when_its_state_directory_is_deleted(
    running: EngineProcess, write_notebook: WriteNotebook, short_dir: Path
) -> None:
    pid = short_dir / "pid"
    source = f"import os, time\nopen({str(pid)!r}, 'w').write(f'{{os.getpid()}} ')\n"
    running.client.submit(write_notebook(source + "time.sleep(600)"))
    deadline = time.monotonic() + 30
    while not (pid.exists() and pid.read_text().endswith(" ")):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    shutil.rmtree(running.home.root)

    assert running.process.wait(30) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (
            "verify",
            b'{"path": "/a.ipynb", "timeout_s": 0}',
            "Cannot use timeout_s=0: needed a number above 0.",
        ),
        (
            "endpoints",
            b'{"model": "m", "traffic": 200}',
            "Cannot use traffic=200: needed a number of at most 100.",
        ),
        (
            "endpoints",
            b'{"model": "m", "name": "A B"}',
            "Cannot use name='A B': needed up to 63 small letters, digits, '-', '_' and '.', with "
            "a letter or digit at either end.",
        ),
    ],
)
def test_a_value_out_of_bounds_is_named_with_what_is_needed(
    running_once: EngineProcess, path: str, body: bytes, message: str
) -> None:
    headers = {"Content-Type": "application/json"}

    status, _, answer = _ask(running_once, "POST", f"{PREFIX}/{path}", body, headers)

    assert (status, json.loads(answer)["message"]) == (400, message)
