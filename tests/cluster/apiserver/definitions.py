"""CustomResourceDefinitions: from a definition to kinds of the registry and their schemas."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.cluster.apiserver.failures import Cause, invalid
from tests.cluster.apiserver.kinds import Kind, Registry
from tests.cluster.apiserver.schemas import Schema, from_definition

Object = dict[str, Any]


@dataclasses.dataclass
class Definitions:
    """The custom kinds of one server: schemas by kind, and where scale finds its numbers."""

    registry: Registry
    schemas: dict[Kind, Schema] = dataclasses.field(default_factory=dict)
    raw: dict[Kind, Object] = dataclasses.field(default_factory=dict)
    scales: dict[tuple[str, str], Object] = dataclasses.field(default_factory=dict)
    storage: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)

    def install(self, definition: Object) -> None:
        """Make the kinds of a definition known (again)."""
        spec = definition["spec"]
        names = spec["names"]
        self.remove(definition)
        for version in spec["versions"]:
            if version.get("storage"):
                self.storage[spec["group"], names["plural"]] = version["name"]
            if not version.get("served"):
                continue
            parts = version.get("subresources") or {}
            kind = Kind(
                group=spec["group"],
                version=version["name"],
                plural=names["plural"],
                kind=names["kind"],
                namespaced=spec["scope"] == "Namespaced",
                subresources=frozenset(name for name in ("status", "scale") if name in parts),
                short=tuple(names.get("shortNames") or ()),
                singular=names.get("singular") or names["kind"].lower(),
                list_kind=names.get("listKind") or f"{names['kind']}List",
                categories=tuple(names.get("categories") or ()),
                custom=True,
                selectable=tuple(
                    field["jsonPath"].removeprefix(".")
                    for field in version.get("selectableFields") or []
                ),
            )
            self.registry.add(kind)
            raw = (version.get("schema") or {}).get("openAPIV3Schema")
            self.raw[kind] = raw or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            self.schemas[kind] = from_definition(raw)
            if "scale" in parts:
                self.scales[kind.resource] = parts["scale"]

    def remove(self, definition: Object) -> None:
        group, plural = definition["spec"]["group"], definition["spec"]["names"]["plural"]
        self.registry.remove(group, plural)
        for kind in [kind for kind in self.schemas if (kind.group, kind.plural) == (group, plural)]:
            del self.schemas[kind], self.raw[kind]


def pending(definition: Object) -> Object:
    """Compute the status of a definition that was just made."""
    stored = [
        version["name"] for version in definition["spec"]["versions"] if version.get("storage")
    ]
    return {
        "acceptedNames": {"kind": "", "plural": ""},
        "conditions": None,
        "storedVersions": stored,
    }


def accepted(definition: Object, now: str) -> Object:
    """Compute the status of a definition whose names are taken and which is served."""
    spec = definition["spec"]
    former = (definition.get("status") or {}).get("conditions") or []
    since = former[0]["lastTransitionTime"] if former else now
    told = {
        "NamesAccepted": ("NoConflicts", "no conflicts found"),
        "Established": ("InitialNamesAccepted", "the initial names have been accepted"),
    }
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    return {
        "acceptedNames": spec["names"],
        "conditions": [
            {
                "type": name,
                "status": "True",
                "reason": reason,
                "message": message,
                "lastTransitionTime": since,
            }
            for name, (reason, message) in told.items()
        ],
        "storedVersions": stored,
    }


def check(definition: Object) -> list[Cause]:
    """Check what makes a definition unusable."""
    spec = definition["spec"]
    causes: list[Cause] = []
    wanted = f"{spec.get('names', {}).get('plural')}.{spec.get('group')}"
    name = definition["metadata"]["name"]
    if name != wanted:
        causes.append(
            invalid("metadata.name", f'"{name}"', 'must be spec.names.plural+"."+spec.group')
        )
    if sum(bool(version.get("storage")) for version in spec.get("versions") or []) != 1:
        causes.append(
            invalid(
                "spec.versions", '""', "must have exactly one version marked as storage version"
            )
        )
    for index, version in enumerate(spec.get("versions") or []):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            causes.append(
                Cause(
                    f"spec.versions[{index}].schema.openAPIV3Schema",
                    "FieldValueRequired",
                    "Required value: schemas are required",
                )
            )
    return causes
