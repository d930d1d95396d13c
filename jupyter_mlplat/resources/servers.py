"""Notebook servers on a cluster: the kinds an administrator offers, what a user chooses, how it is.

The fields of a kind are words of one piece, so that they are spelled alike in its manifest
(`ServerKind` of `mlplat.jupyter.org/v1alpha1`, where they are the `spec`) and on our wire.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from jupyter_mlplat.kit.quantities import DURATION, QUANTITY, parse_duration, parse_quantity
from jupyter_mlplat.resources.base import Request, Resource, Timestamp

ServerName = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,50}[a-z0-9])?$")]
"""Letters first: a Service of this name is made; at most 52 characters, as a StatefulSet's."""
KindName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Image = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\s\x00-\x1f]+$")
]
Quantity = Annotated[str, StringConstraints(pattern=QUANTITY)]
Duration = Annotated[str, StringConstraints(pattern=DURATION, max_length=32)]
Mount = Annotated[str, StringConstraints(pattern=r"^/[^:\x00-\x1f]{0,511}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,252}$")]
VariableText = Annotated[str, StringConstraints(max_length=32_768)]
LabelKey = Annotated[
    str, StringConstraints(min_length=1, max_length=317, pattern=r"^[A-Za-z0-9_./-]+$")
]
LabelText = Annotated[str, StringConstraints(max_length=63, pattern=r"^[A-Za-z0-9_.-]*$")]
DeviceResource = Annotated[
    str, StringConstraints(max_length=253, pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$")
]
"""What a device plugin calls its devices: `nvidia.com/gpu`, `amd.com/gpu`,
`nvidia.com/mig-1g.10gb`, `nvidia.com/gpu.shared`."""


class ServerState(StrEnum):
    PENDING = "PENDING"  # on its way up; the reason says what it waits for
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"  # by its user, because it was idle, or at the end of its time
    FAILED = "FAILED"  # does not come up until someone acts; the message says what to do


class ServerReason(StrEnum):
    """Why a server is in its state; spelled as reasons of Kubernetes conditions are."""

    READY = "Ready"
    STARTING = "Starting"
    STOPPING = "Stopping"
    DELETING = "Deleting"
    STOPPED = "Stopped"
    CULLED = "Culled"
    LIFETIME_OVER = "LifetimeOver"
    WAITING_FOR_GPU = "WaitingForGpu"
    WAITING_FOR_ROOM = "WaitingForRoom"
    WAITING_FOR_NODE = "WaitingForNode"
    WAITING_IN_QUEUE = "WaitingInQueue"
    WAITING_FOR_VOLUME = "WaitingForVolume"
    NO_STORAGE_CLASS = "NoStorageClass"
    VOLUME_MISSING = "VolumeMissing"
    PULLING_IMAGE = "PullingImage"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    POD_REFUSED = "PodRefused"
    CRASHING = "Crashing"
    OUT_OF_MEMORY = "OutOfMemory"
    EVICTED = "Evicted"
    NODE_LOST = "NodeLost"
    UNKNOWN_KIND = "UnknownKind"
    KIND_NOT_OFFERED = "KindNotOffered"
    OPTIONS_INVALID = "OptionsInvalid"
    IMAGE_NOT_OFFERED = "ImageNotOffered"
    GPU_NOT_OFFERED = "GpuNotOffered"
    AMOUNT_NOT_OFFERED = "AmountNotOffered"
    SPEC_INVALID = "SpecInvalid"
    PRESET_MISSING = "PresetMissing"
    PRESET_CONFLICT = "PresetConflict"
    NAME_TAKEN = "NameTaken"
    FAILED = "Failed"


class Toleration(Resource):
    """Lets a pod onto nodes that are tainted; as in a pod's spec."""

    key: str = Field(default="", max_length=317)
    operator: Literal["Exists", "Equal"] = "Equal"
    value: str = Field(default="", max_length=63)
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""


class KindImage(Resource):
    name: KindName = Field(description="What users choose it by.")
    image: Image
    title: str = ""
    description: str = ""


class KindAmount(Resource):
    """How much of something a server gets, and how much its user may ask for."""

    default: Quantity
    most: Quantity | None = Field(default=None, description="None: nobody may ask for more.")
    burst: float = Field(
        default=1.0, ge=0, le=100, description="Its limit is so many times what it asks; 0: none."
    )

    @model_validator(mode="after")
    def _default_is_within(self) -> Self:
        if self.most is not None and parse_quantity(self.most) < parse_quantity(self.default):
            raise ValueError(f"most, {self.most}, is less than default, {self.default}")
        return self


class KindGpu(Resource):
    """Devices a user may ask for: whole ones, instances or shares, as the cluster offers them."""

    name: KindName = Field(description="What users choose it by, e.g. a100, mig-1g, shared.")
    resource: DeviceResource = "nvidia.com/gpu"
    title: str = ""
    counts: tuple[Annotated[int, Field(ge=1, le=64)], ...] = Field(default=(1,), min_length=1)
    default: int = Field(default=0, ge=0, le=64, description="For who does not choose.")
    nodes: dict[LabelKey, LabelText] = Field(default={}, description="Only nodes so labelled.")
    tolerations: tuple[Toleration, ...] = ()
    runtime: ObjectName | None = Field(default=None, description="Name of a RuntimeClass.")


class KindHome(Resource):
    """The volume that is a server's home; it is kept when the server is stopped."""

    size: Quantity = "10Gi"
    most: Quantity | None = Field(default=None, description="None: nobody may ask for more.")
    storage: ObjectName | None = Field(
        default=None, description="Name of a StorageClass; None: the cluster's default."
    )
    access: Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"] = "ReadWriteOnce"
    mount: Mount = "/home/jovyan"
    keep: bool = Field(default=True, description="Whether it outlives the Notebook object.")


class KindVolume(Resource):
    """A volume claim of the user's namespace that every server of the kind mounts."""

    claim: ObjectName
    mount: Mount
    writable: bool = True
    optional: bool = Field(default=False, description="Left out where there is no such claim.")


class KindSpot(Resource):
    """Nodes that may be taken away at any time, for users who choose them."""

    nodes: dict[LabelKey, LabelText] = {}
    tolerations: tuple[Toleration, ...] = ()


class KindIdle(Resource):
    """When a server is stopped by itself. Kernels, terminals and running work count as activity."""

    cull: Duration | None = Field(default=None, description="Idle for so long; None: never.")
    warn: Duration = Field(default="10m", description="So long before, its user is told.")
    lifetime: Duration | None = Field(default=None, description="At the latest; None: no limit.")
    longer: bool = Field(default=False, description="Whether users may ask for longer times.")


class ServerKindSpec(Resource):
    """What an administrator offers; users choose within it and never write pod specs."""

    title: str = ""
    description: str = ""
    hidden: bool = Field(default=False, description="Not offered for new servers; old ones go on.")
    rank: int = Field(default=100, description="Kinds with lower ones are shown first.")
    profiles: tuple[str, ...] = Field(
        default=(), description="Namespaces it is offered in; `*` and `?` count; none: all."
    )
    images: tuple[KindImage, ...] = Field(min_length=1, description="The first is the default.")
    custom: tuple[str, ...] = Field(
        default=(), description="Patterns of further images a user may name; `*` and `?` count."
    )
    pull: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    secrets: tuple[ObjectName, ...] = Field(default=(), description="To pull images with.")
    command: tuple[str, ...] = Field(default=(), description="None: the image's own.")
    port: int = Field(default=8888, ge=1024, le=65535)
    user: int = Field(default=1000, ge=1, le=4_294_967_294, description="Never root.")
    group: int = Field(default=100, ge=1, le=4_294_967_294, description="Owns the volumes.")
    cpu: KindAmount = KindAmount(default="500m")
    memory: KindAmount = KindAmount(default="1Gi")
    gpus: tuple[KindGpu, ...] = ()
    shm: Quantity | None = Field(default=None, description="Size of /dev/shm; counts as memory.")
    home: KindHome | None = KindHome()
    volumes: tuple[KindVolume, ...] = ()
    claims: bool = Field(default=True, description="Whether users may mount claims of their own.")
    env: dict[Variable, VariableText] = {}
    presets: tuple[ObjectName, ...] = Field(default=(), description="PodDefaults that always hold.")
    nodes: dict[LabelKey, LabelText] = Field(default={}, description="Only nodes so labelled.")
    tolerations: tuple[Toleration, ...] = ()
    spot: KindSpot | None = Field(default=None, description="None: users cannot choose it.")
    priority: ObjectName | None = Field(default=None, description="Name of a PriorityClass.")
    account: ObjectName | None = Field(default=None, description="Name of a service account.")
    queue: LabelText | None = Field(default=None, description="LocalQueue, where Kueue is there.")
    idle: KindIdle = KindIdle()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (
            ("image", [image.name for image in self.images]),
            ("gpu", [gpu.name for gpu in self.gpus]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"two of the {what}s have one name")
        if sum(1 for gpu in self.gpus if gpu.default) > 1:
            raise ValueError("more than one of the gpus has a default")
        return self


class ServerKind(ServerKindSpec):
    """A kind by its name."""

    name: KindName


class ServerKindList(Resource):
    kinds: tuple[ServerKind, ...]


class ServerGpu(Request):
    """Which of a kind's devices, and how many."""

    name: KindName | None = Field(default=None, description="None: the kind's first.")
    count: int = Field(default=1, ge=0, le=64)


class ServerResources(Request):
    cpu: Quantity | None = None
    memory: Quantity | None = None


class ServerVolume(Request):
    """A volume claim of the namespace, mounted."""

    claim: ObjectName
    mount: Mount
    writable: bool = True


class ServerOptions(Request):
    """What a user chose within a kind; what is not given is the kind's default.

    Written as JSON into the annotation `mlplat.jupyter.org/options` of the Notebook.
    """

    image: Image | None = Field(default=None, description="One of the kind's, by name or in full.")
    resources: ServerResources = ServerResources()
    gpu: ServerGpu | None = None
    home: Quantity | None = Field(default=None, description="Size of a home that is yet to be made")
    volumes: tuple[ServerVolume, ...] = Field(default=(), max_length=32)
    env: dict[Variable, VariableText] = Field(default={}, max_length=256)
    presets: tuple[ObjectName, ...] = Field(default=(), max_length=32)
    spot: bool = False


class ServerRequest(Request):
    """Ask for a server."""

    name: ServerName
    kind: KindName
    options: ServerOptions = ServerOptions()
    cull_after: Duration | Literal["never"] | None = Field(
        default=None, description="Within what the kind allows; None: the kind's."
    )
    max_lifetime: Duration | Literal["never"] | None = Field(
        default=None, description="Within what the kind allows; None: the kind's."
    )


class ServerCondition(Resource):
    """One thing that holds, or does not, and since when."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str = ""
    message: str = ""
    since: Timestamp | None = None


class ServerDevices(Resource):
    """Devices a server has, or waits for."""

    resource: str = Field(description="E.g. nvidia.com/gpu.")
    count: int


class Server(Resource):
    """A notebook server of a profile."""

    name: str
    profile: str = Field(description="Its namespace.")
    creator: str = ""
    kind: str | None = Field(default=None, description="None: its pod was written by hand.")
    state: ServerState
    reason: str = Field(description="One of ServerReason; a newer controller may know more.")
    message: str = Field(default="", description="A sentence for its user.")
    url: str = Field(description="Path below the cluster's address: /notebook/PROFILE/NAME/")
    image: str = ""
    cpu: str = ""
    memory: str = ""
    gpu: ServerDevices | None = None
    pod: str = Field(default="", description="Its pod's name; empty: there is none.")
    node: str = ""
    restarts: int = 0
    created_at: Timestamp
    started_at: Timestamp | None = None
    stopped_at: Timestamp | None = None
    active_at: Timestamp | None = Field(default=None, description="When it was last seen busy.")
    checked_at: Timestamp | None = Field(default=None, description="When that was last looked at.")
    warned_at: Timestamp | None = Field(
        default=None, description="When its user was told that it is about to be stopped."
    )
    culls_at: Timestamp | None = Field(default=None, description="If it stays idle; None: never.")
    ends_at: Timestamp | None = Field(default=None, description="In any case; None: no limit.")
    conditions: tuple[ServerCondition, ...] = ()


class ServerList(Resource):
    servers: tuple[Server, ...]


class ProfileState(StrEnum):
    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"


class Contributor(Resource):
    user: str
    role: Literal["admin", "edit", "view"] = "edit"


class QuotaUse(Resource):
    """How much of something a profile may use, and uses; quantities of Kubernetes."""

    resource: str = Field(description="E.g. requests.nvidia.com/gpu.")
    most: str
    used: str = "0"


class Profile(Resource):
    """A tenant: a namespace, its owner and contributors, its quota."""

    name: str = Field(description="Also its namespace's.")
    owner: str
    contributors: tuple[Contributor, ...] = ()
    quota: tuple[QuotaUse, ...] = ()
    state: ProfileState = ProfileState.READY
    message: str = ""
    created_at: Timestamp | None = None


class ProfileList(Resource):
    profiles: tuple[Profile, ...]


def seconds_of(duration: str | None) -> float | None:
    """Return a length of time in seconds; None and `never` have none."""
    return None if duration in (None, "never") else parse_duration(str(duration))
