"""The garbage collector, and the controller that empties namespaces and gives new ones what belongs
there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.cluster.actors.manager import Key
from tests.cluster.actors.objects import Failure, InMemory, is_leaving

Object = dict[str, Any]


class GarbageCollector:
    """Deletes what lost its owners; lets foreground deletions wait, and orphans what shall stay."""

    name = "garbage-collector"
    plurals = None

    def __init__(self, objects: InMemory) -> None:
        self.objects = objects
        self.dependents: dict[str, set[tuple[str, str, str]]] = {}  # of each uid of an owner

    def keys(self, event: str, plural: str, document: Object) -> Iterator[Key]:
        meta = document["metadata"]
        place = (plural, meta.get("namespace") or "", meta["name"])
        owners = meta.get("ownerReferences") or []
        for owner in owners:
            if event == "DELETED":
                self.dependents.get(owner["uid"], set()).discard(place)
            else:
                self.dependents.setdefault(owner["uid"], set()).add(place)
        if event == "DELETED":
            yield from tuple(self.dependents.get(meta["uid"], ()))
            for owner in owners:
                yield (
                    "owner",
                    owner["uid"],
                    meta.get("namespace") or "",
                    owner["apiVersion"],
                    owner["kind"],
                    owner["name"],
                )
        elif (event == "ADDED" and owners) or is_leaving(document):
            yield place

    def reconcile(self, key: Key) -> float | None:
        if key[0] == "owner":
            _, uid, namespace, version, kind, name = key
            found = self._find(
                {"apiVersion": version, "kind": kind, "name": name, "uid": uid}, namespace
            )
            if found is not None and is_leaving(found[1]):
                self._finish(found[0], found[1])
            return None
        plural, namespace, name = key
        document = self.objects.get(plural, namespace, name)
        if document is None:
            return None
        if is_leaving(document):
            self._finish(plural, document)
            return None
        owners = document["metadata"].get("ownerReferences") or []
        alive = [
            owner
            for owner in owners
            if (found := self._find(owner, namespace)) and not self._goes_first(found[1])
        ]
        if owners and not alive:
            waits = [owner for owner in owners if self._find(owner, namespace)]
            policy = "Foreground" if waits and self._has_dependents(document) else "Background"
            same = {"uid": document["metadata"]["uid"]}
            self.objects.delete(
                plural, namespace, name, propagationPolicy=policy, preconditions=same
            )
        elif len(alive) < len(owners) and not any(
            self._find(owner, namespace) for owner in owners if owner not in alive
        ):
            meta: Object = {"ownerReferences": alive}
            self.objects.patch(plural, namespace, name, {"metadata": meta})
        return None

    @staticmethod
    def _goes_first(owner: Object) -> bool:
        return is_leaving(owner) and "foregroundDeletion" in (
            owner["metadata"].get("finalizers") or []
        )

    def _has_dependents(self, document: Object) -> bool:
        return bool(self.dependents.get(document["metadata"]["uid"]))

    def _find(self, owner: Object, namespace: str) -> tuple[str, Object] | None:
        kind = self.objects.api.registry.of(owner["apiVersion"], owner["kind"])
        if kind is None:  # another version of the kind, perhaps
            group = owner["apiVersion"].rpartition("/")[0]
            same = [
                one
                for one in self.objects.api.registry.kinds.values()
                if (one.group, one.kind) == (group, owner["kind"])
            ]
            if not same:
                return None
            kind = same[0]
        found = self.objects.api.store.get(
            kind.resource, namespace if kind.namespaced else "", owner["name"]
        )
        if found is None or found["metadata"]["uid"] != owner["uid"]:
            return None
        return kind.qualified, found

    def _finish(self, plural: str, document: Object) -> None:
        """Do what the collector's own finalizers on an object that is deleted wait for."""
        meta = document["metadata"]
        finalizers = meta.get("finalizers") or []
        places = tuple(self.dependents.get(meta["uid"], ()))
        if "orphan" in finalizers:
            for other, namespace, name in places:
                dependent = self.objects.get(other, namespace, name)
                if dependent is not None:
                    kept = [
                        one
                        for one in dependent["metadata"].get("ownerReferences") or []
                        if one["uid"] != meta["uid"]
                    ]
                    self.objects.patch(
                        other, namespace, name, {"metadata": {"ownerReferences": kept or None}}
                    )
            self._release(plural, document, "orphan")
        elif "foregroundDeletion" in finalizers:
            blocking = False
            for other, namespace, name in places:
                dependent = self.objects.get(other, namespace, name)
                if dependent is None:
                    continue
                mine = [
                    one
                    for one in dependent["metadata"].get("ownerReferences") or []
                    if one["uid"] == meta["uid"]
                ]
                blocking = blocking or any(one.get("blockOwnerDeletion") for one in mine)
                if not is_leaving(dependent):
                    self.reconcile((other, namespace, name))
                    blocking = blocking and self.objects.get(other, namespace, name) is not None
            if not blocking:
                self._release(plural, document, "foregroundDeletion")

    def _release(self, plural: str, document: Object, finalizer: str) -> None:
        meta = document["metadata"]
        found = self.objects.get(plural, meta.get("namespace") or "", meta["name"])
        if found is None or found["metadata"]["uid"] != meta["uid"]:
            return
        kept = [name for name in found["metadata"].get("finalizers") or [] if name != finalizer]
        patch = {
            "metadata": {
                "finalizers": kept or None,
                "resourceVersion": found["metadata"]["resourceVersion"],
            }
        }
        self.objects.patch(plural, meta.get("namespace") or "", meta["name"], patch)


class Namespaces:
    """Gives a new namespace its service account and root certificate; empties one
    that is deleted."""

    name = "namespaces"
    plurals = None

    def __init__(self, objects: InMemory, certificate: str = "") -> None:
        self.objects = objects
        self.certificate = certificate

    def keys(self, event: str, plural: str, document: Object) -> Iterable[Key]:
        meta = document["metadata"]
        if plural == "namespaces":
            return [(meta["name"],)]
        return [(meta["namespace"],)] if event == "DELETED" and meta.get("namespace") else []

    def reconcile(self, key: Key) -> float | None:
        (name,) = key
        namespace = self.objects.get("namespaces", "", name)
        if namespace is None:
            return None
        if not is_leaving(namespace):
            self._furnish(name)
            return None
        left = 0
        for kind in self.objects.api.registry.namespaced():
            for document in self.objects.list(kind.qualified, name):
                left += 1
                if not is_leaving(document):
                    self.objects.delete(
                        kind.qualified,
                        name,
                        document["metadata"]["name"],
                        propagationPolicy="Background",
                    )
        if any(
            self.objects.list(kind.qualified, name)
            for kind in self.objects.api.registry.namespaced()
        ):
            return None  # heard of again when they are gone
        if "kubernetes" in (namespace.get("spec") or {}).get("finalizers", []):
            rest = [one for one in namespace["spec"]["finalizers"] if one != "kubernetes"]
            kind = self.objects.kind("namespaces")
            body = {**namespace, "spec": {"finalizers": rest}}
            self.objects.api.do("update", kind, "", name, body, subresource="finalize")
        return None

    def _furnish(self, namespace: str) -> None:
        if self.objects.get("serviceaccounts", namespace, "default") is None:
            self._create("serviceaccounts", namespace, {"metadata": {"name": "default"}})
        if self.objects.get("configmaps", namespace, "kube-root-ca.crt") is None:
            root = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": self.certificate}}
            self._create("configmaps", namespace, root)

    def _create(self, plural: str, namespace: str, document: Object) -> None:
        try:
            self.objects.create(plural, namespace, document)
        except Failure as failure:
            if failure.code not in (403, 404, 409):
                raise
