"""Classes of the notebook, by value.

The same class wherever they arrive, and none of their hooks run again.

cloudpickle does most of this. It calls metaclasses and `__init_subclass__` when it rebuilds a
class, so that a registry gets its entries twice; it forgets slots, qualified names and aliases of
enum members; and a class that arrives in two bundles is in whichever state was loaded last.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import types
from collections.abc import Iterator
from typing import Any

import cloudpickle.cloudpickle as cp

from .identity import class_identity

_REBUILT = frozenset({"__slotnames__", "__dict__", "__weakref__"})
_ENUM_CACHES = ("_unhashable_values_", "_unhashable_values_map_", "_hashable_values_")


def reduce_class(cls: Any) -> Any:
    """Reduce a class that no module has."""
    word = class_identity.track(cls)
    generation = class_identity.generation(cls)
    if issubclass(cls, enum.Enum):
        make, arguments, (state, _), *_ = cp._dynamic_class_reduce(cls)
        members = {name: member.value for name, member in cls.__members__.items()}
        arguments = (*arguments[:3], members, *arguments[4:])
        for name in (*members, *_ENUM_CACHES):
            state.pop(name, None)
        return make, arguments, (generation, _portable(state)), None, None, restore_class
    namespace = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    for name in ("__slots__", "__orig_bases__"):
        if name in cls.__dict__:
            namespace[name] = cls.__dict__[name]
    is_typed_dict = type(cls).__name__ == "_TypedDictMeta"
    bases = cp._get_bases(cls) if is_typed_dict else cls.__bases__
    state = _in_order(cls, cp._class_getstate(cls)[0])
    arguments = (type(cls), cls.__name__, bases, namespace, word)
    return make_class, arguments, (generation, _portable(state)), None, None, restore_class


def _in_order(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Order attributes as the class has them; cloudpickle sorts them by name."""
    return {name: state[name] for name in (*cls.__dict__, *state) if name in state}


def make_class(meta: Any, name: str, bases: Any, namespace: dict[str, Any], word: str) -> Any:
    """Make an empty class, or return the one that has come already."""
    known = cp._DYNAMIC_CLASS_TRACKER_BY_ID.get(word)
    if known is not None:
        return known
    bases = types.resolve_bases(bases)
    hook = classmethod(lambda cls, **_: None)
    with without_hooks(bases, "__init_subclass__", hook):
        if meta.__module__ == "__main__":
            builder = next(kind for kind in meta.__mro__ if kind.__module__ != "__main__")
            cls = builder.__new__(meta, name, bases, dict(namespace))
        else:
            cls = meta(name, bases, dict(namespace))
    return cp._lookup_class_or_track(word, cls)


def restore_class(cls: Any, state: Any) -> None:
    """Fill a class, unless it is there in a newer state."""
    generation, attributes = state
    if not class_identity.accept(cls, generation):
        return
    registered = attributes.pop("_abc_impl", ())
    for name, value in attributes.items():
        if not (name in ("__slots__", "__orig_bases__") and name in cls.__dict__):
            type.__setattr__(cls, name, value)
    for name in set(vars(cls)) - set(attributes) - _KEPT:
        if class_identity.was_complete(cls) and not isinstance(
            vars(cls)[name], (types.MemberDescriptorType, types.GetSetDescriptorType)
        ):
            type.__delattr__(cls, name)
    for subclass in registered:
        cls.register(subclass)


_KEPT = frozenset(
    {"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__slots__", "_abc_impl"}
    | {"__abstractmethods__", "__orig_bases__", "__parameters__", "__annotations__"}
)


@contextlib.contextmanager
def without_hooks(bases: Any, name: str, instead: Any) -> Iterator[None]:
    """Keep a hook of the notebook's classes from running.

    It has run where the class or object was made.
    """
    owners = {
        owner: owner.__dict__[name]
        for base in bases
        for owner in base.__mro__
        if owner.__module__ == "__main__" and name in owner.__dict__
    }
    for owner in owners:
        type.__setattr__(owner, name, instead)
    try:
        yield
    finally:
        for owner, hook in owners.items():
            type.__setattr__(owner, name, hook)


def _portable(state: dict[str, Any]) -> dict[str, Any]:
    return {
        name: CachedProperty(value)
        if type(value) is functools.cached_property and hasattr(value, "lock")
        else value
        for name, value in state.items()
        if name not in _REBUILT
    }


class CachedProperty:
    """Stands for a `functools.cached_property` in the pickle.

    Before Python 3.12 it holds a lock.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> Any:
        return make_cached_property, (self.value.func, self.value.attrname)


def make_cached_property(func: Any, attrname: str | None) -> Any:
    """Build a `cached_property` that already knows its name: nothing calls its `__set_name__`."""
    made: Any = functools.cached_property(func)
    made.attrname = attrname
    return made
