"""What the machine of a run is told, and what it tells the conductor to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from jupyter_mlplat.resources.run import CacheExplanation, CellRun, Failure, Task
from jupyter_mlplat.resources.training import Progress
from jupyter_mlplat.resources.workflow import ExecutedAs, Values
from jupyter_mlplat.services.workflows.flow import Flow

WakeKind = Literal["retry", "timeout", "deadline"]
"""Of a task: its next attempt, its time-out. Of the run, with no step: its deadline."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The run has been stored: begin."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Resumed:
    """An engine has read the run from the store: say again what has to be done."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Lost:
    """What these steps had saved is gone: they, and all that need them, have to run again."""

    at: datetime
    steps: frozenset[str]


@dataclass(frozen=True, slots=True)
class CacheAnswered:
    """The answer to `Consult`. On a hit `bundle` and `results` are what the step of then made."""

    at: datetime
    step: str
    explanation: CacheExplanation
    bundle: str | None = None
    not_kept: Mapping[str, str] = field(default_factory=dict)
    results: Values | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """The resources asked for with `Enqueue` are the step's."""

    at: datetime
    step: str
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """The resources asked for are not free yet."""

    at: datetime
    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    bundle: str | None = None
    not_kept: Mapping[str, str] = field(default_factory=dict)
    results: Values | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    failure: Failure


@dataclass(frozen=True, slots=True)
class NeverRan:
    """The attempt was revoked before it ran a line: it does not count against the retry limit."""


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """An attempt is over; `at` is when it ended, which may be long ago after a restart."""

    at: datetime
    step: str
    attempt: int
    outcome: Succeeded | Failed | NeverRan
    started_at: datetime | None = None
    cells: tuple[CellRun, ...] | None = None
    executed_as: ExecutedAs | None = None
    notes: tuple[str, ...] = ()  # what was asked for and not honoured, for people
    progress: Progress | None = None  # what it said last


@dataclass(frozen=True, slots=True)
class Progressed:
    """Cells of a running attempt have started or ended, or it has said how far it is."""

    at: datetime
    step: str
    attempt: int
    cells: tuple[CellRun, ...]
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Pends:
    """An attempt that was started on a cluster waits there, for this; None: it runs from now on."""

    at: datetime
    step: str
    attempt: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A moment named by `Wake` has come."""

    at: datetime
    step: str
    attempt: int
    kind: WakeKind


@dataclass(frozen=True, slots=True)
class CancelAsked:
    at: datetime


@dataclass(frozen=True, slots=True)
class PauseAsked:
    """Stop what runs and start nothing, until `ResumeAsked`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ResumeAsked:
    at: datetime


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """Go on with a run that is over. Steps in `redo`, and all that need them, run again.

    `fresh` are the tasks a new run of the pipeline would begin with.
    """

    at: datetime
    flow: Flow
    pipeline_digest: str
    redo: frozenset[str]
    fresh: tuple[Task, ...]


RunEvent = (
    Submitted
    | Resumed
    | Lost
    | CacheAnswered
    | Admitted
    | Waits
    | AttemptEnded
    | Progressed
    | Pends
    | TimerDue
    | CancelAsked
    | PauseAsked
    | ResumeAsked
    | RetryAsked
)


@dataclass(frozen=True, slots=True)
class Consult:
    """Look the step up in the cache and answer with `CacheAnswered`."""

    step: str


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Ask for the step's resources; answered by `Admitted`."""

    step: str


@dataclass(frozen=True, slots=True)
class Release:
    """Give back the step's resources, or its place in the queue."""

    step: str


@dataclass(frozen=True, slots=True)
class Start:
    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Adopt:
    """Find out what became of an attempt of an earlier engine, and watch it."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Stop:
    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Wake:
    """Send `TimerDue` at a moment."""

    at: datetime
    step: str
    attempt: int
    kind: WakeKind


Instruction = Consult | Enqueue | Release | Start | Adopt | Stop | Wake
