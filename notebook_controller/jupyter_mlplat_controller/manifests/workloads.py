"""The two deployments, what stands around them, and the namespaces they work in."""

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat_controller.profiles.settings import (
    COMPONENT,
    GATEWAY,
    MANAGED_BY,
    MANAGER,
    NAMESPACE_LABELS,
    ProfileSettings,
)
from jupyter_mlplat_controller.profiles.walls import walls

Manifest = dict[str, JsonValue]

SYSTEM = "mlplat-system"
WORK = "mlplat"
IMAGE = "jupyter-mlplat"
"""A name that the overlay puts a real one for (`images:` in its kustomization.yaml)."""

CONTROLLER = "mlplat-controller"
ENGINE = "mlplat-engine"
ENGINE_PORT = 8787
EXCHANGE_PORT = 8899
CONTROLLER_PORT = 8080
REACH_OWN = "MLPLAT_CONTROLLER_REACH_OWN"
ENGINE_VOLUME = "/var/lib/mlplat"
ENGINE_HOME = f"{ENGINE_VOLUME}/home"
"""Below the volume's root: that belongs to who made it, and the engine's own is private."""
_SETTINGS = "/etc/mlplat"
MONITORING = "mlplat.jupyter.org/monitoring"
PART_OF = "app.kubernetes.io/part-of"
"""The label of whatever is installed: by it, an upgrade and the end find what is ours."""

_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder
ENGINE_SETTINGS = f"""\
# How the engine is shared: see docs/how-to/cluster.md.
[server]
address = "0.0.0.0:{ENGINE_PORT}"
plain = true  # inside the cluster; put tls_cert and tls_key where the network is not yours

# Pods show a token of their own service account. Add the issuer of your users beside it.
[[server.oidc]]
issuer = "https://kubernetes.default.svc.cluster.local"
audience = "mlplat"
service_accounts = true
ca = "{_TOKEN}/ca.crt"
token_file = "{_TOKEN}/token"
"""


def labels(component: str) -> dict[str, str]:
    """Return what our pods are known by."""
    return {MANAGED_BY: MANAGER, COMPONENT: component}


def namespace(name: str, component: str) -> Manifest:
    """Return a namespace that lets in restricted pods only."""
    security = {key: value for key, value in NAMESPACE_LABELS.items() if key.startswith("pod-sec")}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {**labels(component), **security}},
    }


def account(name: str, component: str) -> Manifest:
    """Return a service account."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "labels": {**labels(component)}},
        "automountServiceAccountToken": False,
    }


def controller() -> list[Manifest]:
    """Return the controller's deployment and what stands around it."""
    container: Manifest = {
        "name": "controller",
        "image": IMAGE,
        "command": ["python", "-I", "-m", "jupyter_mlplat_controller"],
        "env": [
            _of_pod("MLPLAT_CONTROLLER_OWN_NAMESPACE", "metadata.namespace"),
            _of_pod("MLPLAT_CONTROLLER_IDENTITY", "metadata.name"),
            {"name": "MLPLAT_CONTROLLER_WORKSPACES", "value": "true"},
            # People who do not trust one another share the one namespace there is.
            {"name": REACH_OWN, "value": "false"},
        ],
        "ports": [_port("http", CONTROLLER_PORT)],
        "livenessProbe": _probe("/healthz", "http", period=20, failures=3),
        "readinessProbe": _probe("/readyz", "http", period=5, failures=3),
        "resources": _resources("100m", "192Mi", "384Mi"),
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - of the container
    }
    return [
        _deployment(CONTROLLER, "controller", container, [_scratch("tmp", "64Mi")]),
        _service(CONTROLLER, "controller", {"http": CONTROLLER_PORT}),
        _ingress_policy(
            CONTROLLER,
            "controller",
            [{"namespaceSelector": {"matchLabels": {MONITORING: "true"}}}],
            CONTROLLER_PORT,
        ),
    ]


def engine() -> list[Manifest]:
    """Return the engine's deployment and what stands around it."""
    container: Manifest = {
        "name": "engine",
        "image": IMAGE,
        "command": [
            *("python", "-I", "-m", "jupyter_mlplat.engine"),
            *("--home", ENGINE_HOME, "--settings", f"{_SETTINGS}/config.toml"),
        ],
        "ports": [_port("http", ENGINE_PORT), _port("exchange", EXCHANGE_PORT)],
        "env": [{"name": "HOME", "value": ENGINE_VOLUME}],
        "livenessProbe": _probe("/healthz", "http", period=20, failures=3),
        "readinessProbe": _probe("/healthz", "http", period=5, failures=3),
        "resources": _resources("150m", "256Mi", "2Gi"),
        "securityContext": _CONTAINER_SECURITY,
        "volumeMounts": [
            {"name": "home", "mountPath": ENGINE_VOLUME},
            {"name": "settings", "mountPath": _SETTINGS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - of the container
        ],
    }
    volumes: list[JsonValue] = [
        {"name": "home", "persistentVolumeClaim": {"claimName": ENGINE}},
        {"name": "settings", "configMap": {"name": ENGINE}},
        _scratch("tmp", "2Gi"),
    ]
    deployment = _deployment(ENGINE, "engine", container, volumes)
    metadata: Manifest = {"name": ENGINE, "labels": {**labels("engine")}}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"config.toml": ENGINE_SETTINGS},
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "20Gi"}},
            },
        },
        deployment,
        _service(ENGINE, "engine", {"http": ENGINE_PORT, "exchange": EXCHANGE_PORT}),
        _ingress_policy(
            ENGINE,
            "engine",
            [
                {"namespaceSelector": {"matchLabels": {MANAGED_BY: MANAGER}}},
                {"namespaceSelector": {"matchLabels": {GATEWAY: "true"}}},
            ],
            ENGINE_PORT,
            EXCHANGE_PORT,
        ),
    ]


def work() -> list[Manifest]:
    """Return a namespace to work in where there are no profiles, walled as a profile's."""
    settings = ProfileSettings(system_namespace=SYSTEM, engine_port=ENGINE_PORT)
    limits: Manifest = {
        "type": "Container",
        "default": dict(settings.default_limits),
        "defaultRequest": dict(settings.default_requests),
    }
    return [
        namespace(WORK, "profile"),
        *walls(WORK, (), settings, is_shared=True),
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "mlplat-limit-range", "namespace": WORK},
            "spec": {"limits": [limits]},
        },
    ]


_CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
_POD_SECURITY: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}


def _deployment(
    name: str, component: str, container: Manifest, volumes: list[JsonValue]
) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {**labels(component)}},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},  # one writer; both begin again within seconds
            "selector": {"matchLabels": {**labels(component)}},
            "template": {
                "metadata": {"labels": {**labels(component)}},
                "spec": {
                    "serviceAccountName": name,
                    "automountServiceAccountToken": True,
                    "enableServiceLinks": False,
                    "securityContext": _POD_SECURITY,
                    "containers": [container],
                    "volumes": volumes,
                },
            },
        },
    }


def _service(name: str, component: str, ports: dict[str, int]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {**labels(component)}},
        "spec": {
            "selector": {**labels(component)},
            "ports": [
                {"name": port, "port": number, "targetPort": port, "protocol": "TCP"}
                for port, number in ports.items()
            ],
        },
    }


def _ingress_policy(name: str, component: str, sources: list[JsonValue], *ports: int) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "labels": {**labels(component)}},
        "spec": {
            "podSelector": {"matchLabels": {**labels(component)}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": sources, "ports": [{"protocol": "TCP", "port": port} for port in ports]}
            ],
        },
    }


def _resources(cpu: str, memory: str, most: str) -> Manifest:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": most}}


def _probe(path: str, port: str, *, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "failureThreshold": failures,
    }


def _scratch(name: str, size: str) -> Manifest:
    return {"name": name, "emptyDir": {"sizeLimit": size}}


def _of_pod(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _port(name: str, number: int) -> Manifest:
    # Server-side apply knows ports by number and protocol: both have to be written.
    return {"name": name, "containerPort": number, "protocol": "TCP"}
