"""The objects a server is made of, as they are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.formats.notebooks import OUR_GROUP
from jupyter_mlplat.formats.notebooks.servers import path_of
from jupyter_mlplat.kit.digests import digest_json
from jupyter_mlplat.kit.names import LONGEST_SET, label_value, object_name
from jupyter_mlplat_controller.kinds import (
    CLAIM,
    HTTP_ROUTE,
    INGRESS,
    NETWORK_POLICY,
    NOTEBOOK,
    SERVICE,
    STATEFUL_SET,
)
from jupyter_mlplat_controller.notebooks.choosing import Wanted
from jupyter_mlplat_controller.plans import Kind, Obj, key_of, owner_of
from jupyter_mlplat_controller.settings import Settings

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "jupyter-mlplat"
COMPONENT = "app.kubernetes.io/component"
NOTEBOOK_LABEL = f"{OUR_GROUP}/notebook"
OURS = f"{MANAGED_BY}={MANAGER},{COMPONENT}=notebook"
"""Selects what is made for servers."""
TEMPLATE_DIGEST = f"{OUR_GROUP}/template"
WISH_DIGEST = f"{OUR_GROUP}/wish"


@dataclass(frozen=True, slots=True)
class Names:
    """What the objects of a server are called."""

    namespace: str
    notebook: str
    server: str
    home: str

    @classmethod
    def of(cls, notebook: Obj) -> "Names":
        """Name what belongs to a Notebook: after it, where its name is short enough."""
        namespace, name = key_of(notebook)
        server = object_name(name, longest=LONGEST_SET)
        return cls(namespace, name, server, f"{server}-home")

    @property
    def pod(self) -> str:
        """The one pod of the StatefulSet."""
        return f"{self.server}-0"

    @property
    def labels(self) -> dict[str, str]:
        """What all objects of the server carry."""
        return {
            MANAGED_BY: MANAGER,
            COMPONENT: "notebook",
            NOTEBOOK_LABEL: label_value(self.notebook),
        }


def template_of(names: Names, wanted: Wanted) -> dict[str, Any]:
    """Write the pod's template; labels that select and that policies go by are ours."""
    return {
        "metadata": {
            "labels": {
                **wanted.template.labels,
                **names.labels,
                "statefulset": names.server,
                "notebook-name": label_value(names.notebook),
            },
            "annotations": dict(wanted.template.annotations),
        },
        "spec": dict(wanted.template.spec),
    }


def stateful_set(
    notebook: Obj, names: Names, wanted: Wanted, replicas: int, wish: str
) -> dict[str, Any]:
    """Write the StatefulSet.

    Its pods are not started in order (`Parallel`): else one that cannot start would stand in the
    way of its own repair.
    """
    template = template_of(names, wanted)
    body = _object(STATEFUL_SET, notebook, names, names.server)
    body["metadata"]["annotations"] = {TEMPLATE_DIGEST: digest_json(template), WISH_DIGEST: wish}
    if wanted.queue:
        body["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = wanted.queue
    body["spec"] = {
        "replicas": replicas,
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"statefulset": names.server}},
        "template": template,
    }
    return body


def service(notebook: Obj, names: Names, port: int) -> dict[str, Any]:
    """Write the Service: port 80, whatever the server listens on."""
    body = _object(SERVICE, notebook, names, names.server)
    body["spec"] = {
        "type": "ClusterIP",
        "selector": {"statefulset": names.server},
        "ports": [
            {"name": f"http-{names.server}", "port": 80, "targetPort": port, "protocol": "TCP"}
        ],
    }
    return body


def home(notebook: Obj, names: Names, wanted: Wanted) -> dict[str, Any]:
    """Write the volume claim of the home; it goes with the Notebook only where its kind says so."""
    if wanted.home is None:
        raise ValueError(f"{names.server} has no home. This is a bug.")
    body = _object(CLAIM, notebook, names, names.home)
    if wanted.home.keep:
        del body["metadata"]["ownerReferences"]
    body["spec"] = {
        "accessModes": [wanted.home.access],
        "resources": {"requests": {"storage": wanted.home_size}},
        **({"storageClassName": wanted.home.storage} if wanted.home.storage else {}),
    }
    return body


def network_policy(notebook: Obj, names: Names, port: int, settings: Settings) -> dict[str, Any]:
    """Write who reaches the server: gateways, the controller and engine, pods beside it."""
    namespaces = sorted({settings.own_namespace, *settings.reach_from})
    peers: list[dict[str, Any]] = [
        {
            "from": [
                {
                    "namespaceSelector": {
                        "matchExpressions": [
                            {
                                "key": "kubernetes.io/metadata.name",
                                "operator": "In",
                                "values": namespaces,
                            }
                        ]
                    }
                }
            ],
            "ports": [{"protocol": "TCP", "port": port}],
        }
    ]
    if settings.reach_own:
        peers.append({"from": [{"podSelector": {}}]})
    body = _object(NETWORK_POLICY, notebook, names, names.server)
    body["spec"] = {
        "podSelector": {"matchLabels": {"statefulset": names.server}},
        "policyTypes": ["Ingress"],
        "ingress": peers,
    }
    return body


def route(notebook: Obj, names: Names, settings: Settings) -> tuple[Kind, dict[str, Any]] | None:
    """Write the Ingress or HTTPRoute; None: there is none."""
    host = settings.host.replace("{namespace}", names.namespace).replace("{name}", names.server)
    prefix = path_of(names.namespace, names.notebook)
    if settings.route == "ingress":
        body = _object(INGRESS, notebook, names, names.server)
        backend = {"service": {"name": names.server, "port": {"number": 80}}}
        rule: dict[str, Any] = {
            "http": {"paths": [{"path": prefix, "pathType": "Prefix", "backend": backend}]}
        }
        body["spec"] = {"rules": [{"host": host, **rule} if host else rule]}
        if settings.ingress_class:
            body["spec"]["ingressClassName"] = settings.ingress_class
        if settings.tls_secret:
            body["spec"]["tls"] = [
                {"secretName": settings.tls_secret, **({"hosts": [host]} if host else {})}
            ]
        return INGRESS, body
    if settings.route == "gateway":
        namespace, _, gateway = settings.gateway.partition("/")
        body = _object(HTTP_ROUTE, notebook, names, names.server)
        body["spec"] = {
            "parentRefs": [{"name": gateway, "namespace": namespace}],
            **({"hostnames": [host]} if host else {}),
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": prefix}}],
                    "backendRefs": [{"name": names.server, "port": 80}],
                }
            ],
        }
        return HTTP_ROUTE, body
    return None


def over(found: Obj, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Write what is wanted over an object that is there.

    Labels and annotations of others stay, as does what of the spec is not ours to say.
    """
    body = {name: value for name, value in found.items() if name != "status"}
    ours, theirs = wanted["metadata"], found["metadata"]
    body["metadata"] = {
        **theirs,
        **{
            field: {**(theirs.get(field) or {}), **ours[field]}
            for field in ("labels", "annotations")
            if field in ours
        },
    }
    body["spec"] = {**(found.get("spec") or {}), **wanted["spec"]}
    return body


def _object(kind: Kind, notebook: Obj, names: Names, name: str) -> dict[str, Any]:
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": name,
            "namespace": names.namespace,
            "labels": dict(names.labels),
            "ownerReferences": [owner_of(notebook, NOTEBOOK)],
        },
    }
