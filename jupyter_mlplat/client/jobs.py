"""The part of the engine's API that is about train and tuning jobs."""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlplat.client.schedules import ScheduleLink

if TYPE_CHECKING:
    from jupyter_mlplat.resources.run import Run
    from jupyter_mlplat.resources.training import TrainJobStatus, TrainRuntime
    from jupyter_mlplat.resources.tuning import Trial, TrialDetail, TrialPage, TuningStatus

_IMPORTANCE_S = 20


class JobLink(ScheduleLink):
    """What jobs can be asked, as methods; `request` is a `TrainRequest` or `TuneRequest` as JSON.

    A call that broke off is repeated with the same idempotency key: one job.
    """

    def train(self, request: Mapping[str, Any], idempotency_key: str | None = None) -> "Run":
        """Begin a train job."""
        return self._begin("jobs.train", request, idempotency_key)

    def tune(self, request: Mapping[str, Any], idempotency_key: str | None = None) -> "Run":
        """Begin a tuning job."""
        return self._begin("jobs.tune", request, idempotency_key)

    def get_ranks(self, run: str | int, step: str | None = None) -> "TrainJobStatus":
        """Say how a train job is doing: its ranks, checkpoints and conditions."""
        from jupyter_mlplat.resources.training import TrainJobStatus

        content = self.fetch("runs.ranks", {"run": run}, {"step": step})
        return TrainJobStatus.model_validate_json(content)

    def read_rank_log(
        self, run: str | int, rank: int, *, step: str | None = None, stream: str | None = None
    ) -> str:
        """Return what a rank wrote; `stream` is stdout or stderr, both by default."""
        query = {"step": step, "stream": stream}
        content = self.fetch("runs.rank_log", {"run": run, "rank": rank}, query)
        return content.decode("utf-8", "replace")

    def list_train_runtimes(self) -> "tuple[TrainRuntime, ...]":
        """Return the runtimes that a train job may name."""
        from jupyter_mlplat.resources.training import TrainRuntimeList

        content = self.fetch("train_runtimes.list")
        return TrainRuntimeList.model_validate_json(content).runtimes

    def get_tuning(self, run: str | int, step: str | None = None) -> "TuningStatus":
        """Say how a tuning job stands; waits for the importance of parameters, once it is over."""
        from jupyter_mlplat.resources.tuning import TuningStatus

        content = self.fetch("runs.tuning", {"run": run}, {"step": step, "wait": _IMPORTANCE_S})
        return TuningStatus.model_validate_json(content)

    def list_trials(
        self,
        run: str | int,
        *,
        step: str | None = None,
        state: str | None = None,
        sort: str | None = None,
        order: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> "TrialPage":
        """Return a page of trials; `sort` is number, value or duration."""
        from jupyter_mlplat.resources.tuning import TrialPage

        query = {
            "step": step,
            "state": state,
            "sort": sort,
            "order": order,
            "limit": limit,
            "after": after,
        }
        return TrialPage.model_validate_json(self.fetch("runs.trials", {"run": run}, query))

    def get_trial(self, run: str | int, trial: int, step: str | None = None) -> "TrialDetail":
        """Return a trial with all that it has told and made."""
        from jupyter_mlplat.resources.tuning import TrialDetail

        segments = {"run": run, "trial": trial}
        content = self.fetch("runs.trial", segments, {"step": step})
        return TrialDetail.model_validate_json(content)

    def read_trial_log(
        self, run: str | int, trial: int, *, step: str | None = None, stream: str | None = None
    ) -> str:
        """Return what a trial wrote; `stream` is stdout or stderr, both by default."""
        query = {"step": step, "stream": stream}
        content = self.fetch("runs.trial_log", {"run": run, "trial": trial}, query)
        return content.decode("utf-8", "replace")

    def stop_trial(self, run: str | int, trial: int, step: str | None = None) -> "Trial":
        """Ask for the end of a trial that runs; the job goes on with others."""
        from jupyter_mlplat.resources.tuning import Trial

        segments = {"run": run, "trial": trial}
        content = self.fetch("runs.stop_trial", segments, {"step": step}, body={})
        return Trial.model_validate_json(content)

    def _begin(self, route: str, request: Mapping[str, Any], key: str | None) -> "Run":
        from jupyter_mlplat.resources.run import Run

        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        content = self.fetch(route, body=dict(request), headers=headers)
        return Run.model_validate_json(content)
