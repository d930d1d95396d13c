"""What a running step tells of itself, line by line, in its events file.

The file is written by the user's process: a line that cannot be understood is left out, it never
harms the run.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from jupyter_mlplat.kit.clock import from_unix, seconds_between
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.resources.run import CellRun, Metric
from jupyter_mlplat.resources.training import Checkpoint, Progress, RankStatus
from jupyter_mlplat.resources.tuning import Trial, TrialReport, TrialState

MODEL_TYPE = "system.Model"
_ARTIFACT_TYPE = "system.Artifact"
_DATASET_TYPE = "system.Dataset"
_TABLE_CODECS = frozenset({"arrow", "parquet"})
_OWN_FIELDS = frozenset({"t", "kind", "name", "digest", "size_bytes", "codec"})
_PROGRESS_BURST, _PROGRESS_A_SECOND = 20.0, 1.0
"""Each time is a commit and an event: a program that reports at every step must not write many."""
_PROGRESS = ("fraction", "remaining_s", "position", "message")
_PLACEHOLDER = "art-0000000000"  # an id is given when the artifact is written down


@dataclass(slots=True)
class Logged:
    """What the cells of an attempt have logged so far."""

    metrics: list[Metric] = field(default_factory=list)  # that are not written down yet
    latest: dict[str, float] = field(default_factory=dict)  # value of each metric
    artifacts: list[Artifact] = field(default_factory=list)
    links: list[tuple[Literal["input", "output"], str, str]] = field(default_factory=list)
    """To artifacts that are written down already: (kind, id, name)."""


@dataclass(slots=True)
class Activity:
    """What is known of an attempt that runs, grown line by line."""

    step: str
    cells: dict[str, CellRun]
    logged: Logged = field(default_factory=Logged)
    attempt: int = 0
    offset: int = 0  # bytes of the events file taken in so far
    trials: dict[int, Trial] = field(default_factory=dict)  # of this attempt, by number
    _changed: set[int] = field(default_factory=set)
    _reports: list[tuple[int, int, TrialReport]] = field(default_factory=list)
    _at: int = 0  # where the line stands that is being taken in
    progress: Progress | None = None
    ranks: dict[int, RankStatus] = field(default_factory=dict)
    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    _changed_ranks: dict[int, None] = field(default_factory=dict)
    _told_progress: Progress | None = None
    _told_at_s: float = 0.0
    _allowance: float = _PROGRESS_BURST

    @classmethod
    def of(cls, step: str, cells: Iterable[CellRun], attempt: int = 0) -> "Activity":
        return cls(step, {cell.id: cell for cell in cells}, attempt=attempt)

    def take(self, content: bytes) -> list[Metric]:
        """Take in what was appended to the file; returns the metrics that are new.

        A line that is not ended yet is left for the next time.
        """
        waiting = len(self.logged.metrics)
        end = content.rfind(b"\n") + 1
        self._at, self.offset = self.offset, self.offset + end
        lines = content[:end].split(b"\n")[:-1]
        for line, event in zip(lines, _read(lines), strict=True):
            if isinstance(event, dict):
                self._take_event(event)
            self._at += len(line) + 1
        return self.logged.metrics[waiting:]

    def drain(self) -> list[Metric]:
        """Hand over the metrics that are to be written down."""
        metrics, self.logged.metrics = self.logged.metrics, []
        return metrics

    def take_trials(self) -> tuple[list[Trial], list[tuple[int, int, TrialReport]]]:
        """Return trials that have changed since the last call, and what trials have told.

        Each report comes with its trial's number and a mark that no other of the step has.
        """
        changed = [self.trials[number] for number in sorted(self._changed)]
        reports, self._reports = self._reports, []
        self._changed.clear()
        return changed, reports

    def end_trials(self, at: datetime) -> None:
        """Mark trials as killed whose end nobody has told: the process they ran in is gone."""
        for trial in self.trials.values():
            if not trial.state.is_final:
                update = {
                    "state": TrialState.KILLED,
                    "failure": "The job's process ended before the trial did.",
                    "finished_at": at,
                }
                self._put_trial(trial.model_copy(update=update))

    def _take_event(self, event: Mapping[str, Any]) -> None:
        match event.get("kind"):
            case "cell-started" | "cell-finished":
                self._take_cell(event)
            case "metric":
                self._take_metric(event)
            case "trial":
                self._take_trial(event)
            case "report":
                self._take_report(event)
            case "model" | "artifact":
                self._take_artifact(event)
            case "progress":
                self._take_progress(event)
            case "rank":
                self._take_rank(event)
            case "checkpoint":
                self._take_checkpoint(event)
            case "input" | "output" as kind:
                name, artifact = event.get("name"), event.get("artifact_id")
                if isinstance(name, str) and isinstance(artifact, str):
                    self.logged.links.append((kind, artifact, name))

    def _take_cell(self, event: Mapping[str, Any]) -> None:
        cell = str(event.get("id"))
        if cell not in self.cells:
            return
        if event["kind"] == "cell-started":
            self.cells[cell] = CellRun(id=cell, state="running")
        else:
            self.cells[cell] = CellRun(
                id=cell,
                state="ok" if event.get("state", "ok") == "ok" else "error",
                duration_s=_finite(event.get("duration_s")),
            )

    def _take_metric(self, event: Mapping[str, Any]) -> None:
        name, value, position = event.get("name"), _finite(event.get("value")), event.get("step")
        if isinstance(name, str) and value is not None:
            self.logged.latest[name] = value
            self.logged.metrics.append(
                Metric.model_construct(  # all is checked: there may be a hundred thousand
                    name=name,
                    value=value,
                    step=self.step,
                    position=position if isinstance(position, int) else None,
                    logged_at=from_unix(_finite(event.get("t")) or 0.0),
                )
            )

    def _take_trial(self, event: Mapping[str, Any]) -> None:
        times = {
            name: from_unix(seconds)
            for name in ("started_at", "finished_at")
            if (seconds := _finite(event.get(name))) is not None
        }
        with suppress(ValueError, TypeError):
            self._put_trial(Trial.model_validate({**event, "started_at": None, **times}))

    def _put_trial(self, trial: Trial) -> None:
        if trial.started_at is not None and trial.finished_at is not None:
            duration = max(seconds_between(trial.started_at, trial.finished_at), 0.0)
            trial = trial.model_copy(update={"duration_s": duration})
        self.trials[trial.number] = trial
        self._changed.add(trial.number)

    def _take_report(self, event: Mapping[str, Any]) -> None:
        number, name, value = event.get("trial"), event.get("name"), _finite(event.get("value"))
        position = event.get("position")
        if isinstance(number, int) and isinstance(name, str) and value is not None:
            report = TrialReport(
                name=name,
                value=value,
                position=position if isinstance(position, int) else None,
                reported_at=from_unix(_finite(event.get("t")) or 0.0),
            )
            self._reports.append((number, (self.attempt << 44) + self._at, report))

    def progress_due(self, at_s: float) -> Progress | None:
        """Return how far it is, if that is to be written down now: at once, but not ever so often.

        Args:
            at_s: Of a clock that never goes back.
        """
        if self.progress == self._told_progress:
            return self._told_progress
        waited_s = at_s - self._told_at_s
        self._allowance = min(_PROGRESS_BURST, self._allowance + waited_s * _PROGRESS_A_SECOND)
        self._told_at_s = at_s
        if self._allowance >= 1:
            self._allowance -= 1
            self._told_progress = self.progress
        return self._told_progress

    def take_ranks(self) -> list[RankStatus]:
        """Return the ranks that have changed since this was asked last."""
        changed = [self.ranks[number] for number in self._changed_ranks]
        self._changed_ranks.clear()
        return changed

    def _take_progress(self, event: Mapping[str, Any]) -> None:
        """Take in how far it is; what is not said stays as it was said before."""
        told = {name: event[name] for name in _PROGRESS if event.get(name) not in (None, "")}
        before = self.progress.model_dump() if self.progress is not None else {}
        if "fraction" in told:
            before.pop("remaining_s", None)  # it was of then
        told["reported_at"] = from_unix(_finite(event.get("t")) or 0.0)
        with suppress(ValidationError):
            self.progress = Progress.model_validate({**before, **told})

    def _take_rank(self, event: Mapping[str, Any]) -> None:
        moments = ("started_at", "finished_at")
        said = {name: value for name, value in event.items() if name not in moments}
        for name in moments:
            if (seconds := _finite(event.get(name))) is not None:
                said[name] = from_unix(seconds)
        with suppress(ValidationError):
            rank = RankStatus.model_validate(said)
            self.ranks[rank.rank] = rank
            self._changed_ranks[rank.rank] = None

    def _take_checkpoint(self, event: Mapping[str, Any]) -> None:
        said = {name: event.get(name) for name in ("name", "position", "size_bytes")}
        said["created_at"] = from_unix(_finite(event.get("t")) or 0.0)
        with suppress(ValidationError):
            checkpoint = Checkpoint.model_validate(said)
            self.checkpoints[checkpoint.name] = checkpoint

    def _take_artifact(self, event: Mapping[str, Any]) -> None:
        if event["kind"] == "model":
            kind = MODEL_TYPE
        else:
            kind = _DATASET_TYPE if event.get("codec") in _TABLE_CODECS else _ARTIFACT_TYPE
        try:
            artifact = Artifact.model_validate(
                {
                    "id": _PLACEHOLDER,
                    "type": kind,
                    "name": event.get("name"),
                    "digest": event.get("digest"),
                    "size_bytes": event.get("size_bytes") or 0,
                    "codec": event.get("codec"),
                    "metadata": {key: event[key] for key in sorted(event.keys() - _OWN_FIELDS)},
                    "created_at": from_unix(_finite(event.get("t")) or 0.0),
                }
            )
        except (ValueError, TypeError):
            return
        self.logged.artifacts.append(artifact)


def _read(lines: Sequence[bytes]) -> list[Any]:
    """Return what each line says, None for one that cannot be understood.

    Read at once where all are sound, which takes half the time.
    """
    with suppress(ValueError):  # UnicodeDecodeError is one, too
        events = json.loads(b"[" + b",".join(lines) + b"]")
        if isinstance(events, list) and len(events) == len(lines):
            return events
    return [_read_one(line) for line in lines]


def _read_one(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _finite(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None
