"""Pipelines and their versions as the API tells of them."""

from collections.abc import Mapping

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.catalogue import PipelineVersion, StoredPipeline
from jupyter_mlplat.resources.kfp import pipelines as messages
from jupyter_mlplat.services.kfp_api.listing import Listable

PIPELINES = Listable(
    fields={
        "id": "id",
        "pipeline_id": "id",
        "name": "name",
        "display_name": "title",
        "description": "description",
        "created_at": "created_at",
        "namespace": "namespace",
    },
    has_tags=True,
)
VERSIONS = Listable(
    fields={
        "id": "id",
        "pipeline_version_id": "id",
        "name": "name",
        "display_name": "title",
        "description": "description",
        "created_at": "created_at",
    },
    has_tags=True,
)


def pipeline_message(pipeline: StoredPipeline) -> messages.Pipeline:
    """Tell of a pipeline."""
    return messages.Pipeline(
        pipeline_id=pipeline.id,
        name=pipeline.name,
        display_name=pipeline.title,
        description=pipeline.description,
        created_at=pipeline.created_at,
        tags=pipeline.tags,
    )


def version_message(version: PipelineVersion) -> messages.PipelineVersion:
    """Tell of a version."""
    return messages.PipelineVersion(
        pipeline_id=version.pipeline_id,
        pipeline_version_id=version.id,
        name=version.name,
        display_name=version.title,
        description=version.description,
        created_at=version.created_at,
        code_source_url=version.code_source_url,
        pipeline_spec=spec_message(version.ir),
        tags=version.tags,
    )


def spec_message(ir: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Tell a pipeline: alone, or with its platform document beside it."""
    spec = ir.get("pipeline_spec")
    if "platform_spec" not in ir and isinstance(spec, dict):
        return spec
    return dict(ir)
