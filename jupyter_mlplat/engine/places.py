"""Where work can run: this machine, and the clusters of the settings."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING

from jupyter_mlplat.config import THIS_MACHINE, ClusterConfig, EngineConfig
from jupyter_mlplat.engine.api.pods import PodDoor
from jupyter_mlplat.errors import InvalidInput, PlatformError
from jupyter_mlplat.kit.home import Home
from jupyter_mlplat.launchers.kubernetes.launcher import KubernetesLauncher
from jupyter_mlplat.resources.pipeline import Pipeline
from jupyter_mlplat.resources.places import Place, PlaceList
from jupyter_mlplat.services.pipelines.admission import ELSEWHERE, Inventory

if TYPE_CHECKING:
    from jupyter_mlplat.engine.engine import Engine

_log = logging.getLogger(__name__)

_ANSWER_S = 5.0
_TIDY_AGAIN_S = 60.0


class Places:
    """The places of one engine; belongs to the event loop.

    Args:
        home: The state directory.
        config: Names the clusters.
        inventory: What this machine has.
    """

    def __init__(self, home: Home, config: EngineConfig, inventory: Inventory) -> None:
        self._default = config.run_on
        self._inventory = inventory
        self.clusters: Mapping[str, ClusterConfig] = {one.name: one for one in config.clusters}
        self._doors: list[tuple[PodDoor, Engine]] = []
        self.launchers = {one.name: KubernetesLauncher(one, home) for one in config.clusters}

    def settle(self, wanted: str | None) -> str:
        """Return the place that is meant.

        Raises:
            InvalidInput: There is none of this name.
        """
        place = wanted or self._default
        if place != THIS_MACHINE and place not in self.clusters:
            known = ", ".join((THIS_MACHINE, *self.clusters))
            raise InvalidInput(
                f"Cannot run on {place!r}: there is no such place. There are: {known}. Describe "
                f"it in a table [cluster.{place}] of the engine's config.toml.",
                known=[THIS_MACHINE, *self.clusters],
            )
        return place

    def inventory_of(self, place: str) -> Inventory:
        """Return what a place has to give, as far as we are the ones who give it."""
        return self._inventory if place == THIS_MACHINE else ELSEWHERE

    def refuse_unfit(self, place: str, pipeline: Pipeline) -> None:
        """Refuse what cannot run there.

        Raises:
            InvalidInput: It is a KFP pipeline, or its ranks would not find each other's files.
        """
        if place != THIS_MACHINE and pipeline.ir is not None:
            raise InvalidInput(
                f"Cannot run {pipeline.name!r} on {place!r}: tasks of KFP pipelines run on this "
                f"machine only. Run it with run_on={THIS_MACHINE!r}."
            )
        if place != THIS_MACHINE and self.clusters[place].exchange == "http":
            for step in pipeline.steps:
                if step.train is not None and step.train.nodes > 1:
                    raise InvalidInput(
                        f"Cannot run step {step.name!r} on {place!r} as {step.train.nodes} nodes: "
                        "its pods share no volume. Ask for one node with more processes, or set "
                        f'exchange = "volume" in [cluster.{place}].'
                    )

    async def tidy(
        self, running: Callable[[], Awaitable[Collection[tuple[str, str, int]]]]
    ) -> None:
        """Delete what earlier engines left on clusters and nobody waits for, once they answer."""
        left = dict(self.launchers)
        while left:
            for name, launcher in list(left.items()):
                try:
                    await launcher.tidy(await running())
                    del left[name]
                except PlatformError as error:
                    _log.info("Cannot tidy up on %r yet: %s", name, error)
            if left:
                await asyncio.sleep(_TIDY_AGAIN_S)

    async def end_all(self) -> None:
        """End everything that runs on clusters, as far as they answer."""
        await asyncio.gather(*(launcher.end_all() for launcher in self.launchers.values()))

    async def close(self) -> None:
        """Let go of the clusters; what runs there goes on."""
        await asyncio.gather(*(door.close(engine) for door, engine in self._doors))
        await asyncio.gather(*(launcher.close() for launcher in self.launchers.values()))

    def heard_of(self, run: str, step: str, attempt: int) -> None:
        """Look at an attempt at once: its pod has told something."""
        for launcher in self.launchers.values():
            launcher.heard_of((run, step, attempt))

    def open_doors(self, engine: "Engine") -> None:
        """Listen for pods of the clusters that bring what they made by HTTP."""
        wanted = {one.listen for one in self.clusters.values() if one.exchange == "http"}
        for address in sorted(wanted):
            door = PodDoor.at(address)
            try:
                door.open(engine)
                self._doors.append((door, engine))
            except PlatformError as error:
                _log.error("%s", error.message)

    async def describe(self) -> PlaceList:
        """Say what there is, and what of it answers."""
        here = Place(name=THIS_MACHINE, kind="machine", is_default=self._default == THIS_MACHINE)
        found = await asyncio.gather(*(self._look(name) for name in self.clusters))
        return PlaceList(places=(here, *found))

    async def _look(self, name: str) -> Place:
        config, launcher = self.clusters[name], self.launchers[name]
        version = problem = namespace = ""
        try:
            async with asyncio.timeout(_ANSWER_S):
                api = await launcher.connected()
                namespace = config.namespace or api.namespace
                version = await api.version()
        except TimeoutError:
            problem = f"It has not answered within {_ANSWER_S:g} s."
        except PlatformError as error:
            problem = error.message
        return Place(
            name=name,
            kind="cluster",
            is_default=self._default == name,
            answers=not problem,
            problem=problem,
            version=version,
            namespace=namespace or config.namespace or "",
            image=config.image,
            exchange=config.exchange,
        )
