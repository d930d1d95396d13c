"""What a namespace holds, in a form that two processes can compare.

`verify` runs a notebook from top to bottom and as steps; both sides describe their values here,
since only they can. Equal content gives equal digests: numbers by value (NaN equals itself), arrays
and frames by dtype and data, sets without order, functions by code, classes of the notebook by name
and members, other objects by type and state.
"""

from __future__ import annotations

import abc
import enum
import functools
import hashlib
import io
import random
import re
import sys
import types
from collections.abc import Iterable
from typing import Any

import cloudpickle.cloudpickle as cp

from .instances import contents_of, is_plain
from .kinds import is_array, type_name

_IPYTHON = re.compile(r"_(i\d*|ii|iii|\d+|_|__|ih|oh|dh|exit_code)?$")
_OPAQUE_ROOTS = frozenset(
    {
        "matplotlib",
        "ipywidgets",
        "traitlets",
        "IPython",
        "threading",
        "_thread",
        "asyncio",
        "jupyter_mlplat_runtime",
    }
)
_BY_REPR = frozenset(
    {int, bool, str, bytes, complex, type(None), type(...), type(NotImplemented), range, slice}
)

_SCALARS = frozenset({int, bool, float, str, bytes, type(None)})


class Snapshot:
    """Watches a namespace from after its inputs were loaded until the last cell has run."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._hidden = set(namespace) & {"In", "Out", "get_ipython", "exit", "quit", "open"}
        self._hidden_values = {name: namespace[name] for name in self._hidden}
        self._before = self._digests()
        self._ids = {name: id(value) for name, value in namespace.items()}
        self._bound_by: dict[str, str] = {}

    def after_cell(self, cell: str) -> None:
        """Note which names a cell has bound."""
        for name, value in self._namespace.items():
            if self._ids.get(name) != id(value):
                self._ids[name] = id(value)
                self._bound_by[name] = cell

    def to_json(self) -> dict[str, Any]:
        """Describe every name.

        Digest, type, a short text, whether the cells wrote it, and which bound it last.
        """
        names = {}
        for name, digest in self._digests().items():
            value = self._namespace[name]
            names[name] = {
                "digest": digest,
                "type": type_name(value),
                "text": short_text(value),
                "written": self._before.get(name) != digest or name in self._bound_by,
                "cell": self._bound_by.get(name),
                "importable": is_importable(value),
            }
        return {"names": names, "deleted": [name for name in self._before if name not in names]}

    def _digests(self) -> dict[str, str]:
        describe = Describer()
        return {
            name: describe(value).hex()
            for name, value in list(self._namespace.items())
            if not self._is_hidden(name, value)
        }

    def _is_hidden(self, name: str, value: Any) -> bool:
        if name in self._hidden and self._hidden_values[name] is value:
            return True
        return bool(_IPYTHON.match(name)) or (name.startswith("__") and name.endswith("__"))


def is_global_generator(value: Any) -> bool:
    """Tell whether this is the generator behind `random.random()` or `numpy.random.rand()`."""
    mtrand = sys.modules.get("numpy.random.mtrand")
    return value is random._inst or (mtrand is not None and value is mtrand._rand)


def is_importable(value: Any) -> bool:
    """Tell whether a value is an import: a module, or a function or class that a module names."""
    if isinstance(value, (types.FunctionType, type)):
        return cp._should_pickle_by_reference(value) or value in cp._BUILTIN_TYPE_NAMES
    if isinstance(value, types.BuiltinFunctionType):
        return isinstance(value.__self__, types.ModuleType)
    return isinstance(value, types.ModuleType)


def short_text(value: Any, width: int = 160) -> str:
    """Return the start of a value's repr."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type_name(value)} whose repr raises {type(error).__name__}>"
    return text if len(text) <= width else text[: width - 1] + "…"


class Describer:
    """Digests values by content. One per namespace: what was seen once need not be walked again."""

    def __init__(self) -> None:
        self._done: dict[int, bytes] = {}
        self._active: list[int] = []
        self._keep: list[Any] = []

    def __call__(self, value: Any) -> bytes:
        """Return the digest of a value's content."""
        kind = type(value)
        if kind is int:
            return _hash("int", hex(value))  # repr refuses very long ones
        if kind in _BY_REPR:
            return _hash(kind.__name__, repr(value))
        if kind is float:
            return _hash("float", repr(value))
        key = id(value)
        if key in self._done:
            return self._done[key]
        if key in self._active:
            return _hash("cycle", str(len(self._active) - self._active.index(key)))
        self._active.append(key)
        self._keep.append(value)
        try:
            digest = self._content(value, kind)
        except (
            Exception
        ):  # a user's property, a C object without state: its type is all that can be told
            digest = self._opaque(value)
        finally:
            self._active.pop()
        self._done[key] = digest
        return digest

    def _content(self, value: Any, kind: type) -> bytes:
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if type(value) is functools.partial:  # its state says None or {} for the same thing
            return self._parts("partial", (value.func, value.args, value.keywords, vars(value)))
        if isinstance(value, types.MethodType):
            return self._parts("method", (value.__func__, value.__self__))
        if isinstance(value, types.BuiltinFunctionType):
            owner = value.__self__
            return _hash(
                "builtin",
                value.__name__,
                "" if isinstance(owner, types.ModuleType) else self(owner).hex(),
            )
        if isinstance(value, types.ModuleType):
            return _hash("module", value.__name__)
        if isinstance(value, types.CodeType):
            return self._code(value)
        if isinstance(value, types.CellType):
            return self._parts("cell", (value.cell_contents,))
        if isinstance(value, enum.Enum):
            return _hash("enum", type(value).__qualname__, value.name)
        if isinstance(value, re.Pattern):
            return _hash("pattern", repr(value.pattern), str(value.flags))
        if kind.__module__.partition(".")[0] in _OPAQUE_ROOTS:
            return self._opaque(value)
        return self._data(value, kind)

    def _opaque(self, value: Any) -> bytes:
        """Digest what cannot be looked into: by its type alone."""
        return _hash("opaque", type_name(value))

    def _data(self, value: Any, kind: type) -> bytes:
        if is_global_generator(value):
            return _hash("global generator", type_name(value))
        if is_array(value):
            return self._array(value)
        name = type_name(value)
        root = kind.__module__.partition(".")[0]
        if root == "pandas" and hasattr(value, "to_numpy"):
            return self._pandas(value, name)
        if any(base.__module__.startswith("pandas.") for base in kind.__mro__):
            own = [getattr(value, item, None) for item in getattr(kind, "_metadata", ())]
            return self._parts(name, (kind, self._pandas(value, name), *own))
        if root == "torch" and hasattr(value, "detach"):
            return self._parts(name, (value.detach().cpu().numpy(), value.requires_grad))
        if kind in (io.StringIO, io.BytesIO) and not value.closed:
            # An empty `__dict__` is made by looking for one, and then part of the state.
            return self._parts(name, (*value.__getstate__()[:-1], value.__dict__ or None))
        if isinstance(value, (set, frozenset)):
            return _hash(name, *sorted(self(item).hex() for item in value))
        if value is vars(sys.modules["__main__"]):
            return _hash("namespace")  # what it holds is described name by name
        if isinstance(value, dict):
            rest = getattr(value, "__dict__", None)
            items = (part for pair in dict.items(value) for part in pair)
            return self._parts(name, (*items, getattr(value, "default_factory", None), rest))
        if kind in (list, tuple) and all(type(item) in _SCALARS for item in value):
            return _hash(name, repr(value))
        if isinstance(value, (list, tuple)):
            return self._parts(name, (*value, getattr(value, "__dict__", None)))
        return self._state(value, kind, name)

    def _state(self, value: Any, kind: type, name: str) -> bytes:
        if isinstance(value, BaseException):
            return self._parts(name, (value.args, value.__dict__))
        if kind.__module__ == "__main__" and is_plain(kind):
            return self._parts(name, contents_of(value))
        custom = getattr(kind, "__getstate__", None)
        if custom is not None and custom is not getattr(object, "__getstate__", None):
            return self._parts(name, (value.__getstate__(),))
        reduced = value.__reduce_ex__(4)
        if isinstance(reduced, str):
            return _hash("global", reduced)
        made, *rest = reduced
        parts = [list(part) if hasattr(part, "__next__") else part for part in rest]
        while parts and (parts[-1] is None or (type(parts[-1]) is dict and not parts[-1])):
            parts.pop()  # no attributes, whether or not there is an empty dict for them
        return self._parts(name, (getattr(made, "__qualname__", ""), *parts))

    def _parts(self, label: str, parts: Iterable[Any]) -> bytes:
        return _hash(label, *(self(part).hex() for part in parts))

    def _array(self, array: Any) -> bytes:
        import numpy

        label = f"{type_name(array)} {array.dtype} {array.shape}"
        masked = sys.modules.get("numpy.ma")  # not imported for this: it takes milliseconds
        if masked is not None and isinstance(array, masked.MaskedArray):
            return self._parts(
                label, (array.filled(), masked.getmaskarray(array), array.fill_value)
            )
        if array.dtype.hasobject:
            return self._parts(label, array.ravel().tolist())
        return _hash(label, hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest())

    def _pandas(self, value: Any, name: str) -> bytes:
        attributes = getattr(value, "attrs", None)
        if hasattr(value, "columns"):
            columns = [_content_of(value.iloc[:, n]) for n in range(value.shape[1])]
            return self._parts(name, (value.index, value.columns, *columns, attributes))
        if hasattr(value, "index") and hasattr(value, "array"):
            return self._parts(name, (value.index, value.name, _content_of(value), attributes))
        if hasattr(value, "names") and hasattr(value, "array"):
            return self._parts(f"{name} {value.dtype}", (list(value.names), _content_of(value)))
        return self._parts(f"{name} {getattr(value, 'dtype', '')}", list(value))

    def _function(self, func: types.FunctionType) -> bytes:
        cells: list[Any] = list(func.__closure__ or ())
        parts = (func.__code__, func.__defaults__, func.__kwdefaults__, cells, func.__dict__)
        return self._parts(f"function {func.__qualname__}", parts)

    def _code(self, code: types.CodeType) -> bytes:
        names = (code.co_names, code.co_varnames, code.co_freevars, code.co_flags)
        return self._parts("code", (code.co_code, code.co_consts, *names))

    def _class(self, cls: type) -> bytes:
        home = sys.modules.get(cls.__module__)
        if cls.__module__ != "__main__" and home is not None:
            return _hash("class", cls.__module__, cls.__qualname__)
        ignored: set[str] = {
            "__dict__",
            "__weakref__",
            "__module__",
            "__doc__",
            "__abstractmethods__",
            "_abc_impl",
        }
        ignored |= {
            "__firstlineno__",
            "__static_attributes__",
            "__annotations__",
            "__slots__",
            "__match_args__",
            "__slotnames__",
        }
        members = (
            sorted(
                (name, item)
                for name, item in vars(cls).items()
                if name not in ignored
                and not isinstance(item, (types.MemberDescriptorType, types.GetSetDescriptorType))
            )
            if not issubclass(cls, enum.Enum)
            else [(item.name, item.value) for item in cls]
        )
        if isinstance(cls, abc.ABCMeta):
            registered = [ref() for ref in abc._get_dump(cls)[0]]  # type: ignore[attr-defined]
            members += [("registered", sorted(kind.__qualname__ for kind in registered if kind))]
        plain = [(name, getattr(item, "__func__", item)) for name, item in members]
        return self._parts(
            f"class {cls.__qualname__}",
            (*(base for base in cls.__bases__), *(part for pair in plain for part in pair)),
        )


def _content_of(column: Any) -> Any:
    """Return a column's values: as one array where they are plain numbers."""
    dtype = column.dtype
    if type(dtype).__module__.partition(".")[0] == "numpy" and not dtype.hasobject:
        return column.to_numpy()
    return column.array


def _hash(*parts: str) -> bytes:
    joined = "\x00".join(parts).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(joined, digest_size=16).digest()
