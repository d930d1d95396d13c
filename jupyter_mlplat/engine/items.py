"""What can happen to the conductor, beside the end of an attempt (`ports.launcher.Ended`)."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from jupyter_mlplat.engine.live import PlanAnew
from jupyter_mlplat.ports.launcher import AttemptRef, Ended
from jupyter_mlplat.resources.inventory import Lease
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.run import RetryRequest, Run, RunPatch
from jupyter_mlplat.resources.schedule import Firing
from jupyter_mlplat.services.pipelines.messages import TimerDue
from jupyter_mlplat.services.workflows.flow import Flow


@dataclass(frozen=True, slots=True)
class ActivitySeen:
    """The events file of an attempt may have grown."""

    ref: AttemptRef


@dataclass(frozen=True, slots=True)
class WaitSeen:
    """An attempt that was started waits for this; None: it runs now."""

    ref: AttemptRef
    reason: str | None


@dataclass(frozen=True, slots=True)
class TimeCame:
    run: str
    event: TimerDue


@dataclass(frozen=True, slots=True)
class Tell:
    """An event that is no transition of a run."""

    kind: str
    subject: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody waits for the answer, which comes when it is durable."""

    reply: "Future[Any]"


@dataclass(frozen=True, slots=True)
class Submit(Asked):
    run: Run
    pipeline: Pipeline
    idempotency_key: str | None
    request_digest: str
    plan_anew: PlanAnew | None = None
    firing: Firing | None = None  # of the schedule that asks; written in the same commit
    flow: Flow | None = None  # of the pipeline, where it is known already


@dataclass(frozen=True, slots=True)
class Cancel(Asked):
    run: str


@dataclass(frozen=True, slots=True)
class Pause(Asked):
    """Stop what runs of a run, and start nothing until it is resumed."""

    run: str


@dataclass(frozen=True, slots=True)
class Resume(Asked):
    run: str


@dataclass(frozen=True, slots=True)
class Retry(Asked):
    """`pipeline` is what to go on with; None: what the run has."""

    run: str
    request: RetryRequest
    pipeline: Pipeline | None
    plan_anew: PlanAnew | None = None


@dataclass(frozen=True, slots=True)
class Delete(Asked):
    run: str


@dataclass(frozen=True, slots=True)
class Edit(Asked):
    run: str
    patch: RunPatch


@dataclass(frozen=True, slots=True)
class Call(Asked):
    """Do something while no run changes."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class TakeLease(Asked):
    lease: Lease


@dataclass(frozen=True, slots=True)
class DropLeases(Asked):
    """They were given back, or their processes are gone."""

    leases: tuple[str, ...]


Item = (
    Ended
    | ActivitySeen
    | WaitSeen
    | TimeCame
    | Tell
    | Submit
    | Cancel
    | Pause
    | Resume
    | Retry
    | Delete
    | Edit
    | Call
    | TakeLease
    | DropLeases
)
