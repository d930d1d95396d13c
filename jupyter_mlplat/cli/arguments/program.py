"""The whole program's commands."""

import argparse

from jupyter_mlplat.cli.arguments import (
    cluster,
    endpoints,
    engine,
    gpus,
    images,
    jobs,
    pipelines,
    registry,
    runs,
    schedules,
    servers,
)
from jupyter_mlplat.cli.arguments.parser import PROGRAM, Parser

_DESCRIPTION = """\
From a notebook to a served model.

  jupyter mlplat compile analysis.ipynb        what its cells are, as a pipeline, and why
  jupyter mlplat run analysis.ipynb -p n=200   run it, with a parameter
  jupyter mlplat logs latest --step train      what a step wrote
  jupyter mlplat models register churn --run latest --alias champion
  jupyter mlplat deploy churn@champion         serve it
  jupyter mlplat predict churn '[[5.1, 3.5]]'  ask it
"""
_EPILOGUE = """\
Every command takes --json and --home. Exit code: 0 done, 1 the run failed or verify found
differences, 2 the input was wrong. MLPLAT_HOME names the state directory.
"""

_SUBJECTS = (
    *(pipelines, runs, registry, endpoints, jobs, schedules, images, gpus, engine),
    *(servers, cluster),
)


def build_parser() -> Parser:
    """Build the parser of the whole program."""
    parser = Parser(
        prog=PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="answer as one JSON document")
    parser.add_argument("--home", metavar="DIR", help="state directory (MLPLAT_HOME)")
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for subject in _SUBJECTS:
        subject.add_to(group)
    return parser


def list_commands() -> dict[str, argparse.ArgumentParser]:
    """Return every command by its words, such as `models register`."""
    found: dict[str, argparse.ArgumentParser] = {}

    def collect(parser: argparse.ArgumentParser, words: str) -> None:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, child in action.choices.items():
                    found[f"{words} {name}".strip()] = child
                    collect(child, f"{words} {name}")

    collect(build_parser(), "")
    return found
