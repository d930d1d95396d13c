"""Which GPUs this machine has, as their driver lists them, and how busy they are.

NVIDIA's only. NVML (the package nvidia-ml-py, where somebody has installed it) knows most; without
it `nvidia-smi -L` lists the devices, and how busy they are is not known. Nothing is guessed.
"""

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from jupyter_mlplat.services.pipelines.devices import Device

_log = logging.getLogger(__name__)

_DRIVER = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidiactl"))
_LIST_S = 15.0  # nvidia-smi initialises the driver where nothing else keeps it up
_GPU_LINE = re.compile(r"GPU (\d+): (.+?) \(UUID: (GPU-[0-9a-f-]+)\)")
_MIG_LINE = re.compile(r"MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-\S+?)\)")


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """How busy a device is; None: the driver does not say."""

    utilisation: float | None
    memory_used_bytes: int | None
    memory_bytes: int | None


def list_devices(
    declared: int | None, environment: Mapping[str, str] = os.environ
) -> tuple[Device, ...]:
    """Look which devices there are. An engine that is allowed to see fewer gives out fewer.

    Args:
        declared: How many there are said to be; None: look.
        environment: Where `CUDA_VISIBLE_DEVICES` may stand.
    """
    if declared is not None:
        return tuple(Device(number) for number in range(declared))
    found = _listed() if any(path.exists() for path in _DRIVER) else ()
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    return found if visible is None else _visible(found, visible)


def _listed() -> tuple[Device, ...]:
    with _nvml() as nvml:
        if nvml is not None:
            try:
                return tuple(_by_nvml(nvml))
            except nvml.NVMLError as error:
                _log.warning("NVML cannot list the GPUs: %s", error)
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return ()
    try:
        done = subprocess.run(
            [smi, "-L"], capture_output=True, text=True, timeout=_LIST_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("nvidia-smi cannot list the GPUs: %s", error)
        return ()
    return read_listing(done.stdout)


def read_listing(text: str) -> tuple[Device, ...]:
    """Read what `nvidia-smi -L` prints. Instances stand for the device they are part of."""
    found: list[Device] = []
    name = ""
    whole: Device | None = None
    for line in text.splitlines():
        if match := _GPU_LINE.search(line):
            if whole is not None:
                found.append(whole)
            name = match[2]
            whole = Device(0, match[3], name)
        elif match := _MIG_LINE.search(line):
            whole = None
            found.append(Device(0, match[2], f"{name}, MIG {match[1]}", "mig"))
    if whole is not None:
        found.append(whole)
    return tuple(replace(device, number=number) for number, device in enumerate(found))


def _by_nvml(nvml: Any) -> Iterator[Device]:
    number = 0
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        name = _text(nvml.nvmlDeviceGetName(handle))
        for instance in [*_instances(nvml, handle)] or [handle]:
            is_mig = instance is not handle
            yield Device(
                number,
                id=_text(nvml.nvmlDeviceGetUUID(instance)),
                name=_text(nvml.nvmlDeviceGetName(instance)) if is_mig else name,
                kind="mig" if is_mig else "gpu",
                memory_bytes=_memory(nvml, instance)[1],
            )
            number += 1


def _instances(nvml: Any, handle: Any) -> Iterator[Any]:
    """Yield the MIG instances of a device, where it is divided."""
    try:
        if not nvml.nvmlDeviceGetMigMode(handle)[0]:
            return
        most = nvml.nvmlDeviceGetMaxMigDeviceCount(handle)
    except nvml.NVMLError:  # most devices cannot be divided
        return
    for index in range(most):
        try:
            yield nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, index)
        except nvml.NVMLError:
            continue


def _visible(found: Sequence[Device], visible: str) -> tuple[Device, ...]:
    """Return the devices that CUDA would see, as CUDA reads the variable: up to the first bad word.

    A number that the driver has not listed is taken at its word: in a container that is all there
    is to know.
    """
    chosen: list[Device] = []
    for word in filter(None, (word.strip() for word in visible.split(","))):
        device = next((one for one in found if _is_meant(one, word)), None)
        if device is None and not found and (word.isdecimal() or word.startswith(("GPU-", "MIG-"))):
            number = int(word) if word.isdecimal() else len(chosen)
            kind = "mig" if word.startswith("MIG-") else "gpu"
            device = Device(number, "" if word.isdecimal() else word, "", kind)
        if device is None:
            break
        chosen.append(device)
    return tuple(chosen)


def _is_meant(device: Device, word: str) -> bool:
    if word.isdecimal():
        return device.number == int(word)
    return bool(device.id) and device.id.startswith(word)


def measure(devices: Iterable[Device]) -> tuple[Mapping[int, DeviceUse], tuple[str, ...]]:
    """Ask the driver how busy devices are; returns what is known by number, and what is not."""
    known = [device for device in devices if device.id]
    if not known:
        return {}, ()
    found: dict[int, DeviceUse] = {}
    with _nvml() as nvml:
        if nvml is None:
            return {}, (
                "How busy the GPUs are is not known: install nvidia-ml-py beside the engine.",
            )
        for device in known:
            try:
                handle = nvml.nvmlDeviceGetHandleByUUID(device.id)
            except nvml.NVMLError as error:
                _log.debug("NVML does not know %s: %s", device.id, error)
                continue
            used, total = _memory(nvml, handle)
            found[device.number] = DeviceUse(_utilisation(nvml, handle), used, total)
    return found, ()


def _memory(nvml: Any, handle: Any) -> tuple[int | None, int | None]:
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    except nvml.NVMLError:
        return None, None
    return int(memory.used), int(memory.total)


def _utilisation(nvml: Any, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
    except nvml.NVMLError:  # of MIG instances it is not known
        return None


@contextmanager
def _nvml() -> Iterator[Any]:
    """Open NVML for a moment; None where there is none."""
    try:
        nvml: Any = import_module("pynvml")
        nvml.nvmlInit()
    except Exception as error:  # not installed, no driver, or a driver of another version
        _log.debug("No NVML: %s", error)
        yield None
        return
    try:
        yield nvml
    finally:
        nvml.nvmlShutdown()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
