"""Pickling of whole object graphs of a notebook, by value, exactly.

What cloudpickle leaves open is settled here, and in a module for each kind of object: functions
whose globals are the user's namespace get the receiving namespace; arrays that share memory go on
sharing it; caches, views and streams come back as what they were or are refused.
"""

from __future__ import annotations

import functools
import importlib
import io
import pickle
import struct
import types
from collections.abc import Callable
from typing import Any

import cloudpickle.cloudpickle as cp

from . import classes, figures, instances, tracebacks
from .arrays import ArraySharing, reduce_array, reduce_dtype, reduce_ufunc
from .closures import Cells
from .functions import reduce_singledispatch, restore_function, source_of
from .kinds import Refused, is_array, nan_home
from .latekeys import Filling, LateKeys, fill_late, put_off, runs_code
from .standard import NAMED_SPECIAL, SPECIAL, is_bound_to_process, reduce_stream

PROTOCOL = 5
NAMESPACE = "namespace"
NAN = "nan "
_SLICE = "jupyter_mlplat_runtime"


class GraphPickler(cp.Pickler):  # type: ignore[misc]
    """Pickle a graph of notebook values.

    Args:
        file: Where the pickle goes.
        namespace: The user's namespace (`__main__.__dict__`).
        buffer_callback: As in `pickle.Pickler`.
        trace: Called with every object that is saved.
        sharing: What is known of arrays that share memory, None while that is being found out.
        is_whole: Objects of the notebook's classes are written with all that they hold, whatever
            their authors say on pickling them; else only those of which everything can be written.
    """

    def __init__(
        self,
        file: Any,
        namespace: dict[str, Any],
        buffer_callback: Callable[[Any], Any] | None = None,
        trace: Callable[[Any], None] | None = None,
        sharing: ArraySharing | None = None,
        is_whole: bool = False,
    ) -> None:
        super().__init__(file, protocol=PROTOCOL, buffer_callback=buffer_callback)
        self._namespace = namespace
        self._trace = trace
        self._sharing = sharing
        self._travels: dict[int, tuple[Any, bool]] | None = None if is_whole else {}
        self._cells = Cells()
        self._late = LateKeys()
        self._nans: dict[int, tuple[float, str]] = {}

    def persistent_id(self, obj: Any) -> Any:
        """Keep the namespace itself out of the pickle, and let the tracer see every object.

        What pickle does with floats and dicts no reducer can change, so it is done here.
        """
        if obj is self._namespace:
            return NAMESPACE
        if self._trace is not None:
            self._trace(obj)
        if type(obj) is float and obj != obj:
            return self._name_nan(obj)
        return self._late.stand_in(obj)

    def reducer_override(self, obj: Any) -> Any:
        """Settle what cloudpickle and the objects themselves would get wrong."""
        kind = type(obj)
        if isinstance(obj, types.FunctionType):
            return self._reduce_function(obj)
        if isinstance(obj, type):
            return self._reduce_class(obj)
        if kind is types.CellType:
            return self._cells.reduce(obj)
        if kind is types.TracebackType:
            return tracebacks.reduce_traceback(obj, self._namespace)
        if kind.__module__ == "numpy.dtypes":
            return reduce_dtype(obj)
        special = SPECIAL.get(kind)
        if special is not None:
            return special(obj)
        if self._sharing is not None:
            reduced = self._sharing.reduce(obj)
            if reduced is not None:
                return reduced
        if isinstance(obj, io.IOBase):
            return reduce_stream(obj)
        if is_array(obj):
            return reduce_array(obj)
        if isinstance(obj, dict) and runs_code(obj):
            return instances.reduce_instance(obj, self._can_pickle)
        if figures.is_figure(obj):
            return figures.reduce_figure(obj)
        if kind.__module__ == "__main__":
            return instances.reduce_instance(obj, self._can_pickle)
        if kind.__name__ == "ufunc" and kind.__module__ == "numpy":
            return reduce_ufunc(obj)
        if isinstance(obj, BaseException):
            return instances.reduce_exception(obj)
        if kind.__name__ in NAMED_SPECIAL:
            return NAMED_SPECIAL[kind.__name__](obj)
        if is_bound_to_process(obj):
            raise Refused(f"a {kind.__name__} would lose what it is connected to")
        if instances.answers_for_anything(kind):
            return instances.reduce_quietly(obj)
        return NotImplemented

    def _name_nan(self, nan: float) -> str:
        """Name a NaN: it equals nothing, so only which one it is tells whether a list holds it."""
        home = nan_home(nan)
        if home is not None:
            return NAN + home
        bits = struct.pack(">d", nan).hex()
        return self._nans.setdefault(id(nan), (nan, f"{NAN}{bits} {len(self._nans)}"))[1]

    def _can_pickle(self, obj: Any, contents: Any) -> bool:
        """Tell whether an object can travel as it is, once for each object."""
        if self._travels is None:
            return True
        if id(obj) not in self._travels:
            self._travels[id(obj)] = obj, True  # it may lead to itself
            trial = GraphPickler(io.BytesIO(), self._namespace, lambda _: False)
            trial._travels = self._travels
            try:
                trial.dump(contents)
            except Exception:  # whatever a user's object raises
                self._travels[id(obj)] = obj, False
        return self._travels[id(obj)][1]

    def _reduce_function(self, func: types.FunctionType) -> Any:
        if func.__globals__ is not self._namespace:
            return self._reduce_foreign(func)
        code = func.__code__
        slots = {
            "__name__": func.__name__,
            "__qualname__": func.__qualname__,
            "__annotations__": func.__annotations__,
            "__kwdefaults__": func.__kwdefaults__,
            "__defaults__": func.__defaults__,
            "__module__": func.__module__,
            "__doc__": func.__doc__,
        }
        state = (dict(func.__dict__), slots, func.__closure__, source_of(code))
        return (
            types.FunctionType,
            (code, self._namespace, None, None, self._cells.hollow(func)),
            state,
            None,
            None,
            restore_function,
        )

    def _reduce_foreign(self, func: types.FunctionType) -> Any:
        """Reduce a function whose globals are not the notebook's names."""
        single = reduce_singledispatch(func)
        if single is not None:
            return single
        if any(value is func.__globals__ for value in self._namespace.values()):
            raise Refused("a function and the dict of its names cannot travel apart")
        return self._function_reduce(func)

    def _function_getnewargs(self, func: types.FunctionType) -> Any:
        arguments = super()._function_getnewargs(func)
        return *arguments[:4], self._cells.hollow(func)

    def _reduce_class(self, cls: type) -> Any:
        if cls in cp._BUILTIN_TYPE_NAMES or cp._should_pickle_by_reference(cls):
            return cp._class_reduce(cls)
        return classes.reduce_class(cls)


class GraphUnpickler(pickle.Unpickler):
    """Load what `GraphPickler` wrote into a namespace."""

    def __init__(self, file: Any, namespace: dict[str, Any], buffers: Any = None) -> None:
        super().__init__(file, buffers=buffers)
        self._namespace = namespace
        self._nans: dict[str, float] = {}
        self.late: list[Filling] = []

    def persistent_load(self, pid: Any) -> Any:
        """Give functions of the notebook the receiving namespace as their globals."""
        if type(pid) is not str:
            return pid  # what stands in for it is made: it is the object itself
        if pid == NAMESPACE:
            return self._namespace
        if not pid.startswith(NAN):
            raise pickle.UnpicklingError(f"unknown reference {pid!r}")
        if pid not in self._nans:
            self._nans[pid] = _find_nan(pid.removeprefix(NAN))
        return self._nans[pid]

    def find_class(self, module: str, name: str) -> Any:
        """Find our own functions under whichever name this package goes here."""
        if module.startswith((_SLICE + ".", "jupyter_mlplat.runtime.")):
            module = f"{__package__}.{module.rpartition('.')[2]}"
        found = super().find_class(module, name)
        return functools.partial(put_off, self.late) if found is fill_late else found


def _find_nan(name: str) -> float:
    if name in ("math", "numpy"):
        return float(importlib.import_module(name).nan)
    (nan,) = struct.unpack(">d", bytes.fromhex(name.partition(" ")[0]))
    return float(nan)
