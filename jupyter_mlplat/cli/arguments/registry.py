"""lineage, models."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_group
from jupyter_mlplat.cli.commands import models


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = add_command(
        group,
        "lineage",
        models.show_lineage,
        "show what something was made from",
        "lineage churn@champion",
    )
    parser.add_argument(
        "node",
        metavar="WHAT",
        help="a run, MODEL, MODEL/version, MODEL@alias, or the id of an artifact or execution",
    )
    parser.add_argument(
        "--direction",
        choices=("upstream", "downstream", "both"),
        default="upstream",
        help="upstream: what it was made from; downstream: what was made from it",
    )
    parser.add_argument("--depth", type=int, metavar="N", help="follow at most N links")

    parser = add_command(group, "models", models.list_models, "list registered models", "models")
    below = add_group(parser)
    parser = add_command(below, "show", models.show, "show a model's versions", "models show churn")
    _add_model(parser)
    parser.add_flag("--history", "show who changed what about it, newest first")
    parser = add_command(
        below,
        "register",
        models.register,
        "make a model version of what a run logged",
        "models register churn --run latest --alias champion",
    )
    _add_model(parser)
    parser.add_argument("--run", metavar="RUN", help="the run that logged the model")
    parser.add_argument("--logged-as", metavar="NAME", help="its name in log_model")
    parser.add_argument("--artifact", metavar="ID", help="a model artifact, instead of a run")
    parser.add_list("--alias", dest="aliases", metavar="ALIAS", about="point here")
    parser.add_argument("--description", metavar="TEXT", default="", help="what is to be said")
    parser = add_command(
        below,
        "alias",
        models.set_alias,
        "point an alias at a version, or remove it",
        "models alias churn/3 champion",
    )
    parser.add_argument("model", metavar="MODEL[/VERSION]", help="the version; the latest without")
    parser.add_argument("alias", metavar="ALIAS", help="such as champion or challenger")
    parser.add_flag("--remove", "remove it")
    parser = add_command(
        below,
        "delete",
        models.delete,
        "forget a model, or one version of it",
        "models delete churn/2",
    )
    parser.add_argument("model", metavar="MODEL[/VERSION]", help="all of it without a version")
    parser.add_flag("--force", "also if aliases or idle revisions count on it")


def _add_model(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="name of a registered model")
