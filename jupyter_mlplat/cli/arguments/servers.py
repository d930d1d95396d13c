"""servers, places."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_group
from jupyter_mlplat.cli.commands import servers
from jupyter_mlplat.client import server_words


def add_to(group: Any) -> None:
    """Add these commands."""
    about = "list your notebook servers on clusters"
    parser = add_command(group, "servers", servers.list_all, about, "servers")
    below = add_group(parser)
    add_command(below, "list", servers.list_all, about, "servers list")
    parser = add_command(
        below,
        "kinds",
        servers.list_kinds,
        "list what may be chosen for a new server",
        "servers kinds",
    )
    _add_on(parser)
    parser = add_command(
        below,
        "create",
        servers.create,
        "start a notebook server of your own",
        "servers create lab --kind gpu --gpu 1 --cull-after 2h",
    )
    _add_server(parser)
    server_words.add_options(parser)
    _add_no_wait(parser)
    for name, command, says in (
        ("show", servers.show, "show a server, its volumes and what the cluster did for it"),
        ("start", servers.start, "start a stopped server, or wake an idle one"),
        ("stop", servers.stop, "stop a server: its home stays, its GPUs are free"),
        ("open", servers.open_, "open a server in the browser"),
        ("logs", servers.logs, "print what a server wrote"),
        ("delete", servers.delete, "delete a server; its home stays unless it is named"),
    ):
        child = add_command(below, name, command, says, f"servers {name} lab")
        _add_server(child)
        if name == "start":
            _add_no_wait(child)
        if name == "open":
            child.add_flag("--no-browser", "only print the address")
        if name == "logs":
            child.add_argument(
                "--lines", type=int, default=1000, metavar="N", help="the last N (1000)"
            )
        if name == "delete":
            child.add_flag("--with-home", "delete its home, too, with all files in it")
    add_command(
        group, "places", servers.list_places, "list where work can run: --on takes these", "places"
    )


def _add_server(parser: Parser) -> None:
    parser.add_argument("server", metavar="SERVER", help="name of a server")
    _add_on(parser)


def _add_on(parser: Parser) -> None:
    parser.add_argument("--on", metavar="CLUSTER", help="which cluster, where there are several")


def _add_no_wait(parser: Parser) -> None:
    parser.add_flag("--no-wait", "do not wait until it runs")
