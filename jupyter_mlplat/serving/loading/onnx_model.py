"""ONNX models, run by ONNX Runtime on the CPU."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jupyter_mlplat.serving.config import Config
from jupyter_mlplat.serving.exchange import Refusal
from jupyter_mlplat.serving.loading.errors import ModelNotLoadable
from jupyter_mlplat.serving.payloads import Outputs, Payload, Rows, names
from jupyter_mlplat.serving.tensors import DTYPES, Array, TensorSpec, check_shape, convert

_DATATYPES: Mapping[str, str] = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}


def build(config: Config, content: bytes) -> "OnnxModel":
    """Open a session on the bytes; a model that keeps tensors in other files cannot reach them."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelNotLoadable(
            "ONNX Runtime is not installed. Run: pip install 'jupyter_mlplat[onnx]'."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, len(os.sched_getaffinity(0)) // 2)
    options.log_severity_level = 3
    return OnnxModel(
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    )


class OnnxModel:
    """A session and what it declares; rows are batched where the first axis of all is free."""

    platform = "onnxruntime_onnx"

    def __init__(self, session: Any) -> None:
        self._session = session
        self.inputs = tuple(_spec(node) for node in session.get_inputs())
        self._all_outputs = [node.name for node in session.get_outputs()]
        self.outputs = tuple(
            _spec(node) for node in session.get_outputs() if node.type in _DATATYPES
        )
        self.is_batchable = all(
            spec.shape and spec.shape[0] == -1 for spec in (*self.inputs, *self.outputs)
        )

    def collate(self, payloads: Sequence[Payload]) -> dict[str, Array]:
        parts = [self._tensors(payload) for payload in payloads]
        if len(parts) == 1:
            return parts[0]
        return {spec.name: np.concatenate([p[spec.name] for p in parts]) for spec in self.inputs}

    def _tensors(self, payload: Payload) -> dict[str, Array]:
        given = self._of_rows(payload) if isinstance(payload, Rows) else payload.inputs
        if len(given) == 1 and len(self.inputs) == 1:
            given = {self.inputs[0].name: next(iter(given.values()))}
        tensors = {}
        for spec in self.inputs:
            if spec.name not in given:
                raise Refusal(
                    400,
                    f"Cannot predict: input {spec.name!r} is missing; this model needs "
                    f"{names([s.name for s in self.inputs])}.",
                )
            check_shape(given[spec.name].shape, spec)
            tensors[spec.name] = _as(given[spec.name], spec)
        extra = [name for name in given if name not in tensors]
        if extra:
            raise Refusal(400, f"Cannot predict: this model has no input {names(extra)}.")
        return tensors

    def _of_rows(self, rows: Rows) -> dict[str, Array]:
        """Read V1 rows: the one input's, or records with a value for each input."""
        if len(self.inputs) == 1 and not isinstance(rows.instances[0], dict):
            (spec,) = self.inputs
            return {spec.name: convert(rows.instances, DTYPES[spec.datatype], "'instances'")}
        wanted = {spec.name for spec in self.inputs}
        if not all(isinstance(row, dict) and row.keys() == wanted for row in rows.instances):
            raise Refusal(
                400, f"Cannot predict: each row must be a record with {names(sorted(wanted))}."
            )
        columns = {}
        for spec in self.inputs:
            values = [row[spec.name] for row in rows.instances]
            column = convert(values, DTYPES[spec.datatype], f"input {spec.name!r}")
            # Converters of tabular models make each feature an input of shape [-1, 1].
            is_column = column.ndim == 1 and len(spec.shape) == 2
            columns[spec.name] = column[:, np.newaxis] if is_column else column
        return columns

    def predict(self, inputs: Any, wanted: tuple[str, ...]) -> Outputs:
        unknown = [name for name in wanted if name not in self._all_outputs]
        if unknown:
            raise Refusal(
                400,
                f"Cannot give output {names(unknown)}: this model has {names(self._all_outputs)}.",
            )
        asked = list(wanted) or [spec.name for spec in self.outputs] or self._all_outputs
        values = self._session.run(asked, inputs)
        return {name: _array(value) for name, value in zip(asked, values, strict=True)}


def _spec(node: Any) -> TensorSpec:
    shape = tuple(n if isinstance(n, int) else -1 for n in node.shape or ())
    datatype = _DATATYPES.get(node.type)
    return TensorSpec(node.name, datatype or "BYTES", shape)


def _as(tensor: Array, spec: TensorSpec) -> Array:
    """Cast between numeric datatypes of one kind; refuse text for numbers and the reverse."""
    dtype = DTYPES[spec.datatype]
    if tensor.dtype == dtype:
        return tensor
    if (
        tensor.dtype.kind in "iuf"
        and dtype.kind in "iuf"
        and (tensor.dtype.kind, dtype.kind)
        != (
            "f",
            "i",
        )
    ):
        return tensor.astype(dtype)
    raise Refusal(400, f"Cannot predict: input {spec.name!r} must have datatype {spec.datatype}.")


def _array(value: Any) -> Array:
    """Make an array of an output; a classifier's list of {class: probability} becomes columns."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([list(row.values()) for row in value])
    return np.asarray(value)
