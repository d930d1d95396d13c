"""Making work run somewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from jupyter_mlplat.config import THIS_MACHINE
from jupyter_mlplat.resources.pipeline import Resources
from jupyter_mlplat.resources.workflow import ExecutedAs

Kind = Literal["cells", "component"]
"""What an attempt runs: cells of a notebook, or a task of a KFP pipeline."""


@dataclass(frozen=True, slots=True)
class AttemptRef:
    """Names one attempt of one step of one run; `directory` is its attempt directory.

    `place` says which launcher is asked: that of this machine, or of a cluster.
    """

    run: str
    step: str
    attempt: int
    directory: Path
    place: str = field(default=THIS_MACHINE, compare=False)


@dataclass(frozen=True, slots=True)
class StartOrder:
    """What to start: `step.json` already lies in the attempt directory."""

    ref: AttemptRef
    python: str  # interpreter the step runs in
    preload: tuple[str, ...]  # installed modules a warm worker should have imported
    kernel: str | None  # run by papermill in this Jupyter kernel instead
    memory_bytes: int | None
    env: Mapping[str, str]
    log_limit_bytes: int = 100 << 20  # each of its logs is cut off there
    kind: Kind = "cells"
    executed_as: ExecutedAs | None = None  # what a component's process starts, where it does
    resources: Resources | None = None  # for a place that admits by itself
    nodes: int = 1  # of a train job: how many pods, where it runs in pods


Code = Literal[
    "ended",
    "killed",
    "out-of-memory",
    "exited",
    "revoked",
    "vanished",
    "not-started",
    # on a cluster
    "evicted",
    "preempted",
    "node-lost",
    "image",
    "unschedulable",
    "deadline",
    "refused",
]


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended.

    `result` is the parsed `result.json`, None where the process died without one. `reason` says
    what the operating system, or the cluster, knows then: killed by signal 9, out of memory (limit
    …), exited with status 3, revoked (never started), vanished (unknown after a restart).
    """

    ref: AttemptRef
    result: Mapping[str, Any] | None
    code: Code
    reason: str
    executed_as: ExecutedAs | None = None
    """None where it was never started, or by an earlier engine."""
    heaviest: int | None = None
    """Of those it had started, the process that held most when it was out of memory."""


class Launcher(Protocol):
    """Starts attempts and watches them.

    All methods are called from the engine's event loop and return at once unless they are
    coroutines. `on_end` is called exactly once for each attempt that was started or adopted and
    `on_activity` whenever its events file may have grown; both in the event loop. `on_wait` is
    called with the reason when an attempt that was started cannot run yet, and without one as soon
    as it runs; a launcher whose attempts run at once never calls it.
    """

    def bind(
        self,
        on_end: Callable[[Ended], None],
        on_activity: Callable[[AttemptRef], None],
        on_wait: Callable[[AttemptRef, str | None], None] = lambda *_: None,
    ) -> None:
        """Say who hears of ends, of new events and of waiting; before the first start."""

    async def prepare(self, python: str, preload: tuple[str, ...], kind: Kind = "cells") -> None:
        """Have a warm worker ready, if this launcher has such a thing. Never fails the caller."""

    async def start(self, order: StartOrder) -> None:
        """Start an attempt. A failure to start is reported through `on_end`, code `not-started`."""

    async def adopt(self, ref: AttemptRef) -> None:
        """Take over an attempt that an earlier engine started, whatever became of it.

        Ends in `on_end`: with its result if there is one; code `revoked` if it had not been claimed
        (then it never will run); code `vanished` or `killed` if it died unseen. If it is alive it
        is watched on.
        """

    async def cancel(self, ref: AttemptRef, grace_s: float = 5.0) -> None:
        """Stop it with its whole process group: SIGTERM, after the grace SIGKILL. Idempotent."""

    async def close(self) -> None:
        """Let go without stopping what runs: warm workers end, running attempts go on."""
