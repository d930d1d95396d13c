"""Every route of MLflow's API that is served, once. One that is not in the table does not exist."""

import re

from jupyter_mlplat.resources.routes import Access, Route

PREFIX = "/api/2.0"

READ, WRITE = Access.READ, Access.WRITE

_REST = "path"
"""Segment that stands for the rest of the path, with its slashes."""

ROUTES: tuple[Route, ...] = (
    Route("experiments.create", "POST", "/mlflow/experiments/create", WRITE),
    Route("experiments.search", "POST", "/mlflow/experiments/search", READ),
    Route("experiments.get", "GET", "/mlflow/experiments/get", READ),
    Route("experiments.get_by_name", "GET", "/mlflow/experiments/get-by-name", READ),
    Route("experiments.delete", "POST", "/mlflow/experiments/delete", WRITE),
    Route("experiments.restore", "POST", "/mlflow/experiments/restore", WRITE),
    Route("experiments.update", "POST", "/mlflow/experiments/update", WRITE),
    Route("experiments.set_tag", "POST", "/mlflow/experiments/set-experiment-tag", WRITE),
    Route("experiments.delete_tag", "POST", "/mlflow/experiments/delete-experiment-tag", WRITE),
    Route("runs.create", "POST", "/mlflow/runs/create", WRITE),
    Route("runs.get", "GET", "/mlflow/runs/get", READ),
    Route("runs.update", "POST", "/mlflow/runs/update", WRITE),
    Route("runs.delete", "POST", "/mlflow/runs/delete", WRITE),
    Route("runs.restore", "POST", "/mlflow/runs/restore", WRITE),
    Route("runs.search", "POST", "/mlflow/runs/search", READ),
    Route("runs.log_metric", "POST", "/mlflow/runs/log-metric", WRITE),
    Route("runs.log_parameter", "POST", "/mlflow/runs/log-parameter", WRITE),
    Route("runs.log_batch", "POST", "/mlflow/runs/log-batch", WRITE),
    Route("runs.set_tag", "POST", "/mlflow/runs/set-tag", WRITE),
    Route("runs.delete_tag", "POST", "/mlflow/runs/delete-tag", WRITE),
    Route("runs.log_inputs", "POST", "/mlflow/runs/log-inputs", WRITE),
    Route("runs.log_outputs", "POST", "/mlflow/runs/outputs", WRITE),
    Route("runs.log_model", "POST", "/mlflow/runs/log-model", WRITE),
    Route("metrics.history", "GET", "/mlflow/metrics/get-history", READ),
    Route("metrics.bulk", "GET", "/mlflow/metrics/get-history-bulk-interval", READ),
    Route("artifacts.list_of_run", "GET", "/mlflow/artifacts/list", READ),
    Route("artifacts.list", "GET", "/mlflow-artifacts/artifacts", READ),
    Route("artifacts.download", "GET", "/mlflow-artifacts/artifacts/{path}", READ),
    Route("artifacts.upload", "PUT", "/mlflow-artifacts/artifacts/{path}", WRITE),
    Route("artifacts.delete", "DELETE", "/mlflow-artifacts/artifacts/{path}", WRITE),
    Route("logged_models.create", "POST", "/mlflow/logged-models", WRITE),
    Route("logged_models.search", "POST", "/mlflow/logged-models/search", READ),
    Route("logged_models.get", "GET", "/mlflow/logged-models/{model}", READ),
    Route("logged_models.finalize", "PATCH", "/mlflow/logged-models/{model}", WRITE),
    Route("logged_models.delete", "DELETE", "/mlflow/logged-models/{model}", WRITE),
    Route("logged_models.set_tags", "PATCH", "/mlflow/logged-models/{model}/tags", WRITE),
    Route("logged_models.delete_tag", "DELETE", "/mlflow/logged-models/{model}/tags/{tag}", WRITE),
    Route("logged_models.log_params", "POST", "/mlflow/logged-models/{model}/params", WRITE),
    Route(
        "logged_models.list_files",
        "GET",
        "/mlflow/logged-models/{model}/artifacts/directories",
        READ,
    ),
    Route("registered_models.create", "POST", "/mlflow/registered-models/create", WRITE),
    Route("registered_models.rename", "POST", "/mlflow/registered-models/rename", WRITE),
    Route("registered_models.update", "PATCH", "/mlflow/registered-models/update", WRITE),
    Route("registered_models.delete", "DELETE", "/mlflow/registered-models/delete", WRITE),
    Route("registered_models.get", "GET", "/mlflow/registered-models/get", READ),
    Route("registered_models.search", "GET", "/mlflow/registered-models/search", READ),
    Route("registered_models.latest", "GET", "/mlflow/registered-models/get-latest-versions", READ),
    Route(
        "registered_models.latest_by_post",
        "POST",
        "/mlflow/registered-models/get-latest-versions",
        READ,
    ),
    Route("registered_models.set_tag", "POST", "/mlflow/registered-models/set-tag", WRITE),
    Route("registered_models.delete_tag", "DELETE", "/mlflow/registered-models/delete-tag", WRITE),
    Route("registered_models.set_alias", "POST", "/mlflow/registered-models/alias", WRITE),
    Route("registered_models.delete_alias", "DELETE", "/mlflow/registered-models/alias", WRITE),
    Route("registered_models.get_by_alias", "GET", "/mlflow/registered-models/alias", READ),
    Route("model_versions.create", "POST", "/mlflow/model-versions/create", WRITE),
    Route("model_versions.update", "PATCH", "/mlflow/model-versions/update", WRITE),
    Route(
        "model_versions.transition_stage", "POST", "/mlflow/model-versions/transition-stage", WRITE
    ),
    Route("model_versions.delete", "DELETE", "/mlflow/model-versions/delete", WRITE),
    Route("model_versions.get", "GET", "/mlflow/model-versions/get", READ),
    Route("model_versions.search", "GET", "/mlflow/model-versions/search", READ),
    Route("model_versions.download_uri", "GET", "/mlflow/model-versions/get-download-uri", READ),
    Route("model_versions.set_tag", "POST", "/mlflow/model-versions/set-tag", WRITE),
    Route("model_versions.delete_tag", "DELETE", "/mlflow/model-versions/delete-tag", WRITE),
)

_PATTERNS = tuple(
    (
        route,
        re.compile(route.pattern.pattern.replace(f"(?P<{_REST}>[^/]+)", f"(?P<{_REST}>.+)")),
    )
    for route in ROUTES
)


def find_route(verb: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Find what a request below `PREFIX` asks for, and its still percent-encoded segments."""
    for route, pattern in _PATTERNS:
        if route.verb == verb and (match := pattern.fullmatch(path)):
            return route, match.groupdict()
    return None
