"""What names share: the objects that each reaches, and the groups that follow from them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

import cloudpickle.cloudpickle as cp

from .arrays import ArraySharing
from .kinds import nan_home

_IDENTITY_FREE_MODULES = frozenset(
    {
        "datetime",
        "decimal",
        "fractions",
        "uuid",
        "pathlib",
        "zoneinfo",
        "re",
        "numpy.dtypes",
        "ipaddress",
    }
)


_IDENTITY_FREE = frozenset(
    {
        int,
        float,
        complex,
        bool,
        str,
        bytes,
        type(None),
        type(...),
        type(NotImplemented),
        range,
        slice,
    }
    | {frozenset, type(sys), type(len), CodeType}
)
"""Immutable: sharing one cannot be seen by writing to it.

What a tuple holds is traced on its own.
"""


_SHARED_ATOMS = frozenset({str, int, float})


class Trace:
    """The objects that one name reaches and whose identity can be seen, by id.

    A tuple of constants only counts if it is in `bound`: what names are bound to.

    Holding on to them keeps ids from being used again for the next name.
    """

    def __init__(self, sharing: ArraySharing, bound: frozenset[int] = frozenset()) -> None:
        self._bound = bound
        self.objects: dict[int, Any] = {}
        self.roots: dict[int, Any] = {}
        self.writable: set[int] = set()
        self._sharing = sharing

    def __call__(self, obj: Any) -> None:
        kind = type(obj)
        if kind is float and obj != obj and nan_home(obj) is None:
            self.objects[id(obj)] = obj
        if kind in _IDENTITY_FREE or id(obj) in self.objects:
            return
        if kind.__module__ in _IDENTITY_FREE_MODULES or self._is_by_reference(obj):
            return
        if kind is tuple and all(type(item) in _IDENTITY_FREE for item in obj):
            if id(obj) in self._bound:
                self.objects[id(obj)] = obj
            return  # other constants: compilers share them as they like
        self.objects[id(obj)] = obj
        if not isinstance(obj, (type, tuple)) and kind is not FunctionType:
            self.writable.add(id(obj))
        root = self._sharing.see(obj)
        if root is not None:
            self.objects[id(root)] = self.roots[id(root)] = root
            self.writable.add(id(root))

    @staticmethod
    def _is_by_reference(obj: Any) -> bool:
        if isinstance(obj, type) or type(obj).__name__ == "function":
            return obj in cp._BUILTIN_TYPE_NAMES or cp._should_pickle_by_reference(obj)
        numpy = sys.modules.get("numpy")
        return numpy is not None and isinstance(obj, (numpy.generic, numpy.ufunc, numpy.dtype))


def group_names(names: Sequence[str], traces: Mapping[str, Trace]) -> list[list[str]]:
    """Split names into groups that reach a common object; order is kept."""
    leader: dict[str, str] = {name: name for name in names}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    first: dict[int, str] = {}
    for name in names:
        for key in traces[name].objects:
            other = find(first.setdefault(key, name))
            if other != find(name):
                leader[find(name)] = other
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(find(name), []).append(name)
    return list(groups.values())


def same_atoms(
    namespace: Mapping[str, Any], names: Iterable[str], entries: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Return names whose plain value, saved on its own, is the very object of an earlier name."""
    first: dict[int, str] = {}
    same: dict[str, str] = {}
    for name in names:
        value = namespace[name]
        if type(value) in _SHARED_ATOMS and entries[name]["codec"] != "pickle":
            other = first.setdefault(id(value), name)
            if other != name:
                same[name] = other
    return same


class AttributesOf:
    """Stands in a pickle for the dict in which an object keeps its attributes (`vars(obj)`)."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def __reduce__(self) -> Any:
        return vars, (self._owner,)


def attributes_of(value: Any) -> dict[str, Any] | None:
    """Return the dict in which an object of data keeps its attributes."""
    if isinstance(value, FunctionType):
        return None
    try:
        found = object.__getattribute__(value, "__dict__")  # not through the notebook's own
    except AttributeError:
        return None
    return found if type(found) is dict else None


def with_attribute_dicts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Name the owner of each value that is the attributes of another one."""
    owners = {id(attributes_of(value)): value for value in values.values()}
    return {
        name: AttributesOf(owners[id(value)])
        if type(value) is dict and id(value) in owners
        else value
        for name, value in values.items()
    }
