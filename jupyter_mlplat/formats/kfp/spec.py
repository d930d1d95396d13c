"""The shape of the IR, message by message after `api/v2alpha1/pipeline_spec.proto`.

As protobuf's JSON has it: camelCase or snake_case, an absent field or null is unset, an enum is a
name or a number. Fields that are not known here are kept: the IR grows by addition.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic.alias_generators import to_camel

from jupyter_mlplat.resources.base import JsonValue


class Message(BaseModel):
    """One message: frozen; a field that is null counts as unset, but where null is a value."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True
    )
    may_be_null: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            key: item for key, item in value.items() if item is not None or key in cls.may_be_null
        }

    def has(self, field: str) -> bool:
        """Tell whether a field is set, be it to null."""
        return field in self.model_fields_set

    def to_ir(self) -> dict[str, JsonValue]:
        """Return what was set, in camelCase, unknown fields included."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class ParameterType(StrEnum):
    NUMBER_DOUBLE = "NUMBER_DOUBLE"
    NUMBER_INTEGER = "NUMBER_INTEGER"
    STRING = "STRING"
    BOOLEAN = "BOOLEAN"
    LIST = "LIST"
    STRUCT = "STRUCT"
    TASK_FINAL_STATUS = "TASK_FINAL_STATUS"
    TASK_CONFIG = "TASK_CONFIG"


class Strategy(StrEnum):
    """When a task may begin, as far as the tasks before it are concerned."""

    UNSPECIFIED = "TRIGGER_STRATEGY_UNSPECIFIED"
    SUCCEEDED = "ALL_UPSTREAM_TASKS_SUCCEEDED"
    COMPLETED = "ALL_UPSTREAM_TASKS_COMPLETED"


_PRIMITIVE_TYPES = {
    "INT": ParameterType.NUMBER_INTEGER,
    "DOUBLE": ParameterType.NUMBER_DOUBLE,
    "STRING": ParameterType.STRING,
}


def _type_of_number(value: Any) -> Any:
    kinds = list(ParameterType)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= len(kinds):
        return kinds[value - 1]
    return value


def _strategy_of_number(value: Any) -> Any:
    kinds = list(Strategy)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(kinds):
        return kinds[value]
    return value


TypeField = Annotated[ParameterType, BeforeValidator(_type_of_number)]
StrategyField = Annotated[Strategy, BeforeValidator(_strategy_of_number)]
Duration = Annotated[str, Field(pattern=r"^-?\d{1,12}(\.\d{1,9})?s$")]
"""As protobuf's JSON has it: `3600s`, `1.5s`."""


def seconds(duration: str | None) -> float | None:
    """Return a duration's seconds; None where none is given."""
    return None if duration is None else float(duration.removesuffix("s"))


class PipelineInfo(Message):
    name: str = ""
    display_name: str = ""
    description: str = ""


class ArtifactType(Message):
    """`ArtifactTypeSchema`: one of the three names the type."""

    schema_title: str | None = None
    schema_uri: str | None = None
    instance_schema: str | None = None
    schema_version: str = ""

    @property
    def title(self) -> str:
        """The type by name: 'system.Model', or what else was said of it."""
        if self.schema_title or self.schema_uri:
            return self.schema_title or self.schema_uri or ""
        found = re.search(r"^title:\s*(\S+)", self.instance_schema or "", re.MULTILINE)
        return found[1] if found else "system.Artifact"


class InputArtifact(Message):
    artifact_type: ArtifactType = ArtifactType()
    is_artifact_list: StrictBool = False
    is_optional: StrictBool = False
    description: str = ""


class InputParameter(Message):
    may_be_null: ClassVar[frozenset[str]] = frozenset({"defaultValue", "default_value"})

    type: str | None = None
    parameter_type: TypeField | None = None
    default_value: JsonValue = None
    is_optional: StrictBool = False
    description: str = ""
    literals: tuple[JsonValue, ...] = ()

    @property
    def kind(self) -> ParameterType:
        return kind_of(self.parameter_type, self.type)

    @property
    def has_default(self) -> bool:
        """Whether there is a default; it may be null."""
        return self.has("default_value")

    @property
    def is_required(self) -> bool:
        return not self.is_optional and not self.has_default


def kind_of(parameter_type: ParameterType | None, primitive: str | None) -> ParameterType:
    """Return a parameter's type: the deprecated spelling counts where the newer one is missing."""
    if parameter_type is not None:
        return parameter_type
    return _PRIMITIVE_TYPES.get(primitive or "", ParameterType.STRING)


class InputDefinitions(Message):
    artifacts: dict[str, InputArtifact] = {}
    parameters: dict[str, InputParameter] = {}


class OutputArtifact(Message):
    artifact_type: ArtifactType = ArtifactType()
    metadata: dict[str, JsonValue] = {}
    is_artifact_list: StrictBool = False
    description: str = ""


class OutputParameter(Message):
    type: str | None = None
    parameter_type: TypeField | None = None
    description: str = ""

    @property
    def kind(self) -> ParameterType:
        return kind_of(self.parameter_type, self.type)


class OutputDefinitions(Message):
    artifacts: dict[str, OutputArtifact] = {}
    parameters: dict[str, OutputParameter] = {}


class TaskOutputParameter(Message):
    producer_task: str = ""
    output_parameter_key: str = ""


class TaskOutputArtifact(Message):
    producer_task: str = ""
    output_artifact_key: str = ""


class TaskFinalStatus(Message):
    producer_task: str = ""


class OldValue(Message):
    """`Value`: how constants were written before `google.protobuf.Value`."""

    int_value: int | None = None
    double_value: float | None = None
    string_value: str | None = None


class RuntimeValue(Message):
    """`ValueOrRuntimeParameter`: a constant (it may hold placeholders), or a pipeline parameter."""

    may_be_null: ClassVar[frozenset[str]] = frozenset({"constant"})

    constant: JsonValue = None
    constant_value: OldValue | None = None
    runtime_parameter: str | None = None

    @property
    def value(self) -> JsonValue:
        """The constant, in either spelling."""
        old = self.constant_value
        if old is None:
            return self.constant
        if old.int_value is not None:
            return old.int_value
        return old.double_value if old.double_value is not None else old.string_value


class ParameterSource(Message):
    """`InputParameterSpec`: where an input parameter of a task comes from; one of the four."""

    task_output_parameter: TaskOutputParameter | None = None
    runtime_value: RuntimeValue | None = None
    component_input_parameter: str | None = None
    task_final_status: TaskFinalStatus | None = None
    parameter_expression_selector: str = ""


class ArtifactSource(Message):
    """`InputArtifactSpec`: where an input artifact of a task comes from; one of the two."""

    task_output_artifact: TaskOutputArtifact | None = None
    component_input_artifact: str | None = None


class TaskInputs(Message):
    parameters: dict[str, ParameterSource] = {}
    artifacts: dict[str, ArtifactSource] = {}


class CachingOptions(Message):
    enable_cache: StrictBool = False
    cache_key: str = ""


class ComponentRef(Message):
    name: str = ""


class TriggerPolicy(Message):
    condition: str = ""
    strategy: StrategyField = Strategy.UNSPECIFIED


class ParameterItems(Message):
    """What a loop goes over: a JSON list as text, or an input parameter of the task."""

    raw: str | None = None
    input_parameter: str | None = None


class ParameterIterator(Message):
    items: ParameterItems = ParameterItems()
    item_input: str = ""


class ArtifactItems(Message):
    input_artifact: str = ""


class ArtifactIterator(Message):
    items: ArtifactItems = ArtifactItems()
    item_input: str = ""


class RetryPolicy(Message):
    max_retry_count: int = 0
    backoff_duration: Duration | None = None
    backoff_factor: float = 0.0
    backoff_max_duration: Duration | None = None


class IteratorPolicy(Message):
    parallelism_limit: int = 0


class TaskInfo(Message):
    name: str = ""


class TaskSpec(Message):
    """`PipelineTaskSpec`: a node of a DAG."""

    task_info: TaskInfo = TaskInfo()
    inputs: TaskInputs = TaskInputs()
    dependent_tasks: tuple[str, ...] = ()
    caching_options: CachingOptions = CachingOptions()
    component_ref: ComponentRef = ComponentRef()
    trigger_policy: TriggerPolicy = TriggerPolicy()
    artifact_iterator: ArtifactIterator | None = None
    parameter_iterator: ParameterIterator | None = None
    retry_policy: RetryPolicy | None = None
    iterator_policy: IteratorPolicy = IteratorPolicy()

    @property
    def is_loop(self) -> bool:
        return self.artifact_iterator is not None or self.parameter_iterator is not None

    @property
    def item_input(self) -> str | None:
        """The input that holds the item of an iteration; None where this is no loop."""
        iterator = self.parameter_iterator or self.artifact_iterator
        return iterator.item_input if iterator else None

    @property
    def producers(self) -> tuple[str, ...]:
        """Tasks of the same DAG that its inputs come from, each once."""
        found: dict[str, None] = {}
        for parameter in self.inputs.parameters.values():
            if parameter.task_output_parameter is not None:
                found[parameter.task_output_parameter.producer_task] = None
            elif parameter.task_final_status is not None:
                found[parameter.task_final_status.producer_task] = None
        for artifact in self.inputs.artifacts.values():
            if artifact.task_output_artifact is not None:
                found[artifact.task_output_artifact.producer_task] = None
        return tuple(found)

    @property
    def needs(self) -> tuple[str, ...]:
        """Tasks of the same DAG that must be over first: said so, or meant by an input."""
        return tuple(dict.fromkeys((*self.dependent_tasks, *self.producers)))


class ParameterSelector(Message):
    producer_subtask: str = ""
    output_parameter_key: str = ""


class ParameterSelectors(Message):
    parameter_selectors: tuple[ParameterSelector, ...] = ()


class DagOutputParameter(Message):
    """One task's output, or that of the only one of several that ran (`OneOf`)."""

    value_from_parameter: ParameterSelector | None = None
    value_from_oneof: ParameterSelectors | None = None

    @property
    def selectors(self) -> tuple[ParameterSelector, ...]:
        if self.value_from_oneof is not None:
            return self.value_from_oneof.parameter_selectors
        return () if self.value_from_parameter is None else (self.value_from_parameter,)


class ArtifactSelector(Message):
    producer_subtask: str = ""
    output_artifact_key: str = ""


class DagOutputArtifact(Message):
    """More than one selector means `OneOf`."""

    artifact_selectors: tuple[ArtifactSelector, ...] = ()


class DagOutputs(Message):
    artifacts: dict[str, DagOutputArtifact] = {}
    parameters: dict[str, DagOutputParameter] = {}


class DagSpec(Message):
    tasks: dict[str, TaskSpec] = {}
    outputs: DagOutputs = DagOutputs()


class TaskConfigPassthrough(Message):
    field: str = "NONE"
    apply_to_task: StrictBool = False


class PlatformDeployment(Message):
    """Settings by executor label, shaped by the platform."""

    executors: dict[str, dict[str, JsonValue]] = {}


class KubernetesWorkspace(Message):
    pvc_spec_patch: dict[str, JsonValue] = {}


class WorkspaceConfig(Message):
    size: str = ""
    kubernetes: KubernetesWorkspace = KubernetesWorkspace()


class PipelineConfig(Message):
    resource_ttl_on_completion: int = 0
    workspace: WorkspaceConfig | None = None
    resource_ttl_on_success: int = 0
    resource_ttl_on_failure: int = 0
    active_deadline_seconds: int = 0


class SinglePlatform(Message):
    deployment_spec: PlatformDeployment = PlatformDeployment()
    platform: str = ""
    config: dict[str, JsonValue] = {}
    pipeline_config: PipelineConfig = PipelineConfig()


class PlatformSpec(Message):
    """The second document: what a platform, in practice Kubernetes, is to do besides."""

    platforms: dict[str, SinglePlatform] = {}


class ComponentSpec(Message):
    """A signature, and either a DAG of tasks or the label of an executor."""

    input_definitions: InputDefinitions = InputDefinitions()
    output_definitions: OutputDefinitions = OutputDefinitions()
    dag: DagSpec | None = None
    executor_label: str | None = None
    single_platform_specs: tuple[SinglePlatform, ...] = ()
    task_config_passthroughs: tuple[TaskConfigPassthrough, ...] = ()


class EnvVar(Message):
    name: str = ""
    value: str = ""


class Accelerator(Message):
    type: str = ""
    count: int = 0
    resource_type: str = ""
    resource_count: str = ""


class ResourceSpec(Message):
    """Quantities; the newer, textual ones may hold placeholders."""

    cpu_limit: float = 0.0
    memory_limit: float = 0.0
    cpu_request: float = 0.0
    memory_request: float = 0.0
    resource_cpu_limit: str = ""
    resource_memory_limit: str = ""
    resource_cpu_request: str = ""
    resource_memory_request: str = ""
    accelerator: Accelerator | None = None


class ContainerSpec(Message):
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    resources: ResourceSpec | None = None


class ImporterSpec(Message):
    artifact_uri: RuntimeValue = RuntimeValue()
    type_schema: ArtifactType = ArtifactType()
    reimport: StrictBool = False
    metadata: dict[str, JsonValue] = {}
    download_to_workspace: StrictBool = False


class ExecutorSpec(Message):
    container: ContainerSpec | None = None
    importer: ImporterSpec | None = None
    resolver: dict[str, JsonValue] | None = None
    custom_job: dict[str, JsonValue] | None = None


class DeploymentSpec(Message):
    executors: dict[str, ExecutorSpec] = {}


class PipelineSpec(Message):
    """The first document: the pipeline."""

    pipeline_info: PipelineInfo = PipelineInfo()
    deployment_spec: DeploymentSpec = DeploymentSpec()
    sdk_version: str = ""
    schema_version: str = ""
    components: dict[str, ComponentSpec] = {}
    root: ComponentSpec | None = None
    default_pipeline_root: str = ""
