"""What can be asked of endpoints, one method each, and the loop that keeps them as they should."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jupyter_mlplat.errors import (
    Conflict,
    ExecutionFailed,
    Forbidden,
    InvalidInput,
    NotFound,
    PlatformError,
    Unsupported,
)
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.ports.serving import (
    EndpointReport,
    EndpointStore,
    EventSink,
    ModelSource,
    ServableModel,
    ServerOrder,
    ServerReport,
    ServerState,
    ServingLauncher,
)
from jupyter_mlplat.resources.base import JsonValue
from jupyter_mlplat.resources.serving import (
    DeployRequest,
    Endpoint,
    EndpointState,
    PredictRequest,
    Traffic,
    TrafficRequest,
)
from jupyter_mlplat.services.serving.deciding import (
    Action,
    Crashes,
    Route,
    StartRouter,
    StartServer,
    StopAll,
    StopServer,
    describe,
    next_start,
    note_server,
    plan,
    take_up_wanted,
)
from jupyter_mlplat.services.serving.records import EndpointRecord, RevisionRecord, Split
from jupyter_mlplat.services.serving.splits import checked, with_share

SERVABLE = ("sklearn", "onnx", "python", "pickle")
RUNS_CODE = ("python", "pickle")

ROUTER_RETRY_S = 2.0
SWITCH_TIMEOUT_S = 60.0
"""How long a call waits for a new split to come into force; after that it happens by itself."""


@dataclass(slots=True)
class _Kept:
    """An endpoint in memory: its record, which is also on disk, and what we learn as we run."""

    record: EndpointRecord
    crashes: dict[int, Crashes] = field(default_factory=dict)
    seen: dict[int, ServerReport] = field(default_factory=dict)
    routed: Route | None = None
    shown: Endpoint | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    timer: asyncio.TimerHandle | None = None


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
    ) -> None:
        self._store = store
        self._models = models
        self._launcher = launcher
        self._events = events
        self._now = monotonic
        self._kept: dict[str, _Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._creating = asyncio.Lock()

    # life of the service
    async def open(self) -> None:
        """Take over the endpoints of an earlier engine, and put right what went wrong meanwhile."""
        self._launcher.bind(self._wake)
        for _, internal in self._store.list_endpoints():
            record = EndpointRecord.model_validate(internal)
            self._kept[record.name] = _Kept(record)
            await self._launcher.adopt(record.name)
            self._wake(record.name)

    async def close(self) -> None:
        """Stop looking after the endpoints; they go on."""
        for kept in self._kept.values():
            if kept.timer is not None:
                kept.timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._launcher.close()

    # asking
    def list(self) -> tuple[Endpoint, ...]:
        return tuple(self._show(kept) for _, kept in sorted(self._kept.items()))

    def get(self, name: str) -> Endpoint:
        return self._show(self._find(name))

    def read_log(self, name: str, revision: int | None = None) -> str:
        """Return the end of what a revision's server wrote; of the router without a revision."""
        self._find(name)
        return self._launcher.read_log(name, revision)

    async def predict(self, name: str, request: PredictRequest) -> dict[str, JsonValue]:
        """Send rows to an endpoint; a single row or record counts as one."""
        endpoint = self.get(name)
        if endpoint.state is EndpointState.STOPPED:
            raise Conflict(f"Cannot predict: endpoint {name!r} is stopped. Start it first.")
        outputs, revision = await self._launcher.predict(endpoint, _instances(request.inputs))
        return {"outputs": outputs, "revision": revision}

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
            kept = self._kept.get(name) or self._create(name, request.port)
        async with kept.lock:
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
            self._save(
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
            await self._reconcile(kept)
        await self._until_settled(kept, wanted, request.wait_s)
        failure = kept.record.revision(number).failure
        if failure:
            raise ExecutionFailed(failure, endpoint=name, revision=number)
        return self._show(kept)

    async def set_traffic(self, name: str, request: TrafficRequest) -> Endpoint:
        """Set the whole split; revisions that do not run are started first."""
        kept = self._find(name)
        known = {found.number for found in kept.record.revisions}
        return await self._switch(kept, checked(request.traffic, known, name))

    async def rollback(self, name: str) -> Endpoint:
        """Go back to the split before this one; rolling back again undoes that."""
        kept = self._find(name)
        if not kept.record.previous:
            raise Conflict(f"Cannot roll back endpoint {name!r}: it has had one split only.")
        return await self._switch(kept, kept.record.previous)

    async def promote(self, name: str) -> Endpoint:
        """Give the newest revision all traffic."""
        kept = self._find(name)
        hopeful = [found.number for found in kept.record.revisions if not found.failure]
        if not hopeful:
            raise Conflict(f"Cannot promote: endpoint {name!r} has no revision that can serve.")
        return await self._switch(kept, (Traffic(revision=hopeful[-1], percent=100),))

    async def stop(self, name: str) -> Endpoint:
        """Stop everything that runs for an endpoint; its port, revisions and split are kept."""
        kept = self._find(name)
        async with kept.lock:
            self._save(kept, kept.record.model_copy(update={"is_running": False, "message": ""}))
            await self._reconcile(kept)
        return self._show(kept)

    async def start(self, name: str) -> Endpoint:
        """Start a stopped endpoint, and try again what had been given up."""
        kept = self._find(name)
        async with kept.lock:
            revisions = tuple(
                found.model_copy(update={"failure": ""}) for found in kept.record.revisions
            )
            wanted = kept.record.wanted
            if not kept.record.listed and revisions:
                wanted = (Traffic(revision=revisions[-1].number, percent=100),)
            kept.crashes.clear()
            self._save(
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
            await self._reconcile(kept)
        await self._until(
            kept,
            lambda: self._show(kept).state in (EndpointState.READY, EndpointState.FAILED),
            SWITCH_TIMEOUT_S,
        )
        return self._show(kept)

    async def delete(self, name: str) -> None:
        """Stop an endpoint and forget it."""
        kept = self._find(name)
        async with kept.lock:
            if kept.timer is not None:
                kept.timer.cancel()
            self._save(kept, kept.record.model_copy(update={"is_running": False}))
            await self._launcher.remove(name)
            self._store.delete_endpoint(name)
            self._kept.pop(name, None)
            self._events.publish("endpoint.deleted", name, {})

    # inside
    def _find(self, name: str) -> _Kept:
        kept = self._kept.get(name)
        if kept is None:
            known = ", ".join(repr(found) for found in sorted(self._kept)) or "none"
            raise NotFound(f"Cannot find endpoint {name!r}. There are: {known}.")
        return kept

    def _create(self, name: str, port: int | None) -> _Kept:
        port = self._launcher.reserve_port(name, port)
        now = utc_now()
        kept = _Kept(EndpointRecord(name=name, port=port, created_at=now, updated_at=now))
        self._kept[name] = kept
        return kept

    async def _switch(self, kept: _Kept, split: Split) -> Endpoint:
        """Want a split, wait until it is in force, and say so if it cannot be."""
        async with kept.lock:
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
            for part in split:
                kept.crashes.pop(part.revision, None)
            self._save(
                kept,
                record.model_copy(
                    update={
                        "wanted": split,
                        "revisions": revisions,
                        "message": "",
                    }
                ),
            )
            await self._reconcile(kept)
        await self._until_settled(kept, split, SWITCH_TIMEOUT_S)
        if kept.record.wanted is None and kept.record.traffic != split:
            raise ExecutionFailed(
                f"Cannot move the traffic of endpoint {kept.record.name!r}: "
                f"{kept.record.message or 'a revision could not be started'}"
            )
        return self._show(kept)

    def _wake(self, name: str) -> None:
        """Look after an endpoint soon."""
        kept = self._kept.get(name)
        if kept is None:
            return
        task = asyncio.get_running_loop().create_task(self._look_after(kept))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_after(self, kept: _Kept) -> None:
        async with kept.lock:
            if self._kept.get(kept.record.name) is kept:
                await self._reconcile(kept)

    async def _reconcile(self, kept: _Kept) -> None:
        """Do what is to be done until nothing is; the endpoint's lock is held."""
        name = kept.record.name
        while True:
            report = self._launcher.observe(name)
            self._take_in(kept, report)
            actions = [
                action
                for action in plan(kept.record, report, kept.crashes, self._now())
                if action != kept.routed
            ]
            if not actions:
                break
            try:
                for action in actions:
                    await self._carry_out(kept, action)
            except PlatformError as error:
                self._save(kept, kept.record.model_copy(update={"message": error.message}))
                self._wake_after(kept, ROUTER_RETRY_S)
                break
        due = next_start(kept.record, self._launcher.observe(name), kept.crashes)
        if due is not None:
            self._wake_after(kept, max(0.0, due - self._now()))
        await self._tell(kept)

    def _take_in(self, kept: _Kept, report: EndpointReport) -> None:
        record = kept.record
        for number, server in report.servers.items():
            if kept.seen.get(number) != server and any(
                found.number == number for found in record.revisions
            ):
                crashes = kept.crashes.get(number, Crashes())
                record, crashes = note_server(record, crashes, number, server, self._now())
                kept.crashes[number] = crashes
        kept.seen = dict(report.servers)
        record = take_up_wanted(record, report)
        if record is not kept.record:
            self._save(kept, record)

    async def _carry_out(self, kept: _Kept, action: Action) -> None:
        name = kept.record.name
        match action:
            case StartRouter():
                kept.routed = None
                await self._launcher.start_router(name, kept.record.port)
            case StartServer(number):
                await self._start_server(kept, number)
            case Route(versions, percent):
                await self._launcher.route(name, versions, percent)
                kept.routed = action
            case StopServer(number):
                await self._launcher.stop_server(name, number)
                kept.crashes.pop(number, None)
            case StopAll():
                await self._launcher.stop(name)
                kept.routed = None
                kept.crashes.clear()

    async def _start_server(self, kept: _Kept, number: int) -> None:
        revision = kept.record.revision(number)
        try:
            model = self._models.resolve(f"{revision.model}/{revision.version}")
        except PlatformError as error:
            given_up = revision.model_copy(update={"failure": error.message})
            self._save(kept, kept.record.replacing(given_up))
            return
        await self._launcher.start_server(
            ServerOrder(kept.record.name, number, model, revision.trust_pickle)
        )
        # So that an end as quick as the last one, and for the same reason, counts as another.
        kept.seen[number] = ServerReport(ServerState.STARTING)

    def _wake_after(self, kept: _Kept, seconds: float) -> None:
        if kept.timer is not None:
            kept.timer.cancel()
        loop = asyncio.get_running_loop()
        kept.timer = loop.call_later(seconds, self._wake, kept.record.name)

    def _show(self, kept: _Kept) -> Endpoint:
        return describe(kept.record, self._launcher.observe(kept.record.name))

    def _save(self, kept: _Kept, record: EndpointRecord) -> None:
        kept.record = record.model_copy(update={"updated_at": utc_now()})
        self._store.save_endpoint(self._show(kept), kept.record.to_wire())

    async def _tell(self, kept: _Kept) -> None:
        """Publish what users see, if that has changed, and wake those who wait for it."""
        endpoint = self._show(kept)
        if endpoint != kept.shown:
            kept.shown = endpoint
            self._store.save_endpoint(endpoint, kept.record.to_wire())
            self._events.publish("endpoint.updated", endpoint.name, endpoint.to_wire())
        async with kept.changed:
            kept.changed.notify_all()

    async def _until_settled(self, kept: _Kept, split: Split, timeout_s: float) -> None:
        await self._until(kept, lambda: kept.record.wanted != split, timeout_s)

    async def _until(self, kept: _Kept, is_done: Callable[[], bool], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s), kept.changed:
                await kept.changed.wait_for(is_done)
        except TimeoutError:
            return  # not an error: the answer shows how far it has come


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
