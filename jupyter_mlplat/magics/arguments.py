"""The arguments of `%mlplat`."""

import argparse
import shlex
from typing import Any, NoReturn

from jupyter_mlplat.client import scheduling, server_words
from jupyter_mlplat.errors import InvalidInput

_DESCRIPTION = """\
From a notebook to a served model.

  %mlplat steps                 what the cells are, as a pipeline, and why
  %mlplat run -p trees=200      run the notebook, with a parameter
  %mlplat logs latest           what its steps wrote
  %mlplat register churn        make a model of what the last run logged
  %mlplat deploy churn          serve it
  %mlplat predict churn $rows   ask it

A cell that begins with %%mlplat step --name train --cpu 2 belongs to that step;
one that begins with %%mlplat train or %%mlplat tune runs as a job.
"""


class HelpShown(Exception):
    """Help was asked for and printed: there is nothing else to do."""


class Parser(argparse.ArgumentParser):
    """An argument parser that ends no process and complains in one line."""

    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{message[0].upper()}{message[1:]}. See: {self.prog} -h")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise HelpShown


def split(line: str) -> list[str]:
    """Cut a line into words as a shell does.

    Raises:
        InvalidInput: A quote is left open.
    """
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InvalidInput(f"Cannot read {line!r}: {str(error).lower()}.") from error


def parse(words: list[str]) -> argparse.Namespace | None:
    """Read a command; None when help was asked for and printed.

    Raises:
        InvalidInput: There is no such command, or its arguments are wrong.
    """
    try:
        return build_parser().parse_args(words or ["-h"])
    except HelpShown:
        return None


def list_commands() -> dict[str, argparse.ArgumentParser]:
    """Return every command by its word."""
    (action,) = (
        action
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(action.choices)


def build_parser() -> Parser:
    """Build the parser of the line magic."""
    parser = Parser(
        prog="%mlplat",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_subparsers(dest="word", title="commands", metavar="COMMAND", required=True)
    for word in ("steps", "compile", "verify", "run"):
        command = _add(group, word)
        command.add_argument("notebook", nargs="?", metavar="PATH", help="this one by default")
        command.add_argument("--notebook", dest="named", metavar="PATH", help="the same, by name")
        command.add_argument(
            "--cell-steps",
            dest="split",
            action="store_const",
            const="cell",
            default="auto",
            help="make every untagged cell a step of its own",
        )
        if word == "compile":
            _add_output_options(command)
        if word == "verify":
            command.add_argument(
                "--timeout", type=float, metavar="S", help="give up after S seconds"
            )
        if word == "run":
            _add_run_options(command)
    for word in ("cancel", "pause", "resume", "logs"):
        _add_run(_add(group, word))
    logs = group.choices["logs"]
    logs.add_argument("--step", metavar="NAME", help="only what this step wrote")
    logs.add_argument("--rank", type=int, metavar="N", help="only this process of a train job")
    logs.add_argument("--trial", type=int, metavar="N", help="only this trial of a tuning job")
    command = _add(group, "jobs")
    command.add_argument("job", nargs="?", metavar="JOB", help="show this one")
    command.add_argument("--limit", type=int, default=20, metavar="N", help="at most N (20)")
    command = _add(group, "retry")
    _add_run(command)
    command.add_argument("--from-step", metavar="STEP", help="run again from this step on")
    command = _add(group, "restore")
    _add_run(command)
    command.add_argument(
        "--step", metavar="NAME", help="what this step was given; the one that failed"
    )
    command = _add(group, "runs")
    command.add_argument("run", nargs="?", metavar="RUN", help="show this one")
    command.add_argument("--limit", type=int, default=20, metavar="N", help="at most N (20)")
    command.add_argument("--state", type=str.upper, metavar="STATE", help="only in this state")
    command.add_argument(
        "--tag",
        dest="tags",
        metavar="KEY[=VALUE]",
        action="append",
        default=[],
        help="only with this tag",
    )
    command = _add(group, "lineage")
    command.add_argument("node", metavar="WHAT", help="a run, MODEL[/version|@alias], or an id")
    command.add_argument(
        "--direction",
        choices=("upstream", "downstream", "both"),
        default="upstream",
        help="whither",
    )
    command.add_argument("--depth", type=int, metavar="N", help="follow at most N links")
    _add_models(group)
    _add_endpoints(group)
    _add_schedules(group)
    _add_servers(group)
    _add(group, "mlflow")
    command = _add(group, "gpu")
    command.add_argument(
        "what", nargs="?", metavar="N|release", help="how many, or a share such as 0.5; give back"
    )
    command.add_argument("--no-wait", action="store_true", help="be refused if it is not free")
    command = _add(group, "engine")
    command.add_argument(
        "action", nargs="?", choices=("status", "start", "stop"), default="status", help="status"
    )
    return parser


_ABOUT = {
    "steps": "what the cells are, as a pipeline: steps, edges and why each edge exists",
    "compile": "the same as steps; with -o, as KFP YAML in a file",
    "verify": "run the notebook both ways, and list every difference",
    "run": "run the notebook, as it was last saved, as a pipeline",
    "cancel": "stop a run",
    "jobs": "list train and tuning jobs, newest first, or show one",
    "pause": "stop what runs of a run, and start nothing until it is resumed",
    "resume": "go on with a paused run; what was stopped starts anew, from its checkpoints",
    "logs": "what the steps of a run wrote",
    "retry": "go on with a failed run, with the notebook as it was last saved",
    "restore": "put what a step of a run was given into this notebook, and run none of its cells",
    "runs": "list runs, newest first, or show one",
    "lineage": "what something was made from",
    "models": "list registered models, or show one",
    "register": "make a model version of what a run logged",
    "deploy": "serve a model version",
    "predict": "ask an endpoint",
    "endpoints": "list endpoints, or show one",
    "schedule": "run this notebook at planned times; list, show, pause … what is planned",
    "server": "notebook servers on clusters: list, create, start, stop, open them …",
    "mlflow": "let mlflow in this kernel track here",
    "gpu": "lease a GPU for this kernel, give it back, or show who holds which",
    "engine": "the engine's process",
}


def _add(group: Any, word: str) -> Parser:
    about = _ABOUT[word]
    parser: Parser = group.add_parser(
        word, help=about, description=about[0].upper() + about[1:] + "."
    )
    return parser


def _add_output_options(parser: Parser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="write it as KFP YAML")
    parser.add_argument("--image", metavar="IMAGE", help="container image of the KFP steps")
    parser.add_argument(
        "--package",
        dest="packages",
        metavar="REQUIREMENT",
        action="append",
        default=[],
        help="install this in the KFP steps, too",
    )


def _add_run_options(parser: Parser) -> None:
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="value of a parameter; JSON for lists, dicts and numbers",
    )
    parser.add_argument("--on", metavar="PLACE", help="where: this-machine, or a cluster")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for its end")
    parser.add_argument("--no-cache", action="store_true", help="run every step anew")
    parser.add_argument(
        "--whole", action="store_true", help="top to bottom, by papermill, not as steps"
    )
    parser.add_argument("--until", metavar="STEP", help="only this step and what it needs")
    parser.add_argument("--experiment", metavar="NAME", default="default", help="group of runs")


def _add_schedules(group: Any) -> None:
    command = _add(group, "schedule")
    command.add_argument(
        "action",
        nargs="?",
        choices=("list", "add", "show", "pause", "resume", "run", "backfill", "remove"),
        default="list",
        help="list",
    )
    command.add_argument("name", nargs="?", metavar="NAME", help="of the schedule")
    command.add_argument("--notebook", metavar="PATH", help="this one by default")
    scheduling.add_options(command)
    scheduling.add_pause_option(command)
    scheduling.add_backfill_options(command, required=False)


SERVER_ACTIONS = ("list", "kinds", "create", "show", "start", "stop", "open", "logs", "delete")


def _add_servers(group: Any) -> None:
    command = _add(group, "server")
    command.add_argument("action", nargs="?", choices=SERVER_ACTIONS, default="list", help="list")
    command.add_argument("name", nargs="?", metavar="NAME", help="of the server")
    command.add_argument("--on", metavar="CLUSTER", help="which, where there are several")
    server_words.add_options(command)
    command.add_argument("--no-wait", action="store_true", help="do not wait until it runs")
    command.add_argument("--lines", type=int, default=200, metavar="N", help="of the log (200)")
    command.add_argument("--with-home", action="store_true", help="delete its home, too")


def _add_run(parser: Parser) -> None:
    parser.add_argument(
        "run", nargs="?", default="latest", metavar="RUN", help="number or id; the latest"
    )


def _add_models(group: Any) -> None:
    command = _add(group, "models")
    command.add_argument("model", nargs="?", metavar="MODEL", help="show this one")
    command.add_argument("--history", action="store_true", help="show who changed what about it")
    command = _add(group, "register")
    command.add_argument("model", metavar="MODEL", help="name of the registered model")
    command.add_argument(
        "--run", default="latest", metavar="RUN", help="what logged it; the latest"
    )
    command.add_argument("--logged-as", metavar="NAME", help="its name in log_model")
    command.add_argument(
        "--alias", dest="aliases", action="append", default=[], metavar="ALIAS", help="point here"
    )


def _add_endpoints(group: Any) -> None:
    command = _add(group, "deploy")
    command.add_argument("model", metavar="MODEL[@alias|/version]", help="the latest by default")
    command.add_argument("--name", metavar="NAME", help="the endpoint; the model's name by default")
    command.add_argument("--traffic", type=int, default=100, metavar="P", help="percent (100)")
    command.add_argument("--trust-pickle", action="store_true", help="load a pickle: runs its code")
    command = _add(group, "predict")
    command.add_argument("endpoint", metavar="ENDPOINT", help="name of an endpoint")
    command.add_argument("data", metavar="DATA", help="rows: a variable's name, or JSON in quotes")
    command = _add(group, "endpoints")
    command.add_argument("endpoint", nargs="?", metavar="ENDPOINT", help="show this one")
