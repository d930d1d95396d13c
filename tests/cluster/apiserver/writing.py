"""Writing:

create, update, patch and delete, each as one step that all checks must pass before it is stored.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.cluster.apiserver import applying, defaults, definitions, models, patches, rules, schemas
from tests.cluster.apiserver.admission import Admission
from tests.cluster.apiserver.failures import (
    Failure,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    not_allowed,
    not_found,
    required,
    unprocessable,
)
from tests.cluster.apiserver.kinds import Kind, Registry
from tests.cluster.apiserver.reading import selector, shape
from tests.cluster.apiserver.requests import Reply, Request, decode
from tests.cluster.apiserver.schemas import Schema
from tests.cluster.apiserver.store import Store, clone

Object = dict[str, Any]
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
CRD = ("apiextensions.k8s.io", "customresourcedefinitions")
# Kinds whose deletion answers with the object; all others answer with a Status.
SHOWN_WHEN_DELETED = frozenset(
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


def stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Writer:
    """Writes to one store. The caller holds the store's lock."""

    store: Store
    registry: Registry
    definitions: definitions.Definitions
    admission: Admission
    clock: Callable[[], float]
    random: random.Random
    warnings: list[str] = field(default_factory=list)

    def now(self) -> str:
        return stamp(self.clock())

    def schema(self, kind: Kind) -> Schema | None:
        return self.definitions.schemas.get(kind) if kind.custom else models.schema_of(kind)

    # -- create

    def create(self, request: Request) -> Reply:
        return Reply(self.create_object(request, request.document()), 201)

    def create_object(
        self, request: Request, document: Object, entry: Object | None = None
    ) -> Object:
        kind = request.kind
        self._agree(request, document)
        meta = document.setdefault("metadata", {})
        if meta.get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
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
        self._shape(request, document)
        if (count := rules.generation(kind, None, document)) is not None:
            meta["generation"] = count
        prepare_create(kind, document)
        self.admission.mutate(request, document)
        self._check(kind, document)
        self.admission.validate(request, None, document)
        self.track(request, None, document, entry)
        if self.store.get(kind.resource, request.namespace, meta["name"]) is not None:
            raise already_exists(kind, meta["name"])
        if request.is_dry_run:
            return document
        stored = self.store.put(kind.resource, document)
        self.admission.created(kind, stored)
        if kind.resource == CRD:
            return self._establish(stored)
        return stored

    def _require_namespace(self, request: Request) -> None:
        namespace = self.store.get(("", "namespaces"), "", request.namespace)
        kind = self.registry.find("", "v1", "namespaces")
        assert kind is not None
        if namespace is None:
            raise not_found(kind, request.namespace)
        if namespace["metadata"].get("deletionTimestamp"):
            told = (
                f"unable to create new content in namespace {request.namespace} because "
                "it is being terminated"
            )
            failure = forbidden(request.kind, request.name, told)
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
        self._agree(request, document)
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
            cause = invalid("metadata.resourceVersion", "0x0", "must be specified for an update")
            raise unprocessable(request.kind, request.name, [cause])
        return Reply(self.update_object(request, before, document))

    def update_object(
        self, request: Request, before: Object, document: Object, applied: bool = False
    ) -> Object:
        """Store a new state of an object;

        `applied` says its managed fields are already worked out.
        """
        kind = request.kind
        before = shape(before, kind)
        meta, former = document.setdefault("metadata", {}), before["metadata"]
        if (version := meta.get("resourceVersion")) and version != former["resourceVersion"]:
            raise conflict(kind, request.name)
        if (uid := meta.get("uid")) and uid != former["uid"]:
            told = (
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: "
                f"{former['uid']}"
            )
            raise conflict(kind, request.name, told)
        managed = meta.get("managedFields")
        if request.subresource == "status":
            document = {**before, "status": document.get("status", {})}
            document = clone(document)
            meta = document["metadata"]
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
        self._shape(request, document)
        if request.subresource != "status":
            prepare_update(kind, before, document)
        meta.pop("generation", None)
        if (count := rules.generation(kind, before, document)) is not None:
            meta["generation"] = count
        self._check(kind, document, request.subresource)
        if causes := rules.check_change(kind, before, document):
            raise unprocessable(kind, request.name, causes)
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
        if meta.get("deletionTimestamp") and not self._is_held(kind, document):
            return self.store.remove(kind.resource, document)
        stored = self.store.put(kind.resource, document)
        served_anew = kind.resource == CRD and stored["spec"] != before["spec"]
        return self._establish(stored) if served_anew else stored

    @staticmethod
    def _is_held(kind: Kind, document: Object) -> bool:
        if document["metadata"].get("finalizers"):
            return True
        if kind.resource == ("", "namespaces"):
            return bool((document.get("spec") or {}).get("finalizers"))
        # A pod that is stopping stays until its kubelet says that it has stopped.
        return kind.resource == ("", "pods") and bool(
            document["metadata"].get("deletionGracePeriodSeconds")
        )

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
                raise unsupported_media(
                    "application/json-patch+json, application/merge-patch+json, "
                    "application/apply-patch+yaml"
                )
            document = patches.strategic(before, body, self.schema(kind))
        elif "merge-patch" in media:
            document = patches.merge(before, body)
        else:
            raise unsupported_media(
                "application/json-patch+json, application/merge-patch+json, "
                "application/strategic-merge-patch+json, "
                "application/apply-patch+yaml"
            )
        document = clone(document)
        self._agree(request, document)
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
        self._agree(request, applied)
        meta = applied.setdefault("metadata", {})
        if meta.get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        if (name := meta.get("name")) and name != request.name:
            raise bad_request(
                f"the name of the object ({name}) does not match the name on the URL "
                f"({request.name})"
            )
        entry = self.entry(request, "Apply")
        schema = self.schema(kind)
        if schema is not None:
            self._prune(request, applied, schema)
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

    # -- delete

    def delete(self, request: Request) -> Reply:
        kind = request.kind
        found = self.store.get(kind.resource, request.namespace, request.name)
        if found is None:
            raise not_found(kind, request.name)
        options = decode(request.body, request.media) if request.body else {}
        return self._delete(request, found, {**dict(request.query), **(options or {})})

    def delete_collection(self, request: Request) -> Reply:
        kind = request.kind
        matches = selector(request)
        options = decode(request.body, request.media) if request.body else {}
        found = [
            item
            for item in self.store.list(kind.resource, request.namespace or None)
            if matches(item)
        ]
        for item in found:
            self._delete(request, item, {**dict(request.query), **(options or {})})
        version = {"resourceVersion": str(self.store.version)}
        return Reply(
            {
                "kind": kind.list_kind,
                "apiVersion": kind.api_version,
                "metadata": version,
                "items": found,
            }
        )

    def _delete(self, request: Request, found: Object, options: Object) -> Reply:
        kind, meta = request.kind, found["metadata"]
        wanted = options.get("preconditions") or {}
        for field_, name in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            if wanted.get(field_) and wanted[field_] != meta[field_]:
                told = (
                    f"Precondition failed: {name} in precondition: {wanted[field_]}, "
                    f"{name} in object meta: {meta[field_]}"
                )
                raise conflict(kind, meta["name"], told)
        finalizers = _finalizers(kind, meta.get("finalizers") or [], options)
        grace = self._grace(kind, found, options)
        document = clone(found)
        document["metadata"]["finalizers"] = finalizers
        if not finalizers:
            del document["metadata"]["finalizers"]
        if kind.resource == ("", "namespaces"):
            document["status"] = {**document.get("status", {}), "phase": "Terminating"}
        if not self._is_held(kind, document) and not grace:
            last = document if request.is_dry_run else self.store.remove(kind.resource, document)
            if kind.resource == CRD and not request.is_dry_run:
                self.definitions.remove(last)
            return Reply(
                shape(last, kind) if kind.plural in SHOWN_WHEN_DELETED else _success(kind, meta)
            )
        marked = document["metadata"]
        if not meta.get("deletionTimestamp"):
            marked["deletionTimestamp"] = stamp(self.clock() + (grace or 0))
            marked["deletionGracePeriodSeconds"] = grace or 0
            if marked.get("generation"):
                marked["generation"] += 1
        elif grace is not None and grace < marked.get("deletionGracePeriodSeconds", 0):
            marked["deletionGracePeriodSeconds"] = grace
        if not self._is_held(kind, document) and not request.is_dry_run:
            return Reply(shape(self.store.remove(kind.resource, document), kind))
        code = 202 if options.get("orphanDependents") in (False, "false") else 200
        if request.is_dry_run or document == found:
            return Reply(shape(document, kind), code)
        return Reply(shape(self.store.put(kind.resource, document), kind), code)

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
        schema = self.schema(request.kind)
        if entry is None:
            applying.track(before, after, request.kind, schema, self.entry(request, "Update"))
            return
        applied = entry.pop("applied")
        fields = applying.reset(applying.fields_of(applied, schema), request.kind, "")
        after["metadata"]["managedFields"] = [
            {**entry, "fieldsType": "FieldsV1", "fieldsV1": fields}
        ]

    def _agree(self, request: Request, document: Object) -> None:
        """Check that what a body says of itself is what its path says."""
        kind = request.kind
        said_version, said_kind = document.get("apiVersion"), document.get("kind")
        if request.subresource not in ("", "status"):
            return
        if not said_version and not said_kind and not kind.custom:
            document["apiVersion"], document["kind"] = kind.api_version, kind.kind
        elif (said_version, said_kind) != (kind.api_version, kind.kind):
            if not said_version or not said_kind:
                raise bad_request(f"Object 'Kind' is missing in '{document}'")
            raise bad_request(
                (
                    f"the API version in the data ({said_version}) does not match the expected "
                    f"API version ({kind.api_version})"
                )
                if said_kind == kind.kind
                else (
                    f"{said_kind} in version {said_version.rpartition('/')[2]!r} cannot "
                    f"be handled as a {kind.kind}"
                )
            )
        namespace = (document.get("metadata") or {}).get("namespace")
        if kind.namespaced and namespace and namespace != request.namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on "
                "the request"
            )

    def _prune(self, request: Request, document: Object, schema: Schema) -> None:
        unknown = schemas.prune(document, schema)
        mode = request.query.get("fieldValidation") or "Warn"
        if unknown and mode == "Strict":
            listed = ", ".join(f'unknown field "{path}"' for path in unknown)
            kind = request.kind
            told = (
                f'{kind.kind} in version "{kind.version}" cannot be handled as a '
                f"{kind.kind}: strict decoding error: {listed}"
            )
            raise bad_request(told)
        if unknown and mode == "Warn":
            self.warnings += [f'unknown field "{path}"' for path in unknown]

    def _shape(self, request: Request, document: Object) -> None:
        """Bring a document into the form of its kind: known fields, no nulls, defaults."""
        kind = request.kind
        schema = self.schema(kind)
        if schema is not None:
            self._prune(request, document, schema)
            schemas.drop_nulls(document, schema)
            if kind.custom:
                schemas.fill(document, schema)
            else:
                self._check_types(kind, document, schema)
        if not kind.custom:
            defaults.fill(kind.kind, document)

    @staticmethod
    def _check_types(kind: Kind, document: Object, schema: Schema) -> None:
        for cause in schemas.check(document, schema):
            if cause.reason == "FieldValueTypeInvalid":
                found = cause.message.split('"')[1]
                wanted = cause.message.split("must be of type ")[-1].split(":")[0]
                shown = {"integer": "number", "boolean": "bool"}.get(found, found)
                raise bad_request(
                    f'{kind.kind} in version "{kind.version}" cannot be handled as a '
                    f"{kind.kind}: json: cannot unmarshal "
                    f"{shown} into Go struct field {kind.kind}.{cause.field} of type {wanted}"
                )

    def _check(self, kind: Kind, document: Object, subresource: str = "") -> None:
        causes = rules.check_meta(kind, document)
        schema = self.schema(kind)
        if kind.custom and schema is not None:
            causes += schemas.check(document, schema)
        elif schema is not None and subresource != "status":
            checked = {
                key: part for key, part in document.items() if key not in ("status", "metadata")
            }
            causes += [
                cause for cause in schemas.check(checked, schema) if cause.field != "metadata"
            ]
            causes += [cause for cause in rules.check_spec(kind, document) if cause not in causes]
        if kind.resource == CRD:
            causes += definitions.check(document)
        if causes:
            raise unprocessable(kind, document["metadata"]["name"], causes)


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


def unsupported_media(accepted: str) -> Failure:
    told = (
        "the body of the request was in an unknown format - accepted media types "
        f"include: {accepted}"
    )
    return Failure(415, "UnsupportedMediaType", told, {})


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


def prepare_create(kind: Kind, document: Object) -> None:
    """Fill in what the server itself gives a new object."""
    meta = document["metadata"]
    spec = document.get("spec") or {}
    if kind.kind == "Namespace":
        document["spec"] = {
            **spec,
            "finalizers": [*dict.fromkeys([*spec.get("finalizers", []), "kubernetes"])],
        }
        document["status"] = {"phase": "Active"}
    elif kind.kind == "Pod":
        document["status"] = {"phase": "Pending", "qosClass": _quality(spec)}
    elif kind.kind == "PersistentVolumeClaim":
        document["status"] = {"phase": "Pending"}
        meta.setdefault("finalizers", []).append("kubernetes.io/pvc-protection")
    elif kind.kind == "Job" and not spec.get("manualSelector"):
        ours = {
            "batch.kubernetes.io/controller-uid": meta["uid"],
            "batch.kubernetes.io/job-name": meta["name"],
        }
        former = {"controller-uid": meta["uid"], "job-name": meta["name"]}
        inner = spec["template"].setdefault("metadata", {})
        inner["labels"] = {**(inner.get("labels") or {}), **ours, **former}
        spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": meta["uid"]}}
        document["status"] = {}
    elif kind.kind == "Service" and spec.get("type") != "ExternalName":
        if not spec.get("clusterIP"):
            number = int(meta["uid"][:4], 16)
            spec["clusterIP"] = f"10.96.{number >> 8}.{number & 255}"
        spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        document["status"] = {"loadBalancer": {}}
    elif kind.kind in (
        "Deployment",
        "DaemonSet",
        "CronJob",
        "HorizontalPodAutoscaler",
        "PersistentVolume",
        "Ingress",
    ):
        document.setdefault("status", {"loadBalancer": {}} if kind.kind == "Ingress" else {})
    elif kind.kind in ("StatefulSet", "ReplicaSet"):
        document["status"] = {"replicas": 0}


def prepare_update(kind: Kind, before: Object, document: Object) -> None:
    """Keep what the server gave an object and an update leaves out."""
    if kind.kind == "Service":
        spec, old = document.get("spec") or {}, before.get("spec") or {}
        for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if not spec.get(name) and name in old:
                spec[name] = old[name]
    elif kind.kind == "Namespace":
        document.setdefault("spec", {})["finalizers"] = (before.get("spec") or {}).get(
            "finalizers", []
        )
    elif kind.kind == "Job" and not (document["spec"].get("selector")):
        document["spec"]["selector"] = before["spec"]["selector"]


def _quality(spec: Object) -> str:
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    resources = [container.get("resources") or {} for container in containers]
    if not any(part.get("limits") or part.get("requests") for part in resources):
        return "BestEffort"
    for part in resources:
        limits, requests = part.get("limits") or {}, part.get("requests") or {}
        if any(
            name not in limits or requests.get(name, limits[name]) != limits[name]
            for name in ("cpu", "memory")
        ):
            return "Burstable"
    return "Guaranteed"


__all__ = ["Writer", "not_allowed", "stamp"]
