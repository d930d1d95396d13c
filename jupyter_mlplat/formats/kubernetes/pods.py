"""What a container of a pod starts, and what of a pod only a cluster honours.

Nothing is dropped in silence: what has no meaning on one machine is told in a note.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field

from jupyter_mlplat.formats.kubernetes.objects import (
    Fault,
    Part,
    kind_of,
    mapping,
    place_of,
    refuse_unknown,
    shape,
    words,
)
from jupyter_mlplat.formats.kubernetes.volumes import mounts_of
from jupyter_mlplat.kit.quantities import parse_bytes, parse_cpu
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.images import SecretKind
from jupyter_mlplat.resources.training import Mount

_REFERENCE = re.compile(r"(\$?)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_VARIABLE = re.compile(r"[^\s=]+")
_GPU = re.compile(r"[\w.-]+/gpu(\.shared)?")

_CONTAINER_NOTES = {
    "ports": "ports",
    "resizePolicy": "resize policy",
    "restartPolicy": "restart policy of the container",
    "volumeDevices": "volume devices",
    "livenessProbe": "liveness probe",
    "readinessProbe": "readiness probe",
    "startupProbe": "start-up probe",
    "lifecycle": "lifecycle hooks",
    "securityContext": "security context of the container",
}
_CONTAINER_FIELDS = words("name image command args workingDir env envFrom resources")
_CONTAINER = _CONTAINER_FIELDS.union(
    words(
        "volumeMounts imagePullPolicy terminationMessagePath terminationMessagePolicy stdin "
        "stdinOnce tty"
    ),
    _CONTAINER_NOTES,
)
_POD_NOTES = {
    "initContainers": "init containers",
    "nodeSelector": "node selector",
    "nodeName": "node name",
    "affinity": "affinity",
    "tolerations": "tolerations",
    "topologySpreadConstraints": "topology spread constraints",
    "schedulerName": "scheduler",
    "schedulingGates": "scheduling gates",
    "priorityClassName": "priority class",
    "priority": "priority",
    "preemptionPolicy": "preemption policy",
    "runtimeClassName": "runtime class",
    "serviceAccountName": "service account",
    "serviceAccount": "service account",
    "securityContext": "security context",
    "imagePullSecrets": "image pull secrets",
    "resourceClaims": "resource claims",
    "resources": "resources of the pod as a whole",
}
_POD = words(
    "containers volumes restartPolicy activeDeadlineSeconds terminationGracePeriodSeconds "
    "ephemeralContainers dnsPolicy dnsConfig automountServiceAccountToken hostNetwork hostPID "
    "hostIPC hostUsers hostname subdomain hostAliases shareProcessNamespace readinessGates "
    "enableServiceLinks overhead setHostnameAsFQDN os"
).union(_POD_NOTES)


@dataclass(frozen=True, slots=True)
class Demand:
    """What one container, or one node, asks of the machine."""

    cpu: float | None = None
    memory_bytes: int | None = None
    gpu: int = 0

    def times(self, count: int) -> "Demand":
        """Return what so many of them ask for."""
        return Demand(
            None if self.cpu is None else self.cpu * count,
            None if self.memory_bytes is None else self.memory_bytes * count,
            self.gpu * count,
        )


@dataclass(frozen=True, slots=True)
class FromStore:
    """Variables that come from a secret or a config map of this machine.

    Attributes:
        kind: Which of the two.
        name: Its name.
        variables: (key, variable) pairs; empty: every key is a variable of its name.
        prefix: Put before the names, where every key is taken.
        optional: Whether it may be missing.
        of: Whose variables they are.
    """

    kind: SecretKind
    name: str
    variables: tuple[tuple[str, str], ...] = ()
    prefix: str = ""
    optional: bool = False
    of: Literal["job", "dataset", "model"] = "job"


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables: those that are written out, and those that a store has."""

    plain: Mapping[str, str] = field(default_factory=dict)
    stored: tuple[FromStore, ...] = ()
    notes: tuple[str, ...] = ()

    def over(self, base: "Environment") -> "Environment":
        """Return both, this one's values before those of the other."""
        return Environment(
            {**base.plain, **self.plain}, (*base.stored, *self.stored), (*base.notes, *self.notes)
        )


@dataclass(frozen=True, slots=True)
class Container:
    """What a container would start."""

    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    cwd: str | None = None
    environment: Environment = field(default_factory=Environment)
    demand: Demand = field(default_factory=Demand)
    mounts: tuple[Mount, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Its whole command line; `$(NAME)` stands for a variable, as Kubernetes has it."""
        plain = self.environment.plain
        return tuple(expand(word, plain) for word in (*self.command, *self.args))


@dataclass(frozen=True, slots=True)
class Pod:
    """The containers of a pod's template."""

    containers: tuple[Container, ...]
    path: str
    notes: tuple[str, ...] = ()

    def container(self, name: str) -> Container:
        """Return a container by name, and say of the others that they are not run.

        Raises:
            Fault: There is none of this name.
        """
        for found in self.containers:
            if found.name == name:
                others = [repr(one.name) for one in self.containers if one.name != name]
                more = (f"not run here: container {', '.join(others)}",) if others else ()
                return replace(found, notes=(*self.notes, *found.notes, *more))
        has = ", ".join(repr(one.name) for one in self.containers)
        raise Fault(self.path, f"there is no container {name!r}. There is: {has}")


class _KeyRef(Part):
    name: str = ""
    key: str
    optional: bool = False


class _FieldRef(Part):
    api_version: str = ""
    field_path: str


class _VariableSource(Part):
    secret_key_ref: _KeyRef | None = None
    config_map_key_ref: _KeyRef | None = None
    field_ref: _FieldRef | None = None
    resource_field_ref: dict[str, JsonValue] | None = None
    file_key_ref: dict[str, JsonValue] | None = None


class EnvVar(Part):
    """One entry of `env`."""

    name: str
    value: str | None = None
    value_from: _VariableSource | None = None


class _SourceRef(Part):
    name: str = ""
    optional: bool = False


class _EnvFrom(Part):
    prefix: str = ""
    config_map_ref: _SourceRef | None = None
    secret_ref: _SourceRef | None = None


class ResourceRequirements(Part):
    """`resources` of a container, `resourcesPerNode` of a TrainJob."""

    limits: dict[str, str | int | float] = Field(default={})
    requests: dict[str, str | int | float] = Field(default={})
    claims: list[dict[str, JsonValue]] = Field(default=[])


def environment_of(
    variables: Sequence[EnvVar], path: str, fields: Mapping[str, str] | None = None
) -> Environment:
    """Read `env`.

    Args:
        variables: Its entries.
        path: Where it lies.
        fields: What fields of the pod come to, by path.

    Raises:
        Fault: A variable has no name, or two sources.
    """
    plain: dict[str, str] = {}
    stored: list[FromStore] = []
    notes: list[str] = []
    for at, entry in enumerate(variables):
        place, source = f"{path}[{at}]", entry.value_from
        if not _VARIABLE.fullmatch(entry.name):
            raise Fault(f"{place}.name", f"{entry.name!r} is no name of a variable")
        if source is None:
            plain[entry.name] = expand(entry.value or "", plain)
            continue
        if entry.value:
            raise Fault(place, "has both value and valueFrom; needed one of the two")
        refs: tuple[tuple[SecretKind, _KeyRef | None], ...] = (
            ("secret", source.secret_key_ref),
            ("config", source.config_map_key_ref),
        )
        for kind, ref in refs:
            if ref is not None:
                pair = ((ref.key, entry.name),)
                stored.append(FromStore(kind, ref.name, pair, optional=ref.optional))
        if source.field_ref is not None:
            value = (fields or {}).get(source.field_ref.field_path)
            if value is None:
                notes.append(
                    f"pod field {source.field_ref.field_path!r} is not known here: variable "
                    f"{entry.name} is empty"
                )
            plain[entry.name] = value or ""
        if source.resource_field_ref is not None or source.file_key_ref is not None:
            notes.append(
                f"only a cluster has what variable {entry.name} is taken from: it is not set"
            )
    return Environment(plain, tuple(stored), tuple(notes))


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by the variable's value, as Kubernetes does: `$$(NAME)` stays `$(NAME)`."""

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return match[0][1:]
        return variables.get(match[2], match[0])

    return _REFERENCE.sub(value, text)


def demand_of(resources: ResourceRequirements | None, path: str) -> tuple[Demand, tuple[str, ...]]:
    """Read resources: CPUs asked for, the limit of memory, whole GPUs; and what is not honoured.

    Raises:
        Fault: An amount is none.
    """
    if resources is None:
        return Demand(), ()
    notes = []
    for side in ("limits", "requests"):
        for name, amount in getattr(resources, side).items():
            if name in ("cpu", "memory") or _GPU.fullmatch(name):
                continue
            notes.append(f"ignored, as only a cluster has it: {amount} of {name}")
    gpus = {
        name: f"{path}.{side}{place_of((name,))}"
        for side in ("limits", "requests")
        for name in getattr(resources, side)
        if _GPU.fullmatch(name)
    }
    if len(gpus) > 1:
        notes.append(f"GPUs of {len(gpus)} kinds are asked for; here they are all one kind")
    asked = {**resources.requests, **resources.limits}
    return (
        Demand(
            cpu=_cpu(resources, path),
            memory_bytes=_memory(resources, path),
            gpu=sum(_gpus(asked[name], place) for name, place in gpus.items()),
        ),
        tuple(dict.fromkeys(notes)),
    )


def _cpu(resources: ResourceRequirements, path: str) -> float | None:
    for side in ("requests", "limits"):
        if (amount := getattr(resources, side).get("cpu")) is not None:
            try:
                return parse_cpu(str(amount))
            except ValueError as error:
                raise Fault(f"{path}.{side}.cpu", str(error).rstrip(".")) from error
    return None


def _memory(resources: ResourceRequirements, path: str) -> int | None:
    limit = resources.limits.get("memory")
    for side, amount in (("limits", limit), ("requests", resources.requests.get("memory"))):
        if amount is not None:
            try:
                parse_bytes(str(amount))
            except ValueError as error:
                raise Fault(f"{path}.{side}.memory", str(error).rstrip(".")) from error
    return None if limit is None else parse_bytes(str(limit))


def _gpus(amount: str | int | float, place: str) -> int:
    if not re.fullmatch(r"\d{1,4}", str(amount)):
        raise Fault(place, f"needed a whole number of GPUs, found {kind_of(amount)}")
    return int(amount)


def container_of(
    value: JsonValue,
    path: str,
    fields: Mapping[str, str] | None = None,
    volumes: JsonValue = None,
) -> Container:
    """Read one container of a pod that has these volumes.

    Raises:
        Fault: A field is unknown, or of the wrong type.
    """
    raw = mapping(value, path)
    refuse_unknown(raw, _CONTAINER, path)
    known = {name: said for name, said in raw.items() if name in _CONTAINER_FIELDS}
    read = shape(_ContainerFields, known, path)
    environment = environment_of(read.env or [], f"{path}.env", fields)
    stored = tuple(_all_keys(read.env_from or []))
    environment = Environment(environment.plain, (*stored, *environment.stored), environment.notes)
    demand, notes = demand_of(read.resources, f"{path}.resources")
    mounts, unmounted = mounts_of(volumes, raw.get("volumeMounts"), f"{path}.volumeMounts")
    return Container(
        name=read.name,
        image=read.image or "",
        command=tuple(read.command or ()),
        args=tuple(read.args or ()),
        cwd=read.working_dir,
        environment=environment,
        demand=demand,
        mounts=mounts,
        notes=(*_notes(raw, _CONTAINER_NOTES), *environment.notes, *notes, *unmounted),
    )


class _ContainerFields(Part):
    name: str
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    working_dir: str | None = None
    env: list[EnvVar] | None = None
    env_from: list[_EnvFrom] | None = None
    resources: ResourceRequirements | None = None


_CONTAINER_FIELDS = frozenset(
    ["name", "image", "command", "args", "workingDir", "env", "envFrom", "resources"]
)


def _all_keys(sources: Iterable[_EnvFrom]) -> Iterator[FromStore]:
    for source in sources:
        refs: tuple[tuple[SecretKind, _SourceRef | None], ...] = (
            ("config", source.config_map_ref),
            ("secret", source.secret_ref),
        )
        for kind, ref in refs:
            if ref is not None:
                yield FromStore(kind, ref.name, prefix=source.prefix, optional=ref.optional)


def pod_of(value: JsonValue, path: str, fields: Mapping[str, str] | None = None) -> Pod:
    """Read the `spec` of a pod's template.

    Raises:
        Fault: A field is unknown or of the wrong type, or there is no container.
    """
    raw = mapping(value, path)
    refuse_unknown(raw, _POD, path)
    containers = raw.get("containers")
    if not isinstance(containers, list) or not containers:
        raise Fault(f"{path}.containers", "is missing: a pod needs at least one container")
    read = tuple(
        container_of(one, f"{path}.containers[{at}]", fields, raw.get("volumes"))
        for at, one in enumerate(containers)
    )
    return Pod(read, f"{path}.containers", tuple(_notes(raw, _POD_NOTES)))


def _notes(raw: Mapping[str, JsonValue], words: Mapping[str, str]) -> Iterator[str]:
    for name, what in words.items():
        if raw.get(name):
            yield f"ignored, as only a cluster has it: {what}"


def notes_on_pod(raw: Mapping[str, JsonValue], path: str) -> tuple[str, ...]:
    """Say which fields of part of a pod's spec are not honoured; unknown ones are faults."""
    refuse_unknown(raw, _POD, path)
    return tuple(_notes(raw, _POD_NOTES))
