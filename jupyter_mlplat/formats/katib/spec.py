"""The fields of Experiment and OptimizationJob, spelled and bounded as upstream has them.

Source:
    kubeflow/katib 33c8ff4, pkg/apis/controller/{experiments,common}/v1beta1;
    kubeflow/trainer 8c0f505, pkg/apis/trainer/v1alpha1/optimizationjob_types.go.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from jupyter_mlplat.formats.kubernetes.objects import Part
from jupyter_mlplat.formats.trainer.spec import TrainJobSpec
from jupyter_mlplat.resources.base import JsonValue

Raw = dict[str, JsonValue]
Setting = Annotated[str, StringConstraints(max_length=10_000)]


class NamedValue(Part):
    name: str = ""
    value: Setting = ""


class MetricStrategy(Part):
    name: str = ""
    value: Literal["min", "max", "latest"]


class ObjectiveSpec(Part):
    type: Literal["minimize", "maximize"]
    goal: float | None = None
    objective_metric_name: str = Field(min_length=1)
    additional_metric_names: list[str] | None = None
    metric_strategies: list[MetricStrategy] | None = None


class AlgorithmSpec(Part):
    algorithm_name: str = Field(min_length=1)
    algorithm_settings: list[NamedValue] | None = None


class FeasibleSpace(Part):
    max: str = ""
    min: str = ""
    values: list[str] | None = Field(default=None, alias="list")
    step: str = ""
    distribution: Literal["", "uniform", "logUniform", "normal", "logNormal", "unknown"] = ""


class ParameterSpec(Part):
    name: str = Field(min_length=1)
    parameter_type: Literal["double", "int", "discrete", "categorical"]
    feasible_space: FeasibleSpace


class ConfigMapSource(Part):
    config_map_name: str = Field(min_length=1)
    config_map_namespace: str = Field(min_length=1)
    template_path: str = Field(min_length=1)


class TrialParameter(Part):
    name: str = ""
    description: str = ""
    reference: str = ""


class TrialTemplate(Part):
    retain: bool = False
    trial_spec: Raw | None = None
    config_map: ConfigMapSource | None = None
    trial_parameters: list[TrialParameter] | None = None
    primary_pod_labels: dict[str, str] | None = None
    primary_container_name: str = ""
    success_condition: str = ""
    failure_condition: str = ""


class FileSystemPath(Part):
    path: str = ""
    kind: Literal["", "File", "Directory", "Invalid"] = ""
    format: Literal["", "TEXT", "JSON"] = ""


class Filter(Part):
    metrics_format: list[str] | None = None


class Source(Part):
    http_get: Raw | None = None
    file_system_path: FileSystemPath | None = None
    filter: Filter | None = None


CollectorKind = Literal[
    "StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push", "None"
]


class CollectorSpec(Part):
    kind: CollectorKind = "StdOut"
    custom_collector: Raw | None = None


class MetricsCollectorSpec(Part):
    source: Source | None = None
    collector: CollectorSpec | None = None


class ExperimentSpec(Part):
    parameters: list[ParameterSpec] | None = None
    objective: ObjectiveSpec
    algorithm: AlgorithmSpec
    early_stopping: AlgorithmSpec | None = None
    trial_template: TrialTemplate
    parallel_trial_count: int | None = Field(default=None, gt=0)
    max_trial_count: int | None = Field(default=None, gt=0)
    max_failed_trial_count: int | None = Field(default=None, ge=0)
    metrics_collector_spec: MetricsCollectorSpec | None = None
    nas_config: Raw | None = None
    resume_policy: Literal["", "Never", "LongRunning", "FromVolume"] = ""


# OptimizationJob

_Double = Annotated[
    str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$")
]


class OptimizationObjective(Part):
    metric: str = Field(min_length=1, max_length=64)
    direction: Literal["Minimize", "Maximize"] = "Minimize"


class RandomSearch(Part):
    seed: int | None = None


class GridSearch(Part):
    """Without settings."""


class SearchAlgorithm(Part):
    random: RandomSearch | None = None
    grid: GridSearch | None = None


class RangeSpace(Part):
    min: _Double
    max: _Double
    type: Literal["Int", "Float"] = "Float"


class ChoiceSpace(Part):
    choices: list[Annotated[str, StringConstraints(max_length=64)]] = Field(
        min_length=1, max_length=100
    )


class SearchSpace(Part):
    uniform: RangeSpace | None = None
    log_uniform: RangeSpace | None = None
    categorical: ChoiceSpace | None = None


class OptimizationParameter(Part):
    name: str = Field(min_length=1, max_length=64)
    search_space: SearchSpace


class TrainJobTemplate(Part):
    metadata: Raw | None = None
    spec: TrainJobSpec


class OptimizationJobSpec(Part):
    objectives: list[OptimizationObjective] = Field(min_length=1, max_length=1)
    search_algorithm: SearchAlgorithm | None = None
    parameters: list[OptimizationParameter] = Field(min_length=1, max_length=100)
    num_trials: int = Field(default=1, ge=1, le=100)
    parallel_trials: int = Field(default=1, ge=1, le=100)
    train_job_template: TrainJobTemplate
