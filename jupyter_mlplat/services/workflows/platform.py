"""The `kubernetes` settings of a task that have a meaning on one machine.

Secrets and config maps come from the local store, claims of volumes are named folders.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.images import SecretKind
from jupyter_mlplat.services.workflows.demands import camel

CREATE_VOLUME, DELETE_VOLUME = "argostub/createpvc", "argostub/deletepvc"
"""Images that stand for no image: KFP's backend makes or deletes a claim of a volume for them."""

_SOURCES = frozenset({"taskOutputParameter", "componentInputParameter"})

Lookup = Callable[[Mapping[str, JsonValue]], JsonValue]
"""(an `InputParameterSpec`) → what it comes to"""


@dataclass(frozen=True, slots=True)
class FromSecret:
    """Keys of a secret or config map that become variables."""

    kind: SecretKind
    name: str
    variables: tuple[tuple[str, str], ...]  # (key, variable)
    optional: bool


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder that a task sees at a path of its own."""

    kind: Literal["secret", "config", "volume", "empty"]
    name: str
    path: str
    sub_path: str = ""
    optional: bool = False


def with_constants(platform: Mapping[str, JsonValue], lookup: Lookup) -> dict[str, JsonValue]:
    """Replace references to outputs and inputs of other components by what they come to.

    What a task's platform settings refer to belongs to the DAG that the task lies in.
    """
    return {name: _with_constants(value, lookup) for name, value in platform.items()}


def _with_constants(value: JsonValue, lookup: Lookup) -> JsonValue:
    if isinstance(value, list):
        return [_with_constants(item, lookup) for item in value]
    if not isinstance(value, dict):
        return value
    spelled = camel(value)
    found = _SOURCES & spelled.keys()
    if not found:
        return {name: _with_constants(item, lookup) for name, item in value.items()}
    constant = lookup({name: spelled[name] for name in found})
    rest = {name: item for name, item in spelled.items() if name not in found}
    return {**rest, "runtimeValue": {"constant": constant}, "constant": constant}


def variables_of(platform: Mapping[str, JsonValue]) -> Iterator[FromSecret]:
    """Return which variables come from which secret or config map."""
    kinds: tuple[tuple[SecretKind, str, str, str], ...] = (
        ("config", "configMapAsEnv", "configMap", "configMapKey"),
        ("secret", "secretAsEnv", "secret", "secretKey"),
    )
    for kind, setting, noun, key in kinds:
        for one in _entries(platform, setting):
            pairs = [camel(pair) for pair in one.get("keyToEnv") or () if isinstance(pair, dict)]
            yield FromSecret(
                kind,
                _name(one, noun),
                tuple((str(pair.get(key)), str(pair.get("envVar"))) for pair in pairs),
                bool(one.get("optional")),
            )


def fields_of(platform: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Return which variables hold which field of a pod: (variable, field path)."""
    for one in _entries(platform, "fieldPathAsEnv"):
        yield str(one.get("name")), str(one.get("fieldPath"))


def pod_metadata(platform: Mapping[str, JsonValue]) -> dict[str, str]:
    """Return a pod's labels and annotations as a field path names them."""
    found = camel(platform).get("podMetadata")
    metadata = found if isinstance(found, dict) else {}
    return {
        f"metadata.{kind}['{name}']": str(value)
        for kind in ("labels", "annotations")
        for name, value in _items(metadata.get(kind))
    }


def _items(value: JsonValue) -> list[tuple[str, JsonValue]]:
    return list(value.items()) if isinstance(value, dict) else []


def mounts_of(platform: Mapping[str, JsonValue]) -> Iterator[Mount]:
    """Return what a task sees where."""
    for one in _entries(platform, "secretAsVolume"):
        path = str(one.get("mountPath"))
        yield Mount("secret", _name(one, "secret"), path, optional=bool(one.get("optional")))
    for one in _entries(platform, "configMapAsVolume"):
        path = str(one.get("mountPath"))
        yield Mount("config", _name(one, "configMap"), path, optional=bool(one.get("optional")))
    for one in _entries(platform, "pvcMount"):
        name = _constant(one.get("pvcNameParameter")) or _constant(one) or one.get("constant")
        yield Mount("volume", str(name), str(one.get("mountPath")), str(one.get("subPath") or ""))
    for setting in ("emptyDirMounts", "genericEphemeralVolume"):
        for one in _entries(platform, setting):
            yield Mount("empty", str(one.get("volumeName")), str(one.get("mountPath")))


def _entries(platform: Mapping[str, JsonValue], name: str) -> Iterator[dict[str, Any]]:
    found = camel(platform).get(name)
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            yield camel(one)


def _name(one: Mapping[str, Any], noun: str) -> str:
    return str(_constant(one.get(f"{noun}NameParameter")) or one.get(f"{noun}Name") or "")


def _constant(source: Any) -> Any:
    """Return the constant of an `InputParameterSpec`, of either spelling."""
    if not isinstance(source, dict):
        return None
    value = camel(source).get("runtimeValue")
    constant = camel(value).get("constant") if isinstance(value, dict) else None
    if isinstance(constant, dict) and "stringValue" in constant:
        return constant["stringValue"]
    return constant
