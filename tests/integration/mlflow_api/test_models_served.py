"""A model that MLflow's scikit-learn flavour has logged is registered and served like any other.

What the client sends is played here, as recorded of mlflow 3: it need not be installed.
"""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import jupyter_mlplat as mlplat
from jupyter_mlplat.engine.api.mlflow.routes import PREFIX
from tests.integration.engine.conftest import EngineProcess

skops = pytest.importorskip("skops.io")
datasets = pytest.importorskip("sklearn.datasets")
linear = pytest.importorskip("sklearn.linear_model")

FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
COLUMNS = [{"type": "double", "name": name, "required": True} for name in FEATURES]
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]
MLMODEL = f"""
flavors:
  python_function:
    env: {{conda: conda.yaml, virtualenv: python_env.yaml}}
    loader_module: mlflow.sklearn
    model_path: model.skops
    predict_fn: predict
    python_version: 3.11.11
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
    sklearn_version: 1.7.2
mlflow_version: 3.6.0
model_id: ID
signature:
  inputs: '{json.dumps(COLUMNS)}'
  outputs: '{json.dumps(TENSOR)}'
  params: null
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    engine = EngineProcess(tmp_path / "home").start()
    yield engine
    for endpoint in mlplat.endpoints(home=engine.home.root):
        endpoint.delete()  # it would outlive the engine
    engine.stop()


def test_logged_model_is_registered_and_served(engine: EngineProcess) -> None:
    iris = datasets.load_iris()
    model = linear.LogisticRegression(max_iter=500).fit(iris.data, iris.target)
    variables = engine.client.open_mlflow().variables
    address = urlsplit(variables["MLFLOW_TRACKING_URI"])

    def call(verb: str, path: str, body: object) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        token = {"Authorization": f"Bearer {variables['MLFLOW_TRACKING_TOKEN']}"}
        line.request(verb, f"{PREFIX}/{path}", content, token)
        answer = line.getresponse()
        text = answer.read()
        line.close()
        assert answer.status == 200, text
        return json.loads(text or "{}")

    run = call("POST", "mlflow/runs/create", {"experiment_id": "0", "run_name": "irises"})["run"]
    run_id = run["info"]["run_id"]
    asked = {"experiment_id": "0", "name": "model", "source_run_id": run_id}
    made = call("POST", "mlflow/logged-models", asked)["model"]
    model_id = made["info"]["model_id"]
    files = {"model.skops": skops.dumps(model), "MLmodel": MLMODEL.replace("ID", model_id).encode()}
    for name, content in files.items():
        place = f"mlflow-artifacts/artifacts/models/{model_id}/artifacts/{name}"
        call("PUT", place, content)
    ready = {"model_id": model_id, "status": "LOGGED_MODEL_READY"}
    call("PATCH", f"mlflow/logged-models/{model_id}", ready)
    call("POST", "mlflow/registered-models/create", {"name": "iris"})
    version = {"name": "iris", "source": f"models:/{model_id}", "run_id": run_id}
    call("POST", "mlflow/model-versions/create", {**version, "model_id": model_id})

    endpoint = mlplat.deploy("iris", home=engine.home.root)
    predicted = endpoint.predict(iris.data[[0, 60, 120]])

    assert predicted == model.predict(iris.data[[0, 60, 120]]).tolist()
    registered = engine.client.get_model("iris").versions[0]
    assert registered.run_id == run_id
