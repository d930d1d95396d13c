"""The form of objects: what a body must say, which fields it may have, what it lacks, what is wrong
with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.apiserver import defaults, definitions, models, rules, schemas
from tests.cluster.apiserver.failures import Cause, bad_request, unprocessable
from tests.cluster.apiserver.kinds import Kind
from tests.cluster.apiserver.requests import Request
from tests.cluster.apiserver.schemas import Schema

Object = dict[str, Any]
CRD = ("apiextensions.k8s.io", "customresourcedefinitions")


@dataclass
class Shaper:
    """Brings documents into the form of their kind."""

    definitions: definitions.Definitions
    warnings: list[str] = field(default_factory=list)

    def schema(self, kind: Kind) -> Schema | None:
        return self.definitions.schemas.get(kind) if kind.custom else models.schema_of(kind)

    def agree(self, request: Request, document: Object) -> None:
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
            raise bad_request(_misfit(kind, said_version, said_kind))
        namespace = (document.get("metadata") or {}).get("namespace")
        if kind.namespaced and namespace and namespace != request.namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on "
                "the request"
            )

    def prune(self, request: Request, document: Object, schema: Schema) -> None:
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

    def shape(self, request: Request, document: Object) -> None:
        """Bring a document into the form of its kind: known fields, no nulls, defaults."""
        kind = request.kind
        schema = self.schema(kind)
        if schema is not None:
            self.prune(request, document, schema)
            schemas.drop_nulls(document, schema)
            if kind.custom:
                schemas.fill(document, schema)
            else:
                _check_types(kind, document, schema)
                schemas.settle_quantities(document, schema)
        if not kind.custom:
            defaults.fill(kind.kind, document)
        meta = document["metadata"]
        for name in ("labels", "annotations", "finalizers", "ownerReferences"):
            if name in meta and not meta[name]:
                del meta[name]

    def check(
        self, kind: Kind, document: Object, subresource: str = "", more: list[Cause] | None = None
    ) -> None:
        """Refuse a document that breaks rules; `more` are those found by others."""
        causes = rules.check_meta(kind, document)
        schema = self.schema(kind)
        if kind.custom and schema is not None:
            causes += sorted(schemas.check(document, schema), key=lambda cause: cause.field)
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
        causes += more or []
        if causes:
            raise unprocessable(kind, document["metadata"]["name"], causes)


def _misfit(kind: Kind, version: str, name: str) -> str:
    """Say why a document of one kind is none of another."""
    _, _, number = version.rpartition("/")
    head = f'{name} in version "{number}" cannot be handled as a {kind.kind}'
    if kind.custom:
        return (
            f"the API version in the data ({version}) does not match the expected API version "
            f"({kind.api_version})"
        )
    if name == kind.kind:
        return f'{head}: no kind "{name}" is registered for version "{version}" in scheme "memory"'
    ours = f"{kind.group.partition('.')[0] or 'core'}.{kind.kind}"
    return f"{head}: converting ({number}.{name}) to ({ours}): unknown conversion"


def _check_types(kind: Kind, document: Object, schema: Schema) -> None:
    """Refuse what Go could not read into the fields of a built-in kind."""
    for cause in schemas.check(document, schema):
        if cause.reason != "FieldValueTypeInvalid":
            continue
        found = cause.message.split('"')[1]
        wanted = cause.message.split("must be of type ")[-1].split(":")[0]
        shown = {"integer": "number", "boolean": "bool"}.get(found, found)
        model, path = _go_place(kind, schema, cause.field)
        into = {"integer": "int32", "boolean": "bool", "object": "map[string]string"}.get(
            wanted, wanted
        )
        raise bad_request(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: json: '
            f"cannot unmarshal {shown} into Go struct field {model}.{path} of type {into}"
        )


def _go_place(kind: Kind, schema: Schema, path: str) -> tuple[str, str]:
    """Name a field as Go does: the struct that has it, and a path without indexes and keys."""
    model, at, steps = kind.kind, schema, []
    for step in re.sub(r"\[\d+\]", "", path).split("."):
        if step not in at.properties:
            break
        steps.append(step)
        if at.model:
            model = re.sub(r"^(Core)?V\d(beta\d)?", "", at.model)
        at = at.properties[step]
        at = at.items or at
    return model, ".".join(steps)
