"""Volumes of a pod as folders: a claim is a named one of this machine, an empty one is empty."""

import posixpath
from collections.abc import Mapping

from jupyter_mlplat.formats.kubernetes.objects import Fault, Part, mapping, shape
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.training import Mount

_EMPTY = ("emptyDir", "ephemeral")


class _VolumeMount(Part):
    name: str
    mount_path: str
    sub_path: str = ""
    sub_path_expr: str | None = None
    read_only: bool = False
    recursive_read_only: str | None = None
    mount_propagation: str | None = None


def mounts_of(
    volumes: JsonValue, wanted: JsonValue, path: str, *, is_patch: bool = False
) -> tuple[tuple[Mount, ...], tuple[str, ...]]:
    """Read where a container wants which volumes, and say which are not had here.

    Args:
        volumes: Of the pod.
        wanted: The container's `volumeMounts`.
        path: Where those lie.
        is_patch: Whether others may have the volumes: those are not had here.

    Raises:
        Fault: One names no volume of the pod, or no place for it.
    """
    known = _by_name(volumes, path)
    found: list[Mount] = []
    notes: list[str] = []
    for at, one in enumerate(wanted if isinstance(wanted, list) else ()):
        place = f"{path}[{at}]"
        read = shape(_VolumeMount, mapping(one, place), place)
        if read.name not in known and is_patch:
            notes.append(f"ignored: volume {read.name!r}, which is not among those beside it")
            continue
        if read.name not in known:
            has = ", ".join(map(repr, known)) or "none"
            raise Fault(f"{place}.name", f"there is no volume {read.name!r}. There is: {has}")
        target = posixpath.normpath(read.mount_path)
        if not target.startswith("/") or target == "/":
            raise Fault(f"{place}.mountPath", f"{read.mount_path!r} is no path below '/'")
        volume = known[read.name]
        claim = volume.get("persistentVolumeClaim")
        if isinstance(claim, dict) and isinstance(name := claim.get("claimName"), str):
            is_read_only = read.read_only or claim.get("readOnly") is True
            found.append(
                Mount(path=target, volume=name, sub_path=read.sub_path, is_read_only=is_read_only)
            )
        elif any(kind in volume for kind in _EMPTY):
            found.append(Mount(path=target))
        else:
            kind = next((key for key in volume if key != "name"), "no source")
            notes.append(f"ignored, as only a cluster has it: volume {read.name!r} ({kind})")
    return tuple(found), tuple(notes)


def _by_name(volumes: JsonValue, path: str) -> Mapping[str, Mapping[str, JsonValue]]:
    listed = volumes if isinstance(volumes, list) else ()
    read = [mapping(one, f"{path}: volumes[{at}]") for at, one in enumerate(listed)]
    return {str(one.get("name")): one for one in read}
