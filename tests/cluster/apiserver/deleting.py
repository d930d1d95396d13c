"""Deletion: at once, after a grace, or when the last finalizer is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.cluster.apiserver.definitions import Definitions
from tests.cluster.apiserver.failures import Failure, about, not_found
from tests.cluster.apiserver.kinds import Kind, Registry
from tests.cluster.apiserver.reading import selector, shape
from tests.cluster.apiserver.requests import Reply, Request, decode
from tests.cluster.apiserver.store import Store, clone, stamp

Object = dict[str, Any]
CRD = ("apiextensions.k8s.io", "customresourcedefinitions")
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
# Kinds whose deletion answers with the object; all others answer with a Status.
SHOWN = frozenset(
    [
        "pods",
        "services",
        "serviceaccounts",
        "persistentvolumeclaims",
        "persistentvolumes",
        "podtemplates",
        "resourcequotas",
        "storageclasses",
        "namespaces",
    ]
)


@dataclass
class Deleter:
    """Deletes from one store. The caller holds the store's lock."""

    store: Store
    registry: Registry
    definitions: Definitions
    clock: Callable[[], float]

    def delete(self, request: Request) -> Reply:
        kind = request.kind
        found = self.store.get(kind.resource, request.namespace, request.name)
        if found is None:
            raise not_found(kind, request.name)
        options = decode(request.body, request.media) if request.body else {}
        return self.one(request, found, {**dict(request.query), **(options or {})})

    def collection(self, request: Request) -> Reply:
        kind = request.kind
        matches = selector(request)
        options = decode(request.body, request.media) if request.body else {}
        found = [
            item
            for item in self.store.list(kind.resource, request.namespace or None)
            if matches(item)
        ]
        for item in found:
            self.one(request, item, {**dict(request.query), **(options or {})})
        if not kind.custom:
            plain = ("kind", "apiVersion")
            found = [{key: item[key] for key in item if key not in plain} for item in found]
        version = {"resourceVersion": str(self.store.version)}
        return Reply(
            {
                "kind": kind.list_kind,
                "apiVersion": kind.api_version,
                "metadata": version,
                "items": found,
            }
        )

    def one(self, request: Request, found: Object, options: Object) -> Reply:
        kind, meta = request.kind, found["metadata"]
        wanted = options.get("preconditions") or {}
        for field_, name in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            if wanted.get(field_) and wanted[field_] != meta[field_]:
                raise _precondition(kind, meta["name"], name, wanted[field_], meta[field_])
        finalizers = _finalizers(kind, meta.get("finalizers") or [], options)
        grace = self._grace(kind, found, options)
        document = clone(found)
        document["metadata"]["finalizers"] = finalizers
        if not finalizers:
            del document["metadata"]["finalizers"]
        if kind.resource == CRD and not request.is_dry_run:
            return Reply(self._undefine(request, document))
        if kind.resource == ("", "namespaces"):
            document["status"] = {**document.get("status", {}), "phase": "Terminating"}
        if not is_held(kind, document) and not grace:
            if kind.resource == ("", "pods"):
                self._mark(document, 0)
            last = document if request.is_dry_run else self.store.remove(kind.resource, document)
            self.finish_definition(kind)
            return Reply(shape(last, kind) if kind.plural in SHOWN else _success(kind, meta))
        marked = document["metadata"]
        if not meta.get("deletionTimestamp"):
            self._mark(document, grace or 0)
            if kind.resource == ("", "namespaces"):
                del marked["deletionGracePeriodSeconds"]
        elif grace is not None and grace < marked.get("deletionGracePeriodSeconds", 0):
            marked["deletionGracePeriodSeconds"] = grace
        if not is_held(kind, document) and not request.is_dry_run:
            return Reply(shape(self.store.remove(kind.resource, document), kind))
        code = 202 if options.get("orphanDependents") in (False, "false") else 200
        if request.is_dry_run or document == found:
            return Reply(shape(document, kind), code)
        return Reply(shape(self.store.put(kind.resource, document), kind), code)

    def _mark(self, document: Object, grace: int) -> None:
        meta = document["metadata"]
        meta.setdefault("deletionTimestamp", stamp(self.clock() + grace))
        meta["deletionGracePeriodSeconds"] = grace
        if meta.get("generation"):
            meta["generation"] += 1

    def _undefine(self, request: Request, document: Object) -> Object:
        """Begin the end of a definition: its objects go first, it follows when they are gone."""
        meta, now = document["metadata"], stamp(self.clock())
        if meta.get("deletionTimestamp"):
            return document
        meta["deletionTimestamp"] = now
        meta["finalizers"] = [*(meta.get("finalizers") or []), CLEANUP]
        told = (
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        )
        document["status"]["conditions"] += [
            {
                "type": "Terminating",
                "status": "True",
                "reason": "InstanceDeletionPending",
                "message": told,
                "lastTransitionTime": now,
            }
        ]
        marked = self.store.put(CRD, document)
        spec = document["spec"]
        kind = self.registry.any_version(spec["group"], spec["names"]["plural"])
        if kind is None:
            self.store.remove(CRD, {**marked, "metadata": {**marked["metadata"]}})
            return marked
        for item in self.store.list(kind.resource):
            namespace, name = item["metadata"].get("namespace", ""), item["metadata"]["name"]
            self.one(replace(request, kind=kind, namespace=namespace, name=name), item, {})
        self.finish_definition(kind)
        return marked

    def finish_definition(self, kind: Kind) -> None:
        """End a definition that waited for the last of its objects to go."""
        if not kind.custom or self.store.list(kind.resource):
            return
        found = self.store.get(CRD, "", kind.qualified)
        if found is not None and found["metadata"].get("deletionTimestamp"):
            self.definitions.remove(found)
            self.store.remove(CRD, found)

    @staticmethod
    def _grace(kind: Kind, found: Object, options: Object) -> int | None:
        """How long a pod may take to stop; None for what stops at once."""
        if kind.resource != ("", "pods"):
            return None
        spec, status = found.get("spec") or {}, found.get("status") or {}
        asked = options.get("gracePeriodSeconds")
        grace = int(asked if asked is not None else spec.get("terminationGracePeriodSeconds", 30))
        if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
            return 0
        return grace


def is_held(kind: Kind, document: Object) -> bool:
    if document["metadata"].get("finalizers"):
        return True
    if kind.resource == ("", "namespaces"):
        return bool((document.get("spec") or {}).get("finalizers"))
    # A pod that is stopping stays until its kubelet says that it has stopped.
    return kind.resource == ("", "pods") and bool(
        document["metadata"].get("deletionGracePeriodSeconds")
    )


def _finalizers(kind: Kind, found: list[str], options: Object) -> list[str]:
    """Work out the finalizers of an object that is deleted: its own, and the collector's."""
    policy = options.get("propagationPolicy")
    orphan = options.get("orphanDependents")
    if policy is None and orphan is not None:
        policy = "Orphan" if orphan in (True, "true") else "Background"
    kept = [name for name in found if name not in ("orphan", "foregroundDeletion")]
    if policy is None:
        if "orphan" in found or "foregroundDeletion" in found:
            return found
        # For the sake of old clients jobs leave their pods behind unless they are told otherwise.
        policy = "Orphan" if kind.resource == ("batch", "jobs") else "Background"
    if policy == "Orphan":
        return [*kept, "orphan"]
    if policy == "Foreground":
        return [*kept, "foregroundDeletion"]
    return kept


def _success(kind: Kind, meta: Object) -> Object:
    details = {"name": meta["name"], "group": kind.group, "kind": kind.plural, "uid": meta["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }


def _precondition(kind: Kind, name: str, what: str, said: str, found: str) -> Failure:
    happened = "deleted and then recreated" if what == "UID" else "modified"
    told = (
        f'Operation cannot be fulfilled on {kind.kind} "{name}": the {what} in the precondition '
        f"({said}) does not match the {what} in record ({found}). The object might have been "
        f"{happened}"
    )
    return Failure(409, "Conflict", told, about(kind, name, by_kind=True))
