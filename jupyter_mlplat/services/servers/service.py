"""Finds servers on all clusters there are, passes on what is asked of them, tells what changes."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from jupyter_mlplat.errors import InvalidInput, NotFound, PlatformError
from jupyter_mlplat.ports.cluster import ServerCluster
from jupyter_mlplat.ports.serving import EventSink
from jupyter_mlplat.resources.clusters import (
    ClusterStatus,
    PlacedServer,
    PlacedServers,
    ServerHistory,
    ServerOffer,
)
from jupyter_mlplat.resources.servers import Profile, ServerRequest

_log = logging.getLogger(__name__)

_PATIENCE_S = 10.0
"""So long a cluster may take before its servers are listed without it."""
_AGAIN_S = 10.0
_CALM_S = 0.3  # several objects of a server change together


class ServersService:
    """Everything one can ask about notebook servers.

    Args:
        clusters: Those of the settings, the one that is meant where none is named first.
        events: Is told `server.updated`, `server.deleted` and `cluster.updated`.
    """

    def __init__(self, clusters: Sequence[ServerCluster], events: EventSink) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._events = events
        self._known: dict[str, dict[str, PlacedServer]] = {}
        self._problems: dict[str, str] = {}
        self._following: list[asyncio.Task[None]] = []

    async def list(self) -> PlacedServers:
        """List the servers of all clusters; what keeps one from answering is told beside them."""
        found = await asyncio.gather(*map(self._look, self._clusters.values()))
        self._problems.update({status.name: status.problem for _, status in found})
        return PlacedServers(
            servers=tuple(server for servers, _ in found for server in servers),
            clusters=tuple(status for _, status in found),
        )

    async def get(self, name: str, place: str | None) -> PlacedServer:
        """Return a server."""
        return await (await self._cluster_of(name, place)).get_server(name)

    async def create(self, request: ServerRequest, place: str | None, creator: str) -> PlacedServer:
        """Ask for a server.

        Raises:
            InvalidInput: There is no such cluster, or the kind lets nobody choose so.
            Conflict: There is a server of that name.
        """
        cluster = self._cluster(place)
        offer = await cluster.read_offer()
        if request.kind not in {kind.name for kind in offer.kinds}:
            names = ", ".join(kind.name for kind in offer.kinds if not kind.hidden)
            raise InvalidInput(
                f"Cannot create server {request.name!r}: cluster {cluster.name!r} offers no kind "
                f"{request.kind!r}. "
                + (f"There are: {names}." if names else "It offers none yet: ask who runs it.")
            )
        return self._tell(await cluster.create_server(request, creator))

    async def start(self, name: str, place: str | None) -> PlacedServer:
        """Let a server run."""
        return self._tell(await (await self._cluster_of(name, place)).start_server(name))

    async def stop(self, name: str, place: str | None) -> PlacedServer:
        """Let a server run no longer; its home stays."""
        return self._tell(await (await self._cluster_of(name, place)).stop_server(name))

    async def delete(self, name: str, place: str | None, *, with_home: bool) -> None:
        """Delete a server, and its home only where that is asked for."""
        cluster = await self._cluster_of(name, place)
        await cluster.delete_server(name, with_home=with_home)

    async def read_history(self, name: str, place: str | None) -> ServerHistory:
        """Say what the cluster did for a server, and what volumes it has."""
        return await (await self._cluster_of(name, place)).read_history(name)

    async def read_log(self, name: str, place: str | None, lines: int) -> bytes:
        """Return the last lines that a server wrote."""
        return await (await self._cluster_of(name, place)).read_log(name, lines)

    async def read_offer(self, place: str | None) -> ServerOffer:
        """Say what may be chosen for a new server."""
        return await self._cluster(place).read_offer()

    async def list_profiles(self, place: str | None) -> Sequence[Profile]:
        """Return the profiles one may see; of no cluster, none."""
        return await self._cluster(place).list_profiles() if place or self._clusters else ()

    def follow(self) -> None:
        """Tell from now on what changes."""
        if not self._following:
            self._following = [
                asyncio.get_running_loop().create_task(self._follow(cluster))
                for cluster in self._clusters.values()
            ]

    async def rest(self) -> None:
        """Tell no longer: nobody listens."""
        following, self._following = self._following, []
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        self._known.clear()

    # - inside -

    def _cluster(self, place: str | None) -> ServerCluster:
        if not self._clusters:
            raise InvalidInput(
                "There is no cluster for notebook servers: the engine's settings name none. "
                "Describe one in a table [cluster.NAME] of config.toml."
            )
        if place is None:
            return next(iter(self._clusters.values()))
        if place not in self._clusters:
            raise InvalidInput(
                f"There is no cluster {place!r}. There are: {', '.join(self._clusters)}."
            )
        return self._clusters[place]

    async def _cluster_of(self, name: str, place: str | None) -> ServerCluster:
        """Find the cluster of a server that is named without one, where that is clear."""
        if place is not None or len(self._clusters) < 2:
            return self._cluster(place)
        listed = await self.list()
        places = [server.place for server in listed.servers if server.name == name]
        if len(places) > 1:
            raise InvalidInput(
                f"Which server {name!r}? There is one on each of {', '.join(places)}: say where, "
                f"such as --on {places[0]}."
            )
        if places:
            return self._cluster(places[0])
        silent = [status.problem for status in listed.clusters if status.problem]
        raise NotFound(
            f"There is no server {name!r} on any cluster." + "".join(f" {one}" for one in silent)
        )

    async def _look(self, cluster: ServerCluster) -> tuple[Sequence[PlacedServer], ClusterStatus]:
        servers: Sequence[PlacedServer] = ()
        profile = problem = ""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                profile = await cluster.profile()
                servers = await cluster.list_servers()
        except TimeoutError:
            problem = f"It has not answered for {_PATIENCE_S:g} s."
        except PlatformError as error:
            problem = error.message
        return servers, ClusterStatus(name=cluster.name, profile=profile, problem=problem)

    async def _follow(self, cluster: ServerCluster) -> None:
        while True:
            try:
                await self._hear(cluster)
            except PlatformError:  # it cannot be found: the settings may be mended
                await self._compare(cluster)
            await asyncio.sleep(_AGAIN_S)

    async def _hear(self, cluster: ServerCluster) -> None:
        async with contextlib.aclosing(cluster.watch()) as signs:  # type: ignore[type-var]
            async for _ in signs:
                await asyncio.sleep(_CALM_S)
                try:
                    await self._compare(cluster)
                except Exception:  # the next sign may find it better
                    _log.exception("Cannot tell what became of servers on %s", cluster.name)

    async def _compare(self, cluster: ServerCluster) -> None:
        """Tell what differs from the last look."""
        servers, status = await self._look(cluster)
        if status.problem != self._problems.get(cluster.name, ""):
            self._problems[cluster.name] = status.problem
            self._events.publish("cluster.updated", cluster.name, status.to_wire())
        if status.problem:
            return  # nobody knows: what was known stays
        now = {server.name: server for server in servers}
        before = self._known.get(cluster.name)
        self._known[cluster.name] = now
        if before is None:
            return  # who listens has listed them
        for name, server in now.items():
            if _said(server) != _said(before.get(name)):
                self._tell(server)
        for name in before.keys() - now.keys():
            self._events.publish("server.deleted", f"{cluster.name}/{name}", {})

    def _tell(self, server: PlacedServer) -> PlacedServer:
        if (known := self._known.get(server.place)) is not None:
            known[server.name] = server
        self._events.publish("server.updated", f"{server.place}/{server.name}", server.to_wire())
        return server


def _said(server: PlacedServer | None) -> PlacedServer | None:
    """Leave out what changes every minute and says nothing."""
    return server and server.model_copy(update={"checked_at": None})
