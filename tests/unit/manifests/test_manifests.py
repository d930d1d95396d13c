"""What is installed: restricted, small, and allowed no more than it uses."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from jupyter_mlplat.engine.sharing import read_server
from jupyter_mlplat.formats.kubernetes.pod_security import violations
from jupyter_mlplat.kit.quantities import parse_quantity
from jupyter_mlplat.resources.routes import ROUTES
from jupyter_mlplat_controller.manifests.crds import crds
from jupyter_mlplat_controller.manifests.kustomize import containers, read_folder, render
from jupyter_mlplat_controller.manifests.permissions import OURS
from jupyter_mlplat_controller.manifests.tree import OVERLAYS, tree
from jupyter_mlplat_controller.permissions import CALLS, PROFILE_CALLS, WORKSPACE_CALLS

ROOT = Path(__file__).parents[3] / "notebook_controller" / "manifests"
Manifest = dict[str, Any]


@cache
def overlay(name: str) -> list[Manifest]:
    return render(tree().get, PurePosixPath("overlays", name))


def of_kind(name: str, kind: str) -> list[Manifest]:
    return [one for one in overlay(name) if one["kind"] == kind]


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlay_read_from_the_disk_is_what_the_program_installs(name: str) -> None:
    assert render(read_folder(ROOT), PurePosixPath("overlays", name)) == overlay(name)


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_pod_is_restricted(name: str) -> None:
    pods = [one["spec"]["template"]["spec"] for one in of_kind(name, "Deployment")]

    assert [violations(pod) for pod in pods] == [[], []]


@pytest.mark.parametrize("name", OVERLAYS)
def test_all_together_ask_for_less_than_0_3_cpus_and_512_mib(name: str) -> None:
    asked = [
        container["resources"]["requests"]
        for one in of_kind(name, "Deployment")
        for container in containers(one)
    ]

    assert sum(parse_quantity(one["cpu"]) for one in asked) < 0.3
    assert sum(parse_quantity(one["memory"]) for one in asked) < 512 * 2**20


@pytest.mark.parametrize("name", OVERLAYS)
def test_objects_are_named_once_and_bear_the_label_that_an_upgrade_looks_for(name: str) -> None:
    found = [
        (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])
        for one in overlay(name)
    ]

    assert len(set(found)) == len(found)
    assert all(
        one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "jupyter-mlplat"
        for one in overlay(name)
    )


def rules(name: str) -> Iterator[tuple[str, Manifest]]:
    for one in overlay(name):
        for rule in one.get("rules") or ():
            yield one["metadata"]["name"], rule


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_role_has_a_wildcard_reads_secrets_enters_pods_or_lifts_itself(name: str) -> None:
    for _, rule in rules(name):
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
        assert not {"pods/exec", "pods/attach", "pods/portforward"} & set(rule["resources"])
        if "secrets" in rule["resources"] and rule["apiGroups"] == [""]:
            assert not {"get", "list", "watch"} & set(rule["verbs"])


def test_controller_holds_all_it_binds_so_it_needs_no_right_to_bind() -> None:
    roles = {one["metadata"]["name"]: one for one in of_kind("profiles", "ClusterRole")}

    def pairs(role: Manifest) -> set[tuple[str, str, str]]:
        selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
        summed = [
            other
            for other in roles.values()
            for selector in selectors
            if selector["matchLabels"].items() <= other["metadata"]["labels"].items()
        ]
        found = {
            (group, resource, verb)
            for rule in role.get("rules") or ()
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        return found.union(*(pairs(other) for other in summed)) if summed else found

    held = pairs(roles["mlplat-controller-grants"])
    bound = ("mlplat-profile-view", "mlplat-profile-edit", "mlplat-profile-admin", "mlplat-engine")
    for name in bound:
        assert pairs(roles[name])
        assert pairs(roles[name]) <= held, name
    assert pairs(roles["mlplat-profile-view"]) < pairs(roles["mlplat-profile-edit"])
    assert pairs(roles["mlplat-profile-edit"]) < pairs(roles["mlplat-profile-admin"])


def calls_of(overlay_name: str, role: str) -> set[tuple[str, str, str]]:
    return {
        (verb, group, resource)
        for name, rule in rules(overlay_name)
        if name == role
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_controller_may_do_what_its_tests_saw_it_do_and_nothing_else() -> None:
    asked_for = {call for call in CALLS if call[2] not in ("leases", "ingresses", "httproutes")}

    assert calls_of("minimal", "mlplat-controller") == asked_for | WORKSPACE_CALLS
    assert calls_of("profiles", "mlplat-controller-profiles") == PROFILE_CALLS
    assert {call[2] for call in calls_of("minimal", "mlplat-controller-election")} == {"leases"}


def test_engine_reads_the_settings_that_are_installed(tmp_path: Path) -> None:
    (settings,) = of_kind("minimal", "ConfigMap")
    (tmp_path / "config.toml").write_text(settings["data"]["config.toml"])

    server = read_server(tmp_path / "config.toml")

    assert server is not None
    assert server.address == "0.0.0.0:8787"
    assert server.oidc[0].service_accounts


def test_sums_of_roles_leave_their_rules_to_the_cluster() -> None:
    sums = [one for one in of_kind("profiles", "ClusterRole") if "aggregationRule" in one]

    assert len(sums) == 4
    assert not any("rules" in one for one in sums)


def test_roles_know_every_resource_of_the_engine() -> None:
    assert {route.resource for route in ROUTES} <= set(OURS.split())


def schemas(value: Any) -> Iterator[Manifest]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from schemas(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from schemas(inner)


DEFINITIONS = crds()


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_definition_is_structural(name: str) -> None:
    for version in DEFINITIONS[name]["spec"]["versions"]:  # type: ignore[index,call-overload,union-attr]
        found = list(schemas(version["schema"]["openAPIV3Schema"]))  # type: ignore[index,call-overload]
        for schema in found:
            assert not {"$ref", "$defs", "const", "default", "title"} & schema.keys() or (
                "type" not in schema  # a map of properties, one of which is called so
            )
            if schema.get("type") == "array":
                assert "items" in schema
    stored = [version["storage"] for version in DEFINITIONS[name]["spec"]["versions"]]  # type: ignore[index,call-overload,union-attr]
    assert stored.count(True) == 1
