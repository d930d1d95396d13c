"""train, tune, apply, get, delete."""

import argparse
from collections.abc import Sequence
from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_place
from jupyter_mlplat.cli.commands import documents, jobs

WITH_COMMAND = ("train", "tune")
"""Commands that are followed by `--` and a command of the user's."""


def split_command(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Cut the user's own command from the words of `train` and `tune`: what stands after `--`."""
    if "--" not in words or not any(word in WITH_COMMAND for word in words[: words.index("--")]):
        return list(words), []
    at = words.index("--")
    return list(words[:at]), list(words[at + 1 :])


def add_to(group: Any) -> None:
    """Add these commands."""
    _add_train(group)
    _add_tune(group)
    _add_documents(group)


def _add_train(group: Any) -> None:
    parser = add_command(
        group,
        "train",
        jobs.train,
        "run a script, a notebook or a command as a train job of one process or many",
        "train --nodes 2 --nproc 2 train.py --epochs 3",
    )
    _add_what(parser)
    parser.add_argument("--nodes", type=_count, default=1, metavar="N", help="nodes (1)")
    parser.add_argument(
        "--nproc",
        type=_count,
        metavar="N",
        help="processes of each node; by default one for each GPU, else one",
    )
    parser.add_argument(
        "--runtime", metavar="NAME", help="how they are started (torch-distributed, or plain for "
        "one process); see: get runtimes"
    )  # fmt: skip
    parser.add_argument("--dataset", metavar="URI", help="what is brought before the job starts")
    parser.add_argument("--model", metavar="URI", help="the same, for a model to begin with")
    _add_settings(parser)
    parser.add_argument(
        "program",
        nargs=argparse.REMAINDER,
        metavar="PROGRAM …",
        help="a script (.py) with its arguments, a notebook, or -- and any command",
    )


def _add_tune(group: Any) -> None:
    parser = add_command(
        group,
        "tune",
        jobs.tune,
        "search for the best parameters of a notebook, a script or a command",
        "tune train.ipynb 'lr=loguniform(1e-5,1e-1)' 'depth=int(2,12)' --maximize auc --trials 30",
    )
    _add_what(parser)
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--maximize", metavar="METRIC", help="the metric that is to be large")
    goal.add_argument("--minimize", metavar="METRIC", help="the metric that is to be small")
    parser.add_argument("--goal", type=float, metavar="X", help="stop once the metric is as good")
    parser.add_argument("--trials", type=_count, default=20, metavar="N", help="at most N (20)")
    parser.add_argument("--parallel", type=_count, default=1, metavar="N", help="at once (1)")
    parser.add_argument("--failures", type=int, metavar="N", help="trials that may fail; all else")
    parser.add_argument(
        "--algorithm",
        default="tpe",
        metavar="NAME",
        help="random, grid, tpe, multivariate-tpe, gp, cmaes, sobol, hyperband or pbt (tpe)",
    )
    _add_list(
        parser,
        "--setting",
        dest="settings",
        metavar="NAME=VALUE",
        about="a setting of the algorithm",
    )
    parser.add_argument(
        "--early-stopping", metavar="NAME", help="end bad trials early: medianstop or asha"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="for the same search again")
    parser.add_argument(
        "--read",
        choices=("push", "stdout"),
        help="where metrics come from: what trials log, or what they print as name=value as well "
        "(stdout for scripts and commands)",
    )
    _add_settings(parser)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="PROGRAM NAME=SPACE …",
        help="a notebook or a script, and what is searched: loguniform(a,b), uniform(a,b[,step]), "
        "int(a,b[,step]), logint(a,b), choice(a,b,…), discrete(a,b,…), normal(a,b), "
        "lognormal(a,b); lr=loguniform:1e-5,1e-1 needs no quotes; a command comes after --, with "
        "{NAME} where a value belongs",
    )


def _add_what(parser: Parser) -> None:
    parser.add_argument("--name", metavar="NAME", help="what to call the job")
    parser.add_argument("--step", metavar="NAME", help="only this step of a notebook")
    _add_list(
        parser,
        "-p",
        "--parameter",
        dest="parameters",
        metavar="NAME=VALUE",
        about="value of a notebook's parameter; JSON for numbers, lists and dicts",
    )


def _add_settings(parser: Parser) -> None:
    add_place(parser)
    parser.add_argument("--cpu", type=float, metavar="N", help="cores for all of it")
    parser.add_argument("--memory", metavar="SIZE", help="at most so much memory: 2Gi")
    parser.add_argument("--gpu", type=float, metavar="N", help="GPUs for all of it")
    _add_list(parser, "--env", dest="env", metavar="NAME=VALUE", about="a variable it finds")
    parser.add_argument("--python", metavar="PATH", help="another interpreter")
    parser.add_argument("--retries", type=int, default=0, metavar="N", help="after a failure (0)")
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="stop it after S seconds")
    parser.add_argument("--experiment", metavar="NAME", default="default", help="group of runs")
    _add_list(parser, "--tag", dest="tags", metavar="KEY=VALUE", about="words to keep")
    _add_flag(parser, "--paused", "wait until it is resumed")
    _add_flag(parser, "--no-wait", "print the run's id and leave")


def _add_documents(group: Any) -> None:
    parser = add_command(
        group,
        "apply",
        documents.apply,
        "do what Kubeflow's documents ask for: train and tuning jobs, runtimes, KFP pipelines",
        "apply -f experiment.yaml --wait",
    )
    _add_files(parser, is_required=True)
    _add_flag(parser, "--wait", "wait for the jobs, and end as they do")
    _add_flag(parser, "--dry-run", "only check the documents")
    parser = add_command(
        group,
        "get",
        documents.get,
        "show train and tuning jobs, trials and runtimes, as Kubeflow has them",
        "get experiments random -o yaml",
    )
    parser.add_argument(
        "kind",
        nargs="?",
        metavar="KIND",
        help="trainjobs, experiments, optimizationjobs, trials (of a job) or runtimes; both kinds "
        "of jobs by default",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="only this one")
    parser.add_argument(
        "-o", "--output", choices=("yaml", "json"), help="whole documents, with their status"
    )
    parser = add_command(
        group,
        "delete",
        documents.delete,
        "stop and forget a job, or forget a runtime",
        "delete experiment random",
    )
    parser.add_argument("kind", nargs="?", metavar="KIND", help="as in get; or KIND/NAME")
    parser.add_argument("name", nargs="?", metavar="NAME", help="which one")
    _add_files(parser)


def _add_files(parser: Parser, is_required: bool = False) -> None:
    parser.add_argument(
        "-f",
        "--filename",
        dest="files",
        metavar="FILE",
        action="append",
        default=[],
        required=is_required,
        help="YAML or JSON, one document or several; - reads standard input; may be repeated",
    )


def _add_flag(parser: Parser, name: str, about: str) -> None:
    parser.add_argument(name, action="store_true", help=about)


def _add_list(parser: Parser, *names: str, dest: str, metavar: str, about: str) -> None:
    parser.add_argument(*names, dest=dest, metavar=metavar, action="append", default=[], help=about)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return number


_seconds.__name__ = "number of seconds"
_count.__name__ = "whole number"
