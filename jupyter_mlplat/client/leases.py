"""The part of the engine's API that is about the machine: who holds what, leases of GPUs."""

from typing import TYPE_CHECKING

from jupyter_mlplat.client.link import EngineLink

if TYPE_CHECKING:
    from jupyter_mlplat.kit.process import ProcessIdentity
    from jupyter_mlplat.resources.inventory import Lease, MachineInventory


class LeaseLink(EngineLink):
    """What can be asked of the machine, as methods."""

    def inventory(self) -> "MachineInventory":
        """Return what the machine has, who holds what of it, and who waits for what."""
        from jupyter_mlplat.resources.inventory import MachineInventory

        return MachineInventory.model_validate_json(self.fetch("inventory.get"))

    def take_lease(
        self, gpu: float, process: "ProcessIdentity", name: str = "", *, wait: bool = True
    ) -> "Lease":
        """Lease GPUs to a process of this machine; what it held before goes back.

        Returns:
            The lease: held, or waiting where it may wait.

        Raises:
            InvalidInput: The machine has no such devices.
            Conflict: They are not free, and it may not wait.
        """
        from jupyter_mlplat.resources.inventory import Lease

        body = {"gpu": gpu, "process": process.to_json(), "name": name, "wait": wait}
        return Lease.model_validate_json(self.fetch("leases.take", body=body))

    def get_lease(self, lease: str, wait_s: float = 0) -> "Lease":
        """Return a lease, as soon as it is held or after so many seconds."""
        from jupyter_mlplat.resources.inventory import Lease

        query = {"wait_s": int(wait_s)}
        return Lease.model_validate_json(self.fetch("leases.get", {"lease": lease}, query))

    def release_lease(self, lease: str) -> None:
        """Give a lease back, whoever holds it."""
        self.fetch("leases.release", {"lease": lease})
