"""`kfp.dsl` as the code of a component sees it while it runs.

What describes pipelines is here by name only, so that a module with decorated components can be
imported: decorators hand back their function, the rest does nothing.
"""

from typing import Annotated, Any, Callable, NoReturn, TypeVar

from .task_config import TaskConfig
from .task_final_status import PipelineTaskFinalStatus
from .types.artifact_types import (
    HTML,
    Artifact,
    ClassificationMetrics,
    Dataset,
    Markdown,
    Metrics,
    Model,
    SlicedClassificationMetrics,
    get_uri,
)
from .types.type_annotations import (
    EmbeddedAnnotation,
    InputAnnotation,
    InputPath,
    OutputAnnotation,
    OutputPath,
)

__all__ = [
    "HTML",
    "PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER",
    "PIPELINE_JOB_ID_PLACEHOLDER",
    "PIPELINE_JOB_NAME_PLACEHOLDER",
    "PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER",
    "PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER",
    "PIPELINE_ROOT_PLACEHOLDER",
    "PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER",
    "PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER",
    "PIPELINE_TASK_ID_PLACEHOLDER",
    "PIPELINE_TASK_NAME_PLACEHOLDER",
    "WORKSPACE_PATH_PLACEHOLDER",
    "Artifact",
    "ClassificationMetrics",
    "Dataset",
    "EmbeddedInput",
    "Input",
    "InputPath",
    "Markdown",
    "Metrics",
    "Model",
    "Output",
    "OutputPath",
    "PipelineTaskFinalStatus",
    "SlicedClassificationMetrics",
    "TaskConfig",
    "component",
    "container_component",
    "get_uri",
    "notebook_component",
    "pipeline",
    "run_notebook",
]

PIPELINE_JOB_NAME_PLACEHOLDER = "{{$.pipeline_job_name}}"
PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER = "{{$.pipeline_job_resource_name}}"
PIPELINE_JOB_ID_PLACEHOLDER = "{{$.pipeline_job_uuid}}"
PIPELINE_TASK_NAME_PLACEHOLDER = "{{$.pipeline_task_name}}"
PIPELINE_TASK_ID_PLACEHOLDER = "{{$.pipeline_task_uuid}}"
PIPELINE_TASK_EXECUTOR_OUTPUT_PATH_PLACEHOLDER = "{{$.outputs.output_file}}"
PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER = "{{$}}"
PIPELINE_ROOT_PLACEHOLDER = "{{$.pipeline_root}}"
PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER = "{{$.pipeline_job_create_time_utc}}"
PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER = "{{$.pipeline_job_schedule_time_utc}}"
WORKSPACE_PATH_PLACEHOLDER = "{{$.workspace_path}}"

T = TypeVar("T")
Input = Annotated[T, InputAnnotation]
Output = Annotated[T, OutputAnnotation]
EmbeddedInput = Annotated[T, EmbeddedAnnotation]


def component(*functions: Callable[..., Any], **_: Any) -> Any:
    """Hand back the function: it runs here, nothing is compiled."""
    return functions[0] if functions else lambda function: function


container_component = pipeline = notebook_component = component


def run_notebook(**_: Any) -> NoReturn:
    """Run the component's notebook; the component's own code puts a real one in its place.

    Raises:
        NotImplementedError: The component has no notebook.
    """
    raise NotImplementedError(
        "dsl.run_notebook is only available inside a @dsl.notebook_component at runtime."
    )


class _Description:
    """Stands for what describes a pipeline: it takes anything and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> "_Description":
        return self

    def __exit__(self, *_: object) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Description()

    def __call__(self, *_: Any, **__: Any) -> "_Description":
        return self


_DESCRIPTIONS = frozenset(
    (
        "Collected",
        "Condition",
        "ConcatPlaceholder",
        "ContainerSpec",
        "Elif",
        "Else",
        "ExitHandler",
        "If",
        "IfPresentPlaceholder",
        "KubernetesWorkspaceConfig",
        "OneOf",
        "ParallelFor",
        "PipelineConfig",
        "PipelineTask",
        "TaskConfigField",
        "TaskConfigPassthrough",
        "WorkspaceConfig",
        "importer",
    )
)


def __getattr__(name: str) -> Any:
    if name in _DESCRIPTIONS:
        return _Description()
    raise AttributeError(f"module 'kfp.dsl' has no attribute {name!r}")
