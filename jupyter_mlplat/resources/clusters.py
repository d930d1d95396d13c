"""Notebook servers as the engine's API tells of them: on every cluster that is configured."""

from pydantic import Field

from jupyter_mlplat.resources.base import Resource, Timestamp
from jupyter_mlplat.resources.servers import Server, ServerKind


class PlacedServer(Server):
    """A notebook server, and the cluster it is on."""

    place: str = Field(description="The cluster's name in the engine's settings.")
    address: str | None = Field(
        default=None, description="Where a browser finds it; None: the settings name no address."
    )


class ClusterStatus(Resource):
    """A cluster of the engine's settings, and whether it answers."""

    name: str = Field(description="Its name in the settings: `[cluster.NAME]`.")
    profile: str = Field(default="", description="The namespace one works in there.")
    problem: str = Field(default="", description="Why it cannot be asked; empty: it answers.")


class PlacedServers(Resource):
    """Every server one may see. A cluster that does not answer hides no other one's."""

    servers: tuple[PlacedServer, ...]
    clusters: tuple[ClusterStatus, ...] = Field(
        description="The clusters that are configured; none: there is only this machine."
    )


class PresetOffer(Resource):
    """A PodDefault that may be chosen for a server."""

    name: str
    title: str = ""


class ServerOffer(Resource):
    """What may be chosen for a new server on one cluster."""

    place: str
    kinds: tuple[ServerKind, ...]
    presets: tuple[PresetOffer, ...] = ()
    claims: tuple[str, ...] = Field(default=(), description="Volume claims that can be mounted.")


class ServerMount(Resource):
    """A volume of a server."""

    claim: str
    path: str = Field(description="Where the server finds it.")
    size: str = ""
    phase: str = Field(default="", description="Of the claim; empty: there is none.")
    is_writable: bool = True
    is_home: bool = False


class ServerEvent(Resource):
    """Something the cluster did for a server, or could not do."""

    at: Timestamp | None
    is_warning: bool = False
    reason: str
    message: str
    count: int = 1


class ServerHistory(Resource):
    """What has happened to a server lately, the newest first, and the volumes it has."""

    events: tuple[ServerEvent, ...]
    mounts: tuple[ServerMount, ...] = ()
