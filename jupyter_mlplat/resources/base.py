"""What every document has in common: frozen, validated, spelled in snake_case on the wire."""

from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

__all__ = [
    "NAME_PATTERN",
    "Alias",
    "Digest",
    "Gpus",
    "HostPath",
    "Identifier",
    "JsonValue",
    "Name",
    "Request",
    "Resource",
    "Timestamp",
]

NAME_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$"
"""Names of steps, models, endpoints and experiments: at most 63 characters, as in Kubernetes."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Alias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z]+-[0-9a-z]{10,40}$")]
"""An id of ours, such as `run-01jd3x…`: a prefix, then a sortable random part (see `kit.ids`)."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Timestamp = AwareDatetime
"""Always UTC, ISO 8601 on the wire."""

LEAST_SHARE = 0.01


def _devices(value: int | float) -> int | float:
    if value > 1 and value != int(value):
        raise ValueError("GPUs are asked for whole, or a share of one: 2, 1, 0.5")
    if 0 < value < LEAST_SHARE:
        raise ValueError(f"the least share of a GPU is {LEAST_SHARE:g}")
    return int(value) if value == int(value) else value


Gpus = Annotated[
    int | float,
    Field(ge=0, le=64),
    AfterValidator(_devices),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 64}),
]
"""Whole devices, or a share of one below 1: several may hold one device, never more than all of it.
Nothing but its holders' good manners keeps a process within its share."""

CONFINE = "confine"


def _confined(path: str, info: ValidationInfo) -> str:
    confine = (info.context or {}).get(CONFINE)
    return path if confine is None else str(confine(path))


HostPath = Annotated[str, AfterValidator(_confined)]
"""A file or folder where the engine runs. Whoever validates may give, in the context, a function
`confine` that says what the path means: so nobody names what belongs to others."""


class Resource(BaseModel):
    """A document we write: frozen; unknown fields of a newer writer are ignored on reading."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def to_wire(self) -> dict[str, object]:
        """Return the document as plain JSON values, aliases applied."""
        return self.model_dump(mode="json", by_alias=True)


class Request(BaseModel):
    """A document a caller sends: frozen; an unknown field is an error, so that typos are caught."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
