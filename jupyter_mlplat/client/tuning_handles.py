"""A tuning job in one's hands: its trials, the best of them, and that one run again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from jupyter_mlplat.client.documents import ModelVersion, Shown
from jupyter_mlplat.client.following import Action
from jupyter_mlplat.client.job_handles import Job, TrainJob
from jupyter_mlplat.client.job_requests import request_of_trial
from jupyter_mlplat.client.views import nouns
from jupyter_mlplat.client.views.view import View
from jupyter_mlplat.errors import NotFound
from jupyter_mlplat.resources.tuning import Trial, TrialDetail, TuningStatus

_TRIALS_SHOWN = 1000
_PAGE = 1000


class Trials(Shown, list[Trial]):
    """The trials of a tuning job, as a table."""

    def __init__(self, title: str, trials: Iterable[Trial], metric: str) -> None:
        super().__init__(trials)
        self._title, self._metric = title, metric

    def view(self) -> View:
        return nouns.view_trials(self._title, self, self._metric)

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame: a row a trial, its parameters and metrics as columns."""
        import pandas

        rows = [
            {
                "trial": trial.number,
                "state": trial.state.value,
                **trial.parameters,
                self._metric: trial.value,
                **{n: m.latest for n, m in trial.metrics.items() if n != self._metric},
                "duration_s": trial.duration_s,
            }
            for trial in self
        ]
        frame = pandas.DataFrame(rows)
        return frame.set_index("trial") if rows else frame


class TuningJob(Job):
    """A search for the best parameters: its trials, and the best so far."""

    _tuning: TuningStatus | None = None
    _rows: tuple[Trial, ...] | None = None

    @property
    def tuning(self) -> TuningStatus:
        """Counts, the best trial and what matters to it, as last heard from the engine."""
        if self._tuning is None:
            self._tuning = self._client.get_tuning(self.id, self.step)
        return self._tuning

    @property
    def trials(self) -> Trials:
        """Every trial, in the order they were suggested."""
        if self._rows is None:
            self._rows = self._list_trials()
        title = f"Trials of tuning job {self.number}"
        return Trials(title, self._rows, self.tuning.spec.objective.metric)

    @property
    def best(self) -> Trial | None:
        """The best trial so far; None until one has succeeded."""
        return self.tuning.best

    @property
    def best_parameters(self) -> dict[str, Any]:
        """The parameters of the best trial; empty until one has succeeded."""
        return dict(self.best.parameters) if self.best else {}

    @property
    def best_value(self) -> float | None:
        return self.best.value if self.best else None

    def trial(self, number: int) -> TrialDetail:
        """Return one trial with all that it has told and made."""
        return self._client.get_trial(self.id, number, self.step)

    def stop(self, trial: int | None = None) -> "TuningJob":
        """End one trial; without a number, make no more trials until `resume`."""
        if trial is None:
            self.pause()
        else:
            self._client.stop_trial(self.id, trial, self.step)
        return self.refresh()

    def logs(self, step: str | None = None, *, trial: int | None = None) -> str:
        """Return what the job wrote, or what one trial wrote."""
        if trial is None:
            return super().logs(step or self.step)
        return self._client.read_trial_log(self.id, trial, step=self.step)

    def register_best(self, name: str, *, alias: str | Sequence[str] = ()) -> ModelVersion:
        """Make a model version of what the best trial logged."""
        from jupyter_mlplat.client import api

        return api.register(name, self, alias=alias, home=self._client.home.root)

    def rerun_best(self, *, wait: bool = True) -> TrainJob:
        """Run the same code once more, with the parameters of the best trial.

        Raises:
            NotFound: No trial has succeeded yet.
            InvalidInput: What a trial runs can only be run by the tuning job itself.
        """
        best = self.best
        if best is None:
            raise NotFound(
                f"Cannot run the best trial of tuning job {self.number} again: none has succeeded."
            )
        pipeline = self._client.get_run_pipeline(self.id)
        step = pipeline.step(self.step)
        request = {
            **request_of_trial(pipeline, step, best.parameters, self.number),
            "experiment": self._document.experiment,
            "note": f"Trial {best.number} of tuning job {self.number}.",
        }
        job = TrainJob(self._client, self._client.train(request))
        return job.wait() if wait else job

    def refresh(self) -> "TuningJob":
        """Ask the engine how it is now."""
        super().refresh()
        self._tuning = self._rows = None
        return self

    def wait(self, timeout_s: float | None = None, *, check: bool = False) -> "TuningJob":
        super().wait(timeout_s, check=check)
        self._tuning = self._rows = None
        return self

    def measure(self) -> "TuningJob":
        super().measure()
        self._tuning = self._client.get_tuning(self.id, self.step)
        self._rows = self._list_trials(_TRIALS_SHOWN)
        return self

    def view(self) -> View:
        if self._rows is None or self._tuning is None:
            self.measure()
        return nouns.view_tuning_job(
            self._document, self.task, self._tuning, self._rows or (), self.tail()
        )

    def _actions(self) -> tuple[Action, ...]:
        actions = super()._actions()
        return tuple(
            replace(action, label="Stop") if action.name == "pause" else action
            for action in actions
        )

    def _list_trials(self, limit: int | None = None) -> tuple[Trial, ...]:
        found: list[Trial] = []
        after: str | None = None
        while True:
            page = self._client.list_trials(self.id, step=self.step, limit=_PAGE, after=after)
            found += page.trials
            after = page.next
            if after is None or (limit is not None and len(found) >= limit):
                return tuple(found)
