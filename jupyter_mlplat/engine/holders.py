"""Who holds what of the machine, and who waits for what, as a document."""

from collections.abc import Mapping

from jupyter_mlplat.engine.leases import Leases
from jupyter_mlplat.engine.live import LiveRun
from jupyter_mlplat.resources.inventory import DeviceStatus, Holder, MachineInventory
from jupyter_mlplat.services.pipelines.admission import LEASE, NOTHING, Admission, Demand, Key
from jupyter_mlplat.services.pipelines.devices import Device


def describe(admission: Admission, runs: Mapping[str, LiveRun], leases: Leases) -> MachineInventory:
    """Describe the machine as it is given out now; safe from any thread."""
    held, waiting, machine = admission.held, admission.waiting, admission.inventory
    holders = tuple(
        _holder(key, grant.demand, grant.label, runs, leases, grant.gpus)
        for key, grant in held.items()
        if grant.demand is not NOTHING
    )
    taken = {
        device.number: sum(
            min(holder.gpu, 1) for holder in holders if device.number in holder.devices
        )
        for device in machine.gpus
    }
    return MachineInventory(
        cpu_total=machine.cpu,
        cpu_held=sum(holder.cpu for holder in holders),
        memory_total_bytes=machine.memory_bytes,
        memory_held_bytes=sum(holder.memory_bytes or 0 for holder in holders),
        devices=tuple(_device(device, taken[device.number]) for device in machine.gpus),
        holders=holders,
        waiting=tuple(
            _holder(key, one.demand, one.label, runs, leases) for key, one in waiting.items()
        ),
    )


def _device(device: Device, taken: float) -> DeviceStatus:
    return DeviceStatus(
        number=device.number,
        id=device.id,
        name=device.name,
        kind="mig" if device.kind == "mig" else "gpu",
        free=round(max(0.0, 1 - taken), 6),
        memory_bytes=device.memory_bytes,
    )


def _holder(
    key: Key,
    demand: Demand,
    label: str,
    runs: Mapping[str, LiveRun],
    leases: Leases,
    devices: tuple[int, ...] = (),
) -> Holder:
    owner, name = key
    holder = Holder(
        kind="kernel" if owner == LEASE else "step",
        label=label,
        cpu=demand.cpu,
        memory_bytes=demand.memory_bytes,
        gpu=demand.gpu,
        devices=devices,
    )
    if owner != LEASE:
        live = runs.get(owner)
        task = live.status.tasks.get(name) if live else None
        told = {
            "run_id": owner,
            "run_number": live.status.run.number if live else None,
            "step": name,
            "since": task.started_at if task else None,
            "waiting_for": task.waiting_for if task else None,
        }
        return holder.model_copy(update=told)
    lease = leases.find(name)
    if lease is None:
        return holder.model_copy(update={"lease": name})
    told = {
        "lease": name,
        "pid": lease.process.pid,
        "since": lease.held_since or lease.asked_at,
        "waiting_for": lease.waiting_for,
    }
    return holder.model_copy(update=told)
