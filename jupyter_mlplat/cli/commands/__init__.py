"""What each command does: one client call, its answer as JSON or as a view."""

from jupyter_mlplat.cli.commands import (
    cluster,
    endpoints,
    engine,
    gpus,
    images,
    logs,
    models,
    pipelines,
    runs,
    schedules,
)

__all__ = [
    "cluster",
    "endpoints",
    "engine",
    "gpus",
    "images",
    "logs",
    "models",
    "pipelines",
    "runs",
    "schedules",
]
