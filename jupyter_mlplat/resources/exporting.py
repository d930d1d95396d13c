"""A notebook's pipeline written in the form of another system."""

from typing import Annotated

from pydantic import Field, StringConstraints

from jupyter_mlplat.resources.base import Request, Resource
from jupyter_mlplat.resources.pipeline import Pipeline, Problem

Requirement = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][^'\"\\`$\r\n]*$", max_length=500)
]
Image = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.:/@-]*$", max_length=500)]


class ExportRequest(Request):
    """Ask for a notebook's pipeline, as it was compiled, as KFP YAML."""

    pipeline: Pipeline
    image: Image | None = Field(
        default=None, description="Container image of its steps; Python's own of their version."
    )
    packages: tuple[Requirement, ...] = Field(
        default=(),
        max_length=100,
        description="Requirements to install beside, or instead of, those the notebook imports.",
    )


class ExportedPipeline(Resource):
    """A pipeline as KFP YAML."""

    name: str
    text: str = Field(description="The YAML: one document, or two.")
    requirements: tuple[str, ...] = Field(description="What its steps install.")
    problems: tuple[Problem, ...] = Field(
        default=(), description="What does not carry over, each with the way out."
    )
