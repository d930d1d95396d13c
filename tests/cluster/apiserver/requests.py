"""Requests and replies, free of HTTP: a path and a method become a verb on a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import yaml

from tests.cluster.apiserver.access import User
from tests.cluster.apiserver.failures import Failure, bad_request, no_such_path, not_allowed
from tests.cluster.apiserver.kinds import Kind, Registry

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One call on a resource."""

    user: User
    verb: str
    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    media: str = "application/json"
    agent: str = ""

    @property
    def manager(self) -> str:
        return self.query.get("fieldManager") or self.agent.partition("/")[0] or "unknown"

    @property
    def is_dry_run(self) -> bool:
        return self.query.get("dryRun") == "All"

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")

    def document(self) -> Object:
        """Decode the body; an empty one is refused."""
        if not self.body:
            raise bad_request("the request body is empty")
        document = decode(self.body, self.media)
        if not isinstance(document, dict):
            raise bad_request("the object provided is unrecognized (must be of type object)")
        return document


@dataclass(slots=True)
class Reply:
    """What is sent back: a document (or bytes), a code and headers."""

    body: Object | bytes
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def decode(body: bytes, media: str) -> Any:
    try:
        if "yaml" in media:
            return yaml.safe_load(body)
        return orjson.loads(body)
    except (ValueError, yaml.YAMLError) as error:
        told = f"couldn't get version/kind; json parse error: {error}"
        raise bad_request(
            f"the object provided is unrecognized (must be of type): {told}"
        ) from error


METHODS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def verb(self, method: str, query: Mapping[str, str]) -> str:
        if method == "GET" and not self.name:
            return "watch" if query.get("watch", "").lower() in ("1", "true") else "list"
        if method == "GET":
            return "get"
        if method == "DELETE":
            return "delete" if self.name else "deletecollection"
        verb = METHODS.get(method)
        if (
            verb is None
            or (verb == "create" and self.name and not self.subresource)
            or (verb != "create" and not self.name)
        ):
            raise not_allowed()
        return verb


def place(path: str, registry: Registry) -> Place | None:
    """Read a path; None where it is no path of a resource, a failure where the
    resource is unknown."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if (
        rest[0] == "namespaces"
        and len(rest) >= 3
        and not (group == "" and rest[2] in ("status", "finalize") and len(rest) == 3)
    ):
        namespace, rest = rest[1], rest[2:]
    kind = registry.find(group, version, rest[0])
    if kind is None or len(rest) > 3:
        raise no_such_path()
    if namespace and not kind.namespaced:
        raise no_such_path()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource and subresource not in kind.subresources:
        raise no_such_path()
    return Place(kind, namespace, name, subresource)


def failed(failure: Failure) -> Reply:
    return Reply(failure.status(), failure.code, dict(failure.headers))
