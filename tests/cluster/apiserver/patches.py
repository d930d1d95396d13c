"""Patches: merge (RFC 7386), JSON (RFC 6902) and strategic merge. Each returns a new document."""

from __future__ import annotations

from typing import Any

from tests.cluster.apiserver.failures import Failure, bad_request
from tests.cluster.apiserver.schemas import Schema
from tests.cluster.apiserver.store import clone

Object = dict[str, Any]


def merge(document: Any, patch: Any) -> Any:
    """Apply a merge patch: null removes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def json_patch(document: Object, operations: Any) -> Object:
    """Apply the operations of a JSON patch in order; the first that fails fails all."""
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type "
            "jsonpatch.Patch"
        )
    root: Any = clone(document)
    for operation in operations:
        kind, path = operation.get("op"), _pointer(operation.get("path", ""))
        if kind in ("move", "copy"):
            source = _pointer(operation.get("from", ""))
            value = _read(root, source)
            if kind == "move":
                root = _change(root, source, None, "remove")
            root = _change(root, path, value, "add")
        elif kind == "test":
            if _read(root, path, missing=None) != operation.get("value"):
                raise _failed(f"testing value {operation.get('path')} failed: test failed", 422)
        elif kind in ("add", "replace", "remove"):
            root = _change(root, path, operation.get("value"), kind)
        else:
            raise _failed(f"Unexpected kind: {kind}", 400)
    result: Object = root
    return result


def _failed(message: str, code: int) -> Failure:
    if code == 422:
        return Failure(
            422, "Invalid", "the server rejected our request due to an error in our request", {}
        )
    return bad_request(message)


def _pointer(path: str) -> list[str]:
    if path == "":
        return []
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


_ABSENT: Any = object()


def _read(root: Any, path: list[str], missing: Any = _ABSENT) -> Any:
    found = root
    try:
        for step in path:
            found = found[int(step)] if isinstance(found, list) else found[step]
    except (KeyError, IndexError, ValueError, TypeError):
        if missing is _ABSENT:
            raise _failed(f"path not found: /{'/'.join(path)}", 422) from None
        return missing
    return found


def _change(root: Any, path: list[str], value: Any, kind: str) -> Any:
    if not path:
        return value
    parent, last = _read(root, path[:-1]), path[-1]
    try:
        if isinstance(parent, list):
            index = len(parent) if last == "-" else int(last)
            if index > len(parent) or (kind != "add" and index == len(parent)):
                raise IndexError(index)
            if kind == "add":
                parent.insert(index, value)
            elif kind == "replace":
                parent[index] = value
            else:
                del parent[index]
        elif kind == "remove":
            del parent[last]
        else:
            if kind == "replace" and last not in parent:
                raise KeyError(last)
            parent[last] = value
    except (KeyError, IndexError, ValueError, TypeError):
        raise _failed(f"{kind} operation does not apply: /{'/'.join(path)}", 422) from None
    return root


def strategic(document: Any, patch: Any, schema: Schema | None) -> Any:
    """Apply a strategic merge patch: as a merge patch, but lists with a merge key merge by it."""
    if not isinstance(patch, dict):
        return patch
    patch = dict(patch)
    directive = patch.pop("$patch", "merge")
    if directive == "replace":
        return patch
    if directive == "delete":
        return None
    kept = patch.pop("$retainKeys", None)
    merged = dict(document) if isinstance(document, dict) else {}
    if kept is not None:
        merged = {key: value for key, value in merged.items() if key in kept}
    for key in [key for key in patch if key.startswith("$deleteFromPrimitiveList/")]:
        name, gone = key.partition("/")[2], patch.pop(key)
        if isinstance(merged.get(name), list):
            merged[name] = [item for item in merged[name] if item not in gone]
    orders = {
        key.partition("/")[2]: patch.pop(key)
        for key in list(patch)
        if key.startswith("$setElementOrder/")
    }
    for key, value in patch.items():
        child = schema.child(key) if schema is not None else None
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, list):
            merged[key] = _merge_list(merged.get(key), value, child)
        else:
            merged[key] = strategic(merged.get(key), value, child)
            if merged[key] is None:
                del merged[key]
    for name, order in orders.items():
        child = schema.child(name) if schema is not None else None
        if isinstance(merged.get(name), list) and child is not None:
            merged[name] = _ordered(merged[name], order, child.merge_key)
    return merged


def _merge_list(found: Any, patch: list[Any], schema: Schema | None) -> list[Any]:
    if schema is None or not schema.merge_key:
        return patch
    merged = list(found) if isinstance(found, list) else []
    key = schema.merge_key
    if key == "*":
        return merged + [item for item in patch if item not in merged]
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if item.get("$patch") != "replace"]
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        at = next(
            (index for index, known in enumerate(merged) if known.get(key) == item[key]), None
        )
        if item.get("$patch") == "delete":
            if at is not None:
                del merged[at]
        elif at is None:
            merged.append(strategic({}, item, schema.items))
        else:
            merged[at] = strategic(merged[at], item, schema.items)
    return merged


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Bring the items named in `order` into that order; others keep their place behind them."""

    def name(item: Any) -> Any:
        return item if key == "*" else item.get(key)

    wanted = [entry if key == "*" else entry.get(key) for entry in order]
    by_name = {str(name(item)): item for item in items}
    first = [by_name[str(entry)] for entry in wanted if str(entry) in by_name]
    return first + [item for item in items if name(item) not in wanted]
