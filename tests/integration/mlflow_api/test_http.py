"""Who may call MLflow's API, and what no caller can do with it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jupyter_mlplat.engine.api.mlflow.routes import PREFIX, ROUTES
from jupyter_mlplat.errors import Forbidden
from tests.integration.engine.conftest import (  # noqa: F401 - fixtures
    EngineProcess,
    engine,
    short_dir,
)

Answer = tuple[int, Any]


class Caller:
    """Calls the API as any HTTP client would."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._address = urlsplit(variables["MLFLOW_TRACKING_URI"])
        self._token = variables["MLFLOW_TRACKING_TOKEN"]

    def __call__(
        self, verb: str, path: str, body: object = None, token: str | None = None
    ) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        connection = http.client.HTTPConnection(
            self._address.hostname or "", self._address.port, timeout=30
        )
        headers = {"Authorization": f"Bearer {self._token if token is None else token}"}
        try:
            connection.request(verb, path, content, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    engine = EngineProcess(tmp_path_factory.mktemp("mlflow") / "home").start()  # noqa: F811
    yield Caller(engine.client.open_mlflow().variables)
    engine.stop()


def new_run(call: Caller, **more: object) -> str:
    status, answer = call("POST", f"{PREFIX}/mlflow/runs/create", {"experiment_id": "0", **more})
    assert status == 200, answer
    return str(answer["run"]["info"]["run_id"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_nothing_is_answered_without_the_token(call: Caller, route: Any) -> None:
    path = PREFIX + route.path.replace("{path}", "runs/x/artifacts/y").replace("{model}", "m-1")

    status, answer = call(route.verb, path.replace("{tag}", "t"), token="another")

    assert (status, answer["error_code"]) == (401, "UNAUTHENTICATED")


def test_what_is_not_in_the_table_does_not_exist(call: Caller) -> None:
    for verb, path in (
        ("GET", "/api/2.0/mlflow/gateway/endpoints/list"),
        ("POST", "/api/3.0/mlflow/traces"),
        ("GET", "/"),
        ("DELETE", "/api/2.0/mlflow/runs/get"),
    ):
        assert call(verb, path)[1]["error_code"] == "ENDPOINT_NOT_FOUND"
    assert call("GET", "/health", token="none") == (200, b"OK")


@pytest.mark.parametrize(
    "path",
    ["../../x", "..%2f..%2fx", "%2e%2e/%2e%2e/x", "a/%2e%2e/%2e%2e/b", "a%5c..%5cb", "a%00b"],
)
def test_no_path_leads_out_of_its_run(call: Caller, path: str) -> None:
    run = new_run(call)
    base = f"{PREFIX}/mlflow-artifacts/artifacts/runs/{run}/artifacts/"

    for verb in ("PUT", "GET", "DELETE"):
        status, answer = call(verb, base + path, b"content")
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), verb


def test_files_of_one_run_are_not_those_of_another(call: Caller) -> None:
    first, second = new_run(call), new_run(call)
    base = f"{PREFIX}/mlflow-artifacts/artifacts/runs"
    assert call("PUT", f"{base}/{first}/artifacts/a/b.txt", b"content")[0] == 200

    assert call("GET", f"{base}/{first}/artifacts/a/b.txt") == (200, b"content")
    assert call("GET", f"{base}/{second}/artifacts/a/b.txt")[0] == 404
    assert call("PUT", f"{base}/run-00000000000000/artifacts/x", b"content")[0] == 404
    listed = call("GET", f"{PREFIX}/mlflow/artifacts/list?run_id={first}&path=a")[1]["files"]
    assert listed == [{"path": "a/b.txt", "is_dir": False, "file_size": 7}]
    assert call("DELETE", f"{base}/{first}/artifacts/a")[0] == 200
    assert call("GET", f"{base}/{first}/artifacts/a/b.txt")[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        {"run_id": ["x"], "key": "a", "value": 1},
        {"key": "a", "value": 1},
        {"run_id": "RUN", "key": "a", "value": "high"},
        {"run_id": "RUN", "key": "a" * 300, "value": 1},
        {"run_id": "RUN", "key": "../a", "value": 1},
        {"run_id": "RUN", "key": "a", "value": 1, "step": "soon"},
    ],
    ids=str,
)
def test_bad_input_is_said_to_be_bad(call: Caller, body: Any) -> None:
    run = new_run(call)
    if isinstance(body, dict) and body.get("run_id") == "RUN":
        body = body | {"run_id": run}

    status, answer = call("POST", f"{PREFIX}/mlflow/runs/log-metric", body)

    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer


def test_a_tracked_run_survives_the_death_of_the_engine(short_dir: Path) -> None:  # noqa: F811
    engine = EngineProcess(short_dir / "home").start()  # noqa: F811
    try:
        call = Caller(engine.client.open_mlflow().variables)
        run = new_run(call, run_name="lasting")
        metric = {"run_id": run, "key": "loss", "value": 0.5, "step": 1}
        assert call("POST", f"{PREFIX}/mlflow/runs/log-metric", metric)[0] == 200

        engine.kill()
        engine.start()

        assert engine.client.get_run(run).state == "RUNNING"
        assert call("POST", f"{PREFIX}/mlflow/runs/log-metric", metric | {"step": 2})[0] == 200
        ended = {"run_id": run, "status": "FINISHED"}
        assert call("POST", f"{PREFIX}/mlflow/runs/update", ended)[0] == 200
        assert [it.position for it in engine.client.list_metrics(run)] == [1, 2]
        assert engine.client.get_run(run).state == "SUCCEEDED"
        assert engine.client.cancel_run(new_run(call)).state == "CANCELED"
    finally:
        engine.stop()


def test_the_door_stays_shut_where_the_settings_say_so(engine: EngineProcess) -> None:  # noqa: F811
    engine.start(MLPLAT_MLFLOW_API="off")

    with pytest.raises(Forbidden, match="mlflow_api"):
        engine.client.open_mlflow()
