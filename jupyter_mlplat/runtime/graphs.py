"""Graphs: values pickled together, their large buffers apart."""

from __future__ import annotations

import io
import pickle
import sys
import threading
from collections.abc import Callable, Mapping
from json import dumps, loads  # as they are before a notebook patches them
from typing import Any, NamedTuple

from . import latekeys
from .arrays import SHIPPED_APART_FROM, ArraySharing
from .explain import explain
from .files import Blobs
from .latekeys import Filling
from .pickling import GraphPickler, GraphUnpickler

DEEP_STACK_BYTES = 512 << 20
"""Address space, not memory: a level of pickling takes well below 4 KB of it."""


class Pickled(NamedTuple):
    """A graph and the large buffers taken out of it."""

    graph: bytes
    buffers: list[Any]


def dump(
    values: Mapping[str, Any],
    namespace: dict[str, Any],
    trace: Callable[[Any], None] | None = None,
    sharing: ArraySharing | None = None,
) -> Pickled:
    """Pickle values together, large buffers apart.

    Raises:
        NotSerialisable: A value cannot travel.
    """
    buffers: list[Any] = []

    def keep(buffer: Any) -> bool:
        raw = buffer.raw()
        if raw.nbytes < SHIPPED_APART_FROM:
            return True
        buffers.append(raw)
        return False

    file = io.BytesIO()

    def run(is_whole: bool) -> None:
        buffers.clear()
        file.seek(0)
        file.truncate()
        known = sharing if sharing is not None else ArraySharing()
        GraphPickler(file, namespace, keep, trace, known, is_whole).dump(values)

    def run_deeply(is_whole: bool) -> None:
        try:
            run(is_whole)
        except pickle.PicklingError as error:
            if not isinstance(error.__cause__, RecursionError):
                raise
            with_deep_stack(lambda: run(is_whole))

    try:
        try:
            run_deeply(is_whole=True)
        except Exception:  # some object cannot travel whole; its author may know what to leave out
            run_deeply(is_whole=False)
    except Exception as error:  # whatever a user's __reduce__ raises
        raise explain(values, namespace, error) from error
    return Pickled(file.getvalue(), buffers)


def with_deep_stack(work: Callable[[], None]) -> None:
    """Run something that recurses deeply, such as pickling a chain of thousands of links."""
    failure: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            failure.append(error)

    limit, stack = sys.getrecursionlimit(), threading.stack_size(DEEP_STACK_BYTES)
    sys.setrecursionlimit(DEEP_STACK_BYTES // 4096)
    try:
        thread = threading.Thread(target=guarded)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(stack)
        sys.setrecursionlimit(limit)
    if failure:
        raise failure[0]


def put_graph(pickled: Pickled, blobs: Blobs) -> tuple[str, list[str]]:
    """Store a graph.

    Its first line names its leaves, so that its digest stands for all of its content.
    """
    leaves = [blobs.put(buffer) for buffer in pickled.buffers]
    head = dumps({"leaves": leaves}, separators=(",", ":")).encode("ascii") + b"\n"
    return blobs.put(head, pickled.graph), leaves


def load_graph(
    digest: str, namespace: dict[str, Any], blobs: Blobs, late: list[Filling] | None = None
) -> Any:
    """Load what `put_graph` stored; `late` is told what to fill once its names are bound."""
    data = blobs.get(digest)
    head, _, graph = data.partition(b"\n")
    buffers = [blobs.load(leaf) for leaf in loads(head)["leaves"]]
    unpickler = GraphUnpickler(io.BytesIO(graph), namespace, buffers)
    loaded = unpickler.load()
    if late is None:
        latekeys.fill(unpickler.late, namespace, {})
    else:
        late += unpickler.late
    return loaded
