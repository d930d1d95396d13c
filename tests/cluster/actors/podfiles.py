"""What a pod finds when it starts: its volumes as folders, its environment, its paths.

A container sees no file system of its own. Where its arguments, environment or working directory
name a path below one of its mounts, the folder of the volume is put in; a program that knows such a
path by heart does not find it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.actors.objects import Objects
from tests.cluster.apiserver.quantities import parse

Object = dict[str, Any]
TOKEN_PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"


class NotReady(Exception):
    """What a pod needs is not there (yet): a reason and a message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


@dataclass
class Files:
    """The folders of one pod."""

    objects: Objects
    pod: Object
    root: Path  # of the node
    token: Callable[[str, str], str]  # of a service account
    folders: dict[str, Path] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "pods" / str(self.pod["metadata"]["uid"])

    def prepare(self) -> None:
        """Make the folder of every volume. Raises NotReady where what it takes is missing."""
        self.home.mkdir(parents=True, exist_ok=True)
        for volume in self.pod["spec"].get("volumes") or []:
            self.folders[volume["name"]] = self._folder(volume)

    def _folder(self, volume: Object) -> Path:
        namespace = self.pod["metadata"]["namespace"]
        if claim := volume.get("persistentVolumeClaim"):
            folder = self.root / "claims" / namespace / str(claim["claimName"])
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        folder = self.home / "volumes" / str(volume["name"])
        folder.mkdir(parents=True, exist_ok=True)
        sources = (volume.get("projected") or {}).get("sources")
        for source in sources if sources is not None else [volume]:
            self._project(source, folder)
        return folder

    def _project(self, source: Object, folder: Path) -> None:
        if "configMap" in source:
            wanted = source["configMap"]
            found = self._find("configmaps", wanted.get("name"), wanted.get("optional"))
            self._write(
                folder,
                {key: value.encode() for key, value in found.get("data", {}).items()},
                wanted,
            )
        elif "secret" in source:
            wanted = source["secret"]
            name = wanted.get("secretName") or wanted.get("name")
            found = self._find("secrets", name, wanted.get("optional"))
            data = {key: base64.b64decode(value) for key, value in found.get("data", {}).items()}
            self._write(folder, data, wanted)
        elif "downwardAPI" in source:
            for item in source["downwardAPI"].get("items") or []:
                text = self.field(item["fieldRef"]["fieldPath"]) if "fieldRef" in item else ""
                self._put(folder / item["path"], text.encode())
        elif "serviceAccountToken" in source:
            namespace = self.pod["metadata"]["namespace"]
            token = self.token(namespace, self.pod["spec"].get("serviceAccountName", "default"))
            self._put(folder / source["serviceAccountToken"]["path"], token.encode())

    def _find(self, plural: str, name: str, optional: bool | None) -> Object:
        found = self.objects.get(plural, self.pod["metadata"]["namespace"], name)
        if found is None and not optional:
            raise NotReady("ContainerCreating", f'{plural.removesuffix("s")} "{name}" not found')
        return found or {}

    def _write(self, folder: Path, data: dict[str, bytes], wanted: Object) -> None:
        items = wanted.get("items")
        chosen = (
            {item["key"]: item["path"] for item in items} if items else {key: key for key in data}
        )
        for key, path in chosen.items():
            if key in data:
                self._put(folder / path, data[key])

    @staticmethod
    def _put(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    # -- paths

    def mounts(self, container: Object) -> list[tuple[str, Path]]:
        """List where the mounts of a container really are, the longest path first."""
        found = []
        for mount in container.get("volumeMounts") or []:
            folder = self.folders[mount["name"]] / mount.get("subPath", "")
            if not folder.exists():
                folder.mkdir(parents=True)
            found.append((mount["mountPath"].rstrip("/"), folder))
        log = container.get("terminationMessagePath", "/dev/termination-log")
        found.append((log, self.message_file(container)))
        return sorted(found, key=lambda pair: -len(pair[0]))

    def message_file(self, container: Object) -> Path:
        return self.home / f"{container['name']}.message"

    def translate(self, text: str, container: Object) -> str:
        """Put real folders in the place of mount paths, the pod's own address in that of all."""
        for path, folder in self.mounts(container):
            text = re.sub(rf"(?<![\w/.-]){re.escape(path)}(?![\w.-])", str(folder), text)
        address = (self.pod.get("status") or {}).get("podIP", "127.0.0.1")
        return text.replace("0.0.0.0", address)

    # -- environment

    def environment(self, container: Object) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in container.get("envFrom") or []:
            prefix = source.get("prefix", "")
            if wanted := source.get("configMapRef"):
                data = self._need("configmaps", wanted).get("data") or {}
                found |= {prefix + key: value for key, value in data.items()}
            elif wanted := source.get("secretRef"):
                data = self._need("secrets", wanted).get("data") or {}
                found |= {
                    prefix + key: base64.b64decode(value).decode() for key, value in data.items()
                }
        for variable in container.get("env") or []:
            value = variable.get("value")
            if value is None:
                value = self._value(variable.get("valueFrom") or {}, container)
            if value is not None:
                found[variable["name"]] = expand(value, found)
        return {name: self.translate(value, container) for name, value in found.items()}

    def _need(self, plural: str, wanted: Object) -> Object:
        found = self.objects.get(plural, self.pod["metadata"]["namespace"], wanted["name"])
        if found is None and not wanted.get("optional"):
            what = plural.removesuffix("s")
            raise NotReady("CreateContainerConfigError", f'{what} "{wanted["name"]}" not found')
        return found or {}

    def _value(self, source: Object, container: Object) -> str | None:
        if wanted := source.get("fieldRef"):
            return self.field(wanted["fieldPath"])
        if wanted := source.get("resourceFieldRef"):
            kind, _, name = wanted["resource"].partition(".")
            value = ((container.get("resources") or {}).get(kind) or {}).get(name, "0")
            return str(-(-(parse(value) or 0) // (parse(wanted.get("divisor", "1")) or 1)))
        for key, plural in (("secretKeyRef", "secrets"), ("configMapKeyRef", "configmaps")):
            if wanted := source.get(key):
                data = self._need(plural, wanted).get("data") or {}
                if wanted["key"] not in data:
                    if wanted.get("optional"):
                        return None
                    what = plural.removesuffix("s")
                    place = f"{self.pod['metadata']['namespace']}/{wanted['name']}"
                    raise NotReady(
                        "CreateContainerConfigError",
                        f"couldn't find key {wanted['key']} in {what} {place}",
                    )
                text = data[wanted["key"]]
                return base64.b64decode(text).decode() if plural == "secrets" else str(text)
        return ""

    def field(self, path: str) -> str:
        """Read a field of the pod as the downward API names it."""
        if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
            return str((self.pod["metadata"].get(match[1]) or {}).get(match[2], ""))
        if path in ("metadata.labels", "metadata.annotations"):
            listed = self.pod["metadata"].get(path.partition(".")[2]) or {}
            return "\n".join(f'{key}="{value}"' for key, value in sorted(listed.items()))
        found: Any = self.pod
        for step in path.split("."):
            found = found.get(step, {}) if isinstance(found, dict) else {}
        return "" if found == {} else str(found)


def expand(text: str, known: dict[str, str]) -> str:
    """Put in the variables named $(LIKE_THIS); $$(…) stays, without the first dollar sign."""

    def put(match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        return known.get(match[1], match[0])

    return re.sub(r"\$?\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)", put, text)
