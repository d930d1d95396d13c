"""Pipelines written with `kfp.dsl`, where kfp is installed: as the documents the engine reads."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class KfpPipeline(Protocol):
    """A function decorated with `kfp.dsl.pipeline` or `kfp.dsl.component`."""

    @property
    def pipeline_spec(self) -> Any:
        """Its IR, a protobuf message."""

    @property
    def platform_spec(self) -> Any:
        """What it asks of Kubernetes besides, another one."""


def documents_of(pipeline: KfpPipeline) -> Mapping[str, Any]:
    """Return what kfp's own compiler would write to a file."""
    from google.protobuf.json_format import MessageToDict  # comes with kfp

    documents: dict[str, Any] = {"pipeline_spec": MessageToDict(pipeline.pipeline_spec)}
    platform = MessageToDict(pipeline.platform_spec)
    return documents | ({"platform_spec": platform} if platform else {})
