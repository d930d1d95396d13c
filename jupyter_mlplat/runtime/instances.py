"""Instances of the notebook's classes, as they are: no method of theirs runs when they are rebuilt.

The usual pickle protocol calls `__setitem__` of a dict's subclass, `append` of a list's, `__init__`
of an exception, and saves what `__getstate__` chooses to keep. In the notebook none of that happens
between two cells.
"""

from __future__ import annotations

import collections
import copyreg
import types
from typing import Any, Callable

from .latekeys import Contents, runs_code

_INTERFERING = (
    *("__new__", "__getstate__", "__setstate__", "__reduce__", "__reduce_ex__"),
    *("__getattr__", "__getattribute__", "__setattr__"),
)
"""Methods that pickle's own way would call, on an object which may have no attributes yet."""

_OF_ITS_AUTHOR = ("__reduce__", "__reduce_ex__", "__getstate__")
"""Methods that leave out what cannot travel."""


def reduce_instance(obj: Any, can_pickle: Callable[[Any, Any], bool]) -> Any:
    """Reduce an instance of a notebook's class.

    What its author says on how to pickle it may leave attributes out, so it only counts where all
    attributes together cannot travel (`can_pickle`, told the object and what it holds).
    """
    kind = type(obj)
    if isinstance(obj, BaseException):
        is_author_s = any(_is_own(kind, name) for name in _OF_ITS_AUTHOR)
        is_whole = is_author_s and can_pickle(obj, (obj.args, _attributes(obj)))
        return reduce_exception(obj, is_whole=is_whole)
    raw = _as_it_is(obj, kind)
    if raw is None:
        return NotImplemented
    if any(_is_own(kind, name) for name in _OF_ITS_AUTHOR) and not can_pickle(obj, raw[2]):
        return NotImplemented
    return raw


def _as_it_is(obj: Any, kind: Any) -> Any:
    """Reduce an object to its contents; None where pickle's way does the same, or nothing does."""
    attributes = _attributes(obj)
    if isinstance(obj, dict):
        extra = getattr(obj, "default_factory", None)
        kept: Any = collections.OrderedDict if isinstance(obj, collections.OrderedDict) else dict
        pairs = list(kept.items(obj))
        state: Any = (Contents(obj, pairs) if runs_code(obj) else dict(pairs), extra, attributes)
        return new_instance, (kind,), state, None, None, fill_dict
    if isinstance(obj, list):
        state = (list(list.__iter__(obj)), attributes)
        return new_instance, (kind,), state, None, None, fill_list
    if isinstance(obj, set):
        members = list(set.__iter__(obj))
        state = (Contents(obj, members) if runs_code(members) else members, attributes)
        return new_instance, (kind,), state, None, None, fill_set
    if not any(_is_own(kind, name) for name in _INTERFERING) or not is_plain(kind):
        return None
    return new_instance, (kind,), contents_of(obj), None, None, fill_attributes


def contents_of(obj: Any) -> tuple[Any, dict[str, Any]]:
    """Return attributes and slots of an object, whatever its author says on its state."""
    return _attributes(obj), _slots(obj)


_PLAIN_HOMES = frozenset({"__main__", "abc", "builtins", "typing"})


def is_plain(kind: Any) -> bool:
    """Tell whether attributes and slots are all that such objects consist of."""
    return all(base.__module__ in _PLAIN_HOMES for base in kind.__mro__) and not any(
        isinstance(vars(base).get("__new__"), types.BuiltinFunctionType)
        for base in kind.__mro__
        if base is not object
    )


def new_instance(kind: Any) -> Any:
    """Make an object without contents, without what the notebook's `__new__` does."""
    base = kind
    while base.__module__ == "__main__":
        base = base.__base__  # not the next in the order of methods: it says how memory is laid out
    return base.__new__(kind)


_REBUILDERS = frozenset({"__setstate__", "__reduce__", "__reduce_ex__", "__getstate__"})


def answers_for_anything(kind: Any) -> bool:
    """Tell whether a class has a `__getattr__` that loading would ask for `__setstate__`.

    It may call itself for ever on an object that has no attributes yet.
    """
    if not hasattr(kind, "__getattr__"):
        return False
    names = {name for base in kind.__mro__[:-1] for name in base.__dict__}
    return "__getattr__" in names and not names & _REBUILDERS and kind not in copyreg.dispatch_table


def reduce_quietly(obj: Any) -> Any:
    """Reduce an object as pickle does, but let nobody ask it for `__setstate__`."""
    reduced = obj.__reduce_ex__(4)
    if isinstance(reduced, str) or len(reduced) < 3 or reduced[2] is None:
        return reduced
    made, arguments, state, *items = reduced
    return made, arguments, state, *(*items, None, None)[:2], fill_state


def fill_state(made: Any, state: Any) -> None:
    """Give an object its attributes, and its slots where it has some."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    update_attributes(made, attributes)
    for name, value in (slots or {}).items():
        object.__setattr__(made, name, value)


def reduce_exception(error: BaseException, *, is_whole: bool = False) -> Any:
    """Reduce an exception with its causes and its traceback, perhaps against its author's word."""
    reduced: Any = BaseException.__reduce__(error) if is_whole else error.__reduce_ex__(4)
    made, arguments, *rest = reduced
    if made is type(error) and (is_whole or _is_own(type(error), "__init__")):
        made, arguments = new_exception, (type(error), arguments)
    origin = (error.__cause__, error.__context__, error.__traceback__)
    if not any(origin) and made is type(error):
        return (made, arguments, *rest)
    state = (rest[0] if rest else None, *origin, error.__suppress_context__)
    return made, arguments, state, None, None, fill_exception


def new_exception(kind: Any, arguments: Any) -> Any:
    """Make an exception without calling its `__init__`, whose parameters need not be its `args`."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    return error


def fill_exception(error: Any, state: Any) -> None:
    """Give an exception its attributes, causes and traceback."""
    attributes, cause, context, trace, suppressed = state
    if attributes:
        error.__setstate__(attributes)
    error.__cause__, error.__context__, error.__traceback__ = cause, context, trace
    error.__suppress_context__ = suppressed


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


def _attributes(obj: Any) -> Any:
    return _held(obj, "__dict__")


def _slots(obj: Any) -> dict[str, Any]:
    names = copyreg._slotnames(type(obj))  # type: ignore[attr-defined]
    found = {name: _held(obj, name, _NOTHING) for name in names}
    return {name: value for name, value in found.items() if value is not _NOTHING}


_NOTHING = object()


def _held(obj: Any, name: str, default: Any = None) -> Any:
    """Read an attribute as Python does, not by the notebook's own `__getattribute__`."""
    try:
        return object.__getattribute__(obj, name)
    except AttributeError:
        return default
