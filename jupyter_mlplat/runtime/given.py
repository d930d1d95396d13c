"""What a step is given before its cells run: imports, values of earlier steps, parameters.

One order for all who put it into a namespace: a step, and a kernel that stands in for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from . import bundle, channels
from .files import Blobs


class Given(NamedTuple):
    """The values that were loaded, by name, and what came with them."""

    loaded: dict[str, Any]
    beside: dict[str, dict[str, Any]]
    """For each name of a group what the whole group holds, by name."""
    kin: dict[str, list[str]]
    """Which names outside of a bundle shared objects with its names in earlier ones."""


def take(
    inputs: Iterable[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    namespace: dict[str, Any],
    blobs: Blobs,
    replay: Callable[[], None],
) -> Given:
    """Put what a step is given into a namespace and, where it is no name, into this process.

    `replay` runs the imports of earlier cells: after the working directory and the environment are
    in place, and before anything is loaded that may need them.

    Raises:
        bundle.MissingInput: A value was not saved, or cannot be loaded by this Python.
        files.BlobError: Content is missing or damaged.
    """
    by_bundle = group(inputs)
    states: dict[str, Any] = {}
    for digest, wanted in by_bundle.items():
        shipped = [pair for pair in wanted if pair[0] in channels.SHIPPED]
        states.update(bundle.load(digest, shipped, namespace, blobs))
    channels.load({name: states[name] for name in states if name in ("@cwd", "@env")})
    replay()
    given = Given({}, {}, {})
    late: list[Any] = []
    for digest, wanted in by_bundle.items():
        names = [pair for pair in wanted if not pair[0].startswith("@")]
        given.loaded.update(bundle.load(digest, names, namespace, blobs, given.beside, late))
        given.kin.update(bundle.kin_of(digest, [pair[0] for pair in names], blobs))
    namespace.update(given.loaded)
    namespace.update(parameters)
    unasked = {name: value for held in given.beside.values() for name, value in held.items()}
    bundle.fill_late(late, namespace, unasked)
    channels.load({name: states[name] for name in states if name in ("@modules", "@rng")})
    return given


def group(inputs: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, bool]]]:
    """Return the names to load from each bundle, and whether each may be missing there.

    Raises:
        bundle.MissingInput: The step that should have made a value saved nothing.
    """
    by_bundle: dict[str, list[tuple[str, bool]]] = {}
    for item in inputs:
        if item["bundle"] is None:  # that step had nothing to save
            if item.get("optional"):
                continue
            raise bundle.MissingInput(bundle.not_bound(item["name"]))
        wanted = by_bundle.setdefault(item["bundle"], [])
        wanted.append((item["name"], item.get("optional", False)))
    return by_bundle
