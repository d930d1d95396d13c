"""One launcher of several: each attempt is its place's."""

import asyncio
from collections.abc import Callable, Mapping

from jupyter_mlplat.config import THIS_MACHINE
from jupyter_mlplat.ports.launcher import AttemptRef, Ended, Kind, Launcher, StartOrder


class PlacedLauncher:
    """`ports.launcher.Launcher` over the launchers of all places.

    Args:
        launchers: By the name of their place; that of this machine is among them.
    """

    def __init__(self, launchers: Mapping[str, Launcher]) -> None:
        self._launchers = launchers
        self._on_end: Callable[[Ended], None] = lambda _: None

    def bind(
        self,
        on_end: Callable[[Ended], None],
        on_activity: Callable[[AttemptRef], None],
        on_wait: Callable[[AttemptRef, str | None], None] = lambda *_: None,
    ) -> None:
        self._on_end = on_end
        for launcher in self._launchers.values():
            launcher.bind(on_end, on_activity, on_wait)

    async def prepare(self, python: str, preload: tuple[str, ...], kind: Kind = "cells") -> None:
        """Have a warm worker ready on this machine."""
        await self._launchers[THIS_MACHINE].prepare(python, preload, kind)

    async def start(self, order: StartOrder) -> None:
        if (launcher := self._find(order.ref)) is not None:
            await launcher.start(order)

    async def adopt(self, ref: AttemptRef) -> None:
        if (launcher := self._find(ref)) is not None:
            await launcher.adopt(ref)

    async def cancel(self, ref: AttemptRef, grace_s: float = 5.0) -> None:
        if (launcher := self._launchers.get(ref.place)) is not None:
            await launcher.cancel(ref, grace_s)

    async def close(self) -> None:
        await asyncio.gather(*(launcher.close() for launcher in self._launchers.values()))

    def _find(self, ref: AttemptRef) -> Launcher | None:
        """Return the launcher of an attempt; one of a place that is no longer there has ended."""
        launcher = self._launchers.get(ref.place)
        if launcher is None:
            reason = (
                f"the settings know no place {ref.place!r} any more. Describe it again in a table "
                f"[cluster.{ref.place}] of config.toml and start the engine anew"
            )
            self._on_end(Ended(ref, None, "not-started", reason))
        return launcher
