"""The tree of files that kustomize reads: bases for the parts, overlays for what one installs."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import PurePosixPath

import yaml

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat_controller.manifests import kinds, workloads
from jupyter_mlplat_controller.manifests import permissions as may
from jupyter_mlplat_controller.manifests.crds import crds
from jupyter_mlplat_controller.manifests.workloads import CONTROLLER, ENGINE, SYSTEM, WORK
from jupyter_mlplat_controller.profiles.settings import MANAGER

Manifest = dict[str, JsonValue]
Tree = Mapping[PurePosixPath, str]

OVERLAYS = ("minimal", "profiles", "gpu", "kueue")
_HEADER = "# Written by `python -m jupyter_mlplat_controller.manifests`: change that, not this.\n"
_PROFILE_ROLES = ("view", "edit", "admin")


@cache
def tree() -> Tree:
    """Return every file by its path, its text ready to be written."""
    found: dict[PurePosixPath, str] = {}
    definitions = {f"{name}.yaml": [one] for name, one in crds().items()}
    _base(found, "bases/crds", definitions)
    _base(found, "bases/rbac", {"controller.yaml": _controller_roles(), "users.yaml": _users()})
    _base(
        found,
        "bases/controller",
        {"controller.yaml": [workloads.account(CONTROLLER, "controller"), *workloads.controller()]},
    )
    _base(
        found,
        "bases/engine",
        {
            "engine.yaml": [workloads.account(ENGINE, "engine"), *workloads.engine()],
            "roles.yaml": _engine_roles(),
        },
    )
    _base(
        found,
        "bases/system",
        {"namespace.yaml": [workloads.namespace(SYSTEM, "system")]},
        resources=["../rbac", "../controller", "../engine"],
        namespace=SYSTEM,
    )
    _base(found, "bases/work", {"work.yaml": [*workloads.work(), _work_binding()]})
    _base(found, "bases/profiles", {"roles.yaml": _profile_roles()})
    _base(found, "bases/routes", {"roles.yaml": _route_roles()})

    parts = ["../../bases/crds", "../../bases/system", "../../bases/work"]
    _overlay(found, "minimal", {"kinds.yaml": kinds.minimal()}, parts)
    _overlay(
        found,
        "profiles",
        {},
        ["../minimal", "../../bases/profiles"],
        patches=[_switch({"MLPLAT_CONTROLLER_PROFILES": "true", workloads.REACH_OWN: "true"})],
    )
    _overlay(found, "gpu", {"kinds.yaml": kinds.gpu()}, ["../minimal"])
    _overlay(
        found, "kueue", {"kinds.yaml": kinds.kueue(), "queues.yaml": _queues()}, ["../minimal"]
    )
    return found


def write_yaml(documents: Iterable[Manifest]) -> str:
    """Write objects as YAML documents, without anchors."""
    text: str = yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True
    )
    return text


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _base(
    found: dict[PurePosixPath, str],
    folder: str,
    files: dict[str, list[Manifest]],
    *,
    resources: Iterable[str] = (),
    **settings: JsonValue,
) -> None:
    for name, documents in files.items():
        found[PurePosixPath(folder, name)] = _HEADER + write_yaml(documents)
    kustomization: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        **settings,
        "resources": [*sorted(files), *resources],
    }
    found[PurePosixPath(folder, "kustomization.yaml")] = _HEADER + write_yaml([kustomization])


def _overlay(
    found: dict[PurePosixPath, str],
    name: str,
    files: dict[str, list[Manifest]],
    resources: list[str],
    **settings: JsonValue,
) -> None:
    if name == "minimal":
        image, _, tag = kinds.IMAGE.rpartition(":")
        settings["images"] = [{"name": workloads.IMAGE, "newName": image, "newTag": tag}]
    settings["labels"] = [{"pairs": {workloads.PART_OF: MANAGER}}]
    _base(found, f"overlays/{name}", files, resources=resources, **settings)


def _controller_roles() -> list[Manifest]:
    controller = may.cluster_role(CONTROLLER, may.CONTROLLER)
    election = {**may.cluster_role(f"{CONTROLLER}-election", may.ELECTION), "kind": "Role"}
    return [
        controller,
        may.binding("ClusterRoleBinding", CONTROLLER, controller, CONTROLLER, SYSTEM),
        election,
        may.binding("RoleBinding", f"{CONTROLLER}-election", election, CONTROLLER, SYSTEM),
    ]


def _route_roles() -> list[Manifest]:
    routes = may.cluster_role(f"{CONTROLLER}-routes", may.ROUTES)
    return [
        routes,
        may.binding("ClusterRoleBinding", f"{CONTROLLER}-routes", routes, CONTROLLER, SYSTEM),
    ]


def _users() -> list[Manifest]:
    """Return what is added to the cluster's own roles, so that whoever has one may use ours."""
    return [
        may.cluster_role(
            f"mlplat-users-{role}",
            rules,
            {
                f"rbac.authorization.k8s.io/aggregate-to-{role}": "true",
                f"{may.AGGREGATE}{role}": "true",
            },
        )
        for role, rules in zip(
            _PROFILE_ROLES, (may.OUR_VIEW, may.OUR_EDIT, may.OUR_ADMIN), strict=True
        )
    ]


def _engine_roles() -> list[Manifest]:
    role = may.cluster_role(f"{ENGINE}-reviews", may.REVIEWS)
    return [
        may.cluster_role(ENGINE, may.ENGINE, {may.GRANT: "true"}),
        role,
        may.binding("ClusterRoleBinding", f"{ENGINE}-reviews", role, ENGINE, SYSTEM),
    ]


def _work_binding() -> Manifest:
    role = may.cluster_role(ENGINE, ())
    found = may.binding("RoleBinding", ENGINE, role, ENGINE, SYSTEM)
    return {**found, "metadata": {"name": ENGINE, "namespace": WORK}}


def _profile_roles() -> list[Manifest]:
    """Return the fixed roles of profiles, and what lets the controller bind them.

    Each role is a sum by labels; the controller holds the sum of all of them. Whoever adds a right
    to a role adds it to what the controller holds: `bind` and `escalate` are never needed.
    """
    controller = may.cluster_role(f"{CONTROLLER}-profiles", may.PROFILES)
    labels = {role: f"{may.AGGREGATE}{role}" for role in _PROFILE_ROLES}
    grants = may.aggregated(f"{CONTROLLER}-grants", *labels.values(), may.GRANT)
    return [
        controller,
        may.binding("ClusterRoleBinding", f"{CONTROLLER}-profiles", controller, CONTROLLER, SYSTEM),
        may.cluster_role("mlplat-profiles-view", may.VIEW, {labels["view"]: "true"}),
        may.cluster_role("mlplat-profiles-edit", may.EDIT, {labels["edit"]: "true"}),
        may.aggregated("mlplat-profile-view", labels["view"]),
        may.aggregated("mlplat-profile-edit", labels["view"], labels["edit"]),
        may.aggregated("mlplat-profile-admin", *labels.values()),
        grants,
        may.binding("ClusterRoleBinding", f"{CONTROLLER}-grants", grants, CONTROLLER, SYSTEM),
    ]


def _queues() -> list[Manifest]:
    """Return a queue of Kueue's for the namespace to work in; its amounts are examples."""
    amounts = {"cpu": "64", "memory": "256Gi", "nvidia.com/gpu": "8"}
    return [
        {
            "apiVersion": "kueue.x-k8s.io/v1beta1",
            "kind": "ResourceFlavor",
            "metadata": {"name": "mlplat"},
        },
        {
            "apiVersion": "kueue.x-k8s.io/v1beta1",
            "kind": "ClusterQueue",
            "metadata": {"name": "mlplat"},
            "spec": {
                "namespaceSelector": {},
                "resourceGroups": [
                    {
                        "coveredResources": [*amounts],
                        "flavors": [
                            {
                                "name": "mlplat",
                                "resources": [
                                    {"name": name, "nominalQuota": amount}
                                    for name, amount in amounts.items()
                                ],
                            }
                        ],
                    }
                ],
            },
        },
        {
            "apiVersion": "kueue.x-k8s.io/v1beta1",
            "kind": "LocalQueue",
            "metadata": {"name": "mlplat", "namespace": WORK},
            "spec": {"clusterQueue": "mlplat"},
        },
    ]


def _switch(variables: dict[str, str]) -> Manifest:
    """Return a patch that sets variables of the controller."""
    env: JsonValue = [{"name": name, "value": value} for name, value in variables.items()]
    container: Manifest = {"name": "controller", "env": env}
    patch: Manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": CONTROLLER, "namespace": SYSTEM},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    return {"patch": write_yaml([patch])}
