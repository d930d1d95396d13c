"""The Open Inference Protocol (V2): named tensors in JSON, or in binary behind a JSON header."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from jupyter_mlplat.serving.exchange import JSON, Refusal
from jupyter_mlplat.serving.payloads import Outputs, Tensors
from jupyter_mlplat.serving.tensors import (
    DTYPES,
    Array,
    convert,
    datatype_of,
    decode_binary,
    encode_binary,
    for_json,
)
from jupyter_mlplat.serving.v1 import parse_json

OCTETS = b"application/octet-stream"


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """A decoded request: tensors, and how the answer is wanted."""

    payload: Tensors
    id: str | None
    binary: frozenset[str]
    all_binary: bool


def decode(body: bytes, binary_header: bytes) -> InferenceRequest:
    """Read an inference request; `binary_header` is the Inference-Header-Content-Length, if any.

    Raises:
        Refusal: 400; says which input is wrong, what was found and what was needed.
    """
    header, rest = body, b""
    if binary_header:
        if not binary_header.isdigit() or int(binary_header) > len(body):
            raise Refusal(
                400, "Cannot read the body: Inference-Header-Content-Length is no length within it."
            )
        header, rest = body[: int(binary_header)], body[int(binary_header) :]
    document = parse_json(header)
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise Refusal(400, "Cannot read the body: 'inputs' must be a list of tensors, not empty.")
    tensors: dict[str, Array] = {}
    for entry in inputs:
        name, tensor, rest = _decode_input(entry, rest)
        if name in tensors:
            raise Refusal(400, f"Cannot read the body: input {name!r} is given twice.")
        tensors[name] = tensor
    if rest:
        raise Refusal(400, f"Cannot read the body: {len(rest)} bytes belong to no input.")
    lengths = {len(tensor) if tensor.ndim else 0 for tensor in tensors.values()}
    if lengths == {0}:
        raise Refusal(400, "Cannot predict: the inputs have no rows. Send at least one.")
    wanted, binary = _wanted(document.get("outputs"))
    identity = document.get("id")
    if identity is not None and not isinstance(identity, str):
        raise Refusal(400, "Cannot read the body: 'id' must be text.")
    return InferenceRequest(
        Tensors(tensors, wanted),
        identity,
        binary,
        _parameters(document).get("binary_data_output") is True,
    )


def _decode_input(entry: Any, rest: bytes) -> tuple[str, Array, bytes]:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise Refusal(400, "Cannot read the body: each of 'inputs' must be an object with a name.")
    name: str = entry["name"]
    what = f"input {name!r}"
    datatype = entry.get("datatype")
    dtype = DTYPES.get(datatype) if isinstance(datatype, str) else None
    if dtype is None:
        raise Refusal(
            400, f"Cannot read {what}: datatype {datatype!r} is not known. Use {', '.join(DTYPES)}."
        )
    shape = entry.get("shape")
    if (
        not isinstance(shape, list)
        or len(shape) > 32
        or not all(type(n) is int and 0 <= n < 2**40 for n in shape)
    ):
        raise Refusal(400, f"Cannot read {what}: 'shape' must be a list of lengths.")
    size = 1
    for length in shape:
        size *= length
    binary_size = _parameters(entry).get("binary_data_size")
    if binary_size is not None:
        if type(binary_size) is not int or not 0 <= binary_size <= len(rest):
            raise Refusal(400, f"Cannot read {what}: binary_data_size is no length in the body.")
        tensor = decode_binary(rest[:binary_size], dtype, tuple(shape), what)
        return name, tensor, rest[binary_size:]
    data = entry.get("data")
    if not isinstance(data, list):
        raise Refusal(400, f"Cannot read {what}: 'data' must be a list.")
    array = convert(data, dtype, what)
    if array.size != size:
        raise Refusal(
            400, f"Cannot read {what}: 'data' has {array.size} values, shape {shape} needs {size}."
        )
    return name, array.reshape(shape), rest


def _wanted(outputs: Any) -> tuple[tuple[str, ...], frozenset[str]]:
    if outputs is None:
        return (), frozenset()
    if not isinstance(outputs, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in outputs
    ):
        raise Refusal(400, "Cannot read the body: 'outputs' must be a list of objects with names.")
    binary = {e["name"] for e in outputs if _parameters(e).get("binary_data") is True}
    return tuple(dict.fromkeys(e["name"] for e in outputs)), frozenset(binary)


def _parameters(document: dict[str, Any]) -> dict[str, Any]:
    parameters = document.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def encode(
    model: str, version: str, request: InferenceRequest, outputs: Outputs
) -> tuple[bytes, bytes, bytes]:
    """Write an inference response: body, content type, further header lines."""
    document: dict[str, Any] = {"model_name": model, "model_version": version}
    if request.id is not None:
        document["id"] = request.id
    tensors = document["outputs"] = []
    tail: list[bytes] = []
    for name, array in outputs.items():
        entry: dict[str, Any] = {
            "name": name,
            "shape": array.shape,
            "datatype": datatype_of(array),
        }
        if request.all_binary or name in request.binary:
            raw = encode_binary(array)
            entry["parameters"] = {"binary_data_size": len(raw)}
            tail.append(raw)
        else:
            entry["data"] = for_json(np.ravel(array))
        tensors.append(entry)
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    if not tail:
        return body, JSON, b""
    extra = b"inference-header-content-length: %d\r\n" % len(body)
    return b"".join([body, *tail]), OCTETS, extra
