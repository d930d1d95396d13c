"""Models that a cell logs: the form they are saved in and the signature they are served with."""

from __future__ import annotations

import sys
from typing import Any

from .graphs import dump

_DATATYPES = {
    "b": "BOOL",
    "i1": "INT8",
    "i2": "INT16",
    "i4": "INT32",
    "i8": "INT64",
    "u1": "UINT8",
    "u2": "UINT16",
    "u4": "UINT32",
    "u8": "UINT64",
    "f2": "FP16",
    "f4": "FP32",
    "f8": "FP64",
}


def serialise_model(model: Any, namespace: dict[str, Any]) -> tuple[str, bytes]:
    """Return the format and the bytes of a model.

    scikit-learn models are saved by skops where the environment has it, else pickled and marked so;
    ONNX models as themselves; any other object with `predict` by value, as a Python predictor.

    Raises:
        TypeError: The object has no `predict`.
        NotSerialisable: It cannot be pickled.
    """
    root = type(model).__module__.partition(".")[0]
    if root == "onnx" and hasattr(model, "SerializeToString"):
        return "onnx", model.SerializeToString()
    if _is_sklearn(model):
        try:
            import skops.io

            return "sklearn", skops.io.dumps(model)
        except ImportError:
            return "pickle", _pickle(model, namespace)
    if not callable(getattr(model, "predict", None)):
        raise TypeError(
            f"Cannot log a model of type {type(model).__name__}: it has no 'predict'. "
            "Log a scikit-learn model, an ONNX model, "
            "or an object whose class defines predict(inputs)."
        )
    own = type(model).__module__ == "__main__"
    return "python" if own else "pickle", _pickle(model, namespace)


def _pickle(model: Any, namespace: dict[str, Any]) -> bytes:
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(model, protocol=5))
    except Exception:
        dump({"model": model}, namespace)  # says which part cannot travel
        raise


def _is_sklearn(model: Any) -> bool:
    base = sys.modules.get("sklearn.base")
    return base is not None and isinstance(model, base.BaseEstimator)


def infer_signature(model: Any, example: Any) -> dict[str, list[dict[str, Any]]]:
    """Describe what a model takes and gives.

    From an example or from what it learnt about its features.
    """
    inputs = _onnx_inputs(model) or _describe(example, "input-0")
    features = getattr(model, "n_features_in_", None)
    if not inputs and features is not None:
        inputs = [{"name": "input-0", "datatype": "FP64", "shape": [-1, int(features)]}]
    outputs: list[dict[str, Any]] = []
    if example is not None and callable(getattr(model, "predict", None)):
        try:
            outputs = _describe(model.predict(example), "output-0")
        except Exception as error:
            print(f"The model cannot predict its own input example: {error}", file=sys.stderr)
    classes = getattr(model, "classes_", None)
    if not outputs and classes is not None:
        outputs = [{**_describe(classes, "output-0")[0], "shape": [-1]}]
    return {"inputs": inputs, "outputs": outputs}


def _describe(value: Any, name: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    columns = getattr(value, "columns", None)
    if columns is not None and hasattr(value, "dtypes"):
        kinds = {str(dtype) for dtype in value.dtypes}
        if len(kinds) > 1 or any(datatype_of(dtype) == "BYTES" for dtype in value.dtypes):
            return [
                {"name": str(column), "datatype": datatype_of(value[column].dtype), "shape": [-1]}
                for column in columns
            ]
    if isinstance(value, dict):
        return [part for key, item in value.items() for part in _describe(item, str(key))]
    try:
        import numpy
    except ImportError:
        return []
    array = numpy.asarray(value)
    return [{"name": name, "datatype": datatype_of(array.dtype), "shape": [-1, *array.shape[1:]]}]


def datatype_of(dtype: Any) -> str:
    """Spell a NumPy or pandas dtype as the Open Inference Protocol does."""
    kind = getattr(dtype, "kind", "O")
    return _DATATYPES.get("b" if kind == "b" else f"{kind}{getattr(dtype, 'itemsize', 0)}", "BYTES")


def _onnx_inputs(model: Any) -> list[dict[str, Any]]:
    if not hasattr(model, "SerializeToString") or not hasattr(model, "graph"):
        return []
    names = {
        1: "FP32",
        2: "UINT8",
        3: "INT8",
        4: "UINT16",
        5: "INT16",
        6: "INT32",
        7: "INT64",
        8: "BYTES",
        9: "BOOL",
    }
    names.update({10: "FP16", 11: "FP64", 12: "UINT32", 13: "UINT64"})
    return [
        {
            "name": item.name,
            "datatype": names.get(item.type.tensor_type.elem_type, "BYTES"),
            "shape": [
                size.dim_value if size.HasField("dim_value") else -1
                for size in item.type.tensor_type.shape.dim
            ],
        }
        for item in model.graph.input
    ]


def to_example(value: Any, rows: int = 5) -> Any | None:
    """Return the first rows of an example as plain JSON values, None if it has no such form."""
    if value is None:
        return None
    if hasattr(value, "columns") and hasattr(value, "head"):
        import json

        return json.loads(value.head(rows).to_json(orient="split"))
    if hasattr(value, "tolist"):
        value = value[:rows].tolist() if getattr(value, "ndim", 0) else value.tolist()
    plain = (str, int, float, bool, type(None))
    if isinstance(value, (list, tuple)):
        items = [to_example(item, rows) if not isinstance(item, plain) else item for item in value]
        return items
    if isinstance(value, dict):
        return {str(key): to_example(item) for key, item in value.items()}
    return value if isinstance(value, plain) else None


__all__ = ["datatype_of", "infer_signature", "serialise_model", "to_example"]
