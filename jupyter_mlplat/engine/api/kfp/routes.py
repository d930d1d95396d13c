"""Every route of KFP's API that is served, once. One that is not in the table does not exist."""

from jupyter_mlplat.resources.routes import Access, Route

PREFIX = "/apis/v2beta1"

READ, WRITE = Access.READ, Access.WRITE

OPEN = frozenset({"healthz.get"})
"""Answered without a token: it tells nothing."""

ROUTES: tuple[Route, ...] = (
    Route("healthz.get", "GET", "/healthz", READ),
    Route("auth.authorize", "GET", "/auth", READ),
    Route("experiments.list", "GET", "/experiments", READ),
    Route("experiments.create", "POST", "/experiments", WRITE),
    Route("experiments.archive", "POST", "/experiments/{experiment}:archive", WRITE),
    Route("experiments.unarchive", "POST", "/experiments/{experiment}:unarchive", WRITE),
    Route("experiments.get", "GET", "/experiments/{experiment}", READ),
    Route("experiments.delete", "DELETE", "/experiments/{experiment}", WRITE),
    Route("pipelines.upload", "POST", "/pipelines/upload", WRITE),
    Route("pipelines.upload_version", "POST", "/pipelines/upload_version", WRITE),
    Route("pipelines.list", "GET", "/pipelines", READ),
    Route("pipelines.create", "POST", "/pipelines", WRITE),
    Route("pipelines.create_both", "POST", "/pipelines/create", WRITE),
    Route("pipelines.get_by_name", "GET", "/pipelines/names/{name}", READ),
    Route("pipelines.get", "GET", "/pipelines/{pipeline}", READ),
    Route("pipelines.update", "PATCH", "/pipelines/{pipeline}", WRITE),
    Route("pipelines.delete", "DELETE", "/pipelines/{pipeline}", WRITE),
    Route("versions.list", "GET", "/pipelines/{pipeline}/versions", READ),
    Route("versions.create", "POST", "/pipelines/{pipeline}/versions", WRITE),
    Route("versions.get", "GET", "/pipelines/{pipeline}/versions/{version}", READ),
    Route("versions.update", "PATCH", "/pipelines/{pipeline}/versions/{version}", WRITE),
    Route("versions.delete", "DELETE", "/pipelines/{pipeline}/versions/{version}", WRITE),
    Route("runs.list", "GET", "/runs", READ),
    Route("runs.create", "POST", "/runs", WRITE),
    Route("runs.archive", "POST", "/runs/{run}:archive", WRITE),
    Route("runs.unarchive", "POST", "/runs/{run}:unarchive", WRITE),
    Route("runs.terminate", "POST", "/runs/{run}:terminate", WRITE),
    Route("runs.retry", "POST", "/runs/{run}:retry", WRITE),
    Route("runs.get", "GET", "/runs/{run}", READ),
    Route("runs.delete", "DELETE", "/runs/{run}", WRITE),
    Route("recurringruns.list", "GET", "/recurringruns", READ),
    Route("recurringruns.create", "POST", "/recurringruns", WRITE),
    Route("recurringruns.enable", "POST", "/recurringruns/{recurring_run}:enable", WRITE),
    Route("recurringruns.disable", "POST", "/recurringruns/{recurring_run}:disable", WRITE),
    Route("recurringruns.get", "GET", "/recurringruns/{recurring_run}", READ),
    Route("recurringruns.delete", "DELETE", "/recurringruns/{recurring_run}", WRITE),
)


def find_route(verb: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Find what a request below `PREFIX` asks for, and its still percent-encoded segments."""
    for route in ROUTES:
        if route.verb == verb and (match := route.pattern.fullmatch(path)):
            return route, match.groupdict()
    return None
