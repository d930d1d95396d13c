"""Why a value cannot travel: which part of it, of what type, and what to do instead."""

from __future__ import annotations

import io
import types
from collections.abc import Iterator, Mapping
from typing import Any

from .kinds import type_name
from .pickling import GraphPickler

_WAYS_OUT = (
    (
        ("generator", "async_generator", "coroutine"),
        "Make it a list, or put the cells that use it into the same step.",
    ),
    (
        ("lock", "RLock", "Condition", "Event", "Semaphore", "Thread"),
        "Create it in the step that uses it.",
    ),
    (
        ("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO"),
        "Pass the path and open the file in the step that uses it.",
    ),
    (
        ("Connection", "Cursor", "socket", "SSLSocket", "Engine"),
        "Pass its address and connect in the step that uses it.",
    ),
)
_FALLBACK = (
    "Put the cell that makes it and the cells that use it into the same step, "
    "or make it again in each step."
)


class NotSerialisable(Exception):
    """A value cannot be saved.

    Attributes:
        name: The variable.
        type: Its type.
        path: The part that cannot travel, as an expression.
        culprit: The type of that part.
        way_out: What to do.
        reason: Why, in few words.
    """

    def __init__(self, name: str, kind: str, path: str, culprit: str, why: str) -> None:
        self.name = name
        self.type = kind
        self.path = path
        self.culprit = culprit
        short = culprit.rpartition(".")[2].lstrip("_")
        self.way_out = next((way for names, way in _WAYS_OUT if short in names), _FALLBACK)
        part = "" if path == name else f" because of {path} ({culprit})"
        self.reason = f"{kind}{part}: {why.rstrip('.')}"
        super().__init__(
            f"Cannot pass {name!r} ({kind}) on to other steps{part}: {why.rstrip('.')}. "
            f"{self.way_out}"
        )


def explain(
    values: Mapping[str, Any], namespace: dict[str, Any], error: BaseException
) -> NotSerialisable:
    """Find the part of the values that cannot be pickled."""
    for name, value in values.items():
        if not _travels(value, namespace):
            path, part = _descend(name, value, namespace)
            return NotSerialisable(
                name, type_name(value), path, type_name(part), _reason(part, namespace, error)
            )
    name, value = next(iter(values.items()))
    return NotSerialisable(name, type_name(value), name, type_name(value), str(error))


def _descend(path: str, value: Any, namespace: dict[str, Any]) -> tuple[str, Any]:
    seen: list[int] = []
    while len(seen) < 100:
        seen.append(id(value))
        for step, part in _parts(value):
            if id(part) not in seen and not _travels(part, namespace):
                path, value = path + step, part
                break
        else:
            return path, value
    return path, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{index}]", part) for index, part in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from ((f" → {type_name(part)}", part) for part in value)
    if isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
    if isinstance(value, types.FunctionType):
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or ()):
            try:
                yield f" → {name}", cell.cell_contents
            except ValueError:
                continue
        yield from (
            (f" → default {index}", part) for index, part in enumerate(value.__defaults__ or ())
        )
    if not isinstance(value, types.ModuleType):
        attributes = getattr(value, "__dict__", None)
        if isinstance(attributes, (dict, types.MappingProxyType)):
            yield from ((f".{name}", part) for name, part in list(attributes.items()))
    for name in getattr(type(value), "__slots__", ()) or ():
        if isinstance(name, str) and hasattr(value, name):
            yield f".{name}", getattr(value, name)


def _travels(value: Any, namespace: dict[str, Any]) -> bool:
    try:
        GraphPickler(io.BytesIO(), namespace, lambda buffer: False).dump(value)
    except Exception:
        return False
    return True


def _reason(part: Any, namespace: dict[str, Any], error: BaseException) -> str:
    try:
        GraphPickler(io.BytesIO(), namespace, lambda buffer: False).dump(part)
    except Exception as found:
        error = found
    text = str(error) or type(error).__name__
    return text[:300]
