"""What a run would do, told before it is submitted."""

from typing import Literal

from pydantic import Field

from jupyter_mlplat.resources.base import (
    HostPath,
    Identifier,
    JsonValue,
    Name,
    Request,
    Resource,
    Timestamp,
)
from jupyter_mlplat.resources.run import Reuse


class PlanRequest(Request):
    """Ask what a run would do. The fields mean what they mean in a `SubmitRequest`."""

    path: HostPath | None = None
    notebook: dict[str, JsonValue] | None = None
    split: Literal["auto", "cell"] = "auto"
    parameters: dict[str, JsonValue] = {}
    cache: bool = True
    until: Name | None = None
    from_step: Name | None = None
    reuse: Reuse = "equal"


class LastSuccess(Resource):
    """The newest run of the notebook in which a step succeeded."""

    run_id: Identifier
    run_number: int
    finished_at: Timestamp | None = None
    duration_s: float | None = Field(
        default=None, description="Of the newest time it really ran; None: not known."
    )


class PlannedStep(Resource):
    """What a run would do with one step, and why."""

    name: Name
    will: Literal["run", "cached", "unknown", "skip"] = Field(
        description="`unknown`: it runs unless the steps before it, which run, give the same as "
        "before. `skip`: the run was asked to leave it out."
    )
    reason: str = Field(description="For people, as in `CacheExplanation`.")
    run_id: Identifier | None = Field(default=None, description="Whose result would be taken.")
    run_number: int | None = None
    stale: str | None = Field(
        default=None, description="What has changed since `last`, for people; None: nothing has."
    )
    is_left: bool = Field(
        default=False,
        description="Whether it would be taken as it last succeeded, although it may have changed.",
    )
    changed: tuple[str, ...] = Field(
        default=(), description="The same as labels: 'cell 2', 'parameter rate', 'step load' …"
    )
    last: LastSuccess | None = Field(
        default=None, description="None: it has never succeeded in a run that is still kept."
    )


class RunPlan(Resource):
    """What a run would do, step by step, in the notebook's order."""

    steps: tuple[PlannedStep, ...]
