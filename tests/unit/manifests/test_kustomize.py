"""Our part of kustomize."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat_controller.manifests.kustomize import read_folder, render

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry:5000/team/web:1
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: there}, {kind: User, name: ann}]
---
apiVersion: v1
kind: Namespace
metadata: {name: there}
"""


def rendered(**settings: Any) -> dict[str, Any]:
    files = {
        "base/all.yaml": DEPLOYMENT,
        "base/kustomization.yaml": "resources: [all.yaml]",
        "kustomization.yaml": yaml.safe_dump({"resources": ["./base"], **settings}),
    }
    found = render(lambda path: files.get(str(path)), PurePosixPath("."))
    return {one["kind"]: one for one in found}


def container(found: dict[str, Any]) -> dict[str, Any]:
    (one,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(one)


def test_namespaces_come_first() -> None:
    assert next(iter(rendered())) == "Namespace"


def test_namespace_moves_objects_accounts_and_the_namespace_itself() -> None:
    found = rendered(namespace="here")

    assert found["Deployment"]["metadata"]["namespace"] == "here"
    assert found["Namespace"]["metadata"]["name"] == "here"
    assert found["ClusterRoleBinding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "web", "namespace": "here"},
        {"kind": "User", "name": "ann"},
    ]
    assert "namespace" not in found["ClusterRoleBinding"]["metadata"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"newTag": "2"}, "registry:5000/team/web:2"),
        ({"newName": "ghcr.io/web"}, "ghcr.io/web:1"),
        ({"digest": "sha256:abc"}, "registry:5000/team/web@sha256:abc"),
    ],
)
def test_image_is_replaced(image: dict[str, str], expected: str) -> None:
    found = rendered(images=[{"name": "registry:5000/team/web", **image}])

    assert container(found)["image"] == expected


def test_patch_merges_lists_by_name() -> None:
    patch = {
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {
                            "name": "web",
                            "env": [
                                {"name": "B", "value": "3"},
                                {"name": "C", "value": "4"},
                                {"name": "A", "$patch": "delete"},
                            ],
                        }
                    ]
                }
            }
        },
    }

    found = rendered(patches=[{"patch": yaml.safe_dump(patch)}])

    env = container(found)["env"]
    assert env == [{"name": "C", "value": "4"}, {"name": "B", "value": "3"}]


def test_json_patch_hits_its_target() -> None:
    change = [{"op": "add", "path": "/metadata/annotations", "value": {"a/b": "c"}}]

    found = rendered(patches=[{"target": {"kind": "Deployment"}, "patch": yaml.safe_dump(change)}])

    assert found["Deployment"]["metadata"]["annotations"] == {"a/b": "c"}


def test_labels_are_set_on_objects_and_not_on_pods() -> None:
    found = rendered(labels=[{"pairs": {"team": "x"}}])

    assert found["ServiceAccount"]["metadata"]["labels"] == {"team": "x"}
    assert found["Deployment"]["spec"]["template"]["metadata"]["labels"] == {"app": "web"}


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"helmCharts": []}, InvalidInput),
        ({"resources": ["https://example.org/x"]}, InvalidInput),
        ({"resources": ["."]}, InvalidInput),
        ({"resources": ["nowhere"]}, NotFound),
        ({"patches": [{"patch": "{kind: Job, metadata: {name: x}}"}]}, InvalidInput),
        ({"labels": [{"pairs": {}, "includeSelectors": True}]}, InvalidInput),
    ],
)
def test_what_is_not_understood_is_refused(
    settings: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        rendered(**settings)


def test_folder_of_the_disk_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(DEPLOYMENT)
    (tmp_path / "kustomization.yaml").write_text("resources: [a.yaml]")

    found = render(read_folder(Path("/")), PurePosixPath(tmp_path))

    assert len(found) == 4
