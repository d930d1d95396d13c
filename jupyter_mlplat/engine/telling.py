"""What a step says of itself through MLflow's API, written where all it says is written.

A line in the events file of the running attempt: so it is taken in, recorded and kept through any
death of the engine as what `log_metric` says, and belongs to the step's own execution.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlplat.engine.environments import Environment
from jupyter_mlplat.errors import Conflict
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.ports.tracking import Point
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.engine import Door
from jupyter_mlplat.resources.lineage import Artifact

TRACKING_URI, TRACKING_TOKEN = "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"


@dataclass(frozen=True, slots=True)
class StepPlace:
    """Who speaks: an attempt of a step, and in a tuning job which trial of it."""

    run: str
    step: str
    attempt: int
    trial: int | None = None

    @property
    def path(self) -> str:
        """The place as part of an address, such as `/in/run-01jd…/train/1`."""
        trial = "" if self.trial is None else f"/{self.trial}"
        return f"/in/{self.run}/{self.step}/{self.attempt}{trial}"


class StepTeller:
    """Writes lines into the events file of one attempt."""

    def __init__(self, home: Home, place: StepPlace) -> None:
        self._place = place
        folder = home.attempt(place.run, place.step, place.attempt)
        if place.trial is not None:  # its host looks there, and tells what it makes of it
            folder = folder / "trials" / str(place.trial)
        self._path = folder / "events.jsonl"

    def log(self, points: Sequence[Point]) -> None:
        """Say values of metrics."""
        self._write(
            {
                "t": point.logged_at,
                "kind": "metric",
                "name": point.name,
                "value": point.value,
                "step": point.position,
            }
            for point in points
        )

    def link(self, kind: Literal["input", "output"], artifact: Artifact) -> None:
        """Say that the step has read or made something that is written down already."""
        line = {"kind": kind, "artifact_id": artifact.id, "name": artifact.name}
        self._write([{"t": artifact.created_at.timestamp(), **line}])

    def _write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise Conflict(
                f"Cannot log to step {self._place.step!r}: it is not running any more."
            ) from error
        try:
            os.write(handle, content)  # at once: lines of the step itself come between, not within
        finally:
            os.close(handle)


def has_mlflow(environment: Environment) -> bool:
    """Tell whether code of an environment can `import mlflow`."""
    return not environment.distributions.keys().isdisjoint({"mlflow", "mlflow_skinny"})


def names_mlflow(document: Mapping[str, JsonValue]) -> bool:
    """Tell whether a part of a KFP pipeline imports mlflow, or has it installed."""
    return "mlflow" in json.dumps(document)


def wants_tracking(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether code is to track here: not where the user has a server of their own."""
    return TRACKING_URI not in environment


def variables_of(door: Door, place: StepPlace, experiment: str) -> dict[str, str]:
    """Return what a step needs in its environment for `import mlflow` to track into its run."""
    return {
        TRACKING_URI: door.host + place.path,
        TRACKING_TOKEN: door.token,
        "MLFLOW_RUN_ID": place.run,
        "MLFLOW_EXPERIMENT_NAME": experiment,
    }
