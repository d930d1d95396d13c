"""Who asks, and may they: bearer tokens, impersonation, and the rules of RBAC objects
in the store."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.cluster.apiserver.failures import Failure, about
from tests.cluster.apiserver.kinds import Kind
from tests.cluster.apiserver.store import Change, Store

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class User:
    """A user as the server knows them: a name and groups."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def info(self) -> Object:
        shown: Object = {"username": self.name, "uid": self.uid, "groups": list(self.groups)}
        if self.extra:
            shown["extra"] = {key: list(values) for key, values in self.extra}
        return {key: value for key, value in shown.items() if value}


ADMIN = User("kubernetes-admin", (MASTERS, AUTHENTICATED))
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def service_account(namespace: str, name: str, uid: str = "") -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups, uid)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked of the authoriser."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""  # for what is no resource

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass
class Access:
    """Tokens and rules of one server."""

    store: Store
    tokens: dict[str, User] = field(default_factory=dict)
    expiry: dict[str, float] = field(default_factory=dict)
    _rules: dict[tuple[User, str], list[Object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store.subscribe(self._forget)

    def _forget(self, change: Change) -> None:
        if change.resource[0] == RBAC:
            self._rules.clear()

    def mint(
        self, user: User, *, expires_at: float | None = None, audiences: tuple[str, ...] = ()
    ) -> str:
        """Make a token for a user; it has the form of a JSON Web Token, so that clients may look
        into it."""

        def part(document: Object) -> str:
            return base64.urlsafe_b64encode(orjson.dumps(document)).decode().rstrip("=")

        claims: Object = {
            "sub": user.name,
            "iss": "https://kubernetes.default.svc",
            "jti": secrets.token_hex(8),
        }
        if audiences:
            claims["aud"] = list(audiences)
        if expires_at is not None:
            claims["exp"] = int(expires_at)
        token = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.{secrets.token_urlsafe(12)}"
        self.tokens[token] = user
        if expires_at is not None:
            self.expiry[token] = expires_at
        return token

    def whose(self, token: str, now: float) -> User | None:
        if self.expiry.get(token, now + 1) <= now:
            return None
        return self.tokens.get(token)

    def rules(self, user: User, namespace: str) -> list[Object]:
        """List the rules that hold for a user in a namespace ("" for the cluster)."""
        key = (user, namespace)
        if key not in self._rules:
            self._rules[key] = list(self._find_rules(user, namespace))
        return self._rules[key]

    def _find_rules(self, user: User, namespace: str) -> Iterator[Object]:
        bindings = self.store.list((RBAC, "clusterrolebindings"))
        if namespace:
            bindings = bindings + self.store.list((RBAC, "rolebindings"), namespace)
        for binding in bindings:
            home = binding["metadata"].get("namespace", "")
            if any(_is_subject(subject, user, home) for subject in binding.get("subjects") or []):
                yield from self.role_rules(binding["roleRef"], home)

    def role_rules(self, reference: Object, namespace: str) -> list[Object]:
        if reference["kind"] == "ClusterRole":
            role = self.store.get((RBAC, "clusterroles"), "", reference["name"])
        else:
            role = self.store.get((RBAC, "roles"), namespace, reference["name"])
        if role is None:
            return []
        rules: list[Object] = list(role.get("rules") or [])
        for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or []:
            wanted = selector.get("matchLabels") or {}
            for other in self.store.list((RBAC, "clusterroles")):
                labels = other["metadata"].get("labels") or {}
                if (
                    other is not role
                    and wanted
                    and all(labels.get(key) == value for key, value in wanted.items())
                ):
                    rules += other.get("rules") or []
        return rules

    def allowed(self, user: User, asked: Attributes) -> bool:
        if MASTERS in user.groups:
            return True
        return any(covers(rule, asked) for rule in self.rules(user, asked.namespace))

    def require(self, user: User, asked: Attributes, kind: Kind | None) -> None:
        """Raise what the real server answers when a user may not."""
        if self.allowed(user, asked):
            return
        if kind is None:
            told = f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"'
            raise Failure(403, "Forbidden", told, {})
        shown = f'{kind.qualified} "{asked.name}"' if asked.name else kind.qualified
        where = (
            f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
        )
        told = (
            f'{shown} is forbidden: User "{user.name}" cannot {asked.verb} resource '
            f'"{asked.full_resource}" '
            f'in API group "{asked.group}" {where}'
        )
        raise Failure(403, "Forbidden", told, about(kind, asked.name))

    def missing(self, user: User, rules: list[Object], namespace: str) -> list[Object]:
        """List what of some rules a user does not hold, so may not grant."""
        if MASTERS in user.groups:
            return []
        held = self.rules(user, namespace)
        return [
            part
            for rule in rules
            for part in _parts(rule)
            if not any(_contains(own, part) for own in held)
        ]


def _is_subject(subject: Object, user: User, namespace: str) -> bool:
    kind, name = subject["kind"], subject["name"]
    if kind == "User":
        return bool(name == user.name)
    if kind == "Group":
        return name in user.groups
    home = subject.get("namespace") or namespace
    return f"system:serviceaccount:{home}:{name}" == user.name


def covers(rule: Object, asked: Attributes) -> bool:
    """Tell whether one rule allows what is asked."""
    if not _in(asked.verb, rule.get("verbs")):
        return False
    if asked.path:
        return any(
            path == "*"
            or path == asked.path
            or (path.endswith("*") and asked.path.startswith(path[:-1]))
            for path in rule.get("nonResourceURLs") or []
        )
    resources = rule.get("resources") or []
    named = "*" in resources or asked.full_resource in resources
    named = named or bool(asked.subresource and f"*/{asked.subresource}" in resources)
    names = rule.get("resourceNames") or []
    return _in(asked.group, rule.get("apiGroups")) and named and (not names or asked.name in names)


def _in(value: str, listed: list[str] | None) -> bool:
    return "*" in (listed or []) or value in (listed or [])


def _parts(rule: Object) -> Iterator[Object]:
    """Split a rule into rules of one verb, group, resource and name each."""
    for verb in rule.get("verbs") or []:
        for path in rule.get("nonResourceURLs") or []:
            yield {"verbs": [verb], "nonResourceURLs": [path]}
        for group in rule.get("apiGroups") or []:
            for resource in rule.get("resources") or []:
                for name in rule.get("resourceNames") or [None]:
                    part: Object = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                    yield {**part, "resourceNames": [name]} if name else part


def _contains(own: Object, part: Object) -> bool:
    if not _in(part["verbs"][0], own.get("verbs")):
        return False
    if "nonResourceURLs" in part:
        return _in(part["nonResourceURLs"][0], own.get("nonResourceURLs"))
    resource = part["resources"][0]
    named = _in(resource, own.get("resources")) or f"*/{resource.partition('/')[2]}" in (
        own.get("resources") or []
    )
    names = own.get("resourceNames") or []
    wanted = part.get("resourceNames")
    return (
        _in(part["apiGroups"][0], own.get("apiGroups"))
        and named
        and (not names or bool(wanted and wanted[0] in names))
    )
