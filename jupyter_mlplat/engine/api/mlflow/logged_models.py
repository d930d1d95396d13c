"""Models as code logs them: announced, uploaded, finished; then artifacts to be registered."""

import json
from functools import partial
from typing import Literal

from jupyter_mlplat.engine.api.mlflow.calls import Call, page
from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.tracking import Side, Value
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.resources.tracking import LoggedModel
from jupyter_mlplat.services.mlflow_api.filters import keep, parse
from jupyter_mlplat.services.mlflow_api.given import checked_key
from jupyter_mlplat.services.mlflow_api.messages import (
    DEFAULT_ID,
    Message,
    experiment_id,
    file_messages,
    logged_model_message,
    milliseconds,
)
from jupyter_mlplat.services.mlflow_api.models import LARGEST_MLMODEL, MLMODEL, read_mlmodel
from jupyter_mlplat.services.mlflow_api.paths import checked_path, root_of
from jupyter_mlplat.services.pipelines.activity import MODEL_TYPE

_MOST = 50_000
_LONGEST_PARAM = 6000
_STATUSES: dict[str, Literal["pending", "ready", "failed"]] = {
    "LOGGED_MODEL_PENDING": "pending",
    "LOGGED_MODEL_READY": "ready",
    "LOGGED_MODEL_UPLOAD_FAILED": "failed",
    "1": "pending",
    "2": "ready",
    "3": "failed",
}


async def create(call: Call) -> Message:
    given, now = call.given, utc_now()
    id_ = given.find("experiment_id") or DEFAULT_ID
    experiment = await call.engine.read(call.experiment, id_)
    run = await call.run("source_run_id") if given.find("source_run_id") else None
    model = LoggedModel(
        id=new_id("m"),
        name=checked_key(given.find("name") or f"model-{now:%Y%m%d-%H%M%S}"),
        experiment=experiment.name,
        run_id=None if run is None else run.id,
        model_type=given.find("model_type") or "",
        created_at=now,
        updated_at=now,
        by=call.user,
    )
    params = given.pairs("params", most_letters=_LONGEST_PARAM)
    tags = given.pairs("tags")
    store = call.engine.store
    await call.engine.read(store.put_logged_model, model)
    await call.engine.read(store.put_facts, model.id, "param", params)
    await call.engine.read(store.put_facts, model.id, "tag", tags)
    return {"model": await _message(call, model)}


async def get(call: Call) -> Message:
    return {"model": await _message(call, await _model(call))}


async def finalize(call: Call) -> Message:
    """Finish a model: from now on it is an artifact of its run."""
    model = await _model(call)
    word = call.given.text("status")
    if word not in _STATUSES:
        raise InvalidInput(f"Invalid status {word!r}: needed LOGGED_MODEL_READY or …_FAILED.")
    status = _STATUSES[word]
    update: dict[str, object] = {"status": status, "updated_at": utc_now()}
    if status == "ready" and model.artifact_id is None:
        artifact = await call.engine.read(artifact_of, call, model.id, "", model.name, model)
        if model.run_id is not None:
            await call.link(await call.find_run(model.run_id), "output", artifact)
        else:
            await call.engine.read(call.engine.keep_artifact, artifact)
        update["artifact_id"] = artifact.id
    finished = model.model_copy(update=update)
    await call.engine.read(call.engine.store.put_logged_model, finished)
    return {"model": await _message(call, finished)}


async def delete(call: Call) -> Message:
    model = await _model(call)
    await call.engine.read(call.engine.store.delete_logged_model, model.id)
    return {}


async def set_tags(call: Call) -> Message:
    model, tags = await _model(call), call.given.pairs("tags")
    await call.engine.read(call.engine.store.put_facts, model.id, "tag", tags)
    return {"model": await _message(call, model)}


async def delete_tag(call: Call) -> Message:
    model, key = await _model(call), call.segments["tag"]
    await call.engine.read(call.engine.store.put_facts, model.id, "tag", {key: None})
    return {}


async def log_params(call: Call) -> Message:
    model = await _model(call)
    params = call.given.pairs("params", most_letters=_LONGEST_PARAM)
    await call.engine.read(call.engine.store.put_facts, model.id, "param", params)
    return {}


async def search(call: Call) -> Message:
    given = call.given
    conditions = parse(given.find("filter") or "")
    limit = given.count("max_results", 100, _MOST)
    names = await call.engine.read(call.experiment_names, given.texts("experiment_ids"))
    orders = [(it.text("field_name"), it) for it in given.items("order_by")]
    store = call.engine.store

    def found() -> list[Message]:
        models = store.logged_models(experiments=names)
        ids = [model.id for model in models]
        params, tags = store.facts_of(ids, "param"), store.facts_of(ids, "tag")
        metrics = store.facts_of(ids, "metric")

        def value_of(model: LoggedModel, side: Side, key: str) -> Value:
            match side:
                case "param":
                    return params[model.id].get(key)
                case "tag":
                    return tags[model.id].get(key)
                case "metric":
                    text = metrics[model.id].get(key)
                    return None if text is None else float(json.loads(text)["value"])
            return _attribute(model, key)

        kept = [model for model in models if keep(conditions, partial(value_of, model))]
        kept.sort(key=lambda model: model.created_at, reverse=True)
        for field, order in reversed(orders):
            side, _, key = field.rpartition(".")
            sides: dict[str, Side] = {"metrics": "metric", "params": "param", "tags": "tag"}
            of = sides.get(side, "attribute")
            is_descending = order.raw().get("ascending") is False
            known = [it for it in kept if value_of(it, of, key) is not None]
            rest = [it for it in kept if value_of(it, of, key) is None]
            known.sort(
                key=lambda it: value_of(it, of, key),  # type: ignore[arg-type,return-value]
                reverse=is_descending,
            )
            kept = [*known, *rest]
        return [_told(call, model) for model in kept]

    return page("models", await call.engine.read(found), call.offset(), limit)


async def list_files(call: Call) -> Message:
    model = await _model(call)
    path = checked_path(call.given.find("artifact_directory_path") or "")
    files = await call.engine.read(call.engine.store.files_of, model.id, path)
    return {
        "root_uri": root_of("models", model.id),
        "files": file_messages(files, path, whole=True),
    }


def _attribute(model: LoggedModel, key: str) -> Value:
    match key:
        case "name":
            return model.name
        case "model_id":
            return model.id
        case "model_type":
            return model.model_type
        case "status":
            return {"pending": "PENDING", "ready": "READY", "failed": "UPLOAD_FAILED"}[model.status]
        case "source_run_id":
            return model.run_id
        case "creation_timestamp" | "creation_time":
            return float(milliseconds(model.created_at))
        case "last_updated_timestamp":
            return float(milliseconds(model.updated_at))
    raise InvalidInput(f"Cannot look for logged models by {key!r}.")


def artifact_of(
    call: Call, owner: str, folder: str, name: str, model: LoggedModel | None = None
) -> Artifact:
    """Make the artifact that a folder with an `MLmodel` is; where one file is all, of that file.

    Raises:
        NotFound: There is no `MLmodel`.
        InvalidInput: It cannot be read.
    """
    store, prefix = call.engine.store, f"{folder}/" if folder else ""
    listed = store.find_file(owner, prefix + MLMODEL)
    if listed is None:
        raise NotFound(
            f"Cannot find a model at {folder or owner!r}: no MLmodel file was uploaded there. Log "
            "it with log_model of one of MLflow's flavours."
        )
    if listed.size_bytes > LARGEST_MLMODEL:
        raise InvalidInput(f"Cannot read a MLmodel file of {listed.size_bytes} bytes.")
    facts = read_mlmodel(call.engine.blobs.get_bytes(listed.digest))
    file = store.find_file(owner, prefix + facts.file)
    form, content = (facts.format, file) if file is not None else ("mlflow", listed)
    kind = "models" if model is not None else "runs"
    mlflow: dict[str, JsonValue] = {
        "root": root_of(kind, owner) + (f"/{folder}" if folder else ""),
        "flavors": [*facts.flavors],
    }
    if model is not None:
        mlflow["model_id"] = model.id
    metrics: dict[str, JsonValue] = {
        key: json.loads(text)["value"]
        for key, text in store.facts_of([owner], "metric")[owner].items()
    }
    columns: dict[str, JsonValue] = {"columns": [*facts.columns]} if facts.columns else {}
    return Artifact(
        id=new_id("art"),
        type=MODEL_TYPE,
        name=name,
        digest=content.digest,
        size_bytes=content.size_bytes,
        codec="mlflow",
        metadata={
            "format": form,
            "type": ", ".join(flavor for flavor in facts.flavors if flavor != "python_function"),
            "signature": dict(facts.signature),
            "metrics": metrics,
            "mlflow": mlflow,
            **columns,
        },
        created_at=utc_now(),
    )


async def _model(call: Call) -> LoggedModel:
    return await call.engine.read(call.engine.store.get_logged_model, call.segments["model"])


async def _message(call: Call, model: LoggedModel) -> Message:
    return await call.engine.read(_told, call, model)


def _told(call: Call, model: LoggedModel) -> Message:
    store = call.engine.store
    found = call.engine.experiments.find(model.experiment)
    metrics = store.facts_of([model.id], "metric")[model.id].values()
    return logged_model_message(
        model,
        DEFAULT_ID if found is None else experiment_id(found),
        store.facts_of([model.id], "param")[model.id],
        store.facts_of([model.id], "tag")[model.id],
        [json.loads(text) for text in metrics],
    )


def refresh(call: Call, model_id: str) -> None:
    """Let the artifact of a model have the metrics that were logged of it since it was finished."""
    store = call.engine.store
    try:
        model = store.get_logged_model(model_id)
        if model.artifact_id is None:
            return
        artifact = store.get_artifact(model.artifact_id)
    except NotFound:
        return
    metrics = {
        key: json.loads(text)["value"]
        for key, text in store.facts_of([model.id], "metric")[model.id].items()
    }
    if metrics != artifact.metadata.get("metrics"):
        metadata = {**artifact.metadata, "metrics": metrics}
        call.engine.keep_artifact(artifact.model_copy(update={"metadata": metadata}))


HANDLERS = {
    "logged_models.create": create,
    "logged_models.search": search,
    "logged_models.get": get,
    "logged_models.finalize": finalize,
    "logged_models.delete": delete,
    "logged_models.set_tags": set_tags,
    "logged_models.delete_tag": delete_tag,
    "logged_models.log_params": log_params,
    "logged_models.list_files": list_files,
}
