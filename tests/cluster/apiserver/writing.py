"""Writing: create, update and patch, each as one step that all checks must pass before it is
stored."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.cluster.apiserver import applying, definitions, patches, rules
from tests.cluster.apiserver.admission import Admission
from tests.cluster.apiserver.deleting import CRD, Deleter, is_held
from tests.cluster.apiserver.failures import (
    Failure,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    not_found,
    required,
    unprocessable,
)
from tests.cluster.apiserver.kinds import Registry
from tests.cluster.apiserver.preparing import prepare_create, prepare_update
from tests.cluster.apiserver.reading import shape
from tests.cluster.apiserver.requests import Reply, Request, decode
from tests.cluster.apiserver.shaping import Shaper
from tests.cluster.apiserver.store import Store, clone, stamp

Object = dict[str, Any]
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass
class Writer:
    """Writes to one store. The caller holds the store's lock."""

    store: Store
    registry: Registry
    definitions: definitions.Definitions
    admission: Admission
    clock: Callable[[], float]
    random: random.Random

    def __post_init__(self) -> None:
        self.shaper = Shaper(self.definitions)
        self.deleter = Deleter(self.store, self.registry, self.definitions, self.clock)

    def now(self) -> str:
        return stamp(self.clock())

    # -- create

    def create(self, request: Request) -> Reply:
        return Reply(self.create_object(request, request.document()), 201)

    def create_object(
        self, request: Request, document: Object, entry: Object | None = None
    ) -> Object:
        kind = request.kind
        self.shaper.agree(request, document)
        meta = document.setdefault("metadata", {})
        if meta.get("resourceVersion"):
            told = "resourceVersion should not be set on objects to be created"
            raise Failure(500, "", told)
        if kind.namespaced:
            self._require_namespace(request)
            meta["namespace"] = request.namespace
        else:
            meta.pop("namespace", None)
        if not meta.get("name") and (prefix := meta.get("generateName")):
            suffix = "".join(self.random.choices(ALPHABET, k=5))
            meta["name"] = prefix[: 63 - len(suffix)] + suffix
        if not meta.get("name"):
            raise unprocessable(
                kind, "", [required("metadata.name", "name or generateName is required")]
            )
        if kind.namespaced:
            self._require_open(request, meta["name"])
        meta["uid"] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        meta["creationTimestamp"] = self.now()
        for name in (
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "generation",
            "managedFields",
        ):
            meta.pop(name, None)
        if "status" in kind.subresources:
            document.pop("status", None)
        self.shaper.shape(request, document)
        if (count := rules.generation(kind, None, document)) is not None:
            meta["generation"] = count
        prepare_create(kind, document)
        self.admission.mutate(request, document)
        self.shaper.check(kind, document)
        self.admission.validate(request, None, document)
        self.track(request, None, document, entry)
        if self.store.get(kind.resource, request.namespace, meta["name"]) is not None:
            raise already_exists(kind, meta["name"])
        if request.is_dry_run:
            return document
        if kind.resource == CRD:
            document["status"] = definitions.pending(document)
        stored = self.store.put(kind.resource, document)
        if kind.resource == CRD:
            self._establish(stored)
        return stored

    def _require_namespace(self, request: Request) -> None:
        namespace = self.store.get(("", "namespaces"), "", request.namespace)
        kind = self.registry.find("", "v1", "namespaces")
        assert kind is not None
        if namespace is None:
            raise not_found(kind, request.namespace)

    def _require_open(self, request: Request, name: str) -> None:
        """Refuse what is to be made in a namespace that goes."""
        namespace = self.store.get(("", "namespaces"), "", request.namespace) or {"metadata": {}}
        if namespace["metadata"].get("deletionTimestamp"):
            told = (
                f"unable to create new content in namespace {request.namespace} because "
                "it is being terminated"
            )
            failure = forbidden(request.kind, name, told)
            failure.details = {
                **(failure.details or {}),
                "causes": [
                    {
                        "reason": "NamespaceTerminating",
                        "message": f"namespace {request.namespace} is being terminated",
                        "field": "metadata.namespace",
                    }
                ],
            }
            raise failure

    def _establish(self, definition: Object) -> Object:
        self.definitions.install(definition)
        served = {**clone(definition), "status": definitions.accepted(definition, self.now())}
        return self.store.put(CRD, served)

    # -- update

    def update(self, request: Request) -> Reply:
        document = request.document()
        self.shaper.agree(request, document)
        before = self.store.get(request.kind.resource, request.namespace, request.name)
        if before is None:
            raise not_found(request.kind, request.name)
        name = (document.get("metadata") or {}).get("name")
        if name != request.name:
            raise bad_request(
                f"the name of the object ({name or ''}) does not match the name on the URL "
                f"({request.name})"
            )
        if request.kind.custom and not document["metadata"].get("resourceVersion"):
            raise _unversioned(request)
        return Reply(self.update_object(request, before, document))

    def update_object(
        self, request: Request, before: Object, document: Object, applied: bool = False
    ) -> Object:
        """Store a new state of an object; `applied` says its managed fields are
        already worked out."""
        kind = request.kind
        before = shape(before, kind)
        meta, former = document.setdefault("metadata", {}), before["metadata"]
        if (version := meta.get("resourceVersion")) and version != former["resourceVersion"]:
            raise conflict(kind, request.name)
        if (uid := meta.get("uid")) and uid != former["uid"]:
            raise conflict(kind, request.name, _other_uid(request, uid, former["uid"]))
        managed = meta.get("managedFields")
        if request.subresource == "status":
            notes = meta.get("annotations")
            document = {**before, "status": document.get("status", {})}
            document = clone(document)
            meta = document["metadata"]
            if kind.resource == ("apps", "deployments") and notes:
                meta["annotations"] = notes  # where its controller notes the revision
        elif "status" in kind.subresources:
            document.pop("status", None)
            if "status" in before:
                document["status"] = before["status"]
            document = clone(document)
            meta = document["metadata"]
        for name in (
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generateName",
            "selfLink",
        ):
            meta.pop(name, None)
            if name in former:
                meta[name] = former[name]
        meta["resourceVersion"] = former["resourceVersion"]
        meta["name"] = former["name"]
        if "namespace" in former:
            meta["namespace"] = former["namespace"]
        self.shaper.shape(request, document)
        if request.subresource != "status":
            prepare_update(kind, before, document)
        meta.pop("generation", None)
        if request.subresource == "status":
            count = former.get("generation")
        else:
            count = rules.generation(kind, before, document)
        if count is not None:
            meta["generation"] = count
        changes = rules.check_change(kind, before, document)
        self.shaper.check(kind, document, request.subresource, changes)
        self.admission.validate(request, before, document)
        if applied:
            meta["managedFields"] = [
                {**entry, "time": entry.get("time") or self.now()} for entry in managed or []
            ]
        else:
            self.track(request, before, document, None)
        if _same(before, document, with_fields=applied):
            return before
        if request.is_dry_run:
            return document
        if meta.get("deletionTimestamp") and not is_held(kind, document):
            last = self.store.remove(kind.resource, document)
            self.deleter.finish_definition(kind)
            return last
        stored = self.store.put(kind.resource, document)
        served_anew = kind.resource == CRD and stored["spec"] != before["spec"]
        return self._establish(stored) if served_anew else stored

    # -- patch

    def patch(self, request: Request) -> Reply:
        kind, media = request.kind, request.media
        before = self.store.get(kind.resource, request.namespace, request.name)
        if "apply-patch" in media:
            return self._apply(request, before)
        if before is None:
            raise not_found(kind, request.name)
        before = shape(before, kind)
        body = decode(request.body, "application/json")
        if "json-patch" in media:
            document = patches.json_patch(before, body)
        elif "strategic-merge-patch" in media:
            if kind.custom:
                raise _no_strategic()
            document = patches.strategic(before, body, self.shaper.schema(kind))
        elif "merge-patch" in media:
            document = patches.merge(before, body)
        else:
            raise Failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
        document = clone(document)
        self.shaper.agree(request, document)
        return Reply(self.update_object(request, before, document))

    def _apply(self, request: Request, before: Object | None) -> Reply:
        kind = request.kind
        applied = decode(request.body, "yaml")
        if not request.query.get("fieldManager"):
            cause = required("fieldManager", "is required for apply patch")
            raise Failure(
                422,
                "Invalid",
                f'PatchOptions.meta.k8s.io "" is invalid: {cause}',
                {
                    "group": "meta.k8s.io",
                    "kind": "PatchOptions",
                    "causes": [
                        {"reason": cause.reason, "message": cause.message, "field": cause.field}
                    ],
                },
            )
        self.shaper.agree(request, applied)
        meta = applied.setdefault("metadata", {})
        if meta.get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        if (name := meta.get("name")) and name != request.name:
            raise bad_request(
                f"the name of the object ({name}) does not match the name on the URL "
                f"({request.name})"
            )
        entry = self.entry(request, "Apply")
        schema = self.shaper.schema(kind)
        if schema is not None:
            self.shaper.prune(request, applied, schema)
        if before is None:
            if request.subresource or meta.get("uid"):
                raise not_found(kind, request.name)
            meta["name"] = request.name
            made = self.create_object(request, clone(applied), {**entry, "applied": applied})
            return Reply(made, 201)
        if (version := meta.get("resourceVersion")) and version != before["metadata"][
            "resourceVersion"
        ]:
            raise conflict(kind, request.name)
        before = shape(before, kind)
        merged = applying.apply(before, applied, kind, schema, entry, force=request.flag("force"))
        return Reply(self.update_object(request, before, clone(merged), applied=True))

    # -- what all share

    def entry(self, request: Request, operation: str) -> Object:
        entry: Object = {
            "manager": request.manager,
            "operation": operation,
            "apiVersion": request.kind.api_version,
            "time": self.now(),
        }
        if request.subresource in ("status", "scale"):
            entry["subresource"] = request.subresource
        return entry

    def track(
        self, request: Request, before: Object | None, after: Object, entry: Object | None
    ) -> None:
        schema = self.shaper.schema(request.kind)
        if entry is None:
            applying.track(before, after, request.kind, schema, self.entry(request, "Update"))
            return
        applied = entry.pop("applied")
        fields = applying.reset(applying.fields_of(applied, schema), request.kind, "")
        after["metadata"]["managedFields"] = [
            {**entry, "fieldsType": "FieldsV1", "fieldsV1": fields}
        ]


def _no_strategic() -> Failure:
    told = (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )
    return Failure(415, "UnsupportedMediaType", told)


def _unversioned(request: Request) -> Failure:
    kind, name = request.kind, request.name
    cause = invalid("metadata.resourceVersion", "0", "must be specified for an update")
    failure = unprocessable(kind, name, [cause])
    failure.message = f'{kind.qualified} "{name}" is invalid: {cause}'
    failure.details = {**(failure.details or {}), "kind": kind.plural}
    return failure


def _other_uid(request: Request, said: str, found: str) -> str:
    kind = request.kind
    group = f"{kind.group}/" if kind.custom else ""
    key = f"/registry/{group}{kind.plural}/{request.namespace}/{request.name}"
    return (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
        f"AdditionalErrorMsg: Precondition failed: UID in precondition: {said}, "
        f"UID in object meta: {found}"
    )


def _same(before: Object, after: Object, *, with_fields: bool) -> bool:
    """Tell whether a write changes nothing (then it is none: no version, no event)."""

    def plain(document: Object) -> Object:
        meta = {key: part for key, part in document["metadata"].items() if key != "managedFields"}
        if with_fields:
            meta["managedFields"] = [
                {key: part for key, part in entry.items() if key != "time"}
                for entry in document["metadata"].get("managedFields") or []
            ]
        return {
            **document,
            "metadata": {key: part for key, part in meta.items() if part not in ({}, [])},
        }

    return plain(before) == plain(after)


__all__ = ["Writer", "stamp"]
