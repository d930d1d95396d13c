"""Runs: those that are tracked begin and end here; those of the engine can be told more."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from jupyter_mlplat.engine.api.mlflow.calls import Call
from jupyter_mlplat.engine.api.mlflow.experiments import view_of
from jupyter_mlplat.engine.api.mlflow.logged_models import refresh
from jupyter_mlplat.errors import Forbidden, InvalidInput, NotFound
from jupyter_mlplat.kit.clock import from_unix, utc_now
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.ports.tracking import Point, RunSearch
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.lineage import Artifact
from jupyter_mlplat.resources.run import Run, RunPatch, RunState
from jupyter_mlplat.services.mlflow_api.filters import (
    for_runs,
    order_for_runs,
    parse,
    parse_order,
)
from jupyter_mlplat.services.mlflow_api.given import Given, checked_key, checked_value
from jupyter_mlplat.services.mlflow_api.messages import (
    DEFAULT_ID,
    Message,
    metric_message,
    run_info,
    run_message,
)
from jupyter_mlplat.services.tracking.service import fitting

_MOST_RUNS = 50_000
_MOST_METRICS, _MOST_PARAMS, _MOST_TAGS, _MOST_IN_BATCH = 1000, 100, 100, 1000
_LONGEST_PARAM, _LONGEST_TAG = 6000, 8000
_HISTORY_PAGE = 25_000
_BULK_RUNS, _BULK_POINTS = 100, 320
_LONGEST_TITLE = 500
_NAME_TAG, _NOTE_TAG, _PARENT_TAG = "mlflow.runName", "mlflow.note.content", "mlflow.parentRunId"
_ENDS = {
    "FINISHED": RunState.SUCCEEDED,
    "FAILED": RunState.FAILED,
    "KILLED": RunState.CANCELED,
}
_GOING_ON = ("RUNNING", "SCHEDULED")
DATASET_TYPE = "system.Dataset"


async def create(call: Call) -> Message:
    given = call.given
    experiment = await call.engine.read(call.experiment, given.find("experiment_id") or DEFAULT_ID)
    if experiment.archived:
        raise InvalidInput(
            f"Cannot create a run in experiment {experiment.title!r}: it is archived. Restore it "
            "first."
        )
    tags = given.pairs("tags", most_letters=_LONGEST_TAG)
    name = given.find("run_name") or tags.get(_NAME_TAG, "")
    if name:
        tags[_NAME_TAG] = name
    if user := given.find("user_id"):
        tags.setdefault("mlflow.user", user)
    if call.place is not None:  # it is of the run whose step makes it
        tags.setdefault(_PARENT_TAG, call.place.run)
    started = _moment(given.number("start_time"))
    create_run = call.engine.tracking.create
    run = await call.between_turns(
        create_run, experiment.name, name[:_LONGEST_TITLE], tags, started
    )
    return {"run": await _message(call, run)}


async def get(call: Call) -> Message:
    return {"run": await _message(call, await call.run())}


async def update(call: Call) -> Message:
    """Change how a tracked run stands; what the engine runs itself ends when the engine says."""
    given, run = call.given, await call.heard_run()
    tracking = call.engine.tracking
    if name := given.find("run_name"):
        await _set_tags(call, run, {_NAME_TAG: name})
        run = await call.find_run(run.id)
    status = (given.find("status") or "").upper()
    status = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED"}.get(status, status)
    status = "KILLED" if status == "5" else status
    if status and status not in _ENDS and status not in _GOING_ON:
        raise InvalidInput(
            f"Invalid run status {status!r}: needed one of RUNNING, SCHEDULED, "
            "FINISHED, FAILED, KILLED."
        )
    if run.kind == "tracked":
        if status in _ENDS:
            at = _moment(given.number("end_time"))
            run = await call.between_turns(tracking.end, run, _ENDS[status], at)
        elif status and run.state.is_final:
            run = await call.between_turns(tracking.revive, run)
    (told,) = await call.told([run])
    return {"run_info": run_info(run, told)}


async def delete(call: Call) -> Message:
    await _archive(call, True)
    return {}


async def restore(call: Call) -> Message:
    await _archive(call, False)
    return {}


async def _archive(call: Call, is_archived: bool) -> None:
    run = await call.run("run_id")
    if call.place is not None and run.id == call.place.run:
        raise Forbidden("Cannot put the run away that this step belongs to. Let it end first.")
    await call.engine.edit(run.id, RunPatch(archived=is_archived))


async def search(call: Call) -> Message:
    given = call.given
    limit = given.count("max_results", 1000, _MOST_RUNS)
    offset = call.offset()
    names = await call.engine.read(call.experiment_names, given.texts("experiment_ids"))
    search = RunSearch(
        experiments=names,
        conditions=for_runs(parse(given.find("filter") or "")),
        order=order_for_runs(parse_order(given.texts("order_by"))),
        archived=view_of(given.find("run_view_type")),
        limit=limit,
        offset=offset,
    )
    runs, is_more = await call.engine.read(call.engine.store.search_runs, search)
    answer: Message = {"runs": await _messages(call, runs)}
    if is_more:
        answer["next_page_token"] = str(offset + limit)
    return answer


async def log_metric(call: Call) -> Message:
    run = await call.heard_run()
    await _log(call, run, [call.given])
    return {}


async def log_parameter(call: Call) -> Message:
    run = await call.heard_run()
    value = checked_value(call.given.find("value") or "", _LONGEST_PARAM)
    await _log_params(call, run, {checked_key(call.given.text("key")): value})
    return {}


async def log_batch(call: Call) -> Message:
    given, run = call.given, await call.heard_run()
    metrics = given.items("metrics")
    params = given.pairs("params", most_letters=_LONGEST_PARAM)
    tags = given.pairs("tags", most_letters=_LONGEST_TAG)
    for name, found, most in (
        ("metrics", len(metrics), _MOST_METRICS),
        ("params", len(params), _MOST_PARAMS),
        ("tags", len(tags), _MOST_TAGS),
        ("entities", len(metrics) + len(params) + len(tags), _MOST_IN_BATCH),
    ):
        if found > most:
            raise InvalidInput(
                f"A batch logging request can contain at most {most} {name}. Got {found}. Split it."
            )
    await _log_params(call, run, params)
    await _log(call, run, metrics)
    await _set_tags(call, run, tags)
    return {}


async def set_tag(call: Call) -> Message:
    run = await call.heard_run()
    value = checked_value(call.given.find("value") or "", _LONGEST_TAG)
    await _set_tags(call, run, {checked_key(call.given.text("key")): value})
    return {}


async def delete_tag(call: Call) -> Message:
    run, key = await call.heard_run(), call.given.text("key")
    facts = await call.engine.read(call.engine.store.facts_of, [run.id], "tag")
    if key not in facts[run.id] and key not in run.tags:
        raise NotFound(f"No tag with name: {key} in run with id {run.id}")
    await call.engine.read(call.engine.store.put_facts, run.id, "tag", {key: None})
    if key in run.tags:
        await call.engine.edit(run.id, RunPatch(tags={key: None}))
    return {}


async def log_inputs(call: Call) -> Message:
    """Write down the datasets a run has read: artifacts that lead to it in the lineage."""
    run = await call.heard_run()
    facts: dict[str, str | None] = {}
    for given in call.given.items("datasets"):
        message = dict(given.raw())
        dataset = message.get("dataset")
        if not isinstance(dataset, dict) or not isinstance(dataset.get("name"), str):
            raise InvalidInput("Missing value for required parameter 'dataset.name'.")
        artifact = await call.engine.read(_dataset, call, dataset)
        await call.link(run, "input", artifact)
        facts[f"{dataset['name']} {dataset.get('digest', '')}"] = json.dumps(message)
    await call.engine.read(call.engine.store.put_facts, run.id, "input", facts)
    return {}


async def log_outputs(call: Call) -> Message:
    run = await call.heard_run()
    facts = {
        item.text("model_id"): str(item.number("step", 0)) for item in call.given.items("models")
    }
    await call.engine.read(call.engine.store.put_facts, run.id, "output", facts)
    return {}


async def log_model(call: Call) -> Message:
    """Keep what MLflow 2 says of a model: its files have come already."""
    run = await call.heard_run()
    text = call.given.text("model_json")
    facts = await call.engine.read(call.engine.store.facts_of, [run.id], "tag")
    try:
        history = json.loads(facts[run.id].get("mlflow.log-model.history") or "[]")
        history.append(json.loads(text))
    except ValueError as error:
        raise InvalidInput("Malformed model info. \n {model_json} is no JSON.") from error
    history_tag: Mapping[str, str | None] = {"mlflow.log-model.history": json.dumps(history)}
    await call.engine.read(call.engine.store.put_facts, run.id, "tag", history_tag)
    return {}


async def get_history(call: Call) -> Message:
    run, key = await call.run(), call.given.text("metric_key")
    await call.told([run])
    limit = call.given.count("max_results", _HISTORY_PAGE, _HISTORY_PAGE)
    history = call.engine.store.history
    points, following = await call.engine.read(
        history, run.id, key, limit=limit, after=call.offset()
    )
    answer: Message = {"metrics": [metric_message(point) for point in points]}
    if following is not None:
        answer["next_page_token"] = str(following)
    return answer


async def get_history_bulk(call: Call) -> Message:
    """Answer with curves of several runs, each of as many points as a chart has columns."""
    given, metrics = call.given, list[Message]()
    key = given.text("metric_key")
    ids = given.texts("run_ids") or given.texts("run_id")
    if not 0 < len(ids) <= _BULK_RUNS:
        raise InvalidInput(f"GetMetricHistoryBulk needs 1 to {_BULK_RUNS} run ids, got {len(ids)}.")
    points = max(4, given.count("max_results", _BULK_POINTS, _HISTORY_PAGE))
    start, end = given.number("start_step"), given.number("end_step")
    for id_ in ids:
        run = await call.find_run(id_)
        sampled, _ = await call.engine.read(call.engine.curves.of, run.id, key, points)
        metrics += [
            metric_message(Point(it.name, it.value, it.position, it.logged_at.timestamp()), run.id)
            for it in sampled
            if (start is None or (it.position or 0) >= start)
            and (end is None or (it.position or 0) <= end)
        ]
    return {"metrics": metrics}


async def _messages(call: Call, runs: Sequence[Run]) -> list[Message]:
    told = await call.told(runs)
    return [run_message(run, facts) for run, facts in zip(runs, told, strict=True)]


async def _message(call: Call, run: Run) -> Message:
    return (await _messages(call, [run]))[0]


async def _log(call: Call, run: Run, given: Sequence[Given]) -> None:
    points, of_models = [], dict[str, dict[str, str | None]]()
    for item in given:
        stamp = item.number("timestamp")
        point = Point(
            name=checked_key(item.text("key")),
            value=item.real("value"),
            position=item.number("step", 0),
            logged_at=utc_now().timestamp() if stamp is None else stamp / 1000,
        )
        points.append(point)
        if model := item.find("model_id"):
            message = metric_message(point, run.id) | {"model_id": model}
            message |= {
                name: value
                for name in ("dataset_name", "dataset_digest")
                if (value := item.find(name))
            }
            of_models.setdefault(model, {})[point.name] = json.dumps(message)
    await call.log(run, points)
    for model, facts in of_models.items():
        await call.engine.read(call.engine.store.put_facts, model, "metric", facts)
        await call.engine.read(refresh, call, model)


async def _log_params(call: Call, run: Run, params: Mapping[str, str]) -> None:
    """Write parameters down: once and for all, but a step may run again."""
    if not params:
        return
    if run.kind == "tracked":
        known = (await call.engine.read(call.engine.store.facts_of, [run.id], "param"))[run.id]
        for key, value in params.items():
            if key in known and known[key] != value:
                raise InvalidInput(
                    f"Changing param values is not allowed. Param with key={key!r} was already "
                    f"logged with value={known[key]!r} for run ID={run.id!r}. Attempted logging "
                    f"new value {value!r}."
                )
    await call.engine.read(call.engine.store.put_facts, run.id, "param", params)


async def _set_tags(call: Call, run: Run, tags: Mapping[str, str]) -> None:
    if not tags:
        return
    await call.engine.read(call.engine.store.put_facts, run.id, "tag", tags)
    own = fitting(tags)
    note = tags.get(_NOTE_TAG)
    if own or note is not None:
        patch = RunPatch(tags=dict(own), note=None if note is None else note[:2000])
        await call.engine.edit(run.id, patch)
    if (name := tags.get(_NAME_TAG)) and run.kind == "tracked":
        await call.between_turns(_rename, call, run.id, name[:_LONGEST_TITLE])


def _rename(call: Call, run_id: str, name: str) -> None:
    call.engine.tracking.change(call.engine.store.get_run(run_id), title=name)


def _dataset(call: Call, dataset: Mapping[str, JsonValue]) -> Artifact:
    """Return the artifact that stands for a dataset: equal descriptions are one."""
    name = str(dataset["name"])
    content = json.dumps(dataset, sort_keys=True).encode()
    digest = call.engine.blobs.put_bytes(content)
    known = call.engine.store.find_artifact(digest, name, DATASET_TYPE)
    source = dataset.get("source")
    return known or Artifact(
        id=new_id("art"),
        type=DATASET_TYPE,
        name=name,
        digest=digest,
        size_bytes=len(content),
        codec="file",
        metadata={
            "filename": "dataset.json",
            "mlflow": {
                key: dataset[key] for key in ("digest", "source_type", "profile") if key in dataset
            },
            "source": source if isinstance(source, str) else "",
        },
        created_at=utc_now(),
    )


def _moment(milliseconds: int | None) -> datetime | None:
    if not milliseconds or not math.isfinite(milliseconds):
        return None
    try:
        return from_unix(milliseconds / 1000)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidInput(
            f"Invalid time {milliseconds}: needed milliseconds since 1970."
        ) from error


HANDLERS = {
    "runs.create": create,
    "runs.get": get,
    "runs.update": update,
    "runs.delete": delete,
    "runs.restore": restore,
    "runs.search": search,
    "runs.log_metric": log_metric,
    "runs.log_parameter": log_parameter,
    "runs.log_batch": log_batch,
    "runs.set_tag": set_tag,
    "runs.delete_tag": delete_tag,
    "runs.log_inputs": log_inputs,
    "runs.log_outputs": log_outputs,
    "runs.log_model": log_model,
    "metrics.history": get_history,
    "metrics.bulk": get_history_bulk,
}
