"""What a live kernel saw when it ran the cells: facts that settle what the source leaves open.

Kept in the notebook's metadata, `metadata.mlplat.observed`, by cell id:

```json
{"version": 1, "cells": {"<cell id>": {
    "source": "sha256:… of the cell's source as it ran",
    "binds": ["x"], "deletes": ["y"],
    "mutated": ["df"], "unchanged": ["model"],
    "groups": [["a", "b"]],
    "unshippable": {"con": "sqlite3.Connection"}}}}
```

`binds` and `deletes` are complete: no other name was bound or deleted. `mutated` are names bound
before the cell, not rebound by it, whose content differs afterwards; `unchanged` those whose
content was compared in depth and is the same; a name in neither was not compared. `groups` are
names that reach a common mutable object after the cell. A cell whose source no longer has this
digest is as if it had never been observed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlplat.kit.digests import digest_text

VERSION = 1


@dataclass(frozen=True, slots=True)
class Observation:
    """What one cell was seen to do."""

    source: str
    binds: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    mutated: frozenset[str] = frozenset()
    unchanged: frozenset[str] = frozenset()
    groups: tuple[frozenset[str], ...] = ()
    unshippable: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what `parse_observations` reads back."""
        return {
            "source": self.source,
            "binds": sorted(self.binds),
            "deletes": sorted(self.deletes),
            "mutated": sorted(self.mutated),
            "unchanged": sorted(self.unchanged),
            "groups": [sorted(group) for group in self.groups],
            "unshippable": dict(self.unshippable),
        }


def source_digest(source: str) -> str:
    """Digest a cell's source as the kernel hook and the compiler both do."""
    return digest_text(source)


def parse_observations(metadata: Mapping[str, Any]) -> dict[str, Observation]:
    """Read the observations of a notebook by cell id; what is malformed or newer is left out."""
    ours = metadata.get("mlplat")
    observed = ours.get("observed") if isinstance(ours, dict) else None
    if not isinstance(observed, dict) or observed.get("version") != VERSION:
        return {}
    cells = observed.get("cells")
    if not isinstance(cells, dict):
        return {}
    return {
        str(cell_id): _parse(item)
        for cell_id, item in cells.items()
        if isinstance(item, dict) and isinstance(item.get("source"), str)
    }


def _parse(item: Mapping[str, Any]) -> Observation:
    groups = item.get("groups")
    unshippable = item.get("unshippable")
    return Observation(
        source=str(item["source"]),
        binds=_names(item.get("binds")),
        deletes=_names(item.get("deletes")),
        mutated=_names(item.get("mutated")),
        unchanged=_names(item.get("unchanged")),
        groups=tuple(map(_names, groups)) if isinstance(groups, list) else (),
        unshippable={str(name): str(kind) for name, kind in unshippable.items()}
        if isinstance(unshippable, dict)
        else {},
    )


def _names(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        return frozenset()
    return frozenset(name for name in value if isinstance(name, str))
