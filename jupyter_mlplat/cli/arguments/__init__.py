"""The commands and their arguments: a module for each subject.

`parser` has what they are described with, `program` puts them together. What a command does is
written in `cli.commands`.
"""

from jupyter_mlplat.cli.arguments.program import build_parser, list_commands

__all__ = ["build_parser", "list_commands"]
