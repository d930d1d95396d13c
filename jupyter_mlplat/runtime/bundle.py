"""Bundles: the saved names of a step, with what they share.

Names that reach a common mutable object form a group and are pickled together, so that they share
it again where they are loaded. A name alone in its group is saved in a typed form where one is
exact.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from json import dumps  # as they are before a notebook patches them
from typing import (
    Any,
    NamedTuple,
)

from . import codecs, latekeys
from .arrays import ArraySharing
from .explain import NotSerialisable
from .files import Blobs
from .graphs import Pickled, dump, load_graph, put_graph
from .identity import class_identity
from .kinds import columns, preview, type_name
from .latekeys import Filling
from .sharing import Trace, attributes_of, group_names, same_atoms, with_attribute_dicts


class Saved(NamedTuple):
    """What was saved: the manifest's digest, and what the engine is told of each name."""

    digest: str
    outputs: dict[str, dict[str, Any]]
    not_kept: dict[str, str]


def save(
    namespace: dict[str, Any],
    names: Sequence[str],
    blobs: Blobs,
    channels: Mapping[str, Any] | None = None,
    kin: Mapping[str, Sequence[str]] | None = None,
    if_possible: Iterable[str] = (),
) -> Saved:
    """Save names of a namespace (all bound) and channels; the blobs are not committed yet.

    `kin` says of names that were loaded which others shared objects with them where they came from.
    Names that are saved only if that is possible are left out, with the reason, where it is not.

    Raises:
        NotSerialisable: A value that must be saved cannot travel.
    """
    saving = _Saving(namespace, names, blobs)
    optional = frozenset(if_possible)
    not_kept: dict[str, str] = {}
    for name in names:
        try:
            saving.trace(name)
        except NotSerialisable as error:
            if name not in optional:
                raise
            not_kept[name] = error.reason
    names = [name for name in names if name not in not_kept]
    groups: list[dict[str, Any]] = []
    entries: dict[str, dict[str, Any]] = {}
    mates: dict[str, list[str]] = {}
    for together in group_names(names, saving.traces):
        try:
            group, entry = saving.put(members := together)
        except NotSerialisable as error:  # each alone can be saved, all at once cannot
            not_kept.update((name, error.reason) for name in together if name in optional)
            members = [name for name in together if name not in optional]
            if len(members) == len(together):
                raise
            if not members:
                continue
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
        "names": {name: entries[name] for name in names if name in entries},
        "groups": groups,
        "channels": states,
        "mates": mates,
    }
    if not_kept:
        manifest["not_kept"] = not_kept
    same = same_atoms(namespace, list(entries), entries)
    if same:
        manifest["same"] = same
    text = dumps(manifest, ensure_ascii=True, separators=(",", ":"))
    outputs = {
        name: {key: item for key, item in entry.items() if key != "group"}
        for name, entry in entries.items()
    }
    for name, output in outputs.items():  # not part of the manifest: what is kept is the same
        if (named := columns(namespace[name])) is not None:
            output["columns"] = named
    for name, digest in states.items():
        size = blobs.size(digest)
        outputs[name] = {"type": name, "codec": "pickle", "digest": digest, "size_bytes": size}
        outputs[name]["preview"] = ""
    return Saved(blobs.put(text.encode("ascii")), outputs, not_kept)


class _Saving:
    """What is known of the names while they are being saved."""

    def __init__(self, namespace: dict[str, Any], names: Sequence[str], blobs: Blobs) -> None:
        self._bound = frozenset(id(namespace[name]) for name in names)
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
    manifest = blobs.get_manifest(digest)
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
    kin = blobs.get_manifest(digest).get("kin", {})
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
