"""How actors reach objects: one small interface, over the server in memory or any
other over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from tests.cluster.apiserver.api import Api
from tests.cluster.apiserver.failures import Failure
from tests.cluster.apiserver.kinds import Kind, Registry
from tests.cluster.apiserver.store import Change, Many, clone

Object = dict[str, Any]
Heard = Callable[[str, str, Object], None]  # type of the event, qualified plural, object


class Objects(Protocol):
    """The verbs actors need. Kinds are named by their qualified plural (`pods`, `jobs.batch`).

    Documents that are returned may be changed by the caller only where they are copies: `get` and
    `list` give shared
    ones. A refusal raises Failure.
    """

    def get(self, plural: str, namespace: str, name: str) -> Object | None: ...
    def list(self, plural: str, namespace: str | None = None) -> Many[Object]: ...
    def create(self, plural: str, namespace: str, document: Object) -> Object: ...
    def update(self, plural: str, document: Object, subresource: str = "") -> Object: ...
    def patch(
        self, plural: str, namespace: str, name: str, patch: Object, subresource: str = ""
    ) -> Object: ...
    def delete(self, plural: str, namespace: str, name: str, **options: Any) -> None: ...
    def post(
        self, plural: str, namespace: str, name: str, subresource: str, document: Object
    ) -> Object: ...
    def hear(self, heard: Heard, plurals: set[str] | None) -> Callable[[], None]: ...
    def kind(self, plural: str) -> Kind: ...


def kind_of(registry: Registry, plural: str) -> Kind:
    name, _, group = plural.partition(".")
    found = registry.any_version(group, name)
    if found is None:
        raise LookupError(
            f"Cannot find the kind {plural!r}: write it as plural.group, such as jobs.batch."
        )
    return found


@dataclass
class InMemory:
    """Objects of the server in memory, without a socket: actors neither count as calls nor meet
    faults."""

    api: Api

    def kind(self, plural: str) -> Kind:
        return kind_of(self.api.registry, plural)

    def get(self, plural: str, namespace: str, name: str) -> Object | None:
        return self.api.store.get(self.kind(plural).resource, namespace, name)

    def list(self, plural: str, namespace: str | None = None) -> Many[Object]:
        return self.api.store.list(self.kind(plural).resource, namespace)

    def create(self, plural: str, namespace: str, document: Object) -> Object:
        return self.api.do("create", self.kind(plural), namespace, "", document)

    def update(self, plural: str, document: Object, subresource: str = "") -> Object:
        meta = document["metadata"]
        namespace = meta.get("namespace", "")
        return self.api.do(
            "update", self.kind(plural), namespace, meta["name"], document, subresource=subresource
        )

    def patch(
        self, plural: str, namespace: str, name: str, patch: Object, subresource: str = ""
    ) -> Object:
        media = "application/merge-patch+json"
        return self.api.do(
            "patch", self.kind(plural), namespace, name, patch, subresource=subresource, media=media
        )

    def delete(self, plural: str, namespace: str, name: str, **options: Any) -> None:
        try:
            self.api.do("delete", self.kind(plural), namespace, name, options or None)
        except Failure as failure:
            if failure.code != 404:
                raise

    def post(
        self, plural: str, namespace: str, name: str, subresource: str, document: Object
    ) -> Object:
        return self.api.do(
            "create", self.kind(plural), namespace, name, document, subresource=subresource
        )

    def hear(self, heard: Heard, plurals: set[str] | None) -> Callable[[], None]:
        def changed(change: Change) -> None:
            group, name = change.resource
            plural = f"{name}.{group}" if group else name
            if plurals is None or plural in plurals:
                heard(change.type, plural, change.object)

        with self.api.store.lock:
            for resource in self.api.store.resources():
                plural = f"{resource[1]}.{resource[0]}" if resource[0] else resource[1]
                if plurals is None or plural in plurals:
                    for document in self.api.store.list(resource):
                        heard("ADDED", plural, document)
            return self.api.store.subscribe(changed)


@dataclass
class OverHttp:
    """Objects of any API server, through the Kubernetes client: for actors beside a real control
    plane."""

    client: Any  # kubernetes.client.ApiClient
    registry: Registry = field(default_factory=Registry)

    def kind(self, plural: str) -> Kind:
        return kind_of(self.registry, plural)

    def _path(
        self, plural: str, namespace: str | None, name: str = "", subresource: str = ""
    ) -> str:
        kind = self.kind(plural)
        parts = ["/apis", kind.group, kind.version] if kind.group else ["/api", kind.version]
        if kind.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [kind.plural, *([name] if name else []), *([subresource] if subresource else [])]
        return "/".join(parts)

    def _bearer(self) -> dict[str, str]:
        found = self.client.configuration.auth_settings().get("BearerToken")
        return {"Authorization": found["value"]} if found else {}

    def _call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        media: str = "application/json",
        query: str = "",
    ) -> Any:
        configuration = self.client.configuration
        headers = {"Accept": "application/json", "Content-Type": media, "User-Agent": "actor"}
        headers |= self._bearer()
        url = configuration.host + path + (f"?{query}" if query else "")
        answer = self.client.rest_client.pool_manager.request(
            method,
            url,
            body=orjson.dumps(body) if body is not None else None,
            headers=headers,
            timeout=30,
        )
        document = orjson.loads(answer.data or b"{}")
        if answer.status >= 400:
            raise Failure(
                answer.status,
                document.get("reason", ""),
                document.get("message", ""),
                document.get("details"),
            )
        return document

    def get(self, plural: str, namespace: str, name: str) -> Object | None:
        try:
            found: Object = self._call("GET", self._path(plural, namespace, name))
        except Failure as failure:
            if failure.code == 404:
                return None
            raise
        return found

    def list(self, plural: str, namespace: str | None = None) -> Many[Object]:
        kind = self.kind(plural)
        found: Many[Object] = self._call("GET", self._path(plural, namespace))["items"]
        return [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in found]

    def create(self, plural: str, namespace: str, document: Object) -> Object:
        made: Object = self._call("POST", self._path(plural, namespace), document)
        return made

    def update(self, plural: str, document: Object, subresource: str = "") -> Object:
        meta = document["metadata"]
        path = self._path(plural, meta.get("namespace"), meta["name"], subresource)
        made: Object = self._call("PUT", path, document)
        return made

    def patch(
        self, plural: str, namespace: str, name: str, patch: Object, subresource: str = ""
    ) -> Object:
        path = self._path(plural, namespace, name, subresource)
        made: Object = self._call("PATCH", path, patch, "application/merge-patch+json")
        return made

    def delete(self, plural: str, namespace: str, name: str, **options: Any) -> None:
        try:
            self._call("DELETE", self._path(plural, namespace, name), options or None)
        except Failure as failure:
            if failure.code != 404:
                raise

    def post(
        self, plural: str, namespace: str, name: str, subresource: str, document: Object
    ) -> Object:
        made: Object = self._call(
            "POST", self._path(plural, namespace, name, subresource), document
        )
        return made

    def hear(self, heard: Heard, plurals: set[str] | None) -> Callable[[], None]:
        if plurals is None:
            raise ValueError("Over HTTP the kinds to watch have to be named.")
        stopped = threading.Event()
        for plural in plurals:
            threading.Thread(target=self._watch, args=(plural, heard, stopped), daemon=True).start()
        return stopped.set

    def _watch(self, plural: str, heard: Heard, stopped: threading.Event) -> None:
        known: dict[tuple[str, str], Object] = {}
        while not stopped.is_set():
            try:
                listed = self._call("GET", self._path(plural, None))
                kind = self.kind(plural)
                fresh = {}
                for item in listed["items"]:
                    whole = {"apiVersion": kind.api_version, "kind": kind.kind, **item}
                    fresh[item["metadata"].get("namespace", ""), item["metadata"]["name"]] = whole
                for key, gone in known.items():
                    if key not in fresh:
                        heard("DELETED", plural, gone)
                for whole in fresh.values():
                    heard("ADDED", plural, whole)
                known = fresh
                self._stream(plural, listed["metadata"]["resourceVersion"], known, heard, stopped)
            except Exception:  # a server that is away: look again
                stopped.wait(0.5)

    def _stream(
        self,
        plural: str,
        version: str,
        known: dict[tuple[str, str], Object],
        heard: Heard,
        stopped: threading.Event,
    ) -> None:
        headers = {"Accept": "application/json"}
        headers |= self._bearer()
        query = f"watch=1&resourceVersion={version}&timeoutSeconds=20"
        url = f"{self.client.configuration.host}{self._path(plural, None)}?{query}"
        answer = self.client.rest_client.pool_manager.request(
            "GET", url, headers=headers, preload_content=False, timeout=30
        )
        rest = b""
        try:
            for chunk in answer.stream(65536):
                if stopped.is_set():
                    return
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        return
                    document = event["object"]
                    key = (document["metadata"].get("namespace", ""), document["metadata"]["name"])
                    if event["type"] == "DELETED":
                        known.pop(key, None)
                    else:
                        known[key] = document
                    heard(event["type"], plural, document)
        finally:
            answer.close()


def controller_of(document: Object, kind: str) -> str | None:
    """Return the name of the controller of an object, where that is of a kind."""
    for owner in document["metadata"].get("ownerReferences") or []:
        if owner.get("controller") and owner["kind"] == kind:
            return str(owner["name"])
    return None


def owner_reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_owned(document: Object, owner: Object) -> bool:
    uid = owner["metadata"]["uid"]
    return any(
        reference["uid"] == uid for reference in document["metadata"].get("ownerReferences") or []
    )


def is_ready(pod: Object) -> bool:
    return any(
        entry["type"] == "Ready" and entry["status"] == "True"
        for entry in (pod.get("status") or {}).get("conditions") or []
    )


def is_leaving(document: Object) -> bool:
    return bool(document["metadata"].get("deletionTimestamp"))


def phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", "Pending"))


def set_condition(status: Object, condition: Object, now: str) -> bool:
    """Set a condition, keeping the moment of its last transition where its status stays; tells
    whether it changed."""
    found = status.setdefault("conditions", [])
    for entry in found:
        if entry["type"] == condition["type"]:
            same = all(entry.get(key) == value for key, value in condition.items())
            if not same:
                moved = entry["status"] != condition["status"]
                entry.update(condition)
                if moved:
                    entry["lastTransitionTime"] = now
            return not same
    found.append({**condition, "lastTransitionTime": now})
    return True


def put_status(objects: Objects, plural: str, found: Object, status: Object) -> None:
    """Write a status where it differs from the one that is there."""
    if (found.get("status") or {}) != status:
        objects.update(plural, {**clone(found), "status": status}, "status")


__all__ = ["Failure", "InMemory", "Objects", "OverHttp", "clone"]
