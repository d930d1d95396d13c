"""The loop that keeps endpoints as they should be, and what it keeps of each."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from jupyter_mlplat.errors import NotFound, PlatformError
from jupyter_mlplat.kit.clock import utc_now
from jupyter_mlplat.ports.serving import (
    EndpointReport,
    EndpointStore,
    EventSink,
    ModelSource,
    ServerOrder,
    ServerReport,
    ServerState,
    ServingLauncher,
)
from jupyter_mlplat.resources.serving import Endpoint
from jupyter_mlplat.services.serving.deciding import (
    Action,
    Crashes,
    Route,
    StartRouter,
    StartServer,
    StopAll,
    StopServer,
    describe,
    give_up,
    next_start,
    note_server,
    plan,
    take_up_wanted,
)
from jupyter_mlplat.services.serving.records import EndpointRecord

RETRY_S = 2.0
"""After what the machine refused: a port that is taken, a full disk."""


_COPIED = (
    "Not started: this state directory is a copy, and the original may still serve the endpoint. "
    "To serve it from here as well: jupyter mlplat endpoints start {name}"
)


@dataclass(slots=True)
class Kept:
    """An endpoint in memory: its record, which is also on disk, and what we learn as we run."""

    record: EndpointRecord
    crashes: dict[int, Crashes] = field(default_factory=dict)
    seen: dict[int, ServerReport] = field(default_factory=dict)
    routed: Route | None = None
    shown: Endpoint | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    timer: asyncio.TimerHandle | None = None


class Keeper:
    """Holds the endpoints, and does for each what `deciding` says, whenever something changes.

    A change is made like this: `hold` the endpoint, `save` what it should be from now on, and
    `reconcile`. What is saved happens even if the engine ends before the next line.
    """

    def __init__(
        self,
        store: EndpointStore,
        models: ModelSource,
        launcher: ServingLauncher,
        events: EventSink,
        monotonic: Callable[[], float],
        place: str,
    ) -> None:
        self._store = store
        self._models = models
        self._launcher = launcher
        self._events = events
        self._now = monotonic
        self._place = place
        self._kept: dict[str, Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take over the endpoints of an earlier engine, and put right what went wrong meanwhile.

        Those of a state directory that was copied stay stopped: the original may still serve them.
        """
        self._launcher.bind(self._wake)
        for _, internal in self._store.list_endpoints():
            record = EndpointRecord.model_validate(internal)
            kept = self._kept[record.name] = Kept(record)
            if record.place not in ("", self._place) and record.is_running:
                message = _COPIED.format(name=record.name)
                record = record.model_copy(update={"is_running": False, "message": message})
            else:
                await self._launcher.adopt(record.name)
            if record.place != self._place:
                self.save(kept, record)
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

    # one endpoint
    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._kept))

    def find(self, name: str) -> Kept:
        kept = self._kept.get(name)
        if kept is None:
            known = ", ".join(repr(found) for found in sorted(self._kept)) or "none"
            raise NotFound(f"Cannot find endpoint {name!r}. There are: {known}.")
        return kept

    def find_or_create(self, name: str, port: int | None) -> Kept:
        """Give an endpoint; a new one has its port from now on.

        Raises:
            Conflict: The port is taken.
        """
        kept = self._kept.get(name)
        if kept is None:
            port = self._launcher.reserve_port(name, port)
            now = utc_now()
            kept = Kept(EndpointRecord(name=name, port=port, created_at=now, updated_at=now))
            self._kept[name] = kept
        return kept

    @asynccontextmanager
    async def hold(self, kept: Kept) -> AsyncIterator[None]:
        """Let nobody else change an endpoint meanwhile.

        Raises:
            NotFound: It was deleted before it was our turn.
        """
        async with kept.lock:
            if self._kept.get(kept.record.name) is not kept:
                raise NotFound(f"Endpoint {kept.record.name!r} has just been deleted.")
            yield

    async def forget(self, kept: Kept) -> None:
        """Stop an endpoint and remove what there is of it; it is held."""
        name = kept.record.name
        if kept.timer is not None:
            kept.timer.cancel()
        self.save(kept, kept.record.model_copy(update={"is_running": False}))
        await self._launcher.remove(name)
        self._store.delete_endpoint(name)
        self._kept.pop(name, None)
        self._events.publish("endpoint.deleted", name, {})
        await self._wake_waiting(kept)

    def _wake(self, name: str) -> None:
        """Look after an endpoint soon."""
        kept = self._kept.get(name)
        if kept is None:
            return
        task = asyncio.get_running_loop().create_task(self._look_after(kept))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_after(self, kept: Kept) -> None:
        async with kept.lock:
            if self._kept.get(kept.record.name) is kept:
                await self.reconcile(kept)

    async def reconcile(self, kept: Kept) -> None:
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
            except (PlatformError, OSError) as error:
                self.save(kept, kept.record.model_copy(update={"message": str(error)}))
                self._wake_after(kept, RETRY_S)
                break
        due = next_start(kept.record, self._launcher.observe(name), kept.crashes)
        if due is not None:
            self._wake_after(kept, max(0.0, due - self._now()))
        await self._tell(kept)

    def _take_in(self, kept: Kept, report: EndpointReport) -> None:
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
            self.save(kept, record)

    async def _carry_out(self, kept: Kept, action: Action) -> None:
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

    async def _start_server(self, kept: Kept, number: int) -> None:
        revision = kept.record.revision(number)
        try:
            model = self._models.resolve(f"{revision.model}/{revision.version}")
        except PlatformError as error:
            self.save(kept, give_up(kept.record, number, error.message))
            return
        await self._launcher.start_server(
            ServerOrder(kept.record.name, number, model, revision.trust_pickle)
        )
        # So that an end as quick as the last one, and for the same reason, counts as another.
        kept.seen[number] = ServerReport(ServerState.STARTING)

    def _wake_after(self, kept: Kept, seconds: float) -> None:
        if kept.timer is not None:
            kept.timer.cancel()
        loop = asyncio.get_running_loop()
        kept.timer = loop.call_later(seconds, self._wake, kept.record.name)

    def show(self, kept: Kept) -> Endpoint:
        return describe(kept.record, self._launcher.observe(kept.record.name))

    def save(self, kept: Kept, record: EndpointRecord) -> None:
        kept.record = record.model_copy(update={"updated_at": utc_now(), "place": self._place})
        self._store.save_endpoint(self.show(kept), kept.record.to_wire())

    async def _tell(self, kept: Kept) -> None:
        """Publish what users see, if that has changed, and wake those who wait for it."""
        endpoint = self.show(kept)
        if endpoint != kept.shown:
            kept.shown = endpoint
            self._store.save_endpoint(endpoint, kept.record.to_wire())
            self._events.publish("endpoint.updated", endpoint.name, endpoint.to_wire())
        await self._wake_waiting(kept)

    @staticmethod
    async def _wake_waiting(kept: Kept) -> None:
        async with kept.changed:
            kept.changed.notify_all()

    async def until(self, kept: Kept, is_done: Callable[[], bool], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s), kept.changed:
                await kept.changed.wait_for(is_done)
        except TimeoutError:
            return  # not an error: the answer shows how far it has come
