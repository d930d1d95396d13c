"""What a Jupyter server does, by its own REST API; asking does not count as activity."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp

from jupyter_mlplat.formats.notebooks.documents import moment_of
from jupyter_mlplat.kit.quantities import format_count
from jupyter_mlplat_controller.notebooks.culling import Activity

_TIMEOUT_S = 10.0
_LARGEST = 2**20
_QUIET_STATES = ("idle", "dead")
_QUIET = {"no_track_activity": "1"}


class JupyterProber:
    """Asks servers on their Services."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(self, url: str, now: datetime) -> Activity:
        """Ask for kernels, terminals, running work and when anything last happened.

        Without kernels being told nothing is known. A server without terminals, or an old one
        without a status, is no fault.
        """
        try:
            kernels = await self._get(f"{url}/api/kernels")
            if kernels is None:
                return Activity(now, fault="it has no /api/kernels, as Jupyter servers do")
            terminals, status, work = await asyncio.gather(
                self._get(f"{url}/api/terminals"),
                self._get(f"{url}/api/status"),
                self._get(f"{url}/mlplat/work"),
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Activity(now, fault=f"it does not answer ({str(error) or type(error).__name__})")
        return activity_of(kernels, terminals, status, work, now)

    async def _get(self, url: str) -> Any:
        """Get what is there as JSON; None: there is no such thing."""
        async with self._session.get(
            url,
            params=_QUIET,
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            allow_redirects=False,  # to a page that asks who one is
        ) as answer:
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            body = await answer.content.read(_LARGEST + 1)
            if len(body) > _LARGEST:
                raise ValueError("it says too much")
            return json.loads(body)


def activity_of(kernels: Any, terminals: Any, status: Any, work: Any, now: datetime) -> Activity:
    """Read what a server said; what is no list of kernels says nothing."""
    if not isinstance(kernels, list):
        return Activity(now, fault="its /api/kernels is no list")
    busy = [each for each in _maps(kernels) if each.get("execution_state") not in _QUIET_STATES]
    times = [
        moment_of(str(each.get("last_activity", "")))
        for each in [*_maps(kernels), *_maps(terminals)]
    ]
    if isinstance(status, Mapping):
        times.append(moment_of(str(status.get("last_activity", ""))))
    known = [moment for moment in times if moment is not None]
    runs = work.get("running_runs") if isinstance(work, Mapping) else 0
    words = [f"{format_count(len(busy), 'kernel')} at work"] if busy else []
    words += [f"{format_count(runs, 'run')} going"] if isinstance(runs, int) and runs else []
    return Activity(
        now,
        busy=", ".join(words),
        last=max(known, default=None),
    )


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
