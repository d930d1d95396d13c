"""Trials as their host knows them: how each stands, and what counts of all of them."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any

from .collectors import collector_of
from .failures import StepFailed
from .observing import Observations, is_better, reaches

_HOPELESS = 10
"""A job without any limit is given up after so many trials of which none succeeded."""


class Trial:
    """One trial, as its host knows it."""

    def __init__(self, suggested: Mapping[str, Any], objective: Mapping[str, Any]) -> None:
        self.number: int = suggested["number"]
        self.parameters: dict[str, Any] = suggested["parameters"]
        self.label: dict[str, Any] = suggested.get("label") or {}
        self.state = "Pending"
        self.seen = Observations(objective)
        self.reports: list[dict[str, Any]] = []
        self.failure: str | None = None
        self.started_at: float | None = None
        self.finished_at: float | None = None
        self.folder = ""
        self.slot = 0
        self.pid = 0
        self.tries = 0
        self.line: socket.socket | None = None  # it asks there whether it is to go on
        self.offset = 0  # of its events
        self.collector = collector_of({}, objective, "")
        self.result: dict[str, Any] = {}
        self.made: list[dict[str, Any]] = []  # models and files it has logged
        self.bar: float | None = None  # the best value when it began
        self.asks = False
        self.ending: str | None = None  # the state it is to end in, once it was told to end
        self.killed_at: float | None = None  # when patience ends

    @classmethod
    def of(cls, known: Mapping[str, Any], objective: Mapping[str, Any]) -> Trial:
        """Take up a trial of an earlier attempt."""
        trial = cls(known, objective)
        trial.state, trial.failure = known["state"], known.get("failure")
        trial.seen.metrics.update(known.get("metrics") or {})
        trial.reports = list(known.get("reports") or ())
        trial.folder = known.get("folder") or ""
        return trial

    def begin_again(self) -> None:
        """Forget what a try has told that failed; its folder and its checkpoints stay."""
        self.seen = Observations(self.seen.asked)
        self.reports, self.made, self.result = [], [], {}
        self.asks = False

    @property
    def value(self) -> float | None:
        return self.seen.value

    @property
    def is_final(self) -> bool:
        return self.state not in ("Pending", "Running")

    def to_json(self) -> dict[str, Any]:
        """Return what the events tell of it."""
        return {
            "number": self.number,
            "state": self.state,
            "parameters": self.parameters,
            "value": self.value,
            "metrics": self.seen.metrics,
            "label": self.label,
            "failure": self.failure,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }

    def end_of(self, order: Mapping[str, Any]) -> tuple[str, str | None]:
        """Say how a trial ends that has done its work: by what is known of its objective."""
        metric = self.seen.objective
        if metric in self.seen.strange:
            said = self.seen.strange[metric]
            return "Failed", f"Its objective {metric!r} is {said}: a finite number is needed."
        if self.value is None and (order["tune"].get("collector") or {}).get("kind") != "none":
            return "MetricsUnavailable", self._why_unavailable(order, metric)
        return "Succeeded", None

    def _why_unavailable(self, order: Mapping[str, Any], metric: str) -> str:
        looked = ["what it logged (mlplat.log_metric, mlplat.train.report)"]
        program = order.get("program") or {}
        if program.get("function"):
            looked.append("what the function returned (a number, or numbers by name)")
        elif not program.get("command") and order.get("whole") is None:
            looked.append(f"a name {metric!r} after its cells")
        if self.collector.where:
            looked.append(self.collector.where)
        found = ", ".join(sorted(self.seen.metrics)) or "nothing"
        return (
            f"It ended without a value of {metric!r}. Looked at: {'; '.join(looked)}. Found: "
            f"{found}."
        )


class Table:
    """All trials of a step, and what counts of them."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self.spec: Mapping[str, Any] = order["tune"]
        self.objective: Mapping[str, Any] = self.spec["objective"]
        self.direction: str = self.objective.get("direction", "maximize")
        self.trials: dict[int, Trial] = {}
        self.best: Trial | None = None
        self.killed = 0
        self.failed = 0
        self.ended = 0  # without the killed
        self.last_failed: Trial | None = None
        for known in order.get("trials") or ():
            self.add(Trial.of(known, self.objective))
        self._began_at, self._ended_before = time.time(), self.ended

    def add(self, trial: Trial) -> None:
        """Take a trial in as it begins, and once more when it has ended."""
        self.trials[trial.number] = trial
        self.killed += trial.state == "Killed"
        self.ended += trial.is_final and trial.state != "Killed"
        if trial.state in ("Failed", "MetricsUnavailable"):
            self.failed += 1
            self.last_failed = trial
        if trial.state == "Succeeded" and is_better(
            trial.value, self.best.value if self.best else None, self.direction
        ):
            self.best = trial

    def to_json(self) -> list[dict[str, Any]]:
        """Return the table as the tuner takes it."""
        return [{**trial.to_json(), "reports": trial.reports} for trial in self.trials.values()]

    @property
    def left(self) -> int | None:
        """How many trials may still be begun; None: any number. Killed ones do not count."""
        most = self.spec.get("trials")
        return None if most is None else max(0, most - len(self.trials) + self.killed)

    @property
    def progress(self) -> dict[str, Any]:
        """How far the job is, as its `progress` event says it."""
        most = self.spec.get("trials")
        ended = self.ended
        shown = f"{ended} of {most} trials" if most else f"{ended} trials"
        if self.best is not None and self.best.value is not None:
            shown += f", best {self.objective['metric']} {self.best.value:g}"
        fraction = min(1.0, ended / most) if most else None
        took, now = time.time() - self._began_at, ended - self._ended_before
        remaining = took / now * max(0, most - ended) if most and now else None
        return {
            "fraction": fraction,
            "remaining_s": remaining,
            "position": ended,
            "message": shown,
        }

    @property
    def has_reached_goal(self) -> bool:
        value = self.best.value if self.best else None
        return reaches(value, self.objective.get("goal"), self.direction)

    def refuse_failures(self) -> None:
        """Give up when too many trials have failed.

        Raises:
            StepFailed: They have.
        """
        allowed, last = self.spec.get("failures"), self.last_failed
        if last is None:
            return
        shown = f"The last one, trial {last.number}: {last.failure}"
        if allowed is not None and self.failed > allowed:
            raise StepFailed(
                "too-many-failures",
                f"{self.failed} of {len(self.trials)} trials have failed, more than the {allowed} "
                f"that may. {shown}",
            )
        is_endless = allowed is None and self.spec.get("trials") is None
        if is_endless and self.failed >= _HOPELESS and self.best is None:
            raise StepFailed(
                "too-many-failures",
                f"{self.failed} trials have failed and none has succeeded. {shown}",
            )

    def refuse_worker(self, how: str) -> None:
        """Give up where not a trial but what runs them has failed.

        Raises:
            StepFailed: Always.
        """
        raise StepFailed(
            "internal", f"The process that runs the trials {how}. The step's log says more."
        )

    def refuse_nothing(self) -> None:
        """Refuse to end well without a single trial that did.

        Raises:
            StepFailed: There is none.
        """
        states = {trial.state for trial in self.trials.values()}
        if states & {"Succeeded", "EarlyStopped"}:
            return
        last = f" The last one: {self.last_failed.failure}" if self.last_failed else ""
        raise StepFailed(
            "no-trial-succeeded",
            f"None of {len(self.trials)} trials has succeeded.{last}",
        )
