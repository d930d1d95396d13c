"""Schemas: what fields an object may have, how its lists merge, and the checks that follow from
that.

A schema comes from a definition (`from_definition`) or, for built-in kinds, from the models of the
Kubernetes client (`tests.cluster.apiserver.models`). Pruning, defaults, validation, strategic merge
and the ownership of fields are all functions of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.cluster.apiserver.failures import (
    Cause,
    duplicate,
    invalid,
    required,
    unsupported,
    wrong_type,
)
from tests.cluster.apiserver.quantities import canonical

Object = dict[str, Any]
MISSING: Any = object()
LIMITS = [
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "format",
]


@dataclass(slots=True)
class Schema:
    """One node of a structural schema."""

    type: str = ""  # empty: anything
    properties: dict[str, Schema] = field(default_factory=dict)
    items: Schema | None = None
    values: Schema | None = None  # of a map with free keys
    required: tuple[str, ...] = ()
    default: Any = MISSING
    nullable: bool = False
    int_or_string: bool = False
    quantity: bool = False
    preserve: bool = False  # unknown fields stay
    embedded: bool = False  # a whole object with metadata of its own
    list_type: str = "atomic"  # or map, set
    keys: tuple[str, ...] = ()  # of a list that is a map
    merge_key: str = ""  # for strategic merge; empty: the list is replaced
    atomic: bool = False  # an object that is owned as a whole
    limits: Object = field(default_factory=dict)
    any_of: tuple[tuple[str, ...], ...] = ()
    model: str = ""  # name of the built-in type, empty for definitions

    def child(self, name: str) -> Schema | None:
        if name in self.properties:
            return self.properties[name]
        return self.values


OBJECT_META = Schema(
    type="object",
    properties={
        "name": Schema(type="string"),
        "namespace": Schema(type="string"),
        "labels": Schema(type="object", values=Schema(type="string")),
        "annotations": Schema(type="object", values=Schema(type="string")),
        "finalizers": Schema(
            type="array", items=Schema(type="string"), list_type="set", merge_key="*"
        ),
        "ownerReferences": Schema(
            type="array",
            items=Schema(type="object", preserve=True, atomic=True),
            list_type="map",
            keys=("uid",),
            merge_key="uid",
        ),
    },
    preserve=True,
)


def from_definition(document: Object | None, *, root: bool = True) -> Schema:
    """Read the schema of one version of a CustomResourceDefinition."""
    if document is None:
        return Schema(type="object", preserve=True)
    schema = Schema(
        type=document.get("type", ""),
        required=tuple(document.get("required") or ()),
        default=document.get("default", MISSING),
        nullable=bool(document.get("nullable")),
        int_or_string=bool(document.get("x-kubernetes-int-or-string")),
        preserve=bool(document.get("x-kubernetes-preserve-unknown-fields")),
        embedded=bool(document.get("x-kubernetes-embedded-resource")),
        list_type=document.get("x-kubernetes-list-type", "atomic"),
        keys=tuple(document.get("x-kubernetes-list-map-keys") or ()),
        atomic=document.get("x-kubernetes-map-type") == "atomic",
        limits={name: document[name] for name in LIMITS if name in document},
    )
    for name, part in (document.get("properties") or {}).items():
        schema.properties[name] = from_definition(part, root=False)
    if isinstance(items := document.get("items"), dict):
        schema.items = from_definition(items, root=False)
    free = document.get("additionalProperties")
    if isinstance(free, dict):
        schema.values = from_definition(free, root=False)
    elif free is True:
        schema.preserve = True
    schema.any_of = tuple(
        tuple(option["required"]) for option in document.get("anyOf") or [] if "required" in option
    )
    if root or schema.embedded:
        schema.properties["metadata"] = OBJECT_META
        schema.properties["apiVersion"] = schema.properties["kind"] = Schema(type="string")
    return schema


def prune(value: Any, schema: Schema, path: str = "") -> list[str]:
    """Drop, in place, what the schema does not know; returns the paths of what was dropped."""
    dropped: list[str] = []
    if isinstance(value, dict) and (schema.type == "object" or schema.properties or schema.values):
        for name in list(value):
            child = schema.child(name)
            here = f"{path}.{name}" if path else name
            if child is not None:
                dropped += prune(value[name], child, here)
            elif not schema.preserve:
                del value[name]
                dropped.append(here)
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            dropped += prune(item, schema.items, f"{path}[{index}]")
    return dropped


def fill(value: Any, schema: Schema) -> None:
    """Set the defaults of a schema, in place."""
    if isinstance(value, dict):
        for name, child in schema.properties.items():
            if child.default is not MISSING and (
                name not in value or (value[name] is None and not child.nullable)
            ):
                value[name] = orjson.loads(orjson.dumps(child.default))
        for name, item in value.items():
            if (child_ := schema.child(name)) is not None:
                fill(item, child_)
    elif isinstance(value, list) and schema.items is not None:
        for item in value:
            fill(item, schema.items)


def drop_nulls(value: Any, schema: Schema) -> None:
    """Drop nulls that the schema does not allow, as the real server does before it validates."""
    if isinstance(value, dict):
        for name in list(value):
            child = schema.child(name)
            if value[name] is None and (child is None or not child.nullable):
                if child is not None or not schema.preserve:
                    del value[name]
            elif child is not None:
                drop_nulls(value[name], child)
    elif isinstance(value, list) and schema.items is not None:
        for item in value:
            drop_nulls(item, schema.items)


def shown(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def settle_quantities(value: Any, schema: Schema) -> Any:
    """Write quantities in their canonical form, in place (1024Mi becomes 1Gi, 0.5 becomes 500m)."""
    if schema.quantity:
        return canonical(value)
    if isinstance(value, dict):
        for name in value:
            if (child := schema.child(name)) is not None and isinstance(
                value[name], str | int | float | dict | list
            ):
                value[name] = settle_quantities(value[name], child)
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            value[index] = settle_quantities(item, schema.items)
    return value


def type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for kind, name in (
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (dict, "object"),
        (list, "array"),
    ):
        if isinstance(value, kind):
            return name
    return "null"


def check(value: Any, schema: Schema, path: str = "") -> list[Cause]:
    """Validate a value; the causes are worded as the real server words them."""
    found = type_of(value)
    if schema.int_or_string or schema.quantity:
        if found in ("integer", "string") or (schema.quantity and found == "number"):
            return []
        return [
            wrong_type(
                path, f'"{found}"', f'{path} in body must be of type integer or string: "{found}"'
            )
        ]
    if found == "null" and schema.nullable:
        return []
    if (
        schema.type
        and found != schema.type
        and not (schema.type == "number" and found == "integer")
    ):
        if schema.type == "integer" and found == "number" and float(value).is_integer():
            return []
        return [
            wrong_type(
                path, f'"{found}"', f'{path} in body must be of type {schema.type}: "{found}"'
            )
        ]
    causes = _limits(value, schema, path)
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        causes += [required(f"{prefix}{name}") for name in schema.required if name not in value]
        if schema.any_of and not any(
            all(name in value for name in option) for option in schema.any_of
        ):
            causes.append(
                invalid(path, '""', f'"{path}" must validate at least one schema (anyOf)')
            )
        for name, item in value.items():
            if (child := schema.child(name)) is not None:
                causes += check(item, child, f"{prefix}{name}")
    elif isinstance(value, list) and schema.items is not None:
        seen: set[bytes] = set()
        for index, item in enumerate(value):
            causes += check(item, schema.items, f"{path}[{index}]")
            if schema.list_type in ("map", "set") and (
                schema.list_type == "set" or isinstance(item, dict)
            ):
                key = (
                    {name: item.get(name) for name in schema.keys}
                    if schema.list_type == "map"
                    else item
                )
                packed = orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
                if packed in seen:
                    causes.append(duplicate(f"{path}[{index}]", shown(key)))
                seen.add(packed)
    return causes


def _limits(value: Any, schema: Schema, path: str) -> list[Cause]:
    causes: list[Cause] = []
    limits = schema.limits

    def bad(detail: str) -> None:
        causes.append(invalid(path, shown(value), f"{path} in body {detail}"))

    if not limits:
        return causes
    if "enum" in limits and value not in limits["enum"]:
        causes.append(unsupported(path, shown(value), [str(choice) for choice in limits["enum"]]))
    if isinstance(value, str):
        if "pattern" in limits and re.search(limits["pattern"], value) is None:
            bad(f"should match '{limits['pattern']}'")
        if len(value) > limits.get("maxLength", len(value)):
            causes.append(
                Cause(
                    path,
                    "FieldValueTooLong",
                    f"Too long: may not be more than {limits['maxLength']} bytes",
                )
            )
        if len(value) < limits.get("minLength", 0):
            bad(f"should be at least {limits['minLength']} chars long")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in limits and (
            value < limits["minimum"]
            or (limits.get("exclusiveMinimum") and value == limits["minimum"])
        ):
            bad(
                "should be greater than "
                f"{'' if limits.get('exclusiveMinimum') else 'or equal to '}{limits['minimum']}"
            )
        if "maximum" in limits and (
            value > limits["maximum"]
            or (limits.get("exclusiveMaximum") and value == limits["maximum"])
        ):
            bad(
                "should be less than "
                f"{'' if limits.get('exclusiveMaximum') else 'or equal to '}{limits['maximum']}"
            )
        if "multipleOf" in limits and value % limits["multipleOf"]:
            bad(f"should be a multiple of {limits['multipleOf']}")
    elif isinstance(value, list | dict):
        most, least = (
            ("maxItems", "minItems")
            if isinstance(value, list)
            else ("maxProperties", "minProperties")
        )
        if len(value) > limits.get(most, len(value)):
            causes.append(
                Cause(
                    path,
                    "FieldValueTooMany",
                    f"Too many: {len(value)}: must have at most {limits[most]} items",
                )
            )
        if len(value) < limits.get(least, 0):
            bad(f"should have at least {limits[least]} items")
    return causes
