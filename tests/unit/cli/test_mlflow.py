"""Where MLflow's API is served, from a terminal and from Python."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import jupyter_mlplat as mlplat_api
from tests.fakes.engine import FakeEngine
from tests.unit.cli.conftest import Done

Call = Callable[..., Done]

HOST = "http://127.0.0.1:4711"
DOOR = {
    "host": HOST,
    "variables": {"MLFLOW_TRACKING_URI": HOST, "MLFLOW_TRACKING_TOKEN": "a-token"},
}


def test_the_door_is_opened_and_said(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["mlflow.open"] = DOOR

    assert f"export MLFLOW_TRACKING_URI={HOST}" in mlplat("mlflow").out
    assert mlplat("mlflow", "--export").out.splitlines() == [
        f"export MLFLOW_TRACKING_URI={HOST}",
        "export MLFLOW_TRACKING_TOKEN=a-token",
    ]
    assert mlplat("mlflow", "--json").json == {"mlflow": DOOR}


def test_the_door_is_closed(mlplat: Call, engine: FakeEngine) -> None:
    engine.answers["mlflow.close"] = {}

    assert "not served any longer" in mlplat("mlflow", "--close").out
    assert len(engine.requests("mlflow.close")) == 1


def test_a_process_is_told_where_to_track(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.answers["mlflow.open"] = DOOR
    told: list[str] = []
    loaded: Any = SimpleNamespace(set_tracking_uri=told.append)
    monkeypatch.setitem(sys.modules, "mlflow", loaded)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_RUN_CONTEXT"):
        monkeypatch.setenv(name, "")

    host = mlplat_api.mlflow(home=engine.home.root, notebook="/work/churn.ipynb")

    assert (host, told, os.environ["MLFLOW_TRACKING_TOKEN"]) == (HOST, [HOST], "a-token")
    context = json.loads(os.environ["MLFLOW_RUN_CONTEXT"])
    assert context == {"mlplat.notebook": str(Path("/work/churn.ipynb"))}
