"""What a task of a KFP pipeline asks of the machine, and what of its wishes only a cluster grants.

Nothing is dropped in silence: what is not honoured here is said in a note, for people.
"""

import re
from collections.abc import Iterator, Mapping

from jupyter_mlplat.kit.quantities import format_bytes, format_count
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.pipeline import Resources
from jupyter_mlplat.resources.workflow import Component
from jupyter_mlplat.services.pipelines.admission import Inventory

_METADATA = re.compile(r"metadata\.(labels|annotations)\['.*'\]$")
_CLUSTER_ONLY: Mapping[str, str] = {
    "nodeSelector": "node selector",
    "imagePullSecret": "image pull secret",
    "imagePullPolicy": "image pull policy",
    "tolerations": "tolerations",
    "nodeAffinity": "node affinity",
    "podAffinity": "pod affinity",
    "securityContext": "security context",
    "initContainers": "init containers",
    "enabledSharedMemory": "size of the shared memory",
}


def camel(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Spell the names of platform settings one way: camelCase."""
    return {_camel(name): value for name, value in settings.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def fitted(wanted: Resources, inventory: Inventory) -> tuple[Resources, tuple[str, ...]]:
    """Lower what a task asks for to what the machine has, and say where that falls short.

    On a cluster these are upper bounds of a node that is chosen for them; here there is one node.
    """
    notes: list[str] = []
    cpu, memory, gpu = wanted.cpu, wanted.memory_bytes, wanted.gpu
    if cpu > inventory.cpu:
        notes.append(f"asks for {format_count(cpu, 'CPU')}; this machine has {inventory.cpu:g}")
        cpu = inventory.cpu
    if memory is not None and memory > inventory.memory_bytes:
        has = format_bytes(inventory.memory_bytes)
        notes.append(f"asks for {format_bytes(memory)} of memory; this machine has {has}")
        memory = inventory.memory_bytes
    if gpu > len(inventory.gpus):
        has = format_count(len(inventory.gpus), "GPU") if inventory.gpus else "none"
        notes.append(f"asks for {format_count(gpu, 'GPU')}; this machine has {has}")
        gpu = len(inventory.gpus)
    return Resources(cpu=cpu, memory_bytes=memory, gpu=gpu), tuple(notes)


def notes_on_platform(component: Component) -> tuple[str, ...]:
    """Say which of a task's settings only a cluster could honour."""
    return tuple(_unhonoured(camel(component.platform)))


def _unhonoured(settings: Mapping[str, JsonValue]) -> Iterator[str]:
    for name, words in _CLUSTER_ONLY.items():
        if settings.get(name) and settings[name] != "":
            yield f"ignored, as only a cluster has it: {words}"
    fields = settings.get("fieldPathAsEnv")
    for field in fields if isinstance(fields, list) else ():
        path = str(camel(field).get("fieldPath")) if isinstance(field, dict) else ""
        if path not in POD_FIELDS and not _METADATA.match(path):
            yield f"pod field {path!r} is not known here: its variable is empty"
    volumes = settings.get("genericEphemeralVolume")
    for volume in volumes if isinstance(volumes, list) else ():
        name = str(camel(volume).get("volumeName")) if isinstance(volume, dict) else ""
        yield f"volume {name!r} is an empty directory; its size and class are ignored"


POD_FIELDS = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.podIP",
        "status.hostIP",
    }
)
"""What `fieldPathAsEnv` may name and has an answer on one machine."""


def deadline_of(platform: Mapping[str, JsonValue]) -> float | None:
    """Return after how many seconds a task is stopped."""
    seconds = camel(platform).get("activeDeadlineSeconds")
    try:
        return float(str(seconds)) if seconds else None
    except ValueError:
        return None
