"""Real models of scikit-learn, small enough to be fitted some thousand times."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.tuning.functions import Function

_DIGITS = 300


@cache
def _digits() -> tuple[Any, Any]:
    x, y = load_digits(return_X_y=True)
    return x[:_DIGITS] / 16, y[:_DIGITS]


def machine_error(at: Mapping[str, Any]) -> float:
    """Return the cross-validated error of a support vector machine on handwritten digits."""
    x, y = _digits()
    model = SVC(C=at["C"], gamma=at["gamma"], kernel=at["kernel"], coef0=at["coef0"])
    return 1 - float(np.mean(cross_val_score(model, x, y, cv=3)))


SUPPORT_VECTORS = Function(
    machine_error,
    (
        {
            "name": "C",
            "type": "double",
            "minimum": 1e-2,
            "maximum": 1e3,
            "distribution": "log-uniform",
        },
        {
            "name": "gamma",
            "type": "double",
            "minimum": 1e-4,
            "maximum": 10,
            "distribution": "log-uniform",
        },
        {"name": "coef0", "type": "double", "minimum": 0, "maximum": 1},
        {"name": "kernel", "type": "categorical", "values": ["rbf", "poly", "sigmoid"]},
    ),
    0.0,
)

LINEAR = Function(
    lambda _: 0.0,
    (
        {
            "name": "alpha",
            "type": "double",
            "minimum": 1e-6,
            "maximum": 1,
            "distribution": "log-uniform",
        },
        {
            "name": "eta0",
            "type": "double",
            "minimum": 1e-4,
            "maximum": 10,
            "distribution": "log-uniform",
        },
        {"name": "penalty", "type": "categorical", "values": ["l2", "l1", "elasticnet"]},
    ),
    0.0,
)


def learner(at: Mapping[str, Any]) -> Callable[[], float]:
    """Return a linear classifier's next epoch: each call trains once over the data, and measures.

    The loss is its error on digits kept back.
    """
    x, y = _digits()
    train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=0, stratify=y)
    scaler = make_pipeline(StandardScaler()).fit(train_x)
    train_x, test_x = scaler.transform(train_x), scaler.transform(test_x)
    model = SGDClassifier(
        alpha=at["alpha"],
        eta0=at["eta0"],
        penalty=at["penalty"],
        learning_rate="constant",
        random_state=0,
    )
    classes = np.unique(y)

    def epoch() -> float:
        model.partial_fit(train_x, train_y, classes=classes)
        return 1 - float(model.score(test_x, test_y))

    return epoch
