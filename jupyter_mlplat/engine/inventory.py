"""What this machine has to give: cores, memory, GPUs; containers' limits count."""

import os
import re
import time
from pathlib import Path

import psutil

from jupyter_mlplat.engine.devices import list_devices
from jupyter_mlplat.services.pipelines.admission import Inventory

_CGROUP_CPU = (Path("/sys/fs/cgroup/cpu.max"),)
_CGROUP_USE = Path("/sys/fs/cgroup/cpu.stat")
_CGROUP_MEMORY_USED = Path("/sys/fs/cgroup/memory.current")
_CGROUP_MEMORY_STAT = Path("/sys/fs/cgroup/memory.stat")
_CGROUP_MEMORY = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def read_inventory(cpu: float | None, memory_bytes: int | None, gpus: int | None) -> Inventory:
    """Look at the machine; what is given overrules what is found."""
    return Inventory(
        cpu=cpu or _cores(),
        memory_bytes=memory_bytes or _memory(),
        gpus=list_devices(gpus),
    )


def _cores() -> float:
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0)
    cores = cores or float(os.cpu_count() or 1)
    for path in _CGROUP_CPU:
        quota, _, period = _read(path).partition(" ")
        if quota.isdigit() and period.isdigit():
            cores = min(cores, int(quota) / int(period))
    return cores


def _memory() -> int:
    total = int(psutil.virtual_memory().total)
    for path in _CGROUP_MEMORY:
        limit = _read(path)
        if limit.isdigit():
            total = min(total, int(limit))
    return total


class MachineUse:
    """How busy cores and memory are, by whomever; a container is all there is from within it."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def look(self) -> tuple[float | None, int]:
        """Return the cores in use since the last look, None at the first, and the memory in use."""
        now, last = (time.monotonic(), _busy_seconds()), self._last
        self._last = now
        passed_s = now[0] - last[0] if last else 0.0
        cores = None if last is None or passed_s <= 0 else max(0.0, (now[1] - last[1]) / passed_s)
        return cores, _memory_used()


def _busy_seconds() -> float:
    """Return the processor time that was used so far."""
    if _is_limited():
        for line in _read(_CGROUP_USE).splitlines():
            if line.startswith("usage_usec "):
                return int(line.split()[1]) / 1e6
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def _memory_used() -> int:
    used = _read(_CGROUP_MEMORY_USED)
    if used.isdigit() and any(_read(path).isdigit() for path in _CGROUP_MEMORY):
        cached = re.search(r"^inactive_file (\d+)$", _read(_CGROUP_MEMORY_STAT), re.MULTILINE)
        return int(used) - (int(cached[1]) if cached else 0)
    memory = psutil.virtual_memory()
    return int(memory.total - memory.available)


def _is_limited() -> bool:
    return any(_read(path).partition(" ")[0].isdigit() for path in _CGROUP_CPU)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
