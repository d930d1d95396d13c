"""Schemas of the built-in kinds, read from the models of the Kubernetes client.

The models know fields, types and what is required, not how lists merge: that is the table here, as
the tags of the Go types say it (`patchMergeKey`, `listMapKey`).
"""

from __future__ import annotations

import functools
import re
from typing import Any

from tests.cluster.apiserver.kinds import Kind
from tests.cluster.apiserver.schemas import Schema

# Type and field: key of the strategic merge, then the keys of the list as a map (the same where
# none are named).
LISTS = """
V1PodSpec containers name
V1PodSpec initContainers name
V1PodSpec ephemeralContainers name
V1PodSpec volumes name
V1PodSpec imagePullSecrets name
V1PodSpec hostAliases ip
V1PodSpec topologySpreadConstraints topologyKey topologyKey,whenUnsatisfiable
V1PodSpec schedulingGates name
V1PodSpec resourceClaims name
V1Container env name
V1Container ports containerPort containerPort,protocol
V1Container volumeMounts mountPath
V1Container volumeDevices devicePath
V1EphemeralContainer env name
V1EphemeralContainer ports containerPort containerPort,protocol
V1EphemeralContainer volumeMounts mountPath
V1ResourceRequirements claims - name
V1PodStatus conditions type
V1PodStatus podIPs ip
V1PodStatus hostIPs ip
V1NodeStatus conditions type
V1NodeStatus addresses type -
V1NodeSpec podCIDRs * set
V1ServiceSpec ports port port,protocol
V1ServiceStatus conditions type
V1ServiceAccount secrets name
V1NamespaceStatus conditions type
V1PersistentVolumeClaimStatus conditions type
V1PersistentVolumeClaimSpec accessModes - -
V1StatefulSetSpec volumeClaimTemplates - -
V1StatefulSetStatus conditions type
V1DeploymentStatus conditions type
V1ReplicaSetStatus conditions type
V1DaemonSetStatus conditions type
V1JobStatus conditions type -
V2HorizontalPodAutoscalerStatus conditions type
V1CustomResourceDefinitionStatus conditions - type
V1ObjectMeta finalizers * set
V1ObjectMeta ownerReferences uid
V1IngressLoadBalancerStatus ingress - -
V1TopologySpreadConstraint matchLabelKeys - -
V1EndpointSlice ports - -
"""
ATOMIC = frozenset(
    [
        "V1LabelSelector",
        "V1ObjectReference",
        "V1LocalObjectReference",
        "V1SecretReference",
        "V1ObjectFieldSelector",
        "V1RoleRef",
        "V1ResourceFieldSelector",
        "V1SecretKeySelector",
        "V1ConfigMapKeySelector",
        "V1NodeSelector",
        "V1NodeSelectorTerm",
        "RbacV1Subject",
        "V1TypedLocalObjectReference",
        "V1OwnerReference",
        "V1ScopeSelector",
        "V1ServiceReference",
    ]
)
QUANTITY_MAPS = frozenset(
    [
        "limits",
        "requests",
        "hard",
        "used",
        "capacity",
        "allocatable",
        "allocatedResources",
        "overhead",
        "default",
        "defaultRequest",
        "max",
        "min",
        "maxLimitRequestRatio",
    ]
)
QUANTITIES = frozenset({"sizeLimit", "divisor", "averageValue"})
NAMES = {"Event": "CoreV1Event"}

_LISTS: dict[tuple[str, str], tuple[str, str]] = {}
for _line in LISTS.strip().splitlines():
    _model, _name, _merge, *_rest = _line.split()
    _LISTS[_model, _name] = (_merge, _rest[0] if _rest else _merge)


@functools.cache
def schema_of(kind: Kind) -> Schema | None:
    """Return the schema of a built-in kind; None where the client has no model of it."""
    name = NAMES.get(kind.kind, f"{kind.version.capitalize()}{kind.kind}")
    return _schema(name)


_KNOWN: dict[str, Schema] = {}


def _schema(name: str) -> Schema | None:
    if name in _KNOWN:
        return _KNOWN[name]
    from kubernetes.client import models  # heavy, and only needed once an object is written

    model: Any = getattr(models, name, None)
    if model is None:
        return None
    schema = _KNOWN[name] = Schema(type="object", model=name, atomic=name in ATOMIC)
    if name in ("V1JSONSchemaProps", "V1FieldsV1"):  # its own recursion and free values
        schema.preserve = True
        schema.atomic = name == "V1FieldsV1"
        return schema
    for attribute, declared in model.openapi_types.items():
        field = model.attribute_map[attribute]
        schema.properties[field] = _field(name, field, declared)
    schema.required = tuple(
        info.serialization_alias or field
        for field, info in model.model_fields.items()
        if info.is_required()
    )
    if name == "V1Secret":
        schema.properties["stringData"] = Schema(type="object", values=Schema(type="string"))
    return schema


def _field(model: str, name: str, declared: str) -> Schema:
    schema = _declared(declared)
    if name in QUANTITY_MAPS and schema.values is not None:
        schema.values = Schema(quantity=True)
    elif name in QUANTITIES:
        schema = Schema(quantity=True)
    if schema.type == "array":
        merge, keys = _LISTS.get((model, name), ("-", "-"))
        schema.merge_key = "" if merge == "-" else merge
        if keys == "set":
            schema.list_type = "set"
        elif keys != "-":
            schema.list_type, schema.keys = "map", tuple(keys.split(","))
    return schema


def _declared(declared: str) -> Schema:
    if match := re.fullmatch(r"[Ll]ist\[(.+)\]", declared):
        return Schema(type="array", items=_declared(match[1]))
    if match := re.fullmatch(r"[Dd]ict(?:\[|\()str, (.+)(?:\]|\))", declared):
        return Schema(type="object", values=_declared(match[1]))
    plain = {
        "str": "string",
        "int": "integer",
        "float": "number",
        "bool": "boolean",
        "datetime": "string",
        "bytearray": "string",
        "bytes": "string",
    }
    if declared in plain:
        return Schema(type=plain[declared], nullable=declared == "datetime")
    if declared == "object":
        return Schema(preserve=True)
    return _schema(declared) or Schema(preserve=True)
