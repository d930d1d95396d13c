"""What the end of an attempt means: what the child wrote or the system knows, as an outcome."""

import errno
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, ValidationError

from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.launcher import Ended
from jupyter_mlplat.resources.base import Digest, JsonValue, Resource
from jupyter_mlplat.resources.run import CellRun, Failure
from jupyter_mlplat.resources.training import RankStatus
from jupyter_mlplat.resources.workflow import ArtifactValue, Values
from jupyter_mlplat.services.pipelines.messages import Failed, NeverRan, Succeeded
from jupyter_mlplat.services.workflows.values import normal

Outcome = Succeeded | Failed | NeverRan

_ADVICE = {
    "killed": "Something outside the run ended it, or a library crashed; its log may say more.",
    "out-of-memory": "Give the step more memory, or let it hold less at a time.",
    "exited": "A cell or a library ended the process itself (os._exit, for example).",
    "vanished": "The machine or the process was stopped while the engine was down. Retry the run.",
    "not-started": "Check the interpreter or kernel that is set for the step.",
    "evicted": "Retry the run; if it comes again, let the step ask for the memory it needs.",
    "preempted": "Retry the run, or set retries for the step: then it goes on by itself.",
    "node-lost": "Retry the run, or set retries for the step: then it goes on by itself.",
    "image": "Correct the image in the engine's settings, or the secret it is pulled with.",
    "unschedulable": "Ask for less, or have the cluster give more; then retry the run.",
    "deadline": "Give the step a longer time-out, or let it do less.",
    "refused": "Ask for less, or whoever administers the cluster to allow it; then retry the run.",
}


def outcome_of(
    ended: Ended,
    cells: tuple[CellRun, ...],
    is_disk_full: bool = False,
    ranks: Iterable[RankStatus] = (),
) -> Outcome:
    """Say how an attempt ended; `cells` and `ranks` are as they were last seen.

    A process that ends without a result on a full disk most likely could not write it.
    """
    if ended.code == "revoked":
        return NeverRan()
    if ended.result is None:
        failure = _death(ended, cells, ranks)
        if is_disk_full and ended.code in ("exited", "not-started"):
            message = (
                f"Step {ended.ref.step!r} did not finish: {ended.reason}, and the disk is full. "
                "Free some space, then retry the run."
            )
            failure = failure.model_copy(update={"code": "disk-full", "message": message})
        return Failed(failure)
    if ended.result.get("state") == "succeeded":
        return _success(ended.ref.step, ended.result)
    error = ended.result.get("error")
    return Failed(failure_of(ended.ref.step, error if isinstance(error, Mapping) else {}))


class _Value(Resource):
    """What a step says of one value it saved."""

    digest: Digest
    type: str = ""
    codec: str = ""
    size_bytes: int = 0
    preview: str = ""


class _Artifact(Resource):
    """What a task of a KFP pipeline says of one artifact."""

    name: str = ""
    type: str
    uri: str
    metadata: dict[str, JsonValue] = Field(default={})
    digest: Digest | None = None
    size_bytes: int | None = None
    is_folder: bool = False
    custom_path: str | None = None


class _Results(Resource):
    """What a task of a KFP pipeline says it has made."""

    parameters: dict[str, JsonValue] = Field(default={})
    artifacts: dict[str, tuple[_Artifact, ...]] = Field(default={})

    def values(self) -> Values:
        """Return it with an id for each artifact."""
        artifacts = {
            name: tuple(_named(name, artifact) for artifact in made)
            for name, made in self.artifacts.items()
        }
        parameters = {name: normal(value) for name, value in self.parameters.items()}
        return Values(parameters=parameters, artifacts=artifacts)


def _named(output: str, made: _Artifact) -> ArtifactValue:
    """Give an artifact its id, which is its name as well unless the task has named it itself."""
    new = new_id("art")
    named = made.name if made.name and made.name != output else new
    return ArtifactValue(**{**dict(made), "name": named}, artifact_id=new)


class _Success(Resource):
    """What a step that succeeded says. The user's process wrote it, so it is checked."""

    bundle: Digest | None = None
    outputs: dict[str, _Value] = Field(default={})
    unbound: tuple[str, ...] = ()
    not_kept: dict[str, str] = Field(default={})
    metrics: dict[str, float] = Field(default={})
    results: _Results | None = None


def _success(step: str, result: Mapping[str, Any]) -> Outcome:
    try:
        success = _Success.model_validate(result)
        results = success.results.values() if success.results is not None else None
        return Succeeded(success.bundle, success.not_kept, results)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        return Failed(
            Failure(
                code="bad-result",
                message=f"Step {step!r} ended, but its result cannot be read: {place}: "
                f"{fault['msg']}. A cell must have written over it; run the step again.",
                step=step,
            )
        )


def _death(ended: Ended, cells: tuple[CellRun, ...], ranks: Iterable[RankStatus]) -> Failure:
    at_work = next((cell for cell in cells if cell.state == "running"), None)
    verb = "could not be started" if ended.code == "not-started" else "did not finish"
    who = f"Step {ended.ref.step!r}"
    if ended.heaviest is not None:
        culprit = next((rank for rank in ranks if rank.pid == ended.heaviest), None)
        who = f"Rank {culprit.rank} (node {culprit.node}) of step {who[5:]}" if culprit else who
    return Failure(
        code=ended.code,
        message=f"{who} {verb}: {ended.reason}. {_ADVICE.get(ended.code, '')}",
        step=ended.ref.step,
        cell=at_work.id if at_work else None,
    )


def not_started(step: str, error: Exception) -> Failure:
    """Say why an attempt could not even be prepared."""
    if isinstance(error, PlatformError):
        return Failure(code=error.code, message=error.message, step=step)
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if is_full:
        message = (
            f"Step {step!r} could not be started: the disk is full. Free some space and retry."
        )
    else:
        message = f"Step {step!r} could not be started: {error}"
    return Failure(code="disk-full" if is_full else "not-started", message=message, step=step)


def failure_of(step: str, error: Mapping[str, Any]) -> Failure:
    """Take over what the child says of its failure; it is not to be trusted to be well-formed."""
    return Failure(
        code=_text(error.get("code")) or "cell-error",
        message=_text(error.get("message")) or f"Step {step!r} failed and gave no reason.",
        step=step,
        cell=_text(error.get("cell")),
        cell_index=_number(error.get("cell_index")),
        line=_number(error.get("line")),
        error_name=_text(error.get("name")),
        error_value=_text(error.get("value")),
        traceback=_texts(error.get("traceback")),
        changes=_texts(error.get("changes")),
        reads=_texts(error.get("reads")),
        ties=_texts(error.get("ties")),
    )


def notes_of(result: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return what a task says was not honoured."""
    return _texts((result or {}).get("notes"))


def cells_of(result: Mapping[str, Any] | None, before: tuple[CellRun, ...]) -> tuple[CellRun, ...]:
    """Return how the cells went, in the step's order; what the result does not name stays."""
    reported: dict[str, CellRun] = {}
    for cell in (result or {}).get("cells") or ():
        if isinstance(cell, Mapping) and cell.get("state") in ("ok", "error"):
            duration = cell.get("duration_s")
            reported[str(cell.get("id"))] = CellRun(
                id=str(cell.get("id")),
                state=cell["state"],
                duration_s=float(duration) if isinstance(duration, int | float) else None,
            )
    return tuple(reported.get(cell.id, cell) for cell in before)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
