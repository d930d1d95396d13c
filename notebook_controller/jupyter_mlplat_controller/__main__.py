"""`python -m jupyter_mlplat_controller`: the controller as a process."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections import Counter

import aiohttp

from jupyter_mlplat.errors import Unavailable
from jupyter_mlplat_controller import health
from jupyter_mlplat_controller.activity import JupyterProber
from jupyter_mlplat_controller.clock import SystemClock
from jupyter_mlplat_controller.cluster import Cluster
from jupyter_mlplat_controller.controller import Controller, Reconciler
from jupyter_mlplat_controller.leading import Leader
from jupyter_mlplat_controller.metrics import Metrics
from jupyter_mlplat_controller.notebooks.reconciler import STATEFUL_SETS, NotebookReconciler
from jupyter_mlplat_controller.plans import Key, key_of
from jupyter_mlplat_controller.profiles.reconciler import ProfileReconciler
from jupyter_mlplat_controller.settings import Settings
from jupyter_mlplat_controller.workspaces.reconciler import (
    WorkspaceKindReconciler,
    WorkspaceReconciler,
)

log = logging.getLogger("jupyter_mlplat_controller")

_DEAD_AFTER = 4  # times the silence that a watch is let: then the loop itself hangs


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    clock, metrics = SystemClock(), Metrics()
    api = await Cluster.connect(settings.requests_per_s, metrics.requested)
    session = aiohttp.ClientSession()
    identity = settings.identity or f"{socket.gethostname()}-{os.getpid()}"
    leader = (
        Leader(api, Key(settings.own_namespace, settings.lease), identity, settings.lease_s, clock)
        if settings.lease
        else None
    )
    reconcilers: list[Reconciler] = [
        NotebookReconciler(settings, JupyterProber(session), clock),
        *((ProfileReconciler(settings),) if settings.profiles else ()),
        *((WorkspaceReconciler(), WorkspaceKindReconciler()) if settings.workspaces else ()),
    ]
    controller = Controller(api, reconcilers, settings, clock, leader, metrics)

    def alive() -> tuple[bool, str]:
        silent_s = controller.silent_s
        is_well = silent_s < _DEAD_AFTER * settings.silence_s
        return is_well, "alive" if is_well else f"nothing was heard for {silent_s:.0f} s"

    def ready() -> tuple[bool, str]:
        if leader is not None and not leader.is_held:
            return True, "stands by"
        return controller.world.is_synced, "leads" if controller.world.is_synced else "lists"

    def figures() -> bytes:
        metrics.waiting.set(len(controller.queue))
        metrics.silent_s.set(controller.silent_s)
        metrics.leads.set(leader is None or leader.is_held)
        metrics.running(_running(controller))
        return metrics.text()

    try:
        if settings.port:
            await health.serve(settings.port, alive, ready, figures)
        work = asyncio.ensure_future(controller.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, work.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await work
        if leader is not None:
            await leader.release()
    finally:
        await session.close()
        await api.close()


def _running(controller: Controller) -> dict[str, int]:
    with contextlib.suppress(KeyError):
        return Counter(
            key_of(each).namespace
            for each in controller.world.of(STATEFUL_SETS).all()
            if (each.get("status") or {}).get("readyReplicas")
        )
    return {}


def main() -> None:
    """Read settings and run."""
    settings = Settings.read(sys.argv[1:])
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    try:
        asyncio.run(run(settings))
    except Unavailable as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
