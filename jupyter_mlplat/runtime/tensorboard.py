"""Scalars of TensorBoard's event files, read without TensorFlow.

A file is a row of records: length (8 bytes), its checksum (4), that many bytes, their checksum (4).
Each is an `Event` in protobuf's wire form, of which a few fields are read here: its step, and its
summary's values with tag and number.

Source:
    tensorflow/core/lib/io/record_writer.h, core/util/event.proto, core/framework/summary.proto.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

_HEADER = 12
_FOOTER = 4
_LARGEST = 64 << 20
_FLOATS = {1: "<f", 2: "<d", 3: "<i", 4: "<B", 5: "<h", 6: "<b", 9: "<q"}  # of tensor_content
_WIRE_VARINT, _WIRE_64, _WIRE_BYTES, _WIRE_32 = 0, 1, 2, 5


class Scalar(NamedTuple):
    """One number of a series."""

    tag: str
    step: int
    value: float


def is_event_file(name: str) -> bool:
    """Tell whether a file is one of TensorBoard's, by its name."""
    return "tfevents" in name


def event_files(folder: str) -> list[str]:
    """Return the event files in a folder and below, oldest first; or the file itself."""
    if os.path.isfile(folder):
        return [folder]
    found = [
        os.path.join(place, name)
        for place, _, names in os.walk(folder)
        for name in names
        if is_event_file(name)
    ]
    return sorted(found)


def read_scalars(path: str, offset: int = 0) -> tuple[list[Scalar], int]:
    """Return the scalars in a file from a byte on, and where its whole records end.

    A record that is still being written is left for the next time; what is no record ends the file.
    """
    with open(path, "rb") as file:
        file.seek(offset)
        content = file.read()
    scalars: list[Scalar] = []
    at = 0
    while at + _HEADER <= len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        end = at + _HEADER + length + _FOOTER
        if length > _LARGEST or end > len(content):
            break
        scalars += _scalars_of(content[at + _HEADER : end - _FOOTER])
        at = end
    return scalars, offset + at


def _scalars_of(event: bytes) -> list[Scalar]:
    step, values = 0, []
    for field, value in _fields(event):
        if field == 2 and isinstance(value, int):
            step = value
        elif field == 5 and isinstance(value, bytes):  # summary
            values += [one for number, one in _fields(value) if number == 1]
    found = []
    for value in values:
        tag, number = "", None
        for field, part in _fields(value):
            if field == 1:
                tag = part.decode("utf-8", "replace")
            elif field == 2:
                (number,) = struct.unpack("<f", part)
            elif field == 8:
                number = _number_of(part)
        if tag and number is not None:
            found.append(Scalar(tag, step, float(number)))
    return found


def _number_of(tensor: bytes) -> float | None:
    """Return the one number a tensor holds, None if it holds none or several."""
    kind = 0
    numbers: list[Any] = []
    for field, part in _fields(tensor):
        if field == 1:
            kind = part
        elif field == 2 and any(size != 1 for size in _sizes(part)):
            return None
        elif field == 4 and kind in _FLOATS:
            form = _FLOATS[kind]
            if len(part) == struct.calcsize(form):
                numbers += struct.unpack(form, part)
        elif field in (5, 6):  # float_val, double_val; packed or not
            form = "<f" if field == 5 else "<d"
            numbers += [one for (one,) in struct.iter_unpack(form, part)]
        elif field in (7, 10) and isinstance(part, int):
            numbers.append(part)
    return float(numbers[0]) if len(numbers) == 1 else None


def _sizes(shape: bytes) -> Iterator[int]:
    for field, dimension in _fields(shape):
        if field == 2:
            yield from (size for number, size in _fields(dimension) if number == 1)


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the fields of a message: numbers for varints, else bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == _WIRE_VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if wire == _WIRE_BYTES:
            length, at = _varint(message, at)
        elif wire in (_WIRE_64, _WIRE_32):
            length = 8 if wire == _WIRE_64 else 4
        else:
            return  # groups are not written by anybody any more
        if at + length > len(message):
            return
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    return value, at
