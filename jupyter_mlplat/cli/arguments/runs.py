"""runs, logs, cancel, pause, resume, retry."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_group, add_no_wait
from jupyter_mlplat.cli.commands import logs, runs


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = add_command(group, "runs", runs.list_runs, "list runs, newest first", "runs")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most N (20)")
    parser.add_argument("--state", metavar="STATE", type=str.upper, help="only runs in this state")
    parser.add_argument("--text", metavar="TEXT", help="only runs whose names hold this")
    parser.add_argument("--notebook", metavar="PATH", help="only runs of this notebook")
    parser.add_list("--tag", dest="tags", metavar="KEY[=VALUE]", about="only runs with this tag")
    parser.add_flag("--archived", "those that were put away, instead of the others")
    below = add_group(parser)
    _add_run(add_command(below, "show", runs.show, "show a run and its outputs", "runs show 12"))
    _add_run(add_command(below, "delete", runs.delete, "forget a run", "runs delete 12"))
    parser = add_command(
        below,
        "archive",
        runs.archive,
        "put a run away, so that lists leave it out",
        "runs archive 12",
    )
    _add_run(parser)
    parser.add_flag("--undo", "take it back")

    parser = add_command(
        group,
        "logs",
        logs.print_logs,
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
    parser.add_flag("--raw", "send terminal escapes to a terminal unfiltered")
    _add_run(add_command(group, "cancel", runs.cancel, "stop a run", "cancel latest"))
    about = "stop what runs of a run, and start nothing until it is resumed"
    _add_run(add_command(group, "pause", runs.pause, about, "pause latest"))
    about = "go on with a paused run; what was stopped starts anew, from its checkpoints"
    _add_run(add_command(group, "resume", runs.resume, about, "resume latest"))
    parser = add_command(
        group,
        "retry",
        runs.retry,
        "go on with a failed run; what succeeded is kept",
        "retry latest --notebook analysis.ipynb",
    )
    _add_run(parser)
    parser.add_argument(
        "--notebook", metavar="PATH", help="take the code from this notebook as it is now"
    )
    parser.add_argument("--from-step", metavar="STEP", help="run again from this step on")
    add_no_wait(parser)


def _add_run(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help="number or id of a run, or latest")
