"""What the controller asks of an API server, and how that can fail."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from jupyter_mlplat_controller.plans import Key, Kind, Obj


class ApiError(Exception):
    """The API server did not do what it was asked.

    Attributes:
        status: Its status; 0: it was not reached, or what it said was cut off.
        reason: As in a Status of Kubernetes: `AlreadyExists`, `Conflict`, `Expired` …
        message: What it said.
        retry_after_s: When it wants to be asked again.
    """

    def __init__(
        self, status: int, reason: str = "", message: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s

    @property
    def is_missing(self) -> bool:
        """There is no such object, or no such kind."""
        return self.status == 404

    @property
    def is_conflict(self) -> bool:
        """It has changed since it was seen, or it is there already."""
        return self.status == 409

    @property
    def is_expired(self) -> bool:
        """The history of a watch does not go back so far: list anew."""
        return self.status == 410 or self.reason == "Expired"

    @property
    def is_refusal(self) -> bool:
        """It will not be done however often it is asked: invalid, or not allowed."""
        return self.status in (400, 403, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a watch: ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Obj


class Api(Protocol):
    """An API server.

    Every method raises ApiError. Answers are JSON as they came. A replace or patch whose body has a
    resourceVersion is refused with 409 when the object has another by then.
    """

    async def list(
        self, kind: Kind, namespace: str = "", labels: str = "", fields: str = ""
    ) -> tuple[list[Obj], str]:
        """Return all objects that are selected, and the version they were seen at."""
        ...

    def watch(
        self,
        kind: Kind,
        since: str,
        timeout_s: float,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
    ) -> AsyncIterator[Event]:
        """Yield changes from a version on; the server ends it after `timeout_s`."""
        ...

    async def get(self, kind: Kind, key: Key) -> Obj:
        """Return one object."""
        ...

    async def create(self, kind: Kind, body: Obj) -> Obj:
        """Make an object and return it."""
        ...

    async def replace(self, kind: Kind, body: Obj) -> Obj:
        """Write an object over the one of its name and return it."""
        ...

    async def patch(self, kind: Kind, key: Key, body: dict[str, Any], subresource: str) -> Obj:
        """Merge fields into an object and return it."""
        ...

    async def delete(self, kind: Kind, key: Key, uid: str) -> None:
        """Delete the object of this uid."""
        ...
