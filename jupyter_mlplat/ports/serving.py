"""What the serving service asks of the world: models, processes, a place to remember."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.lineage import ModelVersion
from jupyter_mlplat.resources.serving import Endpoint


@dataclass(frozen=True, slots=True)
class ServableModel:
    """A model version and the local file that holds it; `digest` is what the file must hash to."""

    version: ModelVersion
    path: Path
    digest: str | None


class ModelSource(Protocol):
    """Where models come from. Called from the engine's event loop; answers at once."""

    def resolve(self, reference: str) -> ServableModel:
        """Find NAME (its latest version), NAME@alias or NAME/version.

        Raises:
            NotFound: No such model, alias or version.
            InvalidInput: No reference at all.
        """


class EndpointStore(Protocol):
    """Endpoints on disk. What `save_endpoint` has returned from survives a crash."""

    def save_endpoint(self, endpoint: Endpoint, internal: Mapping[str, Any]) -> None:
        """Create or replace; `internal` is JSON the service keeps for itself."""

    def list_endpoints(self) -> Sequence[tuple[Endpoint, Mapping[str, Any]]]: ...

    def delete_endpoint(self, name: str) -> None: ...


class EventSink(Protocol):
    def publish(self, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        """Tell everybody who listens; kinds are listed at `resources.engine.Event`."""


class ServerState(StrEnum):
    STARTING = "STARTING"
    READY = "READY"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class ServerReport:
    """How a model server is doing.

    Attributes:
        state: READY means that the router has it in rotation.
        reason: Why it ended, for people.
        is_final: Starting it again would fail again: its model cannot be loaded.
    """

    state: ServerState
    reason: str = ""
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """What runs for an endpoint; revisions never started, or stopped, are not in `servers`."""

    is_routed: bool = False
    servers: Mapping[int, ServerReport] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a revision had answered up to a moment.

    Attributes:
        counts: Answers by how long they took: one number for each bound, and one for what took
            longer.
        refused: How many of them were 4xx.
        failed: How many were 5xx.
    """

    counts: Sequence[int]
    refused: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What an endpoint's revisions answered lately, as its router counted it.

    Attributes:
        age_s: How long ago it began to count.
        bounds_s: Bounds of the buckets of time, ascending.
        copies: The tallies by revision at several moments, each some seconds ago; the last is now.
        unrouted: Requests that no revision was ready for.
    """

    age_s: float
    bounds_s: Sequence[float]
    copies: Sequence[tuple[float, Mapping[int, Tally]]]
    unrouted: int = 0


@dataclass(frozen=True, slots=True)
class LogPiece:
    """A piece of a log.

    Attributes:
        content: Its bytes.
        size: Bytes in the whole log.
    """

    content: bytes = b""
    size: int = 0


@dataclass(frozen=True, slots=True)
class ServerOrder:
    """A model server to start."""

    endpoint: str
    revision: int
    model: ServableModel
    trust_pickle: bool


class ServingLauncher(Protocol):
    """Starts routers and model servers and watches them.

    Called from the engine's event loop only. What it starts outlives the engine; `adopt` finds it
    again. No call on one endpoint is made while another on the same endpoint has not returned.
    """

    def bind(self, on_change: Callable[[str], None]) -> None:
        """Say who hears, in the event loop, that the report of an endpoint may have changed."""

    def reserve_port(self, endpoint: str, port: int | None) -> int:
        """Take a port of this machine, a free one if None; the router started next listens on it.

        Raises:
            Conflict: The port is in use, or not for this user.
        """

    async def adopt(self, endpoint: str) -> None:
        """Find what an earlier engine started for this endpoint, and watch it."""

    def observe(self, endpoint: str) -> EndpointReport:
        """Say what runs."""

    async def start_router(self, endpoint: str, port: int) -> None:
        """Start the router; requests it gets before a revision is ready are answered 503.

        Raises:
            Conflict: The port is in use.
        """

    async def start_server(self, order: ServerOrder) -> None:
        """Start a model server; how that goes is told through `on_change` and `observe`."""

    async def route(
        self, endpoint: str, versions: Mapping[int, int], percent: Mapping[int, int]
    ) -> None:
        """Set which revisions (with their model versions) can be reached and their shares.

        In force when it returns. Requests under way at a revision that is left out are answered.
        """

    async def stop_server(self, endpoint: str, revision: int) -> None:
        """Stop one model server and all it started: SIGTERM, after a grace SIGKILL. Idempotent."""

    async def stop(self, endpoint: str) -> None:
        """Stop everything of an endpoint. Idempotent."""

    async def remove(self, endpoint: str) -> None:
        """Stop everything and delete its directory."""

    def read_log(self, endpoint: str, revision: int | None, offset: int | None = None) -> LogPiece:
        """Return what a model server, or the router, wrote from a byte on; by default the end."""

    async def measure(self, endpoint: str) -> LoadReport | None:
        """Ask the router what the revisions answered lately; None if there is no router.

        Raises:
            Unavailable: It does not answer.
        """

    async def predict(
        self, endpoint: Endpoint, instances: list[JsonValue]
    ) -> tuple[JsonValue, int | None]:
        """Send rows to the endpoint as any caller would; returns predictions and who made them.

        Raises:
            InvalidInput: The model refused the rows.
            Unavailable: Nobody answers, or nobody is ready.
            ExecutionFailed: The model failed.
        """

    async def close(self) -> None:
        """Stop watching; what runs goes on."""
