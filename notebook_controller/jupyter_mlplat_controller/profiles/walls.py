"""Who may speak to whom: everything is denied, then what a notebook needs is let through."""

from collections.abc import Iterator, Sequence
from typing import Literal

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat_controller.profiles.settings import (
    COMPONENT,
    GATEWAY,
    MANAGED_BY,
    MANAGER,
    NAMESPACE_NAME,
    ProfileSettings,
)

Manifest = dict[str, JsonValue]
Egress = Literal["internet", "api-server"]

PRIVATE = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
)
"""Never the internet: pods, nodes, services, and the address where clouds hand out credentials."""
PRIVATE_V6 = ("fc00::/7", "fe80::/10", "::1/128", "::ffff:0:0/96", "64:ff9b::/96")

_DNS_PORTS = (53, 5353)  # OpenShift's DNS pods listen on 5353


def walls(
    namespace: str,
    asked: Sequence[Egress],
    settings: ProfileSettings,
    is_shared: bool = False,
) -> Iterator[Manifest]:
    """Return the policies of a profile's namespace, the denial first.

    Args:
        namespace: The profile's.
        asked: What else its pods may reach.
        settings: Where things are in this cluster.
        is_shared: Whether people work in it who do not trust one another: nobody's notebook is
            reached from a pod beside it.
    """
    yield _policy(namespace, "mlplat-default-deny", ingress=[], egress=[])
    ports: list[JsonValue] = [
        {"protocol": protocol, "port": port} for port in _DNS_PORTS for protocol in ("UDP", "TCP")
    ]
    yield _policy(
        namespace,
        "mlplat-dns",
        egress=[{"to": [dict(peer) for peer in settings.dns], "ports": ports}],
    )
    neighbours: JsonValue = [{"podSelector": {}}]
    no_notebooks: Manifest = {
        "matchExpressions": [{"key": COMPONENT, "operator": "NotIn", "values": ["notebook"]}]
    }
    yield _policy(
        namespace,
        "mlplat-same-profile",
        pods=no_notebooks if is_shared else None,
        ingress=[{"from": neighbours}],
    )
    yield _policy(namespace, "mlplat-to-same-profile", egress=[{"to": neighbours}])
    yield _policy(
        namespace,
        "mlplat-engine",
        ingress=[{"from": [_system(settings, "engine"), _system(settings, "controller")]}],
        egress=[
            {
                "to": [_system(settings, "engine")],
                "ports": [
                    {"protocol": "TCP", "port": port}
                    for port in (settings.engine_port, settings.exchange_port)
                ],
            }
        ],
    )
    yield _policy(
        namespace,
        "mlplat-gateway",
        pods={
            "matchExpressions": [
                {"key": COMPONENT, "operator": "In", "values": ["notebook", "router"]}
            ]
        },
        ingress=[{"from": [{"namespaceSelector": {"matchLabels": {GATEWAY: "true"}}}]}],
    )
    if "internet" in asked:
        yield _policy(
            namespace,
            "mlplat-internet",
            egress=[
                {
                    "to": [
                        {"ipBlock": {"cidr": "0.0.0.0/0", "except": [*PRIVATE]}},
                        {"ipBlock": {"cidr": "::/0", "except": [*PRIVATE_V6]}},
                    ]
                }
            ],
        )
    if "api-server" in asked and settings.api_server:
        yield _policy(
            namespace,
            "mlplat-api-server",
            egress=[
                {
                    "to": [{"ipBlock": {"cidr": cidr}} for cidr in settings.api_server],
                    "ports": [{"protocol": "TCP", "port": port} for port in (443, 6443)],
                }
            ],
        )


def _system(settings: ProfileSettings, component: str) -> Manifest:
    return {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME: settings.system_namespace}},
        "podSelector": {"matchLabels": {MANAGED_BY: MANAGER, COMPONENT: component}},
    }


def _policy(
    namespace: str,
    name: str,
    *,
    pods: Manifest | None = None,
    ingress: list[JsonValue] | None = None,
    egress: list[JsonValue] | None = None,
) -> Manifest:
    kinds: list[JsonValue] = [
        *(["Ingress"] if ingress is not None else []),
        *(["Egress"] if egress is not None else []),
    ]
    spec: Manifest = {"podSelector": pods or {}, "policyTypes": kinds}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec
        | ({"ingress": ingress} if ingress else {})
        | ({"egress": egress} if egress else {}),
    }
