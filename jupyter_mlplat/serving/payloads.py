"""What a request asks of a model, once its protocol's body has been read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from jupyter_mlplat.serving.tensors import Array


@dataclass(frozen=True, slots=True)
class Rows:
    """V1: instances as they came: rows, records, or anything a predictor understands."""

    instances: list[Any]


@dataclass(frozen=True, slots=True)
class Tensors:
    """V2: named tensors; `wanted` names the outputs asked for, empty for the model's choice."""

    inputs: Mapping[str, Array]
    wanted: tuple[str, ...] = ()


Payload: TypeAlias = Rows | Tensors
Outputs: TypeAlias = Mapping[str, Array]


def length_of(payload: Payload) -> int:
    """Count a payload's rows: along the first axis of its tensors."""
    if isinstance(payload, Rows):
        return len(payload.instances)
    return max((len(tensor) if tensor.ndim else 1 for tensor in payload.inputs.values()), default=0)


def rows_of(outputs: Outputs, start: int, stop: int) -> Outputs:
    return {name: array[start:stop] for name, array in outputs.items()}


def names(values: Sequence[str]) -> str:
    """List names for a message, the first eight of them."""
    shown = ", ".join(repr(value) for value in values[:8])
    return shown + (f" and {len(values) - 8} more" if len(values) > 8 else "")
