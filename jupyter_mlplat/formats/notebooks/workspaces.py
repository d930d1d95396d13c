"""The fields of Workspace and WorkspaceKind, spelled and bounded as upstream has them.

Parts of a pod stay as they are written: the controller checks the pod that comes of them.

Source:
    kubeflow/notebooks 8b61057, workspaces/controller/api/v1beta1/*_types.go.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from jupyter_mlplat.formats.kubernetes.objects import Fault, Object, Part, mapping, shape
from jupyter_mlplat.formats.notebooks.documents import LabelSelector
from jupyter_mlplat.resources.base import JsonValue

API_VERSION = "kubeflow.org/v1beta1"

Raw = dict[str, JsonValue]
Subdomain = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    ),
]
MountPath = Annotated[str, StringConstraints(min_length=2, max_length=4096, pattern=r"^/[^/].*$")]
PortId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=32, pattern=r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"),
]
OptionId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
State = Literal["Running", "Terminating", "Paused", "Pending", "Error", "Unknown"]
LONGEST_INTERVAL_S = 31_536_000


class PodMetadata(Part):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class VolumeMount(Part):
    pvc_name: Subdomain = Field(alias="pvcName")
    mount_path: MountPath
    read_only: bool | None = False


class SecretMount(Part):
    secret_name: Subdomain
    mount_path: MountPath
    default_mode: int = Field(default=420, ge=0, le=511)


class Volumes(Part):
    home: Subdomain | None = None
    data: list[VolumeMount] | None = None
    secrets: list[SecretMount] | None = None


class Options(Part):
    image_config: OptionId
    pod_config: OptionId


class WorkspaceTemplate(Part):
    pod_metadata: PodMetadata | None = None
    volumes: Volumes
    options: Options


class WorkspaceSpec(Part):
    """What a Workspace asks for."""

    paused: bool = False
    display_name: str | None = Field(default=None, min_length=1, max_length=128)
    kind: Subdomain
    pod_template: WorkspaceTemplate


class LastProbe(Part):
    start_time: int
    end_time: int
    result: Literal["Success", "Failure", "Timeout"]
    message: str = ""


class PauseRule(Part):
    eligible_after: int = 0


class Rules(Part):
    pause_workspace: PauseRule | None = None


class Activity(Part):
    last_activity: int = 0
    last_update: int = 0
    last_probe: LastProbe | None = None
    rules: Rules | None = None


class RedirectStep(Part):
    source: OptionId
    target: OptionId


class OptionStatus(Part):
    desired: OptionId | None = None
    redirect_chain: list[RedirectStep] | None = None


class OptionsStatus(Part):
    image_config: OptionStatus = OptionStatus()
    pod_config: OptionStatus = OptionStatus()


class ContainerName(Part):
    name: str


class PodStatus(Part):
    name: str = ""
    node_name: str = ""
    service_account_name: str | None = None
    containers: list[ContainerName] | None = None
    init_containers: list[ContainerName] | None = None


class WorkspaceStatus(Part):
    """What became of a Workspace; times are milliseconds since 1970."""

    activity: Activity = Activity()
    last_running_time: int = 0
    pause_time: int = 0
    pending_restart: bool = False
    pod_template_options: OptionsStatus = OptionsStatus()
    pod_template_pod: PodStatus = PodStatus()
    state: State = "Unknown"
    state_message: str = ""


class Match(Part):
    selector: LabelSelector


class RuleMatch(Part):
    match_namespace: Match | None = None
    match_pod_config: Match | None = None


class RuleConfig(Part):
    seconds_since_active: int = Field(ge=16)
    min_running_seconds: int | None = Field(default=0, ge=0)


class RuleEffect(Part):
    pause_workspace: bool | None = None


class ActivityRule(Part):
    """The first rule that fits and says something about pausing counts."""

    config: RuleConfig
    match: RuleMatch | None = None
    effect: RuleEffect


class JupyterProbe(Part):
    last_activity: Literal[True]
    port_id: PortId


class ExecProbe(Part):
    timeout_seconds: int | None = Field(default=60, ge=1)
    script: str = Field(min_length=1, max_length=2048)


class ActivityProbe(Part):
    min_probe_interval_seconds: int | None = Field(default=300, ge=1, le=LONGEST_INTERVAL_S)
    probe_interval_seconds: int | None = Field(default=3600, ge=1, le=LONGEST_INTERVAL_S)
    pod_exec: ExecProbe | None = None
    jupyter: JupyterProbe | None = None


class Probes(Part):
    startup_probe: Raw | None = None
    liveness_probe: Raw | None = None
    readiness_probe: Raw | None = None


class HomeMount(Part):
    home: MountPath


class HeaderOperations(Part):
    set: dict[str, str] | None = None
    add: dict[str, str] | None = None
    remove: list[str] | None = None


class HttpProxy(Part):
    remove_path_prefix: bool | None = False
    request_headers: HeaderOperations | None = None


class KindPort(Part):
    id: PortId
    protocol: Literal["HTTP"]
    default_display_name: str = Field(min_length=2, max_length=64)
    http_proxy: HttpProxy | None = None


class ImagePort(Part):
    id: PortId
    port: int = Field(ge=1, le=65535)
    display_name: str | None = Field(default=None, min_length=2, max_length=64)


class DefaultOption(Part):
    default: OptionId


class OptionLabel(Part):
    key: str = Field(min_length=2, max_length=64)
    value: str = Field(min_length=1, max_length=64)


class OptionSpawner(Part):
    display_name: str = Field(min_length=2, max_length=128)
    description: str | None = Field(default=None, min_length=2, max_length=1024)
    labels: list[OptionLabel] | None = Field(default=None, max_length=32)
    hidden: bool | None = False


class RedirectMessage(Part):
    level: Literal["Info", "Warning", "Danger"]
    text: str = Field(min_length=2, max_length=1024)


class Redirect(Part):
    to: OptionId
    message: RedirectMessage | None = None


class ImageSpec(Part):
    image: str = Field(min_length=2)
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = "IfNotPresent"
    ports: list[ImagePort] = Field(min_length=1)


class ImageOption(Part):
    id: OptionId
    spawner: OptionSpawner
    redirect: Redirect | None = None
    spec: ImageSpec


class PodOptionSpec(Part):
    affinity: Raw | None = None
    node_selector: dict[str, str] | None = None
    tolerations: list[Raw] | None = None
    resources: Raw | None = None


class PodOption(Part):
    id: OptionId
    spawner: OptionSpawner
    redirect: Redirect | None = None
    spec: PodOptionSpec


class ImageOptions(Part):
    spawner: DefaultOption
    values: list[ImageOption] = Field(min_length=1)


class PodOptions(Part):
    spawner: DefaultOption
    values: list[PodOption] = Field(min_length=1)


class KindOptions(Part):
    image_config: ImageOptions
    pod_config: PodOptions


class ClusterRoleName(Part):
    name: str = Field(min_length=1, max_length=253)


class KindServiceAccount(Part):
    cluster_roles: list[ClusterRoleName] | None = None


class KindTemplate(Part):
    pod_metadata: PodMetadata | None = None
    service_account: KindServiceAccount | None = None
    activity_probe: ActivityProbe | None = None
    probes: Probes | None = None
    volume_mounts: HomeMount
    ports: list[KindPort] = Field(min_length=1)
    extra_env: list[Raw] | None = None
    extra_volume_mounts: list[Raw] | None = None
    extra_volumes: list[Raw] | None = None
    security_context: Raw | None = None
    container_security_context: Raw | None = None
    options: KindOptions


class AssetFile(Part):
    name: Subdomain
    namespace: str = Field(min_length=1, max_length=63)
    key: str = Field(min_length=1, max_length=253)
    media_type: Literal["image/svg+xml"]


class Asset(Part):
    url: str | None = None
    config_map: AssetFile | None = None


class KindSpawner(Part):
    display_name: str = Field(min_length=2, max_length=128)
    description: str = Field(min_length=2, max_length=4096)
    hidden: bool | None = False
    deprecated: bool | None = False
    deprecation_message: str | None = Field(default=None, min_length=2, max_length=256)
    icon: Asset
    logo: Asset


class WorkspaceKindSpec(Part):
    """What an administrator lets users choose from."""

    spawner: KindSpawner
    pod_template: KindTemplate
    activity_rules: list[ActivityRule] | None = None
    filter_rules: list[Raw] | None = None


class OptionCount(Part):
    id: OptionId
    workspaces: int = 0


class OptionCounts(Part):
    image_config: tuple[OptionCount, ...] = ()
    pod_config: tuple[OptionCount, ...] = ()


class WorkspaceKindStatus(Part):
    """How many Workspaces use a kind, and which of its options."""

    workspaces: int = 0
    pod_template_options: OptionCounts = OptionCounts()
    spawner_icon: Raw | None = None
    spawner_logo: Raw | None = None


def workspace_spec(document: Object) -> WorkspaceSpec:
    """Read what a Workspace asks for.

    Raises:
        Fault: It is no Workspace, or a field is none of upstream's.
    """
    _expect(document, "Workspace")
    return shape(WorkspaceSpec, mapping(document.raw.get("spec"), "spec"), "spec")


def workspace_status(document: Object) -> WorkspaceStatus:
    """Read what became of a Workspace so far; what cannot be read counts as never written."""
    try:
        return shape(WorkspaceStatus, mapping(document.raw.get("status"), "status"), "status")
    except Fault:
        return WorkspaceStatus()


def workspace_kind_spec(document: Object) -> WorkspaceKindSpec:
    """Read a kind of workspaces.

    Raises:
        Fault: It is none, or a field is none of upstream's.
    """
    _expect(document, "WorkspaceKind")
    return shape(WorkspaceKindSpec, mapping(document.raw.get("spec"), "spec"), "spec")


def _expect(document: Object, kind: str) -> None:
    if (document.api_version, document.kind) != (API_VERSION, kind):
        raise Fault("kind", f"needed a {kind}, found {document.api_version} {document.kind}")
