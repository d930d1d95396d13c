"""Kubeflow's documents on the wire: given as text, told as objects with their status."""

from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import Identifier, JsonValue, Request, Resource


class ApplyRequest(Request):
    """Do what documents ask for: begin jobs, keep runtimes, config maps and secrets."""

    text: str = Field(description="YAML or JSON, one document or several.")
    dry_run: bool = Field(default=False, description="Only check them.")


class AppliedDocument(Resource):
    """What became of one document."""

    kind: str
    name: str
    outcome: Literal["created", "configured", "unchanged", "checked"]
    run: Identifier | None = None
    number: int | None = Field(default=None, description="Of the run.")
    notes: tuple[str, ...] = Field(
        default=(), description="What it asks for and is not honoured here, for people."
    )


class AppliedDocuments(Resource):
    documents: tuple[AppliedDocument, ...]


class StatusDocument(Resource):
    """One object as Kubeflow has it: what was given, with its status."""

    document: dict[str, JsonValue]


class StatusDocuments(Resource):
    documents: tuple[dict[str, JsonValue], ...]
