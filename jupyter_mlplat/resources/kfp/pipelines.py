"""Pipelines and their versions."""

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.kfp.base import Message, Moment, Status


class Url(Message):
    pipeline_url: str = ""


class Pipeline(Message):
    pipeline_id: str = ""
    display_name: str = ""
    name: str = ""
    description: str | None = ""
    created_at: Moment | None = None
    namespace: str | None = ""
    error: Status | None = None
    tags: dict[str, str] = {}


class PipelineVersion(Message):
    pipeline_id: str = ""
    pipeline_version_id: str = ""
    display_name: str = ""
    name: str = ""
    description: str | None = ""
    created_at: Moment | None = None
    package_url: Url | None = None
    code_source_url: str = ""
    pipeline_spec: dict[str, JsonValue] | None = None
    error: Status | None = None
    tags: dict[str, str] = {}


class CreatePipelineAndVersionRequest(Message):
    pipeline: Pipeline | None = None
    pipeline_version: PipelineVersion | None = None


class ListPipelinesResponse(Message):
    pipelines: tuple[Pipeline, ...] = ()
    total_size: int = 0
    next_page_token: str = ""


class ListPipelineVersionsResponse(Message):
    pipeline_versions: tuple[PipelineVersion, ...] = ()
    next_page_token: str = ""
    total_size: int = 0
