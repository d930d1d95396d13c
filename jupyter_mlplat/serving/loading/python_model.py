"""Predictor classes and pickled objects: code, so only what was trusted in words comes here."""

import inspect
import pickle
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jupyter_mlplat.serving.config import Config
from jupyter_mlplat.serving.exchange import Refusal
from jupyter_mlplat.serving.loading.errors import ModelNotLoadable
from jupyter_mlplat.serving.loading.sklearn_model import estimator_model
from jupyter_mlplat.serving.models import PREDICT, Model
from jupyter_mlplat.serving.payloads import Outputs, Payload, Rows, names
from jupyter_mlplat.serving.tensors import Array, TensorSpec


def build(config: Config, content: bytes) -> Model:
    """Load Python source with a predictor class, or a pickle of a predictor or an estimator."""
    is_pickle = content[:1] == b"\x80"  # every pickle since protocol 2 starts so
    # Trusted in so many words: `loading.load` lets nothing else come here.
    loaded = pickle.loads(content) if is_pickle else _predictor_class(config, content)  # noqa: S301
    if isinstance(loaded, type):
        loaded = loaded()
    if hasattr(loaded, "n_features_in_"):
        return estimator_model(config, loaded, "sklearn_pickle")
    if not callable(getattr(loaded, "predict", None)):
        raise ModelNotLoadable(f"a {type(loaded).__name__} has no predict method.")
    if callable(getattr(loaded, "load", None)):
        loaded.load()
    return Predictor(loaded, config.inputs, config.outputs)


def _predictor_class(config: Config, source: bytes) -> type:
    module = types.ModuleType("predictor")
    module.__file__ = str(config.path)
    exec(compile(source, str(config.path), "exec"), module.__dict__)  # noqa: S102 - trusted, as above
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and value.__module__ == "predictor"
        and callable(getattr(value, "predict", None))
    ]
    named = [value for value in classes if value.__name__ == "Predictor"]
    if len(named or classes) != 1:
        raise ModelNotLoadable(
            f"its file defines {len(classes)} classes with a predict method, needed one, or one "
            "called Predictor."
        )
    return (named or classes)[0]


class Predictor:
    """A user's predictor: `predict(inputs)` over an array, a list of records, or a dict of tensors.

    It is called once per request unless it says `batchable = True`: then rows of several requests
    may come as one list or array, and it must answer row by row.
    """

    platform = "python_predictor"

    def __init__(
        self, predictor: Any, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.is_batchable = getattr(predictor, "batchable", False) is True
        self._predictor = predictor

    def collate(self, payloads: Sequence[Payload]) -> Any:
        inputs = [_plain(payload) for payload in payloads]
        if len(inputs) == 1:
            return inputs[0]
        if all(isinstance(part, np.ndarray) for part in inputs):
            return np.concatenate(inputs)
        if all(isinstance(part, list) for part in inputs):
            return [row for part in inputs for row in part]
        raise Refusal(400, "Cannot predict requests of different kinds in one call.")

    def predict(self, inputs: Any, wanted: tuple[str, ...]) -> Outputs:
        answer = self._predictor.predict(inputs)
        if not isinstance(answer, Mapping):
            name = self.outputs[0].name if self.outputs else PREDICT
            answer = {name: answer}
        outputs = {str(name): _array(value) for name, value in answer.items()}
        unknown = [name for name in wanted if name not in outputs]
        if unknown:
            raise Refusal(
                400, f"Cannot give output {names(unknown)}: this model has {names(list(outputs))}."
            )
        return {name: outputs[name] for name in wanted} if wanted else outputs


def _plain(payload: Payload) -> Any:
    """Give numbers as an array, one tensor as itself, and anything else as it came."""
    if not isinstance(payload, Rows):
        tensors = payload.inputs
        return next(iter(tensors.values())) if len(tensors) == 1 else dict(tensors)
    try:
        array = np.array(payload.instances)
    except ValueError:
        return payload.instances
    return array if array.dtype.kind in "iuf" else payload.instances


def _array(value: Any) -> Array:
    """Make an array of an answer, one element a row; rows that are records stay records."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        array = np.empty(len(value), dtype=object)
        array[:] = value
        return array
    array = np.asarray(value)
    return array.reshape(1) if array.ndim == 0 else array
