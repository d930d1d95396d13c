"""The loop: what was heard becomes rounds, rounds become plans, plans are carried out.

One object that cannot be dealt with is tried ever later and stands in nobody's way. Nothing is
decided before everything was listed once.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from random import Random
from typing import NamedTuple, Protocol

from jupyter_mlplat_controller.acting import Hands, Stale
from jupyter_mlplat_controller.api import Api, ApiError
from jupyter_mlplat_controller.clock import Clock
from jupyter_mlplat_controller.leading import Leader, Lost
from jupyter_mlplat_controller.metrics import Metrics
from jupyter_mlplat_controller.mirrors import Source, World
from jupyter_mlplat_controller.plans import Key, Obj, Plan
from jupyter_mlplat_controller.queueing import Queue
from jupyter_mlplat_controller.settings import Settings

log = logging.getLogger(__name__)


class Reconciler(Protocol):
    """Rounds about the objects of one kind."""

    name: str
    sources: tuple[Source, ...]

    def touched(self, source: Source, body: Obj, world: World) -> Iterable[Key]:
        """Say whose rounds an object may change that was made, changed or deleted."""
        ...

    def plan(self, key: Key, world: World, now: datetime, refusal: ApiError | None) -> Plan | None:
        """Plan a round; pure but for caches. None: the object is gone.

        With a refusal: the API server will not do what was planned; say so in the status.
        """
        ...

    async def answer(self, key: Key, plan: Plan, world: World, api: Api) -> bool:
        """Ask what a plan wants to know; tell whether there is news for another round."""
        ...


class Item(NamedTuple):
    """Whose round it is, and about which object."""

    reconciler: int
    key: Key


class Controller:
    """Runs reconcilers against an API server.

    Args:
        api: The API server.
        reconcilers: What is looked after.
        settings: How.
        clock: What time it is.
        leader: Says whether this process may write; None: it always may.
        metrics: Are told what happens.
        random: Spreads what failed.
    """

    def __init__(
        self,
        api: Api,
        reconcilers: Sequence[Reconciler],
        settings: Settings,
        clock: Clock,
        leader: Leader | None = None,
        metrics: Metrics | None = None,
        random: Random | None = None,
    ) -> None:
        self._api = api
        self._reconcilers = reconcilers
        self._settings = settings
        self._clock = clock
        self._leader = leader
        self._random = random or Random()  # noqa: S311  # spreads retries
        self.metrics = metrics or Metrics()
        self.queue: Queue[Item] = Queue(self._random)
        self.world = World((), self._heard, clock)
        self._sources: dict[Source, list[int]] = {}

    async def run(self) -> None:
        """Work for ever: as the leader, where there is an election."""
        if self._leader is None:
            await self.work()
        else:
            await self._leader.lead(self.work)

    async def work(self) -> None:
        """List, watch and reconcile, from an empty memory."""
        self.queue = Queue(self._random)
        self._sources = {}
        for number, reconciler in enumerate(self._reconcilers):
            for source in reconciler.sources:
                self._sources.setdefault(source, []).append(number)
        self.world = World(self._sources, self._heard, self._clock)
        settings = self._settings
        try:
            async with asyncio.TaskGroup() as tasks:
                for mirror in self.world:
                    tasks.create_task(
                        mirror.follow(
                            self._api, settings.namespace, settings.silence_s, settings.relist_s
                        )
                    )
                while not self.world.is_synced:
                    await asyncio.sleep(0.01)
                hands = Hands(self._api, self.world, self._leave)
                for _ in range(settings.workers):
                    tasks.create_task(self._turns(hands))
        except* Lost as lost:
            raise lost.exceptions[0] from None
        finally:
            self.queue.close()

    @property
    def silent_s(self) -> float:
        """For how long the most silent mirror has heard nothing."""
        return max((self._clock.seconds() - each.heard_at for each in self.world), default=0.0)

    def _leave(self) -> None:
        if self._leader is not None:
            self._leader.demand()

    def _heard(self, source: Source, body: Obj) -> None:
        for number in self._sources.get(source, ()):
            try:
                keys = list(self._reconcilers[number].touched(source, body, self.world))
            except Exception:
                log.exception("An object of %s cannot be placed", source.kind.plural)
                continue
            for key in keys:
                self.queue.add(Item(number, key))

    async def _turns(self, hands: Hands) -> None:
        while True:
            item = await self.queue.get()
            try:
                await self._turn(item, hands)
            finally:
                self.queue.done(item)

    async def _turn(self, item: Item, hands: Hands) -> None:
        """Have one round about one object; whatever goes wrong concerns this object alone."""
        reconciler = self._reconcilers[item.reconciler]
        what = f"{reconciler.name} {item.key.namespace}/{item.key.name}"
        began = self._clock.seconds()
        try:
            await self._round(item, reconciler, hands)
            self.queue.succeeded(item)
            outcome = "done"
        except Stale as stale:
            self.queue.add_failed(item)
            log.debug("%s: %s", what, stale)
            outcome = "stale"
        except ApiError as error:
            delay = self.queue.add_failed(item, min(error.retry_after_s or 0.0, 60.0))
            log.warning("%s: %s; again in %.1f s", what, error, delay)
            outcome = "refused" if error.is_refusal else "failed"
        except Lost:
            raise
        except Exception:
            delay = self.queue.add_failed(item)
            log.exception("%s: this is a bug; again in %.1f s", what, delay)
            outcome = "broken"
        self.metrics.turned(reconciler.name, outcome, self._clock.seconds() - began)

    async def _round(self, item: Item, reconciler: Reconciler, hands: Hands) -> None:
        plan = reconciler.plan(item.key, self.world, self._clock.now(), None)
        if plan is None:
            return
        try:
            await hands.carry_out(plan)
        except ApiError as error:
            self.metrics.failed(item.key, plan)
            if not error.is_refusal:
                raise
            said = reconciler.plan(item.key, self.world, self._clock.now(), error)
            if said is not None:
                await hands.carry_out(said)
            raise
        self.metrics.did(item.key, plan)
        if plan.writes and plan.more:
            self.queue.add(item)
        if plan.again_s is not None:
            self.queue.add_after(item, plan.again_s)
        if plan.questions and await reconciler.answer(item.key, plan, self.world, self._api):
            self.queue.add(item)
