"""Open Inference Protocol tensors and numpy arrays, each turned into the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jupyter_mlplat.serving.exchange import Refusal

Array = npt.NDArray[Any]

DTYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
# Kinds of numpy array that JSON data may come as, by the kind it is wanted as. Numbers are no
# booleans, text is no number.
_ACCEPTED = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, datatype and shape of a tensor; -1 in a shape: any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "TensorSpec":
        return cls(document["name"], document["datatype"], tuple(document["shape"]))

    def to_wire(self) -> dict[str, Any]:
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


def datatype_of(array: Array) -> str:
    """Name an array's datatype; text and Python objects are BYTES."""
    return _NAMES.get(array.dtype.newbyteorder("="), "BYTES")


def convert(data: Any, dtype: np.dtype[Any], what: str) -> Array:
    """Make an array of JSON data, refusing what numpy would quietly change.

    A `null` among floating-point numbers is a missing value (NaN): JSON has no other way to say it.

    Raises:
        Refusal: 400; ragged, of another type, or out of the datatype's range.
    """
    if dtype.kind == "O":
        return _texts(data, what)
    try:
        found = np.array(data)
    except (ValueError, OverflowError) as error:
        raise Refusal(400, f"Cannot read {what}: its rows differ in length or kind.") from error
    if found.dtype.kind == "O":
        return _with_missing(found, dtype, what)
    if found.size and found.dtype.kind not in _ACCEPTED[dtype.kind]:
        raise Refusal(
            400, f"Cannot read {what}: found {_KINDS.get(found.dtype.kind, 'other values')}, "
            f"needed {_NAMES[dtype]} values."
        )  # fmt: skip
    if dtype.kind in "iu" and found.size:
        info = np.iinfo(dtype)
        if int(found.min()) < info.min or int(found.max()) > info.max:
            raise Refusal(400, f"Cannot read {what}: a value is outside {_NAMES[dtype]}'s range.")
    with np.errstate(over="ignore"):
        return found.astype(dtype, copy=False)


_KINDS = {"U": "text", "S": "text", "b": "booleans", "f": "fractional numbers", "i": "integers"}


def _with_missing(found: Array, dtype: np.dtype[Any], what: str) -> Array:
    if dtype.kind == "f" and all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        for value in found.flat
    ):
        return found.astype(dtype)
    raise Refusal(400, f"Cannot read {what}: found mixed values, needed {_NAMES[dtype]} values.")


def _texts(data: Any, what: str) -> Array:
    array = np.array(data, dtype=object)
    if not all(isinstance(value, str) for value in array.flat):
        raise Refusal(400, f"Cannot read {what}: found values that are no text, needed BYTES.")
    return array


def check_shape(shape: Sequence[int], spec: TensorSpec) -> None:
    """Compare a tensor's shape with what the model declares.

    Raises:
        Refusal: 400 with both shapes.
    """
    fits = len(shape) == len(spec.shape) and all(
        wanted in (-1, length) for length, wanted in zip(shape, spec.shape, strict=True)
    )
    if not fits:
        raise Refusal(
            400,
            f"Cannot predict: input {spec.name!r} has shape {list(shape)}, "
            f"needed {list(spec.shape)} (-1: any length).",
        )


def decode_binary(raw: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> Array:
    """Read a tensor of the binary extension: little-endian, C order; BYTES with 4-byte lengths."""
    size = int(np.prod(shape, dtype=np.int64)) if shape else 1
    if dtype.kind == "O":
        values: list[str] = []
        at = 0
        while at < len(raw):
            length = int.from_bytes(raw[at : at + 4], "little")
            text = raw[at + 4 : at + 4 + length]
            if len(text) != length:
                raise Refusal(400, f"Cannot read {what}: its binary data ends within an element.")
            try:
                values.append(text.decode())
            except UnicodeDecodeError as error:
                raise Refusal(400, f"Cannot read {what}: an element is not UTF-8 text.") from error
            at += 4 + length
        if len(values) != size:
            raise Refusal(400, f"Cannot read {what}: {len(values)} elements, shape needs {size}.")
        return np.array(values, dtype=object).reshape(shape)
    if len(raw) != size * dtype.itemsize:
        raise Refusal(
            400, f"Cannot read {what}: {len(raw)} bytes, its shape needs {size * dtype.itemsize}."
        )
    return (
        np.frombuffer(raw, dtype=dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)
    )


def encode_binary(array: Array) -> bytes:
    """Write a tensor for the binary extension."""
    if array.dtype.kind in "OUS":
        encoded = [str(value).encode() for value in array.flat]
        return b"".join(len(text).to_bytes(4, "little") + text for text in encoded)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()


def for_json(array: Array) -> Any:
    """Return what `orjson` writes for an array: itself when numeric, a list otherwise."""
    if array.dtype.kind in "OUS":
        return array.tolist()
    return np.ascontiguousarray(array)
