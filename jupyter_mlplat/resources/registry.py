"""What callers ask of the model registry."""

from pydantic import Field

from jupyter_mlplat.resources.base import Alias, Identifier, JsonValue, Name, Request
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
