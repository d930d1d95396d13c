"""NumPy arrays: those that share memory go on sharing it, and none loses its layout."""

from __future__ import annotations

import functools
import gc
import sys
from typing import Any

from . import classes, instances
from .kinds import is_array

SHIPPED_APART_FROM = 1 << 16
"""Buffers from this size on become blobs of their own.

So that equal ones are stored once and large ones are mapped.
"""


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
        shares what by weak references. They do not travel, so memory that pandas objects share must
        not either. Of a block that is nobody else's, arrays taken with `.values` remain views.
        """
        make, (values, *rest) = block.__reduce__()
        if not block.refs.has_reference():
            return make, (values, *rest)  # arrays of the notebook may look into it
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


def reduce_array(array: Any) -> Any:
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
    if size > max(4 * array.nbytes, SHIPPED_APART_FROM):
        return NotImplemented
    memory = numpy.array(_Memory(low, size, array))
    described = (array.dtype, array.shape, array.strides, start - low, array.flags.writeable)
    return make_view, (memory, kind, *described)


def reduce_dtype(dtype: Any) -> Any:
    """Write a built-in dtype so that it is that very object again, as in all other arrays."""
    import numpy

    if dtype.hasobject or dtype.metadata or numpy.dtype(dtype.str) is not dtype:
        return NotImplemented
    return numpy.dtype, (dtype.str,)


def reduce_ufunc(func: Any) -> Any:
    """Reduce what `numpy.frompyfunc` made of a function of the notebook."""
    import numpy

    held = [part for part in gc.get_referents(func) if callable(part)]
    if func is getattr(numpy, func.__name__, None) or len(held) != 1:
        return NotImplemented
    return make_ufunc, (held[0], func.nin, func.nout, func.identity)


def make_ufunc(func: Any, inputs: int, outputs: int, identity: Any) -> Any:
    """Make a function work on arrays, element by element."""
    import numpy

    return numpy.frompyfunc(func, inputs, outputs, identity=identity)


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
    """View an array as a subclass, whose `__array_finalize__` has done its work before."""
    with classes.without_hooks((kind,), "__array_finalize__", lambda array, source: None):
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
        view = view_as(view, kind)
    if not writeable:
        view.flags.writeable = False
    return view


@functools.cache
def _pandas_copies_on_write() -> bool:
    pandas = sys.modules["pandas"]
    if int(pandas.__version__.partition(".")[0]) >= 3:
        return True
    return bool(pandas.options.mode.copy_on_write)
