"""Discovery: what a client asks before it asks anything else (/version, /api, /apis, lists of
resources, OpenAPI)."""

from __future__ import annotations

from typing import Any

from tests.cluster.apiserver.definitions import Definitions
from tests.cluster.apiserver.kinds import Kind, Registry
from tests.cluster.apiserver.models import schema_of
from tests.cluster.apiserver.schemas import Schema

Object = dict[str, Any]

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.2",
    "gitTreeState": "clean",
    "goVersion": "go1.26",
    "compiler": "gc",
    "platform": "linux/amd64",
}
HEALTH = ("/healthz", "/livez", "/readyz")


def answer(path: str, registry: Registry, definitions: Definitions) -> Object | str | None:
    """Answer a path that names no object; None where there is nothing."""
    parts = path.strip("/").split("/")
    if path in HEALTH:
        return "ok"
    if path == "/version":
        return VERSION
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        groups = [_group(group, versions) for group, versions in registry.groups().items() if group]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    if path == "/api/v1":
        return _resources("v1", [kind for kind in registry.kinds.values() if not kind.group])
    if parts[0] == "apis" and len(parts) == 2 and (versions := registry.groups().get(parts[1])):
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], versions)}
    if parts[0] == "apis" and len(parts) == 3:
        found = [
            kind
            for kind in registry.kinds.values()
            if (kind.group, kind.version) == (parts[1], parts[2])
        ]
        return _resources(f"{parts[1]}/{parts[2]}", found) if found else None
    if path == "/openapi/v3":
        return _openapi_index(registry)
    if path.startswith("/openapi/v3/"):
        return openapi(path.removeprefix("/openapi/v3/"), registry, definitions)
    if path in ("", "/"):
        return {
            "paths": [
                "/api",
                "/api/v1",
                "/apis",
                "/healthz",
                "/livez",
                "/readyz",
                "/openapi/v3",
                "/version",
            ]
        }
    return None


def _group(group: str, versions: list[str]) -> Object:
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def _resources(group_version: str, kinds: list[Kind]) -> Object:
    listed: list[Object] = []
    for kind in kinds:
        listed.append(_resource(kind))
        for name in sorted(kind.subresources):
            listed.append(_subresource(kind, name))
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": listed,
    }


def _resource(kind: Kind) -> Object:
    entry: Object = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short:
        entry["shortNames"] = list(kind.short)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    return entry


SUBKINDS = {
    "scale": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
    "eviction": {"group": "policy", "version": "v1", "kind": "Eviction"},
    "binding": {"kind": "Binding"},
    "token": {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"},
}
SUBVERBS = {
    "log": ["get"],
    "eviction": ["create"],
    "binding": ["create"],
    "token": ["create"],
    "finalize": ["update"],
}


def _subresource(kind: Kind, name: str) -> Object:
    return {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        **SUBKINDS.get(name, {"kind": kind.kind}),
        "verbs": SUBVERBS.get(name, ["get", "patch", "update"]),
    }


def _openapi_index(registry: Registry) -> Object:
    paths = {}
    for group, versions in registry.groups().items():
        for version in versions:
            place = f"apis/{group}/{version}" if group else f"api/{version}"
            paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={len(registry.kinds)}"}
    return {"paths": paths}


def openapi(place: str, registry: Registry, definitions: Definitions) -> Object | None:
    """Write the OpenAPI document of one version of a group: what kubectl reads before
    it applies."""
    parts = place.split("/")
    group, version = (
        (parts[1], parts[2]) if parts[0] == "apis" and len(parts) == 3 else ("", parts[-1])
    )
    kinds = [
        kind for kind in registry.kinds.values() if (kind.group, kind.version) == (group, version)
    ]
    if not kinds:
        return None
    paths: Object = {}
    schemas: Object = {}
    for kind in kinds:
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        name = f"{kind.group or 'core'}.{kind.version}.{kind.kind}"
        if kind.custom:
            schemas[name] = {**definitions.raw[kind], "x-kubernetes-group-version-kind": [gvk]}
        elif (schema := schema_of(kind)) is not None:
            schemas[name] = {
                **_written(schema, schemas, top=True),
                "x-kubernetes-group-version-kind": [gvk],
            }
        base = (
            f"/{place}/namespaces/{{namespace}}/{kind.plural}"
            if kind.namespaced
            else f"/{place}/{kind.plural}"
        )
        body = {"content": {"*/*": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
        parameters = [
            {"name": query, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
            for query in ("dryRun", "fieldManager", "fieldValidation", "force")
        ]
        common = {
            "parameters": parameters,
            "x-kubernetes-group-version-kind": gvk,
            "responses": {"200": body},
        }
        paths[base] = {"post": {**common, "requestBody": body, "x-kubernetes-action": "post"}}
        paths[f"{base}/{{name}}"] = {
            "get": {**common, "x-kubernetes-action": "get"},
            "patch": {**common, "requestBody": body, "x-kubernetes-action": "patch"},
        }
    info = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _written(schema: Schema, known: Object, *, top: bool = False) -> Object:
    """Write a schema of a built-in kind as OpenAPI; named types become references."""
    if schema.model and not top:
        name = f"io.k8s.{schema.model}"
        if name not in known:
            known[name] = {}
            known[name] = _written(schema, known, top=True)
        return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "default": {}}
    if schema.int_or_string or schema.quantity:
        return {"oneOf": [{"type": "string"}, {"type": "number"}]}
    written: Object = {"type": schema.type} if schema.type else {}
    if schema.properties:
        written["properties"] = {
            name: _written(part, known) for name, part in schema.properties.items()
        }
    if schema.values is not None:
        written["additionalProperties"] = _written(schema.values, known)
    if schema.items is not None:
        written["items"] = _written(schema.items, known)
        if schema.merge_key:
            written["x-kubernetes-patch-strategy"] = "merge"
            if schema.merge_key != "*":
                written["x-kubernetes-patch-merge-key"] = schema.merge_key
        written["x-kubernetes-list-type"] = schema.list_type
        if schema.keys:
            written["x-kubernetes-list-map-keys"] = list(schema.keys)
    return written
