"""What schedules ask of the engine: `timekeeper.Work`."""

import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from jupyter_mlplat.errors import PlatformError
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.resources.engine import GcRequest
from jupyter_mlplat.resources.pipeline import CompileRequest, Parameter
from jupyter_mlplat.resources.run import RetryRequest, Run, SubmitRequest
from jupyter_mlplat.resources.schedule import Firing

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

P = ParamSpec("P")
T = TypeVar("T")

_COLLECT_EVERY_S = 3600.0


class ScheduledWork:
    """Does it by the engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._collected_at = 0.0

    async def check(self, request: SubmitRequest) -> None:
        await self._engine.check(request)

    async def parameters_of(self, request: SubmitRequest) -> Sequence[Parameter]:
        """Read what the file takes, as it is now."""
        request = await self._engine.read(self._engine.pipelines.filled_in, request)
        asked = CompileRequest(path=request.path, notebook=request.notebook, split=request.split)
        return (await self._engine.compile(asked)).parameters

    async def begin(self, request: SubmitRequest, firing: Firing) -> Run:
        return await self._engine.submit(request, None, firing)

    async def cancel(self, run_id: str) -> None:
        await self._engine.cancel(run_id)

    async def retry(self, run_id: str) -> None:
        await self._engine.retry(run_id, RetryRequest())

    async def drop(self, run_ids: Collection[str]) -> Collection[str]:
        """Delete runs that nothing else needs, and now and then what nobody refers to any more."""
        engine = self._engine
        collected = await engine.between_turns(lambda: engine.store.collect(run_ids, dry_run=False))
        for run in collected.runs:
            engine.publish("run.deleted", run, {})
        if time.monotonic() - self._collected_at > _COLLECT_EVERY_S:
            self._collected_at = time.monotonic()
            with contextlib.suppress(PlatformError):  # beside a damaged database nothing goes
                await engine.between_turns(lambda: engine.gc.collect(GcRequest(), utc_now()))
        return collected.runs

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._engine.read(function, *args, **kwargs)

    async def write(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._engine.write(function, *args, **kwargs)
