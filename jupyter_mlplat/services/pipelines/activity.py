"""What a running step tells of itself, line by line, in its events file.

The file is written by the user's process: a line that cannot be understood is left out, it never
harms the run.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlplat.kit.clock import from_unix
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.resources.run import CellRun, Metric

MODEL_TYPE = "system.Model"
_ARTIFACT_TYPE = "system.Artifact"
_DATASET_TYPE = "system.Dataset"
_TABLE_CODECS = frozenset({"arrow", "parquet"})
_OWN_FIELDS = frozenset({"t", "kind", "name", "digest", "size_bytes", "codec"})
_PLACEHOLDER = "art-0000000000"  # an id is given when the artifact is written down


@dataclass(slots=True)
class Logged:
    """What the cells of an attempt have logged so far."""

    metrics: list[Metric] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)


@dataclass(slots=True)
class Activity:
    """What is known of an attempt that runs, grown line by line."""

    step: str
    cells: dict[str, CellRun]
    logged: Logged = field(default_factory=Logged)
    offset: int = 0  # bytes of the events file taken in so far

    @classmethod
    def of(cls, step: str, cells: Iterable[CellRun]) -> "Activity":
        return cls(step, {cell.id: cell for cell in cells})

    def take(self, content: bytes) -> list[Metric]:
        """Take in what was appended to the file; returns the metrics that are new.

        A line that is not ended yet is left for the next time.
        """
        known = len(self.logged.metrics)
        end = content.rfind(b"\n") + 1
        self.offset += end
        for line in content[:end].splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # UnicodeDecodeError is one, too
                continue
            if isinstance(event, dict):
                self._take_event(event)
        return self.logged.metrics[known:]

    def _take_event(self, event: Mapping[str, Any]) -> None:
        match event.get("kind"):
            case "cell-started" | "cell-finished":
                self._take_cell(event)
            case "metric":
                self._take_metric(event)
            case "model" | "artifact":
                self._take_artifact(event)

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
            self.logged.metrics.append(
                Metric(
                    name=name,
                    value=value,
                    step=self.step,
                    position=position if isinstance(position, int) else None,
                    logged_at=from_unix(_finite(event.get("t")) or 0.0),
                )
            )

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


def _finite(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None
