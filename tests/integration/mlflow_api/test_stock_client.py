"""The stock mlflow client, unmodified, tracks here as it does to MLflow's own server."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import PeerUnavailable, peer_python
from tests.integration.engine.conftest import EngineProcess

PROGRAM = Path(__file__).with_name("stock_client.py")


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter that has the newest mlflow of the index, and nothing of ours."""
    try:
        return peer_python("mlflow-client", "mlflow", "scikit-learn", "skops")
    except PeerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    engine = EngineProcess(tmp_path_factory.mktemp("mlflow") / "home").start()
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def seen(python: Path, engine: EngineProcess, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the client saw, from the first call to the last."""
    folder = tmp_path_factory.mktemp("client")
    variables = engine.client.open_mlflow().variables
    done = subprocess.run(
        [python, PROGRAM, folder],
        capture_output=True,
        text=True,
        timeout=500,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "GIT_PYTHON_REFRESH": "quiet",
            **variables,
        },
    )
    assert done.returncode == 0, done.stderr[-6000:] + engine.log()[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_experiments_are_made_found_and_put_away(seen: Any) -> None:
    assert seen["experiments"] == {
        "same": True,
        "tags": {"team": "a", "stage": "dev"},
        "deleted": ["Renamed", "deleted"],
        "default": "Default",
        "names": ["Churn, first try", "Default", "Renamed"],
        "one": ["Churn, first try"],
        "taken": "RESOURCE_ALREADY_EXISTS",
        "missing": "RESOURCE_DOES_NOT_EXIST",
    }


def test_runs_keep_what_is_logged(seen: Any) -> None:
    told = dict(seen["runs"])
    assert told.pop("id").startswith("run-")
    assert told == {
        "name": "first",
        "status": "FINISHED",
        "ended": True,
        "params": {"depth": "3", "kind": "tree"},
        "metrics": {"auc": "0.9", "huge": "inf", "loss": "0.2", "odd": "nan"},
        "tags": {"team": "a", "gone": None, "mlflow.note.content": "a note"},
        "long": 1000,
        "history": [[step, 1 / (step + 1)] for step in range(5)],
        "again": "INVALID_PARAMETER_VALUE",
        "lifecycle": ["deleted", "active"],
    }


def test_runs_are_searched_by_the_filter_language(seen: Any) -> None:
    assert seen["search"] == {
        "best": ["run 4", "run 6"],
        "param": ["run 3"],
        "failed": ["run 0"],
        "like": ["run 6"],
        "in": 1,
        "pages": [["run 0", "run 1", "run 2", "run 3"], ["run 4", "run 5", "run 6"]],
        "end": None,
        "frame": 2,
        "bad": "INVALID_PARAMETER_VALUE",
    }


def test_artifacts_come_back_as_they_went(seen: Any) -> None:
    told = dict(seen["artifacts"])
    told.pop("id")
    assert told == {
        "root": [["a b.json", False], ["data", True], ["notes", True]],
        "data": [["data/large.bin", 3_000_000]],
        "text": "hello",
        "files": {"a b.json": 12, "data/large.bin": 3_000_000, "notes/hello.txt": 5},
    }


def test_autolog_logs_a_model_with_its_metrics_and_its_data(seen: Any) -> None:
    told = dict(seen["autolog"])
    assert (told["max_iter"], told["training"], told["outputs"]) == ("500", True, True)
    assert told["model"] == ["model", "READY", True]
    assert told["predictions"] == 150
    assert told["inputs"]


def test_models_are_registered_named_and_found(seen: Any) -> None:
    assert seen["registry"] == {
        "version": ["1", True],
        "alias": ["1", "the first", {"of": "a test"}],
        "model": ["irises", {"owner": "me"}, {"champion": "1"}],
        "versions": ["2", "1"],
        "models": ["iris"],
        "left": ["1"],
        "uri": True,
        "loaded": True,
        "stage": "NOT_IMPLEMENTED",
        "name": "INVALID_PARAMETER_VALUE",
        "taken": "RESOURCE_ALREADY_EXISTS",
    }


def test_errors_have_the_codes_of_the_protocol(seen: Any) -> None:
    assert seen["errors"] == {
        "run": "RESOURCE_DOES_NOT_EXIST",
        "token": "INVALID_PARAMETER_VALUE",
        "model": "RESOURCE_DOES_NOT_EXIST",
    }


def test_what_was_tracked_is_a_run_with_its_lineage(seen: Any, engine: EngineProcess) -> None:
    client = engine.client
    run = client.get_run(seen["autolog"]["id"])
    assert (run.kind, run.title, run.state) == ("tracked", "autolog", "SUCCEEDED")
    assert run.parameters["max_iter"] == "500"
    (model,) = client.list_run_models(run.id)
    assert model.metadata["mlflow"]["model_id"] == seen["autolog"]["model_id"]
    assert model.metadata["format"] in ("sklearn", "pickle")
    lineage = client.get_lineage(model.id)
    (execution,) = lineage.executions
    assert (execution.run_id, execution.type) == (run.id, "mlplat.Tracked")
    assert any(artifact.type == "system.Dataset" for artifact in lineage.artifacts)
    assert client.get_model("iris").versions[0].run_id == run.id
