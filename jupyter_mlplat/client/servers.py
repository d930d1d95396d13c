"""A notebook server in one's hands: start it, stop it, see why it does not come up."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlplat.client.documents import Shown
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.following import Following, concerns_kind
from jupyter_mlplat.client.views import nouns
from jupyter_mlplat.client.views.view import View
from jupyter_mlplat.errors import ExecutionFailed, InvalidInput
from jupyter_mlplat.resources import clusters as documents
from jupyter_mlplat.resources.servers import ServerState

Home = str | Path | None

_LOOK_S = 1.0
_ON_ITS_WAY = (ServerState.PENDING, ServerState.STOPPING)


class NotebookServer(Shown):
    """A JupyterLab of one's own on a cluster."""

    def __init__(self, client: EngineClient, document: documents.PlacedServer) -> None:
        self._client = client
        self._document = document

    @property
    def document(self) -> documents.PlacedServer:
        """Everything the engine says of it."""
        return self._document

    @property
    def name(self) -> str:
        return self._document.name

    @property
    def state(self) -> ServerState:
        return self._document.state

    @property
    def url(self) -> str | None:
        """Where a browser finds it; None: the engine's settings do not say."""
        return self._document.address

    def refresh(self) -> "NotebookServer":
        """Ask the cluster how it is now."""
        self._document = self._client.get_server(self.name, self._document.place)
        return self

    def start(self) -> "NotebookServer":
        """Let it run, with everything in its home as it was."""
        self._document = self._client.start_server(self.name, self._document.place)
        return self

    def stop(self) -> "NotebookServer":
        """Let it run no longer: what it held is free for others."""
        self._document = self._client.stop_server(self.name, self._document.place)
        return self

    def wait(
        self,
        timeout_s: float | None = None,
        *,
        on_change: Callable[[documents.PlacedServer], None] = lambda document: None,
        check: bool = False,
    ) -> "NotebookServer":
        """Wait until it runs, is stopped or has failed.

        Args:
            timeout_s: At most so long; it goes on coming up.
            on_change: Is told what it waits for, whenever that changes.
            check: Whether to raise when it has failed.

        Raises:
            ExecutionFailed: It has failed, and `check` is set.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        said = None
        while True:
            if (told := (self.state, self._document.message)) != said:
                said = told
                on_change(self._document)
            is_late = deadline is not None and time.monotonic() >= deadline
            if self.state not in _ON_ITS_WAY or is_late:
                break
            time.sleep(_LOOK_S)
            self.refresh()
        if check and self.state is ServerState.FAILED:
            raise ExecutionFailed(f"Server {self.name!r} does not come up: {said[1]}")
        return self

    def delete(self, *, with_home: bool = False) -> None:
        """Delete it; its home only where that is asked for."""
        self._client.delete_server(self.name, self._document.place, with_home=with_home)

    def logs(self, lines: int = 1000) -> str:
        """Return the last lines that it wrote."""
        return self._client.read_server_log(self.name, self._document.place, lines)

    def history(self) -> documents.ServerHistory:
        """Return what the cluster did for it, and what volumes it has."""
        return self._client.get_server_history(self.name, self._document.place)

    def view(self) -> View:
        return nouns.view_server(self._document)

    def following(self) -> Following:
        place, name = self._document.place, self.name
        return Following(
            self._client,
            look=lambda: NotebookServer(self._client, self._client.get_server(name, place)),
            concerns=lambda e: e.kind.startswith("server.") and e.subject == f"{place}/{name}",
        )


class ServerList(Shown, list[NotebookServer]):
    """Servers, as rows; `clusters` says which clusters were asked."""

    clusters: tuple[documents.ClusterStatus, ...] = ()

    def view(self) -> View:
        servers = tuple(server.document for server in self)
        return nouns.view_servers(documents.PlacedServers(servers=servers, clusters=self.clusters))


def servers(*, home: Home = None) -> ServerList:
    """List the notebook servers of all clusters of the engine's settings."""
    client = EngineClient(home)

    def look() -> ServerList:
        listed = client.list_servers()
        found = ServerList(NotebookServer(client, document) for document in listed.servers)
        found.clusters = listed.clusters
        return found.followed(following)

    following = Following(client, look, concerns_kind("server."))
    return look()


def server(name: str, *, on: str | None = None, home: Home = None) -> NotebookServer:
    """Return a notebook server by name.

    Args:
        name: Of the server.
        on: The cluster, where servers of several have that name.
        home: The state directory; by default `MLPLAT_HOME`.
    """
    client = EngineClient(home)
    return NotebookServer(client, client.get_server(name, on))


def create_server(
    name: str,
    kind: str | None = None,
    *,
    on: str | None = None,
    options: Mapping[str, Any] | None = None,
    cull_after: str | None = None,
    max_lifetime: str | None = None,
    wait: bool = True,
    home: Home = None,
) -> NotebookServer:
    """Ask for a notebook server on a cluster.

    Args:
        name: What to call it; at most 52 small letters, digits and dashes.
        kind: One of the kinds that the cluster offers; the first of them by default.
        on: The cluster; the first of the settings by default.
        options: What is chosen within the kind: `image`, `resources`, `gpu`, `home`, `volumes`,
            `env`, `presets`, `spot`, as in a `ServerOptions`.
        cull_after: Stop it when idle for so long, such as `2h` or `never`.
        max_lifetime: Stop it at the latest after so long.
        wait: Whether to return only when it runs or has failed.
        home: The state directory; by default `MLPLAT_HOME`.
    """
    client = EngineClient(home)
    request = {
        "name": name,
        "kind": kind or first_kind(client, on),
        "options": dict(options or {}),
        "cull_after": cull_after,
        "max_lifetime": max_lifetime,
    }
    made = NotebookServer(client, client.create_server(request, on))
    return made.wait() if wait else made


def first_kind(client: EngineClient, on: str | None) -> str:
    """Name the kind that a cluster offers first.

    Raises:
        InvalidInput: It offers none.
    """
    offer = client.get_server_offer(on)
    kinds = [kind.name for kind in offer.kinds if not kind.hidden]
    if not kinds:
        raise InvalidInput(
            f"Cannot create a server: cluster {offer.place!r} offers no kinds. Ask who runs it."
        )
    return kinds[0]
