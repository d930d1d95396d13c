"""cluster, profiles."""

import argparse
from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_group
from jupyter_mlplat.cli.commands import cluster


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = _add(group, "cluster", cluster.check, "say what a cluster has and lacks", "cluster")
    below = add_group(parser)
    _add(below, "check", cluster.check, "say what a cluster has and lacks", "cluster check")
    parser = _add(
        below,
        "install",
        cluster.install,
        "install controller and engine in a cluster, or upgrade them",
        "cluster install --overlay profiles --apply",
    )
    _add_apply(parser)
    parser.add_argument(
        "--overlay",
        metavar="OVERLAY",
        default="minimal",
        help="minimal, profiles, gpu or kueue, or a folder with a kustomization.yaml (minimal)",
    )
    parser.add_argument("--image", metavar="IMAGE", help="image of ours; none: the overlay's own")
    parser.add_flag("--print", "only print the objects as YAML; no cluster is asked")
    parser = _add(
        below,
        "uninstall",
        cluster.uninstall,
        "remove controller and engine; what users have stays",
        "cluster uninstall --apply",
    )
    _add_apply(parser)
    parser.add_flag(
        "--with-data", "also volumes, namespaces and definitions, with everything users have"
    )

    parser = _add(group, "profiles", cluster.list_profiles, "list a cluster's profiles", "profiles")
    below = add_group(parser)
    _add(below, "list", cluster.list_profiles, "list a cluster's profiles", "profiles list")
    parser = _add(
        below, "show", cluster.show_profile, "show a profile and what it uses", "profiles show ann"
    )
    _add_profile(parser)
    parser = _add(
        below,
        "create",
        cluster.create_profile,
        "create a profile, or change it",
        "profiles create ann --owner ann@example.org --quota requests.nvidia.com/gpu=2",
    )
    _add_profile(parser)
    parser.add_argument(
        "--owner", metavar="USER", required=True, help="user's name, as the cluster knows it"
    )
    parser.add_list(
        "--contributor",
        dest="contributors",
        metavar="USER[=ROLE]",
        about="somebody else who may work in it, as admin, edit or view (edit); may be repeated",
    )
    parser.add_list(
        "--quota",
        dest="quota",
        metavar="RESOURCE=AMOUNT",
        about="the most of something, e.g. requests.cpu=16; may be repeated",
    )
    parser.add_list(
        "--egress",
        dest="egress",
        metavar="WHERE",
        about="what its pods may reach besides: internet or api-server; may be repeated",
    )
    parser.add_flag("--no-wait", "do not wait until the controller has seen it")
    parser = _add(
        below,
        "delete",
        cluster.delete_profile,
        "delete a profile with its namespace and all that is in it",
        "profiles delete ann --with-data",
    )
    _add_profile(parser)
    parser.add_flag("--with-data", "say that servers, volumes and runs may go with it")


def _add(group: Any, name: str, command: Any, about: str, example: str) -> Parser:
    parser = add_command(group, name, command, about, example)
    is_first = name in ("cluster", "profiles")
    parser.add_argument(
        "--context",
        metavar="CONTEXT",
        default=None if is_first else argparse.SUPPRESS,
        help="context of the kubeconfig (its current one)",
    )
    return parser


def _add_apply(parser: Parser) -> None:
    parser.add_flag("--apply", "do it")
    parser.add_flag("--dry-run", "only say what would be done (so unless --apply is given)")


def _add_profile(parser: Parser) -> None:
    parser.add_argument("profile", metavar="PROFILE", help="its name, and its namespace's")
