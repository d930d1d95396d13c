"""gpus."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import add_command, add_group
from jupyter_mlplat.cli.commands import gpus


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = add_command(
        group,
        "gpus",
        gpus.show,
        "show the machine's GPUs, who holds them and who waits for them",
        "gpus",
    )
    below = add_group(parser)
    parser = add_command(
        below,
        "release",
        gpus.release,
        "take a lease from a kernel; the kernel is not stopped",
        "gpus release lease-01kab3qv9r7m5s1x",
    )
    parser.add_argument("lease", metavar="LEASE", help="id of a lease, as `gpus` shows it")
