"""The whole lifecycle of a model from inside a notebook.

    import jupyter_mlplat as mlplat

    run = mlplat.run("analysis.ipynb", parameters={"trees": 200})
    mlplat.register("tumour", run=run, alias="champion")
    mlplat.deploy("tumour@champion").predict([[1.0, 2.0]])

Everything here is loaded when it is first used, so that the import itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlplat import train
    from jupyter_mlplat.client.api import (
        compile,
        deploy,
        endpoint,
        endpoints,
        get_run,
        kfp_client,
        lineage,
        mlflow,
        model,
        model_history,
        models,
        register,
        restore,
        run,
        runs,
        verify,
    )
    from jupyter_mlplat.client.applying import apply
    from jupyter_mlplat.client.endpoints import Endpoint
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.client.job_beginning import train_job, tune
    from jupyter_mlplat.client.job_finding import get_job, jobs
    from jupyter_mlplat.client.job_handles import TrainJob
    from jupyter_mlplat.client.runs import Run
    from jupyter_mlplat.client.servers import NotebookServer, create_server, server, servers
    from jupyter_mlplat.client.tracking import log_artifact, log_metric, log_model
    from jupyter_mlplat.client.tuning_handles import Trials, TuningJob
    from jupyter_mlplat.errors import PlatformError
    from jupyter_mlplat.magics import load_ipython_extension, unload_ipython_extension
    from jupyter_mlplat.train import TrialPruned

_HOMES = {
    "api": (
        "compile",
        "deploy",
        "endpoint",
        "endpoints",
        "get_run",
        "kfp_client",
        "lineage",
        "mlflow",
        "model",
        "model_history",
        "models",
        "register",
        "restore",
        "run",
        "runs",
        "verify",
    ),
    "applying": ("apply",),
    "endpoints": ("Endpoint",),
    "engine": ("EngineClient",),
    "job_beginning": ("train_job", "tune"),
    "job_finding": ("get_job", "jobs"),
    "job_handles": ("TrainJob",),
    "runs": ("Run",),
    "servers": ("NotebookServer", "create_server", "server", "servers"),
    "tracking": ("log_artifact", "log_metric", "log_model"),
    "tuning_handles": ("Trials", "TuningJob"),
}
_MODULES = {
    name: f"jupyter_mlplat.client.{module}" for module, names in _HOMES.items() for name in names
} | {
    "PlatformError": "jupyter_mlplat.errors",
    "TrialPruned": "jupyter_mlplat.train",
    "load_ipython_extension": "jupyter_mlplat.magics",
    "unload_ipython_extension": "jupyter_mlplat.magics",
}

__all__ = [
    "Endpoint",
    "EngineClient",
    "NotebookServer",
    "PlatformError",
    "Run",
    "TrainJob",
    "TrialPruned",
    "Trials",
    "TuningJob",
    "apply",
    "compile",
    "create_server",
    "deploy",
    "endpoint",
    "endpoints",
    "get_job",
    "get_run",
    "jobs",
    "kfp_client",
    "lineage",
    "load_ipython_extension",
    "log_artifact",
    "log_metric",
    "log_model",
    "mlflow",
    "model",
    "model_history",
    "models",
    "register",
    "restore",
    "run",
    "runs",
    "server",
    "servers",
    "train",
    "train_job",
    "tune",
    "unload_ipython_extension",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _find_version()
    if name == "train":
        return import_module("jupyter_mlplat.train")
    if name not in _MODULES:
        raise AttributeError(f"module 'jupyter_mlplat' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def _find_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("jupyter_mlplat")
    except PackageNotFoundError:
        return "0+source"  # run from a checkout that is not installed


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
