"""The kinds we reconcile, as CustomResourceDefinitions.

Upstream's kinds have upstream's names, versions and fields, so that what is written for Kubeflow is
accepted as it is; where Kubeflow's own are installed, these are left out. Parts of pods are let
through unread, as the controller checks the pod that comes of them.
"""

from jupyter_mlplat.formats.notebooks.documents import NotebookSpec, PodDefaultSpec
from jupyter_mlplat.formats.notebooks.workspaces import (
    WorkspaceKindSpec,
    WorkspaceKindStatus,
    WorkspaceSpec,
    WorkspaceStatus,
)
from jupyter_mlplat.formats.profiles.spec import ProfileSpec, ProfileStatus
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.servers import ServerKindSpec
from jupyter_mlplat_controller.manifests.schemas import ANYTHING, Schema, structural

Manifest = dict[str, JsonValue]

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_CONDITIONS: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "type": _TEXT,
            "status": _TEXT,
            "reason": _TEXT,
            "message": _TEXT,
            "lastProbeTime": _TIME | {"nullable": True},
            "lastTransitionTime": _TIME | {"nullable": True},
        },
        "required": ["type", "status"],
    },
}
_NOTEBOOK_STATUS: Schema = {
    "type": "object",
    "properties": {
        "conditions": _CONDITIONS,
        "readyReplicas": {"type": "integer", "format": "int32"},
        "containerState": ANYTHING,
    },
    "x-kubernetes-preserve-unknown-fields": True,
}


def crds() -> dict[str, Manifest]:
    """Return all definitions by their name."""
    made = (
        _crd(
            "kubeflow.org",
            "Notebook",
            "notebooks",
            ("v1", "v1beta1", "v1alpha1"),
            structural(NotebookSpec),
            _NOTEBOOK_STATUS,
            columns={"Ready": ".status.readyReplicas"},
        ),
        _crd(
            "kubeflow.org", "PodDefault", "poddefaults", ("v1alpha1",), structural(PodDefaultSpec)
        ),
        _crd(
            "kubeflow.org",
            "Profile",
            "profiles",
            ("v1", "v1beta1"),
            structural(ProfileSpec),
            structural(ProfileStatus),
            is_namespaced=False,
            columns={"Owner": ".spec.owner.name", "State": ".status.conditions[0].type"},
        ),
        _crd(
            "kubeflow.org",
            "Workspace",
            "workspaces",
            ("v1beta1",),
            structural(WorkspaceSpec),
            structural(WorkspaceStatus),
            short="ws",
            columns={"State": ".status.state"},
        ),
        _crd(
            "kubeflow.org",
            "WorkspaceKind",
            "workspacekinds",
            ("v1beta1",),
            structural(WorkspaceKindSpec),
            structural(WorkspaceKindStatus),
            is_namespaced=False,
            short="wsk",
        ),
        _crd(
            "mlplat.jupyter.org",
            "ServerKind",
            "serverkinds",
            ("v1alpha1",),
            structural(ServerKindSpec),
            is_namespaced=False,
            columns={"Title": ".spec.title"},
        ),
    )
    return {str(one["metadata"]["name"]): one for one in made}  # type: ignore[index,call-overload]


def _crd(
    group: str,
    kind: str,
    plural: str,
    versions: tuple[str, ...],
    spec: Schema,
    status: Schema | None = None,
    *,
    is_namespaced: bool = True,
    short: str | None = None,
    columns: dict[str, str] | None = None,
) -> Manifest:
    properties: Schema = {
        "apiVersion": _TEXT,
        "kind": _TEXT,
        "metadata": {"type": "object"},
        "spec": spec,
    }
    if status is not None:
        properties["status"] = status
    names: Manifest = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
    }
    if short is not None:
        names["shortNames"] = [short]

    def version(name: str) -> Manifest:
        found: Manifest = {
            "name": name,
            "served": True,
            "storage": name == versions[0],
            "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
        }
        if status is not None:
            found["subresources"] = {"status": {}}
        if columns:
            found["additionalPrinterColumns"] = [
                {"name": title, "type": "string", "jsonPath": path}
                for title, path in columns.items()
            ]
        return found

    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": names,
            "scope": "Namespaced" if is_namespaced else "Cluster",
            "versions": [version(name) for name in versions],
        },
    }
