"""What a loaded model is to the server, and the scikit-learn shaped kind."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np

from jupyter_mlplat.serving.exchange import Refusal
from jupyter_mlplat.serving.payloads import Outputs, Payload, Rows, Tensors, names
from jupyter_mlplat.serving.tensors import DTYPES, Array, TensorSpec, convert

PREDICT = "predict"
PREDICT_PROBA = "predict_proba"


class Model(Protocol):
    """A model in memory. Used by one thread at a time.

    Attributes:
        platform: As the protocol spells it, `<project>_<format>`.
        inputs: Tensors it takes; empty where only the model knows.
        outputs: Tensors it gives.
        is_batchable: Rows of several requests may be predicted in one call: each row's answer
            depends on that row alone.
    """

    platform: str
    is_batchable: bool

    @property
    def inputs(self) -> Sequence[TensorSpec]: ...

    @property
    def outputs(self) -> Sequence[TensorSpec]: ...

    def collate(self, payloads: Sequence[Payload]) -> Any:
        """Make one input of several requests; of exactly one where the model is not batchable.

        Raises:
            Refusal: 4xx; one of the payloads does not fit this model.
        """

    def predict(self, inputs: Any, wanted: tuple[str, ...]) -> Outputs:
        """Predict; `wanted` names outputs, empty for the usual ones."""


class Estimator:
    """A fitted scikit-learn estimator, or what behaves like one: `predict` over rows of features.

    Args:
        estimator: Has `predict`; its fitted attributes say how many features, and their names.
        inputs: The registered signature, empty if there is none.
        outputs: Likewise; its first name is what `predict` is called in answers.
        platform: See `Model`.
    """

    is_batchable = True

    def __init__(
        self,
        estimator: Any,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        platform: str,
    ) -> None:
        self.platform = platform
        self._estimator = estimator
        fitted_names = getattr(estimator, "feature_names_in_", None)
        declared = [spec.name for spec in inputs] if len(inputs) > 1 else None
        self.features: list[str] | None = (
            [str(name) for name in fitted_names] if fitted_names is not None else declared
        )
        self._width = _width(estimator, inputs, self.features)
        self._datatypes = {spec.name: spec.datatype for spec in inputs} if declared else {}
        self._wants_frame = (
            fitted_names is not None
            and not getattr(estimator, "takes_arrays", False)
            and needs_names(estimator, inputs)
        )
        self.inputs = tuple(inputs) or self._derived_inputs()
        self._predict_name = outputs[0].name if outputs else PREDICT
        self._has_proba = hasattr(estimator, "predict_proba")
        self.outputs = tuple(outputs) or self._derived_outputs()

    def _derived_inputs(self) -> tuple[TensorSpec, ...]:
        if self._wants_frame or self._width is None:
            return ()
        return (TensorSpec("input", "FP64", (-1, self._width)),)

    def _derived_outputs(self) -> tuple[TensorSpec, ...]:
        classes = getattr(self._estimator, "classes_", None)
        datatype = "FP64"
        if isinstance(classes, np.ndarray):
            datatype = next((k for k, v in DTYPES.items() if v == classes.dtype), "BYTES")
        specs = [TensorSpec(PREDICT, datatype, (-1,))]
        if self._has_proba and isinstance(classes, np.ndarray):
            specs.append(TensorSpec(PREDICT_PROBA, "FP64", (-1, len(classes))))
        return tuple(specs)

    # collating
    def collate(self, payloads: Sequence[Payload]) -> Any:
        if self._wants_frame:
            return self._frame(payloads)
        if all(isinstance(payload, Rows) for payload in payloads):
            parts = [self._as_lists(p.instances) for p in payloads if isinstance(p, Rows)]
            return self._matrix_of_lists(list(chain.from_iterable(parts)))
        matrices = [self._matrix(payload) for payload in payloads]
        return matrices[0] if len(matrices) == 1 else np.concatenate(matrices)

    def _matrix(self, payload: Payload) -> Array:
        if isinstance(payload, Rows):
            return self._matrix_of_lists(self._as_lists(payload.instances))
        tensors = payload.inputs
        if len(tensors) == 1:
            (matrix,) = tensors.values()
            if matrix.ndim == 2:
                self._check_width(matrix.shape[1])
                if matrix.dtype.kind == "O":
                    raise Refusal(400, "Cannot predict: found BYTES, this model takes numbers.")
                return matrix
        columns = self._columns(tensors)
        return np.column_stack([columns[name] for name in self.features or ()])

    def _as_lists(self, rows: list[Any]) -> list[Any]:
        return self._ordered(rows) if isinstance(rows[0], dict) else rows

    def _matrix_of_lists(self, rows: list[Any]) -> Array:
        matrix = convert(rows, DTYPES["FP64"], "'instances'")
        if matrix.ndim != 2:
            raise Refusal(
                400,
                "Cannot predict: each row must be a list of numbers"
                + (f" ({self._width} of them)." if self._width else "."),
            )
        self._check_width(matrix.shape[1])
        return matrix

    def _check_width(self, found: int) -> None:
        if self._width is not None and found != self._width:
            raise Refusal(
                400, f"Cannot predict: rows have {found} features, this model needs {self._width}."
            )

    def _ordered(self, records: list[Any]) -> list[list[Any]]:
        """Turn records into rows in the order of the model's features."""
        features = self.features
        if features is None:
            raise Refusal(
                400,
                "Cannot predict from records: this model was fitted without feature names. "
                "Send rows as lists of numbers.",
            )
        wanted = set(features)
        for record in records:
            if not isinstance(record, dict):
                raise Refusal(400, "Cannot predict: rows are partly records and partly not.")
            if record.keys() != wanted:
                missing = [name for name in features if name not in record]
                extra = [name for name in record if name not in wanted]
                found = f"misses {names(missing)}" if missing else f"has {names(extra)} too many"
                raise Refusal(400, f"Cannot predict: a record {found}.")
        return [[record[name] for name in features] for record in records]

    def _columns(self, tensors: Mapping[str, Array]) -> dict[str, Array]:
        """Take one tensor per feature, each a column."""
        features = self.features
        if features is None:
            needed = f"[-1, {self._width}]" if self._width else "of two dimensions"
            raise Refusal(400, f"Cannot predict: needed one input tensor of shape {needed}.")
        missing = [name for name in features if name not in tensors]
        extra = [name for name in tensors if name not in features]
        if missing or extra:
            found = f"misses {names(missing)}" if missing else f"has {names(extra)} too many"
            raise Refusal(400, f"Cannot predict: the request {found} among its inputs.")
        lengths = {len(tensor) for tensor in tensors.values() if tensor.ndim}
        if len(lengths) != 1 or any(t.size != len(t) for t in tensors.values() if t.ndim):
            raise Refusal(400, "Cannot predict: inputs must be columns of one length, [-1] each.")
        return {name: np.ravel(tensor) for name, tensor in tensors.items()}

    def _frame(self, payloads: Sequence[Payload]) -> Any:
        import pandas as pd

        frames = [pd.DataFrame(self._named_columns(payload)) for payload in payloads]
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    def _named_columns(self, payload: Payload) -> dict[str, Any]:
        features = self.features or []
        if isinstance(payload, Tensors):
            tensors = payload.inputs
            if len(tensors) == 1 and len(features) != 1:
                (matrix,) = tensors.values()
                if matrix.ndim == 2:
                    self._check_width(matrix.shape[1])
                    return dict(zip(features, matrix.T, strict=True))
            return {name: self._columns(tensors)[name] for name in features}
        rows = self._as_lists(payload.instances)
        for row in rows:
            if not isinstance(row, list):
                raise Refusal(400, "Cannot predict: each row must be a list or a record.")
            self._check_width(len(row))
        columns = dict(zip(features, map(list, zip(*rows, strict=True)), strict=True))
        return {name: self._typed(name, values) for name, values in columns.items()}

    def _typed(self, name: str, values: list[Any]) -> Any:
        datatype = self._datatypes.get(name)
        if datatype is None or (datatype == "BYTES" and None in values):
            return values
        return convert(values, DTYPES[datatype], f"feature {name!r}")

    # predicting
    def predict(self, inputs: Any, wanted: tuple[str, ...]) -> Outputs:
        if not wanted:
            return {self._predict_name: np.asarray(self._estimator.predict(inputs))}
        outputs: dict[str, Array] = {}
        for name in wanted:
            if name in (self._predict_name, PREDICT):
                outputs[name] = np.asarray(self._estimator.predict(inputs))
            elif name == PREDICT_PROBA and self._has_proba:
                outputs[name] = np.asarray(self._estimator.predict_proba(inputs))
            else:
                available = [self._predict_name, *([PREDICT_PROBA] if self._has_proba else [])]
                raise Refusal(
                    400, f"Cannot give output {name!r}: this model has {names(available)}."
                )
        return outputs


def _width(
    estimator: Any, inputs: Sequence[TensorSpec], features: Sequence[str] | None
) -> int | None:
    fitted = getattr(estimator, "n_features_in_", None)
    if fitted is not None:
        return int(fitted)
    if features is not None:
        return len(features)
    if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] > 0:
        return inputs[0].shape[1]
    return None


# Parts that look at column names, or hand their input to code that may.
_BY_NAME = frozenset({"ColumnTransformer", "FunctionTransformer", "TableVectorizer"})


def needs_names(estimator: Any, inputs: Sequence[TensorSpec]) -> bool:
    """Tell whether an estimator fitted on a frame must be given frames.

    An array in the right order does as well, and saves importing pandas, where every feature is
    known to be a number and no part of the estimator chooses columns by name.
    """
    if not inputs or any(spec.datatype == "BYTES" for spec in inputs):
        return True
    parts = [estimator]
    if hasattr(estimator, "get_params"):
        parts += estimator.get_params(deep=True).values()
    return any(type(part).__name__ in _BY_NAME for part in parts)
