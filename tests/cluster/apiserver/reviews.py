"""Reviews: documents that are answered and not kept (may X do Y; whose token is this; a token,
please)."""

from __future__ import annotations

from typing import Any

from tests.cluster.apiserver.access import Access, Attributes, User, service_account
from tests.cluster.apiserver.failures import bad_request

Object = dict[str, Any]


def answer(
    kind: str, document: Object, user: User, access: Access, now: float, namespace: str
) -> Object:
    """Fill in the status of a review."""
    spec = document.get("spec") or {}
    if kind == "SelfSubjectReview":
        document["status"] = {"userInfo": user.info()}
    elif kind == "TokenReview":
        whose = access.whose(spec.get("token", ""), now)
        document["status"] = (
            {
                "authenticated": True,
                "user": whose.info(),
                "audiences": spec.get("audiences") or ["https://kubernetes.default.svc"],
            }
            if whose is not None
            else {"user": {}, "error": "invalid bearer token"}
        )
    elif kind == "SelfSubjectRulesReview":
        rules = access.rules(user, spec.get("namespace", ""))
        document["status"] = {
            "incomplete": False,
            "resourceRules": [rule for rule in rules if "nonResourceURLs" not in rule],
            "nonResourceRules": [rule for rule in rules if "nonResourceURLs" in rule],
        }
    else:
        if kind != "SelfSubjectAccessReview":
            user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
            if kind == "LocalSubjectAccessReview":
                asked = (spec.get("resourceAttributes") or {}).get("namespace", "")
                if asked != namespace:
                    raise bad_request(
                        "spec.resourceAttributes.namespace must match metadata.namespace"
                    )
        document["status"] = {"allowed": access.allowed(user, _attributes(spec))}
        if document["status"]["allowed"]:
            document["status"]["reason"] = "RBAC: allowed"
    return document


def _attributes(spec: Object) -> Attributes:
    if (path := spec.get("nonResourceAttributes")) is not None:
        return Attributes(verb=path.get("verb", ""), path=path.get("path", ""))
    asked = spec.get("resourceAttributes")
    if asked is None:
        raise bad_request(
            "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        )
    return Attributes(
        verb=asked.get("verb", ""),
        group=asked.get("group", ""),
        resource=asked.get("resource", ""),
        subresource=asked.get("subresource", ""),
        namespace=asked.get("namespace", ""),
        name=asked.get("name", ""),
    )


def token_request(
    document: Object, account: Object, access: Access, now: float, stamp: Any
) -> Object:
    """Answer a request for a token of a service account."""
    spec = document.setdefault("spec", {})
    seconds = int(spec.get("expirationSeconds") or 3600)
    spec["expirationSeconds"] = seconds
    meta = account["metadata"]
    user = service_account(meta["namespace"], meta["name"], meta["uid"])
    audiences = tuple(spec.get("audiences") or ["https://kubernetes.default.svc"])
    token = access.mint(user, expires_at=now + seconds, audiences=audiences)
    document["status"] = {"token": token, "expirationTimestamp": stamp(now + seconds)}
    document["metadata"] = {"name": meta["name"], "namespace": meta["namespace"]}
    return document
