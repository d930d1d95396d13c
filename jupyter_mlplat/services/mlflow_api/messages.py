"""Our documents as MLflow's messages, in the JSON form its server writes: numbers as numbers."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jupyter_mlplat.ports.tracking import Point, StoredFile
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.catalogue import DEFAULT_EXPERIMENT, Experiment
from jupyter_mlplat.resources.lineage import ModelVersion, RegisteredModel
from jupyter_mlplat.resources.run import Run, RunState
from jupyter_mlplat.resources.tracking import LoggedModel
from jupyter_mlplat.services.mlflow_api.paths import SCHEME, root_of

Message = dict[str, object]

DEFAULT_ID = "0"
"""What MLflow's clients call the experiment that is there from the start."""

_STATUSES: Mapping[RunState, str] = {
    RunState.PENDING: "SCHEDULED",
    RunState.SUCCEEDED: "FINISHED",
    RunState.FAILED: "FAILED",
    RunState.CANCELED: "KILLED",
}
_MODEL_STATUSES = {
    "pending": "LOGGED_MODEL_PENDING",
    "ready": "LOGGED_MODEL_READY",
    "failed": "LOGGED_MODEL_UPLOAD_FAILED",
}


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def pairs(facts: Mapping[str, str]) -> list[Message]:
    return [{"key": key, "value": value} for key, value in facts.items()]


def number(value: float) -> float | str:
    """Return a number as JSON can have it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def metric_message(point: Point, run_id: str | None = None) -> Message:
    message: Message = {
        "key": point.name,
        "value": number(point.value),
        "timestamp": round(point.logged_at * 1000),
        "step": point.position or 0,
    }
    return message if run_id is None else message | {"run_id": run_id}


def experiment_id(experiment: Experiment) -> str:
    return DEFAULT_ID if experiment.name == DEFAULT_EXPERIMENT else experiment.id


def experiment_message(experiment: Experiment, tags: Mapping[str, str]) -> Message:
    return {
        "experiment_id": experiment_id(experiment),
        "name": experiment.title,
        "artifact_location": f"{SCHEME}experiments/{experiment_id(experiment)}",
        "lifecycle_stage": "deleted" if experiment.archived else "active",
        "creation_time": milliseconds(experiment.created_at),
        "last_update_time": milliseconds(experiment.last_run_at or experiment.created_at),
        "tags": pairs(tags),
    }


@dataclass(frozen=True, slots=True)
class Told:
    """What code has told of a run, beside the run itself."""

    experiment_id: str
    points: Sequence[Point] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[JsonValue] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)  # logged model → step


def run_info(run: Run, told: Told) -> Message:
    info: Message = {
        "run_id": run.id,
        "run_uuid": run.id,
        "run_name": told.tags.get("mlflow.runName") or run.title or run.pipeline,
        "experiment_id": told.experiment_id,
        "user_id": told.tags.get("mlflow.user", ""),
        "status": _STATUSES.get(run.state, "RUNNING"),
        "start_time": milliseconds(run.started_at or run.created_at),
        "artifact_uri": root_of("runs", run.id),
        "lifecycle_stage": "deleted" if run.archived else "active",
    }
    if run.finished_at is not None:
        info["end_time"] = milliseconds(run.finished_at)
    return info


def run_message(run: Run, told: Told) -> Message:
    params = {name: as_text(value) for name, value in run.parameters.items()} | dict(told.params)
    tags = dict(run.tags) | dict(told.tags)
    tags.setdefault("mlflow.runName", run.title or run.pipeline)
    if run.note:
        tags.setdefault("mlflow.note.content", run.note)
    return {
        "info": run_info(run, told),
        "data": {
            "metrics": [metric_message(point) for point in told.points],
            "params": pairs(params),
            "tags": pairs(tags),
        },
        "inputs": {"dataset_inputs": list(told.inputs)},
        "outputs": {
            "model_outputs": [
                {"model_id": model, "step": int(step)} for model, step in told.outputs.items()
            ]
        },
    }


def as_text(value: JsonValue) -> str:
    """Spell a parameter's value as MLflow does: texts as they are."""
    return value if isinstance(value, str) else json.dumps(value)


def logged_model_message(
    model: LoggedModel,
    experiment: str,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    metrics: Iterable[Mapping[str, object]],
) -> Message:
    return {
        "info": {
            "model_id": model.id,
            "experiment_id": experiment,
            "name": model.name,
            "creation_timestamp_ms": milliseconds(model.created_at),
            "last_updated_timestamp_ms": milliseconds(model.updated_at),
            "artifact_uri": root_of("models", model.id),
            "status": _MODEL_STATUSES[model.status],
            "status_message": model.status_message,
            "model_type": model.model_type,
            "source_run_id": model.run_id or "",
            "tags": pairs(tags),
        },
        "data": {"params": pairs(params), "metrics": [dict(metric) for metric in metrics]},
    }


def version_message(version: ModelVersion, source: str, tags: Mapping[str, str]) -> Message:
    return {
        "name": version.model,
        "version": str(version.version),
        "creation_timestamp": milliseconds(version.created_at),
        "last_updated_timestamp": milliseconds(version.created_at),
        "current_stage": "None",
        "description": version.description,
        "source": source,
        "run_id": version.run_id or "",
        "status": "READY",
        "tags": pairs(tags),
        "aliases": list(version.aliases),
    }


def model_message(
    model: RegisteredModel, tags: Mapping[str, str], latest: Sequence[Message]
) -> Message:
    newest = model.versions[-1].created_at if model.versions else model.created_at
    return {
        "name": model.name,
        "creation_timestamp": milliseconds(model.created_at),
        "last_updated_timestamp": milliseconds(newest),
        "description": model.description,
        "latest_versions": list(latest),
        "tags": pairs(tags),
        "aliases": [
            {"alias": alias, "version": str(version)} for alias, version in model.aliases.items()
        ],
    }


def file_messages(files: Sequence[StoredFile], folder: str, *, whole: bool) -> list[Message]:
    """List what lies directly in a folder.

    Args:
        files: All below it.
        folder: Its path.
        whole: Whether paths begin at the owner's root, rather than at the folder.
    """
    start = len(folder) + 1 if folder else 0
    found: dict[str, Message] = {}
    for file in files:
        name, _, rest = file.path[start:].partition("/")
        path = file.path[:start] + name if whole else name
        if rest:
            found[name] = {"path": path, "is_dir": True}
        else:
            found[name] = {"path": path, "is_dir": False, "file_size": file.size_bytes}
    return [found[name] for name in sorted(found)]
