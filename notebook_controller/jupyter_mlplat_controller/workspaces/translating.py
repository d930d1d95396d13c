"""The Notebook that a Workspace becomes: its kind's template with its own choices in it."""

import re
from collections.abc import Mapping
from typing import Any

from jupyter_mlplat.formats.notebooks import CREATOR, CULL_AFTER, GROUP
from jupyter_mlplat.formats.notebooks.servers import path_of
from jupyter_mlplat.formats.notebooks.workspaces import (
    ImageOption,
    KindTemplate,
    PodOption,
    WorkspaceKindSpec,
    WorkspaceSpec,
)
from jupyter_mlplat.kit.names import LONGEST_SET, label_value, object_name
from jupyter_mlplat_controller.workspaces.activity import PauseAfter

CONTAINER = "main"
WORKSPACE_LABEL = "notebooks.kubeflow.org/workspace-name"
"""Upstream's names."""

_STEERING = re.compile(r"(mlplat\.jupyter\.org|notebooks\.kubeflow\.org)/|kubeflow-resource-")
_TEMPLATE = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_PREFIX = re.compile(r"httpPathPrefix\s+[\"'`]([a-z0-9_-]*)[\"'`]")


class Untranslatable(Exception):
    """The kind cannot be translated; in upstream's words."""


def notebook_name(workspace: str) -> str:
    """Name the Notebook of a Workspace."""
    return object_name(f"ws-{workspace}", longest=LONGEST_SET)


def notebook_of(
    name: str,
    namespace: str,
    creator: str,
    spec: WorkspaceSpec,
    kind: WorkspaceKindSpec,
    image: ImageOption,
    pod: PodOption,
    pause: PauseAfter | None,
) -> dict[str, Any]:
    """Write the Notebook, without what says whose it is.

    Raises:
        Untranslatable: A port is there twice, or a variable uses what templates here do not know.
    """
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for metadata in (kind.pod_template.pod_metadata, spec.pod_template.pod_metadata):
        if metadata is not None:
            labels |= _harmless(metadata.labels)
            annotations |= _harmless(metadata.annotations)
    annotations[CULL_AFTER] = "never" if pause is None else f"{pause.cull_s}s"
    if creator:
        annotations[CREATOR] = creator
    child = notebook_name(name)
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Notebook",
        "metadata": {
            "name": child,
            "namespace": namespace,
            "labels": {**labels, WORKSPACE_LABEL: label_value(name)},
            "annotations": annotations,
        },
        "spec": {
            "template": {
                "spec": _pod(path_of(namespace, child), spec, kind.pod_template, image, pod)
            }
        },
    }


def _harmless(said: Mapping[str, str] | None) -> dict[str, str]:
    """Return what people may put on a pod: what steers a controller is not theirs to say."""
    return {name: text for name, text in (said or {}).items() if not _STEERING.match(name)}


def _pod(
    path: str, spec: WorkspaceSpec, template: KindTemplate, image: ImageOption, pod: PodOption
) -> dict[str, Any]:
    ports = image.spec.ports
    numbers = [port.port for port in ports]
    for number in numbers:
        if numbers.count(number) > 1:
            raise Untranslatable(f"duplicate port number {number} in imageConfig")
    known = {port.id for port in ports}
    volumes, mounts = _volumes(spec, template)
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": image.spec.image,
        "imagePullPolicy": image.spec.image_pull_policy or "IfNotPresent",
        "ports": [
            {"name": f"http-{port.port}", "containerPort": port.port, "protocol": "TCP"}
            for port in ports
        ],
        "env": [_variable(one, path, known) for one in template.extra_env or ()],
        "resources": pod.spec.resources or {},
        "volumeMounts": mounts,
        "securityContext": template.container_security_context,
    }
    probes = template.probes
    if probes is not None:
        container |= {
            "startupProbe": probes.startup_probe,
            "livenessProbe": probes.liveness_probe,
            "readinessProbe": probes.readiness_probe,
        }
    found = {
        "containers": [_said(container)],
        "volumes": volumes,
        "affinity": pod.spec.affinity,
        "nodeSelector": pod.spec.node_selector,
        "tolerations": pod.spec.tolerations,
        "securityContext": template.security_context,
    }
    return _said(found)


def _volumes(
    spec: WorkspaceSpec, template: KindTemplate
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return volumes and mounts; of two at one path the first counts, as upstream has it."""
    asked = spec.pod_template.volumes
    volumes: dict[str, dict[str, Any]] = {}
    mounts: dict[str, dict[str, Any]] = {}

    def add(name: str, path: str, source: Mapping[str, Any], is_read_only: bool = False) -> None:
        if path not in mounts:
            volumes[name] = {"name": name, **source}
            mounts[path] = {"name": name, "mountPath": path}
            if is_read_only:
                mounts[path]["readOnly"] = True

    if asked.home is not None:
        claim = {"persistentVolumeClaim": {"claimName": asked.home}}
        add("home-volume", template.volume_mounts.home, claim)
    for at, data in enumerate(asked.data or ()):
        source: dict[str, Any] = {"claimName": data.pvc_name}
        if data.read_only:
            source["readOnly"] = True
        add(
            f"data-volume-{at}",
            data.mount_path,
            {"persistentVolumeClaim": source},
            bool(data.read_only),
        )
    for at, secret in enumerate(asked.secrets or ()):
        source = {"secretName": secret.secret_name, "defaultMode": secret.default_mode}
        add(f"secret-volume-{at}", secret.mount_path, {"secret": source})
    for volume in template.extra_volumes or ():
        volumes.setdefault(str(volume.get("name")), dict(volume))
    for mount in template.extra_volume_mounts or ():
        if str(mount.get("name")) in volumes:
            mounts.setdefault(str(mount.get("mountPath")), dict(mount))
    return list(volumes.values()), list(mounts.values())


def _variable(one: Mapping[str, Any], path: str, ports: set[str]) -> dict[str, Any]:
    value = one.get("value")
    if not isinstance(value, str) or "{{" not in value:
        return dict(one)

    def fill(match: re.Match[str]) -> str:
        call = _PREFIX.fullmatch(match[1])
        if call is None:
            raise Untranslatable(
                f'failed to render extraEnv "{one.get("name")}": {match[0]!r} is not understood; '
                "there is httpPathPrefix"
            )
        return f"{path}/" if call[1] in ports else ""

    return {**one, "value": _TEMPLATE.sub(fill, value)}


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [], {})}
