"""Notebook servers, the kinds they are made from, and the places where work can run."""

from collections.abc import Sequence
from datetime import UTC, datetime

from jupyter_mlplat.client.views.nouns.formats import format_age, format_duration, state_cell
from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.resources.clusters import (
    PlacedServer,
    PlacedServers,
    ServerHistory,
    ServerOffer,
)
from jupyter_mlplat.resources.places import Place
from jupyter_mlplat.resources.servers import KindAmount, ServerKind, ServerState

_MOODS = {
    ServerState.PENDING: ("●", Mood.BUSY),
    ServerState.RUNNING: ("✓", Mood.GOOD),
    ServerState.STOPPING: ("◌", Mood.WARNING),
}
NO_CLUSTER = (
    "No cluster is configured, so there are no servers. Name one in a table [cluster.NAME] of the "
    "engine's config.toml; docs/how-to/servers.md says how."
)


def view_servers(listed: PlacedServers) -> View:
    """Show servers as rows, and the clusters that do not answer."""
    rows = tuple(
        (
            Cell(server.name),
            _state(server),
            Cell(server.kind or ""),
            Cell(_gpus(server)),
            Cell(server.place),
            Cell(_why(server)),
        )
        for server in listed.servers
    )
    silent = tuple(
        Cell(f"{cluster.name}: {cluster.problem}", Mood.WARNING)
        for cluster in listed.clusters
        if cluster.problem
    )
    has_any = bool(listed.clusters)
    return View(
        title="Servers",
        tables=(Table(("server", "state", "kind", "gpu", "on", ""), rows),),
        notes=silent,
        empty="No servers yet. Make one with: jupyter mlplat servers create NAME"
        if has_any
        else NO_CLUSTER,
    )


def view_server(server: PlacedServer, history: ServerHistory | None = None) -> View:
    """Show one server, with what the cluster did for it where that is known."""
    gets = " · ".join(filter(None, (server.cpu and f"{server.cpu} CPU", server.memory)))
    where = " / ".join(filter(None, (server.place, server.profile, server.node)))
    facts = {
        "kind": server.kind or "",
        "image": server.image,
        "gpu": _gpus(server) or "none",
        "gets": gets,
        "on": where,
        "address": server.address or "",
        "last busy": format_age(server.active_at),
        "stops": _countdown(server),
    }
    tables: tuple[Table, ...] = ()
    if history is not None:
        mounts = tuple(
            (
                Cell(mount.path),
                Cell("home" if mount.is_home else mount.claim),
                Cell(mount.size),
                Cell(mount.phase.lower() or "not there"),
            )
            for mount in history.mounts
        )
        events = tuple(
            (
                Cell(format_age(event.at)),
                Cell(event.reason, Mood.WARNING if event.is_warning else Mood.PLAIN),
                Cell(event.message),
            )
            for event in history.events
        )
        tables = tuple(
            Table(headers, rows)
            for headers, rows in (
                (("volume", "of", "size", "state"), mounts),
                (("when", "event", ""), events),
            )
            if rows
        )
    return View(
        title=f"Server {server.name}",
        state=_state(server),
        facts=tuple((name, Cell(said)) for name, said in facts.items() if said),
        tables=tables,
        notes=(Cell(server.message, _note_mood(server)),) if server.message else (),
    )


def view_offer(offer: ServerOffer) -> View:
    """Show what may be chosen for a new server."""
    rows = tuple(
        (
            Cell(kind.name),
            Cell(kind.title or kind.description),
            Cell(", ".join(image.name for image in kind.images)),
            Cell(_devices(kind)),
            Cell(_amount(kind.cpu)),
            Cell(_amount(kind.memory)),
        )
        for kind in offer.kinds
        if not kind.hidden
    )
    headers = ("kind", "", "images", "gpus", "cpu", "memory")
    return View(
        title=f"Kinds of servers on {offer.place}",
        tables=(Table(headers, rows),),
        empty="This cluster offers no kinds of servers yet: ask who runs it.",
    )


def view_places(places: Sequence[Place]) -> View:
    """Show where work can run."""
    rows = tuple(
        (
            Cell(place.name + (" (default)" if place.is_default else "")),
            Cell("✓ answers", Mood.GOOD) if place.answers else Cell("✗ silent", Mood.BAD),
            Cell(" / ".join(filter(None, (place.namespace, place.image)))),
            Cell(place.problem),
        )
        for place in places
    )
    return View(title="Places", tables=(Table(("place", "", "in", ""), rows),))


def _state(server: PlacedServer) -> Cell:
    mark = _MOODS.get(server.state)
    if mark is None:
        return state_cell(server.state)
    word = "waiting" if server.reason.startswith("Waiting") else server.state.lower()
    return Cell(f"{mark[0]} {word}", mark[1])


def _note_mood(server: PlacedServer) -> Mood:
    return Mood.BAD if server.state is ServerState.FAILED else Mood.PLAIN


def _why(server: PlacedServer) -> str:
    return _countdown(server) if server.state is ServerState.RUNNING else server.message


def _countdown(server: PlacedServer) -> str:
    """Say when a running server is stopped by itself."""
    planned = [
        (moment, why)
        for moment, why in (
            (server.culls_at, "if it stays idle"),
            (server.ends_at, "at the latest"),
        )
        if moment is not None
    ]
    if server.state is not ServerState.RUNNING or not planned:
        return ""
    moment, why = min(planned)
    left = max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return f"in {format_duration(60 * round(left / 60)) if left >= 60 else 'a minute'} {why}"


def _gpus(server: PlacedServer) -> str:
    return f"{server.gpu.count} × {server.gpu.resource}" if server.gpu else ""


def _devices(kind: ServerKind) -> str:
    return ", ".join(f"{gpu.name} ({'/'.join(map(str, gpu.counts))})" for gpu in kind.gpus)


def _amount(amount: KindAmount) -> str:
    return amount.default + (f" to {amount.most}" if amount.most else "")
