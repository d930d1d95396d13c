"""What a process is told of the GPUs it holds: its environment variables. Pure.

Enforced is what the driver does with `CUDA_VISIBLE_DEVICES`: another device cannot be seen through
CUDA. Of a share nothing is enforced by this: the variables are requests to JAX, to TensorFlow, and
to NVIDIA's MPS daemon, which alone bounds memory and compute, where one runs.
"""

from collections.abc import Sequence

from jupyter_mlplat.services.pipelines.devices import Device

SHARE = "MLPLAT_GPU_SHARE"


def variables_of(devices: Sequence[Device], gpu: float) -> dict[str, str]:
    """Return what a holder of these devices finds in its environment.

    Args:
        devices: In their order: CUDA numbers them from 0.
        gpu: What was asked for; below 1 a share of the one device.
    """
    if not devices:
        return {}
    variables = {"CUDA_VISIBLE_DEVICES": ",".join(device.address for device in devices)}
    if any(not device.id for device in devices):  # numbers: let them mean what nvidia-smi means
        variables["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if gpu < 1:
        variables |= {
            SHARE: f"{gpu:g}",
            "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{gpu:g}",
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
            "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": f"{max(1, round(100 * gpu))}",
        }
        if memory := devices[0].memory_bytes:
            limit = int(gpu * memory) >> 20
            variables["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = f"0={limit}M"
    return variables
