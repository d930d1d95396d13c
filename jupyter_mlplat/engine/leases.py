"""Leases that live kernels have of GPUs: asked for, held, given back, outlived by nobody.

They stand in one queue with the steps of runs. Each belongs to a process, told apart from every
other one that has or had its pid: when it is gone, what it held is free.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import PurePath
from typing import Any

from jupyter_mlplat.errors import InvalidInput, NotFound
from jupyter_mlplat.kit.ids import new_id
from jupyter_mlplat.kit.process import ProcessIdentity
from jupyter_mlplat.ports.metadata import NewEvent
from jupyter_mlplat.resources.inventory import Lease, LeaseRequest
from jupyter_mlplat.services.pipelines.admission import LEASE, Admission, Grant, LeaseDemand
from jupyter_mlplat.services.pipelines.sharing import variables_of
from jupyter_mlplat.stores.leases import LocalLeases

_log = logging.getLogger(__name__)


def new_lease(request: LeaseRequest, now: datetime) -> Lease:
    """Make a lease that waits.

    Raises:
        InvalidInput: It asks for nothing, or its process is not there.
    """
    if request.gpu <= 0:
        raise InvalidInput("Cannot lease 0 GPUs: ask for 1, for more, or for a share such as 0.5.")
    if not identity_of(request).is_alive:
        raise InvalidInput(
            f"Cannot lease a GPU to process {request.process.pid}: it does not run on this machine."
        )
    return Lease(
        id=new_id("lease"),
        gpu=request.gpu,
        name=request.name,
        process=request.process,
        state="waiting",
        asked_at=now,
    )


def identity_of(one: Lease | LeaseRequest) -> ProcessIdentity:
    """Return the process a lease belongs to."""
    process = one.process
    return ProcessIdentity(process.pid, process.start_time, process.boot_id)


def label_of(lease: Lease) -> str:
    """Name who holds a lease, for people."""
    what = f"kernel of {PurePath(lease.name).name}" if lease.name else "kernel"
    return f"{what} (pid {lease.process.pid})"


class Leases:
    """Belongs to the conductor's thread; `known` and `find` may be called from any."""

    def __init__(self, admission: Admission, store: LocalLeases) -> None:
        self._admission = admission
        self._store = store
        self._known: dict[str, Lease] = {}

    def recover(self) -> None:
        """Let living kernels have again what they had; what the dead had is free."""
        found = self._store.read()
        for lease in found:
            if not identity_of(lease).is_alive:
                _log.info("%s is gone: its lease is over", label_of(lease))
                continue
            self._known[lease.id] = lease
            key, demand = (LEASE, lease.id), LeaseDemand(lease.gpu)
            if lease.state == "held":
                self._admission.hold(key, demand, lease.devices, label_of(lease))
            else:
                self._admission.enqueue(key, demand, label_of(lease))
        if len(self._known) < len(found):
            self._write()

    @property
    def known(self) -> tuple[Lease, ...]:
        return tuple(self._known.values())

    def find(self, lease: str) -> Lease | None:
        return self._known.get(lease)

    def get(self, lease: str) -> Lease:
        """Return a lease. Raises NotFound."""
        found = self.find(lease)
        if found is None:
            raise NotFound(
                f"Cannot find lease {lease!r}: it is over, or never was. "
                "`jupyter mlplat gpus` lists those there are.",
                lease=lease,
            )
        return found

    def take(self, lease: Lease) -> list[NewEvent]:
        """Let a lease join the queue; whatever its process had before goes back first."""
        self._admission.inventory.refuse("lease a GPU", LeaseDemand(lease.gpu))
        mine = [one.id for one in self.known if one.process == lease.process]
        events = [event for one in mine for event in self._drop(one)]
        self._known[lease.id] = lease
        self._admission.enqueue((LEASE, lease.id), LeaseDemand(lease.gpu), label_of(lease))
        self._write()
        return events

    def drop(self, leases: Iterable[str]) -> list[NewEvent]:
        """Give leases back, those that are there."""
        events = [event for lease in leases for event in self._drop(lease)]
        if events:
            self._write()
        return events

    def hold(self, lease: str, grant: Grant, now: datetime) -> NewEvent:
        """Take in that a lease was granted."""
        device = self._admission.inventory.device
        return self._change(
            lease,
            state="held",
            devices=grant.gpus,
            env=variables_of([device(number) for number in grant.gpus], grant.demand.gpu),
            waiting_for=None,
            held_since=now,
        )

    def wait(self, lease: str, reason: str) -> list[NewEvent]:
        """Take in what a lease waits for."""
        if self._known[lease].waiting_for == reason:
            return []
        return [self._change(lease, waiting_for=reason)]

    def _change(self, lease: str, **fields: Any) -> NewEvent:
        changed = self._known[lease] = self._known[lease].model_copy(update=fields)
        self._write()
        return NewEvent("lease.updated", lease, changed.model_dump(mode="json"))

    def _drop(self, lease: str) -> list[NewEvent]:
        gone = self._known.pop(lease, None)
        if gone is None:
            return []
        self._admission.release((LEASE, lease))
        return [NewEvent("lease.released", lease, {"name": gone.name})]

    def _write(self) -> None:
        """Write them down; where the disk is full they hold as long as this engine lives."""
        with suppress(OSError):
            self._store.write(self.known)
