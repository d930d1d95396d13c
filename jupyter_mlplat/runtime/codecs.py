"""Typed forms for values that share nothing with other names: JSON for plain data, npy for arrays.

A typed form is only taken where it gives back exactly what went in; everything else is pickled.
"""

from __future__ import annotations

import io
import sys
from json import dumps, loads  # as they are before a notebook patches them
from typing import Any

from .files import Blobs, Buffer
from .kinds import ATOMS

_NPY_KINDS = frozenset("biufcmMSUV?")


def plain_containers(value: Any, limit: int = 1_000_000) -> dict[int, Any] | None:
    """Return the lists and dicts of exactly plain data by id, None if the value is anything else.

    Exactly plain: int, float (no NaN: they are told apart), str, bool, None, lists of it and dicts
    with str keys of it, no container reached twice.
    """
    found: dict[int, Any] = {}
    todo: list[Any] = [value]
    while todo:
        item = todo.pop()
        kind = type(item)
        if kind is float and item != item:
            return None
        if kind in ATOMS:
            continue
        if kind is not list and kind is not dict:
            return None
        if id(item) in found or len(found) >= limit:
            return None
        found[id(item)] = item
        if kind is dict:
            if not set(map(type, item)) <= {str}:
                return None
            item = item.values()
        kinds = set(map(type, item))
        if not kinds <= ATOMS or (float in kinds and any(part != part for part in item)):
            todo.extend(item)
    return found


def encode(value: Any) -> tuple[str, tuple[Buffer, ...]] | None:
    """Return codec and bytes of a value that stands alone, None if it has no typed form.

    The value is exactly plain (`plain_containers`) or a plain array (`is_plain_array`).
    """
    kind = type(value)
    if kind in ATOMS or kind is list or kind is dict:
        try:
            return "json", (dumps(value, allow_nan=False).encode("ascii"),)
        except (ValueError, RecursionError):  # not finite, very long integers, very deep
            return None
    if is_plain_array(value):
        return "npy", _encode_npy(value)
    return None


def is_plain_array(value: Any) -> bool:
    """Tell whether this is an array that npy keeps exactly."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and is_exact_npy(value)


def decode(codec: str, digest: str, blobs: Blobs) -> Any:
    """Load a value from its typed form.

    Raises:
        ValueError: The codec is none of ours.
    """
    if codec == "json":
        return loads(blobs.get(digest))
    if codec == "npy":
        return _decode_npy(blobs.load(digest))
    raise ValueError(f"Cannot load a value saved as {codec!r}: known are json, npy and pickle.")


def is_exact_npy(array: Any) -> bool:
    """Tell whether npy keeps everything about this array."""
    from numpy.lib import format as npy

    dtype = array.dtype
    if dtype.hasobject or dtype.kind not in _NPY_KINDS:
        return False
    if not (array.flags.writeable and array.flags.forc):
        return False
    if dtype.metadata is not None or dtype.isalignedstruct:
        return False
    return bool(npy.descr_to_dtype(npy.dtype_to_descr(dtype)) == dtype)


def _encode_npy(array: Any) -> tuple[Buffer, ...]:
    import numpy
    from numpy.lib import format as npy

    header = io.BytesIO()
    npy.write_array_header_2_0(header, npy.header_data_from_array_1_0(array))
    flat = array.reshape(-1, order="A")
    return header.getvalue(), flat.view(numpy.uint8).data if flat.size else b""


def _decode_npy(data: Any) -> Any:
    import numpy
    from numpy.lib import format as npy

    header = io.BytesIO(memoryview(data)[: 1 << 20])
    npy.read_magic(header)
    shape, fortran, dtype = npy.read_array_header_2_0(header)
    array = numpy.ndarray(shape, dtype, data, header.tell(), order="F" if fortran else "C")
    return array.copy("K") if isinstance(data, bytearray) else array
