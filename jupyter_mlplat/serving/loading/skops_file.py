"""Reading a skops file as data: names, numbers, arrays; nothing is imported or built.

For models that are served without the library that made them (see `native`).
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class NotUnderstood(Exception):
    """The file has parts this reader does not know; skops itself may."""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object as the file describes it: its class by name, and its attributes."""

    type: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


def read(content: bytes) -> Thing:
    """Read the object a skops file holds.

    Raises:
        NotUnderstood: A part has another form than those of numbers, arrays, containers and
            objects.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            value = _Reader(archive).value(json.loads(archive.read("schema.json")))
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise NotUnderstood(str(error)) from error
    if not isinstance(value, Thing):
        raise NotUnderstood(f"the file holds a {type(value).__name__}")
    return value


class _Reader:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._known: dict[int, Any] = {}

    def value(self, node: Mapping[str, Any]) -> Any:
        """Read one node; those that occur twice are read once."""
        identity = node.get("__id__")
        loader = node["__loader__"]
        if loader == "CachedNode":
            if identity not in self._known:
                raise NotUnderstood("a reference to nothing")
            return self._known[identity]
        read = getattr(self, f"_{loader}", None)
        if read is None:
            raise NotUnderstood(f"a {loader}")
        value = read(node)
        if identity is not None:
            self._known[identity] = value
        return value

    def _JsonNode(self, node: Mapping[str, Any]) -> Any:
        return json.loads(node["content"])

    def _NdArrayNode(self, node: Mapping[str, Any]) -> Any:
        if node["type"] == "numpy":
            array = np.load(io.BytesIO(self._archive.read(node["file"])), allow_pickle=False)
            return array if node["__class__"] == "ndarray" else array[()]
        if node["type"] == "json":
            shape = self.value(node["shape"])
            parts = [self.value(part) for part in node["content"]]
            return np.array(parts, dtype=object).reshape(shape)
        raise NotUnderstood(f"an array stored as {node['type']}")

    def _ListNode(self, node: Mapping[str, Any]) -> list[Any]:
        return [self.value(part) for part in node["content"]]

    def _TupleNode(self, node: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(self.value(part) for part in node["content"])

    def _DictNode(self, node: Mapping[str, Any]) -> dict[str, Any]:
        return {key: self.value(part) for key, part in node["content"].items()}

    def _ObjectNode(self, node: Mapping[str, Any]) -> Thing:
        content = node.get("content")
        attributes = self.value(content) if content else {}
        return Thing(f"{node['__module__']}.{node['__class__']}", attributes)

    _TreeNode = _ObjectNode

    def _TypeNode(self, node: Mapping[str, Any]) -> Thing:
        return Thing(f"{node['__module__']}.{node['__class__']}")
