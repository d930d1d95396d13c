"""A schedule: what is run, when, with which parameters; and each time it fired."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from jupyter_mlplat.resources.base import (
    Alias,
    HostPath,
    Identifier,
    JsonValue,
    Name,
    Request,
    Resource,
    Timestamp,
)
from jupyter_mlplat.resources.pipeline import Parameter, Retry
from jupyter_mlplat.resources.run import SubmitRequest


class CronTrigger(Request):
    """Fires at times on the wall of a zone."""

    kind: Literal["cron"] = "cron"
    expression: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="Five fields (minute hour day month weekday), six with the second first, or "
        "@daily and the like."
    )
    time_zone: str = Field(default="UTC", max_length=100, description="IANA name: Europe/Berlin.")
    reading: Literal["standard", "seconds", "kfp"] | None = Field(
        default=None,
        description="Null: told by the number of fields. `kfp`: as Kubeflow reads it, the second "
        "first, the weekday may be left out.",
    )


class IntervalTrigger(Request):
    """Fires every so many seconds, counted from the schedule's start."""

    kind: Literal["interval"] = "interval"
    every_s: float = Field(ge=1, le=10 * 366 * 86_400)


class ArtifactTrigger(Request):
    """Fires when a run that succeeded has made an artifact of this name with new content."""

    kind: Literal["artifact"] = "artifact"
    artifact: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    type: str | None = Field(default=None, description="Such as system.Dataset; null: any.")


class ModelTrigger(Request):
    """Fires when a model has a new version; with an alias, when that points at another one."""

    kind: Literal["model"] = "model"
    model: Name
    alias: Alias | None = None


class FileTrigger(Request):
    """Fires when the content of a file, or of a folder's files, has changed."""

    kind: Literal["file"] = "file"
    path: Annotated[HostPath, StringConstraints(min_length=1, max_length=4096)]
    look_every_s: float = Field(default=10.0, ge=1, le=86_400)


class PipelineTrigger(Request):
    """Fires when a run of another pipeline has succeeded."""

    kind: Literal["pipeline"] = "pipeline"
    pipeline: Name


Trigger = Annotated[
    CronTrigger | IntervalTrigger | ArtifactTrigger | ModelTrigger | FileTrigger | PipelineTrigger,
    Field(discriminator="kind"),
]


class Keep(Request):
    """Which of its runs are kept: those that both let stay. Runs of registered models always."""

    runs: int | None = Field(default=100, ge=1, description="The newest so many.")
    days: float | None = Field(default=None, gt=0, description="Not older than so many.")


Outcome = Literal["succeeded", "failed", "skipped"]


class Webhook(Request):
    """Posts JSON to an address when a firing is over. Private addresses need the engine's leave."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    on: tuple[Outcome, ...] = ("succeeded", "failed")
    key_file: HostPath | None = Field(
        default=None,
        description="Absolute path of a file with a key; the body's HMAC-SHA256 is then sent as "
        "`X-Mlplat-Signature: sha256=…`.",
    )


CatchUp = Literal["skip", "last", "all"]
Overlap = Literal["skip", "queue", "cancel"]


class ScheduleRequest(Request):
    """Ask for a schedule."""

    name: Name
    note: str = Field(default="", max_length=2000)
    work: SubmitRequest = Field(
        description="What is submitted each time. Texts among the parameters are templates: "
        "{{ fire_time:%Y-%m-%d }}, {{ previous_success | 2024-01-01 }} …"
    )
    trigger: Trigger
    table: tuple[dict[str, JsonValue], ...] = Field(
        default=(),
        max_length=1000,
        description="One run for each row, with the row's values over the parameters.",
    )
    start: Timestamp | None = Field(default=None, description="Nothing is planned before it.")
    end: Timestamp | None = Field(default=None, description="Nothing is planned after it.")
    catch_up: CatchUp = Field(
        default="last",
        description="What is done about planned times that went by while no engine ran, the clock "
        "jumped, or the schedule was paused.",
    )
    catch_up_limit: int = Field(default=10, ge=1, le=1000, description="At most so many, for all.")
    overlap: Overlap = Field(
        default="skip", description="What is done when as many runs as may go at once still go."
    )
    at_once: int = Field(default=1, ge=1, le=100)
    jitter_s: float = Field(
        default=0.0, ge=0, le=3600, description="Each time is put off by up to so many seconds."
    )
    timeout_s: float | None = Field(default=None, gt=0, description="Of a run, as a whole.")
    retry: Retry = Field(default=Retry(), description="Of a run that failed, from where it failed.")
    keep: Keep = Keep()
    notify: tuple[Webhook, ...] = Field(default=(), max_length=10)
    paused: bool = False
    kfp: dict[str, JsonValue] | None = Field(
        default=None, description="What only a recurring run of Kubeflow's API has."
    )


class SchedulePatch(Request):
    """Change a schedule; what is not given stays. It holds for what is planned from now on."""

    note: str | None = Field(default=None, max_length=2000)
    work: SubmitRequest | None = None
    trigger: Trigger | None = None
    table: tuple[dict[str, JsonValue], ...] | None = Field(default=None, max_length=1000)
    start: Timestamp | None = None
    end: Timestamp | None = None
    catch_up: CatchUp | None = None
    catch_up_limit: int | None = Field(default=None, ge=1, le=1000)
    overlap: Overlap | None = None
    at_once: int | None = Field(default=None, ge=1, le=100)
    jitter_s: float | None = Field(default=None, ge=0, le=3600)
    timeout_s: float | None = Field(default=None, gt=0)
    retry: Retry | None = None
    keep: Keep | None = None
    notify: tuple[Webhook, ...] | None = Field(default=None, max_length=10)
    kfp: dict[str, JsonValue] | None = None


class FiringState(StrEnum):
    """What became of one planned time."""

    QUEUED = "QUEUED"  # waits until an earlier one is over
    RUNNING = "RUNNING"
    WAITING = "WAITING"  # failed, waits to be tried again
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    SKIPPED = "SKIPPED"  # an earlier run was still going
    MISSED = "MISSED"  # nobody was there, and it is not made up

    @property
    def is_final(self) -> bool:
        return self not in (FiringState.QUEUED, FiringState.RUNNING, FiringState.WAITING)


Cause = Literal["time", "catch-up", "back-fill", "now", "event"]


class Firing(Resource):
    """One planned time of a schedule, or one row of its table then, and what became of it."""

    schedule_id: Identifier
    schedule: Name
    key: str = Field(description="What makes it one: the planned time, or what happened.")
    row: int = Field(default=0, description="Of the schedule's table.")
    planned_at: Timestamp
    cause: Cause
    state: FiringState
    message: str = Field(default="", description="Why it was skipped, failed …; for people.")
    event: dict[str, JsonValue] = Field(default={}, description="What happened, for templates.")
    count: int = Field(default=1, description="How many planned times a MISSED one stands for.")
    run_id: Identifier | None = None
    run_number: int | None = None
    fired_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    tries: int = Field(default=1, description="How often the run was begun.")
    retry_at: Timestamp | None = None
    timed_out: bool = False
    notified: dict[str, str] = Field(
        default={}, description="By webhook: `sent`, or why it could not be."
    )


class Schedule(ScheduleRequest):
    """A schedule as it stands."""

    model_config = ConfigDict(extra="ignore")  # of a newer writer, as everything we read

    id: Identifier
    created_at: Timestamp
    updated_at: Timestamp
    created_by: str = ""


class ScheduleStatus(Resource):
    """A schedule with what follows from it now."""

    schedule: Schedule
    reading: str = Field(description="How its trigger was read, for people.")
    next: tuple[Timestamp, ...] = Field(
        default=(), description="The next five planned times, without jitter; none while paused."
    )
    last: Firing | None = None
    active: int = Field(default=0, description="How many of its firings run or wait.")
    parameters: tuple[Parameter, ...] = Field(
        default=(), description="What its notebook takes, for a form; only in a preview."
    )


class ScheduleList(Resource):
    schedules: tuple[ScheduleStatus, ...]


class FiringList(Resource):
    firings: tuple[Firing, ...]
    next: str | None = Field(default=None, description="Asks for the page after it, as `before`.")


class BackfillRequest(Request):
    """Fire the planned times of a stretch of the past; what has fired before is left out."""

    start: Timestamp
    end: Timestamp
    limit: int = Field(default=100, ge=1, le=1000, description="Refused where there are more.")
    dry_run: bool = False
