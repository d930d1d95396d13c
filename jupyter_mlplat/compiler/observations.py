"""What a live kernel saw when it ran the cells: facts that settle what the source leaves open.

In the notebook's metadata, `metadata.mlplat.observed`, by cell id:

```json
{"version": 1,
 "earlier": ["sha256:… of what ran before anybody watched"],
 "cells": {"<cell id>": {
    "source": "sha256:… of the cell's source as it ran", "run": 7,
    "binds": ["x", "view"], "deletes": ["y"],
    "mutated": ["df"], "unchanged": ["model"],
    "data": ["x", "view"], "groups": [["df", "view"]],
    "unshippable": {"con": "sqlite3.Connection"}}}}
```

`run` counts the cells as they ran. A cell with no more than these two ran, but failed or could not
be watched. `binds` and `deletes` are complete: no other name was bound or deleted. `mutated` are
names bound before the cell, not rebound by it, whose content differs afterwards; `unchanged` those
whose content was compared in depth and is the same; a name in neither was not compared. Channels
(`@env`, `@cwd`, `@rng`) are among them. `data` are bound names that were looked through in full and
hold no code of the notebook; of those, `groups` are complete: names that reach a common mutable
object after the cell.

What a cell does depends on the cells above, so an observation holds only as long as it and all
cells above have the source they ran with and ran in this order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlplat.kit.digests import digest_text

VERSION = 1


@dataclass(frozen=True, slots=True)
class Observation:
    """What one cell was seen to do."""

    source: str
    run: int = 0
    is_complete: bool = True
    """Whether what follows is known; a cell that failed tells nothing."""
    binds: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    mutated: frozenset[str] = frozenset()
    unchanged: frozenset[str] = frozenset()
    data: frozenset[str] = frozenset()
    groups: tuple[frozenset[str], ...] = ()
    unshippable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observations:
    """What a kernel saw of a notebook.

    Attributes:
        earlier: Digests of the sources that ran before anybody watched.
        cells: By cell id.
    """

    earlier: frozenset[str] = frozenset()
    cells: Mapping[str, Observation] = field(default_factory=dict)

    def holding(self, cells: Iterable[tuple[str, str]]) -> dict[str, Observation]:
        """Return the observations that hold for a notebook of these cells (id, source), in order.

        They end at the first cell that did not run as it stands, after those above it.
        """
        found: dict[str, Observation] = {}
        last = 0
        for cell, source in cells:
            digest = source_digest(source)
            seen = self.cells.get(cell)
            if seen is not None and seen.source == digest and seen.run > last:
                last = seen.run
                if seen.is_complete:
                    found[cell] = seen
            elif last or source_digest(source.rstrip("\n")) not in self.earlier:
                break
        return found


def source_digest(source: str) -> str:
    """Digest a cell's source as the kernel hook and the compiler both do."""
    return digest_text(source)


def parse_observations(metadata: Mapping[str, Any]) -> Observations:
    """Read the observations of a notebook; what is malformed or newer is left out."""
    ours = metadata.get("mlplat")
    observed = ours.get("observed") if isinstance(ours, dict) else None
    if not isinstance(observed, dict) or observed.get("version") != VERSION:
        return Observations()
    cells = observed.get("cells")
    return Observations(
        earlier=_names(observed.get("earlier")),
        cells={
            str(cell_id): _parse(item)
            for cell_id, item in (cells.items() if isinstance(cells, dict) else ())
            if isinstance(item, dict)
            and isinstance(item.get("source"), str)
            and isinstance(item.get("run"), int)
        },
    )


def _parse(item: Mapping[str, Any]) -> Observation:
    groups = item.get("groups")
    unshippable = item.get("unshippable")
    return Observation(
        source=str(item["source"]),
        run=int(item["run"]),
        is_complete=isinstance(item.get("binds"), list),
        binds=_names(item.get("binds")),
        deletes=_names(item.get("deletes")),
        mutated=_names(item.get("mutated")),
        unchanged=_names(item.get("unchanged")),
        data=_names(item.get("data")),
        groups=tuple(map(_names, groups)) if isinstance(groups, list) else (),
        unshippable={str(name): str(kind) for name, kind in unshippable.items()}
        if isinstance(unshippable, dict)
        else {},
    )


def _names(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        return frozenset()
    return frozenset(name for name in value if isinstance(name, str))
