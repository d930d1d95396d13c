"""Who may start: the machine's cores, memory and GPUs as one inventory, given out in order.

First come, first served. Whoever does not fit yet may be passed by later ones that do, but only
`PATIENCE` times: then everybody waits until it fits, so that a large step never starves.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.kit.quantities import format_bytes, format_count
from jupyter_mlplat.resources.pipeline import Resources

PATIENCE = 16

Key = tuple[str, str]
"""(run id, step)"""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the machine has to give."""

    cpu: float
    memory_bytes: int
    gpus: tuple[int, ...] = ()

    def refuse_impossible(self, step: str, demand: Resources) -> None:
        """Say at once that a step can never start here.

        Raises:
            InvalidInput: It asks for more than the whole machine has.
        """
        asked = ""
        if demand.cpu > self.cpu:
            asked, has = format_count(demand.cpu, "CPU"), format_count(self.cpu, "CPU")
        elif demand.memory_bytes is not None and demand.memory_bytes > self.memory_bytes:
            asked, has = format_bytes(demand.memory_bytes), format_bytes(self.memory_bytes)
        elif demand.gpu > len(self.gpus):
            asked, has = format_count(demand.gpu, "GPU"), format_count(len(self.gpus), "GPU")
        if asked:
            raise InvalidInput(
                f"Cannot run step {step!r} on this machine: it asks for {asked}, "
                f"this machine has {has}. Lower what the step asks for.",
                step=step,
            )


@dataclass(frozen=True, slots=True)
class Grant:
    """What one step holds."""

    demand: Resources
    gpus: tuple[int, ...] = ()


@dataclass(slots=True)
class _Waiting:
    demand: Resources
    passed: int = 0


class Admission:
    """Gives the inventory out. Does no I/O; belongs to one thread."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self._held: dict[Key, Grant] = {}
        self._waiting: OrderedDict[Key, _Waiting] = OrderedDict()
        self._cpu_free = inventory.cpu
        self._memory_free = inventory.memory_bytes
        self._gpus_free = list(inventory.gpus)

    def enqueue(self, key: Key, demand: Resources) -> None:
        """Join the end of the queue; a key that waits or holds already stays where it is."""
        if key not in self._held:
            self._waiting.setdefault(key, _Waiting(demand))

    def hold(self, key: Key, demand: Resources, gpus: tuple[int, ...]) -> None:
        """Count what a step holds that was started by an earlier engine, whatever is free."""
        self._give(key, demand, tuple(gpu for gpu in gpus if gpu in self._gpus_free))

    def release(self, key: Key) -> None:
        """Take back what a key holds, or its place in the queue; unknown keys are no error."""
        self._waiting.pop(key, None)
        grant = self._held.pop(key, None)
        if grant is not None:
            self._cpu_free += grant.demand.cpu
            self._memory_free += grant.demand.memory_bytes or 0
            self._gpus_free = sorted([*self._gpus_free, *grant.gpus])

    def grants(self) -> Iterator[tuple[Key, Grant]]:
        """Give to all that fit now, in order."""
        overtaken: list[_Waiting] = []
        for key, waiting in list(self._waiting.items()):
            if self._cpu_free <= 0:
                return
            if self._fits(waiting.demand):
                for other in overtaken:
                    other.passed += 1
                del self._waiting[key]
                gpus = tuple(self._gpus_free[: waiting.demand.gpu])
                yield key, self._give(key, waiting.demand, gpus)
            elif waiting.passed >= PATIENCE:
                return
            else:
                overtaken.append(waiting)

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
        if demand.gpu > len(self._gpus_free):
            lacks.append(_lack(str(demand.gpu), str(len(self._gpus_free)), "GPU"))
        return ", ".join(lacks) or "its turn"

    def _fits(self, demand: Resources) -> bool:
        return (
            demand.cpu <= self._cpu_free
            and (demand.memory_bytes or 0) <= self._memory_free
            and demand.gpu <= len(self._gpus_free)
        )

    def _give(self, key: Key, demand: Resources, gpus: tuple[int, ...]) -> Grant:
        self._cpu_free -= demand.cpu
        self._memory_free -= demand.memory_bytes or 0
        self._gpus_free = [gpu for gpu in self._gpus_free if gpu not in gpus]
        self._held[key] = Grant(demand, gpus)
        return self._held[key]


def _lack(asked: str, free: str, noun: str) -> str:
    return f"{noun}: asks for {asked}, {free} free"
