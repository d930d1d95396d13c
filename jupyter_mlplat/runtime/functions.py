"""Functions of the notebook and generic or cached ones, by value."""

from __future__ import annotations

import contextlib
import functools
import gc
import linecache
import sys
import types
from typing import Any

import cloudpickle.cloudpickle as cp

from .kinds import Refused


def source_of(code: types.CodeType) -> tuple[str, str] | None:
    """Return the cell a function was written in.

    For tracebacks, warnings and `inspect.getsource` where it arrives.
    """
    entry = linecache.cache.get(code.co_filename)
    if entry is None or len(entry) != 4 or entry[1] is not None:
        return None  # a file on disk, or not there at all
    return code.co_filename, "".join(entry[2])


def restore_function(func: types.FunctionType, state: Any) -> None:
    """Fill a function that was made from its code and its empty cells: it may refer to itself.

    The cells are in the state to be filled on the way.
    """
    attributes, slots, _cells, source = state
    func.__dict__.update(attributes)
    for name, value in slots.items():
        setattr(func, name, value)
    remember_source(source)


def remember_source(source: tuple[str, str] | None) -> None:
    """Let tracebacks and `inspect` find the text of a cell that another step ran."""
    if source is not None:
        filename, text = source
        entry = (len(text), None, text.splitlines(keepends=True), filename)
        linecache.cache.setdefault(filename, entry)


def reduce_singledispatch(func: types.FunctionType) -> Any:
    if func.__globals__ is not functools.singledispatch.__globals__ or not hasattr(
        func, "registry"
    ):
        return None
    if cp._should_pickle_by_reference(func):
        return NotImplemented
    registry = dict(func.registry)
    default = registry.pop(object)
    return make_singledispatch, (default, registry)


def make_singledispatch(default: Any, registry: dict[type, Any]) -> Any:
    """Build a generic function again.

    Its dispatch cache holds weak references and cannot travel.
    """
    func = functools.singledispatch(default)
    for kind, implementation in registry.items():
        func.register(kind, implementation)
    return func


def reduce_cached_function(func: Any) -> Any:
    wrapped = func.__wrapped__
    home = sys.modules.get(wrapped.__module__)
    if wrapped.__module__ != "__main__" and getattr(home, wrapped.__qualname__, None) is func:
        return NotImplemented  # importable: by reference
    parameters = func.cache_parameters()
    info = func.cache_info()
    calls = _cached_calls(func)
    limits = parameters["maxsize"], parameters["typed"]
    arguments = (wrapped, *limits, calls, (info.hits, info.misses))
    skipped = ("__wrapped__", "cache_parameters")
    extra = {key: value for key, value in func.__dict__.items() if key not in skipped}
    return make_cached_function, arguments, extra


def _cached_calls(func: Any) -> list[tuple[Any, Any]]:
    """Read what an `lru_cache` holds, oldest first: (key, result).

    The cache is C and has no door; the garbage collector's view of it shows keys and results in
    order.
    """
    size = func.cache_info().currsize
    if size == 0:
        return []
    parts = gc.get_referents(func)[1:]
    if (
        isinstance(parts[0], dict)
        and len(parts[0]) == size
        and func.cache_parameters()["maxsize"] is None
    ):
        return list(parts[0].items())
    pairs = (
        [(parts[i], parts[i + 1]) for i in range(0, 3 * size, 3)] if len(parts) > 3 * size else []
    )
    table = parts[3 * size] if pairs else None
    if (
        not isinstance(table, dict)
        or len(table) != size
        or any(key not in table for key, _ in pairs)
    ):
        raise Refused("cannot read the cache of a function; call its cache_clear() first")
    return pairs


def make_cached_function(
    wrapped: Any,
    maxsize: int | None,
    typed: bool,
    calls: list[tuple[Any, Any]],
    statistics: tuple[int, int] = (0, 0),
) -> Any:
    """Wrap a function in an `lru_cache` again, and let the cache remember what it did.

    Hits and misses are counted by the cache alone, so they are made again: a call that fails is a
    miss that leaves nothing behind.
    """
    results: list[Any] = []
    forgotten = False

    def replay(*args: Any, **kwargs: Any) -> Any:
        if forgotten:
            raise LookupError
        return results.pop() if results else wrapped(*args, **kwargs)

    functools.update_wrapper(replay, wrapped)
    func = functools.lru_cache(maxsize=maxsize, typed=typed)(replay)
    func.__wrapped__ = wrapped
    mark = next((part for part in gc.get_referents(func) if type(part) is object), None)
    hits, misses = statistics
    forgotten = True
    for _ in range(misses - len(calls)):
        with contextlib.suppress(LookupError):
            func()
    forgotten = False
    for key, result in calls:
        results.append(result)
        args, kwargs = _call_of(key, mark, typed)
        func(*args, **kwargs)
    if calls:  # the call made last is the newest already: its hits reorder nothing
        for _ in range(hits):
            func(*args, **kwargs)
    return func


def _call_of(key: Any, mark: Any, typed: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Turn a key of the cache back into the call that made it (`functools._make_key`)."""
    if type(key) is not tuple:
        return (key,), {}
    place = next((i for i, part in enumerate(key) if type(part) is object), len(key))
    if typed:
        names = (len(key) - place - 1) // 3 if place < len(key) else 0
        positional = key[:place] if names else key[: len(key) // 2]
        rest = key[place + 1 : place + 1 + 2 * names]
    else:
        positional, rest = key[:place], key[place + 1 :]
    return positional, dict(zip(rest[::2], rest[1::2]))
