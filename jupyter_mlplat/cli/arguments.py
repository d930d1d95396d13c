"""The commands and their arguments."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from jupyter_mlplat.cli import commands, job_arguments
from jupyter_mlplat.client import scheduling
from jupyter_mlplat.errors import InvalidInput

PROGRAM = "jupyter mlplat"

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

Command = Callable[..., int]


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are ours."""

    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{message[0].upper()}{message[1:]}. See: {self.prog} --help")


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
    _add_pipelines(group)
    _add_runs(group)
    _add_registry(group)
    _add_endpoints(group)
    job_arguments.add_to(group, _add)
    _add_schedules(group)
    _add_images(group)
    _add_engine(group)
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


def _add(group: Any, name: str, command: Command, about: str, example: str) -> Parser:
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


def _add_group(parser: Parser) -> Any:
    return parser.add_subparsers(title="commands", metavar="COMMAND")


def _add_pipelines(group: Any) -> None:
    parser = _add(
        group,
        "compile",
        commands.pipelines.compile_notebook,
        "show a notebook as a pipeline: steps, edges and why each edge exists",
        "compile analysis.ipynb -o pipeline.yaml",
    )
    _add_notebook(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write it as KFP YAML, or as our own document where FILE ends in .json; - prints it",
    )
    parser.add_argument(
        "--image", metavar="IMAGE", help="container image of the KFP steps; Python's own by default"
    )
    parser.add_argument(
        "--package",
        dest="packages",
        metavar="REQUIREMENT",
        action="append",
        default=[],
        help="install this in the KFP steps, too, or instead of the version that is installed here",
    )
    parser = _add(
        group,
        "verify",
        commands.pipelines.verify,
        "run a notebook top to bottom and as steps, and list every difference",
        "verify analysis.ipynb --cell-steps --timeout 300",
    )
    _add_notebook(parser, or_kfp=False)
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="give up after S seconds; by default an hour"
    )
    parser = _add(
        group,
        "run",
        commands.pipelines.run,
        "run a notebook as a pipeline and wait for it",
        'run analysis.ipynb -p trees=200 -p \'columns=["a", "b"]\'',
    )
    _add_notebook(parser)
    parser.add_argument(
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="value of a parameter, read as its type; JSON for lists, dicts and numbers",
    )
    parser.add_argument("--no-wait", action="store_true", help="print the run's id and leave")
    parser.add_argument("--no-cache", action="store_true", help="run every step anew")
    parser.add_argument(
        "--whole", action="store_true", help="run it top to bottom, by papermill, not as steps"
    )
    parser.add_argument("--pdf", action="store_true", help="with --whole: keep a PDF as well")
    parser.add_argument(
        "--literal",
        action="store_true",
        help="run the commands of a KFP pipeline as they stand: shell, pip and all",
    )
    parser.add_argument("--until", metavar="STEP", help="run only this step and what it needs")
    parser.add_argument("--experiment", metavar="NAME", default="default", help="group of runs")
    parser.add_argument(
        "--tag", dest="tags", metavar="KEY=VALUE", action="append", default=[], help="words to keep"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


_seconds.__name__ = "number of seconds"  # as argparse names it in its complaints


def _add_notebook(parser: Parser, *, or_kfp: bool = True) -> None:
    what = "an .ipynb or a percent script (.py)"
    if or_kfp:
        what = "an .ipynb, a percent script (.py) or a compiled KFP pipeline (.yaml)"
    parser.add_argument("notebook", metavar="NOTEBOOK", help=what)
    parser.add_argument(
        "--cell-steps",
        dest="split",
        action="store_const",
        const="cell",
        default="auto",
        help="make every untagged cell a step of its own",
    )


def _add_runs(group: Any) -> None:
    parser = _add(group, "runs", commands.runs.list_runs, "list runs, newest first", "runs")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most N (20)")
    parser.add_argument("--state", metavar="STATE", type=str.upper, help="only runs in this state")
    parser.add_argument("--text", metavar="TEXT", help="only runs whose names hold this")
    parser.add_argument("--notebook", metavar="PATH", help="only runs of this notebook")
    parser.add_argument(
        "--tag",
        dest="tags",
        metavar="KEY[=VALUE]",
        action="append",
        default=[],
        help="only runs with this tag",
    )
    parser.add_argument(
        "--archived", action="store_true", help="those that were put away, instead of the others"
    )
    below = _add_group(parser)
    _add_run(_add(below, "show", commands.runs.show, "show a run and its outputs", "runs show 12"))
    _add_run(_add(below, "delete", commands.runs.delete, "forget a run", "runs delete 12"))
    parser = _add(
        below,
        "archive",
        commands.runs.archive,
        "put a run away, so that lists leave it out",
        "runs archive 12",
    )
    _add_run(parser)
    parser.add_argument("--undo", action="store_true", help="take it back")

    parser = _add(
        group,
        "logs",
        commands.logs.print_logs,
        "print exactly what the steps of a run wrote",
        "logs latest --step train",
    )
    parser.add_argument("run", metavar="RUN", help="number, id, latest, or the name of a job")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--rank", type=int, metavar="N", help="only what this rank wrote")
    one.add_argument("--trial", type=int, metavar="N", help="only what this trial wrote")
    parser.add_argument("--step", metavar="NAME", help="only what this step wrote")
    parser.add_argument(
        "--stream", choices=("stdout", "stderr"), help="only this stream; both by default"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")
    parser.add_argument(
        "--raw", action="store_true", help="send terminal escapes to a terminal unfiltered"
    )
    _add_run(_add(group, "cancel", commands.runs.cancel, "stop a run", "cancel latest"))
    about = "stop what runs of a run, and start nothing until it is resumed"
    _add_run(_add(group, "pause", commands.runs.pause, about, "pause latest"))
    about = "go on with a paused run; what was stopped starts anew, from its checkpoints"
    _add_run(_add(group, "resume", commands.runs.resume, about, "resume latest"))
    parser = _add(
        group,
        "retry",
        commands.runs.retry,
        "go on with a failed run; what succeeded is kept",
        "retry latest --notebook analysis.ipynb",
    )
    _add_run(parser)
    parser.add_argument(
        "--notebook", metavar="PATH", help="take the code from this notebook as it is now"
    )
    parser.add_argument("--from-step", metavar="STEP", help="run again from this step on")
    parser.add_argument("--no-wait", action="store_true", help="print the run's id and leave")


def _add_run(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help="number or id of a run, or latest")


def _add_registry(group: Any) -> None:
    parser = _add(
        group,
        "lineage",
        commands.models.show_lineage,
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

    parser = _add(group, "models", commands.models.list_models, "list registered models", "models")
    below = _add_group(parser)
    parser = _add(
        below, "show", commands.models.show, "show a model's versions", "models show churn"
    )
    _add_model(parser)
    parser.add_argument(
        "--history", action="store_true", help="show who changed what about it, newest first"
    )
    parser = _add(
        below,
        "register",
        commands.models.register,
        "make a model version of what a run logged",
        "models register churn --run latest --alias champion",
    )
    _add_model(parser)
    parser.add_argument("--run", metavar="RUN", help="the run that logged the model")
    parser.add_argument("--logged-as", metavar="NAME", help="its name in log_model")
    parser.add_argument("--artifact", metavar="ID", help="a model artifact, instead of a run")
    parser.add_argument(
        "--alias", dest="aliases", metavar="ALIAS", action="append", default=[], help="point here"
    )
    parser.add_argument("--description", metavar="TEXT", default="", help="what is to be said")
    parser = _add(
        below,
        "alias",
        commands.models.set_alias,
        "point an alias at a version, or remove it",
        "models alias churn/3 champion",
    )
    parser.add_argument("model", metavar="MODEL[/VERSION]", help="the version; the latest without")
    parser.add_argument("alias", metavar="ALIAS", help="such as champion or challenger")
    parser.add_argument("--remove", action="store_true", help="remove it")
    parser = _add(
        below,
        "delete",
        commands.models.delete,
        "forget a model, or one version of it",
        "models delete churn/2",
    )
    parser.add_argument("model", metavar="MODEL[/VERSION]", help="all of it without a version")
    parser.add_argument(
        "--force", action="store_true", help="also if aliases or idle revisions count on it"
    )


def _add_model(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="name of a registered model")


def _add_endpoints(group: Any) -> None:
    parser = _add(
        group,
        "deploy",
        commands.endpoints.deploy,
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
    parser.add_argument(
        "--trust-pickle", action="store_true", help="load a pickled model, which runs its code"
    )
    parser = _add(
        group,
        "predict",
        commands.endpoints.predict,
        "ask an endpoint",
        "predict churn '[[5.1, 3.5, 1.4, 0.2]]'",
    )
    _add_endpoint(parser)
    parser.add_argument("data", nargs="?", metavar="DATA", help="rows as JSON; - reads them")
    parser.add_argument("--data", dest="named_data", metavar="JSON", help="the same, by name")
    parser.add_argument("--file", metavar="PATH", help="rows from a JSON file")

    parser = _add(group, "endpoints", commands.endpoints.list_all, "list endpoints", "endpoints")
    below = _add_group(parser)
    for name, command, about in (
        ("show", commands.endpoints.show, "show an endpoint and its revisions"),
        ("start", commands.endpoints.start, "start a stopped endpoint"),
        ("stop", commands.endpoints.stop, "stop an endpoint's processes"),
        ("promote", commands.endpoints.promote, "give all traffic to the newest revision"),
        ("delete", commands.endpoints.delete, "stop an endpoint and forget it"),
        ("logs", commands.endpoints.logs, "print what an endpoint's servers wrote"),
    ):
        child = _add(below, name, command, about, f"endpoints {name} churn")
        _add_endpoint(child)
        if name == "logs":
            child.add_argument("--revision", type=int, metavar="N", help="only this revision")
    parser = _add(
        group,
        "traffic",
        commands.endpoints.set_traffic,
        "split an endpoint's traffic",
        "traffic churn 1=90 2=10",
    )
    _add_endpoint(parser)
    parser.add_argument(
        "shares", nargs="+", metavar="REVISION=PERCENT", help="together they are 100"
    )
    parser = _add(
        group,
        "rollback",
        commands.endpoints.roll_back,
        "go back to the split of traffic before",
        "rollback churn",
    )
    _add_endpoint(parser)


def _add_endpoint(parser: Parser) -> None:
    parser.add_argument("endpoint", metavar="ENDPOINT", help="name of an endpoint")


def _add_images(group: Any) -> None:
    parser = _add(
        group,
        "images",
        commands.images.list_images,
        "list what stands for container images on this machine",
        "images",
    )
    below = _add_group(parser)
    parser = _add(
        below,
        "map",
        commands.images.map_image,
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
    parser.add_argument(
        "--path",
        dest="paths",
        metavar="IMAGE_PATH=PATH",
        action="append",
        default=[],
        help="something of the image that lies elsewhere here, such as a script; may be repeated",
    )
    parser.add_argument(
        "--components-only",
        action="store_true",
        help="only Python components, whose code is in the pipeline; no other command",
    )
    _add_pattern(
        _add(
            below,
            "remove",
            commands.images.remove_image,
            "forget what stands for an image",
            "images remove 'team/train:*'",
        )
    )
    parser = _add(
        group, "secrets", commands.images.list_secrets, "list secrets by name and key", "secrets"
    )
    below = _add_group(parser)
    parser = _add(
        below,
        "set",
        commands.images.set_secret,
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
        _add(
            below,
            "delete",
            commands.images.delete_secret,
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
    parser.add_argument("--config", action="store_true", help="a config map instead of a secret")


def _add_schedules(group: Any) -> None:
    parser = _add(group, "schedule", commands.schedules.list_all, "list schedules", "schedule")
    below = _add_group(parser)
    _add(below, "list", commands.schedules.list_all, "list schedules", "schedule list")
    parser = _add(
        below,
        "add",
        commands.schedules.add,
        "run a notebook or a pipeline at planned times, or when something happens",
        "schedule add report report.ipynb --cron '0 7 * * 1-5' --whole",
    )
    parser.add_argument("name", metavar="NAME", help="what to call it")
    parser.add_argument("path", metavar="FILE", help="a notebook, or a compiled KFP pipeline")
    scheduling.add_options(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say when it would fire")
    parser = _add(
        below,
        "show",
        commands.schedules.show,
        "show a schedule, its next planned times and what became of the last",
        "schedule show report",
    )
    _add_schedule(parser)
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="the last N (10)")
    for name, command, about in (
        ("pause", commands.schedules.pause, "let a schedule fire no longer"),
        ("resume", commands.schedules.resume, "let a schedule fire again"),
        ("run", commands.schedules.run, "fire a schedule at once, besides what is planned"),
        ("remove", commands.schedules.remove, "forget a schedule; its runs are kept"),
    ):
        _add_schedule(_add(below, name, command, about, f"schedule {name} report"))
    parser = _add(
        below,
        "backfill",
        commands.schedules.backfill,
        "fire the planned times of the past that nothing came of, one after another",
        "schedule backfill report --from 2026-11-01 --to 2026-11-20",
    )
    _add_schedule(parser)
    scheduling.add_backfill_options(parser, required=True)


def _add_schedule(parser: Parser) -> None:
    parser.add_argument("schedule", metavar="SCHEDULE", help="name of a schedule")


def _add_engine(group: Any) -> None:
    parser = _add(
        group,
        "gc",
        commands.engine.collect_garbage,
        "delete runs and artifacts that policy no longer keeps",
        "gc --keep-runs 50 --dry-run",
    )
    parser.add_argument("--keep-runs", type=int, metavar="N", help="keep the N newest runs")
    parser.add_argument("--older-than", type=float, metavar="DAYS", help="only older runs")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    parser = _add(group, "engine", commands.engine.status, "the engine's process", "engine status")
    below = _add_group(parser)
    _add(below, "start", commands.engine.start, "start the engine", "engine start")
    _add(below, "stop", commands.engine.stop, "stop the engine", "engine stop")
    _add(below, "status", commands.engine.status, "say whether it runs", "engine status")
    parser = _add(
        group,
        "kfp",
        commands.engine.open_kfp,
        "serve KFP's API on this machine, and say how to reach it",
        "kfp",
    )
    parser.add_argument(
        "--close", action="store_true", help="stop serving it, and make its token worthless"
    )
    parser = _add(
        group,
        "mlflow",
        commands.engine.open_mlflow,
        "serve MLflow's tracking API on this machine, and say how to reach it",
        'eval "$(jupyter mlplat mlflow --export)"',
    )
    parser.add_argument("--export", action="store_true", help="print only what a shell has to read")
    parser.add_argument(
        "--close", action="store_true", help="stop serving it, and make its token worthless"
    )
