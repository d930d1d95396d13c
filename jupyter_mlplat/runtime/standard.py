"""Objects of Python and its standard library that pickle refuses, or brings back as another one."""

from __future__ import annotations

import builtins
import collections
import functools
import gc
import io
import logging
import os
import random
import re
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

from . import logs
from .functions import reduce_cached_function
from .kinds import Refused


def _reduce_dict_view(view: Any) -> Any:
    (owner,) = gc.get_referents(view)
    return make_dict_view, (owner, type(view).__name__.partition("_")[2])


def make_dict_view(owner: Any, kind: str) -> Any:
    """View a dictionary again: `kind` is keys, values or items."""
    return getattr(owner, kind)()


def _reduce_memoryview(view: memoryview) -> Any:
    if view.obj is None or view.nbytes != memoryview(view.obj).nbytes or not view.c_contiguous:
        raise Refused("a memoryview of a part of a buffer cannot travel")
    return make_memoryview, (view.obj, view.format, tuple(view.shape or ()), view.readonly)


def make_memoryview(owner: Any, code: str, shape: tuple[int, ...], readonly: bool) -> memoryview:
    """View a buffer again, in the same shape."""
    view = memoryview(owner)
    if view.format != code or view.shape != shape:
        whole: Any = view.cast("B")
        view = whole.cast(code, shape)
    return view.toreadonly() if readonly else view


def reduce_stream(stream: Any) -> Any:
    for name in ("stdin", "stdout", "stderr"):
        if stream in (getattr(sys, name), getattr(sys, f"__{name}__")):
            return getattr, (sys, name)
    if isinstance(stream, (io.StringIO, io.BytesIO)):
        return (make_closed, (type(stream),)) if stream.closed else NotImplemented
    raise Refused(f"cannot pickle an open {type(stream).__name__}")


def make_closed(kind: Any) -> Any:
    """Make a stream in memory that is closed already."""
    stream = kind()
    stream.close()
    return stream


def _reduce_logger(logger: logging.Logger) -> Any:
    if not logs.is_known(logger):
        raise Refused("cannot pickle a logger that was given a level or handlers")
    return logging.getLogger, (logger.name,) if logger.name != "root" else ()


def _reduce_random(generator: random.Random) -> Any:
    if generator is random._inst:
        return getattr, (random, "_inst")
    return NotImplemented


def _reduce_environ(environ: Any) -> Any:
    return (getattr, (os, "environ")) if environ is os.environ else NotImplemented


_BUILTINS = dict(vars(builtins))
"""As they are before a notebook puts others in their place."""


def _reduce_builtin(func: Any) -> Any:
    name = func.__name__
    if _BUILTINS.get(name) is func and getattr(builtins, name, None) is not func:
        return original_builtin, (name,)
    return NotImplemented


def original_builtin(name: str) -> Any:
    """Return a builtin function as Python has it."""
    return _BUILTINS[name]


_METHODS = ("match", "fullmatch", "search")


def _reduce_match(found: re.Match[Any]) -> Any:
    whole = found.re, found.string, found.pos, found.endpos
    for method in _METHODS:
        again = getattr(found.re, method)(*whole[1:])
        if again is not None and again.regs == found.regs:
            return match_again, (*whole, method)
    places = [other.span() for other in _all_matches(*whole)]
    if found.span() not in places:
        raise Refused("cannot find the match again in its string")
    return match_again, (*whole, places.index(found.span()))


def match_again(pattern: Any, string: Any, start: int, end: int, how: str | int) -> Any:
    """Make a match again, by a method or as one of all that there are."""
    if isinstance(how, str):
        return getattr(pattern, how)(string, start, end)
    return _all_matches(pattern, string, start, end)[how]


@functools.lru_cache(maxsize=1)
def _all_matches(pattern: Any, string: Any, start: int, end: int) -> list[re.Match[Any]]:
    return list(pattern.finditer(string, start, end))


def _refuse(what: str) -> Callable[[Any], Any]:
    def reduce(obj: Any) -> Any:
        raise Refused(f"cannot pickle {what}")

    return reduce


def _reduce_new_type(kind: Any) -> Any:
    if kind.__module__ != "__main__":
        return NotImplemented
    return make_new_type, (kind.__name__, kind.__qualname__, kind.__supertype__)


def make_new_type(name: str, qualname: str, supertype: Any) -> Any:
    """Make a `NewType` of the notebook again."""
    kind = typing.NewType(name, supertype)  # type: ignore[misc]
    kind.__module__, kind.__qualname__ = "__main__", qualname
    return kind


def is_bound_to_process(obj: Any) -> bool:
    """Tell whether an object would come back without what makes it work.

    Widgets and other objects with traits lose their observers. A parser of arguments compares its
    sentinels by identity.
    """
    traitlets, argparse = sys.modules.get("traitlets"), sys.modules.get("argparse")
    return (traitlets is not None and isinstance(obj, traitlets.HasTraits)) or (
        argparse is not None and isinstance(obj, argparse.ArgumentParser)
    )


def _reduce_key(key: Any) -> Any:
    return make_key, tuple(gc.get_referents(key)[1:3])  # its type comes first


def make_key(compare: Any, *wrapped: Any) -> Any:
    """Make the key of a comparison, around a value if it was."""
    key: Any = functools.cmp_to_key(compare)
    return key(*wrapped) if wrapped else key


def _mapping_proxy_owner(proxy: Any) -> Any:
    (owner,) = gc.get_referents(proxy)
    return types.MappingProxyType, (owner,)


def _reduce_random_state(state: Any) -> Any:
    module = sys.modules.get("numpy.random.mtrand")
    if module is not None and state is module._rand:
        return getattr, (module, "_rand")  # the one that numpy.random's functions draw from
    return NotImplemented


def _reduce_shell(shell: Any) -> Any:
    if shell.__class__.__module__ == f"{__package__}.shell":
        return current_shell, ()
    return NotImplemented


def current_shell() -> Any:
    """Return the shell of the step that loads this."""
    from IPython.core.getipython import get_ipython

    return get_ipython()


NAMED_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "RandomState": _reduce_random_state,
    "ZMQInteractiveShell": _reduce_shell,
}


def _specials() -> dict[type, Callable[[Any], Any]]:
    ordered: collections.OrderedDict[Any, Any] = collections.OrderedDict()
    views: list[Any] = [
        {}.keys(),
        {}.values(),
        {}.items(),
        ordered.keys(),
        ordered.values(),
        ordered.items(),
    ]
    table: dict[type, Callable[[Any], Any]] = {type(view): _reduce_dict_view for view in views}
    table[re.Match] = _reduce_match
    table[typing.NewType] = _reduce_new_type
    table[types.BuiltinFunctionType] = _reduce_builtin
    table[memoryview] = _reduce_memoryview
    table[type(functools.lru_cache(_refuse))] = reduce_cached_function
    table[type(make_key(_refuse))] = _reduce_key
    table[logging.Logger] = table[logging.RootLogger] = _reduce_logger
    table[random.Random] = _reduce_random
    table[type(os.environ)] = _reduce_environ
    table[types.MappingProxyType] = _mapping_proxy_owner
    table[types.GeneratorType] = _refuse("a generator")
    table[types.CoroutineType] = _refuse("a coroutine")
    table[types.AsyncGeneratorType] = _refuse("an asynchronous generator")
    table[types.FrameType] = _refuse("a frame")
    return table


SPECIAL = _specials()
