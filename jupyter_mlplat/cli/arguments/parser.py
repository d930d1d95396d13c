"""What commands' arguments are described with."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from jupyter_mlplat.errors import InvalidInput

PROGRAM = "jupyter mlplat"

Command = Callable[..., int]


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are ours."""

    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{message[0].upper()}{message[1:]}. See: {self.prog} --help")

    def add_flag(self, name: str, about: str) -> None:
        """Add an option that is given or not."""
        self.add_argument(name, action="store_true", help=about)

    def add_list(self, *names: str, dest: str, metavar: str, about: str) -> None:
        """Add an option that may be given several times."""
        self.add_argument(
            *names, dest=dest, metavar=metavar, action="append", default=[], help=about
        )


def add_command(group: Any, name: str, command: Command, about: str, example: str) -> Parser:
    """Add a command to a group of them, with what all commands take."""
    parser: Parser = group.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ".",
        epilog=f"example:\n  {PROGRAM} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command)
    # Suppressed defaults: an option given before a subcommand must outlive the subcommand's own.
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="answer as one JSON document"
    )
    parser.add_argument(
        "--home", metavar="DIR", default=argparse.SUPPRESS, help="state directory (MLPLAT_HOME)"
    )
    return parser


def add_group(parser: Parser) -> Any:
    """Let a command have commands below it."""
    return parser.add_subparsers(title="commands", metavar="COMMAND")


def add_no_wait(parser: Parser) -> None:
    """Add the option of commands that begin a run."""
    parser.add_flag("--no-wait", "print the run's id and leave")


def add_place(parser: Parser) -> None:
    """Add the option of commands that begin a run: where."""
    parser.add_argument(
        "--on", metavar="PLACE", help="where: this-machine, or a cluster of `places`"
    )


def seconds(text: str) -> float:
    """Read a number of seconds, as `type=` of an argument."""
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number


seconds.__name__ = "number of seconds"  # as argparse names it in its complaints
