"""What NetworkPolicies let through, as Kubernetes defines them: a small solver.

A pod that no policy of a direction selects is open in that direction; one that is selected is
reached, or reaches, only as a rule of one of them says. A connection needs both ends to allow it.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod; `namespace_labels` are those of its namespace."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ip: str = "10.1.0.9"


@dataclass(frozen=True)
class Address:
    """Something that is no pod: a node, the API server, the internet."""

    ip: str


End = Pod | Address


def may_connect(
    source: End, target: End, port: int, policies: Sequence[Policy], protocol: str = "TCP"
) -> bool:
    return _lets(source, target, "Egress", port, protocol, policies) and _lets(
        target, source, "Ingress", port, protocol, policies
    )


def _lets(
    one: End, other: End, direction: str, port: int, protocol: str, policies: Sequence[Policy]
) -> bool:
    if isinstance(one, Address):
        return True
    mine = [
        policy["spec"]
        for policy in policies
        if policy["metadata"]["namespace"] == one.namespace
        and _selects(policy["spec"]["podSelector"], one.labels)
        and direction in policy["spec"]["policyTypes"]
    ]
    if not mine:
        return True
    side = "to" if direction == "Egress" else "from"
    return any(
        _has_peer(rule.get(side), other, one.namespace) and _has_port(rule, port, protocol)
        for spec in mine
        for rule in spec.get(direction.lower()) or ()
    )


def _has_peer(peers: Sequence[Any] | None, other: End, namespace: str) -> bool:
    return not peers or any(_is_peer(peer, other, namespace) for peer in peers)


def _is_peer(peer: Mapping[str, Any], other: End, namespace: str) -> bool:
    if "ipBlock" in peer:
        address = ipaddress.ip_address(other.ip)
        inside = [ipaddress.ip_network(peer["ipBlock"]["cidr"])]
        outside = [ipaddress.ip_network(cidr) for cidr in peer["ipBlock"].get("except", ())]
        return any(address in net for net in inside) and not any(address in net for net in outside)
    if isinstance(other, Address):
        return False
    if "namespaceSelector" in peer:
        named = {**other.namespace_labels, "kubernetes.io/metadata.name": other.namespace}
        if not _selects(peer["namespaceSelector"], named):
            return False
    elif other.namespace != namespace:
        return False
    return _selects(peer.get("podSelector") or {}, other.labels)


def _has_port(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or any(
        one.get("protocol", "TCP") == protocol and one.get("port", port) == port for one in ports
    )


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    plain = (selector.get("matchLabels") or {}).items()
    return all(labels.get(key) == value for key, value in plain) and all(
        _holds(one, labels) for one in selector.get("matchExpressions") or ()
    )


def _holds(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    said = labels.get(one["key"])
    return {
        "In": said in one.get("values", ()),
        "NotIn": said not in one.get("values", ()),
        "Exists": said is not None,
        "DoesNotExist": said is None,
    }[one["operator"]]
