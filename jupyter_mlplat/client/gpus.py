"""GPUs for this very process: leased, put into its environment, given back."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_mlplat.kit.process import ProcessIdentity, identify

if TYPE_CHECKING:
    from jupyter_mlplat.client.leases import LeaseLink
    from jupyter_mlplat.resources.inventory import Lease

_PIECE_S = 20

_before: dict[str, str | None] = {}
"""Variables that a lease has set in this process, with what they were before."""


def leased_variables() -> frozenset[str]:
    """Name the variables that are not the user's doing."""
    return frozenset(_before)


def lease(
    client: "LeaseLink",
    gpu: float,
    name: str = "",
    *,
    wait: bool = True,
    on_wait: Callable[[str], None] = lambda reason: None,
) -> "Lease":
    """Lease GPUs to this process, and let libraries that are loaded from now on see them alone.

    Whatever interrupts the wait, such as the stop button, ends it and takes the process out of the
    queue.

    Raises:
        InvalidInput: The machine has no such devices.
        Conflict: They are not free, and it may not wait.
    """
    me, told = identify(), None
    found = client.take_lease(gpu, me, name, wait=wait)
    try:
        while found.state == "waiting":
            if found.waiting_for and found.waiting_for != told:
                told = found.waiting_for
                on_wait(told)
            found = client.get_lease(found.id, _PIECE_S if told else 1)
    except BaseException:
        client.release_lease(found.id)
        raise
    _leave_environment()
    for variable, value in found.env.items():
        _before[variable] = os.environ.get(variable)
        os.environ[variable] = value
    return found


def release(client: "LeaseLink") -> bool:
    """Give back what this process holds; False where it holds nothing.

    Memory that its libraries have taken on a device stays taken until they let it go.
    """
    mine = [one for one in client.inventory().holders if one.lease and _is_mine(client, one.lease)]
    for holder in mine:
        client.release_lease(str(holder.lease))
    _leave_environment()
    return bool(mine)


def has_cuda() -> bool:
    """Tell whether this process works with CUDA already: what it may see is settled then."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return bool(cuda is not None and cuda.is_initialized())


def _is_mine(client: "LeaseLink", lease: str) -> bool:
    process = client.get_lease(lease).process
    return ProcessIdentity(process.pid, process.start_time, process.boot_id) == identify()


def _leave_environment() -> None:
    for variable, value in _before.items():
        if value is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = value
    _before.clear()
