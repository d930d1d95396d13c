"""Runs, whatever they were made from."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_mlplat.engine.api.kfp.answers import answer, listing, nothing
from jupyter_mlplat.engine.api.requests import Asked
from jupyter_mlplat.errors import Conflict, InvalidInput
from jupyter_mlplat.ports.selecting import Predicate
from jupyter_mlplat.resources.kfp import runs as messages
from jupyter_mlplat.resources.run import RetryRequest, Run, RunPatch
from jupyter_mlplat.services.kfp_api.runs import RUNS, run_message
from jupyter_mlplat.services.kfp_api.submitting import submission_of

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_LONGEST_END_S = 30.0  # of a run that is to be deleted; then the caller is told to ask again


async def list_runs(engine: "Engine", asked: Asked) -> Response:
    listed = listing(asked, RUNS)
    selection = listed.selection
    if experiment := asked.text("experiment_id"):
        selection = selection.only(Predicate("experiment_id", "=", experiment))
    found = await engine.read(engine.store.select_runs, selection)
    told = await engine.read(_messages, engine, found.records)
    return answer(
        messages.ListRunsResponse(
            runs=told, total_size=found.total, next_page_token=listed.token_after(found)
        )
    )


async def create(engine: "Engine", asked: Asked) -> Response:
    message = await asked.body(messages.Run)
    store, find_version = engine.store, engine.pipelines.version_of
    request = await engine.read(submission_of, message, store, find_version)
    run = await engine.submit(request, None)
    (told,) = await engine.read(_messages, engine, [run])
    return answer(told)


async def get(engine: "Engine", asked: Asked) -> Response:
    run = await _run(engine, asked)
    (told,) = await engine.read(_messages, engine, [run], with_tasks=True)
    return answer(told)


async def archive(engine: "Engine", asked: Asked) -> Response:
    await engine.edit((await _run(engine, asked)).id, RunPatch(archived=True))
    return nothing()


async def unarchive(engine: "Engine", asked: Asked) -> Response:
    run = await _run(engine, asked)
    experiment = await engine.read(engine.experiments.find, run.experiment)
    if experiment is not None and experiment.archived:
        raise Conflict(
            f"Cannot unarchive run {run.number}: its experiment {experiment.title!r} is archived. "
            "Unarchive the experiment first."
        )
    await engine.edit(run.id, RunPatch(archived=False))
    return nothing()


async def terminate(engine: "Engine", asked: Asked) -> Response:
    run = await _run(engine, asked)
    if run.state.is_final:
        raise InvalidInput(f"Cannot terminate run {run.number}: it is {run.state} already.")
    await engine.cancel(run.id)
    return nothing()


async def retry(engine: "Engine", asked: Asked) -> Response:
    await engine.retry((await _run(engine, asked)).id, RetryRequest())
    return nothing()


async def delete(engine: "Engine", asked: Asked) -> Response:
    """Delete a run; one that goes on is ended first, as Kubeflow's server does."""
    run = await _run(engine, asked)
    if not run.state.is_final:
        with engine.stage.expect_final(run.id) as final:
            canceled = await engine.cancel(run.id)
            if not canceled.state.is_final:
                await asyncio.wait([final], timeout=_LONGEST_END_S)
    await engine.delete(run.id)
    return nothing()


async def _run(engine: "Engine", asked: Asked) -> Run:
    return await engine.read(engine.store.get_run, asked["run"])


def _messages(
    engine: "Engine", runs: Sequence[Run], *, with_tasks: bool = False
) -> tuple[messages.Run, ...]:
    irs = engine.store.ir_of([run.id for run in runs])
    experiments: Mapping[str, str] = {
        name: found.id if (found := engine.experiments.find(name)) else ""
        for name in {run.experiment for run in runs}
    }
    return tuple(
        run_message(
            run,
            experiments[run.experiment],
            irs.get(run.id),
            engine.store.firing_of_run(run.id),
            with_tasks=with_tasks,
        )
        for run in runs
    )


HANDLERS = {
    "runs.list": list_runs,
    "runs.create": create,
    "runs.get": get,
    "runs.archive": archive,
    "runs.unarchive": unarchive,
    "runs.terminate": terminate,
    "runs.retry": retry,
    "runs.delete": delete,
}
