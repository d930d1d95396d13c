"""Who may start: the machine's cores, memory and GPUs as one inventory, given out in order.

Steps of runs ask, and so do live notebook kernels that take a lease of a GPU. First come, first
served. Whoever does not fit yet may be passed by later ones that do, but by those that take what it
needs only `PATIENCE` times: then what it needs is kept for it, so that a large step never starves.
What a kernel holds may be held for hours, so nothing is kept for those that wait for a kernel.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.quantities import format_bytes, format_count
from jupyter_mlplat.services.pipelines.devices import Device, DeviceLedger

PATIENCE = 16
_NAMED = 4  # holders in a reason; more are counted

Key = tuple[str, str]
"""(run id, step), or (LEASE, id of the lease)"""

LEASE = "lease"


class Demand(Protocol):
    """What somebody asks for: the `Resources` of a step, the `LeaseDemand` of a kernel."""

    @property
    def cpu(self) -> float: ...

    @property
    def memory_bytes(self) -> int | None: ...

    @property
    def gpu(self) -> float:
        """Whole devices, or a share of one below 1."""


@dataclass(frozen=True, slots=True)
class LeaseDemand:
    """What a kernel asks for: devices. Its cores and memory are its own affair."""

    gpu: float
    cpu: float = 0.0
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the machine has to give."""

    cpu: float
    memory_bytes: int
    gpus: tuple[Device, ...] = ()

    def refuse_impossible(self, step: str, demand: Demand) -> None:
        """Say at once that a step can never start here.

        Raises:
            InvalidInput: It asks for more than the whole machine has.
        """
        self.refuse(f"run step {step!r} on this machine", demand, step=step)

    def refuse(self, act: str, demand: Demand, **details: str) -> None:
        """Say at once that something can never be done here.

        Raises:
            InvalidInput: It asks for more than the whole machine has.
        """
        asked = way_out = ""
        if demand.cpu > self.cpu:
            asked, has = format_count(demand.cpu, "CPU"), format_count(self.cpu, "CPU")
        elif demand.memory_bytes is not None and demand.memory_bytes > self.memory_bytes:
            asked, has = format_bytes(demand.memory_bytes), format_bytes(self.memory_bytes)
        elif demand.gpu > 0 and not self.gpus:
            asked, has = format_gpus(demand.gpu), "none that is known here"
            way_out = "Ask for none, or go to a machine with one: `jupyter mlplat gpus` lists them."
        elif demand.gpu > len(self.gpus):
            asked, has = format_gpus(demand.gpu), format_gpus(len(self.gpus))
        if asked:
            raise InvalidInput(
                f"Cannot {act}: it asks for {asked}, this machine has {has}. "
                f"{way_out or 'Lower what the step asks for.'}",
                **details,
            )

    def device(self, number: int) -> Device:
        """Return a device by its number; one that is there no longer has nothing but that."""
        return next((gpu for gpu in self.gpus if gpu.number == number), Device(number))


ELSEWHERE = Inventory(1024.0, 2**62, tuple(Device(number) for number in range(64)))
"""What a place has that admits by itself, a cluster: as much as anybody may ask for."""

NOTHING = LeaseDemand(0)
"""What is asked of this machine for work that runs elsewhere."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one key holds."""

    demand: Demand
    gpus: tuple[int, ...] = ()
    label: str = ""

    @property
    def share(self) -> float:
        """How much it has of each of its devices."""
        return min(self.demand.gpu, 1)


@dataclass(slots=True)
class Waiting:
    """What one key waits for."""

    demand: Demand
    label: str = ""
    passed: int = 0
    lacks: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Kept:
    """What is kept for those that have been passed too often."""

    cpu: float = 0.0
    memory_bytes: int = 0
    gpus: set[int] = field(default_factory=set)


class Admission:
    """Gives the inventory out. Does no I/O; belongs to one thread."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self._held: dict[Key, Grant] = {}
        self._waiting: dict[Key, Waiting] = {}  # in order
        self._cpu_free = inventory.cpu
        self._memory_free = inventory.memory_bytes
        self._devices = DeviceLedger(device.number for device in inventory.gpus)
        self._needs_no_cpu = 0  # how many wait that may start where no core is free
        self._gpus_changed = False

    def enqueue(self, key: Key, demand: Demand, label: str = "") -> None:
        """Join the end of the queue; a key that waits or holds already stays where it is."""
        if key not in self._held and key not in self._waiting:
            self._waiting[key] = Waiting(demand, label)
            self._needs_no_cpu += demand.cpu <= 0

    def hold(self, key: Key, demand: Demand, gpus: tuple[int, ...], label: str = "") -> None:
        """Count what somebody holds since before this engine, whatever is free."""
        self._leave(key)
        self._give(key, demand, gpus, label)

    def release(self, key: Key) -> None:
        """Take back what a key holds, or its place in the queue; unknown keys are no error."""
        self._leave(key)
        grant = self._held.pop(key, None)
        if grant is not None:
            self._cpu_free += grant.demand.cpu
            self._memory_free += grant.demand.memory_bytes or 0
            self._devices.give_back(grant.demand.gpu, grant.gpus)
            self._gpus_changed |= bool(grant.gpus)

    def grants(self) -> Iterator[tuple[Key, Grant]]:
        """Give to all that fit now, in order."""
        overtaken: list[Waiting] = []
        kept = _Kept()
        for key, waiting in list(self._waiting.items()):
            if self._cpu_free - kept.cpu <= 0 and not self._needs_no_cpu:
                return
            demand = waiting.demand
            gpus = self._fitting(demand, kept)
            if gpus is not None:
                self._leave(key)
                grant = self._give(key, demand, gpus, waiting.label)
                for other in overtaken:
                    self._note_passing(other, demand)
                yield key, grant
                continue
            waiting.lacks = self._lacks(demand)
            overtaken.append(waiting)
            if waiting.passed >= PATIENCE and (devices := self._keepable(demand)) is not None:
                kept.cpu += demand.cpu
                kept.memory_bytes += demand.memory_bytes or 0
                kept.gpus.update(devices)

    def reason(self, key: Key) -> str | None:
        """Say what a key in the queue waits for; None when it is not in the queue."""
        waiting = self._waiting.get(key)
        if waiting is None:
            return None
        demand, lacks = waiting.demand, []
        if demand.cpu > self._cpu_free:
            lacks.append(_lack(f"{demand.cpu:g}", f"{max(0.0, self._cpu_free):g}", "CPU"))
        if demand.memory_bytes is not None and demand.memory_bytes > self._memory_free:
            free = format_bytes(max(0, self._memory_free))
            lacks.append(_lack(format_bytes(demand.memory_bytes), free, "memory"))
        if self._devices.find(demand.gpu) is None:
            lacks.append(self._lack_of_gpus(demand.gpu))
        return ", ".join(lacks) or "its turn"

    def changed_reasons(self, most: int = 20) -> list[Key]:
        """Return who of those that wait for GPUs waits for others than at the last call."""
        if not self._gpus_changed:
            return []
        self._gpus_changed = False
        keys = (key for key, waiting in self._waiting.items() if waiting.demand.gpu > 0)
        return list(islice(keys, most))

    @property
    def held(self) -> dict[Key, Grant]:
        """Who holds what now."""
        return dict(self._held)

    @property
    def waiting(self) -> dict[Key, Waiting]:
        """Who waits for what now, in order."""
        return dict(self._waiting)

    def _lack_of_gpus(self, gpu: float) -> str:
        free = self._devices.free
        whole = sum(share == 1 for share in free.values())
        most = max(free.values(), default=0)
        left = f"{most:g} of one" if gpu < 1 or (not whole and most) else f"{whole}"
        return _lack(f"{gpu:g}", left, "GPU") + self._holders()

    def _holders(self) -> str:
        """Name who has the devices."""
        told = [
            f"{grant.label} has {_and(f'GPU {number}' for number in grant.gpus)}"
            + (f" ({grant.share:g} of it)" if grant.share < 1 else "")
            for grant in self._held.values()
            if grant.gpus and grant.label
        ]
        if not told:
            return ""
        rest = [f"{len(told) - _NAMED} more"] if len(told) > _NAMED else []
        return f" ({'; '.join([*told[:_NAMED], *rest])})"

    def _fitting(self, demand: Demand, kept: _Kept) -> tuple[int, ...] | None:
        """Return the devices for a demand that fits now; None: it does not fit."""
        if demand.cpu > 0 and demand.cpu > self._cpu_free - kept.cpu:
            return None
        if demand.memory_bytes and demand.memory_bytes > self._memory_free - kept.memory_bytes:
            return None
        return self._devices.find(demand.gpu, kept.gpus)

    def _lacks(self, demand: Demand) -> frozenset[str]:
        """Name what there is too little of for a demand."""
        found = {
            "cpu": demand.cpu > self._cpu_free,
            "memory": (demand.memory_bytes or 0) > self._memory_free,
            "gpu": self._devices.find(demand.gpu) is None,
        }
        return frozenset(name for name, is_lacking in found.items() if is_lacking)

    def _note_passing(self, other: Waiting, demand: Demand) -> None:
        """Count it where one that was passed is the worse for it."""
        lacks = self._lacks(other.demand)
        taken = {"cpu": demand.cpu, "memory": demand.memory_bytes, "gpu": demand.gpu}
        if lacks - other.lacks or any(taken[name] for name in other.lacks):
            other.passed += 1
        other.lacks = lacks

    def _keepable(self, demand: Demand) -> tuple[int, ...] | None:
        """Return the devices to keep for a demand; None where kernels have what it needs."""
        leased = defaultdict[int, float](float)
        for key, grant in self._held.items():
            if key[0] == LEASE:
                for number in grant.gpus:
                    leased[number] += grant.share
        taken = {number for number, share in leased.items() if 1 - share < min(demand.gpu, 1)}
        devices = self._devices.nearest(demand.gpu, taken)
        return devices if len(devices) >= demand.gpu else None

    def _give(self, key: Key, demand: Demand, gpus: tuple[int, ...], label: str) -> Grant:
        self._cpu_free -= demand.cpu
        self._memory_free -= demand.memory_bytes or 0
        grant = Grant(demand, self._devices.take(demand.gpu, gpus), label)
        self._gpus_changed |= bool(grant.gpus)
        self._held[key] = grant
        return grant

    def _leave(self, key: Key) -> None:
        """Leave the queue."""
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            self._needs_no_cpu -= waiting.demand.cpu <= 0


def format_gpus(gpu: float) -> str:
    """Write a demand for GPUs: `2 GPUs`, `0.5 of a GPU`."""
    return f"{gpu:g} of a GPU" if 0 < gpu < 1 else format_count(gpu, "GPU")


def _lack(asked: str, free: str, noun: str) -> str:
    return f"{noun}: asks for {asked}, {free} free"


def _and(words: Iterator[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
