"""Server-side apply: who owns which field, what conflicts, what goes when its owner stops naming
it.

Sets of fields are kept in the form of `metadata.managedFields` itself (FieldsV1): `f:name` is a
field, `k:{…}` an item of a list by its keys, `v:…` a value of a set, `.` the item or map itself; an
empty object is a leaf.
"""

from __future__ import annotations

from typing import Any

import orjson

from tests.cluster.apiserver.failures import Failure
from tests.cluster.apiserver.kinds import Kind
from tests.cluster.apiserver.schemas import Schema

Object = dict[str, Any]
Fields = dict[str, Any]

# The server's own: nobody owns them.
STRIPPED = frozenset(
    [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ]
)
FREE = Schema(preserve=True)


def fields_of(document: Object, schema: Schema | None) -> Fields:
    """List the fields a document sets."""
    root = {
        key: value
        for key, value in document.items()
        if key not in ("apiVersion", "kind", "metadata")
    }
    meta = {
        key: value for key, value in document.get("metadata", {}).items() if key not in STRIPPED
    }
    meta = {key: value for key, value in meta.items() if value not in (None, {}, [])}
    if meta:
        root = {"metadata": meta, **root}
    return _fields(root, schema or FREE)


def _fields(value: Any, schema: Schema) -> Fields:
    if isinstance(value, dict) and not schema.atomic:
        return {f"f:{key}": _fields(part, schema.child(key) or FREE) for key, part in value.items()}
    if isinstance(value, list) and schema.list_type == "map":
        return {
            _key(item, schema): {".": {}, **_fields(item, schema.items or FREE)} for item in value
        }
    if isinstance(value, list) and schema.list_type == "set":
        return {_value(item): {} for item in value}
    return {}


def _key(item: Any, schema: Schema) -> str:
    if not isinstance(item, dict):
        return _value(item)
    names = {name: item[name] for name in schema.keys if name in item}
    return "k:" + orjson.dumps(names, option=orjson.OPT_SORT_KEYS).decode()


def _value(item: Any) -> str:
    return "v:" + orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()


def difference(left: Fields, right: Fields) -> Fields:
    """Keep the leaves of `left` that are not leaves of `right`."""
    kept: Fields = {}
    for key, part in left.items():
        if key not in right:
            kept[key] = part
        elif part and (rest := difference(part, right[key])):
            kept[key] = rest
    return kept


def union(left: Fields, right: Fields) -> Fields:
    merged = dict(left)
    for key, part in right.items():
        merged[key] = union(merged[key], part) if key in merged else part
    return merged


def intersection(left: Fields, right: Fields) -> Fields:
    found: Fields = {}
    for key, part in left.items():
        if key in right:
            both = intersection(part, right[key])
            if both or not part or not right[key]:
                found[key] = both
    return found


def changed(before: Any, after: Any, schema: Schema, fields: Fields) -> Fields:
    """Keep those of `fields` (of `after`) whose value differs from the one before."""
    kept: Fields = {}
    for step, part in fields.items():
        if step == ".":
            if before is None:
                kept["."] = {}
            continue
        old, new, child = (
            _step(before, step, schema),
            _step(after, step, schema),
            _child(step, schema),
        )
        if not part or old is None:
            if old != new or old is None:
                kept[step] = part
        elif old != new and (rest := changed(old, new, child, part)):
            kept[step] = rest
    return kept


def _child(step: str, schema: Schema) -> Schema:
    found = schema.child(step[2:]) if step.startswith("f:") else schema.items
    return found or FREE


def _step(value: Any, step: str, schema: Schema) -> Any:
    """Go one step of a path down; None where there is nothing."""
    if step.startswith("f:"):
        return value.get(step[2:]) if isinstance(value, dict) else None
    for item in value if isinstance(value, list) else ():
        if step == (_key(item, schema) if step.startswith("k:") else _value(item)):
            return item
    return None


def remove(value: Any, schema: Schema, gone: Fields) -> Any:
    """Return a value without the fields named; maps and items that lose all are removed whole."""
    if isinstance(value, dict):
        kept: Object = {}
        for key, part in value.items():
            step = gone.get(f"f:{key}")
            if step is None:
                kept[key] = part
            elif step:
                rest = remove(part, schema.child(key) or FREE, step)
                if rest not in ({}, []):
                    kept[key] = rest
        return kept
    if isinstance(value, list):
        left: list[Any] = []
        for item in value:
            key = _key(item, schema) if schema.list_type == "map" else _value(item)
            step = gone.get(key)
            if step is None:
                left.append(item)
            elif step and "." not in step:
                left.append(remove(item, schema.items or FREE, step))
        return left
    return value


def overlay(value: Any, applied: Any, schema: Schema) -> Any:
    """Merge what is applied over what is there; lists that are maps or sets merge, others are
    replaced."""
    if isinstance(applied, dict) and isinstance(value, dict) and not schema.atomic:
        merged = dict(value)
        for key, part in applied.items():
            merged[key] = overlay(merged.get(key), part, schema.child(key) or FREE)
        return merged
    if isinstance(applied, list) and isinstance(value, list) and schema.list_type == "map":
        wanted = {_key(item, schema): item for item in applied}
        present = {_key(item, schema): item for item in value}
        both = [
            overlay(present.get(key), item, schema.items or FREE) for key, item in wanted.items()
        ]
        rest = [item for key, item in present.items() if key not in wanted]
        # Applied items stand in the order they were applied; what others own keeps its place behind
        # them.
        return (
            both + rest
            if not _in_order(list(present), list(wanted))
            else _woven(present, wanted, both)
        )
    if isinstance(applied, list) and isinstance(value, list) and schema.list_type == "set":
        return value + [item for item in applied if item not in value]
    return applied


def _in_order(present: list[str], wanted: list[str]) -> bool:
    return [key for key in present if key in wanted] == [key for key in wanted if key in present]


def _woven(present: Object, wanted: Object, both: list[Any]) -> list[Any]:
    by_key = dict(zip(wanted, both, strict=True))
    return [by_key.pop(key, item) for key, item in present.items()] + list(by_key.values())


def paths(fields: Fields, prefix: str = "") -> list[str]:
    """Spell the leaves of a set as the messages of the real server do."""
    found: list[str] = []
    for step, part in fields.items():
        if step == ".":
            if prefix:
                found.append(prefix)
            continue
        if step.startswith("f:"):
            here = f"{prefix}.{step[2:]}"
        elif step.startswith("k:"):
            names = orjson.loads(step[2:])
            shown = ",".join(
                f"{name}={orjson.dumps(value).decode()}" for name, value in names.items()
            )
            here = f"{prefix}[{shown}]"
        else:
            here = f"{prefix}[={step[2:]}]"
        found += paths(part, here) if part else [here]
    return list(dict.fromkeys(found))


Entry = Object  # of metadata.managedFields


def conflicts(
    entries: list[Entry],
    wanted: Fields,
    before: Object,
    after: Object,
    schema: Schema | None,
    mine: Entry,
) -> dict[int, Fields]:
    """Find, per other manager (by its place in the list), the fields that would change under it."""
    found: dict[int, Fields] = {}
    for index, entry in enumerate(entries):
        if same_manager(entry, mine):
            continue
        shared = _leaves_only(intersection(wanted, entry.get("fieldsV1") or {}))
        if lost := changed(before, after, schema or FREE, shared):
            found[index] = lost
    return found


def _leaves_only(fields: Fields) -> Fields:
    return {
        step: _leaves_only(part)
        for step, part in fields.items()
        if step != "." and (not part or set(part) != {"."})
    }


def same_manager(one: Entry, other: Entry) -> bool:
    return all(
        one.get(name, "") == other.get(name, "")
        for name in ("manager", "operation", "subresource", "apiVersion")
    )


def conflict_failure(entries: list[Entry], found: dict[int, Fields]) -> Failure:
    """Say, as the real server does, which manager owns what."""
    owned = sorted(
        (_shown(entries[index]), path) for index, fields in found.items() for path in paths(fields)
    )
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path}
        for who, path in owned
    ]
    if len(owned) == 1:
        told = f"1 conflict: conflict with {owned[0][0]}: {owned[0][1]}"
    else:
        lines: dict[str, list[str]] = {}
        for who, path in owned:
            lines.setdefault(who, []).append(f"- {path}")
        grouped = [
            line for who, those in lines.items() for line in (f"conflicts with {who}:", *those)
        ]
        told = f"{len(owned)} conflicts: " + "\n".join(grouped)
    return Failure(409, "Conflict", f"Apply failed with {told}", {"causes": causes})


def _shown(entry: Entry) -> str:
    who = f'"{entry["manager"]}"'
    if entry.get("subresource"):
        who += f' with subresource "{entry["subresource"]}"'
    if entry["operation"] == "Update":
        who += f" using {entry['apiVersion']}"
    return who


def reset(fields: Fields, kind: Kind, subresource: str) -> Fields:
    """Drop what a request cannot set: status through the object itself, all else through its
    status."""
    if subresource == "status":
        return {step: part for step, part in fields.items() if step == "f:status"}
    if "status" in kind.subresources:
        return {step: part for step, part in fields.items() if step != "f:status"}
    return fields


def apply(
    live: Object, applied: Object, kind: Kind, schema: Schema | None, mine: Entry, *, force: bool
) -> Object:
    """Merge an applied configuration into an object; raises a conflict where others own what
    changes."""
    schema = schema or FREE
    wanted = reset(fields_of(applied, schema), kind, mine.get("subresource", ""))
    entries: list[Entry] = list(live["metadata"].get("managedFields") or [])
    configured = {
        key: part for key, part in applied.items() if f"f:{key}" in wanted or key == "metadata"
    }
    configured["metadata"] = {
        key: part for key, part in applied.get("metadata", {}).items() if key not in STRIPPED
    }
    merged: Object = overlay(live, configured, schema)
    found = conflicts(entries, wanted, live, merged, schema, mine)
    if found and not force:
        raise conflict_failure(entries, found)
    for index, lost in found.items():
        entries[index] = {
            **entries[index],
            "fieldsV1": difference(entries[index]["fieldsV1"], lost),
        }
    gone: Fields = {}
    others: Fields = {}
    for entry in entries:
        if same_manager(entry, mine):
            gone = difference(entry.get("fieldsV1") or {}, wanted)
        else:
            others = union(others, entry.get("fieldsV1") or {})
    gone = difference(gone, others)
    if gone:
        merged = remove(merged, schema, gone)
    kept = [entry for entry in entries if entry["fieldsV1"] and not same_manager(entry, mine)]
    former = next((entry for entry in entries if same_manager(entry, mine)), None)
    if former is not None and former["fieldsV1"] == wanted:
        kept.append(former)
    else:
        kept.append({**mine, "fieldsType": "FieldsV1", "fieldsV1": wanted})
    merged["metadata"]["managedFields"] = kept
    return merged


def track(
    live: Object | None, after: Object, kind: Kind, schema: Schema | None, mine: Entry
) -> None:
    """Note, in place, what an ordinary write changed as owned by its manager."""
    schema = schema or FREE
    entries: list[Entry] = list((live or {"metadata": {}})["metadata"].get("managedFields") or [])
    now = reset(fields_of(after, schema), kind, mine.get("subresource", ""))
    before = (
        reset(fields_of(live, schema), kind, mine.get("subresource", ""))
        if live is not None
        else {}
    )
    written = changed(live, after, schema, now) if live is not None else now
    lost = difference(before, now)
    if written or lost:
        taken = union(written, lost)
        tracked: list[Entry] = []
        own: Entry = {**mine, "fieldsType": "FieldsV1", "fieldsV1": {}}
        for entry in entries:
            if same_manager(entry, mine):
                own["fieldsV1"] = difference(entry["fieldsV1"], lost)
                continue
            rest = difference(entry["fieldsV1"], taken)
            if rest:
                tracked.append({**entry, "fieldsV1": rest})
        own["fieldsV1"] = union(own["fieldsV1"], written)
        if own["fieldsV1"]:
            tracked.append(own)
        entries = tracked
    if entries:
        after["metadata"]["managedFields"] = entries
    else:
        after["metadata"].pop("managedFields", None)
