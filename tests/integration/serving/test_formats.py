"""Each servable format, loaded by a real model server."""

import pickle

import cloudpickle
import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from jupyter_mlplat.errors import ExecutionFailed, Forbidden
from jupyter_mlplat.resources.serving import DeployRequest, PredictRequest

X, Y = load_iris(return_X_y=True)
ROWS = X[::50].tolist()

SOURCE = b"""
import numpy as np

class Doubler:
    def load(self):
        self.factor = 2

    def predict(self, inputs):
        return np.asarray(inputs) * self.factor
"""


async def served(world, content, format, inputs, trust=True):
    world.models.add("m", content, format=format)
    await world.service.deploy(DeployRequest(model="m", trust_pickle=trust))
    return (await world.service.predict("m", PredictRequest(inputs=inputs)))["outputs"]


async def test_an_estimator_without_a_numpy_twin(world):
    model = SVC().fit(X, Y)

    answer = await served(world, skops.io.dumps(model), "sklearn", ROWS, trust=False)

    assert answer == model.predict(ROWS).tolist()


async def test_an_onnx_model(world):
    from skl2onnx import to_onnx

    model = LogisticRegression(max_iter=1000).fit(X, Y)
    content = to_onnx(model, X[:1].astype(np.float32)).SerializeToString()

    answer = await served(world, content, "onnx", ROWS, trust=False)
    metadata = (await world.call("GET", "/v2/models/m", name="m")).json
    two = (
        await world.call(
            "POST",
            "/v2/models/m/infer",
            {
                "inputs": [{"name": "X", "shape": [1, 4], "datatype": "FP32", "data": ROWS[0]}],
                "outputs": [{"name": "output_label"}, {"name": "output_probability"}],
            },
            name="m",
        )
    ).json
    wrong = await world.call(
        "POST",
        "/v2/models/m/infer",
        {"inputs": [{"name": "X", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]},
        name="m",
    )

    assert answer == model.predict(ROWS).tolist()
    assert metadata["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}]
    assert [output["shape"] for output in two["outputs"]] == [[1], [1, 3]]
    assert (wrong.status, wrong.json["error"]) == (
        400,
        "Cannot predict: input 'X' has shape [1, 3], needed [-1, 4] (-1: any length).",
    )


async def test_a_predictor_class_from_a_file(world):
    assert await served(world, SOURCE, "python", [[1, 2], [3, 4]]) == [[2, 4], [6, 8]]


async def test_a_pickled_predictor(world):
    class Names:
        def predict(self, inputs):
            return [{"name": record["a"] + "!"} for record in inputs]

    content = cloudpickle.dumps(Names())

    assert await served(world, content, "python", [{"a": "x"}]) == [{"name": "x!"}]


async def test_a_pickled_estimator(world):
    model = LogisticRegression(max_iter=1000).fit(X, Y)

    answer = await served(world, pickle.dumps(model), "pickle", ROWS)

    assert answer == model.predict(ROWS).tolist()


@pytest.mark.parametrize("format", ["pickle", "python"])
async def test_code_is_not_loaded_unless_it_is_trusted_in_so_many_words(world, format):
    world.models.add("m", pickle.dumps(LogisticRegression()), format=format)

    with pytest.raises(Forbidden, match=r"If you trust where it came from, deploy it with --trust"):
        await world.service.deploy(DeployRequest(model="m"))

    assert world.service.list() == ()


async def test_a_file_without_a_predictor_says_so(world):
    world.models.add("m", b"x = 1", format="python")

    with pytest.raises(ExecutionFailed, match="defines 0 classes with a predict method"):
        await world.service.deploy(DeployRequest(model="m", trust_pickle=True))


async def test_unknown_types_in_a_skops_file_are_named(world):
    content = skops.io.dumps(FunctionTransformer(print).fit(X))
    world.models.add("m", content)

    with pytest.raises(ExecutionFailed, match=r"not known to be harmless: builtins\.print"):
        await world.service.deploy(DeployRequest(model="m"))
