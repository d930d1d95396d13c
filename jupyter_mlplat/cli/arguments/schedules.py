"""schedule."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import Parser, add_command, add_group
from jupyter_mlplat.cli.commands import schedules
from jupyter_mlplat.client import scheduling


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = add_command(group, "schedule", schedules.list_all, "list schedules", "schedule")
    below = add_group(parser)
    add_command(below, "list", schedules.list_all, "list schedules", "schedule list")
    parser = add_command(
        below,
        "add",
        schedules.add,
        "run a notebook or a pipeline at planned times, or when something happens",
        "schedule add report report.ipynb --cron '0 7 * * 1-5' --whole",
    )
    parser.add_argument("name", metavar="NAME", help="what to call it")
    parser.add_argument("path", metavar="FILE", help="a notebook, or a compiled KFP pipeline")
    scheduling.add_options(parser)
    scheduling.add_pause_option(parser)
    parser.add_flag("--dry-run", "only say when it would fire")
    parser = add_command(
        below,
        "edit",
        schedules.edit,
        "change a schedule; what is not given stays, and nothing of before is owed",
        "schedule edit report --cron '0 6 * * *' --end none",
    )
    _add_schedule(parser)
    scheduling.add_change_options(parser)
    parser = add_command(
        below,
        "show",
        schedules.show,
        "show a schedule, its next planned times and what became of the last",
        "schedule show report",
    )
    _add_schedule(parser)
    parser.add_argument("--limit", type=int, default=10, metavar="N", help="the last N (10)")
    for name, command, about in (
        ("pause", schedules.pause, "let a schedule fire no longer"),
        ("resume", schedules.resume, "let a schedule fire again"),
        ("run", schedules.run, "fire a schedule at once, besides what is planned"),
        ("remove", schedules.remove, "forget a schedule; its runs are kept"),
    ):
        _add_schedule(add_command(below, name, command, about, f"schedule {name} report"))
    parser = add_command(
        below,
        "backfill",
        schedules.backfill,
        "fire the planned times of the past that nothing came of, one after another",
        "schedule backfill report --from 2026-11-01 --to 2026-11-20",
    )
    _add_schedule(parser)
    scheduling.add_backfill_options(parser, required=True)


def _add_schedule(parser: Parser) -> None:
    parser.add_argument("schedule", metavar="SCHEDULE", help="name of a schedule")
