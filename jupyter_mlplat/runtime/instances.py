"""Instances of the notebook's classes, as they are: no method of theirs runs when they are rebuilt.

The usual pickle protocol calls `__setitem__` of a dict's subclass, `append` of a list's, `__init__`
of an exception, and saves what `__getstate__` chooses to keep. In the notebook none of that happens
between two cells.
"""

from __future__ import annotations

import collections
import copyreg
from typing import Any, Callable

from .latekeys import Contents, runs_code

_INTERFERING = ("__getstate__", "__setstate__", "__getattr__", "__getattribute__", "__setattr__")
"""Methods that pickle's own way would call on an object which has no attributes yet."""


def reduce_instance(obj: Any, can_pickle: Callable[[Any], bool]) -> Any:
    """Reduce an instance of a notebook's class."""
    kind = type(obj)
    if isinstance(obj, BaseException):
        return reduce_exception(obj)
    if _is_own(kind, "__reduce__") or _is_own(kind, "__reduce_ex__"):
        return NotImplemented  # its author's word on how to rebuild it
    attributes = getattr(obj, "__dict__", None)
    state: Any
    if isinstance(obj, dict):
        extra = getattr(obj, "default_factory", None)
        kept: Any = collections.OrderedDict if isinstance(obj, collections.OrderedDict) else dict
        pairs = list(kept.items(obj))
        state = (Contents(obj, pairs) if runs_code(obj) else dict(pairs), extra, attributes)
        return copyreg.__newobj__, (kind,), state, None, None, fill_dict  # type: ignore[attr-defined]
    if isinstance(obj, list):
        state = (list(list.__iter__(obj)), attributes)
        return copyreg.__newobj__, (kind,), state, None, None, fill_list  # type: ignore[attr-defined]
    if isinstance(obj, set):
        members = list(set.__iter__(obj))
        state = (Contents(obj, members) if runs_code(members) else members, attributes)
        return copyreg.__newobj__, (kind,), state, None, None, fill_set  # type: ignore[attr-defined]
    if not any(_is_own(kind, name) for name in _INTERFERING):
        return NotImplemented
    if any(_is_own(kind, name) for name in ("__getnewargs__", "__getnewargs_ex__")):
        return NotImplemented
    raw = (attributes, {name: getattr(obj, name) for name in _slots(obj)})
    if kind.__basicsize__ > object.__basicsize__ + 64 or not can_pickle(raw):
        return NotImplemented  # holds what cannot travel: what its author leaves out is left out
    return copyreg.__newobj__, (kind,), raw, None, None, fill_attributes  # type: ignore[attr-defined]


def reduce_exception(error: BaseException) -> Any:
    """Reduce an exception with its causes; its traceback stays behind."""
    reduced: Any = error.__reduce_ex__(4)
    made, arguments, *rest = reduced
    if made is type(error) and _is_own(type(error), "__init__"):
        made, arguments = new_exception, (type(error), arguments)
    if not (error.__cause__ or error.__context__) and made is type(error):
        return (made, arguments, *rest)
    state = (rest[0] if rest else None, error.__cause__, error.__context__)
    return made, arguments, (*state, error.__suppress_context__), None, None, fill_exception


def new_exception(kind: Any, arguments: Any) -> Any:
    """Make an exception without calling its `__init__`, whose parameters need not be its `args`."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    return error


def fill_exception(error: Any, state: Any) -> None:
    """Give an exception its attributes and causes."""
    attributes, cause, context, suppressed = state
    if attributes:
        error.__setstate__(attributes)
    error.__cause__, error.__context__, error.__suppress_context__ = cause, context, suppressed


def fill_dict(made: Any, state: Any) -> None:
    """Fill a subclass of dict."""
    items, default_factory, attributes = state
    put = collections.OrderedDict if isinstance(made, collections.OrderedDict) else dict
    if isinstance(made, collections.defaultdict):
        made.default_factory = default_factory
    for key, value in (items or {}).items():
        put.__setitem__(made, key, value)
    update_attributes(made, attributes)


def fill_list(made: Any, state: Any) -> None:
    """Fill a subclass of list."""
    items, attributes = state
    list.extend(made, items)
    update_attributes(made, attributes)


def fill_set(made: Any, state: Any) -> None:
    """Fill a subclass of set."""
    items, attributes = state
    set.update(made, items or ())
    update_attributes(made, attributes)


def fill_attributes(made: Any, state: Any) -> None:
    """Fill an object with its attributes and slots."""
    attributes, slots = state
    update_attributes(made, attributes)
    for name, value in slots.items():
        object.__setattr__(made, name, value)


def update_attributes(made: Any, attributes: Any) -> None:
    """Set attributes without calling `__setattr__`."""
    if attributes:
        made.__dict__.update(attributes)


def _is_own(kind: Any, name: str) -> bool:
    """Tell whether a method comes from a class of the notebook."""
    owner = next((base for base in kind.__mro__ if name in base.__dict__), None)
    return owner is not None and owner.__module__ == "__main__"


def _slots(obj: Any) -> list[str]:
    return [name for name in copyreg._slotnames(type(obj)) if hasattr(obj, name)]  # type: ignore[attr-defined]
