"""Requests that break off: what is repeated, and what is not."""

from pathlib import Path
from typing import Any

import pytest

import jupyter_mlplat as mlplat
from jupyter_mlplat.client import connection, link
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.errors import BY_CODE, ExecutionFailed, InvalidInput, Unavailable
from jupyter_mlplat.resources.routes import Route
from jupyter_mlplat.resources.serving import EndpointState
from tests.contracts.documents import a_run, an_endpoint
from tests.fakes.engine import Asked, fake_engine


@pytest.fixture(autouse=True)
def _hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_RETRY_PAUSES_S", (0.0, 0.0))


def break_once(monkeypatch: pytest.MonkeyPatch, route_name: str) -> list[str]:
    """Let the engine's answer to one route be lost, once. Returns what was sent."""
    sent: list[str] = []
    send = connection.send

    def send_and_lose(path: Path, route: Route, *args: Any, **kwargs: Any) -> Any:
        response = send(path, route, *args, **kwargs)
        if route.name != route_name:
            return response
        sent.append(route.name)
        if len(sent) == 1:
            response.close()
            raise ConnectionResetError("lost")
        return response

    monkeypatch.setattr(connection, "send", send_and_lose)
    return sent


def test_question_whose_answer_was_lost_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = break_once(monkeypatch, "models.list")

    with fake_engine(tmp_path, models__list={"models": []}):
        assert EngineClient(tmp_path).list_models() == []

    assert sent == ["models.list"] * 2


def test_submission_whose_answer_was_lost_is_repeated_with_the_same_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_once(monkeypatch, "runs.submit")

    with fake_engine(tmp_path, runs__submit=a_run().to_wire()) as engine:
        EngineClient(tmp_path).submit("a.ipynb")

    keys = [asked.headers["idempotency-key"] for asked in engine.requests("runs.submit")]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_write_whose_answer_was_lost_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = break_once(monkeypatch, "runs.cancel")

    with fake_engine(tmp_path), pytest.raises(Unavailable, match="went away while it was asked"):
        EngineClient(tmp_path).cancel_run("latest")

    assert sent == ["runs.cancel"]


@pytest.mark.parametrize("code", BY_CODE)
def test_error_comes_back_as_the_class_it_was(tmp_path: Path, code: str) -> None:
    kind = BY_CODE[code]

    def refuse(asked: Asked) -> Any:
        raise kind("It cannot be done.", name="x")

    with fake_engine(tmp_path, runs__get=refuse), pytest.raises(kind) as caught:
        EngineClient(tmp_path).get_run("latest")

    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.details) == ("It cannot be done.", {"name": "x"})


def test_engine_that_does_not_answer_in_time_is_reported(tmp_path: Path) -> None:
    import time

    with (
        fake_engine(tmp_path, models__list=lambda asked: time.sleep(1.0)),
        pytest.raises(Unavailable, match="did not answer GET '/api/v1/models' in time"),
    ):
        EngineClient(tmp_path).fetch("models.list", timeout_s=0.2)


def test_names_are_encoded_so_that_they_stay_one_segment(tmp_path: Path) -> None:
    with fake_engine(tmp_path) as engine:
        client = EngineClient(tmp_path)
        client.fetch("steps.notebook", {"run": "1?x#y", "step": "ä %2f"})

    assert engine.requests("steps.notebook")[0].segments == {"run": "1?x#y", "step": "ä %2f"}


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    import numpy as np

    with fake_engine(tmp_path, runs__submit=a_run().to_wire()) as engine:
        EngineClient(tmp_path).submit("a.ipynb", parameters={"n": np.int64(3), "x": np.arange(2)})

    assert engine.requests("runs.submit")[0].body["parameters"] == {"n": 3, "x": [0, 1]}


def test_value_that_json_cannot_hold_is_refused_by_name(tmp_path: Path) -> None:
    with fake_engine(tmp_path), pytest.raises(InvalidInput, match="a set is no plain value"):
        EngineClient(tmp_path).submit("a.ipynb", parameters={"n": {1}})


def test_endpoint_that_does_not_come_up_is_an_error(tmp_path: Path) -> None:
    document = an_endpoint("churn").model_copy(
        update={"state": EndpointState.FAILED, "message": "It cannot be loaded."}
    )

    with (
        fake_engine(tmp_path, endpoints__deploy=document.to_wire()),
        pytest.raises(ExecutionFailed, match="It cannot be loaded"),
    ):
        mlplat.deploy("churn", home=tmp_path)
