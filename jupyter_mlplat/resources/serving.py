"""Endpoints: served models, their revisions and how traffic is split between them."""

from enum import StrEnum

from pydantic import Field

from jupyter_mlplat.resources.base import JsonValue, Name, Request, Resource, Timestamp


class EndpointState(StrEnum):
    PENDING = "PENDING"
    READY = "READY"
    DEGRADED = "DEGRADED"  # serves, but a revision with traffic is not ready
    FAILED = "FAILED"
    STOPPED = "STOPPED"


class RevisionState(StrEnum):
    LOADING = "LOADING"
    READY = "READY"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


class Revision(Resource):
    """One deployed model version behind an endpoint."""

    number: int
    model: Name
    version: int
    state: RevisionState
    message: str = ""
    restarts: int = 0
    created_at: Timestamp


class Traffic(Resource):
    revision: int
    percent: int = Field(ge=0, le=100)


class Endpoint(Resource):
    """A served model: one URL, one or more revisions, percentages that sum to 100."""

    name: Name
    state: EndpointState
    url: str = Field(description="Base URL on this machine, e.g. http://127.0.0.1:41233")
    message: str = ""
    revisions: tuple[Revision, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    wanted: tuple[Traffic, ...] = Field(
        default=(), description="The split that comes into force when its revisions are ready."
    )
    previous: tuple[Traffic, ...] = Field(
        default=(), description="The split before: what rolling back goes to; empty: there is none."
    )
    created_at: Timestamp
    updated_at: Timestamp


class EndpointList(Resource):
    endpoints: tuple[Endpoint, ...]


class DeployRequest(Request):
    """Serve a model version; on an existing endpoint it becomes a new revision."""

    model: str = Field(description="NAME, NAME@alias or NAME/version; latest version by default.")
    name: Name | None = Field(default=None, description="Endpoint; the model's name by default.")
    traffic: int = Field(default=100, ge=0, le=100, description="Percent for the new revision.")
    port: int | None = Field(default=None, ge=1, le=65535)
    trust_pickle: bool = Field(default=False, description="Load a pickled model: runs its code.")
    wait_s: float = Field(default=60.0, ge=0, le=600)


class TrafficRequest(Request):
    """Set the whole split at once; it must sum to 100."""

    traffic: tuple[Traffic, ...]


class PredictRequest(Request):
    """Rows in, predictions out, whatever protocol the model server speaks underneath."""

    inputs: JsonValue = Field(description="Rows as lists, or records as objects.")


class PredictAnswer(Resource):
    """What an endpoint answered."""

    outputs: JsonValue
    revision: int | None = Field(description="Who answered.")
    duration_s: float = Field(description="From the request to the whole answer, at the engine.")


class LoadPoint(Resource):
    """What a revision answered in a few seconds, up to a moment."""

    at: Timestamp
    rps: float
    error_rate: float | None = Field(description="None: there was no request.")
    p50_ms: float | None
    p95_ms: float | None


class RevisionStats(Resource):
    """How a revision has answered: in all, over the last minute, and step by step.

    Times are measured at the router, from a whole request to its answer, and read from histogram
    buckets: they are estimates. None: there was no request.
    """

    revision: int
    requests: int = Field(description="Since `EndpointStats.since`.")
    refused: int = Field(description="Of these, answered 4xx: the caller was at fault.")
    errors: int = Field(description="Of these, answered 5xx.")
    rps: float = Field(description="Requests per second, over the last minute.")
    error_rate: float | None = Field(description="Share of 5xx, from 0 to 1, over the last minute.")
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    series: tuple[LoadPoint, ...] = Field(default=(), description="Of the last five minutes.")


class EndpointStats(Resource):
    """How an endpoint has answered since its router began to count."""

    endpoint: Name
    since: Timestamp | None = Field(description="None: it does not run.")
    window_s: float = Field(description="What the figures of the last minute look back over.")
    unrouted: int = Field(description="Requests that no revision was ready for.")
    rps: float
    error_rate: float | None
    revisions: tuple[RevisionStats, ...] = ()
