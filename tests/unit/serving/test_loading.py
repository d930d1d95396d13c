"""What the loaders make of files: estimators of all kinds, and reasons to refuse."""

import pickle
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from jupyter_mlplat.serving.config import Config, read_config
from jupyter_mlplat.serving.loading import ModelNotLoadable, load
from jupyter_mlplat.serving.loading.sklearn_model import build
from jupyter_mlplat.serving.payloads import Rows

RNG = np.random.default_rng(3)
X = RNG.normal(size=(120, 5))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)

ESTIMATORS = [
    AdaBoostClassifier(n_estimators=3),
    BaggingRegressor(n_estimators=3),
    CalibratedClassifierCV(LogisticRegression()),
    ExtraTreesRegressor(3),
    GaussianNB(),
    GaussianProcessRegressor(),
    GradientBoostingRegressor(n_estimators=3),
    GridSearchCV(Ridge(), {"alpha": [1, 2]}),
    HistGradientBoostingClassifier(max_iter=3),
    IsolationForest(n_estimators=3),
    KNeighborsClassifier(),
    LogisticRegression(),
    MLPRegressor(hidden_layer_sizes=(4,), max_iter=2000, tol=0.1),
    RandomForestClassifier(3),
    SGDClassifier(),
    SVC(),
    StackingClassifier([("tree", DecisionTreeClassifier()), ("bayes", GaussianNB())]),
    VotingRegressor([("ridge", Ridge()), ("forest", ExtraTreesRegressor(2))]),
    make_pipeline(StandardScaler(), SelectKBest(k=2), SVC()),
    make_pipeline(make_column_transformer((StandardScaler(), [0, 1])), Ridge()),
]


def config(at: Path, **more) -> Config:
    orders = at.parent / "server.json"
    orders.write_bytes(
        orjson.dumps({"endpoint": "m", "format": "sklearn", "path": str(at), **more})
    )
    return read_config(orders)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_common_estimators_need_no_trust_and_answer_as_they_did(estimator, tmp_path):
    estimator.fit(X, Y)

    model = build(config(tmp_path / "m"), skops.io.dumps(estimator))
    answer = model.predict(model.collate([Rows(X.tolist())]), ())

    np.testing.assert_array_equal(next(iter(answer.values())), estimator.predict(X))


def test_an_estimator_that_cannot_predict_is_refused(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(skops.io.dumps(StandardScaler().fit(X)))

    with pytest.raises(
        ModelNotLoadable, match="Cannot serve 'm' version 1: a StandardScaler has no predict"
    ):
        load(config(path))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"path": "/nowhere/m"}, "its file cannot be read: No such file"),
        ({"digest": "sha256:" + "0" * 64}, "has digest sha256:"),
        ({"format": "keras"}, "format 'keras' is not servable"),
        ({"format": "pickle"}, "deploy it with --trust-pickle"),
        ({"format": "python"}, "deploy it with --trust-pickle"),
        ({"format": "onnx"}, "loading its onnx file failed"),
        ({}, "loading its sklearn file failed"),
    ],
    ids=["missing", "changed", "format", "pickle", "python", "onnx", "sklearn"],
)
def test_what_cannot_be_loaded_is_said_in_one_message(tmp_path, more, message):
    path = tmp_path / "m"
    path.write_bytes(pickle.dumps({"no": "model"}))

    with pytest.raises(ModelNotLoadable) as caught:
        load(config(path, **more))

    assert str(caught.value).startswith("Cannot serve 'm' version 1: ")
    assert message in str(caught.value)


def test_trusted_code_is_loaded(tmp_path):
    path = tmp_path / "m"
    path.write_bytes(b"class Anything:\n    def predict(self, rows):\n        return rows\n")

    model = load(config(path, format="python", trusted=True))

    answer = model.predict(model.collate([Rows([[1, 2]])]), ())
    assert {name: array.tolist() for name, array in answer.items()} == {"predict": [[1, 2]]}


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    path = tmp_path / "m"
    path.write_bytes(b"")

    with pytest.raises(ModelNotLoadable, match=r"pip install 'jupyter_mlplat\[onnx\]'"):
        load(config(path, format="onnx"))
