"""What a Profile is to have: what is to be there, what is to go, what is told."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

from jupyter_mlplat.formats.kubernetes.objects import Fault, Object, mapping, object_of, shape
from jupyter_mlplat.formats.profiles.spec import Contributor, ProfileSpec, QuotaSpec, profile_spec
from jupyter_mlplat.kit.names import label_value
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat_controller.profiles.access import (
    EDITOR,
    VIEWER,
    accounts,
    bindings,
    plugin_annotations,
)
from jupyter_mlplat_controller.profiles.settings import (
    COMPONENT,
    CONTRIBUTORS,
    EGRESS,
    LIMITS,
    MANAGED_BY,
    MANAGER,
    PROFILE,
    ProfileSettings,
)
from jupyter_mlplat_controller.profiles.walls import Egress, walls

Manifest = dict[str, JsonValue]

QUOTA = "kf-resource-quota"
"""Upstream's name."""
RANGE = "mlplat-limit-range"
MOST_CONTRIBUTORS = 500
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SYSTEM = ("kube-", "openshift-")
_AGAIN_S = 5.0
_LIMIT_FIELDS = ("default", "defaultRequest", "max", "min", "maxLimitRequestRatio")


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there.

    Attributes:
        namespace: The one with the profile's name, if there is one.
        objects: Of that namespace: all role bindings, and whatever bears this profile's label.
    """

    namespace: Manifest | None = None
    objects: tuple[Manifest, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be done; doing it twice changes nothing.

    Attributes:
        apply: Objects to be applied, in this order: walls stand before anybody may come in.
        delete: Objects that are no longer asked for.
        status: The Profile's.
        again_s: When to look again though nothing happens.
    """

    apply: tuple[Manifest, ...] = ()
    delete: tuple[Manifest, ...] = ()
    status: Manifest | None = None
    again_s: float | None = None


class _Refused(Exception):
    """The profile cannot be; why, as a reason and in words."""

    def __init__(self, reason: str, message: str, again_s: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.again_s = again_s


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a Profile asks for, its annotations read; `ignored` is told."""

    spec: ProfileSpec
    contributors: tuple[Contributor, ...]
    limits: Manifest | None
    egress: tuple[Egress, ...]
    ignored: tuple[str, ...]


def decide(profile: Manifest, seen: Seen, settings: ProfileSettings) -> Outcome:
    """Decide what becomes of a Profile.

    Args:
        profile: The object as the API server has it.
        seen: What is there.
        settings: The administrator's.

    Returns:
        What is to be done. A Profile that cannot be has a condition that says why, and nothing of
        it is touched; other profiles are not concerned.
    """
    try:
        document = object_of(profile)
        asked = _read(document, settings)
        _check(document, asked.spec, seen, settings)
    except _Refused as refusal:
        status = _status([_failed(refusal.reason, refusal.message)])
        return Outcome(status=status, again_s=refusal.again_s)
    except Exception as error:  # nothing that somebody writes may stop the controller
        return Outcome(status=_status([_failed("InvalidSpec", _words(error))]))

    annotations, told = plugin_annotations(asked.spec.plugins or ())
    wanted = tuple(
        _of(profile, one, document.name) for one in _wanted(document, asked, annotations, settings)
    )
    names = {_key(one) for one in wanted}
    stale = [
        one
        for one in seen.objects
        if _is_ours(one, profile) and (_key(one) not in names or _differs(one, wanted))
    ]
    conditions = [_succeeded(document.name, asked.spec)]
    if told:
        conditions.append(_condition("PluginsRecorded", "Recorded", f"{'. '.join(told)}."))
    if asked.ignored:
        conditions.append(_condition("Ignored", "NotUnderstood", f"{'. '.join(asked.ignored)}."))
    return Outcome(
        apply=(_namespace(profile, document, asked.spec, seen, settings), *wanted),
        delete=tuple(stale),
        status=_status(conditions),
    )


def _read(document: Object, settings: ProfileSettings) -> _Asked:
    ignored: list[str] = []
    contributors = []
    for at, said in enumerate(_list(document, CONTRIBUTORS, ignored)[:MOST_CONTRIBUTORS]):
        try:
            contributors.append(shape(Contributor, mapping(said, ""), f"{CONTRIBUTORS}[{at}]"))
        except Fault as fault:
            ignored.append(f"Contributor {at + 1}: {fault}")
    words = re.split(r"[,\s]+", document.annotations.get(EGRESS, "").strip())
    egress = tuple(cast(Egress, word) for word in words if word in get_args(Egress))
    for word in words:
        if word and word not in egress:
            needed = " or ".join(repr(one) for one in get_args(Egress))
            ignored.append(f"{EGRESS}: needed {needed}, found {word!r}")
    if "api-server" in egress and not settings.api_server:
        ignored.append(
            f"{EGRESS}: this installation was not told the API server's addresses, so it stays "
            "out of reach. Ask the administrator"
        )
    return _Asked(
        profile_spec(document),
        tuple(dict.fromkeys(contributors)),
        _limits(document, ignored),
        egress,
        tuple(ignored),
    )


def _list(document: Object, annotation: str, ignored: list[str]) -> list[JsonValue]:
    try:
        said = json.loads(document.annotations.get(annotation) or "[]")
    except (ValueError, RecursionError) as error:
        ignored.append(f"{annotation}: no JSON: {error}")
        return []
    if not isinstance(said, list):
        ignored.append(f"{annotation}: needed a list")
        return []
    return said


def _limits(document: Object, ignored: list[str]) -> Manifest | None:
    text = document.annotations.get(LIMITS)
    if text is None:
        return None
    try:
        said = json.loads(text)
        quantities = {name: shape(QuotaSpec, {"hard": said[name]}, LIMITS).hard for name in said}
    except Fault as fault:
        ignored.append(str(fault))
    except (ValueError, TypeError, LookupError, RecursionError):
        ignored.append(f"{LIMITS}: needed a JSON mapping, such as {{'max': {{'cpu': '8'}}}}")
    else:
        unknown = [name for name in quantities if name not in _LIMIT_FIELDS]
        if not unknown:
            return cast(Manifest, quantities)
        ignored.append(f"{LIMITS}: needed {', '.join(_LIMIT_FIELDS)}; found {unknown[0]!r}")
    return None


def _check(document: Object, spec: ProfileSpec, seen: Seen, settings: ProfileSettings) -> None:
    """Refuse a profile whose name is taken.

    Raises:
        _Refused: It is, or it is none that a namespace can have.
    """
    name = document.name
    if not _NAMESPACE.fullmatch(name):
        raise _Refused(
            "InvalidName",
            f"{name!r} cannot be a namespace's name: needed at most 63 small letters, digits and "
            "'-'. Create a Profile with such a name.",
        )
    if name in settings.reserved | {settings.system_namespace, "default"} or name.startswith(
        _SYSTEM
    ):
        raise _Refused("ReservedName", f"The namespace {name!r} belongs to the cluster itself.")
    if seen.namespace is None:
        return
    metadata = mapping(seen.namespace.get("metadata"), "metadata")
    holder = next((ref for ref in _owners(metadata) if ref.get("controller")), None)
    if metadata.get("deletionTimestamp"):
        raise _Refused(
            "NamespaceTerminating",
            f"The namespace {name!r} is still being deleted; the profile is made when it is gone.",
            _AGAIN_S,
        )
    if holder is not None and holder.get("uid") != _uid(document.raw):
        raise _Refused(
            "NamespaceOwned",
            f"The namespace {name!r} belongs to {holder.get('kind')} {holder.get('name')!r} "
            "already.",
        )
    owner = mapping(metadata.get("annotations"), "annotations").get("owner")
    if owner != spec.owner.name:  # upstream's words up to the full stop
        found = f"It is owned by {owner!r}" if owner else "It has no annotation 'owner'"
        raise _Refused(
            "NamespaceTaken",
            f"namespace already exist, but not owned by profile creator {spec.owner.name}. "
            f"{found}. Choose another name, or let an administrator annotate the namespace with "
            f"owner={spec.owner.name}.",
        )
    for one in seen.objects:
        if one.get("kind") == "RoleBinding" and not _is_ours(one, document.raw):
            taken = str(mapping(one.get("metadata"), "metadata").get("name"))
            for wanted in bindings(name, spec.owner, (), settings.system_namespace):
                if _key(wanted) == _key(one) and wanted["roleRef"] != one.get("roleRef"):
                    raise _Refused(
                        "RoleBindingTaken",
                        f"The role binding {taken!r} of namespace {name!r} is not ours and grants "
                        "another role, which cannot be changed. Delete it, and it is made anew.",
                    )


def _wanted(
    document: Object, asked: _Asked, annotations: dict[str, str], settings: ProfileSettings
) -> Iterator[Manifest]:
    name = document.name
    yield from walls(name, asked.egress, settings)
    quota = asked.spec.resource_quota_spec
    if quota is not None and quota.hard:
        yield {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": QUOTA, "namespace": name},
            "spec": quota.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
    limits: Manifest = {
        "default": dict(settings.default_limits),
        "defaultRequest": dict(settings.default_requests),
    }
    yield {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": RANGE, "namespace": name},
        "spec": {"limits": [{"type": "Container"} | limits | (asked.limits or {})]},
    }
    yield from accounts(name, annotations, {EDITOR: "edit", VIEWER: "view"})
    yield from bindings(name, asked.spec.owner, asked.contributors, settings.system_namespace)


def _namespace(
    profile: Manifest,
    document: Object,
    spec: ProfileSpec,
    seen: Seen,
    settings: ProfileSettings,
) -> Manifest:
    """Return the namespace; one that was there before is not made ours to delete."""
    found = mapping((seen.namespace or {}).get("metadata"), "metadata")
    there = mapping(found.get("labels"), "labels")
    labels = {
        name: value for name, value in settings.labels.items() if there.get(name, value) == value
    }
    metadata: Manifest = {
        "name": document.name,
        "annotations": {"owner": spec.owner.name},
        "labels": {**labels, **_labels(document.name)},
    }
    if seen.namespace is None or any(ref.get("uid") == _uid(profile) for ref in _owners(found)):
        metadata["ownerReferences"] = [_reference(profile)]
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _of(profile: Manifest, one: Manifest, name: str) -> Manifest:
    """Mark an object as this profile's."""
    metadata = dict(mapping(one["metadata"], "metadata"))
    metadata["labels"] = {**_labels(name)}
    metadata["ownerReferences"] = [_reference(profile)]
    return {**one, "metadata": metadata}


def _labels(name: str) -> dict[str, str]:
    return {MANAGED_BY: MANAGER, COMPONENT: "profile", PROFILE: label_value(name)}


def _reference(profile: Manifest) -> Manifest:
    # Not blocking the owner's deletion: where that is checked, it takes a right of its own.
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "Profile",
        "name": mapping(profile["metadata"], "metadata")["name"],
        "uid": _uid(profile),
        "controller": True,
        "blockOwnerDeletion": False,
    }


def _is_ours(one: Manifest, profile: Mapping[str, JsonValue]) -> bool:
    """Tell whether an object was made for this very Profile."""
    metadata = mapping(one.get("metadata"), "metadata")
    labels = mapping(metadata.get("labels"), "labels")
    return labels.get(MANAGED_BY) == MANAGER and any(
        ref.get("uid") == _uid(profile) for ref in _owners(metadata)
    )


def _differs(one: Manifest, wanted: Sequence[Manifest]) -> bool:
    """Tell whether a role binding grants another role than is wanted: that cannot be changed."""
    return one.get("kind") == "RoleBinding" and any(
        _key(other) == _key(one) and other["roleRef"] != one.get("roleRef") for other in wanted
    )


def _owners(metadata: object) -> list[Manifest]:
    refs = cast(Manifest, metadata).get("ownerReferences") if isinstance(metadata, dict) else None
    return [ref for ref in refs if isinstance(ref, dict)] if isinstance(refs, list) else []


def _uid(one: object) -> JsonValue:
    metadata = cast(Manifest, one).get("metadata")
    return metadata.get("uid") if isinstance(metadata, dict) else None


def _key(one: Manifest) -> tuple[JsonValue, JsonValue]:
    return one.get("kind"), mapping(one.get("metadata"), "metadata").get("name")


def _succeeded(name: str, spec: ProfileSpec) -> Manifest:
    return _condition(
        "Successful",
        "Ready",
        f"Namespace {name!r} is there for {spec.owner.kind} {spec.owner.name!r}.",
    )


def _failed(reason: str, message: str) -> Manifest:
    return _condition("Failed", reason, message)


def _condition(kind: str, reason: str, message: str) -> Manifest:
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def _status(conditions: list[Manifest]) -> Manifest:
    return {"conditions": [*conditions]}


def _words(error: Exception) -> str:
    """Say what is wrong with a spec; anything but a fault of it is a bug, and is named as one."""
    if isinstance(error, Fault):
        return f"{error}."
    message = getattr(error, "message", None)
    return str(message) if message else f"This profile could not be read: {error!r}."
