"""What the server itself keeps true of objects: names, generation, what may not change, what it
fills in."""

from __future__ import annotations

import re
from typing import Any

from tests.cluster.apiserver.failures import (
    Cause,
    forbidden_field,
    invalid,
    required,
)
from tests.cluster.apiserver.kinds import Kind
from tests.cluster.apiserver.schemas import shown
from tests.cluster.apiserver.selectors import label_selector

Object = dict[str, Any]

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

SAID = {
    SUBDOMAIN: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
    "characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    LABEL: "a lowercase RFC 1123 label must consist of lower case alphanumeric characters "
    "or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    VALUE: "a valid label must be an empty string or consist of alphanumeric characters, "
    "'-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
    "regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    QUALIFIED: "name part must consist of alphanumeric characters, '-', '_' or '.', and "
    "must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
}

# Built-in kinds whose metadata.generation counts changes of the spec.
COUNTED = frozenset(
    [
        "DaemonSet",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "CronJob",
        "Job",
        "Ingress",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "CustomResourceDefinition",
        "Pod",
        "ReplicationController",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ]
)
UNCOUNTED_AT_FIRST: frozenset[str] = frozenset()

# Fields of a spec that may change; all others stay as they were created.
CHANGEABLE = {
    "StatefulSet": (
        [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ],
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
        "'template', 'updateStrategy', "
        "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
        "'minReadySeconds' are forbidden",
    ),
    "PersistentVolumeClaim": (
        ["resources", "volumeName", "storageClassName", "volumeAttributesClassName"],
        (
            "spec is immutable after creation except resources.requests and "
            "volumeAttributesClassName for bound claims"
        ),
    ),
    "Pod": (
        [
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
            "schedulingGates",
            "nodeName",
            "ephemeralContainers",
        ],
        "pod updates may not change fields other than "
        "`spec.containers[*].image`,`spec.initContainers[*].image`,"
        "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
        "previously negative)",
    ),
}
IMMUTABLE = {
    "Deployment": ("selector",),
    "ReplicaSet": ("selector",),
    "DaemonSet": ("selector",),
    "Job": ("selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"),
    "Service": ("clusterIP",),
}


def generation(kind: Kind, before: Object | None, after: Object) -> int | None:
    """Compute metadata.generation; None where the kind has none."""
    if not kind.custom and kind.kind not in COUNTED:
        return None
    if before is None:
        return 1
    count = int(before["metadata"].get("generation", 1))
    if kind.custom:
        ignored = {"metadata", "status"} if "status" in kind.subresources else {"metadata"}
    else:
        ignored = {
            key for key in {*before, *after} if key != "spec" and not key.startswith("webhooks")
        }
    if kind.kind == "Deployment" and _notes(before) != _notes(after):
        return count + 1
    same = {key: part for key, part in before.items() if key not in ignored} == {
        key: part for key, part in after.items() if key not in ignored
    }
    return count if same else count + 1


def _notes(document: Object) -> Object:
    return document["metadata"].get("annotations") or {}


def check_meta(kind: Kind, document: Object) -> list[Cause]:
    """Check the name, labels, annotations and finalizers of an object."""
    meta = document["metadata"]
    name = meta["name"]
    causes: list[Cause] = []
    if kind.group == "rbac.authorization.k8s.io":
        if name in (".", "..") or "/" in name or "%" in name:
            causes.append(invalid("metadata.name", shown(name), "may not contain '/'"))
    else:
        form = {"Namespace": LABEL, "Service": LABEL}.get(kind.kind, SUBDOMAIN)
        longest = 253 if form == SUBDOMAIN else 63
        if len(name) > longest:
            causes.append(
                invalid("metadata.name", shown(name), f"must be no more than {longest} bytes")
            )
        if not re.fullmatch(form, name):
            causes.append(invalid("metadata.name", shown(name), SAID[form]))
    causes += check_labels(meta.get("labels"), "metadata.labels")
    for key in meta.get("annotations") or {}:
        causes += _qualified(key.lower(), "metadata.annotations", key)
    size = sum(len(key) + len(value) for key, value in (meta.get("annotations") or {}).items())
    if size > 256 * 1024:
        causes.append(
            Cause(
                "metadata.annotations",
                "FieldValueTooLong",
                "Too long: may not be more than 262144 bytes",
            )
        )
    for index, finalizer in enumerate(meta.get("finalizers") or []):
        if "/" not in finalizer and finalizer not in ("orphan", "foregroundDeletion", "kubernetes"):
            causes.append(
                invalid(
                    f"metadata.finalizers[{index}]",
                    shown(finalizer),
                    "name is neither a standard finalizer name nor is it fully qualified",
                )
            )
    for index, owner in enumerate(meta.get("ownerReferences") or []):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                told = {"apiVersion": "version must not be empty"}.get(field, "must not be empty")
                causes.append(invalid(f"metadata.ownerReferences[{index}].{field}", '""', told))
    if sum(bool(owner.get("controller")) for owner in meta.get("ownerReferences") or []) > 1:
        causes.append(
            invalid(
                "metadata.ownerReferences",
                "[]",
                "Only one reference can have Controller set to true",
            )
        )
    return causes


def check_labels(labels: Any, path: str) -> list[Cause]:
    causes: list[Cause] = []
    for key, value in (labels or {}).items():
        causes += _qualified(key, path, key)
        if not isinstance(value, str):
            continue
        if len(value) > 63:
            causes.append(invalid(path, shown(value), "must be no more than 63 bytes"))
        if not re.fullmatch(VALUE, value):
            causes.append(invalid(path, shown(value), SAID[VALUE]))
    return causes


def _qualified(key: str, path: str, whole: str) -> list[Cause]:
    prefix, slash, name = key.rpartition("/")
    causes: list[Cause] = []
    if slash and not (prefix and len(prefix) <= 253 and re.fullmatch(SUBDOMAIN, prefix)):
        causes.append(invalid(path, shown(whole), f"prefix part {SAID[SUBDOMAIN]}"))
    if len(name) > 63:
        causes.append(invalid(path, shown(whole), "name part must be no more than 63 bytes"))
    if not re.fullmatch(QUALIFIED, name):
        causes.append(invalid(path, shown(whole), SAID[QUALIFIED]))
    return causes


def check_spec(kind: Kind, document: Object) -> list[Cause]:
    """Check what the schema cannot say of the kinds our code writes most."""
    spec = document.get("spec") or {}
    causes: list[Cause] = []
    if kind.kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
        causes += check_labels(labels, "spec.template.metadata.labels")
        selector = spec.get("selector")
        if selector is not None and not label_selector(selector)(labels):
            causes.append(
                invalid(
                    "spec.template.metadata.labels",
                    shown(labels),
                    "`selector` does not match template `labels`",
                )
            )
        causes += check_pod_spec(
            (spec.get("template") or {}).get("spec") or {}, "spec.template.spec"
        )
        policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy", "Always")
        if policy != "Always":
            causes.append(
                Cause(
                    "spec.template.spec.restartPolicy",
                    "FieldValueNotSupported",
                    f'Unsupported value: "{policy}": supported values: "Always"',
                )
            )
    elif kind.kind == "Job":
        template = spec.get("template") or {}
        causes += check_labels(
            (template.get("metadata") or {}).get("labels"), "spec.template.labels"
        )
        policy = (template.get("spec") or {}).get("restartPolicy")
        if policy not in ("OnFailure", "Never"):
            causes.append(
                required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
                if policy == "Always"
                else invalid(
                    "spec.template.spec.restartPolicy", shown(policy), "must be OnFailure or Never"
                )
            )
        if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
            causes.append(required("spec.completions", "when completion mode is Indexed"))
        causes += check_pod_spec(template.get("spec") or {}, "spec.template.spec")
    elif kind.kind == "Pod":
        causes += check_pod_spec(spec, "spec")
    elif kind.kind == "PersistentVolumeClaim":
        if not spec.get("accessModes"):
            causes.append(required("spec.accessModes", "at least 1 access mode is required"))
        if not ((spec.get("resources") or {}).get("requests") or {}).get("storage"):
            causes.append(required("spec.resources[storage]"))
    elif kind.kind == "Service" and spec.get("type") != "ExternalName":
        if not spec.get("ports") and spec.get("clusterIP") != "None":
            causes.append(required("spec.ports"))
        names = [port.get("name") for port in spec.get("ports") or []]
        if len(names) > 1 and not all(names):
            causes += [
                required(f"spec.ports[{index}].name")
                for index, name in enumerate(names)
                if not name
            ]
    return causes


def check_pod_spec(spec: Object, path: str) -> list[Cause]:
    causes: list[Cause] = []
    if not spec.get("containers"):
        causes.append(required(f"{path}.containers"))
    volumes = [volume.get("name") for volume in spec.get("volumes") or []]
    for group in ("initContainers", "containers"):
        seen: set[str] = set()
        for index, container in enumerate(spec.get(group) or []):
            here = f"{path}.{group}[{index}]"
            name = container.get("name") or ""
            if name and not re.fullmatch(LABEL, name):
                causes.append(invalid(f"{here}.name", shown(name), SAID[LABEL]))
            elif name and len(name) > 63:
                causes.append(invalid(f"{here}.name", shown(name), "must be no more than 63 bytes"))
            if name in seen:
                causes.append(
                    Cause(f"{here}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"')
                )
            seen.add(name)
            if not container.get("image") and path == "spec":
                causes.append(required(f"{here}.image"))
            for at, mount in enumerate(container.get("volumeMounts") or []):
                if mount.get("name") not in volumes:
                    causes.append(
                        Cause(
                            f"{here}.volumeMounts[{at}].name",
                            "FieldValueNotFound",
                            f'Not found: "{mount.get("name")}"',
                        )
                    )
            causes += _check_resources(container.get("resources") or {}, f"{here}.resources")
            for at, variable in enumerate(container.get("env") or []):
                if not variable.get("name"):
                    causes.append(required(f"{here}.env[{at}].name"))
    return causes


def _check_resources(resources: Object, path: str) -> list[Cause]:
    from tests.cluster.apiserver.quantities import parse

    causes: list[Cause] = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for where, listed in (("limits", limits), ("requests", requests)):
        for name, value in listed.items():
            amount = parse(value)
            if amount is None:
                causes.append(
                    invalid(
                        f"{path}.{where}[{name}]",
                        shown(value),
                        (
                            "quantities must match the regular expression "
                            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                        ),
                    )
                )
            elif amount < 0:
                causes.append(
                    invalid(
                        f"{path}.{where}[{name}]",
                        shown(value),
                        "must be greater than or equal to 0",
                    )
                )
            elif "/" in name and amount != int(amount):
                causes.append(
                    invalid(f"{path}.{where}[{name}]", shown(value), "must be an integer")
                )
    for name, value in requests.items():
        limit = limits.get(name)
        if "/" in name and limit is None:
            causes.append(
                required(f"{path}.limits", "Limit must be set for non overcommitable resources")
            )
        elif (
            limit is not None
            and (asked := parse(value)) is not None
            and (most := parse(limit)) is not None
            and asked > most
        ):
            causes.append(
                invalid(
                    f"{path}.requests",
                    shown(value),
                    f"must be less than or equal to {name} limit of {limit}",
                )
            )
    return causes


def check_change(kind: Kind, before: Object, after: Object) -> list[Cause]:
    """Check an update: what may not change, and finalizers that come too late."""
    causes: list[Cause] = []
    meta, former = after["metadata"], before["metadata"]
    if former.get("deletionTimestamp"):
        added = [
            name
            for name in meta.get("finalizers") or []
            if name not in (former.get("finalizers") or [])
        ]
        if added:
            listed = ", ".join(f'"{name}"' for name in added)
            times = 1 if kind.custom else 2  # the real server says it twice of built-in kinds
            causes += times * [
                forbidden_field(
                    "metadata.finalizers",
                    (
                        "no new finalizers can be added if the object is being deleted, found "
                        f"new finalizers []string{{{listed}}}"
                    ),
                )
            ]
    spec, old = after.get("spec") or {}, before.get("spec") or {}
    if spec == old:
        if kind.kind in ("Secret", "ConfigMap") and before.get("immutable"):
            same = all(
                before.get(key) == after.get(key) for key in ("data", "binaryData", "immutable")
            )
            if not same:
                causes.append(forbidden_field("data", "field is immutable when `immutable` is set"))
        if kind.kind in ("RoleBinding", "ClusterRoleBinding") and before.get(
            "roleRef"
        ) != after.get("roleRef"):
            names = {"apiGroup": "APIGroup", "kind": "Kind", "name": "Name"}
            wanted = {names[key]: value for key, value in sorted(after["roleRef"].items())}
            causes.append(invalid("roleRef", shown(wanted), "cannot change roleRef"))
        return causes
    if rule := CHANGEABLE.get(kind.kind):
        free, told = rule
        if _frozen(spec, free, kind) != _frozen(old, free, kind):
            causes.append(forbidden_field("spec", told))
    for name in IMMUTABLE.get(kind.kind, ()):
        if old.get(name) is not None and spec.get(name) != old.get(name):
            if kind.kind == "Job" and name == "template" and old.get("suspend"):
                continue  # scheduling directives of a suspended job may change
            causes.append(invalid(f"spec.{name}", shown(spec.get(name)), "field is immutable"))
    return causes


def _frozen(spec: Object, free: list[str], kind: Kind) -> Object:
    kept = {key: part for key, part in spec.items() if key not in free}
    if kind.kind == "Pod":
        for group in ("containers", "initContainers"):
            kept[group] = [
                {key: part for key, part in container.items() if key not in ("image", "resources")}
                for container in spec.get(group) or []
            ]
    return kept
