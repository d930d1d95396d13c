"""scikit-learn's most served models without scikit-learn: the same arithmetic in numpy.

Importing scikit-learn takes a second and 100 MB, and its input checks cost more than the prediction
of a linear model. What is here answers bit for bit as scikit-learn does (labels and regression
values; probabilities of logistic regression to the last few bits): the tests compare the two over
random models. What is not here is left to scikit-learn.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jupyter_mlplat.serving.loading.skops_file import NotUnderstood, Thing
from jupyter_mlplat.serving.tensors import Array

OLDEST = (1, 3)
"""Since scikit-learn 1.3 the leaves of trees hold shares, and nodes say where missing values go."""


CHUNK_ROWS = 256
"""Rows that walk the trees together: what one step touches should stay in the processor's cache."""


class Native(ABC):
    """Quacks like a fitted estimator, over arrays; names of features only say their order."""

    takes_arrays = True

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self.n_features_in_ = int(attributes["n_features_in_"])
        if "feature_names_in_" in attributes:
            self.feature_names_in_ = attributes["feature_names_in_"]

    @abstractmethod
    def predict(self, rows: Array) -> Array: ...


class LinearRegressor(Native):
    def __init__(self, attributes: Mapping[str, Any]) -> None:
        super().__init__(attributes)
        self._coefficients = attributes["coef_"]
        self._intercept = attributes["intercept_"]
        if self._coefficients.ndim != 1:
            raise NotUnderstood("several targets")

    def predict(self, rows: Array) -> Array:
        values: Array = _finite(rows) @ self._coefficients + self._intercept
        return values


class LogisticClassifier(Native):
    def __init__(self, attributes: Mapping[str, Any]) -> None:
        super().__init__(attributes)
        self.classes_: Array = np.asarray(attributes["classes_"])
        self._coefficients = attributes["coef_"].T
        self._intercept = attributes["intercept_"]
        is_multinomial = attributes.get("multi_class", "deprecated") in ("auto", "deprecated")
        if not is_multinomial or attributes["solver"] == "liblinear":
            raise NotUnderstood("one model per class")

    def _scores(self, rows: Array) -> Array:
        scores: Array = _finite(rows) @ self._coefficients + self._intercept
        return scores

    def predict(self, rows: Array) -> Array:
        scores = self._scores(rows)
        if len(self.classes_) == 2:
            winners = (scores[:, 0] > 0).astype(np.intp)
        else:
            winners = scores.argmax(axis=1)
        labels: Array = self.classes_[winners]
        return labels

    def predict_proba(self, rows: Array) -> Array:
        scores = self._scores(rows)
        if len(self.classes_) == 2:
            with np.errstate(over="ignore"):  # exp of a large number is inf, and 1 / inf is right
                second = 1 / (1 + np.exp(-scores[:, 0]))
            return np.column_stack([1 - second, second])
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: Array = powers / powers.sum(axis=1, keepdims=True)
        return shares


class Forest(Native):
    """Decision trees, walked together: one step takes every row one level down every tree."""

    def __init__(self, attributes: Mapping[str, Any], trees: Sequence[Thing]) -> None:
        super().__init__(attributes)
        if attributes["n_outputs_"] != 1:
            raise NotUnderstood("several targets")
        nodes = [tree.attributes["nodes"] for tree in trees]
        sizes = [len(part) for part in nodes]
        self._roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        offsets = np.repeat(self._roots, sizes)
        joined = np.concatenate(nodes)
        is_leaf = joined["left_child"] < 0
        here = np.arange(len(joined))
        # A leaf leads to itself: rows that have arrived stay while others go on.
        left = np.where(is_leaf, here, joined["left_child"] + offsets)
        right = np.where(is_leaf, here, joined["right_child"] + offsets)
        self._feature = np.where(is_leaf, 0, joined["feature"]).astype(np.intp)
        if not _is_within(self._feature, self.n_features_in_) or not (
            _is_within(left, len(joined)) and _is_within(right, len(joined))
        ):
            raise NotUnderstood("a tree that leads outside of itself")
        self._threshold = joined["threshold"].copy()  # out of the packed records, aligned
        self._missing_goes_left = joined["missing_go_to_left"].astype(bool)
        self._children = np.column_stack([right, left]).astype(np.intp).ravel()
        self._values = np.concatenate([tree.attributes["values"] for tree in trees])[:, 0, :]
        self._depth = max(int(tree.attributes["max_depth"]) for tree in trees)

    def _leaves(self, rows: Array) -> Array:
        """Find the leaf of each row in each tree, shape (trees, rows)."""
        with np.errstate(over="ignore"):
            single = np.asarray(rows, dtype=np.float32)  # as scikit-learn: trees look at float32
        if np.isinf(single).any():
            raise ValueError("Input contains infinity or a value too large for float32.")
        has_missing = bool(np.isnan(single).any())
        count, width = single.shape
        flat = single.ravel()
        starts = np.arange(count) * width
        at = np.repeat(self._roots[:, np.newaxis], count, axis=1)
        for _ in range(self._depth):
            values = flat[self._feature[at] + starts]
            goes_left = values <= self._threshold[at]
            if has_missing:
                goes_left |= np.isnan(values) & self._missing_goes_left[at]
            at = self._children[2 * at + goes_left]
        return at

    def _mean(self, rows: Array) -> Array:
        """Average the leaves' values, adding tree after tree: the order decides the last bit."""
        parts = []
        for start in range(0, len(rows), CHUNK_ROWS):
            values = self._values.take(self._leaves(rows[start : start + CHUNK_ROWS]), axis=0)
            # Over the first axis numpy adds in order, unless there is only that axis.
            has_one_axis = values[0].size == 1
            total = np.add.accumulate(values)[-1] if has_one_axis else np.add.reduce(values)
            parts.append(total)
        mean: Array = np.concatenate(parts) / len(self._roots)
        return mean


class ForestRegressor(Forest):
    def predict(self, rows: Array) -> Array:
        return self._mean(rows)[:, 0]


class ForestClassifier(Forest):
    def __init__(self, attributes: Mapping[str, Any], trees: Sequence[Thing]) -> None:
        super().__init__(attributes, trees)
        self.classes_: Array = np.asarray(attributes["classes_"])

    def predict(self, rows: Array) -> Array:
        labels: Array = self.classes_[self._mean(rows).argmax(axis=1)]
        return labels

    def predict_proba(self, rows: Array) -> Array:
        return self._mean(rows)


class Scaled(Native):
    """A pipeline: scalers, then a model."""

    def __init__(self, steps: Sequence[Callable[[Array], Array]], first: Thing, model: Native):
        super().__init__(first.attributes)
        self._steps = steps
        self._model = model
        if hasattr(model, "classes_"):
            self.classes_ = model.classes_
        if hasattr(model, "predict_proba"):
            self.predict_proba = self._predict_proba

    def _scaled(self, rows: Array) -> Array:
        for step in self._steps:
            rows = step(rows)
        return rows

    def predict(self, rows: Array) -> Array:
        return self._model.predict(self._scaled(rows))

    def _predict_proba(self, rows: Array) -> Array:
        answer: Array = self._model.predict_proba(self._scaled(rows))  # type: ignore[attr-defined]
        return answer


def build(thing: Thing) -> Native:
    """Make the native twin of an estimator.

    Raises:
        NotUnderstood: There is none; scikit-learn itself must serve it.
    """
    make = _MODELS.get(thing.type)
    if make is None:
        raise NotUnderstood(thing.type)
    try:
        _check_age(thing)
        return make(thing)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise NotUnderstood(f"a {thing.type} of another form") from error


def _check_age(thing: Thing) -> None:
    major, minor = str(thing.attributes["_sklearn_version"]).split(".")[:2]
    if (int(major), int(minor)) < OLDEST:
        raise NotUnderstood("a model of an older scikit-learn")


def _tree(
    make: Callable[[Mapping[str, Any], Sequence[Thing]], Native],
) -> Callable[[Thing], Native]:
    def build_tree(thing: Thing) -> Native:
        return make(thing.attributes, [_checked_tree(thing)])

    return build_tree


def _forest(
    make: Callable[[Mapping[str, Any], Sequence[Thing]], Native],
) -> Callable[[Thing], Native]:
    def build_forest(thing: Thing) -> Native:
        return make(
            thing.attributes, [_checked_tree(part) for part in thing.attributes["estimators_"]]
        )

    return build_forest


def _checked_tree(estimator: Thing) -> Thing:
    """Return a tree whose treatment of missing values is the one written above."""
    attributes = estimator.attributes
    if attributes["splitter"] != "best" or attributes["monotonic_cst"] is not None:
        raise NotUnderstood("a tree that takes no missing values")
    tree: Thing = attributes["tree_"]
    return tree


def _pipeline(thing: Thing) -> Native:
    steps = [step for _, step in thing.attributes["steps"]]
    *scalers, last = [step for step in steps if step not in ("passthrough", None)]
    if not scalers:
        raise NotUnderstood("a pipeline of one step")
    for scaler in scalers:
        _check_age(scaler)
    return Scaled(
        [_SCALERS[scaler.type](scaler.attributes) for scaler in scalers], scalers[0], build(last)
    )


def _standard_scaler(attributes: Mapping[str, Any]) -> Callable[[Array], Array]:
    mean, scale = attributes["mean_"], attributes["scale_"]

    def scaled(rows: Array) -> Array:
        rows = np.array(rows, dtype=np.float64)
        if attributes["with_mean"]:
            rows -= mean
        if attributes["with_std"]:
            rows /= scale
        return rows

    return scaled


def _min_max_scaler(attributes: Mapping[str, Any]) -> Callable[[Array], Array]:
    if attributes.get("clip"):
        raise NotUnderstood("a scaler that clips")
    scale, offset = attributes["scale_"], attributes["min_"]

    def scaled(rows: Array) -> Array:
        rows = np.array(rows, dtype=np.float64)
        rows *= scale
        rows += offset
        return rows

    return scaled


def _finite(rows: Array) -> Array:
    rows = np.asarray(rows, dtype=np.float64)
    if not np.isfinite(rows).all():
        raise ValueError("Input contains NaN or infinity, which this model was not fitted for.")
    return rows


def _is_within(indices: Array, length: int) -> bool:
    return bool(len(indices) and indices.min() >= 0 and indices.max() < length)


_LINEAR = ("LinearRegression", "Ridge", "Lasso", "ElasticNet")
_HOMES = {"LinearRegression": "_base", "Ridge": "_ridge"}
_MODELS: Mapping[str, Callable[[Thing], Native]] = {
    **{
        f"sklearn.linear_model.{_HOMES.get(name, '_coordinate_descent')}.{name}": (
            lambda thing: LinearRegressor(thing.attributes)
        )
        for name in _LINEAR
    },
    "sklearn.linear_model._logistic.LogisticRegression": (
        lambda thing: LogisticClassifier(thing.attributes)
    ),
    "sklearn.tree._classes.DecisionTreeClassifier": _tree(ForestClassifier),
    "sklearn.tree._classes.DecisionTreeRegressor": _tree(ForestRegressor),
    "sklearn.ensemble._forest.RandomForestClassifier": _forest(ForestClassifier),
    "sklearn.ensemble._forest.RandomForestRegressor": _forest(ForestRegressor),
    "sklearn.pipeline.Pipeline": _pipeline,
}
_SCALERS = {
    "sklearn.preprocessing._data.StandardScaler": _standard_scaler,
    "sklearn.preprocessing._data.MinMaxScaler": _min_max_scaler,
}
