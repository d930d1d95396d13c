"""What this machine has to give: cores, memory, GPUs; containers' limits count."""

import os
from pathlib import Path

import psutil

from jupyter_mlplat.services.pipelines.admission import Inventory

_CGROUP_CPU = (Path("/sys/fs/cgroup/cpu.max"),)
_CGROUP_MEMORY = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_NVIDIA = Path("/proc/driver/nvidia/gpus")


def read_inventory(cpu: float | None, memory_bytes: int | None, gpus: int | None) -> Inventory:
    """Look at the machine; what is given overrules what is found."""
    found = _gpus()
    return Inventory(
        cpu=cpu or _cores(),
        memory_bytes=memory_bytes or _memory(),
        gpus=found if gpus is None else tuple(range(gpus)),
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


def _gpus() -> tuple[int, ...]:
    """Return the device numbers that CUDA will know; an engine that sees fewer gives out fewer."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(int(number) for number in visible.split(",") if number.strip().isdigit())
    try:
        return tuple(range(len(os.listdir(_NVIDIA))))
    except OSError:
        return ()


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
