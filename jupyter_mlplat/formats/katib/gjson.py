"""GJSON paths as conditions of trials use them: a small part that refuses what it does not know.

Known are keys, indexes, `#`, `#(path op value)`, `#(…)#`, with `.` and `|` between; the operators
`==`, `!=`, `<`, `<=`, `>`, `>=`; texts, numbers, true, false and null. Wildcards, modifiers,
multipaths and queries within queries are refused, never guessed at.

Source:
    https://github.com/tidwall/gjson/blob/master/SYNTAX.md
"""

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.resources.base import JsonValue

_KEY = re.compile(r"(?:[\w-]|\\.)+")
_INNER = re.compile(r"\s*((?:[\w-]|\\.)+(?:\.(?:[\w-]|\\.)+)*)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?)\s*)?")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KNOWN = "known are keys, indexes, #, #(path op value) and #(…)#, with . and | between"
_LONGEST = 1000


class NotUnderstood(ValueError):
    """A path uses what is not known here; the message says what."""


@dataclass(frozen=True, slots=True)
class _Key:
    name: str


@dataclass(frozen=True, slots=True)
class _Each:
    """`#`."""


@dataclass(frozen=True, slots=True)
class _Query:
    """`#(…)`, or `#(…)#` for all that match."""

    path: tuple[str, ...]
    compare: str | None
    value: JsonValue
    is_all: bool


_Step = _Key | _Each | _Query
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Path:
    """A path that was read: segments between `|`, each of steps between dots."""

    segments: tuple[tuple[_Step, ...], ...]

    def holds(self, document: JsonValue) -> bool:
        """Tell whether a path leads to an object or to a list that is not empty, as Katib asks."""
        value: Any = document
        for segment in self.segments:
            value = _walk(value, segment)
            if value is _MISSING:
                return False
        return isinstance(value, dict) or (isinstance(value, list) and bool(value))


def parse(text: str) -> Path:
    """Read a path.

    Raises:
        NotUnderstood: It uses what is not known here.
    """
    if not text.strip() or len(text) > _LONGEST:
        raise NotUnderstood(f"needed a path of 1 to {_LONGEST} characters")
    rest, segments, steps = text.strip(), list[tuple[_Step, ...]](), list[_Step]()
    while True:
        step, rest = _step(rest)
        steps.append(step)
        if not rest:
            return Path((*segments, tuple(steps)))
        separator, rest = rest[0], rest[1:]
        if separator == "|":
            segments.append(tuple(steps))
            steps = []
        elif separator != ".":
            raise NotUnderstood(f"{separator + rest!r} is not understood: {_KNOWN}")


def _step(text: str) -> tuple[_Step, str]:
    if text.startswith("#("):
        end = _end_of_query(text)
        is_all = text[end + 1 : end + 2] == "#"
        return _query(text[2:end], is_all), text[end + 1 + is_all :]
    if text.startswith("#"):
        return _Each(), text[1:]
    match = _KEY.match(text)
    if match is None:
        raise NotUnderstood(f"{text!r} is not understood: {_KNOWN}")
    return _Key(_unescaped(match[0])), text[match.end() :]


def _end_of_query(text: str) -> int:
    is_quoted = is_escaped = False
    for at, letter in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif is_quoted:
            is_escaped, is_quoted = letter == "\\", letter != '"'
        elif letter == '"':
            is_quoted = True
        elif letter == "(" and at > 1:
            raise NotUnderstood(f"a query within a query is not understood: {_KNOWN}")
        elif letter == ")":
            return at
    raise NotUnderstood(f"the query {text!r} has no end")


def _query(text: str, is_all: bool) -> _Query:
    match = _INNER.fullmatch(text)
    if match is None:
        raise NotUnderstood(f"the query {text!r} is not understood: {_KNOWN}")
    path = tuple(_unescaped(key) for key in re.split(r"(?<!\\)\.", match[1]))
    if match[2] is None:
        return _Query(path, None, None, is_all)
    try:
        value: JsonValue = json.loads(match[3])
    except ValueError as error:
        raise NotUnderstood(
            f"{match[3]!r} is no value: needed a text in double quotes, a number, true, false or "
            "null"
        ) from error
    if isinstance(value, dict | list):
        raise NotUnderstood(f"{match[3]!r} cannot be compared with: needed a plain value")
    return _Query(path, match[2], value, is_all)


def _unescaped(key: str) -> str:
    return re.sub(r"\\(.)", r"\1", key)


def _walk(value: Any, steps: Sequence[_Step]) -> Any:
    for at, step in enumerate(steps):
        rest = steps[at + 1 :]
        match step:
            case _Key(name):
                value = _get(value, name)
            case _Each():
                if not isinstance(value, list):
                    return _MISSING
                return _each(value, rest) if rest else len(value)
            case _Query(is_all=is_all):
                if not isinstance(value, list):
                    return _MISSING
                found = [item for item in value if _matches(item, step)]
                if is_all:
                    return _each(found, rest) if rest else found
                value = found[0] if found else _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _each(values: Sequence[Any], steps: Sequence[_Step]) -> list[Any]:
    found = (_walk(value, steps) for value in values)
    return [value for value in found if value is not _MISSING]


def _get(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name, _MISSING)
    if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return _MISSING


def _matches(item: Any, query: _Query) -> bool:
    for name in query.path:
        item = _get(item, name)
        if item is _MISSING:
            return False
    if query.compare is None:
        return True
    if _type(item) != _type(query.value):
        return query.compare == "!="
    if item is None or isinstance(item, bool):
        return query.compare in ("==", "!=") and _COMPARE[query.compare](item, query.value)
    return _COMPARE[query.compare](item, query.value)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__
