"""Registering, naming and deleting model versions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from pydantic import ValidationError

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.ports.metadata import MetadataStore, NewEvent
from jupyter_mlplat.resources.lineage import (
    Artifact,
    Execution,
    ModelFormat,
    ModelSignature,
    ModelVersion,
    RegisteredModel,
)
from jupyter_mlplat.resources.registry import ModelChange, ModelImpact, RegisterRequest
from jupyter_mlplat.resources.run import Run
from jupyter_mlplat.services.jobs.tuning import best_trial
from jupyter_mlplat.services.registry.impact import check_allowed, impact_of
from jupyter_mlplat.services.registry.references import ALIAS_PATTERN, Reference, find_version

MODEL_TYPE = "system.Model"
_FORMATS = get_args(ModelFormat)


@dataclass(frozen=True, slots=True)
class Registry:
    """The registered models."""

    store: MetadataStore

    def register(self, request: RegisterRequest, now: datetime, by: str = "") -> ModelVersion:
        """Make the next version of a model out of a logged one.

        What the request leaves open is taken from what was logged: format, signature, example.

        Raises:
            InvalidInput: The artifact is no model, or nothing says its format.
            NotFound: There is no such artifact, run or logged model.
        """
        artifact = self._logged(request)
        logged = artifact.metadata
        maker = self._maker(artifact, request.run_id)
        version = ModelVersion(
            model=request.model,
            version=1,  # the store gives it the next one
            artifact_id=artifact.id,
            format=_format(request, artifact),
            signature=request.signature or _signature(artifact),
            metrics=_metrics(logged.get("metrics")),
            run_id=request.run_id if maker is None else maker.run_id,
            step=None if maker is None else maker.name,
            aliases=request.aliases,
            description=request.description,
            input_example=logged.get("input_example")
            if request.input_example is None
            else request.input_example,
            created_at=now,
        )
        return self.store.add_model_version(version, [_updated(request.model)], by)

    def resolve(self, reference: str) -> ModelVersion:
        """Return the version that `NAME`, `NAME@alias` or `NAME/version` means.

        Raises:
            InvalidInput: It is no reference.
            NotFound: There is no such model, alias or version.
        """
        return find_version(self.store, Reference.parse(reference))

    def get_model(self, model: str) -> RegisteredModel:
        return self.store.get_model(model)

    def get_version(self, model: str, version: int) -> ModelVersion:
        return find_version(self.store, Reference(model, version=version))

    def list_models(self) -> Sequence[RegisteredModel]:
        return self.store.list_models()

    def set_alias(
        self, model: str, alias: str, version: int | None, by: str = ""
    ) -> RegisteredModel:
        """Point an alias at a version; None removes it.

        Raises:
            InvalidInput: The alias is not well formed.
            NotFound: There is no such model or version.
        """
        if not re.fullmatch(ALIAS_PATTERN, alias):
            raise InvalidInput(
                f"Cannot use {alias!r} as an alias: it begins with a lower-case letter and goes on "
                "with letters, digits, '-' and '_', at most 63 of them. Choose another."
            )
        return self.store.set_alias(model, alias, version, [_updated(model)], by)

    def describe(self, model: str, description: str, by: str = "") -> RegisteredModel:
        """Change what is said of a model.

        Raises:
            NotFound: There is no such model.
        """
        return self.store.describe_model(model, description, [_updated(model)], by)

    def history(self, model: str, limit: int) -> Sequence[ModelChange]:
        """Return the newest changes of a model, newest first.

        Raises:
            NotFound: There is no such model.
        """
        return self.store.model_history(model, limit)

    def impact(self, model: str, version: int | None = None) -> ModelImpact:
        """Tell what would break if a model, or one version of it, were deleted.

        Raises:
            NotFound: There is no such model or version.
        """
        if version is not None:
            self.get_version(model, version)
        endpoints = [endpoint for endpoint, _ in self.store.list_endpoints()]
        return impact_of(self.store.get_model(model), version, endpoints)

    def delete_version(
        self, model: str, version: int, by: str = "", *, force: bool = False
    ) -> RegisteredModel:
        """Delete one version; what it was made of stays as long as its run.

        With `force`, the aliases that point at it go too, and revisions without traffic break.

        Raises:
            Conflict: An endpoint sends it traffic, or something else would break without `force`.
            NotFound: There is no such model or version.
        """
        check_allowed(self.impact(model, version), force)
        return self.store.delete_model_version(model, version, [_updated(model)], by)

    def delete(self, model: str, *, force: bool = False) -> None:
        """Delete a model with its versions and aliases; the artifacts stay as long as their runs.

        With `force`, also if revisions without traffic would break.

        Raises:
            Conflict: Endpoints serve it, and would not come back after a restart.
            NotFound: There is no such model.
        """
        check_allowed(self.impact(model), force)
        self.store.delete_model(model, [NewEvent("model.deleted", model, {"model": model})])

    def _logged(self, request: RegisterRequest) -> Artifact:
        if request.artifact_id is not None:
            artifact = self.store.get_artifact(request.artifact_id)
            if artifact.type != MODEL_TYPE:
                raise InvalidInput(
                    f"Cannot register artifact {artifact.id!r} ({artifact.name!r}): its type is "
                    f"{artifact.type!r}, needed is {MODEL_TYPE!r}. Log it with mlplat.log_model.",
                    artifact_id=artifact.id,
                )
            return artifact
        if request.run_id is None:
            raise InvalidInput(
                f"Cannot register model {request.model!r}: the request names neither an "
                "artifact nor a run. Give 'artifact_id', or 'run_id' and 'logged_as'."
            )
        return self._logged_by_run(request.run_id, request.logged_as)

    def _logged_by_run(self, run_id: str, name: str | None) -> Artifact:
        run = self.store.get_run(run_id)
        models = self._of_best_trial(run, self.store.artifacts_of_run(run.id, MODEL_TYPE))
        named = [model for model in models if name is None or model.name == name]
        names = sorted({model.name for model in models})
        if not named:
            raise NotFound(
                f"Cannot register a model of run {run.number}: it logged "
                + (f"none as {name!r}, only {names!r}." if names else "none.")
                + " Log one in a cell with mlplat.log_model(model, 'name').",
                run_id=run.id,
                logged=names,
            )
        if name is None and len(names) > 1:
            raise InvalidInput(
                f"Cannot choose a model of run {run.number}: it logged {names!r}. Give "
                "'logged_as'.",
                run_id=run.id,
                logged=names,
            )
        return named[-1]

    def _of_best_trial(self, run: Run, models: Sequence[Artifact]) -> Sequence[Artifact]:
        """Leave out the models of all trials but the best, where some were logged in trials."""
        if all("trial" not in model.metadata for model in models):
            return models
        tuned = [step for step in self.store.pipeline_of(run.id).steps if step.tune is not None]
        best = [
            trial.number
            for step in tuned
            if step.tune and (trial := best_trial(self.store, run.id, step.name, step.tune))
        ]
        return [model for model in models if model.metadata.get("trial") in (None, *best)]

    def _maker(self, artifact: Artifact, run_id: str | None) -> Execution | None:
        """Return what made the artifact, in the run asked for if several runs made it alike."""
        makers = self.store.lineage(artifact.id, "upstream", depth=1).executions
        of_run = [maker for maker in makers if maker.run_id == run_id]
        return next(iter(of_run or makers), None)


def _format(request: RegisterRequest, artifact: Artifact) -> ModelFormat:
    found: Any = request.format or artifact.metadata.get("format")
    if found not in _FORMATS:
        raise InvalidInput(
            f"Cannot register artifact {artifact.name!r} as model {request.model!r}: its format is "
            f"{found!r}, known are {list(_FORMATS)!r}. Give 'format'.",
            artifact_id=artifact.id,
        )
    return found  # type: ignore[no-any-return]


def _signature(artifact: Artifact) -> ModelSignature:
    logged = artifact.metadata.get("signature")
    if logged is None:
        return ModelSignature()
    try:
        return ModelSignature.model_validate(logged)
    except ValidationError as error:
        raise InvalidInput(
            f"Cannot register model {artifact.name!r}: its signature is not well formed "
            f"({error.errors()[0]['msg']}). Log it again, or give 'signature'.",
            artifact_id=artifact.id,
        ) from error


def _metrics(logged: Any) -> dict[str, float]:
    if not isinstance(logged, dict):
        return {}
    return {
        name: float(value)
        for name, value in logged.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _updated(model: str) -> NewEvent:
    return NewEvent("model.updated", model, {"model": model})
