"""YAML and JSON text as plain JSON values, from anybody: bounded in size, depth and expansion."""

import contextlib
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.base import JsonValue

MAX_BYTES = 32 * 1024 * 1024
"""As the KFP server's default for uploads; a notebook component carries its notebook inside."""
MAX_DEPTH = 100
MAX_VALUES = 250_000
"""Values in all documents together, those that aliases repeat counted each time."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PREFIX = "tag:yaml.org,2002:"


def read_documents(text: str | bytes) -> list[JsonValue]:
    """Return the documents of a YAML or JSON text, empty ones left out.

    Raises:
        InvalidInput: It is neither, or larger, deeper or more repetitive than a pipeline ever is.
    """
    if len(text) > MAX_BYTES:
        raise InvalidInput(
            f"Cannot read this pipeline: it has {len(text):,} bytes, at most {MAX_BYTES:,} are "
            "read."
        )
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidInput(
                "Cannot read this pipeline: it is no text in UTF-8 "
                f"(byte {error.start} is {error.object[error.start]:#04x}). "
                "A pipeline is a YAML or JSON file."
            ) from error
    if text.lstrip("\ufeff \t\r\n")[:1] == "{":
        return _read_json(text)
    return [document for document in _read_yaml(text) if document is not None]


def parse_json(text: str) -> JsonValue:
    """Return what a text inside a document holds as JSON.

    Raises:
        ValueError: It is no JSON, has a number that JSON does not have, or is nested too deeply.
    """
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_number, parse_float=_parse_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _no_number(text[:40])
    return number


def _read_json(text: str) -> list[JsonValue]:
    try:
        value: JsonValue = json.loads(
            text.lstrip("\ufeff"),
            parse_constant=_no_number,
            parse_float=_parse_finite,
            object_pairs_hook=_object_of_pairs,
        )
    except RecursionError as error:
        raise _too_deep("") from error
    except json.JSONDecodeError as error:
        with contextlib.suppress(InvalidInput):  # YAML's flow style begins with a brace, too
            return list(_read_yaml(text))
        raise InvalidInput(
            f"Cannot read this pipeline: it is no JSON (line {error.lineno}, column "
            f"{error.colno}: {error.msg})."
        ) from error
    except ValueError as error:  # a number that is none, or has thousands of digits
        raise InvalidInput(f"Cannot read this pipeline: {error}.") from error
    _measure(value)
    return [value]


def _object_of_pairs(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidInput(f"Cannot read this pipeline: the key {twice!r} stands there twice.")
    return found


def _measure(value: JsonValue) -> None:
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH):
        inner: list[JsonValue] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return
        if len(inner) > MAX_VALUES:
            raise _too_large("")
        level = inner
    raise _too_deep("")


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not come yet."""

    value: dict[str, JsonValue] | list[JsonValue]
    anchor: str | None
    values_before: int
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    """Builds values from YAML's events; no object of any other type is ever made."""

    loader: Any
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[JsonValue, int]] = field(default_factory=dict)
    values: int = 0
    root: JsonValue = None

    def scalar(self, event: Any) -> None:
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            self._set_key(event)
            return
        self._count(1, event)
        value = self._plain(event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self._put(value)

    def begin(self, event: Any, value: dict[str, JsonValue] | list[JsonValue]) -> None:
        if event.tag not in (None, _PREFIX + "map", _PREFIX + "seq"):
            raise _at(event, f"the tag {event.tag!r} is not understood")
        self._refuse_as_key(event)
        if len(self.stack) >= MAX_DEPTH:
            raise _too_deep(_place(event))
        self._count(1, event)
        self.stack.append(_Open(value, event.anchor, self.values - 1))

    def end(self, event: Any) -> None:
        done = self.stack.pop()
        if done.anchor:
            self.anchors[done.anchor] = (done.value, self.values - done.values_before)
        self._put(done.value)

    def alias(self, event: Any) -> None:
        self._refuse_as_key(event)
        if event.anchor not in self.anchors:
            raise _at(event, f"the alias *{event.anchor} has no anchor before it")
        value, size = self.anchors[event.anchor]
        self._count(size, event)
        self._put(value)

    def _refuse_as_key(self, event: Any) -> None:
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            raise _at(event, "a key must be a plain text")

    def _count(self, size: int, event: Any) -> None:
        self.values += size
        if self.values > MAX_VALUES:
            raise _too_large(_place(event))

    def _set_key(self, event: Any) -> None:
        target = self.stack[-1]
        if event.value == "<<" and event.implicit[0]:
            raise _at(event, "merge keys (<<) are not understood. Write the keys out")
        if event.value in target.value:
            raise _at(event, f"the key {event.value!r} stands there twice")
        target.key = event.value

    def _put(self, value: JsonValue) -> None:
        if not self.stack:
            self.root = value
            return
        target = self.stack[-1]
        if isinstance(target.value, list):
            target.value.append(value)
        elif target.key is not None:
            target.value[target.key] = value
            target.key = None

    def _plain(self, event: Any) -> JsonValue:
        tag = event.tag
        if tag is None:
            tag = self.loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        kind = tag.removeprefix(_PREFIX)
        node = yaml.ScalarNode(tag, event.value)
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return bool(self.loader.construct_yaml_bool(node))
                case "int":
                    return int(self.loader.construct_yaml_int(node))
                case "float":
                    number = float(self.loader.construct_yaml_float(node))
                    if not math.isfinite(number):
                        raise _at(event, f"{event.value} is no number of JSON")
                    return number
                case "str" | "timestamp" | "merge" | "value" | "!":
                    return str(event.value)
                case _:
                    raise _at(event, f"the tag {tag!r} is not understood")
        except (ValueError, KeyError, IndexError) as error:
            raise _at(event, f"{event.value[:40]!r} is no value of type {kind}") from error


def _read_yaml(text: str) -> Iterator[JsonValue]:
    reader = _Reader(yaml.SafeLoader(""))
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            match event:
                case yaml.ScalarEvent():
                    reader.scalar(event)
                case yaml.MappingStartEvent():
                    reader.begin(event, {})
                case yaml.SequenceStartEvent():
                    reader.begin(event, [])
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    reader.end(event)
                case yaml.AliasEvent():
                    reader.alias(event)
                case yaml.DocumentEndEvent():
                    yield reader.root
                    reader.root = None
                    reader.anchors.clear()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InvalidInput(f"Cannot read this pipeline: it is no YAML{where}: {what}.") from error


def _place(event: Any) -> str:
    mark = event.start_mark
    return f" (line {mark.line + 1}, column {mark.column + 1})"


def _at(event: Any, what: str) -> InvalidInput:
    return InvalidInput(f"Cannot read this pipeline{_place(event)}: {what}.")


def _too_deep(place: str) -> InvalidInput:
    return InvalidInput(
        f"Cannot read this pipeline{place}: its values are nested deeper than {MAX_DEPTH} levels."
    )


def _too_large(place: str) -> InvalidInput:
    return InvalidInput(
        f"Cannot read this pipeline{place}: it has more than {MAX_VALUES:,} values, "
        "those that aliases repeat counted each time."
    )
