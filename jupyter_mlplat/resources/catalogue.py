"""What runs are made of and grouped by: stored pipelines with their versions, and experiments."""

from typing import Annotated

from pydantic import Field, StringConstraints

from jupyter_mlplat.resources.base import (
    Digest,
    Identifier,
    JsonValue,
    Name,
    Request,
    Resource,
    Timestamp,
)

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""What people call something: any text of one line."""
Description = Annotated[str, StringConstraints(max_length=10_000)]

DEFAULT_EXPERIMENT = "default"


class Experiment(Resource):
    """A named group of runs."""

    id: Identifier
    name: Name = Field(description="What runs have as their `experiment`.")
    title: Title = Field(description="What people call it; unique, whatever the case of letters.")
    description: str = ""
    archived: bool = False
    created_at: Timestamp
    last_run_at: Timestamp | None = Field(default=None, description="When its newest run was made.")


class ExperimentList(Resource):
    experiments: tuple[Experiment, ...]


class ExperimentRequest(Request):
    """Ask for an experiment; its name follows from its title."""

    title: Title
    description: Description = ""


class ExperimentPatch(Request):
    """Change an experiment; what is not given stays. To archive it is to archive its runs."""

    archived: bool | None = None


class StoredPipeline(Resource):
    """A pipeline that is kept under a name, in any number of versions."""

    id: Identifier
    name: str = Field(description="Unique.")
    title: str
    description: str = ""
    tags: dict[str, str] = {}
    created_at: Timestamp


class PipelineVersion(Resource):
    """One version of a stored pipeline. Never changes; runs can be made from it."""

    id: Identifier
    pipeline_id: Identifier
    name: str = Field(description="Unique among the versions of its pipeline.")
    title: str
    description: str = ""
    tags: dict[str, str] = {}
    code_source_url: str = ""
    created_at: Timestamp
    digest: Digest = Field(description="Of the pipeline.")
    ir: dict[str, JsonValue] = Field(
        description="The KFP pipeline: `pipeline_spec` and, where there is one, `platform_spec`."
    )
