"""The stock mlflow client, unmodified, tracks here as it does to MLflow's own server."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import PeerUnavailable, peer_python
from tests.integration.engine.conftest import EngineProcess, notebook_of

PROGRAM = Path(__file__).with_name("stock_client.py")


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter that has the newest mlflow of the index, and nothing of ours."""
    try:
        return peer_python(
            "mlflow-client", "mlflow", "scikit-learn", "skops", "ipykernel", is_timed=False
        )
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


IN_A_STEP = """
import os
import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

run = os.environ["MLFLOW_RUN_ID"]
mlflow.autolog(silent=True)
data = load_iris(as_frame=True)
mlflow.set_experiment("Of the step")
model = LogisticRegression(max_iter=400).fit(data.data, data.target)
with mlflow.start_run(run_name="beside") as second:
    mlflow.log_metric("auc", 0.5)
    mlflow.log_text("hello", "notes.txt")
mlflow.MlflowClient().log_metric(run, "later", 0.25, step=7)
seen = mlflow.MlflowClient().get_run(run).data.metrics["later"]
assert seen == 0.25, seen
"""


def test_autolog_in_a_cell_lands_in_the_run_of_the_step(
    python: Path, engine: EngineProcess, tmp_path: Path
) -> None:
    client = engine.client
    settings = {"python": str(python), "step": "train"}
    notebook = tmp_path / "autolog.ipynb"
    notebook.write_text(json.dumps(notebook_of([(IN_A_STEP, settings)])))

    run = client.wait_for_run(client.submit(notebook).id, 300)

    assert run.state == "SUCCEEDED", [run.failure, engine.log()[-2000:]]
    assert run.logged_parameters["max_iter"] == "400"
    metrics = {metric.name: metric for metric in client.list_metrics(run.id)}
    assert metrics["training_score"].value > 0.9
    assert (metrics["later"].step, metrics["later"].position) == ("train", 7)
    (model,) = client.list_run_models(run.id)
    lineage = client.get_lineage(model.id)
    (execution,) = lineage.executions
    assert (execution.run_id, execution.type, execution.name) == (run.id, "mlplat.Step", "train")
    assert "system.Dataset" in {artifact.type for artifact in lineage.artifacts}
    beside = next(it for it in client.list_runs(10)[0] if it.title == "beside")
    assert (beside.kind, beside.metrics, beside.state) == ("tracked", {"auc": 0.5}, "SUCCEEDED")
    version = client.register_model("of-a-step", run_id=run.id)
    assert (version.run_id, version.metrics["training_score"] > 0.9) == (run.id, True)


IN_A_RANK = """
import os
import mlflow
with mlflow.start_run():
    mlflow.log_metric("rank", float(os.environ["RANK"]))
"""


def test_ranks_beside_the_first_track_runs_of_their_own_below_the_job(
    python: Path, engine: EngineProcess, tmp_path: Path
) -> None:
    body = {
        "payload": {"cell": IN_A_RANK, "cwd": str(tmp_path)},
        "name": "tracked-ranks",
        "python": str(python),
        "train": {"runtime": "plain", "nodes": 1, "processes": 2},
    }
    client = engine.client

    run = client.wait_for_run(json.loads(client.fetch("jobs.train", body=body))["id"], 120)

    assert run.state == "SUCCEEDED", [run.failure, engine.log()[-2000:]]
    assert [metric.value for metric in client.list_metrics(run.id)] == [0.0]
    other = next(it for it in client.list_runs(10)[0] if it.title == "rank 1")
    assert (other.kind, other.metrics) == ("tracked", {"rank": 1.0})


def test_what_a_task_of_a_kfp_pipeline_logs_is_its_runs(
    python: Path, engine: EngineProcess, tmp_path: Path
) -> None:
    client = engine.client
    client.map_image("tracking:*", python=str(python))
    source = "import mlflow\nmlflow.log_metric('auc', 0.75)"
    path = tmp_path / "tracked.yaml"
    path.write_text(one_task("tracked-task", "tracking:1", ["python", "-c", source]))

    run = client.wait_for_run(client.submit(path).id, 120)

    assert run.state == "SUCCEEDED", [run.failure, engine.log()[-2000:]]
    assert {metric.name: metric.value for metric in client.list_metrics(run.id)} == {"auc": 0.75}


def one_task(name: str, image: str, command: list[str]) -> str:
    """Write a KFP pipeline of one task, as JSON, which is YAML."""
    component = {"executorLabel": "exec"}
    task = {"taskInfo": {"name": "log"}, "componentRef": {"name": "comp-log"}}
    document = {
        "pipelineInfo": {"name": name},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.14.0",
        "components": {"comp-log": component},
        "deploymentSpec": {
            "executors": {"exec": {"container": {"image": image, "command": command}}}
        },
        "root": {"dag": {"tasks": {"log": task}}},
    }
    return json.dumps(document)


IN_A_TRIAL = """
import mlflow
with mlflow.start_run():
    mlflow.log_metric("auc", 1 - abs(rate - 0.3))
    mlflow.log_text("x", f"rate-{rate:.3f}.txt")
"""


def test_what_a_trial_logs_is_the_trials(
    python: Path, engine: EngineProcess, tmp_path: Path
) -> None:
    space = [{"name": "rate", "type": "double", "minimum": 0.0, "maximum": 1.0}]
    tune = {"objective": {"metric": "auc"}, "space": space, "trials": 3, "seed": 1}
    body = {
        "payload": {"cell": IN_A_TRIAL, "cwd": str(tmp_path)},
        "name": "tracked-trials",
        "python": str(python),
        "tune": {**tune, "algorithm": {"name": "random"}},
    }
    client = engine.client

    run = client.wait_for_run(json.loads(client.fetch("jobs.tune", body=body))["id"], 120)

    assert run.state == "SUCCEEDED", [run.failure, engine.log()[-2000:]]
    trials = json.loads(client.fetch("runs.trials", {"run": run.id}))["trials"]
    rates = [trial["parameters"]["rate"] for trial in trials]
    assert [trial["value"] for trial in trials] == [1 - abs(rate - 0.3) for rate in rates]
    names = {artifact.name for artifact in client.list_artifacts(run.id)}
    assert names >= {f"rate-{rate:.3f}.txt" for rate in rates}
