"""One look at a namespace: identity and content of every name, and which names share objects.

Runs no code of the user: what would (hooks of pickling, iteration or attribute access that a class
of the notebook or of a library we do not know defines) is left out, and so is what is too large.
"""

import os
import random
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

from jupyter_mlplat.client.gpus import leased_variables
from jupyter_mlplat.runtime.snapshot import Describer, is_importable

LARGE_ITEMS = 20_000
LARGE_BYTES = 1_000_000

_IPYTHON = re.compile(r"_(i\d*|ii|iii|\d+|_|__|ih|oh|dh|exit_code)?$|__\w+__$")
_SCALARS = (int, float, complex, bool, str, bytes, type(None), range, slice)
_ATOMS = frozenset({"datetime", "decimal", "fractions", "pathlib", "re", "uuid", "zoneinfo"})
_KNOWN = frozenset({"builtins", "collections", "numpy", "pandas", "sklearn", "scipy", "functools"})
"""Libraries whose objects are looked into: their hooks have no effects."""
_HOOKS = (
    *("__getstate__", "__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__"),
    *("__iter__", "__getattr__", "__getattribute__", "__array__", "__class__"),
)
_UNSHIPPABLE = frozenset(
    {"generator", "coroutine", "async_generator", "_io.TextIOWrapper", "_io.BufferedReader"}
    | {"_io.BufferedWriter", "_thread.lock", "_thread.RLock", "socket.socket", "frame"}
    | {"sqlite3.Connection", "sqlite3.Cursor", "threading.Thread", "subprocess.Popen"}
)


def is_ipythons(name: str) -> bool:
    """Tell whether a name is kept by IPython or Python and not by the notebook."""
    return _IPYTHON.match(name) is not None


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one moment. Holds no value: none may live longer for being looked at."""

    ids: Mapping[str, int]
    digests: Mapping[str, bytes]
    """Of the names whose content could be looked at in depth."""

    def bound_since(self, before: "Look") -> set[str]:
        """Return the names that refer to another object than before, or to one at last."""
        return {name for name, found in self.ids.items() if before.ids.get(name) != found}


def look(values: Mapping[str, Any], deadline: float) -> Look:
    """Look at these values until time is up."""
    digests = _channels()
    ids = dict.fromkeys(digests, 0) | {name: id(value) for name, value in values.items()}
    for name, value in values.items():
        describe = _Onlooker(deadline)
        digest = describe(value)
        if describe.has_seen_all:
            digests[name] = digest
    return Look(ids, digests)


def _channels() -> dict[str, bytes]:
    """Digest what passes from cell to cell without a name, as the compiler calls it."""
    describe = Describer()
    numpy = sys.modules.get("numpy.random")
    generators = [random.getstate(), numpy.get_state(legacy=False) if numpy else None]
    return {
        "@env": describe(_environment()),
        "@cwd": describe([os.getcwd(), *sys.path]),
        "@rng": describe(generators),
    }


def _environment() -> dict[str, str]:
    """Return what the notebook has made of its environment; a lease of a GPU is not its doing."""
    leased = leased_variables()
    return {name: value for name, value in os.environ.items() if name not in leased}


def compare(
    before: Look,
    after: Look,
    bound: set[str],
    values: Mapping[str, Any],
    deadline: float,
) -> dict[str, Any]:
    """Say what a cell did, in the form of `compiler/observations.py`.

    Args:
        before: The look before the cell ran.
        after: The look after it.
        bound: Names it has ever bound.
        values: What the names hold now.
        deadline: When to stop looking for shared objects.
    """
    binds = bound & after.ids.keys()
    kept = (before.ids.keys() & after.ids.keys()) - binds
    compared = kept & before.digests.keys() & after.digests.keys()
    changed = {name for name in compared if before.digests[name] != after.digests[name]}
    found: dict[str, Any] = {
        "binds": sorted(binds),
        "deletes": sorted(before.ids.keys() - after.ids.keys()),
        "mutated": sorted(changed),
        "unchanged": sorted(compared - changed),
        "unshippable": {
            name: kind for name, value in values.items() if (kind := _kind(value)) in _UNSHIPPABLE
        },
    }
    return found | _describe_sharing(binds, values, deadline)


class _Onlooker(Describer):
    """Digests a value in depth, or says that it could not."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline
        self.has_seen_all = True

    def __call__(self, value: Any) -> bytes:
        is_quick = type(value) in (int, float, bool, type(None))
        if not is_quick and (time.thread_time() > self._deadline or _is_large(value)):
            return self._opaque(value)
        return super().__call__(value)

    def _content(self, value: Any, kind: type) -> bytes:
        return super()._content(value, kind) if _is_innocent(kind) else self._opaque(value)

    def _pandas(self, value: Any, name: str) -> bytes:
        """Digest blocks instead of columns: there are few."""
        manager = getattr(value, "_mgr", None)
        if manager is None:
            return super()._pandas(value, name)
        parts = [part for block in manager.blocks for part in (block.values, list(block.mgr_locs))]
        return self._parts(name, (*manager.axes, *parts, value.attrs))

    def _opaque(self, value: Any) -> bytes:
        self.has_seen_all = False
        return super()._opaque(value)


def _describe_sharing(
    binds: set[str], values: Mapping[str, Any], deadline: float
) -> dict[str, Any]:
    """Return the groups that a bound name is in, and the bound names that hold only data."""
    plain = {name for name in binds if _is_plain(values[name])}
    if plain == binds:
        return {"data": sorted(plain), "groups": []}
    reached = {name: _reach(value, deadline) for name, value in values.items()}
    owners: dict[int, set[str]] = {}
    for name, found in reached.items():
        for one in found.objects:
            owners.setdefault(one, set()).add(name)
    groups = {frozenset(shared) for shared in owners.values() if len(shared) > 1}
    # What could not be looked through may share with everything.
    unclear = {name for name, found in reached.items() if not found.is_complete}
    groups |= {frozenset({name, *unclear}) for name in binds - plain if unclear - {name}}
    return {
        "data": sorted(name for name in binds - unclear if not reached[name].has_code),
        "groups": sorted(sorted(group) for group in groups if group & binds),
    }


@dataclass(slots=True)
class _Reached:
    objects: set[int] = field(default_factory=set)
    is_complete: bool = True
    has_code: bool = False
    """It holds functions or classes of the notebook, which may use any of its names."""


def _reach(value: Any, deadline: float) -> _Reached:
    """Return the ids of the objects that can be got at from a value."""
    found = _Reached()
    todo = [value]
    while todo:
        item = todo.pop()
        if id(item) in found.objects or _is_plain(item):
            continue
        parts = None
        if time.thread_time() < deadline and not _is_large(item):
            parts = _code_parts(item)
            found.has_code = found.has_code or parts is not None
            parts = _parts(item) if parts is None else parts
        if parts is None:
            found.is_complete = False
            return found
        found.objects.add(id(item))
        todo.extend(parts)
    return found


def _is_plain(item: Any) -> bool:
    """Tell whether sharing a value cannot be noticed: it never changes, or belongs to a library."""
    kind = type(item)  # isinstance() would ask a proxy for its __class__
    return issubclass(kind, (*_SCALARS, ModuleType)) or (
        issubclass(kind, (type, FunctionType, BuiltinFunctionType)) and is_importable(item)
    )


def _code_parts(item: Any) -> Iterable[Any] | None:
    """Return what code of the notebook, or an object of one of its classes, holds."""
    kind = type(item)
    if kind is FunctionType:
        cells = [cell.cell_contents for cell in item.__closure__ or () if cell != _EMPTY]
        return [
            item.__defaults__,
            *(item.__kwdefaults__ or {}).values(),
            *cells,
            *vars(item).values(),
        ]
    if issubclass(kind, type):
        held = vars(item).values()
        return [part for part in held if not hasattr(part, "__get__") or callable(part)]
    if (
        kind.__module__ == "__main__"
        and kind.__mro__[1:] == (object,)
        and "__slots__" not in vars(kind)
    ):
        return [kind, *vars(item).values()]
    return None


_EMPTY = CellType()


def _parts(item: Any) -> Iterable[Any] | None:
    """Return what an object of a library holds; None where that cannot be told."""
    kind = type(item)
    root = kind.__module__.partition(".")[0]
    if kind is dict or (root == "collections" and isinstance(item, dict)):
        return dict.values(item)
    if kind in (list, tuple, set, frozenset, deque):
        return item  # type: ignore[no-any-return]
    if root in _ATOMS:
        return ()
    if root == "numpy":
        return _array_parts(item)
    if root == "pandas":
        return _pandas_parts(item)
    if root == "sklearn" or kind is SimpleNamespace:
        return getattr(item, "__dict__", {}).values()
    if kind is partial:
        return (item.func, *item.args, *item.keywords.values())
    if kind is MethodType:
        return (item.__func__, item.__self__)
    if kind is BuiltinFunctionType:
        return (item.__self__,)
    return None


def _array_parts(item: Any) -> Iterable[Any] | None:
    if getattr(getattr(item, "dtype", None), "hasobject", False):
        return list(item.flat) if hasattr(item, "flat") else None
    base = getattr(item, "base", None)
    owner = base.obj if isinstance(base, memoryview) else base
    return (owner, getattr(item, "bit_generator", None))


def _pandas_parts(item: Any) -> Iterable[Any] | None:
    manager = getattr(item, "_mgr", None)
    if manager is not None:
        return [block.values for block in manager.blocks]
    inner = [getattr(item, name, None) for name in ("_ndarray", "_data", "_mask")]
    return inner if any(part is not None for part in inner) else None


def _is_innocent(kind: type) -> bool:
    """Tell whether looking into an instance runs no code but that of libraries we know."""
    return all(
        cls.__module__.partition(".")[0] in _KNOWN | _ATOMS
        or not any(hook in vars(cls) for hook in _HOOKS)
        for cls in kind.__mro__
    )


def _is_large(value: Any) -> bool:
    kind = type(value)
    if kind in (str, bytes):
        return len(value) > LARGE_BYTES
    if kind in (list, dict, set, tuple, frozenset):
        return len(value) > LARGE_ITEMS
    root = kind.__module__.partition(".")[0]
    if root == "numpy":
        has_objects = getattr(getattr(value, "dtype", None), "hasobject", False)
        size = int(getattr(value, "size", 0))
        return size > LARGE_ITEMS if has_objects else int(getattr(value, "nbytes", 0)) > LARGE_BYTES
    if root == "pandas":
        size = getattr(value, "size", 0)
        return isinstance(size, int) and size > 5 * LARGE_ITEMS
    return False


def _kind(value: Any) -> str:
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
