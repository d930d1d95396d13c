"""What reaches the engine, and what comes back."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse

from jupyter_mlplat.errors import Conflict, NotFound
from tests.fakes.engine import Asked, FakeEngine
from tests.integration.server_ext.conftest import TOKEN, Server

API = "/mlplat/api/v1"


def test_request_arrives_without_the_users_credentials(server: Server, engine: FakeEngine) -> None:
    server.ask("GET", f"{API}/runs?limit=3&token={TOKEN}&_xsrf=y", headers={"Cookie": "a=secret"})

    (asked,) = engine.requests("runs.list")
    assert asked.query == {"limit": "3"}
    assert sorted(asked.headers) == ["connection", "content-type", "host"]
    assert TOKEN not in json.dumps(asked.headers)


def test_browser_cannot_say_who_the_user_is(server: Server, engine: FakeEngine) -> None:
    server.ask(
        "PUT",
        f"{API}/models/churn/aliases/champion",
        {"version": 1},
        headers={"X-Mlplat-User": "somebody-else"},
    )

    # Whoever has only the token has no name of his own: the engine writes down the account.
    (asked,) = engine.requests("models.set_alias")
    assert "x-mlplat-user" not in asked.headers


def test_body_and_idempotency_key_are_passed_on(server: Server, engine: FakeEngine) -> None:
    body = {"path": "/abs/a.ipynb", "parameters": {"text": "ä", "n": 1}}

    server.ask("POST", f"{API}/runs", body, headers={"Idempotency-Key": "k-1"})

    (asked,) = engine.requests("runs.submit")
    assert asked.body == body
    assert asked.headers["idempotency-key"] == "k-1"


def test_path_as_the_file_browser_shows_it_becomes_absolute(
    server: Server, engine: FakeEngine
) -> None:
    server.ask("POST", f"{API}/compile", {"path": "deep/a b.ipynb", "split": "cell"})

    (asked,) = engine.requests("pipelines.compile")
    assert asked.body == {"path": str(server.files / "deep/a b.ipynb"), "split": "cell"}


def test_what_a_schedule_runs_and_waits_for_becomes_absolute(
    server: Server, engine: FakeEngine
) -> None:
    body = {"work": {"path": "a.ipynb"}, "trigger": {"kind": "file", "path": "data/x.csv"}}

    server.ask("POST", f"{API}/schedules", body)

    (asked,) = engine.requests("schedules.create")
    assert asked.body == {
        "work": {"path": str(server.files / "a.ipynb")},
        "trigger": {"kind": "file", "path": str(server.files / "data/x.csv")},
    }
    status, _ = server.ask("POST", f"{API}/schedules", {"work": {"path": "../a.ipynb"}})
    assert status == 400


@pytest.mark.parametrize("path", ["../outside.ipynb", "link/outside.ipynb", "a/../../b.ipynb"])
def test_path_that_leads_out_of_the_servers_folder_is_refused(
    server: Server, engine: FakeEngine, path: str
) -> None:
    link = server.files / "link"
    if not link.is_symlink():
        link.symlink_to(Path("/"))

    status, body = server.ask("POST", f"{API}/compile", {"path": path})

    assert (status, body["code"]) == (400, "invalid-input")  # type: ignore[index]
    assert engine.requests("pipelines.compile") == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_body_that_is_no_json_object_is_refused(server: Server, content: bytes) -> None:
    status, body = server.ask("POST", f"{API}/compile", content)

    assert (status, body["code"]) == (400, "invalid-input")  # type: ignore[index]


def test_names_arrive_decoded_once(server: Server, engine: FakeEngine) -> None:
    server.ask("GET", f"{API}/runs/run-1/steps/a%20b/notebook")

    assert engine.requests("steps.notebook")[0].segments == {"run": "run-1", "step": "a b"}


def test_errors_of_the_engine_come_back_as_they_are(server: Server, engine: FakeEngine) -> None:
    def refuse(asked: Asked) -> Any:
        raise Conflict("Cannot delete run 3: it is running. Cancel it first.", run="run-3")

    engine.answers["runs.delete"] = refuse

    assert server.ask("DELETE", f"{API}/runs/3") == (
        409,
        {
            "code": "conflict",
            "message": "Cannot delete run 3: it is running. Cancel it first.",
            "details": {"run": "run-3"},
        },
    )


def test_error_of_the_engine_on_a_stream_is_an_error(server: Server, engine: FakeEngine) -> None:
    def refuse(asked: Asked) -> Any:
        raise NotFound("There is no run '9'.")

    engine.answers["runs.logs"] = refuse

    assert server.ask("GET", f"{API}/runs/9/logs")[0] == 404


def test_empty_answer_stays_empty(server: Server) -> None:
    with server.send("DELETE", f"{API}/endpoints/churn") as response:
        assert (response.status, response.read()) == (204, b"")


def test_content_of_an_artifact_is_saved_not_shown(server: Server, engine: FakeEngine) -> None:
    page = b"<script>alert(1)</script>"
    engine.answers["artifacts.content"] = Response(page, media_type="text/html")

    with server.send("GET", f"{API}/artifacts/art-1/content") as response:
        content = response.read()

    assert content == page
    assert response.headers["Content-Disposition"] == "attachment"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].endswith("sandbox")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_log_arrives_byte_for_byte_with_its_size(server: Server, engine: FakeEngine) -> None:
    written = bytes(range(256)) * 1000
    engine.answers["steps.log"] = Response(
        written, media_type="text/plain", headers={"X-Log-Size": "999999"}
    )

    with server.send("GET", f"{API}/runs/1/steps/a/log?offset=0") as response:
        content = response.read()

    assert content == written
    assert response.headers["X-Log-Size"] == "999999"


def test_events_arrive_as_they_happen_and_end_with_the_reader(
    server: Server, engine: FakeEngine
) -> None:
    ended = []

    async def stream() -> Any:
        import anyio

        try:
            yield b'id: 8\nevent: run.updated\ndata: {"seq": 8}\n\n'
            await anyio.sleep(60)
        finally:
            ended.append(time.monotonic())

    engine.answers["events.watch"] = lambda asked: StreamingResponse(
        stream(), media_type="text/event-stream"
    )

    response = server.send("GET", f"{API}/events?after=7")
    lines = [response.readline() for _ in range(4)]
    response.close()
    left_at = time.monotonic()

    assert lines == [b"id: 8\n", b"event: run.updated\n", b'data: {"seq": 8}\n', b"\n"]
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert engine.requests("events.watch")[0].query == {"after": "7"}
    while not ended:
        assert time.monotonic() < left_at + 10, "the engine still writes to a reader who left"
        time.sleep(0.01)


def test_slow_reader_slows_the_engine_instead_of_filling_memory(
    server: Server, engine: FakeEngine
) -> None:
    sent = []

    async def stream() -> Any:
        for _ in range(2000):
            sent.append(1)
            yield b"x" * 65536 + b"\n"

    engine.answers["runs.logs"] = lambda asked: StreamingResponse(stream())

    response = server.send("GET", f"{API}/runs/1/logs?follow=1")
    deadline = time.monotonic() + 2
    pieces = -1
    while len(sent) != pieces and time.monotonic() < deadline:
        pieces = len(sent)
        time.sleep(0.3)
    response.close()

    # 2,000 pieces are 131 MB; what fits into the buffers on the way is a few MB.
    assert 0 < pieces < 400
