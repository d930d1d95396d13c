"""What can be asked of endpoints: one method for each."""

import asyncio
import time
from collections.abc import Callable

from jupyter_mlplat.errors import (
    Conflict,
    ExecutionFailed,
    Forbidden,
    InvalidInput,
    Unsupported,
)
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.ports.serving import (
    EndpointStore,
    EventSink,
    LogPiece,
    ModelSource,
    ServableModel,
    ServingLauncher,
)
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.serving import (
    DeployRequest,
    Endpoint,
    EndpointState,
    EndpointStats,
    PredictRequest,
    Traffic,
    TrafficRequest,
)
from jupyter_mlplat.services.serving.keeping import Keeper, Kept
from jupyter_mlplat.services.serving.load import describe_load
from jupyter_mlplat.services.serving.records import RevisionRecord, Split
from jupyter_mlplat.services.serving.splits import checked, with_share

SERVABLE = ("sklearn", "onnx", "python", "pickle")
RUNS_CODE = ("python", "pickle")

SWITCH_TIMEOUT_S = 60.0
"""How long a call waits for a new split to come into force; after that it happens by itself."""


class ServingService:
    """Endpoints of one state directory. All methods belong to the engine's event loop.

    An endpoint outlives the engine: closing the service stops nothing, and `open` takes over what
    still runs and starts what does not. Only `stop` and `delete` end an endpoint's processes.
    """

    def __init__(
        self,
        store: EndpointStore,
        models: ModelSource,
        launcher: ServingLauncher,
        events: EventSink,
        monotonic: Callable[[], float] = time.monotonic,
        place: str = "",
    ) -> None:
        self._models = models
        self._monotonic = monotonic
        self._launcher = launcher
        self._keeper = Keeper(store, models, launcher, events, monotonic, place)
        self._creating = asyncio.Lock()

    async def open(self) -> None:
        """Take over the endpoints of an earlier engine, and put right what went wrong meanwhile."""
        await self._keeper.open()

    async def close(self) -> None:
        """Stop looking after the endpoints; they go on."""
        await self._keeper.close()

    async def end_processes(self) -> None:
        """End the processes of all endpoints; what should be of them is left as it is."""
        for name in self._keeper.names:
            await self._launcher.stop(name)

    # asking
    def list(self) -> tuple[Endpoint, ...]:
        return tuple(self.get(name) for name in self._keeper.names)

    def get(self, name: str) -> Endpoint:
        return self._keeper.show(self._keeper.find(name))

    def read_log(
        self, name: str, revision: int | None = None, offset: int | None = None
    ) -> LogPiece:
        """Return what a revision's server wrote, or the router: from a byte on, else the end."""
        self._keeper.find(name)
        return self._launcher.read_log(name, revision, offset)

    async def predict(self, name: str, request: PredictRequest) -> dict[str, JsonValue]:
        """Send rows to an endpoint; a single row or record counts as one.

        Returns:
            A `PredictAnswer` that nobody has checked once more: it may be large.
        """
        endpoint = self.get(name)
        if endpoint.state is EndpointState.STOPPED:
            raise Conflict(f"Cannot predict: endpoint {name!r} is stopped. Start it first.")
        begin = self._monotonic()
        outputs, revision = await self._launcher.predict(endpoint, _instances(request.inputs))
        duration_s = self._monotonic() - begin
        return {"outputs": outputs, "revision": revision, "duration_s": duration_s}

    async def measure(self, name: str) -> EndpointStats:
        """Say how an endpoint has answered: in all, over the last minute, and lately."""
        self._keeper.find(name)
        return describe_load(name, await self._launcher.measure(name), utc_now())

    # changing
    async def deploy(self, request: DeployRequest) -> Endpoint:
        """Serve a model version: as a new endpoint, or as a new revision of one.

        Traffic moves to the new revision when it is ready, and not at all if it cannot be loaded.

        Raises:
            NotFound: No such model.
            Forbidden: Loading the model would run its code, and nobody said to trust it.
            Unsupported: Its format cannot be served.
            Conflict: The port is taken, or the endpoint has another one.
            ExecutionFailed: The model cannot be loaded.
        """
        model = self._models.resolve(request.model)
        _check_servable(model, request.trust_pickle)
        name = request.name or model.version.model
        async with self._creating:
            kept = self._keeper.find_or_create(name, request.port)
        async with self._keeper.hold(kept):
            record = kept.record
            if request.port not in (None, record.port):
                raise Conflict(
                    f"Cannot serve endpoint {name!r} on port {request.port}: it has port "
                    f"{record.port}. Leave the port out, or delete the endpoint first."
                )
            number = max((found.number for found in record.revisions), default=0) + 1
            revision = RevisionRecord(
                number=number,
                model=model.version.model,
                version=model.version.version,
                trust_pickle=request.trust_pickle,
                created_at=utc_now(),
            )
            wanted = with_share(record.traffic, number, request.traffic)
            self._keeper.save(
                kept,
                record.model_copy(
                    update={
                        "revisions": (*record.revisions, revision),
                        "wanted": wanted,
                        "is_running": True,
                        "message": "",
                    }
                ),
            )
            await self._keeper.reconcile(kept)
        await self._until_settled(kept, wanted, request.wait_s)
        failure = kept.record.revision(number).failure
        if failure:
            raise ExecutionFailed(failure, endpoint=name, revision=number)
        return self._keeper.show(kept)

    async def set_traffic(self, name: str, request: TrafficRequest) -> Endpoint:
        """Set the whole split; revisions that do not run are started first."""
        kept = self._keeper.find(name)
        known = {found.number for found in kept.record.revisions}
        return await self._switch(kept, checked(request.traffic, known, name))

    async def rollback(self, name: str) -> Endpoint:
        """Go back to the split before this one; rolling back again undoes that."""
        kept = self._keeper.find(name)
        if not kept.record.previous:
            raise Conflict(f"Cannot roll back endpoint {name!r}: it has had one split only.")
        return await self._switch(kept, kept.record.previous)

    async def promote(self, name: str) -> Endpoint:
        """Give the newest revision all traffic."""
        kept = self._keeper.find(name)
        hopeful = [found.number for found in kept.record.revisions if not found.failure]
        if not hopeful:
            raise Conflict(f"Cannot promote: endpoint {name!r} has no revision that can serve.")
        return await self._switch(kept, (Traffic(revision=hopeful[-1], percent=100),))

    async def stop(self, name: str) -> Endpoint:
        """Stop everything that runs for an endpoint; its port, revisions and split are kept."""
        kept = self._keeper.find(name)
        async with self._keeper.hold(kept):
            self._keeper.save(
                kept, kept.record.model_copy(update={"is_running": False, "message": ""})
            )
            await self._keeper.reconcile(kept)
        return self._keeper.show(kept)

    async def start(self, name: str) -> Endpoint:
        """Start a stopped endpoint, and try again what had been given up."""
        kept = self._keeper.find(name)
        async with self._keeper.hold(kept):
            revisions = tuple(
                found.model_copy(update={"failure": ""}) for found in kept.record.revisions
            )
            wanted = kept.record.wanted
            if not kept.record.listed and revisions:
                wanted = (Traffic(revision=revisions[-1].number, percent=100),)
            kept.crashes.clear()
            self._keeper.save(
                kept,
                kept.record.model_copy(
                    update={
                        "is_running": True,
                        "revisions": revisions,
                        "wanted": wanted,
                        "message": "",
                    }
                ),
            )
            await self._keeper.reconcile(kept)
        await self._keeper.until(
            kept,
            lambda: self._keeper.show(kept).state in (EndpointState.READY, EndpointState.FAILED),
            SWITCH_TIMEOUT_S,
        )
        return self._keeper.show(kept)

    async def delete(self, name: str) -> None:
        """Stop an endpoint and forget it."""
        kept = self._keeper.find(name)
        async with self._keeper.hold(kept):
            await self._keeper.forget(kept)

    # inside
    async def _switch(self, kept: Kept, split: Split) -> Endpoint:
        """Want a split, wait until it is in force, and say so if it cannot be."""
        async with self._keeper.hold(kept):
            record = kept.record
            if not record.is_running:
                raise Conflict(
                    f"Cannot move the traffic of endpoint {record.name!r}: it is stopped. "
                    "Start it first."
                )
            revisions = tuple(
                found.model_copy(update={"failure": ""})
                if any(part.revision == found.number for part in split)
                else found
                for found in record.revisions
            )
            for found in record.revisions:
                if found.failure:
                    kept.crashes.pop(found.number, None)
            self._keeper.save(
                kept,
                record.model_copy(
                    update={
                        "wanted": split,
                        "revisions": revisions,
                        "message": "",
                    }
                ),
            )
            await self._keeper.reconcile(kept)
        await self._until_settled(kept, split, SWITCH_TIMEOUT_S)
        if kept.record.wanted is None and kept.record.traffic != split:
            raise ExecutionFailed(
                f"Cannot move the traffic of endpoint {kept.record.name!r}: "
                f"{kept.record.message or 'a revision could not be started'}"
            )
        return self._keeper.show(kept)

    async def _until_settled(self, kept: Kept, split: Split, timeout_s: float) -> None:
        """Wait until a split is in force or given up, or nothing will come of it any more."""

        def is_settled() -> bool:
            return kept.record.wanted != split or not kept.record.is_running

        await self._keeper.until(kept, is_settled, timeout_s)


def _check_servable(model: ServableModel, trust_pickle: bool) -> None:
    version = model.version
    what = f"Cannot serve {version.model!r} version {version.version}"
    if version.format not in SERVABLE:
        raise Unsupported(
            f"{what}: format {version.format!r} is not servable. "
            f"Register it as one of {', '.join(SERVABLE)}."
        )
    if version.format in RUNS_CODE and not trust_pickle:
        raise Forbidden(
            f"{what}: it is stored as {version.format!r}, and loading it runs the code inside it. "
            "If you trust where it came from, deploy it with --trust-pickle (trust_pickle=True)."
        )


def _instances(inputs: JsonValue) -> list[JsonValue]:
    """Make rows of what a caller gave: rows, records, one row, or one record."""
    if isinstance(inputs, dict):
        return [inputs]
    if not isinstance(inputs, list) or not inputs:
        raise InvalidInput("Cannot predict: 'inputs' must be rows or records, at least one.")
    is_one_row = not any(isinstance(value, list | dict) for value in inputs)
    return [inputs] if is_one_row else inputs
