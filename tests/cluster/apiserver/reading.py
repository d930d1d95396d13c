"""Reading: get, lists in pages, and where a watch begins."""

from __future__ import annotations

import base64
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.cluster.apiserver import selectors
from tests.cluster.apiserver.failures import bad_request, expired, not_found
from tests.cluster.apiserver.kinds import Kind
from tests.cluster.apiserver.requests import Request
from tests.cluster.apiserver.store import Change, Many, Store

Object = dict[str, Any]
TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You "
    "can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that "
    "were created, modified, or deleted "
    "between the time the first chunk was returned and now may show up in the list."
)


def shape(document: Object, kind: Kind) -> Object:
    """Show a stored object in the version that was asked for."""
    if document.get("apiVersion") == kind.api_version:
        return document
    return {**document, "apiVersion": kind.api_version}


def selector(request: Request) -> selectors.Test:
    """Combine the label and the field selector of a query, and the name of a path."""
    tests: list[selectors.Test] = []
    if text := request.query.get("labelSelector"):
        tests.append(selectors.labels(text))
    if text := request.query.get("fieldSelector"):
        tests.append(selectors.fields(text, request.kind))
    if request.name:
        tests.append(lambda document: document["metadata"]["name"] == request.name)
    return lambda document: all(test(document) for test in tests)


@dataclass
class Reader:
    """Reads of one store; keeps the lists whose further pages were not yet asked for."""

    store: Store
    pages: OrderedDict[str, Many[Object]] = field(default_factory=OrderedDict)
    keep: int = 200

    def get(self, request: Request) -> Object:
        found = self.store.get(request.kind.resource, request.namespace, request.name)
        if found is None:
            raise not_found(request.kind, request.name)
        return shape(found, request.kind)

    def list(self, request: Request) -> Object:
        kind = request.kind
        matches = selector(request)
        limit = int(request.query.get("limit") or 0)
        if token := request.query.get("continue"):
            version, start, objects = self._next(token)
        else:
            version, start = str(self.store.version), 0
            objects = self.store.list(kind.resource, request.namespace or None)
            objects = [document for document in objects if matches(document)]
        shown = objects[start : start + limit] if limit else objects[start:]
        meta: Object = {"resourceVersion": version}
        if kind.custom:
            meta["continue"] = ""
        rest = len(objects) - start - len(shown)
        if rest:
            key = f"{version}-{id(objects)}"
            self.pages[key] = objects
            while len(self.pages) > self.keep:
                self.pages.popitem(last=False)
            packed = orjson.dumps({"v": version, "start": start + len(shown), "key": key})
            meta["continue"] = base64.urlsafe_b64encode(packed).decode()
            if not request.query.get("labelSelector") and not request.query.get("fieldSelector"):
                meta["remainingItemCount"] = rest
        items = [shape(document, kind) for document in shown]
        if not kind.custom:
            items = [
                {key: part for key, part in item.items() if key not in ("kind", "apiVersion")}
                for item in items
            ]
        return {
            "kind": kind.list_kind,
            "apiVersion": kind.api_version,
            "metadata": meta,
            "items": items,
        }

    def _next(self, token: str) -> tuple[str, int, Many[Object]]:
        try:
            packed = orjson.loads(base64.urlsafe_b64decode(token))
            version, start, key = packed["v"], packed["start"], packed["key"]
        except (ValueError, KeyError, TypeError):
            raise bad_request("continue key is not valid: invalid token") from None
        objects = self.pages.get(key)
        if objects is None or int(version) < self.store.compacted:
            raise expired(TOO_OLD)
        return version, start, objects

    def since(self, request: Request) -> Many[Change]:
        """List what a watch shows first: the changes since its version. Raises when they are
        forgotten."""
        version = int(request.query.get("resourceVersion") or 0)
        if version < self.store.compacted:
            raise expired(f"too old resource version: {version} ({self.store.compacted})")
        resource, namespace = request.kind.resource, request.namespace
        return [
            change
            for change in self.store.since(version)
            if change.resource == resource
            and (not namespace or change.object["metadata"].get("namespace") == namespace)
        ]


def event_of(change: Change, matches: selectors.Test, kind: Kind) -> Object | None:
    """Turn a change into the event a watcher with a selector sees; None where it sees nothing."""
    now = change.type != "DELETED" and matches(change.object)
    before = change.before is not None and matches(change.before)
    if now:
        return {"type": "MODIFIED" if before else "ADDED", "object": shape(change.object, kind)}
    if before:
        assert change.before is not None
        if change.type == "DELETED":
            last = change.object
        else:  # it left the selection: shown as it was, under the version of the change
            meta = {**change.before["metadata"], "resourceVersion": str(change.version)}
            last = {**change.before, "metadata": meta}
        return {"type": "DELETED", "object": shape(last, kind)}
    return None
