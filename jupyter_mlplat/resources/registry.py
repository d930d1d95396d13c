"""What callers ask of the model registry, and what it says besides the models themselves."""

from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import (
    Alias,
    Identifier,
    JsonValue,
    Name,
    Request,
    Resource,
    Timestamp,
)
from jupyter_mlplat.resources.lineage import ModelFormat, ModelSignature


class RegisterRequest(Request):
    """Make a model version out of an artifact of type system.Model, or of a run's logged model."""

    model: Name
    artifact_id: Identifier | None = None
    run_id: Identifier | None = Field(default=None, description="With `logged_as`: a run's model.")
    logged_as: str | None = Field(default=None, description="Name given to mlplat.log_model.")
    format: ModelFormat | None = None
    signature: ModelSignature | None = None
    description: str = ""
    aliases: tuple[Alias, ...] = ()
    input_example: JsonValue = None


class AliasRequest(Request):
    version: int = Field(ge=1)


class ModelUpdate(Request):
    """Change what is said of a model."""

    description: str = Field(max_length=20_000)


class ModelChange(Resource):
    """One line of a model's audit: who changed what, and when.

    An alias that is set has no `from_version`, one that is removed no `to_version`.
    """

    model: Name
    kind: Literal["registered", "alias", "deleted", "described"]
    alias: str | None = None
    from_version: int | None = None
    to_version: int | None = None
    by: str = Field(default="", description="The user, as the Jupyter server or the system knows.")
    at: Timestamp


class ModelHistory(Resource):
    """What has happened to a model, newest first."""

    changes: tuple[ModelChange, ...]


class ServedVersion(Resource):
    """A revision of an endpoint that serves a model version."""

    endpoint: Name
    revision: int
    version: int
    percent: int = Field(description="Its share of the endpoint's traffic.")


class ModelImpact(Resource):
    """What would break if a model, or one version of it, were deleted.

    Attributes:
        versions: What would go.
        aliases: Those that would go with it, and where they point.
        served: Revisions that could not be started again.
        runs: The runs that made it; they stay, with the content.
        refused: Why it cannot be deleted at all.
        is_forced: Whether deleting it needs `force`.
    """

    model: Name
    version: int | None = None
    versions: tuple[int, ...]
    aliases: dict[str, int] = {}
    served: tuple[ServedVersion, ...] = ()
    runs: tuple[Identifier, ...] = ()
    refused: str | None = None
    is_forced: bool = False
