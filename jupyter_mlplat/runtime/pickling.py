"""Pickling of whole object graphs of a notebook, by value, exactly.

What cloudpickle leaves open is settled here: functions whose globals are the user's namespace get
the receiving namespace; arrays that share memory go on sharing it; caches, views and streams come
back as what they were or are refused.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import io
import logging
import pickle
import random
import struct
import sys
import types
from collections.abc import Callable
from typing import Any

import cloudpickle.cloudpickle as cp

from . import classes, figures, instances
from .closures import Cells
from .kinds import is_array, nan_home
from .latekeys import Filling, LateKeys, fill_late, put_off, runs_code

PROTOCOL = 5
OUT_OF_BAND_FROM = 1 << 16
"""Buffers from this size on become blobs of their own.

So that equal ones are stored once and large ones are mapped.
"""

NAMESPACE = "namespace"
NAN = "nan "
_SLICE = "jupyter_mlplat_runtime"


class Refused(pickle.PicklingError):
    """A value that must not be pickled: its copy would not be what the original is."""


class GraphPickler(cp.Pickler):  # type: ignore[misc]
    """Pickle a graph of notebook values.

    Args:
        file: Where the pickle goes.
        namespace: The user's namespace (`__main__.__dict__`).
        buffer_callback: As in `pickle.Pickler`.
        trace: Called with every object that is saved.
        sharing: What is known of arrays that share memory, None while that is being found out.
    """

    def __init__(
        self,
        file: Any,
        namespace: dict[str, Any],
        buffer_callback: Callable[[Any], Any] | None = None,
        trace: Callable[[Any], None] | None = None,
        sharing: ArraySharing | None = None,
    ) -> None:
        super().__init__(file, protocol=PROTOCOL, buffer_callback=buffer_callback)
        self._namespace = namespace
        self._trace = trace
        self._sharing = sharing
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
        special = _SPECIAL.get(kind)
        if special is not None:
            return special(obj)
        if self._sharing is not None:
            reduced = self._sharing.reduce(obj)
            if reduced is not None:
                return reduced
        if isinstance(obj, io.IOBase):
            return _reduce_stream(obj)
        if is_array(obj):
            return _reduce_array(obj)
        if isinstance(obj, dict) and runs_code(obj):
            return instances.reduce_instance(obj, self._can_pickle)
        if figures.is_figure(obj):
            return figures.reduce_figure(obj)
        if kind.__module__ == "__main__":
            return instances.reduce_instance(obj, self._can_pickle)
        if isinstance(obj, BaseException):
            return instances.reduce_exception(obj)
        if kind.__name__ in _NAMED_SPECIAL:
            return _NAMED_SPECIAL[kind.__name__](obj)
        return NotImplemented

    def _name_nan(self, nan: float) -> str:
        """Name a NaN: it equals nothing, so only which one it is tells whether a list holds it."""
        home = nan_home(nan)
        if home is not None:
            return NAN + home
        bits = struct.pack(">d", nan).hex()
        return self._nans.setdefault(id(nan), (nan, f"{NAN}{bits} {len(self._nans)}"))[1]

    def _can_pickle(self, value: Any) -> bool:
        try:
            GraphPickler(io.BytesIO(), self._namespace, lambda _: False).dump(value)
        except Exception:  # whatever a user's object raises
            return False
        return True

    def _reduce_function(self, func: types.FunctionType) -> Any:
        if func.__globals__ is not self._namespace:
            single = _reduce_singledispatch(func)
            return single if single is not None else self._function_reduce(func)
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


# Functions


def source_of(code: types.CodeType) -> tuple[str, str] | None:
    """Return the cell a function was written in.

    For tracebacks, warnings and `inspect.getsource` where it arrives.
    """
    import linecache

    entry = linecache.cache.get(code.co_filename)
    if entry is None or len(entry) != 4 or entry[1] is not None:
        return None  # a file on disk, or not there at all
    return code.co_filename, "".join(entry[2])


def restore_function(func: types.FunctionType, state: Any) -> None:
    """Fill a function that was made from its code and its empty cells: it may refer to itself.

    The cells are in the state to be filled on the way.
    """
    import linecache

    attributes, slots, _cells, source = state
    func.__dict__.update(attributes)
    for name, value in slots.items():
        setattr(func, name, value)
    if source is not None:
        filename, text = source
        entry = (len(text), None, text.splitlines(keepends=True), filename)
        linecache.cache.setdefault(filename, entry)


def _reduce_singledispatch(func: types.FunctionType) -> Any:
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


def _reduce_cached_function(func: Any) -> Any:
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


# Views and singletons


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


def _reduce_stream(stream: Any) -> Any:
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
    if logger.level or any(type(handler) is not logging.NullHandler for handler in logger.handlers):
        raise Refused("cannot pickle a logger that was given a level or handlers")
    return logging.getLogger, (logger.name,) if logger.name != "root" else ()


def _reduce_random(generator: random.Random) -> Any:
    if generator is random._inst:
        return getattr, (random, "_inst")
    return NotImplemented


def _reduce_environ(environ: Any) -> Any:
    import os

    return (getattr, (os, "environ")) if environ is os.environ else NotImplemented


def _refuse(what: str) -> Callable[[Any], Any]:
    def reduce(obj: Any) -> Any:
        raise Refused(f"cannot pickle {what}")

    return reduce


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


_NAMED_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "RandomState": _reduce_random_state,
    "ZMQInteractiveShell": _reduce_shell,
}


def _specials() -> dict[type, Callable[[Any], Any]]:
    import collections
    import os

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
    table[memoryview] = _reduce_memoryview
    table[type(functools.lru_cache(_refuse))] = _reduce_cached_function
    table[logging.Logger] = table[logging.RootLogger] = _reduce_logger
    table[random.Random] = _reduce_random
    table[type(os.environ)] = _reduce_environ
    table[types.MappingProxyType] = _mapping_proxy_owner
    table[types.GeneratorType] = _refuse("a generator")
    table[types.CoroutineType] = _refuse("a coroutine")
    table[types.AsyncGeneratorType] = _refuse("an asynchronous generator")
    table[types.FrameType] = _refuse("a frame")
    return table


_SPECIAL = _specials()


# Arrays that share memory


class ArraySharing:
    """Which NumPy arrays see the same memory, and how to pickle them so that they still do.

    An array's *root* is the object at the end of its chain of bases. Arrays of one root that are
    reached more than once are written as views on the root; all others are written as they are,
    without the memory around them.
    """

    def __init__(self) -> None:
        self._arrays: dict[int, set[int]] = {}  # root id -> ids of the arrays seen on it
        self._private: set[int] = set()
        self._keep: list[Any] = []  # ids are only good while their objects live

    def see(self, obj: Any) -> Any | None:
        """Note an object that is being saved.

        Return the root if it is an array with memory to share.
        """
        if not is_array(obj) or id(obj) in self._private:
            return None
        root = root_of(obj)
        self._arrays.setdefault(id(root), set()).add(id(obj))
        self._keep.append(obj)
        return root

    def is_shared(self, root: Any) -> bool:
        """Tell whether several arrays see this memory."""
        return not is_array(root) or len(self._arrays.get(id(root), ())) > 1

    def reduce(self, obj: Any) -> Any:
        """Return how to rebuild an array on its root, None if it shares nothing."""
        if type(obj).__module__ == "pandas.core.internals.blocks" and _pandas_copies_on_write():
            return self._reduce_block(obj)
        if not is_array(obj) or id(obj) in self._private:
            return None
        root = root_of(obj)
        if root is obj or not self.is_shared(root):
            return None
        attributes = getattr(obj, "__dict__", None)
        how = describe_view(obj, root)
        return make_view, how, attributes or None, None, None, instances.update_attributes

    def _reduce_block(self, block: Any) -> Any:
        """Give a block of a frame memory of its own.

        Under copy-on-write pandas objects never show a write to each other, and pandas tracks who
        shares what by weak references. They do not travel, so shared memory must not either.
        """
        make, (values, *rest) = block.__reduce__()
        values = values.view()
        for part in (values, *(getattr(values, name, None) for name in _ARRAYS_INSIDE)):
            if is_array(part):
                self._private.add(id(part))
                self._keep.append(part)
        return make, (values, *rest)


_ARRAYS_INSIDE = ("_ndarray", "_data", "_mask", "_codes")


def root_of(array: Any) -> Any:
    """Return the object that owns an array's memory."""
    owner = array
    while (is_array(owner) or type(owner).__name__ == "DummyArray") and owner.base is not None:
        owner = owner.base  # a DummyArray is what as_strided puts in between
    if isinstance(owner, memoryview) and owner.obj is not None:
        owner = owner.obj
    if is_array(owner) or isinstance(owner, bytearray) or type(owner).__name__ == "array":
        return owner
    while is_array(array) and is_array(
        array.base
    ):  # memory of something else: the array next to it stands for it
        array = array.base
    return array


def _reduce_array(array: Any) -> Any:
    """Keep what NumPy's own pickling drops: an odd memory layout, attributes of a subclass.

    The layout decides in which order BLAS adds up: a model whose coefficients came back contiguous
    predicts something else in the last digit.
    """
    import numpy

    kind = type(array)
    attributes = getattr(array, "__dict__", None)
    if kind.__module__ == "__main__":
        plain = array.view(numpy.ndarray)
        return view_as, (plain, kind), attributes, None, None, instances.update_attributes
    if kind is not numpy.ndarray or array.flags.forc or array.dtype.hasobject or not array.size:
        return NotImplemented
    start = array.__array_interface__["data"][0]
    steps = [(size - 1) * stride for size, stride in zip(array.shape, array.strides)]
    low = start + sum(step for step in steps if step < 0)
    size = start + sum(step for step in steps if step > 0) + array.itemsize - low
    if size > max(4 * array.nbytes, OUT_OF_BAND_FROM):
        return NotImplemented
    memory = numpy.array(_Memory(low, size, array))
    described = (array.dtype, array.shape, array.strides, start - low, array.flags.writeable)
    return make_view, (memory, kind, *described)


class _Memory:
    """Bytes at an address, for as long as their owner lives."""

    def __init__(self, address: int, size: int, owner: Any) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "data": (address, True),
            "shape": (size,),
            "typestr": "|u1",
            "version": 3,
        }


def view_as(array: Any, kind: Any) -> Any:
    """View an array as a subclass."""
    return array.view(kind)


def describe_view(array: Any, root: Any) -> tuple[Any, ...]:
    """Say how to make an array from its root."""
    import numpy

    start = numpy.frombuffer(root, numpy.uint8) if not is_array(root) else root
    offset = array.__array_interface__["data"][0] - start.__array_interface__["data"][0]
    return root, type(array), array.dtype, array.shape, array.strides, offset, array.flags.writeable


def make_view(
    root: Any, kind: type, dtype: Any, shape: Any, strides: Any, offset: int, writeable: bool
) -> Any:
    """Make an array on memory that another object owns."""
    import numpy

    if (
        is_array(root)
        and root.dtype == dtype
        and (dtype.hasobject or offset % max(dtype.itemsize, 1) == 0)
    ):
        flat = root.reshape(-1, order="A") if root.flags.forc else root.ravel(order="K")
        first = flat[offset // dtype.itemsize :] if dtype.itemsize else flat
        view = numpy.lib.stride_tricks.as_strided(first, shape, strides)
    else:
        memory = (root if root.flags.c_contiguous else root.T) if is_array(root) else root
        view = numpy.ndarray(shape, dtype, memory, offset, strides)
    if kind is not numpy.ndarray:
        view = view.view(kind)
    if not writeable:
        view.flags.writeable = False
    return view


@functools.cache
def _pandas_copies_on_write() -> bool:
    pandas = sys.modules["pandas"]
    if int(pandas.__version__.partition(".")[0]) >= 3:
        return True
    return bool(pandas.options.mode.copy_on_write)
