"""Copies the memory that a step will write to before it is asked to run one.

After a fork every page is shared until it is first written to; then it is copied, one trap a page,
and a step writes to more than a thousand (each object's reference count lies beside it). Which ones
is the same for all children of one process, so one child that has run a step tells the others, and
those ask the kernel for all of them at once, while they wait.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Sequence

try:
    import ctypes
except ImportError:  # an interpreter built without libffi
    ctypes = None  # type: ignore[assignment]

Ranges = Sequence[tuple[int, int]]
"""Begin and length in bytes of pieces of memory."""

_PAGE = 4096  # of x86-64, and nearly all of arm64; where pages are larger nothing is learned
_PRESENT, _EXCLUSIVE = 1 << 63, 1 << 56  # bits of an entry: see pagemap.rst of the Linux kernel
_MADV_POPULATE_WRITE = 23  # Linux 5.14
_PROCESS_MADVISE = 440  # number of the system call, the same on all architectures
_VECTOR_LIMIT = 1024  # UIO_MAXIOV
_LARGEST_BYTES = 1 << 30
"""Larger mappings are reserved rather than used; looking through one takes longer than it saves."""

if ctypes is not None and sys.platform == "linux":
    _libc = ctypes.CDLL(None)
    _madvise: Callable[..., int] = _libc.madvise
    _madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]  # type: ignore[attr-defined]
    _syscall: Callable[..., int] = _libc.syscall
    _syscall.restype = ctypes.c_long  # type: ignore[attr-defined]
    _syscall.argtypes = [  # type: ignore[attr-defined]
        ctypes.c_long,  # the number; then pidfd, vector, its length, advice, flags
        ctypes.c_long,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_long,
        ctypes.c_long,
    ]

    class _Vector(ctypes.Structure):
        _fields_ = (("begin", ctypes.c_void_p), ("length", ctypes.c_size_t))


def written_pages() -> Ranges:
    """Return the writable private pages that no other process has: those this one wrote to."""
    found: list[tuple[int, int]] = []
    with open("/proc/self/pagemap", "rb", buffering=0) as entries, open("/proc/self/maps") as maps:
        for line in maps.read().splitlines():
            span, mode = line.split(None, 2)[:2]
            if mode != "rw-p":
                continue
            begin, end = (int(number, 16) for number in span.split("-"))
            if end - begin > _LARGEST_BYTES:
                continue
            entries.seek(begin // _PAGE * 8)
            block = entries.read((end - begin) // _PAGE * 8)
            for number, (entry,) in enumerate(struct.iter_unpack("Q", block)):
                if entry & _PRESENT and entry & _EXCLUSIVE:
                    address = begin + number * _PAGE
                    if found and sum(found[-1]) == address:
                        address, length = found.pop()
                        found.append((address, length + _PAGE))
                    else:
                        found.append((address, _PAGE))
    return found


def can_populate() -> bool:
    """Tell whether this system lets a process ask for its own copies of pages."""
    if ctypes is None or sys.platform != "linux":
        return False
    page = ctypes.create_string_buffer(_PAGE)
    begin = ctypes.addressof(page) // _PAGE * _PAGE
    return bool(_madvise(begin, _PAGE, _MADV_POPULATE_WRITE) == 0)


class Populate:
    """Makes pages the calling process's own; prepared in the parent, called in its children."""

    def __init__(self, ranges: Ranges) -> None:
        self._vectors = [
            (_Vector * len(piece))(*(_Vector(*one) for one in piece))
            for piece in (
                ranges[start : start + _VECTOR_LIMIT]
                for start in range(0, len(ranges), _VECTOR_LIMIT)
            )
        ]

    def __call__(self) -> None:
        """Ask for all pages; what is not there any more is no loss."""
        try:
            process = os.pidfd_open(os.getpid())
        except (AttributeError, OSError):
            process = -1
        for vector in self._vectors:
            done = _syscall(_PROCESS_MADVISE, process, vector, len(vector), _MADV_POPULATE_WRITE, 0)
            if done < sum(piece.length for piece in vector):  # before Linux 6.13: one by one
                for piece in vector:
                    _madvise(piece.begin, piece.length, _MADV_POPULATE_WRITE)
        if process >= 0:
            os.close(process)
