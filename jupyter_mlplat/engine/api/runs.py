"""Runs."""

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.requests import Asked, answer, answer_list
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.run import RetryRequest, RunState, SubmitRequest
from jupyter_mlplat.services.pipelines.activity import MODEL_TYPE
from jupyter_mlplat.services.pipelines.summary import result_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_LONGEST_WAIT_S = 300.0  # a client that wants to wait longer asks again
_LARGEST_PAGE = 1000
_LONGEST_KEY = 200


async def list_runs(engine: "Engine", asked: Asked) -> Response:
    limit = asked.number("limit", 50, low=1, high=_LARGEST_PAGE) or 50
    rows = await engine.read(
        lambda: engine.store.list_runs(
            limit=limit,
            before=asked.number("before", None, low=1, high=2**53),
            states=_states(asked.text("state")),
            text=asked.text("text"),
            notebook=asked.text("notebook") or None,
        )
    )
    following = str(rows[-1].number) if len(rows) == limit else None
    return answer_list("runs", rows, next=following)


def _states(text: str) -> tuple[RunState, ...]:
    try:
        return tuple(RunState(word.strip().upper()) for word in text.split(",") if word.strip())
    except ValueError as error:
        raise InvalidInput(
            f"Cannot use state={text!r}: needed one or more of {', '.join(RunState)}, "
            "with commas between."
        ) from error


async def submit(engine: "Engine", asked: Asked) -> Response:
    key = asked.request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise InvalidInput(
            f"Cannot use an Idempotency-Key of {len(key)} characters: needed 1 to {_LONGEST_KEY}."
        )
    return answer(await engine.submit(await asked.body(SubmitRequest), key), 201)


async def get_run(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.read(engine.store.get_run, asked["run"]))


async def delete_run(engine: "Engine", asked: Asked) -> Response:
    await engine.delete(asked["run"])
    return Response(status_code=204)


async def cancel(engine: "Engine", asked: Asked) -> Response:
    await asked.empty()
    return answer(await engine.cancel(asked["run"]))


async def retry(engine: "Engine", asked: Asked) -> Response:
    return answer(await engine.retry(asked["run"], await asked.body(RetryRequest)))


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
    recorded = await engine.read(engine.store.metrics_of, run.id)
    return answer_list("metrics", [*recorded, *engine.conductor.metrics_of(run.id)])


async def list_outputs(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    return answer_list("outputs", await engine.read(engine.store.outputs_of, run.id))


async def list_models(engine: "Engine", asked: Asked) -> Response:
    run = await engine.read(engine.store.get_run, asked["run"])
    models = await engine.read(engine.store.artifacts_of_run, run.id, MODEL_TYPE)
    return answer_list("models", models)


HANDLERS = {
    "runs.list": list_runs,
    "runs.submit": submit,
    "runs.get": get_run,
    "runs.delete": delete_run,
    "runs.cancel": cancel,
    "runs.retry": retry,
    "runs.result": get_result,
    "runs.pipeline": get_pipeline,
    "runs.wait": wait,
    "runs.metrics": list_metrics,
    "runs.outputs": list_outputs,
    "runs.models": list_models,
}
