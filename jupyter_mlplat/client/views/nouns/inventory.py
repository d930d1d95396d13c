"""The machine: what it has, who holds it, who waits for it."""

from collections.abc import Iterable

from jupyter_mlplat.client.views.nouns.formats import format_age
from jupyter_mlplat.client.views.view import Cell, Mood, Table, View
from jupyter_mlplat.kit.quantities import format_bytes
from jupyter_mlplat.resources.inventory import DeviceStatus, Holder, Lease, MachineInventory


def view_inventory(machine: MachineInventory) -> View:
    """Show the devices, then their holders, then those that wait."""
    devices = tuple(
        (
            Cell(str(device.number)),
            Cell(device.name or "not known"),
            Cell(_free(device), Mood.GOOD if device.free == 1 else Mood.PLAIN),
            Cell("not known" if device.utilisation is None else f"{device.utilisation:.0%}"),
            Cell(_memory(device)),
            Cell(device.id, Mood.QUIET),
        )
        for device in machine.devices
    )
    tables = [
        Table(("GPU", "name", "free", "busy", "memory", "id"), devices, frozenset({"GPU", "free"})),
        Table(("holder", "holds", "since", "lease"), tuple(_rows(machine.holders))),
        Table(("waiting", "asks for", "for"), tuple(_waiting(machine.waiting))),
    ]
    return View(
        title="Machine",
        facts=(
            ("CPUs", Cell(_cores(machine))),
            ("memory", Cell(_bytes(machine))),
            ("GPUs", Cell(str(len(machine.devices)) if machine.devices else "none known")),
        ),
        tables=tuple(table for table in tables if table.rows),
        notes=tuple(Cell(note, Mood.QUIET) for note in machine.notes),
    )


def view_lease(lease: Lease, notes: Iterable[str] = ()) -> View:
    """Show what a kernel holds, or waits for."""
    is_held = lease.state == "held"
    return View(
        title=f"Lease {lease.id}",
        state=Cell("● held", Mood.GOOD) if is_held else Cell("○ waiting", Mood.WARNING),
        facts=(
            ("GPUs", Cell(_holding(lease.gpu, lease.devices))),
            *((name, Cell(value)) for name, value in lease.env.items()),
            *([("waits for", Cell(lease.waiting_for))] if lease.waiting_for else []),
        ),
        notes=tuple(Cell(note, Mood.QUIET) for note in notes),
    )


def _rows(holders: Iterable[Holder]) -> Iterable[tuple[Cell, ...]]:
    for holder in holders:
        yield (
            Cell(holder.label, link=f"run/{holder.run_id}" if holder.run_id else ""),
            Cell(_asks(holder)),
            Cell(format_age(holder.since) if holder.since else ""),
            Cell(holder.lease or "", Mood.QUIET),
        )


def _waiting(holders: Iterable[Holder]) -> Iterable[tuple[Cell, ...]]:
    for holder in holders:
        yield Cell(holder.label), Cell(_asks(holder)), Cell(holder.waiting_for or "its turn")


def _asks(holder: Holder) -> str:
    parts = [f"{holder.cpu:g} CPU"] if holder.cpu else []
    parts += [format_bytes(holder.memory_bytes)] if holder.memory_bytes else []
    parts += [_holding(holder.gpu, holder.devices)] if holder.gpu else []
    return ", ".join(parts)


def _holding(gpu: float, devices: tuple[int, ...]) -> str:
    named = f" ({', '.join(map(str, devices))})" if devices else ""
    return f"{gpu:g} GPU{named}"


def _free(device: DeviceStatus) -> str:
    return "free" if device.free == 1 else "taken" if device.free == 0 else f"{device.free:g}"


def _memory(device: DeviceStatus) -> str:
    if device.memory_bytes is None:
        return "not known"
    total = format_bytes(device.memory_bytes)
    used = device.memory_used_bytes
    return total if used is None else f"{format_bytes(used)} of {total}"


def _cores(machine: MachineInventory) -> str:
    used = "" if machine.cpu_used is None else f"; {machine.cpu_used:.1f} busy"
    return f"{machine.cpu_held:g} of {machine.cpu_total:g} given out{used}"


def _bytes(machine: MachineInventory) -> str:
    used = machine.memory_used_bytes
    told = "" if used is None else f"; {format_bytes(used)} in use"
    held, total = format_bytes(machine.memory_held_bytes), format_bytes(machine.memory_total_bytes)
    return f"{held} of {total} given out{told}"
