"""Every route of the HTTP API, once: the engine serves this table, the Jupyter server passes it on.

A route that is not in the table does not exist; one that is in it has an access class. Only the
standard library is imported here, so that the faces can read the table at no cost.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

PREFIX = "/api/v1"

USER_HEADER = "X-Mlplat-User"
"""Who asks, percent-encoded: only the Jupyter server sets it, from its own identity provider."""

PROFILES_PREFIX = "/profiles"
"""An engine that many share has the API of each profile below `/profiles/NAME`."""

PROFILE_HEADER = "Mlplat-Profile"
"""Names the profile where the path does not."""


class Access(StrEnum):
    """Who may call a route."""

    READ = "read"  # changes nothing
    WRITE = "write"  # may run the user's code or change what is kept
    ADMIN = "admin"  # ends the engine or deletes by policy


class Answer(StrEnum):
    """What the body of a good answer is."""

    JSON = "json"
    EMPTY = "empty"  # 204
    TEXT = "text"
    BYTES = "bytes"  # always as attachment
    LINES = "lines"  # JSON lines, written as they come
    EVENTS = "events"  # server-sent events, no end


@dataclass(frozen=True)
class Route:
    """One verb on one path. `path` lies below `PREFIX`; `{x}` stands for one path segment.

    `takes` and `gives` name the documents of `jupyter_mlplat.resources` in the body and in the
    answer; without a name the body is empty, and the answer any JSON.
    """

    name: str
    verb: str
    path: str
    access: Access
    answer: Answer = Answer.JSON
    takes: str = ""
    gives: str = ""

    @property
    def is_streaming(self) -> bool:
        """Tell whether the answer comes in pieces, with no length known."""
        return self.answer in (Answer.LINES, Answer.EVENTS)

    @property
    def resource(self) -> str:
        """Name what it is about, as roles of a cluster name it: `runs`, `train-runtimes`."""
        return self.name.partition(".")[0].replace("_", "-")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Match a whole path below `PREFIX`; its segments are groups, still percent-encoded."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


READ, WRITE, ADMIN = Access.READ, Access.WRITE, Access.ADMIN

ROUTES: tuple[Route, ...] = (
    Route("engine.get", "GET", "/engine", READ, gives="EngineStatus"),
    Route("engine.stop", "POST", "/engine/stop", ADMIN),
    Route("kfp.open", "POST", "/kfp/open", ADMIN, gives="Door"),
    Route("kfp.close", "POST", "/kfp/close", ADMIN),
    Route("mlflow.open", "POST", "/mlflow/open", ADMIN, gives="TrackingVariables"),
    Route("mlflow.close", "POST", "/mlflow/close", ADMIN),
    Route("inventory.get", "GET", "/inventory", READ, gives="MachineInventory"),
    Route("places.list", "GET", "/places", READ, gives="PlaceList"),
    Route("leases.take", "POST", "/leases", WRITE, takes="LeaseRequest", gives="Lease"),
    Route("leases.get", "GET", "/leases/{lease}", READ, gives="Lease"),
    Route("leases.release", "DELETE", "/leases/{lease}", WRITE, Answer.EMPTY),
    Route("events.watch", "GET", "/events", READ, Answer.EVENTS),
    Route("gc.run", "POST", "/gc", ADMIN, takes="GcRequest", gives="GcReport"),
    # Compiling reads files and runs nothing; verifying runs the notebook.
    Route("pipelines.compile", "POST", "/compile", WRITE, takes="CompileRequest", gives="Pipeline"),
    Route(
        "pipelines.export",
        "POST",
        "/export",
        WRITE,
        takes="ExportRequest",
        gives="ExportedPipeline",
    ),
    Route("pipelines.plan", "POST", "/plan", WRITE, takes="PlanRequest", gives="RunPlan"),
    Route(
        "pipelines.verify", "POST", "/verify", WRITE, takes="VerifyRequest", gives="VerifyReport"
    ),
    Route("runs.list", "GET", "/runs", READ, gives="RunPage"),
    Route("runs.submit", "POST", "/runs", WRITE, takes="SubmitRequest", gives="Run"),
    Route("runs.facets", "GET", "/runs/facets", READ, gives="RunFacets"),
    Route("runs.get", "GET", "/runs/{run}", READ, gives="Run"),
    Route("runs.update", "PATCH", "/runs/{run}", WRITE, takes="RunPatch", gives="Run"),
    Route("runs.delete", "DELETE", "/runs/{run}", WRITE, Answer.EMPTY),
    Route("runs.cancel", "POST", "/runs/{run}/cancel", WRITE, gives="Run"),
    Route("runs.pause", "POST", "/runs/{run}/pause", WRITE, gives="Run"),
    Route("runs.resume", "POST", "/runs/{run}/resume", WRITE, gives="Run"),
    Route("runs.retry", "POST", "/runs/{run}/retry", WRITE, takes="RetryRequest", gives="Run"),
    Route("runs.clone", "POST", "/runs/{run}/clone", WRITE, takes="CloneRequest", gives="Run"),
    Route("runs.result", "GET", "/runs/{run}/result", READ, gives="RunResult"),
    Route("runs.pipeline", "GET", "/runs/{run}/pipeline", READ, gives="Pipeline"),
    Route("runs.wait", "GET", "/runs/{run}/wait", READ, gives="Run"),
    Route("runs.metrics", "GET", "/runs/{run}/metrics", READ, gives="MetricList"),
    Route("runs.outputs", "GET", "/runs/{run}/outputs", READ, gives="OutputList"),
    Route("runs.models", "GET", "/runs/{run}/models", READ, gives="LoggedModels"),
    Route("runs.artifacts", "GET", "/runs/{run}/artifacts", READ, gives="ArtifactList"),
    Route("runs.logs", "GET", "/runs/{run}/logs", READ, Answer.LINES),
    # Jobs are runs; these say what they have beside other runs.
    Route("jobs.train", "POST", "/train-jobs", WRITE, takes="TrainRequest", gives="Run"),
    Route("jobs.tune", "POST", "/tuning-jobs", WRITE, takes="TuneRequest", gives="Run"),
    Route("runs.tuning", "GET", "/runs/{run}/tuning", READ, gives="TuningStatus"),
    Route("runs.trials", "GET", "/runs/{run}/trials", READ, gives="TrialPage"),
    Route("runs.trial", "GET", "/runs/{run}/trials/{trial}", READ, gives="TrialDetail"),
    Route("runs.trial_log", "GET", "/runs/{run}/trials/{trial}/log", READ, Answer.TEXT),
    Route("runs.stop_trial", "POST", "/runs/{run}/trials/{trial}/stop", WRITE, gives="Trial"),
    Route("runs.rerun_trial", "POST", "/runs/{run}/trials/{trial}/rerun", WRITE, gives="Run"),
    Route("runs.ranks", "GET", "/runs/{run}/ranks", READ, gives="TrainJobStatus"),
    Route("runs.rank_log", "GET", "/runs/{run}/ranks/{rank}/log", READ, Answer.TEXT),
    Route("train_runtimes.list", "GET", "/train-runtimes", READ, gives="TrainRuntimeList"),
    # Kubeflow's documents: done, and told with their status.
    Route(
        "documents.apply", "POST", "/apply", WRITE, takes="ApplyRequest", gives="AppliedDocuments"
    ),
    Route("documents.list", "GET", "/documents/{kind}", READ, gives="StatusDocuments"),
    Route("documents.get", "GET", "/documents/{kind}/{name}", READ, gives="StatusDocument"),
    Route("documents.delete", "DELETE", "/documents/{kind}/{name}", WRITE, Answer.EMPTY),
    Route("experiments.list", "GET", "/experiments", READ, gives="ExperimentList"),
    Route(
        "experiments.create",
        "POST",
        "/experiments",
        WRITE,
        takes="ExperimentRequest",
        gives="Experiment",
    ),
    Route(
        "experiments.update",
        "PATCH",
        "/experiments/{experiment}",
        WRITE,
        takes="ExperimentPatch",
        gives="Experiment",
    ),
    Route("steps.notebook", "GET", "/runs/{run}/steps/{step}/notebook", READ),
    Route("steps.log", "GET", "/runs/{run}/steps/{step}/log", READ, Answer.TEXT),
    Route("artifacts.get", "GET", "/artifacts/{artifact}", READ, gives="Artifact"),
    Route("artifacts.content", "GET", "/artifacts/{artifact}/content", READ, Answer.BYTES),
    Route("lineage.explore", "GET", "/lineage", READ, gives="LineageGraph"),
    Route("lineage.search", "GET", "/lineage/search", READ, gives="LineageSubjects"),
    Route("lineage.between", "GET", "/lineage/between", READ, gives="LineageGraph"),
    Route("lineage.get", "GET", "/lineage/{id}", READ, gives="Lineage"),
    Route("models.list", "GET", "/models", READ, gives="ModelList"),
    Route(
        "models.register", "POST", "/models", WRITE, takes="RegisterRequest", gives="ModelVersion"
    ),
    Route("models.get", "GET", "/models/{model}", READ, gives="RegisteredModel"),
    Route(
        "models.update",
        "PATCH",
        "/models/{model}",
        WRITE,
        takes="ModelUpdate",
        gives="RegisteredModel",
    ),
    Route("models.delete", "DELETE", "/models/{model}", WRITE, Answer.EMPTY),
    Route("models.history", "GET", "/models/{model}/history", READ, gives="ModelHistory"),
    Route("models.impact", "GET", "/models/{model}/impact", READ, gives="ModelImpact"),
    Route(
        "models.version", "GET", "/models/{model}/versions/{version}", READ, gives="ModelVersion"
    ),
    Route(
        "models.delete_version",
        "DELETE",
        "/models/{model}/versions/{version}",
        WRITE,
        gives="RegisteredModel",
    ),
    Route(
        "models.set_alias",
        "PUT",
        "/models/{model}/aliases/{alias}",
        WRITE,
        takes="AliasRequest",
        gives="RegisteredModel",
    ),
    Route(
        "models.delete_alias",
        "DELETE",
        "/models/{model}/aliases/{alias}",
        WRITE,
        gives="RegisteredModel",
    ),
    Route("schedules.list", "GET", "/schedules", READ, gives="ScheduleList"),
    Route(
        "schedules.create",
        "POST",
        "/schedules",
        WRITE,
        takes="ScheduleRequest",
        gives="ScheduleStatus",
    ),
    Route(
        "schedules.preview",
        "POST",
        "/schedules/preview",
        WRITE,
        takes="ScheduleRequest",
        gives="ScheduleStatus",
    ),
    Route("schedules.get", "GET", "/schedules/{schedule}", READ, gives="ScheduleStatus"),
    Route(
        "schedules.update",
        "PATCH",
        "/schedules/{schedule}",
        WRITE,
        takes="SchedulePatch",
        gives="ScheduleStatus",
    ),
    Route("schedules.delete", "DELETE", "/schedules/{schedule}", WRITE, Answer.EMPTY),
    Route("schedules.pause", "POST", "/schedules/{schedule}/pause", WRITE, gives="ScheduleStatus"),
    Route(
        "schedules.resume", "POST", "/schedules/{schedule}/resume", WRITE, gives="ScheduleStatus"
    ),
    Route("schedules.run", "POST", "/schedules/{schedule}/run", WRITE, gives="FiringList"),
    Route(
        "schedules.backfill",
        "POST",
        "/schedules/{schedule}/backfill",
        WRITE,
        takes="BackfillRequest",
        gives="FiringList",
    ),
    Route("schedules.firings", "GET", "/schedules/{schedule}/firings", READ, gives="FiringList"),
    # What stands for a container image here, and what secrets tasks may be given. Values of
    # secrets come in and never go out.
    Route("images.list", "GET", "/images", READ, gives="ImageMap"),
    Route("images.map", "POST", "/images", WRITE, takes="ImageRequest", gives="ImageMap"),
    Route("images.remove", "POST", "/images/remove", WRITE, takes="ImageQuery", gives="ImageMap"),
    Route("secrets.list", "GET", "/secrets", READ, gives="SecretList"),
    Route("secrets.set", "POST", "/secrets", WRITE, takes="SecretRequest", gives="SecretEntry"),
    Route("secrets.delete", "DELETE", "/secrets/{kind}/{secret}", WRITE, Answer.EMPTY),
    Route("endpoints.list", "GET", "/endpoints", READ, gives="EndpointList"),
    Route("endpoints.deploy", "POST", "/endpoints", WRITE, takes="DeployRequest", gives="Endpoint"),
    Route("endpoints.get", "GET", "/endpoints/{endpoint}", READ, gives="Endpoint"),
    Route("endpoints.delete", "DELETE", "/endpoints/{endpoint}", WRITE, Answer.EMPTY),
    Route(
        "endpoints.set_traffic",
        "PUT",
        "/endpoints/{endpoint}/traffic",
        WRITE,
        takes="TrafficRequest",
        gives="Endpoint",
    ),
    Route("endpoints.rollback", "POST", "/endpoints/{endpoint}/rollback", WRITE, gives="Endpoint"),
    Route("endpoints.promote", "POST", "/endpoints/{endpoint}/promote", WRITE, gives="Endpoint"),
    Route("endpoints.stop", "POST", "/endpoints/{endpoint}/stop", WRITE, gives="Endpoint"),
    Route("endpoints.start", "POST", "/endpoints/{endpoint}/start", WRITE, gives="Endpoint"),
    Route(
        "endpoints.predict",
        "POST",
        "/endpoints/{endpoint}/predict",
        WRITE,
        takes="PredictRequest",
        gives="PredictAnswer",
    ),
    Route("endpoints.stats", "GET", "/endpoints/{endpoint}/stats", READ, gives="EndpointStats"),
    Route("endpoints.log", "GET", "/endpoints/{endpoint}/log", READ, Answer.TEXT),
    # Notebook servers on clusters; the query names the cluster where there are several.
    Route("servers.list", "GET", "/servers", READ, gives="PlacedServers"),
    Route("servers.create", "POST", "/servers", WRITE, takes="ServerRequest", gives="PlacedServer"),
    Route("servers.get", "GET", "/servers/{server}", READ, gives="PlacedServer"),
    Route("servers.start", "POST", "/servers/{server}/start", WRITE, gives="PlacedServer"),
    Route("servers.stop", "POST", "/servers/{server}/stop", WRITE, gives="PlacedServer"),
    Route("servers.delete", "DELETE", "/servers/{server}", WRITE, Answer.EMPTY),
    Route("servers.logs", "GET", "/servers/{server}/log", READ, Answer.TEXT),
    Route("servers.events", "GET", "/servers/{server}/events", READ, gives="ServerHistory"),
    Route("server_kinds.list", "GET", "/server-kinds", READ, gives="ServerOffer"),
    Route("profiles.list", "GET", "/profiles", READ, gives="ProfileList"),
)

BY_NAME: dict[str, Route] = {route.name: route for route in ROUTES}


def find_route(verb: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Find what a request below `PREFIX` asks for, and its still percent-encoded segments."""
    for route in ROUTES:
        if route.verb == verb and (match := route.pattern.fullmatch(path)):
            return route, match.groupdict()
    return None
