"""PodDefaults put into a pod, by the rules of Kubeflow's webhook; nothing is overwritten.

Source:
    kubeflow/kubeflow v1.10, components/admission-webhook/main.go: what is there already and the
    same is left, what differs is a conflict, and a conflict leaves the pod without any of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.formats.notebooks.documents import PodDefault

PREFIX = "poddefault.admission.kubeflow.org"


@dataclass(frozen=True, slots=True)
class Template:
    """A pod's template on its way: labels, annotations, spec."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]


def chosen(
    presets: Iterable[PodDefault], labels: Mapping[str, str], named: Iterable[str]
) -> tuple[list[PodDefault], list[str]]:
    """Find the presets of a pod: those that select its labels, and those that it names.

    Returns:
        The presets in the order of their names, and the names of which there is none.
    """
    known = {preset.name: preset for preset in presets}
    wanted = set(named)
    missing = sorted(wanted - known.keys())
    found = [
        preset
        for name, preset in sorted(known.items())
        if name in wanted or preset.spec.selector.matches(labels)
    ]
    return found, missing


def apply(template: Template, presets: Sequence[PodDefault]) -> tuple[Template, list[str]]:
    """Put presets into a template.

    Returns:
        The template with all of them and no conflict; or as it was, and the conflicts in words.
    """
    if not presets or template.annotations.get(f"{PREFIX}/exclude") == "true":
        return template, []
    merge = _Merge()
    spec = dict(deepcopy(template.spec))
    labels, annotations = dict(template.labels), dict(template.annotations)
    for preset in presets:
        merge.preset = preset.name
        said = preset.spec
        merge.named(spec, "volumes", said.volumes, "name")
        merge.named(spec, "tolerations", said.tolerations, "key")
        merge.named(spec, "imagePullSecrets", said.image_pull_secrets, "name")
        merge.texts(labels, said.labels, "label")
        merge.texts(annotations, said.annotations, "annotation")
        if said.service_account_name:
            spec["serviceAccountName"] = said.service_account_name
        if said.automount_service_account_token is not None:
            spec["automountServiceAccountToken"] = said.automount_service_account_token
        for container in _containers(spec):
            merge.named(container, "env", said.env, "name")
            merge.mounts(container, said.volume_mounts)
            if said.env_from:
                container["envFrom"] = [*(container.get("envFrom") or []), *said.env_from]
            if said.command is not None and container.get("command") is None:
                container["command"] = said.command
            if said.args is not None and container.get("args") is None:
                container["args"] = said.args
        annotations[f"{PREFIX}/poddefault-{preset.name}"] = preset.version
    for preset in presets:  # after all containers of the pod have their variables, as upstream
        merge.preset = preset.name
        merge.named(spec, "initContainers", preset.spec.init_containers, "name")
        merge.named(spec, "containers", preset.spec.sidecars, "name")
    if merge.conflicts:
        return template, merge.conflicts
    return Template(labels, annotations, spec), []


class _Merge:
    """Merges what presets say and remembers what cannot be."""

    def __init__(self) -> None:
        self.preset = ""
        self.conflicts: list[str] = []

    def named(self, holder: dict[str, Any], place: str, said: Sequence[Any], by: str) -> None:
        """Add entries that are known by one field."""
        if not said:
            return
        entries = list(holder.get(place) or [])
        known = {each.get(by): each for each in entries if isinstance(each, Mapping)}
        for entry in said:
            found = known.get(entry.get(by))
            if found is None:
                known[entry.get(by)] = entry
                entries.append(deepcopy(entry))
            elif found != entry:
                self._conflict(place, entry.get(by))
        holder[place] = entries

    def mounts(self, container: dict[str, Any], said: Sequence[Any]) -> None:
        """Add mounts, which conflict by the volume as well as by the path."""
        taken = {
            each.get("mountPath"): each
            for each in container.get("volumeMounts") or []
            if isinstance(each, Mapping)
        }
        for entry in said:
            found = taken.setdefault(entry.get("mountPath"), entry)
            if found != entry:
                self._conflict("volumeMounts", entry.get("mountPath"))
        self.named(container, "volumeMounts", said, "name")

    def texts(self, holder: dict[str, str], said: Mapping[str, str], what: str) -> None:
        """Add labels or annotations."""
        for name, text in said.items():
            if holder.setdefault(name, text) != text:
                self._conflict(what, name)

    def _conflict(self, place: str, name: object) -> None:
        note = f"PodDefault {self.preset!r} sets {place} {name!r} to something else"
        if note not in self.conflicts:
            self.conflicts.append(note)


def _containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    found = [dict(each) for each in spec.get("containers") or [] if isinstance(each, Mapping)]
    spec["containers"] = found
    return found
