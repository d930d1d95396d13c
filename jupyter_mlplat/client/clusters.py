"""The part of the engine's API that is about clusters: places to run on, notebook servers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.client.link import EngineLink

if TYPE_CHECKING:
    from jupyter_mlplat.resources.clusters import (
        PlacedServer,
        PlacedServers,
        ServerHistory,
        ServerOffer,
    )
    from jupyter_mlplat.resources.places import PlaceList
    from jupyter_mlplat.resources.servers import Profile


class ClusterLink(EngineLink):
    """What clusters can be asked, as methods.

    `on` names a cluster of the engine's settings. By default a server is looked for on all of
    them, and made on the first.
    """

    def list_places(self) -> "PlaceList":
        """Return where work can run: this machine, and clusters."""
        from jupyter_mlplat.resources.places import PlaceList

        return PlaceList.model_validate_json(self.fetch("places.list"))

    def list_servers(self) -> "PlacedServers":
        """Return the servers of all clusters, and which of these do not answer."""
        from jupyter_mlplat.resources.clusters import PlacedServers

        return PlacedServers.model_validate_json(self.fetch("servers.list"))

    def get_server(self, server: str, on: str | None = None) -> "PlacedServer":
        """Return a server."""
        return self._server("servers.get", server, on)

    def create_server(self, request: Mapping[str, Any], on: str | None = None) -> "PlacedServer":
        """Ask for a server; `request` is a `ServerRequest` as JSON."""
        return self._server("servers.create", None, on, dict(request))

    def start_server(self, server: str, on: str | None = None) -> "PlacedServer":
        """Let a server run, as it was when it was stopped."""
        return self._server("servers.start", server, on, {})

    def stop_server(self, server: str, on: str | None = None) -> "PlacedServer":
        """Let a server run no longer; its home stays."""
        return self._server("servers.stop", server, on, {})

    def delete_server(self, server: str, on: str | None = None, *, with_home: bool = False) -> None:
        """Delete a server; its home only where that is asked for."""
        query = {"place": on, "volumes": "true" if with_home else None}
        self.fetch("servers.delete", {"server": server}, query)

    def read_server_log(self, server: str, on: str | None = None, lines: int = 1000) -> str:
        """Return the last lines that a server wrote."""
        query = {"place": on, "lines": lines}
        return self.fetch("servers.logs", {"server": server}, query).decode("utf-8", "replace")

    def get_server_history(self, server: str, on: str | None = None) -> "ServerHistory":
        """Return what the cluster did for a server, and what volumes it has."""
        from jupyter_mlplat.resources.clusters import ServerHistory

        content = self.fetch("servers.events", {"server": server}, {"place": on})
        return ServerHistory.model_validate_json(content)

    def get_server_offer(self, on: str | None = None) -> "ServerOffer":
        """Return what may be chosen for a new server."""
        from jupyter_mlplat.resources.clusters import ServerOffer

        content = self.fetch("server_kinds.list", query={"place": on})
        return ServerOffer.model_validate_json(content)

    def list_profiles(self, on: str | None = None) -> "tuple[Profile, ...]":
        """Return the profiles of a cluster that one may see."""
        from jupyter_mlplat.resources.servers import ProfileList

        content = self.fetch("profiles.list", query={"place": on})
        return ProfileList.model_validate_json(content).profiles

    def _server(
        self, route: str, server: str | None, on: str | None, body: object | None = None
    ) -> "PlacedServer":
        from jupyter_mlplat.resources.clusters import PlacedServer

        segments = {} if server is None else {"server": server}
        content = self.fetch(route, segments, {"place": on}, body)
        return PlacedServer.model_validate_json(content)
