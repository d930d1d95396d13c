"""What somebody does with mlflow as it comes from the index; nothing of ours is installed beside.

`python stock_client.py FOLDER`, with MLFLOW_TRACKING_URI and MLFLOW_TRACKING_TOKEN set.
Prints what was seen as one JSON document.
"""

import json
import math
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402


def main(folder: Path) -> dict[str, Any]:
    return {
        "version": mlflow.__version__,
        "experiments": experiments(),
        "runs": runs(),
        "search": search(),
        "artifacts": artifacts(folder),
        "autolog": autolog(),
        "registry": registry(),
        "errors": errors(),
    }


def refused(action: Any) -> str:
    try:
        action()
    except MlflowException as error:
        return str(error.error_code)
    return "done"


def experiments() -> dict[str, Any]:
    client = MlflowClient()
    made = mlflow.create_experiment("Churn, first try", tags={"team": "a"})
    found = client.get_experiment_by_name("Churn, first try")
    client.set_experiment_tag(made, "stage", "dev")
    other = client.create_experiment("Other")
    client.rename_experiment(other, "Renamed")
    client.delete_experiment(other)
    deleted = client.get_experiment(other)
    client.restore_experiment(other)
    return {
        "same": found.experiment_id == made,
        "tags": dict(client.get_experiment(made).tags),
        "deleted": [deleted.name, deleted.lifecycle_stage],
        "default": client.get_experiment("0").name,
        "names": sorted(it.name for it in client.search_experiments()),
        "one": [it.name for it in client.search_experiments(filter_string="name LIKE 'Churn%'")],
        "taken": refused(lambda: client.create_experiment("Renamed")),
        "missing": refused(lambda: client.get_experiment("experiment-0000000000")),
    }


def runs() -> dict[str, Any]:
    client = MlflowClient()
    mlflow.set_experiment("Churn, first try")
    with mlflow.start_run(run_name="first", description="a note") as run:
        mlflow.log_params({"depth": 3, "kind": "tree"})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"auc": 0.9, "odd": math.nan, "huge": math.inf})
        mlflow.set_tags({"team": "a", "long": "x" * 1000, "gone": "soon"})
        mlflow.delete_tag("gone")
        with mlflow.start_run(run_name="inner", nested=True):
            mlflow.log_metric("auc", 0.5)
    seen = client.get_run(run.info.run_id)
    again = refused(lambda: client.log_param(run.info.run_id, "depth", 4))
    history = client.get_metric_history(run.info.run_id, "loss")
    try:
        with mlflow.start_run(run_name="broken"):
            raise RuntimeError("so")
    except RuntimeError:
        pass
    client.delete_run(run.info.run_id)
    deleted = client.get_run(run.info.run_id).info.lifecycle_stage
    client.restore_run(run.info.run_id)
    return {
        "id": run.info.run_id,
        "name": seen.info.run_name,
        "status": seen.info.status,
        "ended": seen.info.end_time >= seen.info.start_time,
        "params": seen.data.params,
        "metrics": {key: str(value) for key, value in sorted(seen.data.metrics.items())},
        "tags": {key: seen.data.tags.get(key) for key in ("team", "gone", "mlflow.note.content")},
        "long": len(seen.data.tags["long"]),
        "history": [[it.step, it.value] for it in history],
        "again": again,
        "lifecycle": [deleted, client.get_run(run.info.run_id).info.lifecycle_stage],
    }


def search() -> dict[str, Any]:
    client = MlflowClient()
    id_ = client.create_experiment("Search")
    for number in range(7):
        run = client.create_run(id_, run_name=f"run {number}", tags={"parity": str(number % 2)})
        client.log_param(run.info.run_id, "number", str(number))
        client.log_metric(run.info.run_id, "score", number / 10)
        client.set_terminated(run.info.run_id, "FINISHED" if number else "FAILED")

    def names(filter_string: str = "", **given: Any) -> list[str]:
        found = client.search_runs([id_], filter_string, **given)
        return [run.info.run_name for run in found]

    first = client.search_runs([id_], max_results=4, order_by=["metrics.score ASC"])
    second = client.search_runs(
        [id_], max_results=4, order_by=["metrics.score ASC"], page_token=first.token
    )
    frame = mlflow.search_runs([id_], "metrics.score > 0.4")
    return {
        "best": names("metrics.score >= 0.4 and tags.parity = '0'", order_by=["metrics.score"]),
        "param": names("params.number = '3'"),
        "failed": names("attributes.status = 'FAILED'"),
        "like": names("run_name LIKE '%6'"),
        "in": len(names(f"attributes.run_id IN ('{first[0].info.run_id}')")),
        "pages": [[it.info.run_name for it in found] for found in (first, second)],
        "end": second.token,
        "frame": len(frame),
        "bad": refused(lambda: names("metrics.score is big")),
    }


def artifacts(folder: Path) -> dict[str, Any]:
    client = MlflowClient()
    with mlflow.start_run(run_name="files") as run:
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": 1}, "a b.json")
        large = folder / "large.bin"
        large.write_bytes(b"x" * 3_000_000)
        mlflow.log_artifact(str(large), "data")
    id_ = run.info.run_id
    with tempfile.TemporaryDirectory() as there:
        path = client.download_artifacts(id_, "", there)
        files = sorted(str(it.relative_to(path)) for it in Path(path).rglob("*") if it.is_file())
        sizes = [(Path(path) / file).stat().st_size for file in files]
    return {
        "id": id_,
        "root": sorted([it.path, it.is_dir] for it in client.list_artifacts(id_)),
        "data": [[it.path, it.file_size] for it in client.list_artifacts(id_, "data")],
        "text": mlflow.artifacts.load_text(f"runs:/{id_}/notes/hello.txt"),
        "files": dict(zip(files, sizes, strict=True)),
    }


def autolog() -> dict[str, Any]:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    mlflow.autolog(log_datasets=True, silent=True)
    data = load_iris(as_frame=True)
    with mlflow.start_run(run_name="autolog") as run:
        model = LogisticRegression(max_iter=500).fit(data.data, data.target)
        score = model.score(data.data, data.target)
    mlflow.autolog(disable=True)
    seen = MlflowClient().get_run(run.info.run_id)
    (logged,) = mlflow.search_logged_models(
        experiment_ids=[run.info.experiment_id], output_format="list"
    )
    loaded = mlflow.sklearn.load_model(f"models:/{logged.model_id}")
    return {
        "id": run.info.run_id,
        "max_iter": seen.data.params["max_iter"],
        "score": math.isclose(seen.data.metrics["LogisticRegression_score_X"], score)
        if "LogisticRegression_score_X" in seen.data.metrics
        else sorted(seen.data.metrics),
        "training": seen.data.metrics["training_score"] > 0.9,
        "inputs": [it.dataset.name for it in seen.inputs.dataset_inputs],
        "outputs": [it.model_id for it in seen.outputs.model_outputs] == [logged.model_id],
        "model": [logged.name, str(logged.status), logged.source_run_id == run.info.run_id],
        "model_id": logged.model_id,
        "predictions": len(loaded.predict(data.data)),
    }


def registry() -> dict[str, Any]:
    client = MlflowClient()
    (logged, *_) = mlflow.search_logged_models(
        experiment_ids=[client.get_experiment_by_name("Churn, first try").experiment_id],
        output_format="list",
    )
    version = mlflow.register_model(f"models:/{logged.model_id}", "iris", tags={"of": "a test"})
    client.set_registered_model_alias("iris", "champion", version.version)
    client.set_registered_model_tag("iris", "owner", "me")
    client.update_model_version("iris", version.version, "the first")
    client.update_registered_model("iris", "irises")
    second = mlflow.register_model(f"models:/{logged.model_id}", "iris")
    by_alias = client.get_model_version_by_alias("iris", "champion")
    found = client.get_registered_model("iris")
    versions = client.search_model_versions("name = 'iris'")
    model = mlflow.pyfunc.load_model("models:/iris@champion")
    client.delete_model_version("iris", second.version)
    return {
        "version": [version.version, version.run_id == logged.source_run_id],
        "alias": [by_alias.version, by_alias.description, by_alias.tags],
        "model": [found.description, found.tags, found.aliases],
        "versions": [it.version for it in versions],
        "models": [it.name for it in client.search_registered_models("name LIKE 'ir%'")],
        "left": [it.version for it in client.search_model_versions("name = 'iris'")],
        "uri": client.get_model_version_download_uri("iris", "1").startswith("mlflow-artifacts:/"),
        "loaded": model.metadata.model_id == logged.model_id,
        "stage": refused(lambda: client.transition_model_version_stage("iris", "1", "Production")),
        "name": refused(lambda: client.create_registered_model("My Model")),
        "taken": refused(lambda: client.create_registered_model("iris")),
    }


def errors() -> dict[str, Any]:
    client = MlflowClient()
    return {
        "run": refused(lambda: client.get_run("run-00000000000000")),
        "token": refused(lambda: client.search_runs(["0"], page_token="x")),
        "model": refused(lambda: client.get_registered_model("nobody")),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
