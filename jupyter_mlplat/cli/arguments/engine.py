"""gc, engine, kfp, mlflow."""

from typing import Any

from jupyter_mlplat.cli.arguments.parser import add_command, add_group
from jupyter_mlplat.cli.commands import engine


def add_to(group: Any) -> None:
    """Add these commands."""
    parser = add_command(
        group,
        "gc",
        engine.collect_garbage,
        "delete runs and artifacts that policy no longer keeps",
        "gc --keep-runs 50 --dry-run",
    )
    parser.add_argument("--keep-runs", type=int, metavar="N", help="keep the N newest runs")
    parser.add_argument("--older-than", type=float, metavar="DAYS", help="only older runs")
    parser.add_flag("--dry-run", "only say what would be deleted")
    parser = add_command(group, "engine", engine.status, "the engine's process", "engine status")
    below = add_group(parser)
    add_command(below, "start", engine.start, "start the engine", "engine start")
    add_command(below, "stop", engine.stop, "stop the engine", "engine stop")
    add_command(below, "status", engine.status, "say whether it runs", "engine status")
    parser = add_command(
        group,
        "kfp",
        engine.open_kfp,
        "serve KFP's API on this machine, and say how to reach it",
        "kfp",
    )
    parser.add_flag("--close", "stop serving it, and make its token worthless")
    parser = add_command(
        group,
        "mlflow",
        engine.open_mlflow,
        "serve MLflow's tracking API on this machine, and say how to reach it",
        'eval "$(jupyter mlplat mlflow --export)"',
    )
    parser.add_flag("--export", "print only what a shell has to read")
    parser.add_flag("--close", "stop serving it, and make its token worthless")
