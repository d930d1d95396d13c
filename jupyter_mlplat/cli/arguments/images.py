"""images, secrets."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_group
from jupyter_mlplat.cli.commands import images


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = add_command(
        group,
        "images",
        images.list_images,
        "list what stands for container images on this machine",
        "images",
    )
    below = add_group(parser)
    parser = add_command(
        below,
        "map",
        images.map_image,
        "let tasks with such an image run on this machine, without it",
        "images map 'team/train:*' --python ~/envs/train/bin/python",
    )
    _add_pattern(parser)
    parser.add_argument(
        "--python",
        metavar="PATH",
        default="engine",
        help="interpreter that stands for the image's Python; engine: the engine's own (engine)",
    )
    parser.add_argument(
        "--files", metavar="DIR", help="folder that stands for the image's working directory"
    )
    parser.add_list(
        "--path",
        dest="paths",
        metavar="IMAGE_PATH=PATH",
        about="something of the image that lies elsewhere here, such as a script; may be repeated",
    )
    parser.add_flag(
        "--components-only",
        "only Python components, whose code is in the pipeline; no other command",
    )
    _add_pattern(
        add_command(
            below,
            "remove",
            images.remove_image,
            "forget what stands for an image",
            "images remove 'team/train:*'",
        )
    )
    parser = add_command(
        group, "secrets", images.list_secrets, "list secrets by name and key", "secrets"
    )
    below = add_group(parser)
    parser = add_command(
        below,
        "set",
        images.set_secret,
        "store a secret, or a config map, for tasks that ask for it",
        "secrets set database user=me password",
    )
    _add_secret(parser)
    parser.add_argument(
        "values",
        nargs="+",
        metavar="KEY[=VALUE]",
        help="KEY=@FILE takes a file's content; KEY alone asks for the value, or reads it from "
        "standard input",
    )
    _add_secret(
        add_command(
            below,
            "delete",
            images.delete_secret,
            "delete a secret with all its keys",
            "secrets delete database",
        )
    )


def _add_pattern(parser: Parser) -> None:
    parser.add_argument(
        "pattern", metavar="IMAGE", help="an image's name; * and ? stand for any part of it"
    )


def _add_secret(parser: Parser) -> None:
    parser.add_argument("secret", metavar="NAME", help="name of the secret, as tasks name it")
    parser.add_flag("--config", "a config map instead of a secret")
