"""What an MLflow model is to us: its `MLmodel` file says how it was saved and what it takes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.base import JsonValue

MLMODEL = "MLmodel"
LARGEST_MLMODEL = 2**20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DATATYPES: Mapping[str, str] = {
    "double": "FP64",
    "float": "FP32",
    "integer": "INT32",
    "long": "INT64",
    "boolean": "BOOL",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "bool": "BOOL",
}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """How a model was saved.

    Attributes:
        format: As the registry has it; "mlflow" for what only MLflow can load.
        file: The file with the model itself, where one holds all of it; else `MLmodel`.
        flavors: Names of MLflow's flavours.
        signature: As Open Inference Protocol tensors.
        columns: Names of the features, where it takes a table.
    """

    format: str
    file: str
    flavors: Sequence[str]
    signature: Mapping[str, JsonValue]
    columns: Sequence[str]


def read_mlmodel(content: bytes) -> ModelFacts:
    """Read an `MLmodel` file.

    Raises:
        InvalidInput: It is none.
    """
    try:
        document = yaml.load(content, _LOADER)  # noqa: S506 - a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput(f"Cannot read the model's MLmodel file: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("flavors"), dict):
        raise InvalidInput("Cannot read the model's MLmodel file: it names no flavors.")
    flavors = document["flavors"]
    kind, file = _form(flavors)
    inputs, columns = _tensors(document, "inputs")
    outputs, _ = _tensors(document, "outputs")
    return ModelFacts(
        format=kind,
        file=file,
        flavors=sorted(str(name) for name in flavors),
        signature={"inputs": inputs, "outputs": outputs},
        columns=columns,
    )


def _form(flavors: Mapping[str, Any]) -> tuple[str, str]:
    sklearn, onnx = flavors.get("sklearn"), flavors.get("onnx")
    if isinstance(sklearn, dict) and isinstance(file := sklearn.get("pickled_model"), str):
        is_skops = sklearn.get("serialization_format") == "skops"
        return ("sklearn" if is_skops else "pickle"), file
    if isinstance(onnx, dict) and isinstance(file := onnx.get("data"), str):
        return "onnx", file
    return "mlflow", MLMODEL


def _tensors(document: Mapping[str, Any], side: str) -> tuple[list[JsonValue], list[str]]:
    """Return one side of the signature; what has no such form is left out."""
    signature = document.get("signature")
    try:
        fields = json.loads((signature or {}).get(side) or "[]")
    except (AttributeError, TypeError, ValueError):
        return [], []
    if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
        return [], []
    name = "input-0" if side == "inputs" else "output-0"
    if any(field.get("type") == "tensor" for field in fields):
        return [_tensor(field, name) for field in fields], []
    columns = [str(field.get("name")) for field in fields if field.get("name") is not None]
    kinds = {_DATATYPES.get(str(field.get("type")), "BYTES") for field in fields}
    if len(kinds) == 1 and "BYTES" not in kinds:  # a table of one kind travels as one tensor
        shape = [-1, len(fields)] if side == "inputs" or len(fields) > 1 else [-1]
        return [{"name": name, "datatype": kinds.pop(), "shape": [*shape]}], columns
    return [
        {
            "name": str(field.get("name", index)),
            "datatype": _DATATYPES.get(str(field.get("type")), "BYTES"),
            "shape": [-1],
        }
        for index, field in enumerate(fields)
    ], columns


def _tensor(field: Mapping[str, Any], name: str) -> JsonValue:
    spec = field.get("tensor-spec")
    spec = spec if isinstance(spec, dict) else {}
    shape = [size for size in spec.get("shape") or [-1] if isinstance(size, int)]
    datatype = _DATATYPES.get(str(spec.get("dtype")), "BYTES")
    return {"name": str(field.get("name") or name), "datatype": datatype, "shape": [*shape]}
