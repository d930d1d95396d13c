"""Bundles: the saved names of a step, with what they share.

Names that reach a common mutable object form a group and are pickled together, so that they share
it again where they are loaded. A name alone in its group is saved in a typed form where one is
exact.
"""

from __future__ import annotations

import collections
import io
import json
import pickle
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType, FunctionType
from typing import (
    Any,
    NamedTuple,
)

import cloudpickle.cloudpickle as cp

from . import codecs, latekeys
from .explain import NotSerialisable, explain
from .files import Blobs
from .identity import class_identity
from .kinds import nan_home, preview, type_name
from .latekeys import Filling
from .pickling import OUT_OF_BAND_FROM, ArraySharing, GraphPickler, GraphUnpickler

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

DEEP_STACK_BYTES = 512 << 20
"""Address space, not memory: a level of pickling takes well below 4 KB of it."""


class Pickled(NamedTuple):
    """A graph and the large buffers taken out of it."""

    graph: bytes
    buffers: list[Any]


class Saved(NamedTuple):
    """What was saved: the manifest's digest, and what the engine is told of each name."""

    digest: str
    outputs: dict[str, dict[str, Any]]


class Trace:
    """The objects that one name reaches and whose identity can be seen, by id.

    A tuple of constants only counts if it is in `bound`: what several names are bound to.

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


def save(
    namespace: dict[str, Any],
    names: Sequence[str],
    blobs: Blobs,
    channels: Mapping[str, Any] | None = None,
    kin: Mapping[str, Sequence[str]] | None = None,
) -> Saved:
    """Save names of a namespace (all bound) and channels; the blobs are not committed yet.

    `kin` says of names that were loaded which others shared objects with them where they came from.

    Raises:
        NotSerialisable: A value cannot travel.
    """
    saving = _Saving(namespace, names, blobs)
    for name in names:
        saving.trace(name)
    groups: list[dict[str, Any]] = []
    entries: dict[str, dict[str, Any]] = {}
    mates: dict[str, list[str]] = {}
    for members in group_names(names, saving.traces):
        group, entry = saving.put(members)
        for name in members:
            described = {"type": type_name(namespace[name]), "preview": preview(namespace[name])}
            entries[name] = {"group": len(groups), **entry, **described}
            others = {*saving.mates_of(name, members), *(kin or {}).get(name, ())}
            if others:
                mates[name] = sorted(others)
        groups.append(group)
    states = {
        name: put_graph(dump(state, namespace), blobs)[0]
        for name, state in (channels or {}).items()
    }
    manifest = {
        "version": 1,
        "python": "{}.{}".format(*sys.version_info[:2]),
        "names": {name: entries[name] for name in names},
        "groups": groups,
        "channels": states,
        "mates": mates,
    }
    same = same_atoms(namespace, names, entries)
    if same:
        manifest["same"] = same
    text = json.dumps(manifest, ensure_ascii=True, separators=(",", ":"))
    outputs = {
        name: {key: item for key, item in entry.items() if key != "group"}
        for name, entry in entries.items()
    }
    for name, digest in states.items():
        size = blobs.size(digest)
        outputs[name] = {"type": name, "codec": "pickle", "digest": digest, "size_bytes": size}
        outputs[name]["preview"] = ""
    return Saved(blobs.put(text.encode("ascii")), outputs)


class _Saving:
    """What is known of the names while they are being saved."""

    def __init__(self, namespace: dict[str, Any], names: Sequence[str], blobs: Blobs) -> None:
        counted = collections.Counter(id(namespace[name]) for name in names)
        self._bound = frozenset(key for key, count in counted.items() if count > 1)
        self.traces: dict[str, Trace] = {}
        self._namespace = namespace
        self._blobs = blobs
        self._sharing = ArraySharing()
        self._pickles: dict[str, Pickled] = {}
        self._typed: set[str] = set()

    def trace(self, name: str) -> None:
        """Find out what a name reaches; a value without a typed form is pickled on the way."""
        value = self._namespace[name]
        self.traces[name] = trace = Trace(self._sharing, self._bound)
        containers = codecs.plain_containers(value)
        if containers is not None:
            trace.objects.update(containers)
            trace.writable.update(containers)
            self._typed.add(name)
        elif codecs.is_plain_array(value):
            trace(value)
            self._typed.add(name)
        else:
            self._pickles[name] = dump({name: value}, self._namespace, trace=trace)
            attributes = attributes_of(value)
            if attributes is not None:  # empty ones are not in the pickle
                trace.objects[id(attributes)] = attributes
                trace.writable.add(id(attributes))

    def put(self, members: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Store a group.

        Return its entry in the manifest, and what its members' entries have in common.
        """
        first = members[0]
        if len(members) == 1 and first in self._typed:
            typed = codecs.encode(self._namespace[first])
            if typed is not None:
                codec, parts = typed
                digest = self._blobs.put(*parts)
                entry = {"codec": codec, "digest": digest, "size_bytes": self._blobs.size(digest)}
                return {"graph": None, "leaves": [digest]}, entry
        shares_memory = any(
            self._sharing.is_shared(root)
            for name in members
            for root in self.traces[name].roots.values()
        )
        pickled = self._pickles.get(first) if len(members) == 1 and not shares_memory else None
        if pickled is None:
            values = with_attribute_dicts({name: self._namespace[name] for name in members})
            pickled = dump(values, self._namespace, sharing=self._sharing)
        digest, leaves = put_graph(pickled, self._blobs)
        size = sum(map(self._blobs.size, [digest, *leaves]))
        return {"graph": digest, "leaves": leaves}, {
            "codec": "pickle",
            "digest": digest,
            "size_bytes": size,
        }

    def mates_of(self, name: str, members: Sequence[str]) -> list[str]:
        """Return the members of a group that a write through this name could change.

        An instance and its class share the class, and yet a write to the one is none to the other.
        """
        own = self.traces[name].writable
        return [other for other in members if other != name and own & self.traces[other].writable]


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
        if raw.nbytes < OUT_OF_BAND_FROM:
            return True
        buffers.append(raw)
        return False

    file = io.BytesIO()

    def run() -> None:
        buffers.clear()
        file.seek(0)
        file.truncate()
        known = sharing if sharing is not None else ArraySharing()
        GraphPickler(file, namespace, keep, trace, known).dump(values)

    try:
        try:
            run()
        except pickle.PicklingError as error:
            if not isinstance(error.__cause__, RecursionError):
                raise
            with_deep_stack(run)
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
    head = json.dumps({"leaves": leaves}, separators=(",", ":")).encode("ascii") + b"\n"
    return blobs.put(head, pickled.graph), leaves


def load_graph(
    digest: str, namespace: dict[str, Any], blobs: Blobs, late: list[Filling] | None = None
) -> Any:
    """Load what `put_graph` stored; `late` is told what to fill once its names are bound."""
    data = blobs.get(digest)
    head, _, graph = data.partition(b"\n")
    buffers = [blobs.load(leaf) for leaf in json.loads(head)["leaves"]]
    unpickler = GraphUnpickler(io.BytesIO(graph), namespace, buffers)
    loaded = unpickler.load()
    if late is None:
        latekeys.fill(unpickler.late, namespace, {})
    else:
        late += unpickler.late
    return loaded


class MissingInput(Exception):
    """An input is not in the bundle it should be in, or cannot be loaded."""


def not_bound(name: str) -> str:
    """Say that an input is missing."""
    return f"Cannot load {name!r}: the step that should have made it ended without binding it."


def load(
    digest: str,
    wanted: Iterable[tuple[str, bool]],
    namespace: dict[str, Any],
    blobs: Blobs,
    beside: dict[str, dict[str, Any]] | None = None,
    late: list[Filling] | None = None,
) -> dict[str, Any]:
    """Load (name, optional) pairs from one bundle, in one pass per group.

    Channels come as their states.

    `beside` is told for each name of a group what the whole group holds, by name. `late` is told
    which containers to fill once all names are bound (`fill_late`); without it that happens here.

    Raises:
        MissingInput: A name that is not optional was not saved, or another Python saved it.
        files.BlobError: Part of the bundle is missing or damaged.
    """
    manifest = json.loads(blobs.get(digest))
    values: dict[str, Any] = {}
    loaded: dict[int, Any] = {}
    typed: dict[str, Any] = {}
    here: list[Filling] = []
    same = manifest.get("same", {})
    for name, optional in wanted:
        if name.startswith("@"):
            if name in manifest["channels"]:
                values[name] = load_graph(manifest["channels"][name], namespace, blobs)
            continue
        entry = manifest["names"].get(name)
        if entry is None:
            if optional:
                continue
            raise MissingInput(not_bound(name))
        if entry["codec"] != "pickle":
            key = same.get(name, name)
            if key not in typed:
                typed[key] = codecs.decode(entry["codec"], entry["digest"], blobs)
            values[name] = typed[key]
            continue
        index = entry["group"]
        if index not in loaded:
            check_python(manifest["python"], name)
            loaded[index] = load_graph(manifest["groups"][index]["graph"], namespace, blobs, here)
            class_identity.settle()
        values[name] = loaded[index][name]
        if beside is not None:
            beside[name] = loaded[index]
    if late is None:
        fill_late(here, namespace, values)
    else:
        late += here
    return values


def fill_late(
    late: Sequence[Filling], namespace: dict[str, Any], beside: Mapping[str, Any]
) -> None:
    """Fill containers whose keys run code of the notebook.

    Raises:
        MissingInput: That code failed.
    """
    try:
        latekeys.fill(late, namespace, beside)
    except Exception as error:  # whatever a user's __hash__ raises
        raise MissingInput(
            "Cannot load a dict or set: the __hash__ or __eq__ of its keys failed with "
            f"{type(error).__name__}: {error}. Put the cells that fill it and the cells that use "
            "it into the same step."
        ) from error


def kin_of(digest: str, names: Iterable[str], blobs: Blobs) -> dict[str, list[str]]:
    """Return which names that are not in a bundle shared objects with its names in earlier ones."""
    kin = json.loads(blobs.get(digest)).get("kin", {})
    return {name: kin[name] for name in names if name in kin}


def check_python(saved_by: str, name: str) -> None:
    """Refuse pickles of another Python: code objects in them would not load, or would misbehave."""
    here = "{}.{}".format(*sys.version_info[:2])
    if saved_by != here:
        raise MissingInput(
            f"Cannot load {name!r}: it was pickled by Python {saved_by}, this step runs Python "
            f"{here}. Let both steps use the same interpreter, or pass plain data or arrays."
        )


__all__ = ["MissingInput", "NotSerialisable", "Saved", "fill_late", "load", "save"]
