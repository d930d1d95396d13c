"""Paths of artifacts stay below their owner; models say what they are."""

import json

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.mlflow_api.models import read_mlmodel
from jupyter_mlplat.services.mlflow_api.paths import Place, checked_path, place_of, place_of_uri


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "a/../b",
        "a/./b",
        "a//b",
        "/../etc/passwd",
        "a\\b",
        "a\x00b",
        "a\nb",
        "x" * 2000,
    ],
)
def test_a_path_that_would_leave_its_folder_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        checked_path(path)


def test_a_path_names_its_owner() -> None:
    assert place_of("runs/run-1/artifacts/a/b.txt") == Place("runs", "run-1", "a/b.txt")
    assert place_of("models/m-1/artifacts") == Place("models", "m-1", "")
    assert place_of_uri("mlflow-artifacts:/runs/r/artifacts/m") == Place("runs", "r", "m")
    assert place_of_uri("s3://bucket/model") is None
    for other in ("elsewhere/run-1/artifacts/a", "runs/run-1/a", "runs"):
        with pytest.raises(InvalidInput):
            place_of(other)


def test_an_mlmodel_says_how_it_was_saved_and_what_it_takes() -> None:
    columns = [{"type": "double", "name": name} for name in ("a", "b")]
    document = {
        "flavors": {
            "python_function": {},
            "sklearn": {"pickled_model": "model.skops", "serialization_format": "skops"},
        },
        "signature": {
            "inputs": json.dumps(columns),
            "outputs": json.dumps(
                [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]
            ),
        },
    }

    facts = read_mlmodel(json.dumps(document).encode())

    assert (facts.format, facts.file, facts.columns) == ("sklearn", "model.skops", ["a", "b"])
    assert facts.signature == {
        "inputs": [{"name": "input-0", "datatype": "FP64", "shape": [-1, 2]}],
        "outputs": [{"name": "output-0", "datatype": "INT64", "shape": [-1]}],
    }


def test_what_is_no_mlmodel_is_refused() -> None:
    assert read_mlmodel(b"flavors: {keras: {}}").format == "mlflow"
    for content in (b"", b"flavors: 3", b"{", b"\xff"):
        with pytest.raises(InvalidInput):
            read_mlmodel(content)
