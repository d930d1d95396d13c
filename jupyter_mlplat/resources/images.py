"""What stands for a container image on this machine, and where secrets come from."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from jupyter_mlplat.resources.base import Request, Resource

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^\S+$")]
KEPT_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
"""Names of secrets and config maps, as in Kubernetes."""

SecretName = Annotated[str, StringConstraints(pattern=KEPT_NAME)]
SecretKind = Literal["secret", "config"]


class ImageRule(Resource):
    """Lets tasks whose image fits a pattern run on this machine, without the image."""

    pattern: Pattern = Field(description="Of image names; `*` and `?` as in file names.")
    python: str = Field(
        default="engine",
        description="Interpreter that stands for the image's Python; `engine`: the engine's own, "
        "or that of the version the image's name has.",
    )
    files: str | None = Field(
        default=None, description="Folder that stands for the image's working directory."
    )
    commands: bool = Field(
        default=True,
        description="Whether any command of such an image may run here; else only Python "
        "components, whose code is in the pipeline.",
    )
    paths: dict[str, str] = Field(
        default={},
        description="Paths of the image that lie elsewhere here: what a command names by them is "
        "looked for there.",
    )
    built_in: bool = Field(default=False, description="Holds where no rule of yours fits.")


class ImageMap(Resource):
    """All rules, in the order they are looked at: the first that fits counts."""

    rules: tuple[ImageRule, ...]
    container_tool: str | None = Field(
        default=None, description="Runs images that no rule fits: podman or docker, where one is."
    )


class ImageRequest(Request):
    """Add a rule, or replace the one of the same pattern."""

    pattern: Pattern
    python: str = "engine"
    files: str | None = None
    commands: bool = True
    paths: dict[str, str] = Field(default={}, max_length=64)


class ImageQuery(Request):
    """Name a rule by its pattern."""

    pattern: Pattern


class SecretEntry(Resource):
    """A secret or a config map by name. Values are never told."""

    name: SecretName
    kind: SecretKind = "secret"
    keys: tuple[str, ...]


class SecretList(Resource):
    secrets: tuple[SecretEntry, ...]


class SecretRequest(Request):
    """Store a secret or a config map; keys that are not given stay as they are."""

    name: SecretName
    kind: SecretKind = "secret"
    values: dict[str, str] = Field(max_length=256)

    @field_validator("values")
    @classmethod
    def _keys_name_files(cls, values: dict[str, str]) -> dict[str, str]:
        for key in values:
            if not key or "/" in key or key in (".", ".."):
                raise ValueError(f"{key!r} is no key: keys name files as well, so no slashes")
        return values
