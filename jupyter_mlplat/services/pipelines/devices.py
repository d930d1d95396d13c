"""Who has which GPU: whole devices, and shares of one. Pure.

A share is bookkeeping: of one device never more than it has is given away. Whether a process keeps
to its share is its own affair, as no device divides itself for the asking. (MIG instances are
devices of their own here.)
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

_WHOLE = 1_000_000  # parts: shares add up without the errors of floating point


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU, or a MIG instance of one.

    Args:
        number: Among the devices of this machine; what people and records call it.
        id: UUID, as the driver tells it; empty where it is not known.
        name: Of the product.
        kind: `gpu` or `mig`.
        memory_bytes: None: not known.
        visible: What `CUDA_VISIBLE_DEVICES` has to say for a process to see it alone.
    """

    number: int
    id: str = ""
    name: str = ""
    kind: str = "gpu"
    memory_bytes: int | None = None
    visible: str = ""

    @property
    def address(self) -> str:
        """What `CUDA_VISIBLE_DEVICES` names it by."""
        return self.visible or self.id or str(self.number)


class DeviceLedger:
    """What is free of each device."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._free = dict.fromkeys(sorted(numbers), _WHOLE)

    @property
    def total(self) -> int:
        return len(self._free)

    @property
    def free(self) -> Mapping[int, float]:
        """Return the share of each device that nobody has."""
        return {number: parts / _WHOLE for number, parts in self._free.items()}

    def find(self, gpu: float, but: Collection[int] = ()) -> tuple[int, ...] | None:
        """Say which devices would be given for a demand; None: they are not free.

        A share goes where the least is left that suffices, so that whole devices stay whole.

        Args:
            gpu: Whole devices, or a share of one.
            but: Devices that are kept for others.
        """
        if gpu <= 0:
            return ()
        need, count = _parts(min(gpu, 1)), max(1, int(gpu))
        fitting = [n for n, free in self._free.items() if free >= need and n not in but]
        if len(fitting) < count:
            return None
        return tuple(sorted(fitting, key=lambda n: (self._free[n], n))[:count])

    def nearest(self, gpu: float, but: Collection[int] = ()) -> tuple[int, ...]:
        """Say which devices a demand that waits would have first: those with the most free.

        Who gets no more of them drains them, so that the demand is met in the end.
        """
        count = 0 if gpu <= 0 else max(1, int(gpu))
        others = [number for number in self._free if number not in but]
        return tuple(sorted(others, key=lambda number: (-self._free[number], number))[:count])

    def take(self, gpu: float, numbers: Sequence[int]) -> tuple[int, ...]:
        """Give these away, as far as they are there and free; return those that were."""
        need = _parts(min(gpu, 1))
        given = tuple(number for number in numbers if self._free.get(number, 0) >= need)
        for number in given:
            self._free[number] -= need
        return given

    def give_back(self, gpu: float, numbers: Iterable[int]) -> None:
        """Take back what was given."""
        for number in numbers:
            self._free[number] += _parts(min(gpu, 1))


def _parts(share: float) -> int:
    return round(share * _WHOLE)
