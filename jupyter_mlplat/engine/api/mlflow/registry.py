"""Registered models and their versions: ours, under MLflow's names for what can be done to them."""

import re
from collections.abc import Mapping, Sequence
from functools import partial

from jupyter_mlplat.engine.api.mlflow.calls import Call, page
from jupyter_mlplat.engine.api.mlflow.logged_models import artifact_of
from jupyter_mlplat.errors import Conflict, InvalidInput, NotFound, Unsupported
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.ports.tracking import Side, Value
from jupyter_mlplat.resources.base import NAME_PATTERN
from jupyter_mlplat.resources.lineage import ModelVersion, RegisteredModel
from jupyter_mlplat.resources.registry import RegisterRequest
from jupyter_mlplat.services.mlflow_api.filters import keep, parse, parse_order
from jupyter_mlplat.services.mlflow_api.given import checked_key, checked_value
from jupyter_mlplat.services.mlflow_api.messages import (
    Message,
    milliseconds,
    model_message,
    version_message,
)
from jupyter_mlplat.services.mlflow_api.paths import place_of_uri

_MOST_MODELS, _MOST_VERSIONS = 1000, 200_000
_LONGEST_DESCRIPTION = 20_000
_UNSET = {"mlflow.prompt.is_prompt": "false"}
"""MLflow keeps prompts among the models; its client asks for those that are none."""
_STAGES = ("None", "Staging", "Production", "Archived")


async def create(call: Call) -> Message:
    name = _name(call.given.text("name"))
    description = call.given.find("description") or ""
    tags = call.given.pairs("tags")
    model = RegisteredModel(name=name, description=description, created_at=utc_now())
    await call.engine.write(call.engine.store.create_model, model)
    await call.engine.read(call.engine.store.put_facts, _owner(name), "tag", tags)
    call.engine.publish("model.updated", name, {"model": name})
    return {"registered_model": await _model_message(call, name)}


async def get(call: Call) -> Message:
    return {"registered_model": await _model_message(call, call.given.text("name"))}


async def rename(call: Call) -> Message:
    raise Unsupported(
        f"Cannot rename model {call.given.text('name')!r}: endpoints and lineage refer to it by "
        "its name. Register its versions under the new name."
    )


async def update(call: Call) -> Message:
    name = call.given.text("name")
    description = (call.given.find("description") or "")[:_LONGEST_DESCRIPTION]
    await call.engine.write(call.engine.registry.describe, name, description, call.user)
    return {"registered_model": await _model_message(call, name)}


async def delete(call: Call) -> Message:
    name = call.given.text("name")
    model = await call.engine.read(call.engine.registry.get_model, name)
    await call.engine.write(call.engine.registry.delete, name)
    for owner in (_owner(name), *(_owner(name, it.version) for it in model.versions)):
        await call.engine.read(call.engine.store.forget_facts, owner)
    return {}


async def search(call: Call) -> Message:
    given = call.given
    conditions = parse(given.find("filter") or "")
    order = parse_order(given.texts("order_by"))
    limit = given.count("max_results", 100, _MOST_MODELS)

    def found() -> list[Message]:
        models = call.engine.registry.list_models()
        tags = call.engine.store.facts_of([_owner(it.name) for it in models], "tag")

        def value_of(model: RegisteredModel, side: Side, key: str) -> Value:
            if side == "tag":
                return tags[_owner(model.name)].get(key, _UNSET.get(key))
            newest = model.versions[-1].created_at if model.versions else model.created_at
            match key:
                case "name":
                    return model.name
                case "creation_timestamp" | "timestamp":
                    return float(milliseconds(model.created_at))
                case "last_updated_timestamp":
                    return float(milliseconds(newest))
            raise InvalidInput(f"Cannot look for registered models by {key!r}.")

        kept = [it for it in models if keep(conditions, partial(value_of, it))]
        for ordering in reversed(order):
            kept.sort(
                key=lambda it: value_of(it, ordering.side, ordering.key) or "",
                reverse=ordering.is_descending,
            )
        return [_told(call, model) for model in kept]

    shown = await call.engine.read(found)
    return page("registered_models", shown, call.offset(), limit)


async def latest_versions(call: Call) -> Message:
    """Return the newest version: all are of the one stage there is here, None."""
    model = await call.engine.read(call.engine.registry.get_model, call.given.text("name"))
    stages = call.given.texts("stages")
    wanted = not stages or any(stage.lower() == "none" for stage in stages)
    return {
        "model_versions": [await _version_message(call, it) for it in model.versions[-1:] if wanted]
    }


async def set_tag(call: Call) -> Message:
    model = await call.engine.read(call.engine.registry.get_model, call.given.text("name"))
    await _put_tag(call, _owner(model.name))
    return {}


async def delete_tag(call: Call) -> Message:
    model = await call.engine.read(call.engine.registry.get_model, call.given.text("name"))
    await _drop_tag(call, _owner(model.name))
    return {}


async def set_alias(call: Call) -> Message:
    name, alias = call.given.text("name"), call.given.text("alias")
    version = call.given.number("version")
    if version is None:
        raise InvalidInput("Missing value for required parameter 'version'.")
    set_ = call.engine.registry.set_alias
    await call.engine.write(set_, name, alias, version, call.user)
    return {}


async def delete_alias(call: Call) -> Message:
    name, alias = call.given.text("name"), call.given.text("alias")
    await call.engine.write(call.engine.registry.set_alias, name, alias, None, call.user)
    return {}


async def get_by_alias(call: Call) -> Message:
    name, alias = call.given.text("name"), call.given.text("alias")
    model = await call.engine.read(call.engine.registry.get_model, name)
    number = model.aliases.get(alias)
    for version in model.versions:
        if version.version == number:
            return {"model_version": await _version_message(call, version)}
    raise NotFound(f"Registered model alias {alias} not found.")


async def create_version(call: Call) -> Message:
    given = call.given
    name, source = _name(given.text("name")), given.text("source")
    artifact, run = await _artifact(call, source)
    request = RegisterRequest(
        model=name,
        artifact_id=artifact,
        run_id=given.find("run_id") or run,
        description=given.find("description") or "",
    )
    version = await call.engine.register(request, call.user)
    tags = given.pairs("tags")
    owner = _owner(name, version.version)
    await call.engine.read(call.engine.store.put_facts, owner, "tag", tags)
    return {"model_version": await _version_message(call, version)}


async def get_version(call: Call) -> Message:
    return {"model_version": await _version_message(call, await _version(call))}


async def update_version(call: Call) -> Message:
    version = await _version(call)
    description = (call.given.find("description") or "")[:_LONGEST_DESCRIPTION]
    describe = call.engine.store.describe_version
    changed = await call.engine.write(describe, version.model, version.version, description)
    call.engine.publish("model.updated", version.model, {"model": version.model})
    return {"model_version": await _version_message(call, changed)}


async def delete_version(call: Call) -> Message:
    version = await _version(call)
    delete_ = call.engine.registry.delete_version
    await call.engine.write(delete_, version.model, version.version, call.user, force=True)
    owner = _owner(version.model, version.version)
    await call.engine.read(call.engine.store.forget_facts, owner)
    return {}


async def search_versions(call: Call) -> Message:
    given = call.given
    conditions = parse(given.find("filter") or "")
    order = parse_order(given.texts("order_by"))
    limit = given.count("max_results", 10_000, _MOST_VERSIONS)

    def found() -> list[Message]:
        models = call.engine.registry.list_models()
        versions = [version for model in models for version in model.versions]
        owners = [_owner(it.model, it.version) for it in versions]
        tags = call.engine.store.facts_of(owners, "tag")

        def value_of(version: ModelVersion, side: Side, key: str) -> Value:
            if side == "tag":
                return tags[_owner(version.model, version.version)].get(key, _UNSET.get(key))
            match key:
                case "name":
                    return version.model
                case "run_id":
                    return version.run_id
                case "version_number" | "version":
                    return float(version.version)
                case "source_path":
                    return _source(call, version)
                case "creation_timestamp" | "last_updated_timestamp":
                    return float(milliseconds(version.created_at))
            raise InvalidInput(f"Cannot look for model versions by {key!r}.")

        kept = [it for it in versions if keep(conditions, partial(value_of, it))]
        kept.sort(key=lambda it: (it.model, -it.version))
        for ordering in reversed(order):
            kept.sort(
                key=lambda it: value_of(it, ordering.side, ordering.key) or "",
                reverse=ordering.is_descending,
            )
        return [_version_told(call, version) for version in kept]

    shown = await call.engine.read(found)
    return page("model_versions", shown, call.offset(), limit)


async def transition_stage(call: Call) -> Message:
    version = await _version(call)
    stage = call.given.text("stage")
    if stage not in _STAGES:
        raise InvalidInput(f"Invalid Model Version stage: {stage}. Value must be one of {_STAGES}.")
    raise Unsupported(
        f"Cannot move version {version.version} of model {version.model!r} to stage {stage!r}: "
        "there are aliases here, as MLflow itself has them since 2.9. Use "
        f"set_registered_model_alias({version.model!r}, 'champion', {version.version})."
    )


async def download_uri(call: Call) -> Message:
    version = await _version(call)
    source = await call.engine.read(_source, call, version)
    if not source:
        raise Unsupported(
            f"Cannot say where version {version.version} of model {version.model!r} lies: it was "
            "logged with mlplat.log_model, not with MLflow, and is no folder with an MLmodel. "
            f"Deploy it, or take it with mlplat.model({version.model!r})."
        )
    return {"artifact_uri": source}


async def set_version_tag(call: Call) -> Message:
    version = await _version(call)
    await _put_tag(call, _owner(version.model, version.version))
    return {}


async def delete_version_tag(call: Call) -> Message:
    version = await _version(call)
    await _drop_tag(call, _owner(version.model, version.version))
    return {}


async def _artifact(call: Call, source: str) -> tuple[str, str | None]:
    """Return the id of the model artifact that a source means, and its run's."""
    store = call.engine.store
    id_ = call.given.find("model_id")
    if not id_ and (found := re.fullmatch(r"models:/(m-[0-9a-z]+)", source)):
        id_ = found[1]
    place = place_of_uri(source)
    if not id_ and place is not None and place.kind == "models":
        id_ = place.owner
    if id_:
        model = await call.engine.read(store.get_logged_model, id_)
        if model.artifact_id is None:
            raise Conflict(f"Cannot register logged model {id_!r}: it is not finished yet.")
        return model.artifact_id, model.run_id
    if found := re.fullmatch(r"models:/([^/@]+)/(\d+)", source):
        version = await call.engine.read(call.engine.registry.get_version, found[1], int(found[2]))
        return version.artifact_id, version.run_id
    if place is None:
        raise InvalidInput(
            f"Cannot register a model from {source!r}: needed one that was logged here, by its "
            "models:/ or runs:/ address. Log it first: mlflow.<flavour>.log_model(…)."
        )
    run = await call.find_run(place.owner)
    name = place.path.rpartition("/")[2] or "model"
    artifact = await call.engine.read(artifact_of, call, run.id, place.path, name)
    await call.link(run, "output", artifact)
    return artifact.id, run.id


def _source(call: Call, version: ModelVersion) -> str:
    """Return where MLflow finds a version's files; nothing for one that has no such files."""
    mlflow = call.engine.store.get_artifact(version.artifact_id).metadata.get("mlflow")
    root = mlflow.get("root") if isinstance(mlflow, Mapping) else None
    return root if isinstance(root, str) else ""


async def _version(call: Call) -> ModelVersion:
    name, text = call.given.text("name"), call.given.text("version")
    if not text.isdigit() or len(text) > 9:
        raise InvalidInput(f"Model version must be an integer, got {text[:40]!r}")
    return await call.engine.read(call.engine.registry.get_version, name, int(text))


async def _version_message(call: Call, version: ModelVersion) -> Message:
    return await call.engine.read(_version_told, call, version)


def _version_told(call: Call, version: ModelVersion) -> Message:
    owner = _owner(version.model, version.version)
    tags = call.engine.store.facts_of([owner], "tag")[owner]
    return version_message(version, _source(call, version), tags)


async def _model_message(call: Call, name: str) -> Message:
    model = await call.engine.read(call.engine.registry.get_model, name)
    return await call.engine.read(_told, call, model)


def _told(call: Call, model: RegisteredModel) -> Message:
    tags = call.engine.store.facts_of([_owner(model.name)], "tag")[_owner(model.name)]
    latest: Sequence[Message] = [_version_told(call, it) for it in model.versions[-1:]]
    return model_message(model, tags, latest)


async def _put_tag(call: Call, owner: str) -> None:
    key = checked_key(call.given.text("key"))
    value = checked_value(call.given.find("value") or "", 5000)
    await call.engine.read(call.engine.store.put_facts, owner, "tag", {key: value})


async def _drop_tag(call: Call, owner: str) -> None:
    await call.engine.read(
        call.engine.store.put_facts, owner, "tag", {call.given.text("key"): None}
    )


def _owner(model: str, version: int | None = None) -> str:
    return f"model:{model}" + (f"/{version}" if version is not None else "")


def _name(name: str) -> str:
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidInput(
            f"Cannot call a registered model {name[:80]!r}: names here are up to 63 small letters, "
            "digits, '-', '_' and '.', with a letter or digit at either end, as in Kubernetes."
        )
    return name


HANDLERS = {
    "registered_models.create": create,
    "registered_models.rename": rename,
    "registered_models.update": update,
    "registered_models.delete": delete,
    "registered_models.get": get,
    "registered_models.search": search,
    "registered_models.latest": latest_versions,
    "registered_models.latest_by_post": latest_versions,
    "registered_models.set_tag": set_tag,
    "registered_models.delete_tag": delete_tag,
    "registered_models.set_alias": set_alias,
    "registered_models.delete_alias": delete_alias,
    "registered_models.get_by_alias": get_by_alias,
    "model_versions.create": create_version,
    "model_versions.update": update_version,
    "model_versions.transition_stage": transition_stage,
    "model_versions.delete": delete_version,
    "model_versions.get": get_version,
    "model_versions.search": search_versions,
    "model_versions.download_uri": download_uri,
    "model_versions.set_tag": set_version_tag,
    "model_versions.delete_tag": delete_version_tag,
}
