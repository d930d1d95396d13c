"""deploy, predict, endpoints, traffic, rollback."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_group
from jupyter_mlplat.cli.commands import endpoints


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = add_command(
        group,
        "deploy",
        endpoints.deploy,
        "serve a model version",
        "deploy churn@challenger --traffic 10",
    )
    parser.add_argument(
        "model", metavar="MODEL[@alias|/version]", help="the latest version by default"
    )
    parser.add_argument("--name", metavar="NAME", help="the endpoint; the model's name by default")
    parser.add_argument(
        "--traffic", type=int, default=100, metavar="P", help="percent for the new revision (100)"
    )
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on; a free one")
    parser.add_flag("--trust-pickle", "load a pickled model, which runs its code")
    parser = add_command(
        group,
        "predict",
        endpoints.predict,
        "ask an endpoint",
        "predict churn '[[5.1, 3.5, 1.4, 0.2]]'",
    )
    _add_endpoint(parser)
    parser.add_argument("data", nargs="?", metavar="DATA", help="rows as JSON; - reads them")
    parser.add_argument("--data", dest="named_data", metavar="JSON", help="the same, by name")
    parser.add_argument("--file", metavar="PATH", help="rows from a JSON file")

    parser = add_command(group, "endpoints", endpoints.list_all, "list endpoints", "endpoints")
    below = add_group(parser)
    for name, command, about in (
        ("show", endpoints.show, "show an endpoint and its revisions"),
        ("start", endpoints.start, "start a stopped endpoint"),
        ("stop", endpoints.stop, "stop an endpoint's processes"),
        ("promote", endpoints.promote, "give all traffic to the newest revision"),
        ("delete", endpoints.delete, "stop an endpoint and forget it"),
        ("logs", endpoints.logs, "print what an endpoint's servers wrote"),
    ):
        child = add_command(below, name, command, about, f"endpoints {name} churn")
        _add_endpoint(child)
        if name == "logs":
            child.add_argument("--revision", type=int, metavar="N", help="only this revision")
    parser = add_command(
        group,
        "traffic",
        endpoints.set_traffic,
        "split an endpoint's traffic",
        "traffic churn 1=90 2=10",
    )
    _add_endpoint(parser)
    parser.add_argument(
        "shares", nargs="+", metavar="REVISION=PERCENT", help="together they are 100"
    )
    parser = add_command(
        group,
        "rollback",
        endpoints.roll_back,
        "go back to the split of traffic before",
        "rollback churn",
    )
    _add_endpoint(parser)


def _add_endpoint(parser: Parser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="name of an endpoint")
