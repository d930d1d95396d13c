"""What should happen next to an endpoint: pure decisions over its record and what runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from jupyter_mlplat.ports.serving import EndpointReport, ServerReport, ServerState
from jupyter_mlplat.resources.serving import (
    Endpoint,
    EndpointState,
    Revision,
    RevisionState,
)
from jupyter_mlplat.services.serving.records import EndpointRecord, RevisionRecord

MOST_FAILED_STARTS = 3
"""A server that ends so often before it was ever ready is given up."""

STEADY_S = 60.0
"""A server that was ready for so long has recovered: its next crash counts as its first."""

LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Crashes:
    """How a server has fared lately, on the monotonic clock; forgotten when the engine ends."""

    count: int = 0
    failed_starts: int = 0
    ready_since: float | None = None
    start_after: float = 0.0


@dataclass(frozen=True, slots=True)
class StartRouter:
    pass


@dataclass(frozen=True, slots=True)
class StartServer:
    revision: int


@dataclass(frozen=True, slots=True)
class StopServer:
    revision: int


@dataclass(frozen=True, slots=True)
class Route:
    """Reachable revisions with their model versions, and the shares of those that have any."""

    versions: Mapping[int, int]
    percent: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class StopAll:
    pass


Action: TypeAlias = StartRouter | StartServer | StopServer | Route | StopAll


def wait_before_restart(crashes: int) -> float:
    """Say how long to wait after the n-th crash in a row: not at all, then 1, 2, 4 … 60 seconds."""
    return 0.0 if crashes <= 1 else min(LONGEST_WAIT_S, 2.0 ** (crashes - 2))


def note_server(
    record: EndpointRecord, crashes: Crashes, number: int, server: ServerReport, now: float
) -> tuple[EndpointRecord, Crashes]:
    """Take in what became of a server; called once for each change of its report."""
    if server.state is ServerState.READY:
        return record, Crashes(crashes.count, 0, now, 0.0)
    if server.state is ServerState.STARTING:
        return record, crashes
    was_ready = crashes.ready_since is not None
    is_steady = was_ready and now - (crashes.ready_since or 0.0) >= STEADY_S
    count = 1 if is_steady else crashes.count + 1
    failed_starts = 0 if was_ready else crashes.failed_starts + 1
    record = record.model_copy(update={"message": server.reason})
    if server.is_final or failed_starts >= MOST_FAILED_STARTS:
        record = give_up(record, number, server.reason)
    else:
        revision = record.revision(number)
        record = record.replacing(revision.model_copy(update={"restarts": revision.restarts + 1}))
    return record, Crashes(count, failed_starts, None, now + wait_before_restart(count))


def give_up(record: EndpointRecord, number: int, reason: str) -> EndpointRecord:
    """Start a revision no more, and want no split that needs it."""
    revision = record.revision(number).model_copy(update={"failure": reason})
    needs_it = any(part.revision == number for part in record.wanted or ())
    wanted = None if needs_it else record.wanted
    return record.replacing(revision).model_copy(update={"wanted": wanted, "message": reason})


def take_up_wanted(record: EndpointRecord, report: EndpointReport) -> EndpointRecord:
    """Put the wanted split in force if all who get traffic by it are ready."""
    wanted = record.wanted
    if wanted is None or not all(_is_ready(report, part.revision) for part in wanted):
        return record
    previous = record.previous if record.traffic == wanted else record.traffic
    return record.model_copy(
        update={"traffic": wanted, "wanted": None, "previous": previous, "message": ""}
    )


def _is_ready(report: EndpointReport, number: int) -> bool:
    server = report.servers.get(number)
    return server is not None and server.state is ServerState.READY


def plan(
    record: EndpointRecord,
    report: EndpointReport,
    crashes: Mapping[int, Crashes],
    now: float,
) -> tuple[Action, ...]:
    """Say what to do so that what runs becomes what the record wants; nothing when it already is.

    A revision leaves the router before its server is stopped, and servers that nobody lists are
    stopped: a revision without traffic takes no memory, and rolling back to it starts it again
    first.
    """
    if not record.is_running:
        return (StopAll(),) if report.is_routed or _living(report) else ()
    actions: list[Action] = []
    listed = record.listed
    for number in listed:
        server = report.servers.get(number)
        is_gone = server is None or server.state is ServerState.ENDED
        due = crashes.get(number, Crashes()).start_after <= now
        if is_gone and due and not record.revision(number).failure:
            actions.append(StartServer(number))
    if not report.is_routed:
        actions.append(StartRouter())  # after the servers: it is up while they still load
    actions.append(
        Route(
            {number: record.revision(number).version for number in listed},
            {part.revision: part.percent for part in record.traffic},
        )
    )
    actions += [StopServer(number) for number in _living(report) if number not in listed]
    return tuple(actions)


def _living(report: EndpointReport) -> list[int]:
    return [n for n, server in report.servers.items() if server.state is not ServerState.ENDED]


def next_start(
    record: EndpointRecord, report: EndpointReport, crashes: Mapping[int, Crashes]
) -> float | None:
    """Say when the next server that is waiting to be restarted is due; None if none waits."""
    if not record.is_running:
        return None
    times = [
        crashes[number].start_after
        for number in record.listed
        if number in crashes
        and number not in _living(report)
        and not record.revision(number).failure
    ]
    return min(times, default=None)


def describe(record: EndpointRecord, report: EndpointReport) -> Endpoint:
    """Show an endpoint to its users."""
    return Endpoint(
        name=record.name,
        state=_state(record, report),
        url=f"http://127.0.0.1:{record.port}",
        message=record.message,
        revisions=tuple(_revision(record, found, report) for found in record.revisions),
        traffic=record.traffic,
        wanted=record.wanted or (),
        previous=record.previous,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def _state(record: EndpointRecord, report: EndpointReport) -> EndpointState:
    if not record.is_running:
        return EndpointState.STOPPED
    serving = [part.revision for part in record.traffic if part.percent > 0]
    ready = [number for number in serving if report.is_routed and _is_ready(report, number)]
    if serving and len(ready) == len(serving):
        return EndpointState.READY
    if ready:
        return EndpointState.DEGRADED
    is_hopeless = all(record.revision(number).failure for number in record.listed)
    return EndpointState.FAILED if is_hopeless else EndpointState.PENDING


def _revision(record: EndpointRecord, found: RevisionRecord, report: EndpointReport) -> Revision:
    if found.failure:
        state = RevisionState.FAILED
    elif not record.is_running or found.number not in record.listed:
        state = RevisionState.STOPPED
    elif _is_ready(report, found.number):
        state = RevisionState.READY
    else:
        state = RevisionState.LOADING
    return Revision(
        number=found.number,
        model=found.model,
        version=found.version,
        state=state,
        message=found.failure,
        restarts=found.restarts,
        created_at=found.created_at,
    )
