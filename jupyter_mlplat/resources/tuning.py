"""Tuning jobs and their trials, neutral between the documents that Kubeflow has for them.

Those are Katib's Experiment (v1beta1) and Trainer's OptimizationJob (v1alpha1). A tuning job is a
run of one step that has a `TuneSpec`. The step's process prepares what the cells need, then forks
the trials; what to try next is asked of the tuner, a process of its own.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import Identifier, JsonValue, Name, Resource, Timestamp
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.resources.training import JobRequest, TrainSpec

MetricKind = Literal["latest", "min", "max"]


class SpaceParameter(Resource):
    """One dimension of the search space."""

    name: str
    type: Literal["double", "int", "discrete", "categorical"]
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    distribution: Literal["uniform", "log-uniform", "normal", "log-normal"] = "uniform"
    values: tuple[JsonValue, ...] = Field(default=(), description="Of discrete and categorical.")


class Objective(Resource):
    """What a trial is judged by."""

    metric: str
    goal: float | None = Field(default=None, description="The job is over once it is reached.")
    direction: Literal["minimize", "maximize"] = "maximize"
    additional: tuple[str, ...] = ()
    strategies: dict[str, MetricKind] = Field(
        default={}, description="Which of a metric's values counts; else the best of direction."
    )


class Algorithm(Resource):
    name: str = Field(
        default="tpe",
        description="random, grid, tpe, multivariate-tpe, bayesianoptimization (gp), cmaes, sobol, "
        "hyperband, pbt",
    )
    settings: dict[str, JsonValue] = {}


class Collector(Resource):
    """Where a trial's metrics are read, beside what it pushes by `mlplat.train.report`."""

    kind: Literal["push", "stdout", "file", "tensorboard", "none"] = "push"
    path: str | None = Field(default=None, description="Of the file or folder, in the trial's.")
    format: Literal["text", "json"] = "text"
    patterns: tuple[str, ...] = Field(
        default=(), description="Regular expressions with two groups: name and value."
    )


class TuneSpec(Resource):
    """How a step is tried with other parameters, again and again."""

    objective: Objective
    space: tuple[SpaceParameter, ...]
    algorithm: Algorithm = Algorithm()
    early_stopping: Algorithm | None = Field(
        default=None, description="`medianstop` or `asha`, with settings."
    )
    trials: int | None = Field(default=None, ge=1, description="At most so many; None: no limit.")
    parallel: int = Field(default=1, ge=1, le=1024)
    failures: int | None = Field(default=None, ge=0, description="More failed trials: it failed.")
    collector: Collector = Collector()
    resume: Literal["never", "from-table"] = "from-table"
    warm_start: tuple[Identifier, ...] = Field(
        default=(), description="Tuning jobs whose trials the algorithm knows from the start."
    )
    train: TrainSpec | None = Field(default=None, description="Each trial is a train job.")
    trial_retries: int = Field(
        default=0, ge=0, le=100, description="A trial whose code fails is run again so often."
    )
    trial_timeout_s: float | None = Field(
        default=None, gt=0, description="Of each trial, all its tries together; then it has failed."
    )
    is_inline: bool = Field(
        default=False,
        description="Trials run one after the other in one process: for functions of milliseconds.",
    )
    seed: int | None = None


class TrialState(StrEnum):
    """Spelled as Katib's conditions."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    KILLED = "Killed"
    EARLY_STOPPED = "EarlyStopped"
    METRICS_UNAVAILABLE = "MetricsUnavailable"

    @property
    def is_final(self) -> bool:
        return self not in (TrialState.PENDING, TrialState.RUNNING)


class Observation(Resource):
    """The values of one metric of one trial."""

    latest: float
    min: float
    max: float


class Trial(Resource):
    """One trial: its parameters, and what came out."""

    number: int = Field(description="From 1, in the order they were suggested.")
    state: TrialState
    parameters: dict[str, JsonValue]
    value: float | None = Field(default=None, description="Of the objective.")
    metrics: dict[str, Observation] = {}
    label: dict[str, JsonValue] = Field(
        default={}, description="What the algorithm noted: bracket, rung, generation, parent …"
    )
    failure: str | None = None
    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    duration_s: float | None = None


class TrialReport(Resource):
    """One value that a trial told of a metric while it ran."""

    name: str
    value: float
    position: int | None = Field(default=None, description="Training step or epoch, where given.")
    reported_at: Timestamp


class TrialDetail(Resource):
    """One trial with all that it has told and made."""

    trial: Trial
    reports: tuple[TrialReport, ...] = ()
    artifacts: tuple[Artifact, ...] = Field(default=(), description="Models and files it logged.")


class TrialPage(Resource):
    """Trials of a tuning job."""

    trials: tuple[Trial, ...]
    next: str | None = Field(default=None, description="Asks for the page after it, as `after`.")
    total: int = 0


class TuningStatus(Resource):
    """A tuning job beside its run: how many trials are in which state, and the best."""

    spec: TuneSpec
    step: Name = Field(default="tune", description="The step of the run that is tuned.")
    counts: dict[str, int] = {}
    best: Trial | None = None
    importance: dict[str, float] = Field(
        default={}, description="Share of each parameter in the variance of the objective."
    )
    over: str | None = Field(default=None, description="Why no more trials are made, for people.")


class TuneRequest(JobRequest):
    """Ask for a tuning job. Send the header `Idempotency-Key` to make a repeat harmless."""

    tune: TuneSpec
