"""What every message of the API has in common: the JSON form of protocol buffers."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel


def _write_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_moment(value: object) -> object:
    """Take a time without a zone as UTC: callers write `datetime.utcnow().isoformat()`."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(moment, datetime) and moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment


Moment = Annotated[datetime, BeforeValidator(_read_moment), PlainSerializer(_write_moment)]
"""`google.protobuf.Timestamp`: whole seconds, UTC."""
Int64 = Annotated[int, PlainSerializer(str)]
"""A number that may be too large for JavaScript: a text on the wire."""

EPOCH = datetime.fromtimestamp(0, UTC)
"""What Kubeflow's server writes for a time that has not come."""


class Message(BaseModel):
    """A message. Names are read in snake_case or camelCase; an unknown one is an error.

    What has its default is not written, so only what is said stands there.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, alias_generator=to_camel
    )

    def to_wire(self) -> dict[str, Any]:
        """Return the message as plain JSON values."""
        return self.model_dump(mode="json", exclude_defaults=True)


class Status(Message):
    """`google.rpc.Status`: an error. `code` is one of gRPC's."""

    code: int
    message: str
    details: tuple[dict[str, Any], ...] = ()
