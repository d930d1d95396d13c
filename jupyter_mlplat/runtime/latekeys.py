"""Dicts and sets whose keys run code of the notebook when they are put in.

A `__hash__` or `__eq__` may read names of the notebook. While a pickle is being loaded none of them
is there, so such a container is made empty, and filled once all names are bound.
"""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import cloudpickle.cloudpickle as cp


class Filling(NamedTuple):
    """What is to be put into a container."""

    container: Any
    items: Any

    def do(self) -> None:
        """Put it in, by no method of the notebook's but those of the keys."""
        if isinstance(self.container, dict):
            is_ordered = isinstance(self.container, collections.OrderedDict)
            put: Any = collections.OrderedDict if is_ordered else dict
            for key, value in self.items:
                put.__setitem__(self.container, key, value)
        else:
            set.update(self.container, self.items)


class LateKeys:
    """The containers of one pickle that are to be filled late."""

    def __init__(self) -> None:
        self._empty: dict[int, Empty] = {}

    def stand_in(self, obj: Any) -> Empty | None:
        """Return what to pickle for a dict or set, None if it may be filled at once."""
        if (type(obj) is not dict and type(obj) is not set) or not runs_code(obj):
            return None
        if id(obj) not in self._empty:
            self._empty[id(obj)] = Empty(obj)
        return self._empty[id(obj)]


class Empty:
    """Stands for a container in the pickle; where it is loaded it is that container, empty."""

    def __init__(self, container: dict[Any, Any] | set[Any]) -> None:
        self.container = container

    def __reduce__(self) -> Any:
        full = self.container
        items = list(full.items() if isinstance(full, dict) else full)
        return type(full), (), items, None, None, fill_late


class Contents:
    """Stands for what is in an object that is made by other means; loads as None."""

    def __init__(self, owner: Any, items: list[Any]) -> None:
        self.arguments = owner, items

    def __reduce__(self) -> Any:
        return fill_late, self.arguments


def runs_code(keys: Iterable[Any]) -> bool:
    """Tell whether comparing these keys runs code of the notebook."""
    kinds = set(map(type, keys))
    if tuple in kinds:
        kinds.update(type(part) for key in keys if type(key) is tuple for part in key)
    return any(_is_own(kind) for kind in kinds if kind.__module__ == "__main__")


def _is_own(kind: type) -> bool:
    found = (
        next((base for base in kind.__mro__ if name in base.__dict__), object)
        for name in ("__hash__", "__eq__")
    )
    return any(owner.__module__ == "__main__" for owner in found)


def fill_late(container: Any, items: Any) -> None:
    """Stand in a pickle for what `put_off` does where it is loaded."""
    Filling(container, items).do()


def put_off(late: list[Filling], container: Any, items: Any) -> None:
    """Note what is to be put into a container later."""
    late.append(Filling(container, items))


def fill(late: Sequence[Filling], namespace: dict[str, Any], beside: Mapping[str, Any]) -> None:
    """Fill containers, innermost first.

    `beside` are values by name that came along unasked: for so long they are bound, like classes,
    where nothing else is.
    """
    if late:
        with _bound({**_classes(), **beside}, namespace):
            for filling in late:
                filling.do()


def _classes() -> dict[str, Any]:
    known = list(cp._DYNAMIC_CLASS_TRACKER_BY_ID.values())
    return {cls.__name__: cls for cls in known if cls.__module__ == "__main__"}


@contextlib.contextmanager
def _bound(values: Mapping[str, Any], namespace: dict[str, Any]) -> Iterator[None]:
    lent = {name: value for name, value in values.items() if name not in namespace}
    namespace.update(lent)
    try:
        yield
    finally:
        for name, value in lent.items():
            if namespace.get(name) is value:
                del namespace[name]
