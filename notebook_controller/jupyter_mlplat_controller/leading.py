"""One controller acts: who holds a Lease, and knows that it still does.

A holder counts the time from before it asked for a renewal, and gives up well before others may
take over; they wait until the lease was not renewed for its whole length by their own clock, so
that clocks that differ do no harm. Whether the lease is held is asked before every write: a process
that was stopped past its lease and goes on finds it lost before it writes anything.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_mlplat_controller.api import Api, ApiError
from jupyter_mlplat_controller.clock import Clock
from jupyter_mlplat_controller.kinds import LEASE
from jupyter_mlplat_controller.plans import Key, Obj, version_of

log = logging.getLogger(__name__)

_GIVES_UP = 2 / 3  # of the lease's length
_RENEWS = 1 / 3
_LOOKS = 2 / 15


class Lost(Exception):
    """The lease is another's by now, or may be."""


class Leader:
    """Holds a lease while work goes on."""

    def __init__(self, api: Api, key: Key, identity: str, length_s: float, clock: Clock) -> None:
        self._api = api
        self._key = key
        self._identity = identity
        self._length_s = length_s
        self._clock = clock
        self._until = float("-inf")
        self._lease: Obj = {}
        self._seen: tuple[str, float] = ("", 0.0)

    @property
    def is_held(self) -> bool:
        """Whether the lease is surely ours at this moment."""
        return self._clock.seconds() < self._until

    def demand(self) -> None:
        """Go on only while the lease is held.

        Raises:
            Lost: It may not be.
        """
        if not self.is_held:
            raise Lost(f"{self._identity} may no longer hold {self._key.name}.")

    async def lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, work while it is held, and again; for ever, or until work ends."""
        while True:
            await self._acquire()
            log.info("%s leads.", self._identity)
            task = asyncio.ensure_future(work())
            try:
                await self._keep(task)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            if task.done() and not task.cancelled() and not self._is_loss(task):
                return
            log.warning("%s leads no more.", self._identity)

    async def release(self) -> None:
        """Let others take over at once."""
        if not self.is_held:
            return
        self._until = float("-inf")
        try:
            await self._write({**self._lease["spec"], "holderIdentity": ""})
        except ApiError as error:
            log.info("The lease could not be given back, and runs out: %s", error)

    def _is_loss(self, task: "asyncio.Future[None]") -> bool:
        error = task.exception()
        if error is None:
            return False
        if isinstance(error, Lost):
            return True
        raise error

    async def _acquire(self) -> None:
        while True:
            try:
                if await self._try():
                    return
            except ApiError as error:
                if not error.is_conflict:
                    log.warning("The lease %s cannot be had: %s", self._key.name, error)
            await asyncio.sleep(self._length_s * _LOOKS)

    async def _try(self) -> bool:
        began = self._clock.seconds()
        try:
            self._lease = await self._api.get(LEASE, self._key)
        except ApiError as error:
            if not error.is_missing:
                raise
            self._lease = await self._api.create(LEASE, self._body({}, {}))
            self._until = began + self._length_s * _GIVES_UP
            return True
        spec = self._lease.get("spec") or {}
        holder, version = spec.get("holderIdentity"), version_of(self._lease)
        if self._seen[0] != version:
            self._seen = (version, began)
        length_s = max(self._length_s, float(spec.get("leaseDurationSeconds") or 0))
        is_over = began - self._seen[1] >= length_s
        if holder and holder != self._identity and not is_over:
            return False
        began = self._clock.seconds()
        await self._write(self._body(self._lease, spec)["spec"])
        self._until = began + self._length_s * _GIVES_UP
        return True

    async def _keep(self, task: "asyncio.Future[None]") -> None:
        """Renew until the lease is lost or the work ends."""
        while not task.done():
            await asyncio.wait([task], timeout=self._length_s * _RENEWS)
            if task.done():
                return
            began = self._clock.seconds()
            try:
                spec = {**self._lease["spec"], "renewTime": self._now()}
                async with asyncio.timeout(max(0.1, self._until - began)):
                    await self._write(spec)
                self._until = began + self._length_s * _GIVES_UP
            except TimeoutError:
                return
            except ApiError as error:
                if error.is_conflict and not await self._is_still_ours():
                    return
                if not self.is_held:
                    return
                log.warning("The lease could not be renewed yet: %s", error)
                await asyncio.sleep(self._length_s * _LOOKS)

    async def _is_still_ours(self) -> bool:
        """Look after a conflict: an answer that was lost may have been a renewal of our own."""
        try:
            self._lease = await self._api.get(LEASE, self._key)
        except ApiError as error:
            return not error.is_missing and self.is_held
        return (self._lease.get("spec") or {}).get("holderIdentity") == self._identity

    async def _write(self, spec: dict[str, Any]) -> None:
        body = {**self._lease, "spec": spec}
        self._lease = await self._api.replace(LEASE, body)

    def _body(self, lease: Obj, spec: dict[str, Any]) -> dict[str, Any]:
        is_other = spec.get("holderIdentity") != self._identity
        metadata = lease.get("metadata") or {
            "name": self._key.name,
            "namespace": self._key.namespace,
        }
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": dict(metadata),
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": round(self._length_s),
                "acquireTime": self._now() if is_other else spec.get("acquireTime"),
                "renewTime": self._now(),
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + bool(spec),
            },
        }

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
