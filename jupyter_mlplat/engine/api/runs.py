"""Runs."""

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.ports.metadata import RunFilter, RunOrder
from jupyter_mlplat.resources.run import (
    CloneRequest,
    RetryRequest,
    RunKind,
    RunPatch,
    RunState,
    SubmitRequest,
)
from jupyter_mlplat.services.pipelines.activity import MODEL_TYPE
from jupyter_mlplat.services.pipelines.recording import VALUE_TYPE
from jupyter_mlplat.services.pipelines.summary import result_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_LONGEST_WAIT_S = 300.0  # a client that wants to wait longer asks again
_LARGEST_PAGE = 1000
_LONGEST_KEY = 200
_FEWEST_POINTS, _MOST_POINTS = 4, 10_000  # of one curve


async def list_runs(engine: "Engine", asked: Asked) -> Response:
    limit = asked.number("limit", 50, low=1, high=_LARGEST_PAGE) or 50
    before = asked.number("before", None, low=1, high=2**53)
    offset = asked.number("offset", 0, low=0, high=2**53) or 0
    order = _order(asked.text("sort"), asked.text("order"))
    if before is not None and order != RunOrder():
        raise InvalidInput(
            f"Cannot page with before={before} through runs sorted by {order.by}: 'before' goes "
            "with the newest first. Use 'offset'."
        )
    where = RunFilter(
        states=_states(asked.text("state")),
        text=asked.text("text"),
        notebook=asked.text("notebook") or None,
        experiment=asked.text("experiment") or None,
        tags=_tags(asked.text("tags")),
        archived=_archived(asked.text("archived", "false")),
        kinds=_kinds(asked.text("kind")),
    )
    rows = await engine.read(
        engine.store.list_runs, where, order, limit=limit, before=before, offset=offset
    )
    total = await engine.read(engine.store.count_runs, where)
    following = str(rows[-1].number) if len(rows) == limit and order == RunOrder() else None
    return answer_list("runs", rows, next=following, total=total)


async def list_facets(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.read(engine.store.run_facets))


def _order(sort: str, direction: str) -> RunOrder:
    by, _, metric = sort.partition(":")
    if direction not in ("", "asc", "desc"):
        raise InvalidInput(f"Cannot use order={direction!r}: needed 'asc' or 'desc'.")
    is_descending = direction != "asc"
    if by in ("", "newest") and not metric:
        return RunOrder(is_descending=is_descending)
    if by == "duration" and not metric:
        return RunOrder("duration", is_descending=is_descending)
    if by == "pipeline" and not metric:
        return RunOrder("pipeline", is_descending=is_descending)
    if by == "metric" and metric:
        return RunOrder("metric", metric, is_descending)
    raise InvalidInput(
        f"Cannot use sort={sort!r}: needed 'newest', 'duration', 'pipeline' or 'metric:NAME'."
    )


def _tags(text: str) -> Mapping[str, str | None]:
    try:
        tags = json.loads(text or "{}")
    except ValueError:
        tags = None
    if not isinstance(tags, dict) or not all(
        value is None or isinstance(value, str) for value in tags.values()
    ):
        raise InvalidInput(
            f"Cannot use tags={text!r}: needed a JSON object of texts by name; null stands for "
            "any value."
        )
    return tags


def _archived(text: str) -> bool | None:
    if text not in ("true", "false", "any"):
        raise InvalidInput(f"Cannot use archived={text!r}: needed 'true', 'false' or 'any'.")
    return None if text == "any" else text == "true"


def _kinds(text: str) -> tuple[RunKind, ...]:
    known = get_args(RunKind)
    kinds = tuple(word for word in known if word in text.split(","))
    if len(kinds) != len([word for word in text.split(",") if word]):
        raise InvalidInput(
            f"Cannot use kind={text!r}: needed one or more of {', '.join(known)}, with commas "
            "between."
        )
    return kinds


def _states(text: str) -> tuple[RunState, ...]:
    try:
        return tuple(RunState(word.strip().upper()) for word in text.split(",") if word.strip())
    except ValueError as error:
        raise InvalidInput(
            f"Cannot use state={text!r}: needed one or more of {', '.join(RunState)}, "
            "with commas between."
        ) from error


async def submit(engine: "Engine", asked: Asked) -> Response:
    key = idempotency_key(asked)
    return answer(await engine.submit(await asked.body(SubmitRequest), key), 201)


def idempotency_key(asked: Asked) -> str | None:
    """Return what makes a repeat harmless, if the caller has sent it.

    Raises:
        InvalidInput: It is empty, or too long.
    """
    key = asked.request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise InvalidInput(
            f"Cannot use an Idempotency-Key of {len(key)} characters: needed 1 to {_LONGEST_KEY}."
        )
    return key


async def get_run(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.read(engine.store.get_run, asked["run"]))


async def delete_run(engine: "Engine", asked: Asked) -> Response:
    await engine.delete(asked["run"])
    return Response(status_code=204)


async def cancel(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.cancel(asked["run"]))


async def pause(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.pause(asked["run"]))


async def resume(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.resume(asked["run"]))


async def retry(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.retry(asked["run"], await asked.body(RetryRequest)))


async def clone(engine: "Engine", asked: Asked) -> Response:
    request = await asked.body(CloneRequest)
    return answer(await engine.clone(asked["run"], request, idempotency_key(asked)), 201)


async def update(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.edit(asked["run"], await asked.body(RunPatch)))


async def get_result(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    outputs = await engine.read(engine.store.outputs_of, run.id)
    metrics = await engine.read(engine.store.metrics_of, run.id)
    return answer(result_of(run, outputs, metrics))


async def get_pipeline(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    return answer(await engine.read(engine.store.pipeline_of, run.id))


async def wait(engine: "Engine", asked: Asked) -> Response:
    timeout_s = asked.real("timeout_s", _LONGEST_WAIT_S, low=0, high=86_400) or 0.0
    run = await engine.read(engine.store.get_run, asked["run"])
    with engine.stage.expect_final(run.id) as final:
        run = await engine.read(engine.store.get_run, run.id)
        if not run.state.is_final:
            done, _ = await asyncio.wait([final], timeout=min(timeout_s, _LONGEST_WAIT_S))
            if done:
                run = await engine.read(engine.store.get_run, run.id)
    return answer(run)


async def list_metrics(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    points = asked.number("points", None, low=_FEWEST_POINTS, high=_MOST_POINTS)
    name = asked.text("name") or None
    if points is None:
        logged = await engine.read(engine.store.metrics_of, run.id)
        chosen = [metric for metric in logged if name in (None, metric.name)]
        return answer_list("metrics", chosen, total=len(chosen))
    sampled, total = await engine.read(engine.curves.of, run.id, name, points)
    return answer_list("metrics", sampled, total=total)


async def list_outputs(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    return answer_list("outputs", await engine.read(engine.store.outputs_of, run.id))


async def list_artifacts(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    made = await engine.read(engine.store.artifacts_of_run, run.id)
    logged = [artifact for artifact in made if artifact.type != VALUE_TYPE]
    return answer_list("artifacts", logged)


async def list_models(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    models = await engine.read(engine.store.artifacts_of_run, run.id, MODEL_TYPE)
    return answer_list("models", models)


HANDLERS = {
    "runs.list": list_runs,
    "runs.submit": submit,
    "runs.facets": list_facets,
    "runs.get": get_run,
    "runs.update": update,
    "runs.clone": clone,
    "runs.delete": delete_run,
    "runs.cancel": cancel,
    "runs.pause": pause,
    "runs.resume": resume,
    "runs.retry": retry,
    "runs.result": get_result,
    "runs.pipeline": get_pipeline,
    "runs.wait": wait,
    "runs.metrics": list_metrics,
    "runs.outputs": list_outputs,
    "runs.models": list_models,
    "runs.artifacts": list_artifacts,
}
