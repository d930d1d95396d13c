"""The fields of TrainJob and of the runtimes, spelled and bounded as upstream has them.

Source:
    kubeflow/trainer 8c0f505, pkg/apis/trainer/v1alpha1/{trainjob,trainingruntime}_types.go.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from jupyter_mlplat.formats.kubernetes.objects import Part
from jupyter_mlplat.formats.kubernetes.pods import EnvVar, ResourceRequirements
from jupyter_mlplat.resources.base import JsonValue

_MOST_WORDS = 128
_LONGEST_WORD = 1_048_576

Word = Annotated[str, StringConstraints(max_length=_LONGEST_WORD)]
Raw = dict[str, JsonValue]


class RuntimeRef(Part):
    name: str = Field(min_length=1, max_length=253)
    api_group: str = "trainer.kubeflow.org"
    kind: Literal["ClusterTrainingRuntime", "TrainingRuntime"] = "ClusterTrainingRuntime"


class SecretRef(Part):
    name: str = ""


class InitializerSpec(Part):
    storage_uri: str = Field(
        default="", max_length=2048, pattern=r"^([A-Za-z][A-Za-z0-9+.-]*://.+)?$"
    )
    env: list[EnvVar] | None = Field(default=None, max_length=128)
    secret_ref: SecretRef | None = None


class Initializers(Part):
    dataset: InitializerSpec | None = None
    model: InitializerSpec | None = None


class Trainer(Part):
    image: str | None = Field(default=None, max_length=500)
    command: list[Word] | None = Field(default=None, max_length=_MOST_WORDS)
    args: list[Word] | None = Field(default=None, max_length=_MOST_WORDS)
    env: list[EnvVar] | None = Field(default=None, max_length=128)
    num_nodes: int | None = Field(default=None, ge=0)
    resources_per_node: ResourceRequirements | None = None
    num_proc_per_node: int | None = Field(default=None, ge=1)


class PodTemplatePatch(Part):
    metadata: Raw | None = None
    spec: Raw | None = None


class JobSpecPatch(Part):
    template: PodTemplatePatch | None = None


class JobTemplatePatch(Part):
    metadata: Raw | None = None
    spec: JobSpecPatch | None = None


class ReplicatedJobPatch(Part):
    name: str = Field(min_length=1, max_length=253)
    template: JobTemplatePatch | None = None


class JobSetSpecPatch(Part):
    replicated_jobs: list[ReplicatedJobPatch] | None = Field(default=None, max_length=100)


class JobSetTemplatePatch(Part):
    metadata: Raw | None = None
    spec: JobSetSpecPatch | None = None


class RuntimeSpecPatch(Part):
    template: JobSetTemplatePatch | None = None


class RuntimePatch(Part):
    manager: str = Field(min_length=1, max_length=253)
    time: str | None = None
    training_runtime_spec: RuntimeSpecPatch | None = None


class TrainJobSpec(Part):
    runtime_ref: RuntimeRef
    initializer: Initializers | None = None
    trainer: Trainer | None = None
    runtime_patches: list[RuntimePatch] | None = Field(default=None, max_length=16)
    suspend: bool | None = None
    active_deadline_seconds: int | None = Field(default=None, ge=1)
    managed_by: (
        Literal["trainer.kubeflow.org/trainjob-controller", "kueue.x-k8s.io/multikueue"] | None
    ) = None


class Torch(Part):
    env_injection: Raw | None = None


class Mpi(Part):
    num_proc_per_node: int | None = Field(default=None, ge=1)
    mpi_implementation: Literal["OpenMPI", ""] | None = None
    ssh_auth_mount_path: str | None = None
    run_launcher_as_node: bool | None = None


class Flux(Part):
    num_proc_per_node: int | None = Field(default=None, ge=1)


class Nothing(Part):
    """A policy that has no settings."""


class MlPolicy(Part):
    num_nodes: int | None = Field(default=None, ge=0)
    torch: Torch | None = None
    mpi: Mpi | None = None
    jax: Nothing | None = None
    xgboost: Nothing | None = None
    flux: Flux | None = None


class JobSetTemplate(Part):
    metadata: Raw | None = None
    spec: Raw | None = None


class RuntimeSpec(Part):
    ml_policy: MlPolicy | None = None
    pod_group_policy: Raw | None = None
    template: JobSetTemplate
