"""What notebook servers ask of a cluster."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from jupyter_mlplat.resources.clusters import PlacedServer, ServerHistory, ServerOffer
from jupyter_mlplat.resources.servers import Profile, ServerRequest


class ServerCluster(Protocol):
    """The notebook servers of one profile of one cluster.

    Belongs to one event loop; calls may be made side by side. Every call may raise Unavailable,
    Unauthenticated or Forbidden, with a message for people; one that names a server, NotFound.
    What is changed may show in what is listed only after a while.
    """

    @property
    def name(self) -> str:
        """The place: what the settings call the cluster."""

    async def profile(self) -> str:
        """Return the namespace one works in; the cluster need not answer.

        Raises:
            InvalidInput: The settings name no cluster that can be found.
        """

    async def list_servers(self) -> Sequence[PlacedServer]: ...

    async def get_server(self, name: str) -> PlacedServer: ...

    async def create_server(self, request: ServerRequest, creator: str) -> PlacedServer:
        """Ask for a server; it is made by the cluster, in its own time.

        Raises:
            Conflict: There is one of that name.
        """

    async def start_server(self, name: str) -> PlacedServer:
        """Ask for a server to run; one that does, or is about to, is left alone."""

    async def stop_server(self, name: str) -> PlacedServer:
        """Ask for a server to run no longer; its volumes stay."""

    async def delete_server(self, name: str, *, with_home: bool) -> None:
        """Ask for a server to be gone, and with it the volume that is its home."""

    async def read_history(self, name: str) -> ServerHistory: ...

    async def read_log(self, name: str, lines: int) -> bytes:
        """Return the last lines that a server wrote.

        Raises:
            Conflict: It does not run.
        """

    async def read_offer(self) -> ServerOffer:
        """Say what may be chosen for a new server: kinds by their rank."""

    async def list_profiles(self) -> Sequence[Profile]:
        """Return the profiles one may see; at least the one that one works in."""

    def watch(self) -> AsyncIterator[None]:
        """Give a sign whenever servers may have changed, at first at once; never ends by itself."""
