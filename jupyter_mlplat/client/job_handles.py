"""A train job in one's hands: watch it, pause it, take what it made."""

from collections.abc import Sequence
from dataclasses import replace

from jupyter_mlplat.client.documents import ModelVersion
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.following import Following
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.client.views import nouns
from jupyter_mlplat.client.views.view import Series, View
from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.resources import run as documents
from jupyter_mlplat.resources.run import Metric, RunState, Task
from jupyter_mlplat.resources.training import Checkpoint, Progress, RankStatus, TrainJobStatus

TAIL_LINES = 8
_TAIL_BYTES = 4096


class Job(Run):
    """A train or a tuning job: a run of one step, or such a step of a pipeline's run."""

    def __init__(
        self,
        client: EngineClient,
        document: documents.Run,
        series: tuple[Series, ...] = (),
        step: str | None = None,
    ) -> None:
        super().__init__(client, document, series)
        self.step = step or document.tasks[0].name
        self._metrics: tuple[Metric, ...] = ()
        self._tail = ""

    @property
    def task(self) -> Task:
        """Its step, as last heard from the engine."""
        return next(task for task in self._document.tasks if task.name == self.step)

    @property
    def progress(self) -> Progress | None:
        """What the code has last reported of itself."""
        return self.task.progress

    @property
    def is_paused(self) -> bool:
        return self.state is RunState.PAUSED

    def tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self._tail.splitlines()[-lines:])

    def measure(self) -> "Job":
        """Ask the engine for its metrics over time and the end of its log."""
        found = self._client.list_metrics(self.id)
        self._metrics = tuple(metric for metric in found if metric.step == self.step)
        if self.task.attempt:
            self._tail = _read_tail(self._client, self.id, self.step)
        return self

    def address(self) -> dict[str, str]:
        return {"run": self.id, "step": self.step}

    def _again(self) -> "Job":
        return type(self)(self._client, self._client.get_run(self.id), step=self.step).measure()

    def following(self) -> Following:
        return replace(super().following(), look=self._again)


class TrainJob(Job):
    """A distributed training run: what its processes do, what they report and leave."""

    _status: TrainJobStatus | None = None

    @property
    def status(self) -> TrainJobStatus:
        """Its ranks, conditions and checkpoints, as last heard from the engine."""
        if self._status is None:
            self._status = self._client.get_ranks(self.id, self.step)
        return self._status

    @property
    def ranks(self) -> tuple[RankStatus, ...]:
        return self.status.ranks

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """What a restart or `resume` may go on from, the newest last."""
        return self.status.checkpoints

    @property
    def progress(self) -> Progress | None:
        return super().progress or (self._status.progress if self._status else None)

    def refresh(self) -> "TrainJob":
        """Ask the engine how it is now."""
        super().refresh()
        self._status = None
        return self

    def wait(self, timeout_s: float | None = None, *, check: bool = False) -> "TrainJob":
        super().wait(timeout_s, check=check)
        self._status = None
        return self

    def logs(self, step: str | None = None, *, rank: int | None = None) -> str:
        """Return what the job wrote: rank 0 and all that is not a rank's, or one rank."""
        if rank is None:
            return super().logs(step or self.step)
        return self._client.read_rank_log(self.id, rank, step=self.step)

    def register(self, name: str, *, alias: str | Sequence[str] = ()) -> ModelVersion:
        """Make a model version of what it logged."""
        from jupyter_mlplat.client import api

        return api.register(name, self, alias=alias, home=self._client.home.root)

    def measure(self) -> "TrainJob":
        super().measure()
        self._status = self._client.get_ranks(self.id, self.step)
        return self

    def view(self) -> View:
        if self._status is None:
            self.measure()
        return nouns.view_train_job(
            self._document, self.task, self._status, self._metrics, self.tail()
        )


def _read_tail(client: EngineClient, run: str, step: str) -> str:
    """Return the end of what a step printed; of its errors, where it printed nothing."""
    segments = {"run": run, "step": step}
    for stream in ("stdout", "stderr"):
        try:
            with client.open("steps.log", segments, {"stream": stream, "limit": 0}) as answer:
                size = int(answer.headers.get("X-Log-Size") or 0)
            if size:
                offset = max(0, size - _TAIL_BYTES)
                written = client.read_step_log(run, step, stream, offset, _TAIL_BYTES)
                return written.decode(errors="replace")
        except PlatformError:
            return ""  # its first attempt has not written yet, or is gone
    return ""
