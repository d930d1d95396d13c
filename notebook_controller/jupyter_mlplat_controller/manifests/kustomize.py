"""The part of kustomize that our tree uses, and overlays of it are likely to use.

`resources`, `patches` (strategic merge, or JSON patches with a target), `namespace`, `labels` and
`images`. Whatever else a kustomization has is refused: half an installation is none.
"""

import copy
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.formats.kubernetes.objects import words
from jupyter_mlplat.resources.base import JsonValue

Manifest = dict[str, Any]
Read = Callable[[PurePosixPath], str | None]

KNOWN = words("apiVersion kind resources patches namespace labels images")
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "tolerations": None,
}
"""By which field items of a list are the same, in a strategic merge; other lists are replaced."""
_CLUSTER_KINDS = words(
    "Namespace ClusterRole ClusterRoleBinding CustomResourceDefinition PersistentVolume "
    "StorageClass PriorityClass RuntimeClass ServerKind Profile WorkspaceKind ResourceFlavor "
    "ClusterQueue ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it is built
_INSTALLED_FIRST = ("Namespace", "CustomResourceDefinition")


def render(read: Read, folder: PurePosixPath) -> list[Manifest]:
    """Return the objects of a kustomization, in the order they can be created.

    Args:
        read: Returns a file's text, or None where there is no such file.
        folder: Where the kustomization lies.

    Raises:
        InvalidInput: It uses what is not understood here, or it is wrong.
        NotFound: A file it names is missing.
    """
    objects = _render(read, folder, ())
    return sorted(objects, key=lambda one: _rank(str(one.get("kind"))))


def read_folder(root: Path) -> Read:
    """Return what reads files of the disk; paths are absolute."""

    def read(path: PurePosixPath) -> str | None:
        place = root / path
        return place.read_text("utf-8") if place.is_file() else None

    return read


def _rank(kind: str) -> int:
    return _INSTALLED_FIRST.index(kind) if kind in _INSTALLED_FIRST else len(_INSTALLED_FIRST)


def _render(read: Read, folder: PurePosixPath, above: Sequence[PurePosixPath]) -> list[Manifest]:
    if folder in above:
        raise InvalidInput(f"Cannot render {str(folder)!r}: it is a resource of itself.")
    path, settings = _kustomization(read, folder)
    unknown = sorted(set(settings) - KNOWN)
    if unknown:
        raise InvalidInput(
            f"Cannot render {str(path)!r}: {unknown[0]!r} is not understood here; there are "
            f"{', '.join(sorted(KNOWN - {'apiVersion', 'kind'}))}. Render it with `kubectl "
            "kustomize` and apply what comes out."
        )
    objects: list[Manifest] = []
    for resource in settings.get("resources") or ():
        place = _join(folder, str(resource))
        text = read(place)
        objects += (
            _render(read, place, (*above, folder)) if text is None else _documents(text, place)
        )
    for patch in settings.get("patches") or ():
        _patch(objects, patch, read, folder)
    if settings.get("namespace"):
        _set_namespace(objects, str(settings["namespace"]))
    for labels in settings.get("labels") or ():
        _set_labels(objects, labels)
    for image in settings.get("images") or ():
        _set_image(objects, image)
    return objects


def _kustomization(read: Read, folder: PurePosixPath) -> tuple[PurePosixPath, Manifest]:
    for name in ("kustomization.yaml", "kustomization.yml", "Kustomization"):
        path = folder / name
        if (text := read(path)) is not None:
            return path, _documents(text, path)[0]
    raise NotFound(f"There is no kustomization.yaml in {str(folder)!r}, nor a file of that name.")


def _join(folder: PurePosixPath, resource: str) -> PurePosixPath:
    if "://" in resource or resource.startswith("github.com/"):
        raise InvalidInput(
            f"Cannot render {resource!r}: nothing is fetched from elsewhere. Bring it here first."
        )
    parts: list[str] = []
    for part in (folder / resource).parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)


def _documents(text: str, path: PurePosixPath) -> list[Manifest]:
    try:
        found = [one for one in yaml.load_all(text, _LOADER) if one is not None]
    except yaml.YAMLError as error:
        raise InvalidInput(f"Cannot read {str(path)!r}: {error}") from error
    if not found or not all(isinstance(one, dict) for one in found):
        raise InvalidInput(f"Cannot read {str(path)!r}: needed mappings.")
    return found


def _patch(objects: list[Manifest], patch: Manifest, read: Read, folder: PurePosixPath) -> None:
    path = patch.get("path")
    text = patch.get("patch") if path is None else read(_join(folder, str(path)))
    if not isinstance(text, str):
        raise NotFound(f"A patch in {str(folder)!r} has no text, or names no file: {path!r}.")
    content = yaml.safe_load(text)
    target = patch.get("target") or (_target(content) if isinstance(content, dict) else {})
    hit = [one for one in objects if _is_target(one, target)]
    if not hit:
        raise InvalidInput(f"A patch in {str(folder)!r} fits no object: {target!r}.")
    for one in hit:
        if isinstance(content, list):
            for change in content:
                _json_patch(one, change)
            continue
        if content.get("$patch") == "delete":
            objects.remove(one)
            continue
        merged = merge(one, content)
        one.clear()
        one.update(merged)


def _target(content: Manifest) -> Manifest:
    metadata = content.get("metadata") or {}
    found = {"kind": content.get("kind"), "name": metadata.get("name")}
    return found | ({"namespace": metadata["namespace"]} if metadata.get("namespace") else {})


def _is_target(one: Manifest, target: Manifest) -> bool:
    metadata = one.get("metadata") or {}
    group, _, version = str(one.get("apiVersion", "")).rpartition("/")
    facts = {
        "kind": one.get("kind"),
        "name": metadata.get("name"),
        "namespace": metadata.get("namespace"),
        "group": group,
        "version": version,
    }
    return all(
        name in facts and re.fullmatch(str(value), str(facts[name] or ""))
        for name, value in target.items()
    )


def merge(old: Any, new: Any, field: str = "") -> Any:
    """Merge strategically: mappings by field, known lists by the field that names an item."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = dict(old)
        for name, value in new.items():
            if value is None:
                found.pop(name, None)
            else:
                found[name] = merge(old.get(name), value, name)
        return found
    key = _KEYS.get(field)
    if key is None or not isinstance(old, list) or not isinstance(new, list):
        return copy.deepcopy(new)
    added = []
    found_items = [*old]
    for item in new:
        same = [n for n, one in enumerate(found_items) if one.get(key) == item.get(key)]
        if item.get("$patch") == "delete":
            found_items = [one for n, one in enumerate(found_items) if n not in same]
        elif not same:
            added.append(copy.deepcopy(item))
        else:
            found_items[same[0]] = merge(found_items[same[0]], item)
    return [*added, *found_items]  # new ones first, as kustomize has them


def _json_patch(one: Manifest, change: Manifest) -> None:
    *way, last = (
        part.replace("~1", "/").replace("~0", "~") for part in str(change["path"]).split("/")[1:]
    )
    place: Any = one
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if change.get("op") not in ("add", "replace", "remove"):
        raise InvalidInput(f"Cannot patch: needed add, replace or remove, found {change!r}.")
    if isinstance(place, list):
        at = len(place) if last == "-" else int(last)
        if change["op"] == "add":
            place.insert(at, change["value"])
        elif change["op"] == "replace":
            place[at] = change["value"]
        else:
            del place[at]
    elif change["op"] == "remove":
        del place[last]
    else:
        place[last] = change["value"]


def _set_namespace(objects: Iterable[Manifest], namespace: str) -> None:
    """Move objects, accounts that bindings name, and the namespace itself, as kustomize does."""
    objects = list(objects)
    accounts = {one["metadata"]["name"] for one in objects if one.get("kind") == "ServiceAccount"}
    for one in objects:
        if one.get("kind") == "Namespace":
            one["metadata"]["name"] = namespace
        elif one.get("kind") not in _CLUSTER_KINDS:
            one["metadata"]["namespace"] = namespace
        for subject in one.get("subjects") or ():
            if subject.get("kind") == "ServiceAccount" and subject.get("name") in accounts:
                subject["namespace"] = namespace


def _set_labels(objects: Iterable[Manifest], labels: Manifest) -> None:
    if labels.get("includeSelectors") or labels.get("fields"):
        raise InvalidInput("Cannot set labels in selectors here. Leave includeSelectors out.")
    for one in objects:
        metadata = one.setdefault("metadata", {})
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels["pairs"]}
        template = (one.get("spec") or {}).get("template")
        if labels.get("includeTemplates") and isinstance(template, dict):
            inner = template.setdefault("metadata", {})
            inner["labels"] = {**(inner.get("labels") or {}), **labels["pairs"]}


def _set_image(objects: Iterable[Manifest], image: Manifest) -> None:
    for one in objects:
        for container in containers(one):
            name, tag = _split_image(str(container.get("image", "")))
            if name != image["name"]:
                continue
            name = str(image.get("newName") or name)
            if image.get("digest"):
                container["image"] = f"{name}@{image['digest']}"
            else:
                tag = str(image.get("newTag") or tag)
                container["image"] = f"{name}:{tag}" if tag else name


def containers(one: JsonValue) -> Iterable[Manifest]:
    """Return the containers of every pod template in an object."""
    if isinstance(one, dict):
        for name, value in one.items():
            if name in ("containers", "initContainers") and isinstance(value, list):
                yield from (item for item in value if isinstance(item, dict))
            else:
                yield from containers(value)
    elif isinstance(one, list):
        for value in one:
            yield from containers(value)


def _split_image(image: str) -> tuple[str, str]:
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "")
