"""servers, places."""

import webbrowser
from argparse import Namespace
from typing import TYPE_CHECKING

from jupyter_mlplat.cli.terminal import Terminal

if TYPE_CHECKING:
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.resources.clusters import PlacedServer


def list_all(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List servers; with no cluster, say how to come to one."""
    from jupyter_mlplat.client.views import nouns

    listed = client.list_servers()
    terminal.answer(listed.to_wire())
    terminal.show(nouns.view_servers(listed))
    return 0


def list_kinds(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List what may be chosen for a new server."""
    from jupyter_mlplat.client.views import nouns

    offer = client.get_server_offer(options.on)
    terminal.answer(offer.to_wire())
    terminal.show(nouns.view_offer(offer))
    return 0


def list_places(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """List where work can run."""
    from jupyter_mlplat.client.views import nouns

    listed = client.list_places()
    terminal.answer(listed.to_wire())
    terminal.show(nouns.view_places(listed.places))
    return 0


def create(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Ask for a server; fail when it does not come up."""
    from jupyter_mlplat.client.server_words import request_of
    from jupyter_mlplat.client.servers import first_kind

    kind = options.kind or first_kind(client, options.on)
    made = client.create_server(request_of(options.server, kind, options), options.on)
    return _await(client, made, options, terminal)


def show(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Show a server, its volumes and what the cluster did for it."""
    from jupyter_mlplat.client.views import nouns

    server = client.get_server(options.server, options.on)
    history = client.get_server_history(server.name, server.place)
    terminal.answer({"server": server.to_wire(), **history.to_wire()})
    terminal.show(nouns.view_server(server, history))
    return 0


def start(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Start a server; fail when it does not come up."""
    return _await(client, client.start_server(options.server, options.on), options, terminal)


def stop(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Stop a server."""
    return _show(client.stop_server(options.server, options.on), terminal)


def open_(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Open a server in the browser; fail where it does not run or nobody knows its address."""
    from jupyter_mlplat.resources.servers import ServerState

    server = client.get_server(options.server, options.on)
    terminal.answer({"server": server.to_wire()})
    if server.state is not ServerState.RUNNING:
        terminal.complain(
            f"Server {server.name!r} does not run: {server.message or server.state.lower()} "
            f"Start it with: jupyter mlplat servers start {server.name}"
        )
        return 1
    if server.address is None:
        terminal.complain(
            f"The engine's settings do not say where a browser finds servers of "
            f"{server.place!r} (browser_url). Until they do: kubectl -n {server.profile} "
            f"port-forward service/{server.name} 8888:80"
        )
        return 1
    terminal.say(server.address)
    if not options.no_browser and not terminal.is_json:
        webbrowser.open(server.address)
    return 0


def logs(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Print what a server wrote."""
    from jupyter_mlplat.client.views.text import clean_log

    content = client.read_server_log(options.server, options.on, options.lines)
    terminal.answer({"log": content})
    terminal.say(clean_log(content).rstrip("\n"))
    return 0


def delete(client: "EngineClient", options: Namespace, terminal: Terminal) -> int:
    """Delete a server."""
    client.delete_server(options.server, options.on, with_home=options.with_home)
    terminal.answer({"deleted": options.server, "with_home": options.with_home})
    home = "and its home with it" if options.with_home else "its home is kept"
    terminal.say(f"Server {options.server} is being deleted; {home}.")
    return 0


def _await(
    client: "EngineClient", document: "PlacedServer", options: Namespace, terminal: Terminal
) -> int:
    """Wait until a server runs, telling what it waits for."""
    from jupyter_mlplat.client.servers import NotebookServer
    from jupyter_mlplat.resources.servers import ServerState

    server = NotebookServer(client, document)
    if not options.no_wait:
        server.wait(on_change=lambda told: terminal.note(told.message or told.state.lower()))
    _show(server.document, terminal)
    if server.state is ServerState.FAILED:
        terminal.complain(server.document.message or f"Server {server.name!r} does not come up.")
        return 1
    return 0


def _show(server: "PlacedServer", terminal: Terminal) -> int:
    from jupyter_mlplat.client.views import nouns

    terminal.answer({"server": server.to_wire()})
    terminal.show(nouns.view_server(server))
    return 0
