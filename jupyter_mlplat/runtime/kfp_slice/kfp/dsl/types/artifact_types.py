"""Artifacts as a component's code handles them: a name, a URI, a local path, metadata."""

from __future__ import annotations

import os
from typing import Any

WORKSPACE = "/kfp-workspace"
_MOUNTS = (
    ("gs://", "/gcs/"),
    ("minio://", "/minio/"),
    ("s3://", "/s3/"),
    ("oci://", "/oci/"),
)

CONTAINER_TASK_ROOT: str | None = None
"""The folder of the running task's outputs."""


class Artifact:
    """Anything with content. `path` is where to read or write it on this machine."""

    schema_title = "system.Artifact"
    schema_version = "0.0.1"

    def __init__(
        self,
        name: str | None = None,
        uri: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.uri = uri or ""
        self.name = name or ""
        self.metadata = metadata or {}
        self._custom_path = ""

    @property
    def path(self) -> str:
        return self._get_path()

    @path.setter
    def path(self, path: str) -> None:
        self._set_path(path)

    @property
    def custom_path(self) -> str:
        return self._custom_path

    @custom_path.setter
    def custom_path(self, value: str) -> None:
        self._custom_path = value

    def set_path(self, path: str) -> None:
        """Keep the content at another local path than the one that follows from the URI."""
        self._custom_path = path

    def _get_path(self) -> str:
        if self._custom_path:
            return self._custom_path
        path = self.uri
        for scheme, mount in _MOUNTS:
            if path.startswith(scheme):
                rest = path[len(scheme) :]
                path = mount + (rest.replace("/", "_") if scheme == "oci://" else rest)
                break
        if self.metadata.get("_kfp_workspace") is True:
            path = os.path.join(WORKSPACE, ".artifacts", path.lstrip("/"))
        return path

    def _set_path(self, path: str) -> None:
        self.uri = convert_local_path_to_remote_path(path)


def convert_local_path_to_remote_path(path: str) -> str:
    """Return the URI that a path below a mounted bucket stands for; other paths are their own."""
    for scheme, mount in _MOUNTS:
        if path.startswith(mount):
            rest = path[len(mount) :]
            if scheme == "oci://":
                rest = rest.replace("_", "/")
                rest = rest[: -len("/models")] if rest.endswith("/models") else rest
            return scheme + rest
    return path


class Model(Artifact):
    """A trained model."""

    schema_title = "system.Model"

    @property
    def framework(self) -> str:
        return str(self.metadata.get("framework", ""))

    @framework.setter
    def framework(self, framework: str) -> None:
        self.metadata["framework"] = framework

    @property
    def path(self) -> str:
        path = self._get_path()
        return f"{path}/models" if self.uri.startswith("oci://") else path

    @path.setter
    def path(self, path: str) -> None:
        self._set_path(path)


class Dataset(Artifact):
    """Data to learn from or to look at."""

    schema_title = "system.Dataset"


class Metrics(Artifact):
    """Numbers by name."""

    schema_title = "system.Metrics"

    def log_metric(self, metric: str, value: float) -> None:
        self.metadata[metric] = value


class ClassificationMetrics(Artifact):
    """A ROC curve and a confusion matrix."""

    schema_title = "system.ClassificationMetrics"

    def log_roc_data_point(self, fpr: float, tpr: float, threshold: float) -> None:
        """Add a point to the ROC curve."""
        point = {"confidenceThreshold": threshold, "recall": tpr, "falsePositiveRate": fpr}
        self.metadata.setdefault("confidenceMetrics", []).append(point)

    log_roc_reading = log_roc_data_point

    def log_roc_curve(self, fpr: list[float], tpr: list[float], threshold: list[float]) -> None:
        """Add the points of a ROC curve, given as three lists of equal length."""
        if not len(fpr) == len(tpr) == len(threshold):
            raise ValueError(
                "Length of fpr, tpr and threshold must be the same. Got lengths "
                f"{len(fpr)}, {len(tpr)} and {len(threshold)} respectively."
            )
        for point in zip(fpr, tpr, threshold):
            self.log_roc_data_point(*point)

    def set_confusion_matrix_categories(self, categories: list[str]) -> None:
        """Begin a confusion matrix of zeros."""
        self._categories = list(categories)
        self.metadata["confusionMatrix"] = {
            "annotationSpecs": [{"displayName": category} for category in self._categories],
            "rows": [{"row": [0] * len(self._categories)} for _ in self._categories],
        }

    def log_confusion_matrix_row(self, row_category: str, row: list[float]) -> None:
        """Set one row of the confusion matrix."""
        index = self._index(row_category)
        if len(row) != len(self._categories):
            raise ValueError(f"Invalid row. Expected size: {len(self._categories)} got: {len(row)}")
        self.metadata["confusionMatrix"]["rows"][index] = {"row": row}

    def log_confusion_matrix_cell(self, row_category: str, col_category: str, value: int) -> None:
        """Set one number of the confusion matrix."""
        row, column = self._index(row_category), self._index(col_category)
        self.metadata["confusionMatrix"]["rows"][row]["row"][column] = value

    def log_confusion_matrix(self, categories: list[str], matrix: list[list[int]]) -> None:
        """Set the whole confusion matrix, one row a category."""
        self.set_confusion_matrix_categories(categories)
        if len(matrix) != len(categories) or any(len(row) != len(categories) for row in matrix):
            raise ValueError(f"Invalid matrix: {matrix} passed for categories: {categories}")
        for category, row in zip(categories, matrix):
            self.log_confusion_matrix_row(category, list(row))

    def _index(self, category: str) -> int:
        if category not in self._categories:
            raise ValueError(
                f"Invalid category: {category} passed. Expected one of: {self._categories}"
            )
        return self._categories.index(category)


class SlicedClassificationMetrics(Artifact):
    """`ClassificationMetrics` of each slice of the data."""

    schema_title = "system.SlicedClassificationMetrics"

    def log_roc_reading(self, slice: str, threshold: float, tpr: float, fpr: float) -> None:
        """Add a point to a slice's ROC curve."""
        self._slice(slice).log_roc_data_point(fpr, tpr, threshold)
        self._tell()

    def load_roc_readings(self, slice: str, readings: list[list[float]]) -> None:
        """Add points, each (threshold, true positive rate, false positive rate)."""
        for threshold, tpr, fpr in readings:
            self._slice(slice).log_roc_data_point(fpr, tpr, threshold)
        self._tell()

    def set_confusion_matrix_categories(self, slice: str, categories: list[str]) -> None:
        self._slice(slice).set_confusion_matrix_categories(categories)
        self._tell()

    def log_confusion_matrix_row(self, slice: str, row_category: str, row: list[int]) -> None:
        self._slice(slice).log_confusion_matrix_row(row_category, list(row))
        self._tell()

    def log_confusion_matrix_cell(
        self, slice: str, row_category: str, col_category: str, value: int
    ) -> None:
        self._slice(slice).log_confusion_matrix_cell(row_category, col_category, value)
        self._tell()

    def load_confusion_matrix(
        self, slice: str, categories: list[str], matrix: list[list[int]]
    ) -> None:
        self._slice(slice).log_confusion_matrix(categories, matrix)
        self._tell()

    def _slice(self, name: str) -> ClassificationMetrics:
        slices: dict[str, ClassificationMetrics] = self.__dict__.setdefault("_slices", {})
        return slices.setdefault(name, ClassificationMetrics())

    def _tell(self) -> None:
        self.metadata["evaluationSlices"] = [
            {"slice": name, "sliceClassificationMetrics": metrics.metadata}
            for name, metrics in self.__dict__["_slices"].items()
        ]


class HTML(Artifact):
    """A page to look at."""

    schema_title = "system.HTML"


class Markdown(Artifact):
    """A text to read."""

    schema_title = "system.Markdown"


_SCHEMA_TITLE_TO_TYPE: dict[str, type[Artifact]] = {
    kind.schema_title: kind
    for kind in (
        Artifact,
        Model,
        Dataset,
        Metrics,
        ClassificationMetrics,
        SlicedClassificationMetrics,
        HTML,
        Markdown,
    )
}


def get_uri(suffix: str = "Output") -> str:
    """Return a URI of its own for something the running task makes.

    Raises:
        RuntimeError: No task is running.
    """
    if CONTAINER_TASK_ROOT is None:
        raise RuntimeError(
            "'dsl.get_uri' can only be called at task runtime. The task root is unknown in the "
            "current environment."
        )
    return os.path.join(convert_local_path_to_remote_path(CONTAINER_TASK_ROOT), suffix)
